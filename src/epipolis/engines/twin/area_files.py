"""A folder of borders (GeoJSON) and population counts (CSV) as the tables that a city is built from.

The same folder serves `epipolis load city`: what each file holds is seen from its properties and columns.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from epipolis.engines.twin.areas import Areas

_FINER = ("neighbourhood", "neighborhood", "village", "ward")
_PEOPLE = ("people", "population", "count")
_AGE = ("age_group", "age_band", "age")
_OWN_CODE = ("code", "village_id", "neighbourhood_id", "ward_id", "id")
_DISTRICT_CODE = ("code", "coun_id", "district_code", "district_id", "id")
_TOP_YEAR = 100  # a file of single years counts everybody of this age or older in its last row
Row = dict[str, Any]


def read_areas(folder: Path) -> Areas:
    """Read the neighbourhoods of a folder, or its districts where there are no counts of neighbourhoods.

    Raises ValueError, naming file, row and rule, where a file cannot be read or a count names no area; `check_areas`
    checks the rest.
    """
    finer, districts = _read_borders(folder)
    counts = list(_read_counts(folder))
    fine = [row for row in counts if row["village"]]
    if finer and fine:
        return Areas(
            pa.Table.from_pylist(finer),
            _population(fine, finer, "village"),
            pa.Table.from_pylist(districts) if districts else None,
        )
    coarse = [row for row in counts if not row["village"]]
    if districts and coarse:
        for row in districts:
            row["district"] = row["code"]
        return Areas(
            pa.Table.from_pylist(districts), _population(coarse, districts, "district"), pa.Table.from_pylist(districts)
        )
    raise ValueError(
        f"{folder.name}: holds no borders (GeoJSON) with people counted by their areas (CSV with the columns district, village,"
        " age_group and people)."
    )


def _read_borders(folder: Path) -> tuple[list[Row], list[Row]]:
    finer: list[Row] = []
    districts: list[Row] = []
    for path in sorted(folder.glob("*.geojson")):
        try:
            features = json.loads(path.read_text(encoding="utf-8-sig"))["features"]
            properties = [dict(feature["properties"]) for feature in features]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name}: is not a GeoJSON FeatureCollection in UTF-8.") from error
        names = {name for each in properties for name in each}
        is_finer = bool(names & set(_FINER)) or not path.name.startswith("district")
        for number, (feature, known) in enumerate(zip(features, properties, strict=True), start=1):
            name = _first(known, (*_FINER, "name")) if is_finer else _first(known, ("district", "name"))
            code = _first(known, _OWN_CODE if is_finer else _DISTRICT_CODE) or name
            if not code:
                raise ValueError(f"{path.name}, feature {number}: has neither a code nor a name.")
            row: Row = {"code": code, "name": name or code, "geometry": json.dumps(feature.get("geometry"))}
            if is_finer:
                row["district"] = _first(known, ("district", "district_name")) or "City"
            row["area_m2"] = known.get("area_m2")
            (finer if is_finer else districts).append(row)
    return finer, districts


def _read_counts(folder: Path) -> Iterator[Row]:
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")]):
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as packed:
            file = io.TextIOWrapper(packed, encoding="utf-8-sig", newline="")
            rows = csv.DictReader(file)
            header = {name.strip().casefold() for name in rows.fieldnames or ()}
            if not (header & set(_PEOPLE) and header & {"district", *_FINER} and header & {*_AGE, "age_from"}):
                continue
            try:
                for number, row in enumerate(rows, start=1):
                    known = {str(name).strip().casefold(): value for name, value in row.items()}
                    yield _read_count(f"{path.name}, row {number}", known)
            except (UnicodeDecodeError, csv.Error, EOFError, OSError) as error:
                raise ValueError(f"{path.name}: is not a table in UTF-8.") from error


def _read_count(where: str, row: Row) -> Row:
    people = _first(row, _PEOPLE).removesuffix(".0")
    if not people.removeprefix("-").isdecimal():
        raise ValueError(f"{where}, people: must be a whole number, not {people or 'nothing'}.")
    if "age_from" in row:
        low, high = _first(row, ("age_from",)), _first(row, ("age_to",))
    else:
        low, high = _band(_first(row, _AGE))
    if not low.isdecimal() or not (high.isdecimal() or not high):
        raise ValueError(f"{where}, age: must be years such as 7, 25-34 or 85+.")
    return {
        "where": where,
        "district": _first(row, ("district",)),
        "village": _first(row, _FINER),
        "sex": _first(row, ("sex",)),
        "age_from": int(low),
        "age_to": int(high) if high else None,
        "people": int(people),
    }


def _band(text: str) -> tuple[str, str]:
    """`7`, `25-34` or `85+` as the first and last age, the last empty where there is no end."""
    low, dash, high = text.replace("–", "-").partition("-")
    if text.endswith("+") or dash:
        return low.strip("+ "), high.strip()
    return low, "" if low.isdecimal() and int(low) >= _TOP_YEAR else low


def _population(counts: list[Row], areas: list[Row], level: str) -> pa.Table:
    codes: dict[tuple[str, str], str | None] = {}
    for area in areas:
        for name in {area["name"], area["code"]}:
            for district in {area.get("district", "") if level == "village" else "", ""}:
                # A name that two districts use is no name without the district.
                codes[district, name] = None if codes.get((district, name), area["code"]) != area["code"] else area["code"]
    for row in counts:
        row["area"] = codes.get((row["district"], row["village"]) if level == "village" else ("", row["district"]))
        if row["area"] is None:
            raise ValueError(f"{row['where']}, area: there is no single area {row['district']} {row['village']}.")
    return pa.Table.from_pylist([{name: row[name] for name in _COLUMNS} for row in counts])


_COLUMNS = ("area", "sex", "age_from", "age_to", "people")


def _first(row: Row, names: tuple[str, ...]) -> str:
    return next((str(row[name]).strip() for name in names if row.get(name) not in (None, "")), "")
