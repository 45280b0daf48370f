"""Places: one at a time, or a whole table. A place is known by its code; the same table twice changes nothing."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.core import audit
from epipolis.core.imports import ImportOptions, ImportReport, Row, batches, read_rows
from epipolis.sense.city import queries
from epipolis.sense.city.models import Neighbourhood, Place

from .reports import CellError

PLACE_FIELDS = {
    "code": gettext_noop("the place's own code, by which it is found again"),
    "name": gettext_noop("name"),
    "kind": gettext_noop("the city's word for what it is: shop, school, hospital"),
    "address": gettext_noop("address"),
    "lon": gettext_noop("longitude in degrees, WGS84"),
    "lat": gettext_noop("latitude in degrees, WGS84"),
    "neighbourhood": gettext_noop("name or code; found from the point when empty"),
    "district": gettext_noop("name or code; needed where two neighbourhoods share a name"),
}
_NEEDED = ("code", "name", "kind")
_LONGEST = {"code": 60, "name": 200, "kind": 40, "address": 200}
_BATCH = 5_000


@dataclass(frozen=True)
class PlaceRow:
    """One place, checked. `area` is the neighbourhood that its file names, else the one around its point."""

    code: str
    name: str
    kind: str
    address: str
    lon: float | None
    lat: float | None
    area: Neighbourhood | None = None

    def values(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "address": self.address,
            "lon": self.lon,
            "lat": self.lat,
            "neighbourhood_id": self.area.id if self.area else None,
            "district_id": self.area.district_id if self.area else None,
        }


@transaction.atomic
def add_place(
    code: str,
    name: str,
    kind: str,
    *,
    address: str = "",
    lon: float | None = None,
    lat: float | None = None,
    by: audit.Actor,
    at: datetime,
    simulated: bool = False,
) -> Place:
    """The place with this code, made when there is none yet; one that exists stays as it is.

    Raises:
        ValueError: a value breaks a rule; the message names it.
    """
    known = queries.place_coded(code)
    if known:
        return known
    row = _checked({"code": code, "name": name, "kind": kind, "address": address}, lon, lat, None)
    [row] = _with_areas([row])
    place, created = Place.objects.get_or_create(
        code=row.code, defaults=row.values() | {"known_at": at, "simulated": simulated}
    )
    if created:
        audit.record("city.add_place", by=by, at=at, subject=row.code)
    return place


def import_places(path: Path, options: ImportOptions) -> ImportReport:
    """Take a table of places: good rows stored, bad ones reported, all in one transaction.

    Raises:
        ValueError: the file cannot be read as a table, or lacks a column that is needed.
    """
    report = ImportReport(dry_run=options.dry_run)
    rows = _renamed(read_rows(path), options.mapping)
    with transaction.atomic():
        load_places(rows, by=options.by, at=options.at, simulated=options.simulated, report=report, progress=options.progress)
        if options.dry_run:
            transaction.set_rollback(True)
    return report


def load_places(
    rows: Iterator[tuple[int, Row]],
    *,
    by: audit.Actor,
    at: datetime,
    report: ImportReport,
    simulated: bool = False,
    progress: Any = None,
) -> ImportReport:
    """Store rows with the columns of PLACE_FIELDS; the row numbers are those of the file."""
    seen: dict[str, int] = {}
    done = 0
    for batch in batches(rows, _BATCH):
        good = []
        for number, row in batch:
            try:
                place = _read_place(row)
                if place.code in seen:
                    raise CellError("code", f"stands already in row {seen[place.code]}", place.code)
                seen[place.code] = number
                good.append((number, place))
            except CellError as broken:
                report.reject(number, broken.field, broken.rule, broken.value)
        _warn_far_from_home(good, report)
        _store(_with_areas([place for _, place in good]), at=at, simulated=simulated, report=report)
        done += len(batch)
        if progress:
            progress(done, done, "places")
    if report.created or report.changed:
        audit.record("city.load_places", by=by, at=at, created=report.created, changed=report.changed, rejected=report.rejected)
    return report


def _store(rows: list[PlaceRow], *, at: datetime, simulated: bool, report: ImportReport) -> None:
    known = {place.code: place for place in Place.objects.filter(code__in=[row.code for row in rows])}
    fresh, changed = [], []
    for row in rows:
        stored = known.get(row.code)
        values = row.values()
        if stored is None:
            fresh.append(Place(code=row.code, known_at=at, simulated=simulated, **values))
        elif any(getattr(stored, key) != value for key, value in values.items()):
            for key, value in values.items():
                setattr(stored, key, value)
            stored.edition, stored.known_at = stored.edition + 1, at
            changed.append(stored)
    Place.objects.bulk_create(fresh, batch_size=1_000)
    names = ["name", "kind", "address", "lon", "lat", "neighbourhood", "district", "edition", "known_at"]
    Place.objects.bulk_update(changed, names, batch_size=500)
    report.created, report.changed = report.created + len(fresh), report.changed + len(changed)
    report.unchanged += len(rows) - len(fresh) - len(changed)
    report.accepted += len(rows)


def _read_place(row: Row) -> PlaceRow:
    if row.get(""):
        raise CellError("", "more cells than columns" if len(row) > 1 else "the row cannot be read", row[""])
    for needed in _NEEDED:
        if not row.get(needed):
            raise CellError(needed, "must not be empty")
    lon, lat = _degrees(row, "lon", 180), _degrees(row, "lat", 90)
    named, district = row.get("neighbourhood", ""), row.get("district", "")
    area = None
    if named:
        area = queries.neighbourhood_named(named, queries.district_named(district) if district else None)
        if area is None:
            raise CellError("neighbourhood", "there is no single neighbourhood of this name or code", named)
    return _checked(row, lon, lat, area)


def _checked(row: Row, lon: float | None, lat: float | None, area: Neighbourhood | None) -> PlaceRow:
    texts = {field: row.get(field, "").strip() for field in _LONGEST}
    for field, text in texts.items():
        if len(text) > _LONGEST[field] or "\0" in text:
            raise CellError(field, f"must have at most {_LONGEST[field]} characters and no NUL", text)
        if field in _NEEDED and not text:
            raise CellError(field, "must not be empty")
    if (lon is None) != (lat is None):
        raise CellError("lon" if lon is None else "lat", "must be given with the other half of the point")
    for field, degrees, most in (("lon", lon, 180), ("lat", lat, 90)):
        if degrees is not None and not (math.isfinite(degrees) and -most <= degrees <= most):
            raise CellError(field, f"must lie between -{most} and {most}", degrees)
    return PlaceRow(**texts, lon=lon, lat=lat, area=area)


def _degrees(row: Row, field: str, most: int) -> float | None:
    text = row.get(field, "")
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise CellError(field, f"must be degrees between -{most} and {most}", text) from error


def _with_areas(rows: list[PlaceRow]) -> list[PlaceRow]:
    """The rows with the neighbourhood around each point that names none."""
    found = queries.neighbourhoods_at([_or_nan(row.lon) for row in rows], [_or_nan(row.lat) for row in rows])
    return [
        PlaceRow(row.code, row.name, row.kind, row.address, row.lon, row.lat, row.area or around)
        for row, around in zip(rows, found, strict=True)
    ]


def _warn_far_from_home(rows: Iterable[tuple[int, PlaceRow]], report: ImportReport) -> None:
    named = [(number, row) for number, row in rows if row.area and row.lon is not None]
    found = queries.neighbourhoods_at([_or_nan(r.lon) for _, r in named], [_or_nan(r.lat) for _, r in named])
    for (number, row), around in zip(named, found, strict=True):
        if row.area and (around is None or around.id != row.area.id):
            report.warn(number, "neighbourhood", "the point lies outside the neighbourhood that the row names", row.area.code)


def _or_nan(degrees: float | None) -> float:
    return math.nan if degrees is None else degrees


def _renamed(rows: Iterator[tuple[int, Row]], mapping: Any) -> Iterator[tuple[int, Row]]:
    """Rows with the columns of the file under the names of the fields."""
    names = dict(mapping) if isinstance(mapping, dict) else {}
    for number, row in rows:
        yield number, {names.get(column, column.casefold()): value for column, value in row.items()}
