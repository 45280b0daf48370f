"""A real city's areas and how many people of which sex and age live in each: checked, then laid out."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.counts import check_counts
from epipolis.engines.twin.draws import Floats, Ints
from epipolis.engines.twin.geography import (
    METRES_PER_DEGREE,
    PEOPLE_PER_SQUARE_KILOMETRE,
    Ground,
    Outlines,
    covered_area,
    edges_of,
    geojson,
    signed_area,
    to_metres,
)

_FARTHEST = 200_000.0
_CORNERS = 24
_CROSSED = 0.05
_WHOLE_CITY = "City"


@dataclass(frozen=True)
class Areas:
    """The tables that a city is built from. `City.neighbourhoods`, `.population` and `.districts` are such tables.

    `areas`: code, name (else the code), district (code or name; else one for all), and geometry (a GeoJSON Polygon or
    MultiPolygon as text, WGS84) or lon and lat of the middle; area_m2 is optional.
    `population`: area (or neighbourhood: the code), sex (female, male, F, M; or all), age_from, age_to (inclusive; null:
    no end), people. Every area and sex is counted by the same age groups, from 0 without gaps, zeros written out.
    `districts`: code, name, geometry; without it, districts are what `areas` names, drawn as their areas together.
    """

    areas: pa.Table
    population: pa.Table
    districts: pa.Table | None = None


@dataclass(frozen=True)
class Counted:
    """Areas that passed every check, neighbours near each other in order: by district, then along a Hilbert curve.

    `people` (areas, 2, groups): men, then women, by `age_groups` (first and last age, both included).
    """

    ground: Ground
    people: Ints
    age_groups: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Shape:
    border: str
    rings: list[Floats]
    area: float
    middle: Floats


def check_areas(areas: Areas) -> Counted:
    """Check everything before any work starts.

    Raises ValueError with one sentence (table, row, field, rule) for a missing column, an empty or repeated code, a
    border that is no polygon, is open, crosses itself, encloses nothing or lies outside WGS84, an area far from all
    others or without people, people without an area, and counts that are negative, broken, missing or double.
    """
    codes = _codes(areas.areas)
    named = _texts(areas.areas, "district") or [_WHOLE_CITY] * len(codes)
    district_codes, district_names, drawn, district = _districts(areas.districts, named)
    people, groups = check_counts(areas.population, codes)
    shapes = _shapes(areas.areas, codes, people.sum(axis=(1, 2)))
    middles = np.array([shape.middle for shape in shapes])
    centre = tuple(np.round(np.average(middles, axis=0, weights=people.sum(axis=(1, 2))), 6).tolist())
    if abs(centre[1]) > 80 or abs(centre[0]) > 179:
        raise ValueError(f"The city must lie between 80° south and 80° north, away from the date line: {centre}.")
    metres = to_metres(middles, centre)
    far = np.flatnonzero(np.hypot(*metres.T) > _FARTHEST)
    if len(far):
        away = np.hypot(*metres[far[0]]) / 1000
        raise _wrong("Areas", far[0], codes, "geometry", f"lies {away:.0f} km from the middle of the city")
    order = _order(metres, district)
    names = _texts(areas.areas, "name") or codes
    ground = Ground(
        neighbourhoods=_outlines(shapes, codes, names, order),
        districts=_district_outlines(district_codes, district_names, drawn, shapes, district),
        district_of=district[order],
        rings=[shapes[number].rings for number in order],
        centres=metres[order],
        centre=centre,
    )
    return Counted(ground, people[order], groups)


def _wrong(table: str, row: int, codes: list[str], field: str, rule: str) -> ValueError:
    return ValueError(f"{table}, row {row + 1} ({codes[row]}), {field}: {rule}.")


def _codes(table: pa.Table) -> list[str]:
    if "code" not in table.column_names:
        raise ValueError("Areas has no column code.")
    if "geometry" not in table.column_names and not {"lon", "lat"} <= set(table.column_names):
        raise ValueError("Areas has neither a column geometry nor columns lon and lat.")
    if not table.num_rows:
        raise ValueError("Areas has no rows.")
    return _unlike_codes(table, "Areas")


def _unlike_codes(table: pa.Table, name: str) -> list[str]:
    codes = _texts(table, "code")
    first: dict[str, int] = {}
    for row, code in enumerate(codes):
        if not code:
            raise ValueError(f"{name}, row {row + 1}, code: is empty.")
        if code in first:
            raise ValueError(f"{name}, row {row + 1}, code: {code} stands already in row {first[code] + 1}.")
        first[code] = row
    return codes


def _texts(table: pa.Table, name: str) -> list[str]:
    """A column as texts, empty where nothing is written; no texts without the column."""
    if name not in table.column_names:
        return []
    return ["" if value is None else str(value).strip() for value in table.column(name).to_pylist()]


def _districts(table: pa.Table | None, named: list[str]) -> tuple[list[str], list[str], list[_Shape] | None, Ints]:
    """Codes, names and shapes of the districts, and which of them each area names."""
    if table is None:
        codes = list(dict.fromkeys(named))
        names, shapes = codes, None
    else:
        if not {"code", "geometry"} <= set(table.column_names):
            raise ValueError("Districts needs the columns code and geometry.")
        codes = _unlike_codes(table, "Districts")
        names = _texts(table, "name") or codes
        drawn = [_read_shape(text, "Districts", row, codes) for row, text in enumerate(_texts(table, "geometry"))]
        shapes = _sized(drawn, _stated(table, "Districts", codes))
    known = {name: number for number, name in enumerate(names)} | {code: number for number, code in enumerate(codes)}
    for row, name in enumerate(named):
        if not name:
            raise ValueError(f"Areas, row {row + 1}, district: is empty.")
        if name not in known:
            raise ValueError(f"Areas, row {row + 1}, district: there is no district {name}.")
    return codes, names, shapes, np.array([known[name] for name in named])


def _shapes(table: pa.Table, codes: list[str], people: Ints) -> list[_Shape]:
    stated = _stated(table, "Areas", codes)
    if "geometry" in table.column_names:
        shapes = [_read_shape(text, "Areas", row, codes) for row, text in enumerate(_texts(table, "geometry"))]
    else:
        places = zip(table.column("lon").to_pylist(), table.column("lat").to_pylist(), strict=True)
        shapes = [
            _disc(place, area or count / PEOPLE_PER_SQUARE_KILOMETRE * 1e6, row, codes)
            for row, (place, area, count) in enumerate(zip(places, stated, people.tolist(), strict=True))
        ]
    return _sized(shapes, stated)


def _stated(table: pa.Table, name: str, codes: list[str]) -> list[float | None]:
    """The square metres that a table states; they count more than those that its borders enclose."""
    stated: list[Any] = table.column("area_m2").to_pylist() if "area_m2" in table.column_names else [None] * len(codes)
    for row, area in enumerate(stated):
        if area is not None and not (isinstance(area, int | float) and 1 <= area < 1e12):
            raise _wrong(name, row, codes, "area_m2", f"must be square metres from 1, not {area}")
    return stated


def _sized(shapes: list[_Shape], stated: list[float | None]) -> list[_Shape]:
    return [replace(shape, area=float(area or shape.area)) for shape, area in zip(shapes, stated, strict=True)]


def _read_shape(text: str, table: str, row: int, codes: list[str]) -> _Shape:
    """The polygon of one row; its area and centroid on the plane that touches the earth at its middle latitude."""
    polygons = _polygons(text, table, row, codes)
    rings = [ring for polygon in polygons for ring in polygon]
    corner = rings[0].min(axis=0)
    east, north = METRES_PER_DEGREE * np.cos(np.radians(rings[0][:, 1].mean())), METRES_PER_DEGREE
    plane = [[(ring - corner) * (east, north) for ring in polygon] for polygon in polygons]
    area, moment = 0.0, np.zeros(2)
    for polygon in plane:
        for number, ring in enumerate(polygon):
            signed, centroid = _centroid(ring)
            size = abs(signed) if number == 0 else -abs(signed)
            area, moment = area + size, moment + size * centroid
    if area < 1:
        raise _wrong(table, row, codes, "geometry", "encloses no area")
    covered = covered_area(edges_of([ring for polygon in plane for ring in polygon]))
    if abs(covered - area) > _CROSSED * area:
        raise _wrong(table, row, codes, "geometry", "crosses or overlaps itself")
    return _Shape(text, rings, area, np.round(moment / area / (east, north) + corner, 6))


def _polygons(text: str, table: str, row: int, codes: list[str]) -> list[list[Floats]]:
    try:
        shape: Any = json.loads(text)
        drawn = {"Polygon": [shape["coordinates"]], "MultiPolygon": shape["coordinates"]}[shape["type"]]
        polygons = [[np.array([point[:2] for point in ring], float) for ring in polygon] for polygon in drawn]
        readable = (
            all(polygons) and len(polygons) > 0 and all(ring.shape[1:] == (2,) for polygon in polygons for ring in polygon)
        )
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        readable = False
    if not readable:
        raise _wrong(table, row, codes, "geometry", "must be a GeoJSON Polygon or MultiPolygon")
    for ring in (ring for polygon in polygons for ring in polygon):
        if len(ring) < 4 or (ring[0] != ring[-1]).any():
            raise _wrong(table, row, codes, "geometry", "every ring must have four points or more and end where it begins")
        if not np.isfinite(ring).all() or (np.abs(ring) > (180, 90)).any():
            raise _wrong(table, row, codes, "geometry", "must be in degrees: longitude -180 to 180, latitude -90 to 90")
    return polygons


def _centroid(ring: Floats) -> tuple[float, Floats]:
    """Signed area and centroid of a closed ring."""
    signed = signed_area(ring)
    if signed == 0:
        return 0.0, ring[0]
    now, after = ring[:-1], ring[1:]
    cross = now[:, 0] * after[:, 1] - after[:, 0] * now[:, 1]
    return signed, ((now + after) * cross[:, None]).sum(axis=0) / (6 * signed)


def _disc(place: tuple[Any, Any], area: float, row: int, codes: list[str]) -> _Shape:
    """A round border for an area of which only the middle is known."""
    if not all(isinstance(value, int | float) and abs(value) <= most for value, most in zip(place, (180, 85), strict=True)):
        raise _wrong("Areas", row, codes, "lon", f"must be in degrees, with lat between -85 and 85, not {place}")
    middle = np.array(place, float)
    angle = np.append(np.arange(_CORNERS), 0) * 2 * np.pi / _CORNERS
    radius = (area / (_CORNERS / 2 * np.sin(2 * np.pi / _CORNERS))) ** 0.5 / METRES_PER_DEGREE
    ring = middle + radius * np.stack([np.cos(angle) / np.cos(np.radians(middle[1])), np.sin(angle)], axis=1)
    ring = np.round(ring, 7)
    return _Shape(geojson(ring), [ring], area, middle)


def _outlines(shapes: list[_Shape], codes: list[str], names: list[str], order: Ints) -> Outlines:
    return Outlines(
        codes=[codes[number] for number in order],
        names=[names[number] for number in order],
        borders=[shapes[number].border for number in order],
        areas=np.array([shapes[number].area for number in order]),
        middles=np.array([shapes[number].middle for number in order]),
    )


def _district_outlines(
    codes: list[str], names: list[str], drawn: list[_Shape] | None, shapes: list[_Shape], district: Ints
) -> Outlines:
    if drawn is None:
        drawn = [_together([shapes[row] for row in np.flatnonzero(district == number)]) for number in range(len(codes))]
    return _outlines(drawn, codes, names, np.arange(len(codes)))


def _together(shapes: list[_Shape]) -> _Shape:
    polygons: list[Any] = []
    for shape in shapes:
        border = json.loads(shape.border)
        polygons += border["coordinates"] if border["type"] == "MultiPolygon" else [border["coordinates"]]
    text = json.dumps({"type": "MultiPolygon", "coordinates": polygons}, separators=(",", ":"))
    areas = np.array([shape.area for shape in shapes])
    middle = np.average([shape.middle for shape in shapes], axis=0, weights=areas)
    return _Shape(text, [ring for shape in shapes for ring in shape.rings], float(areas.sum()), np.round(middle, 6))


def _order(metres: Floats, district: Ints) -> Ints:
    """Districts one after the other, and areas within each, along a Hilbert curve (Hilbert 1891) over the city."""
    count = np.maximum(np.bincount(district), 1)
    middle = np.stack([np.bincount(district, metres[:, axis]) / count for axis in (0, 1)], axis=1)
    return np.lexsort((_along_curve(metres), _along_curve(middle)[district]))


def _along_curve(points: Floats) -> Ints:
    """How far along a Hilbert curve of 2^10 x 2^10 cells each point lies."""
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = ((points - low) / max(float((high - low).max()), 1.0) * 1023).astype(np.int64).T.copy()
    distance = np.zeros(len(points), np.int64)
    for size in 1 << np.arange(9, -1, -1):
        right, above = (x & size) > 0, (y & size) > 0
        distance += size * size * ((3 * right) ^ above)
        flipped = right & ~above
        x, y = np.where(flipped, size - 1 - x, x), np.where(flipped, size - 1 - y, y)
        x, y = np.where(above, x, y), np.where(above, y, x)
    return distance
