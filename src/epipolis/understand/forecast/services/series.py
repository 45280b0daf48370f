"""Series in: occupancies and other counts, each value kept with the moment from which it was known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.core import audit, clock, live
from epipolis.core.imports import ImportOptions, ImportReport, Row, batches, read_columns, read_rows, row_count
from epipolis.understand.forecast import queries
from epipolis.understand.forecast.models import Series, SeriesValue
from epipolis.understand.forecast.services import reading
from epipolis.understand.forecast.services.reading import RefusedError
from epipolis.understand.forecast.settings import settings

NAMES = {
    "series": ("series", "target", "kind_of_value", "signal"),
    "area": ("area", "location", "region", "district", "hospital", "geo_value"),
    "day": ("day", "date", "time_value", "target_end_date"),
    "value": ("value", "count", "beds", "occupied"),
    "limit": ("limit", "capacity", "beds_available"),
    "known_on": ("known_on", "as_of", "issue", "published"),
    "kind": ("kind",),
    "title": ("title",),
}
FIELDS = {
    "series": gettext_noop("what is counted: ward, icu, ventilators, or a name of its own"),
    "area": gettext_noop("district, hospital or other area; empty: the whole city"),
    "day": gettext_noop("the day, or the last day of the week"),
    "value": gettext_noop("how many; empty takes an earlier value back"),
    "limit": gettext_noop("how many there may be at most, such as staffed beds"),
    "known_on": gettext_noop("the day on which it was published; empty: now"),
    "kind": gettext_noop("count (of a day or week) or occupancy (at the time)"),
    "title": gettext_noop("the name that people read"),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_RESERVED = {*queries.COUNTED, "people", "left hospital"}


@dataclass(frozen=True)
class _Read:
    number: int
    name: str
    kind: str
    title: str
    area: str
    day: date
    known_at: datetime
    value: float | None
    limit: float | None


def import_series(path: Path, options: ImportOptions) -> ImportReport:
    """Take a table of series: good rows are stored, each bad one is named; what is known already changes nothing.

    Raises:
        ValueError: the file cannot be read, or lacks the columns of series, day and value.
    """
    report = ImportReport(dry_run=options.dry_run)
    names = read_columns(path)
    columns = reading.columns_of(names, NAMES, options.mapping)
    if missing := {"series", "day", "value"} - columns.keys():
        raise ValueError(f"{path.name}: no column for {', '.join(sorted(missing))}; it has {', '.join(names)[:300]}")
    report.mapping = {column: field for field, column in columns.items()}
    done, total = 0, row_count(path)
    for batch in batches(read_rows(path), settings.import_rows):
        _store([read for number, row in batch if (read := _read(number, row, columns, report, options))], report, options)
        done += len(batch)
        options.progress(done, max(done, total), "")
    return report


def _read(number: int, row: Row, columns: Mapping[str, str], report: ImportReport, options: ImportOptions) -> _Read | None:
    try:
        name = reading.text(row, columns, "series", longest=40).casefold().replace(" ", "-")
        if not _NAME.fullmatch(name):
            raise RefusedError("series", gettext_noop("must be letters, digits and hyphens"), name)
        if name in _RESERVED:
            raise RefusedError("series", gettext_noop("is counted from the line list"), name)
        where = reading.text(row, columns, "area", longest=60, needed=False)
        day = reading.day(row, columns, "day")
        published = reading.day(row, columns, "known_on", needed=False)
        kind = reading.text(row, columns, "kind", longest=20, needed=False) or _usual_kind(name)
        if kind not in Series.Kind.values:
            raise RefusedError("kind", gettext_noop("must be count or occupancy"), kind)
        assert day is not None  # noqa: S101 -- the day is needed, so reading it gave one
        return _Read(
            number, name, kind, reading.text(row, columns, "title", longest=100, needed=False),
            queries.area_of(where) or where, day, _moment(day, published, options.at),
            reading.number(row, columns, "value", needed=False), reading.number(row, columns, "limit", needed=False),
        )  # fmt: skip
    except RefusedError as error:
        report.reject(number, error.field, error.rule, error.value)
        return None


def _usual_kind(name: str) -> str:
    return str(Series.Kind.OCCUPANCY if name in queries.OCCUPANCIES else Series.Kind.COUNT)


def _moment(day: date, published: date | None, at: datetime) -> datetime:
    """From when a value was known: the end of the day on which it was published, or now."""
    today = clock.local_day(at)
    if day > today:
        raise RefusedError("day", gettext_noop("lies in the future"), day)
    if published is None:
        return at
    if published > today:
        raise RefusedError("known_on", gettext_noop("lies in the future"), published)
    if published < day:
        raise RefusedError("known_on", gettext_noop("lies before the day that was counted"), published)
    return min(clock.start_of(published + timedelta(days=1)), at)


@transaction.atomic
def _store(rows: list[_Read], report: ImportReport, options: ImportOptions) -> None:
    known = queries.series_named({row.name for row in rows})
    for row in rows:
        made = known.get(row.name)
        if made is None:
            known[row.name] = _new_series(row, options)
        elif made.kind != row.kind:
            row_rule = gettext_noop("this series is of another kind")
            report.reject(row.number, "kind", row_rule, row.kind)
    before = queries.told_before([one for one in known.values() if one.pk], [row.day for row in rows])
    fresh = []
    for row in rows:
        if known[row.name].kind != row.kind:
            continue
        told = before.setdefault((row.name, row.area, row.day), [])
        then = [one for one in told if one[0] <= row.known_at]
        if then and then[-1][1:] == (row.value, row.limit):
            report.unchanged += 1
        elif then and then[-1][0] == row.known_at:
            report.reject(row.number, "value", gettext_noop("another value was known at that moment already"), row.value)
            continue
        else:
            fresh.append(row)
            report.created, report.changed = report.created + (not told), report.changed + bool(told)
            told.append((row.known_at, row.value, row.limit))
            told.sort(key=lambda one: one[0])
        report.accepted += 1
    if fresh and not options.dry_run:
        _write(fresh, known, options)


def _new_series(row: _Read, options: ImportOptions) -> Series:
    title = row.title or row.name.replace("-", " ")
    source = (options.source or "")[:100]
    made = Series(name=row.name, title=title, kind=row.kind, source=source, made=options.at, simulated=options.simulated)
    if not options.dry_run:
        made.save()
    return made


def _write(rows: list[_Read], known: dict[str, Series], options: ImportOptions) -> None:
    SeriesValue.objects.bulk_create(
        [
            SeriesValue(
                series=known[row.name], area=row.area, day=row.day, known_at=row.known_at, stored_at=options.at,
                value=row.value, limit=row.limit,
            )
            for row in rows
        ]
    )  # fmt: skip
    detail: dict[str, Any] = {"rows": len(rows)}
    audit.record(
        "forecast.series", by=options.by, at=options.at, subject=", ".join(sorted({r.name for r in rows}))[:200], **detail
    )
    live.tell("forecast")


@transaction.atomic
def forget_series(*, before: datetime, at: datetime) -> int:
    """Erase uploaded values of days before a moment, and series of which nothing is left; return how many values."""
    old = SeriesValue.objects.filter(day__lt=clock.local_day(before))
    touched = set(old.values_list("series_id", flat=True).distinct())
    _rows, kinds = old.delete()
    Series.objects.filter(id__in=touched, values=None).delete()
    return kinds.get("forecast.SeriesValue", 0)
