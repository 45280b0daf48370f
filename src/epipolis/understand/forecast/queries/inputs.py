"""What was known at a moment: the whole input of a round, as one table that is stored with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models import Max

from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.city import queries as city
from epipolis.sense.declarations import queries as declarations
from epipolis.understand.forecast.models import Series, SeriesValue
from epipolis.understand.forecast.queries.targets import ADMISSIONS, CITY, COUNTED, DECLARED, LINE_LIST, WARD
from epipolis.understand.forecast.settings import settings

_LEFT, _PEOPLE = "left hospital", "people"
_SCHEMA = pa.schema(
    [
        ("target", pa.string()),
        ("area", pa.string()),
        ("day", pa.date32()),
        ("known_on", pa.date32()),
        ("value", pa.float64()),
        ("limit", pa.float64()),
    ]
)
Row = tuple[str, str, date, date | None, float | None, float | None]


@dataclass(frozen=True)
class Known:
    """Everything that a round may look at.

    `table`: target, area (a district's code, the city, or an uploaded area), day, known_on (line list only), value, limit.
    Counts of the line list are increments by the day on which they became known. `last_day` is the last whole day.
    """

    at: datetime
    made_on: date
    last_day: date
    table: pa.Table

    @cached_property
    def by_target(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in zip(*(column.to_pylist() for column in self.table.columns), strict=True):
            found.setdefault(row[0], []).append(row)
        return found

    @cached_property
    def people(self) -> dict[str, float]:
        """How many people live in each area that was counted, and in the city."""
        found = {area: float(value or 0) for _, area, _, _, value, _ in self.by_target.get(_PEOPLE, [])}
        return found | {CITY: sum(found.values())} if found else {}

    @property
    def is_empty(self) -> bool:
        return not any(target != _PEOPLE for target in self.by_target)

    @cached_property
    def counts(self) -> dict[str, dict[str, dict[date, float]]]:
        """{target: {area: {day: value}}}; the city's counts of the line list are the sum of all areas."""
        found: dict[str, dict[str, dict[date, float]]] = {}
        for target, rows in self.by_target.items():
            if target == _PEOPLE:
                continue
            areas = found.setdefault(target, {})
            for _, area, day, _, value, _ in rows:
                if value is None:
                    continue
                for one in {area, CITY} if target in COUNTED or target == _LEFT else {area}:
                    days = areas.setdefault(one, {})
                    days[day] = days.get(day, 0.0) + value
        return found

    @property
    def areas(self) -> list[str]:
        """The city and every district with people or cases."""
        named = {area for name in LINE_LIST for area in self.counts.get(name, {})} | self.people.keys()
        return [CITY, *sorted(named - {CITY, ""})]

    @property
    def first_day(self) -> date | None:
        """The first day on which the line list counts anything; before it, zero is not known to be zero."""
        return min((day for name in LINE_LIST for days in self.counts.get(name, {}).values() for day in days), default=None)

    @cached_property
    def limits(self) -> dict[tuple[str, str], float]:
        """The newest limit that was stated with each uploaded series and area."""
        rows = [row for rows in self.by_target.values() for row in rows if row[5] is not None]
        return {(row[0], row[1]): float(row[5] or 0) for row in sorted(rows, key=lambda row: row[2])}

    def daily(self, target: str) -> dict[str, tuple[date, np.ndarray]]:
        """Each area's first day and its values day by day until the last whole day; of the line list, no report is 0."""
        if target in LINE_LIST:
            return self._filled(target, self.first_day, self.areas)
        if target in COUNTED:
            counts = self.counts.get(target, {})
            return self._filled(target, min(counts.get(CITY, {}), default=None), sorted(counts.keys() - {""}))
        if self.is_derived(target):
            return self._occupied()
        return {area: _gapped(values) for area, values in self.counts.get(target, {}).items()}

    def _filled(self, target: str, first: date | None, areas: list[str]) -> dict[str, tuple[date, np.ndarray]]:
        if first is None:
            return {}
        length = (self.last_day - first).days + 1
        found = {}
        for area in areas:
            counts = self.counts.get(target, {}).get(area, {})
            found[area] = first, np.array([counts.get(first + timedelta(n), 0.0) for n in range(length)])
        return found

    def is_derived(self, target: str) -> bool:
        """Whether an occupancy is counted from the admissions of the line list, as nobody uploaded it."""
        return target == WARD and target not in self.by_target

    def is_weekly(self, target: str) -> bool:
        """Whether an uploaded series has one value a week rather than one a day."""
        if target in COUNTED:
            return False
        if target in self._weekly:
            return self._weekly[target]
        days = sorted({day for values in self.counts.get(target, {}).values() for day in values})
        gaps = [(after - before).days for before, after in pairwise(days)]
        self._weekly[target] = bool(gaps) and float(np.median(gaps)) >= 5
        return self._weekly[target]

    def truth(self, target: str, area: str, day: date, step: int) -> float | None:
        """What was counted in the `step` days that end on a day; None where a part of it is not known."""
        if day > self.last_day:
            return None
        if target not in self._daily:
            self._daily[target] = self.daily(target)
        found = self._daily[target].get(area)
        if found is None:
            return None
        first, values = found
        until = (day - first).days + 1
        since = until - (1 if step == 1 or self.is_weekly(target) else step)
        part = values[max(since, 0) : max(until, 0)]
        return float(part.sum()) if since >= 0 and until <= len(values) and not np.isnan(part).any() else None

    @cached_property
    def _weekly(self) -> dict[str, bool]:
        return {}

    @cached_property
    def _daily(self) -> dict[str, dict[str, tuple[date, np.ndarray]]]:
        return {}

    def _occupied(self) -> dict[str, tuple[date, np.ndarray]]:
        """People in hospital by the line list: admitted until a day and not known to have left."""
        found = {}
        for area, (first, admitted) in self.daily(ADMISSIONS).items():
            if not admitted.any():
                continue
            left = self.counts.get(_LEFT, {}).get(area, {})
            gone = np.array([left.get(first + timedelta(n), 0.0) for n in range(len(admitted))])
            found[area] = first, np.maximum(np.cumsum(admitted - gone), 0.0)
        return found


def known_at(at: datetime) -> Known:
    """Everything that was known at a moment, and nothing that became known later."""
    made_on = clock.local_day(at)
    last_day = made_on - timedelta(days=1)
    first = last_day - timedelta(days=settings.history_days)
    rows = [row for row in (*_line_list(at), *_declared(at), *_series(at)) if first <= row[2] <= last_day]
    rows += [(_PEOPLE, code, last_day, None, float(count), None) for code, count in _people().items()]
    rows.sort(key=lambda row: (row[0], row[1], row[2], row[3] or date.min))
    columns = zip(*rows, strict=True) if rows else [()] * len(_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    return Known(at, made_on, last_day, pa.table(arrays, schema=_SCHEMA))


def to_bytes(known: Known) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(known.table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def from_bytes(content: bytes, at: datetime) -> Known:
    """The stored input of a round, exactly as it was."""
    made_on = clock.local_day(at)
    return Known(at, made_on, made_on - timedelta(days=1), pq.read_table(pa.BufferReader(content)))


def digest_of(known: Known) -> str:
    """One text for the whole input: equal texts, equal inputs."""
    digest = sha256()
    for column in known.table.columns:
        digest.update(repr(column.to_pylist()).encode())
    return digest.hexdigest()


def series_rows() -> list[dict[str, Any]]:
    """Every uploaded series with how much of it there is."""
    found = []
    for series in Series.objects.order_by("title", "id"):
        values = SeriesValue.objects.filter(series=series)
        facts = values.aggregate(last=Max("day"), known=Max("known_at"))
        areas = values.values("area").distinct().count()
        found.append({"series": series, "areas": areas, "last_day": facts["last"], "known_at": facts["known"]})
    return found


def _line_list(at: datetime) -> Iterator[Row]:
    wanted = {name: target.happened for name, target in LINE_LIST.items()} | {_LEFT: "left_hospital"}
    for name, happened in wanted.items():
        for day, code, became_known, count in cases.counts_as_known(happened, at):
            yield name, code or "", day, became_known, float(count), None


def _declared(at: datetime) -> Iterator[Row]:
    for day, code, became_known, count in declarations.counts_as_known(at):
        yield DECLARED, code or "", day, became_known, float(count), None


def _series(at: datetime) -> Iterator[Row]:
    """The newest value of each day that was known at the moment."""
    found = SeriesValue.objects.filter(known_at__lte=at).order_by("series", "area", "day", "-known_at", "-id")
    newest = found.distinct("series", "area", "day").values_list("series__name", "area", "day", "value", "limit")
    for name, area, day, value, limit in newest:
        yield name, area, day, None, value, limit


def _people() -> dict[str, int]:
    counted = city.population()
    return {one.code: counted[one.id] for one in city.districts().defer("border") if one.id in counted}


def _gapped(values: dict[date, float]) -> tuple[date, np.ndarray]:
    first, last = min(values), max(values)
    return first, np.array([values.get(first + timedelta(n), np.nan) for n in range((last - first).days + 1)])
