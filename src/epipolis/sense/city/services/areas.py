"""Districts and neighbourhoods from GeoJSON: read, checked, matched by code, stored when something differs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from shapely.geometry import shape

from epipolis.sense.city import queries
from epipolis.sense.city.models import District, Neighbourhood

from .borders import Border, read_border
from .reports import LoadReport

_NEAR = 0.0005  # degrees: district borders are often simplified by tens of metres
_DISTRICT_NAME = ("district", "name")
_OWN_NAME = ("neighbourhood", "neighborhood", "village", "ward", "name")
_DISTRICT_CODE = ("code", "coun_id", "district_code", "district_id", "id")
_OWN_CODE = ("code", "village_id", "neighbourhood_id", "ward_id", "id")


@dataclass(frozen=True)
class Area:
    """One feature of a file, checked by itself."""

    file: str
    number: int
    code: str
    name: str
    full_name: str
    district: str
    border: Border
    area_m2: float

    @property
    def label(self) -> str:
        return f"feature {self.number} {self.full_name or self.name}"

    def values(self) -> dict[str, Any]:
        return {"name": self.name, "full_name": self.full_name, "border": self.border.to_json(), "area_m2": self.area_m2}


def read_features(path: Path) -> list[dict[str, Any]]:
    """The features of a GeoJSON file.

    Raises:
        ValueError: it is not a FeatureCollection in UTF-8.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path.name}: not GeoJSON in UTF-8") from error
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not all(isinstance(item, dict) for item in features):
        raise ValueError(f"{path.name}: not a GeoJSON FeatureCollection")
    return features


def holds_neighbourhoods(path: Path, features: list[dict[str, Any]]) -> bool:
    """Whether a file's areas are neighbourhoods: by their properties, else by the file's name."""
    names = {key for item in features for key in (item.get("properties") or {})}
    return bool(names & {"village", "neighbourhood", "neighborhood", "ward"}) or not path.name.startswith("district")


def read_areas(path: Path, features: list[dict[str, Any]], *, finer: bool, report: LoadReport) -> list[Area]:
    """Check each feature of a file; problems go into the report, and their areas are left out."""
    found, codes = [], dict[str, str]()
    for number, feature in enumerate(features, start=1):
        given = feature.get("properties")
        properties: dict[str, Any] = given if isinstance(given, dict) else {}
        name = _first(properties, _OWN_NAME if finer else _DISTRICT_NAME)
        area = _read_area(path.name, number, name, properties, feature.get("geometry"), finer=finer, report=report)
        if area is None:
            continue
        if area.code in codes:
            report.refuse(path.name, area.label, "code", f"the code {area.code} stands already at {codes[area.code]}")
            continue
        codes[area.code] = area.label
        found.append(area)
    return found


def store_districts(areas: list[Area], *, at: datetime, simulated: bool, report: LoadReport) -> None:
    known = {area.code: area for area in District.objects.all()}
    fresh = [
        District(code=area.code, known_at=at, simulated=simulated, **area.values()) for area in areas if area.code not in known
    ]
    changed = _changes((known[area.code], area.values()) for area in areas if area.code in known)
    for district in changed:
        district.edition, district.known_at = district.edition + 1, at
    District.objects.bulk_create(fresh)
    District.objects.bulk_update(changed, ["name", "full_name", "border", "area_m2", "edition", "known_at"], batch_size=200)
    report.count("districts", created=len(fresh), changed=len(changed), unchanged=len(areas) - len(fresh) - len(changed))


def store_neighbourhoods(areas: list[Area], *, at: datetime, simulated: bool, report: LoadReport) -> None:
    known = {area.code: area for area in Neighbourhood.objects.all()}
    placed = list(_with_districts(areas, report))
    _refuse_same_names(placed, known, report)
    fresh, pairs = [], []
    for area, district in placed:
        values = area.values() | {"district_id": district.id}
        if area.code in known:
            pairs.append((known[area.code], values))
        else:
            fresh.append(Neighbourhood(code=area.code, known_at=at, simulated=simulated, **values))
    changed = _changes(pairs)
    for one in changed:
        one.edition, one.known_at = one.edition + 1, at
    Neighbourhood.objects.bulk_create(fresh, batch_size=500)
    names = ["name", "full_name", "district_id", "border", "area_m2", "edition", "known_at"]
    Neighbourhood.objects.bulk_update(changed, [name.removesuffix("_id") for name in names], batch_size=200)
    report.count("neighbourhoods", created=len(fresh), changed=len(changed), unchanged=len(pairs) - len(changed))


def _read_area(
    file: str, number: int, name: str, properties: dict[str, Any], geometry: object, *, finer: bool, report: LoadReport
) -> Area | None:
    district = _first(properties, ("district", "district_name")) if finer else ""
    full_name = _first(properties, ("full_name",))
    code = _first(properties, _OWN_CODE if finer else _DISTRICT_CODE) or full_name or (f"{district}/{name}" if finer else name)
    label = f"feature {number} {full_name or name}".strip()
    before = report.broken
    for field_name, text, longest in (("name", name, 100), ("code", code, 40), ("full_name", full_name, 200)):
        if "\0" in text or len(text) > longest:
            report.refuse(file, label, field_name, f"must have at most {longest} characters and no NUL")
    if not name:
        report.refuse(file, label, "name", "must have a name")
    try:
        border = read_border(geometry)
    except ValueError as error:
        report.refuse(file, label, "geometry", str(error))
        return None
    if border.warning:
        report.warn(file, label, "geometry", border.warning)
    given = properties.get("area_m2")
    if given is not None and not (isinstance(given, int | float) and 0 < given < 1e14):
        report.refuse(file, label, "area_m2", "must be a number of square metres above 0")
    if report.broken > before:
        return None
    return Area(file, number, code, name, full_name, district, border, round(float(given or border.area_m2), 2))


def _with_districts(areas: list[Area], report: LoadReport) -> Iterator[tuple[Area, District]]:
    """Each neighbourhood with its district: the one it names, which must hold it, or the one that holds its middle."""
    districts = list(District.objects.order_by("id"))
    wide = {one.id: shape(one.border).buffer(_NEAR) for one in districts if one.border}
    by_name = {queries.plain(text): one for one in districts for text in (one.name, one.full_name, one.code) if text}
    for area in areas:
        middle = area.border.shape.representative_point()
        holding = [one for one in districts if one.id in wide and wide[one.id].contains(middle)]
        if area.district:
            named = by_name.get(queries.plain(area.district))
            if named is None:
                report.refuse(area.file, area.label, "district", f"there is no district {area.district[:60]}")
            elif named.id in wide and named not in holding:
                report.refuse(area.file, area.label, "geometry", f"lies outside its district {named.name}")
            else:
                yield area, named
        elif holding:
            yield area, min(holding, key=lambda one: shape(one.border).distance(middle))
        else:
            report.refuse(area.file, area.label, "district", "lies in no district and names none")


def _refuse_same_names(placed: list[tuple[Area, District]], known: dict[str, Neighbourhood], report: LoadReport) -> None:
    coming = {area.code for area, _ in placed}
    taken = {(one.district_id, one.name): f"the stored {code}" for code, one in known.items() if code not in coming}
    for area, district in placed:
        key = (district.id, area.name)
        if key in taken:
            report.refuse(area.file, area.label, "name", f"{district.name} has this name already: {taken[key]}")
        taken[key] = area.label


def _changes(pairs: Iterable[tuple[Any, dict[str, Any]]]) -> list[Any]:
    """The stored areas that differ from the file, with the file's values set."""
    changed = []
    for stored, values in pairs:
        # Through JSON, for a border is read back with lists where shapely gives tuples.
        if {key: getattr(stored, key) for key in values} != json.loads(json.dumps(values)):
            for key, value in values.items():
                setattr(stored, key, value)
            changed.append(stored)
    return changed


def _first(properties: dict[str, Any], keys: tuple[str, ...]) -> str:
    found = chain((str(properties[key]).strip() for key in keys if properties.get(key) not in (None, "")), [""])
    return next(found)
