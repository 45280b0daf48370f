"""Told routes from files: people by their number in another system, places by their position, days without times."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pyarrow as pa

from epipolis.core.imports import ImportOptions, ImportReport
from epipolis.sense.city import queries as city
from epipolis.sense.city import services as city_services
from epipolis.sense.people import services as people

from .routes import Stop, tell_routes

_CODE = 60


class _BadCellError(ValueError):
    def __init__(self, field: str, rule: str, value: str) -> None:
        super().__init__(rule)
        self.field, self.rule, self.value = field, rule, value


class _Row(NamedTuple):
    number: int
    who: str
    source: str  # whose number `who` is; empty for a pseudonym
    place: str
    day: date | None
    arrived: datetime | None
    left: datetime | None
    companions: int
    made: Mapping[str, str]  # the place's facts, where it is known by its position


def import_told(
    numbers: np.ndarray,
    table: pa.Table,
    columns: Mapping[str, str],
    source: str,
    report: ImportReport,
    options: ImportOptions,
) -> None:
    """Read one batch, make the people and places that are new, and keep the stops as told."""
    rows = []
    for number, cells in zip(numbers.tolist(), table.to_pylist(), strict=True):
        try:
            rows.append(_read(number, _fields(cells, columns), source))
        except _BadCellError as bad:
            report.reject(number, bad.field, bad.rule, bad.value)
    places = _places(rows, report, options)
    persons = _persons(rows, options)
    told, kept = [], []
    for row in rows:
        if row.place not in places:
            report.reject(row.number, "place", "is not a place of this city", row.place)
            continue
        who = persons[row.source, row.who] if row.source else UUID(row.who)
        told.append((who, Stop(places[row.place], row.arrived, row.left, row.day, row.companions)))
        kept.append(row.number)
    if not told:
        return
    result = tell_routes(told, by=options.by, at=options.at, simulated=options.simulated)
    report.accepted += result.stored + result.unchanged
    report.created += result.stored
    report.unchanged += result.unchanged
    for position, field, rule in result.rejected:
        report.reject(kept[position], field, rule)


def _fields(cells: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column, field in columns.items():
        value = cells.get(column)
        text = "" if value is None else str(value).strip()
        found[field] = f"{found[field]}, {text}" if field in found and field == "area" else text
    return found


def _read(number: int, cells: Mapping[str, str], source: str) -> _Row:
    source = (cells.get("source") or source)[:_CODE] if cells.get("person") else ""
    if cells.get("person") and not source:
        rule = "needs a source, which tells equal numbers apart (--source, or a column of that name)"
        raise _BadCellError("person", rule, cells["person"])
    who = cells.get("person") or _uuid(cells.get("visitor", ""))
    day = _day(cells["day"]) if cells.get("day") else None
    arrived = left = None
    if day is None:
        arrived, left = _moment("arrived", cells.get("arrived", "")), _moment("left", cells.get("left", ""))
    companions = cells.get("companions", "") or "0"
    if not companions.isdecimal() or len(companions) > 4:
        raise _BadCellError("companions", "must be a whole number", companions)
    made: dict[str, str] = {}
    place = cells.get("place", "")
    if not place:
        place, made = _position(cells)
    return _Row(number, who, source, place, day, arrived, left, int(companions), made)


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise _BadCellError("visitor", "is not a UUID", text) from None


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year < 2200:
        raise _BadCellError("day", "is not a date (YYYY-MM-DD) between 1900 and 2200", text)
    return found


def _moment(field: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 1900 <= found.year < 2200:
        raise _BadCellError(field, "is not a moment with a time zone between 1900 and 2200", text)
    return found


def _position(cells: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    kind = cells.get("kind", "") or "place"
    for field, most in (("lat", 90.0), ("lon", 180.0)):
        try:
            value = float(cells.get(field, ""))
        except ValueError:
            value = math.nan
        if not -most <= value <= most:
            raise _BadCellError(field, f"is not a number of degrees from {-most:g} to {most:g}", cells.get(field, ""))
    code = f"{kind}@{cells['lat']},{cells['lon']}"
    if len(code) > _CODE:
        raise _BadCellError("kind", "is too long", kind)
    name = ", ".join(filter(None, (kind.replace("_", " "), cells.get("area", ""))))[:200]
    return code, {"code": code, "name": name, "kind": kind[:40], "lon": cells["lon"], "lat": cells["lat"]}


def _places(rows: list[_Row], report: ImportReport, options: ImportOptions) -> dict[str, int]:
    wanted = {row.place for row in rows}
    known = city.places_coded(wanted)
    fresh = {row.place: row for row in rows if row.made and row.place not in known}
    if not fresh:
        return known
    made = ImportReport()
    items = ((row.number, dict(row.made)) for row in fresh.values())
    city_services.load_places(items, by=options.by, at=options.at, simulated=options.simulated, report=made)
    for problem in made.problems:
        report.warn(problem.row, problem.field, problem.rule, problem.value)
    return city.places_coded(wanted)


def _persons(rows: list[_Row], options: ImportOptions) -> dict[tuple[str, str], UUID]:
    """Who is meant by each source and number."""
    numbers = list(dict.fromkeys((row.source, row.who) for row in rows if row.source))
    wanted = [people.PersonRow(identifiers=[number], simulated=options.simulated) for number in numbers]
    found = people.find_or_make_people(wanted, by=options.by, at=options.at) if wanted else []
    return {number: person for number, (person, _) in zip(numbers, found, strict=True)}
