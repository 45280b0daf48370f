"""Our own city as the engine builds it: its smallest areas whose people are counted, with their borders."""

import json
from typing import Any

import pyarrow as pa

from epipolis.engines import twin
from epipolis.sense.city import queries as city

_SEXES = {"F": "female", "M": "male"}
_ALL, _EMPTY = "all", 0


def our_areas() -> Any:
    """The neighbourhoods whose people are counted, else the districts.

    Areas in which nobody lives, or that have neither border nor neighbours, are left out: nobody could be placed there.

    Raises:
        ValueError: no people of our city are counted yet.
    """
    counted = city.counted_people()
    finer = [row | {"area": row["neighbourhood"]} for row in counted if row["neighbourhood"]]
    rows = finer or [row | {"area": row["district"]} for row in counted]
    rows = [row for row in rows if row["people"]] if rows else rows
    if not rows:
        raise ValueError("no people of our city are counted yet: load its population first")
    found = city.neighbourhoods() if finer else city.districts()
    lived_in = {row["area"] for row in rows}
    areas = [_area(area, bool(finer)) for area in found if area.code in lived_in and area.border]
    if not areas:
        raise ValueError("the areas of our city have no borders yet: load them first")
    drawn = {area["code"] for area in areas}
    return twin.Areas(pa.Table.from_pylist(areas), _population([row for row in rows if row["area"] in drawn]))


def _area(area: Any, is_finer: bool) -> dict[str, Any]:
    district = area.district.name if is_finer else area.name
    return {"code": area.code, "name": area.name, "district": district, "geometry": json.dumps(area.border)}


def _population(rows: list[dict[str, Any]]) -> pa.Table:
    """The counts with zeros written out; people of unknown or other sex make every count one of all."""
    is_split = all(row["sex"] in _SEXES for row in rows)
    counts: dict[tuple[str, str, int], int] = {}
    for row in rows:
        cell = (row["area"], _SEXES[row["sex"]] if is_split else _ALL, row["age_from"])
        counts[cell] = counts.get(cell, _EMPTY) + row["people"]
    ends = {row["age_from"]: row["age_to"] for row in rows}
    sexes = sorted({sex for _area_code, sex, _age in counts})
    whole = [
        {"area": area, "sex": sex, "age_from": age, "age_to": end, "people": counts.get((area, sex, age), _EMPTY)}
        for area in sorted({row["area"] for row in rows})
        for sex in sexes
        for age, end in sorted(ends.items())
    ]
    return pa.Table.from_pylist(whole)
