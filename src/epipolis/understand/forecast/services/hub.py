"""Other teams' forecasts in: a file in the format of the forecast hubs, checked row by row, never changed afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.core import audit, clock, live
from epipolis.core.imports import ImportOptions, ImportReport, Row, read_columns, read_rows, row_count
from epipolis.engines import epidemic
from epipolis.understand.forecast import queries
from epipolis.understand.forecast.models import Forecast, Round
from epipolis.understand.forecast.services import reading
from epipolis.understand.forecast.services.reading import RefusedError

NAMES = {
    "team": ("model_id", "model", "team"),
    "reference_date": ("reference_date", "forecast_date", "origin_date"),
    "target": ("target",),
    "horizon": ("horizon",),
    "target_end_date": ("target_end_date",),
    "location": ("location", "area"),
    "output_type": ("output_type", "type"),
    "output_type_id": ("output_type_id", "quantile"),
    "value": ("value",),
}
FIELDS = {
    "team": gettext_noop("team and model; empty: the source, or the name of the file"),
    "reference_date": gettext_noop("the day from which horizons count"),
    "target": gettext_noop("what is forecast, such as “wk inc case” or “2 wk ahead inc case”"),
    "horizon": gettext_noop("how many weeks or days ahead"),
    "target_end_date": gettext_noop("the day, or the last day of the week, that is forecast"),
    "location": gettext_noop("district, or empty for the whole city"),
    "output_type": gettext_noop("only “quantile” is taken"),
    "output_type_id": gettext_noop("the level, between 0 and 1"),
    "value": gettext_noop("the value at that level"),
}
_FIRST_ROWS = 1_000_000  # more than any hub's file of one day holds
_AHEAD = timedelta(days=7)  # by how much a reference day may lie ahead of the day on which a file is sent
_OWN = {queries.BASELINE, queries.ENSEMBLE, queries.NOWCAST, queries.BEDS}
Task = tuple[str, date, str, str, int, int, date]  # team, reference day, target, area, step, horizon, day


@dataclass
class _File:
    levels: tuple[float, ...]
    areas: set[str]
    targets: set[str]
    tasks: dict[Task, dict[float, tuple[int, float]]] = field(default_factory=dict)
    others: int = 0


def import_hub(path: Path, options: ImportOptions) -> ImportReport:
    """Take a file of forecasts: good ones are stored, each bad row is named; the same file again changes nothing.

    Raises:
        ValueError: the file cannot be read, or lacks a column.
    """
    report = ImportReport(dry_run=options.dry_run)
    names = read_columns(path)
    columns = reading.columns_of(names, NAMES, options.mapping)
    if missing := {"reference_date", "target", "target_end_date", "output_type_id", "value"} - columns.keys():
        raise ValueError(f"{path.name}: no column for {', '.join(sorted(missing))}; it has {', '.join(names)[:300]}")
    report.mapping = {column: name for name, column in columns.items()}
    levels = tuple(round(float(level), 6) for level in epidemic.LEVELS)
    file = _File(levels, queries.uploaded_areas(), queries.target_names())
    total = row_count(path)
    for number, row in read_rows(path):
        if number > _FIRST_ROWS:
            raise ValueError(f"{path.name}: more than {_FIRST_ROWS:,} rows; send each day's forecasts as one file")
        _read(number, row, columns, file, report, options, usual_team=options.source or path.stem)
        options.progress(number, max(number, total), "")
    _check_order(file, report)
    _store(file, report, options)
    report.problems.sort(key=lambda problem: problem.row)
    return report


def _read(
    number: int, row: Row, columns: Mapping[str, str], file: _File, report: ImportReport, options: ImportOptions, *,
    usual_team: str,
) -> None:  # fmt: skip
    kind = row.get(columns.get("output_type", ""), "quantile").strip()
    if kind and kind != "quantile":
        if not file.others:
            report.warn(number, "output_type", gettext_noop("only quantiles are taken; such rows are left out"), kind)
        file.others += 1
        return
    try:
        task = _task(row, columns, file, options, usual_team)
        level = round(reading.number(row, columns, "output_type_id") or 0.0, 6)
        if level not in file.levels:
            raise RefusedError("output_type_id", gettext_noop("is none of the hubs’ 23 levels"), level)
        value = reading.number(row, columns, "value") or 0.0
        told = file.tasks.setdefault(task, {})
        if level in told:
            raise RefusedError("output_type_id", gettext_noop("the same forecast and level stands in an earlier row"), level)
        told[level] = number, value
    except RefusedError as error:
        report.reject(number, error.field, error.rule, error.value)


def _task(row: Row, columns: Mapping[str, str], file: _File, options: ImportOptions, usual_team: str) -> Task:
    team = reading.text(row, columns, "team", longest=60, needed=False) or usual_team[:60]
    if team in _OWN or team in queries.KNOWN_MODELS:
        raise RefusedError("team", gettext_noop("is the name of one of our own models"), team)
    reference = reading.day(row, columns, "reference_date")
    end = reading.day(row, columns, "target_end_date")
    assert reference is not None and end is not None  # noqa: S101, PT018 -- both are needed, so reading gave them
    if reference > clock.local_day(options.at) + _AHEAD:
        raise RefusedError("reference_date", gettext_noop("lies in the future"), reference)
    target, told_horizon, step = _target(reading.text(row, columns, "target", longest=100))
    if target not in file.targets:
        raise RefusedError("target", gettext_noop("nothing of this name is counted here"), target)
    horizon = told_horizon if told_horizon is not None else _horizon(row, columns)
    ahead = (end - reference).days
    if step is None:
        step = 1 if ahead == horizon and horizon > 3 else queries.WEEK
    fits = ahead == horizon if step == 1 else queries.WEEK * (horizon - 1) < ahead <= queries.WEEK * horizon
    if not fits:
        raise RefusedError("target_end_date", gettext_noop("does not fit the reference date and the horizon"), end)
    where = reading.text(row, columns, "location", longest=60, needed=False)
    area = queries.area_of(where) or (where if where in file.areas else None)
    if area is None:
        raise RefusedError("location", gettext_noop("no such area is known"), where)
    return team, reference, target, area, step, horizon, end


def _target(text: str) -> tuple[str, int | None, int | None]:
    """The target, and horizon and step where the older format tells them: "2 wk ahead inc case"."""
    words = text.split()
    if len(words) > 3 and words[1] in ("wk", "day") and words[2] == "ahead" and words[0].lstrip("-").isdecimal():
        rest = " ".join(words[3:])
        return queries.HUB_TARGETS.get(rest, rest), int(words[0][:4]), queries.WEEK if words[1] == "wk" else 1
    return queries.HUB_TARGETS.get(text, text), None, None


def _horizon(row: Row, columns: Mapping[str, str]) -> int:
    value = reading.text(row, columns, "horizon", longest=6)
    try:
        found = int(value)
    except ValueError as error:
        raise RefusedError("horizon", gettext_noop("must be a whole number"), value) from error
    if not -60 <= found <= 400:
        raise RefusedError("horizon", gettext_noop("must lie between -60 and 400"), value)
    return found


def _check_order(file: _File, report: ImportReport) -> None:
    """Values must not fall as the level rises; the row that falls is refused, the rest of its forecast kept."""
    for told in file.tasks.values():
        highest: float | None = None
        for level in sorted(told):
            number, value = told[level]
            if highest is not None and value < highest - 1e-6 * max(1.0, highest):
                report.reject(number, "value", gettext_noop("is lower than at a lower level"), value)
                del told[level]
            else:
                highest = value


@transaction.atomic
def _store(file: _File, report: ImportReport, options: ImportOptions) -> None:
    grouped: dict[tuple[str, date], dict[Task, dict[float, tuple[int, float]]]] = {}
    for task, told in file.tasks.items():
        if told:
            grouped.setdefault(task[:2], {})[task] = told
    for (team, made_on), tasks in grouped.items():
        found = queries.submission(team, made_on)
        before = queries.sent_before(found) if found else {}
        fresh = [row for task, told in tasks.items() if (row := _fresh(task, told, file, before, report, options))]
        if fresh and not options.dry_run:
            found = found or _new(team, made_on, file, options)
            Forecast.objects.bulk_create([_bound(row, found) for row in fresh], batch_size=2_000)
            detail: dict[str, Any] = {"rows": len(fresh)}
            audit.record("forecast.import", by=options.by, at=options.at, subject=f"{team} {made_on}", **detail)
    if grouped and not options.dry_run:
        live.tell("forecast")


def _fresh(
    task: Task, told: dict[float, tuple[int, float]], file: _File, before: Mapping[Any, Forecast], report: ImportReport,
    options: ImportOptions,
) -> Forecast | None:  # fmt: skip
    team, _made_on, target, area, step, horizon, day = task
    values = [told[level][1] if level in told else None for level in file.levels]
    known = before.get((target, area, step, horizon))
    if known is not None:
        if known.day == day and known.values == values:
            report.accepted, report.unchanged = report.accepted + len(told), report.unchanged + len(told)
        else:
            for number, value in told.values():
                report.reject(
                    number, "value", gettext_noop("was sent before with other values; a forecast is never changed"), value
                )
        return None
    report.accepted, report.created = report.accepted + len(told), report.created + len(told)
    marked = ""
    if day < clock.local_day(options.at):
        number = min(number for number, _ in told.values())
        marked = "sent after the day that it forecasts"
        report.warn(number, "target_end_date", gettext_noop("was sent after the day that it forecasts, and is marked so"), day)
    return Forecast(model=team, target=target, area=area, step=step, horizon=horizon, day=day, values=values, marked=marked)


def _bound(row: Forecast, found: Round) -> Forecast:
    row.round = found
    return row


def _new(team: str, made_on: date, file: _File, options: ImportOptions) -> Round:
    return Round.objects.create(
        kind=Round.Kind.IMPORTED, state=Round.State.DONE, team=team, made_on=made_on, known_at=options.at,
        made_at=options.at, asked_at=options.at, levels=list(file.levels), engine="",
        settings={"source": options.source, "simulated": options.simulated},
    )  # fmt: skip
