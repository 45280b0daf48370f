"""How many people live where, from CSV: by single years or age bands, for districts or neighbourhoods."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epipolis.core.imports import Row
from epipolis.sense.city import queries
from epipolis.sense.city.models import District, Neighbourhood, PopulationCount

from .reports import CellError, LoadReport

_PEOPLE = ("population", "people", "count")
_FINER = ("neighbourhood", "neighborhood", "village", "ward")
_AGE = ("age_group", "age_band", "age")
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M", "x": "X", "other": "X", "": "", "all": "", "total": ""}
_OLDEST = 120
_TOP_YEAR = 100  # a file of single years counts everybody of this age or older in its last row
_MOST = 2**31 - 1

Key = tuple[int, int | None, str, int]


@dataclass(frozen=True)
class Count:
    """One row of a file: where, which sex, which ages (both included), how many."""

    row: int
    key: Key
    age_to: int | None
    people: int


def is_population(header: set[str]) -> bool:
    """Whether a table's columns are those of people counted by area and age."""
    return bool(header & set(_PEOPLE)) and bool(header & {"district", *_FINER}) and bool(header & {*_AGE, "age_from"})


def read_counts(path: Path, rows: Iterator[tuple[int, Row]], report: LoadReport) -> list[Count]:
    """Check every row; problems go into the report."""
    found: dict[Key, Count] = {}
    for number, row in rows:
        try:
            count = _read_count(number, row)
            if count.key in found:
                raise CellError("age", f"counts the same people as row {found[count.key].row}")
            found[count.key] = count
        except CellError as wrong:
            report.refuse(path.name, f"row {number}", wrong.field, wrong.rule)
    _refuse_overlaps(path, list(found.values()), report)
    return list(found.values())


def store_counts(counts: list[Count], report: LoadReport) -> None:
    """Make the stored counts of each area in the file equal to the file's; other areas keep theirs."""
    areas = {count.key[:2] for count in counts}
    known = {
        (one.district_id, one.neighbourhood_id, one.sex, one.age_from): one
        for one in PopulationCount.objects.all()
        if (one.district_id, one.neighbourhood_id) in areas
    }
    fresh, changed = [], []
    for count in counts:
        stored = known.pop(count.key, None)
        if stored is None:
            district, neighbourhood, sex, age_from = count.key
            names: dict[str, Any] = {"district_id": district, "neighbourhood_id": neighbourhood, "sex": sex}
            fresh.append(PopulationCount(**names, age_from=age_from, age_to=count.age_to, people=count.people))
        elif (stored.age_to, stored.people) != (count.age_to, count.people):
            stored.age_to, stored.people = count.age_to, count.people
            changed.append(stored)
    PopulationCount.objects.filter(id__in=[one.id for one in known.values()]).delete()
    PopulationCount.objects.bulk_create(fresh, batch_size=5_000)
    PopulationCount.objects.bulk_update(changed, ["age_to", "people"], batch_size=1_000)
    same = len(counts) - len(fresh) - len(changed)
    report.count("population", created=len(fresh), changed=len(changed), unchanged=same, removed=len(known))


def _read_count(number: int, row: Row) -> Count:
    if "" in row:
        raise CellError("", "must have as many cells as the header")
    district, neighbourhood = _area(row)
    sex = _SEXES.get(row.get("sex", "").lower())
    if sex is None:
        raise CellError("sex", "must be F, M, X or empty for all")
    age_from, age_to = _ages(row)
    people = _whole(_cell(row, _PEOPLE), "population", _MOST)
    return Count(number, (district.id, neighbourhood.id if neighbourhood else None, sex, age_from), age_to, people)


def _area(row: Row) -> tuple[District, Neighbourhood | None]:
    named, finer = row.get("district", ""), _cell(row, _FINER)
    district = queries.district_named(named)
    if named and district is None:
        raise CellError("district", f"there is no district {named[:60]}")
    if not finer:
        if district is None:
            raise CellError("district", "must name a district or a neighbourhood")
        return district, None
    neighbourhood = queries.neighbourhood_named(finer, district)
    if neighbourhood is None:
        raise CellError("neighbourhood", f"there is no single neighbourhood {finer[:60]} {named[:60]}".strip())
    return neighbourhood.district if district is None else district, neighbourhood


def _ages(row: Row) -> tuple[int, int | None]:
    if "age_from" in row:
        until = row.get("age_to", "")
        bounds = _whole(row["age_from"], "age_from", _OLDEST), _whole(until, "age_to", _OLDEST) if until else None
    else:
        bounds = _band(_cell(row, _AGE))
    if bounds[1] is not None and bounds[1] < bounds[0]:
        raise CellError("age", "must not end before it begins")
    return bounds


def _band(text: str) -> tuple[int, int | None]:
    """`7`, `100`, `25-34` or `85+` as years, both included; None for no end."""
    if text.endswith("+"):
        return _whole(text[:-1], "age", _OLDEST), None
    low, dash, high = text.replace("–", "-").partition("-")
    first = _whole(low, "age", _OLDEST)
    if dash:
        return first, _whole(high, "age", _OLDEST)
    return first, None if first >= _TOP_YEAR else first


def _whole(text: str, field: str, most: int) -> int:
    plain = text.strip().removesuffix(".0")
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 12 or int(plain) > most:
        raise CellError(field, f"must be a whole number from 0 to {most}")
    return int(plain)


def _refuse_overlaps(path: Path, counts: list[Count], report: LoadReport) -> None:
    """Nobody may be counted twice: bands of one area and sex must not overlap, and `all` may not stand beside a sex."""
    sexes: dict[tuple[int, int | None], set[str]] = {}
    last: dict[tuple[int, int | None, str], Count] = {}
    for count in sorted(counts, key=lambda one: one.key[3]):
        district, neighbourhood, sex, age_from = count.key
        before = last.get((district, neighbourhood, sex))
        if before is not None and (before.age_to is None or before.age_to >= age_from):
            report.refuse(path.name, f"row {count.row}", "age", f"overlaps the ages of row {before.row}")
        last[district, neighbourhood, sex] = count
        seen = sexes.setdefault((district, neighbourhood), set())
        seen.add(sex)
        if "" in seen and len(seen) > 1:
            report.refuse(path.name, f"row {count.row}", "sex", "counts people of one sex beside a count of all")


def _cell(row: Row, names: tuple[str, ...]) -> str:
    return next((row[name] for name in names if row.get(name)), "")
