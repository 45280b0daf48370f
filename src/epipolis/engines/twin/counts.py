"""How many people of each sex and age live in each area: one table, checked."""

import itertools
from typing import Any

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.draws import Ints
from epipolis.engines.twin.families import OLDEST

_SEXES = {"male": 0, "m": 0, "female": 1, "f": 1, "all": 2, "total": 2, "": 2}
_WORDS = ("men", "women", "people")
_FIELDS = ("sex", "age_from", "age_to", "people")
Groups = tuple[tuple[int, int], ...]


def check_counts(population: pa.Table, codes: list[str]) -> tuple[Ints, Groups]:
    """People by area (in the order of `codes`), sex (men, women) and age group, and the groups.

    Raises ValueError with one sentence for the first row that breaks a rule, a count that is missing, and an area where
    nobody lives. People counted without their sex are split evenly, with more women among the old.
    """
    where, sex, first, last, people = _read_rows(population, codes)
    _refuse_overlaps(first, last)
    groups = tuple(sorted(set(zip(first.tolist(), last.tolist(), strict=True))))
    _refuse_gaps(groups)
    if (sex == 2).any() and (sex != 2).any():
        row = int(np.flatnonzero(sex == 2)[0])
        raise ValueError(f"Population, row {row + 1}, sex: a count of all must not stand beside counts of women and men.")
    group = np.searchsorted([age for age, _ in groups], first)
    row_of = np.full((len(codes), 3, len(groups)), -1)
    for row, cell in enumerate(zip(where.tolist(), sex.tolist(), group.tolist(), strict=True)):
        if row_of[cell] >= 0:
            raise ValueError(f"Population, row {row + 1}: counts the same people as row {row_of[cell] + 1}.")
        row_of[cell] = row
    sexes = [2] if (sex == 2).any() else [0, 1]
    _refuse_holes(row_of[:, sexes], sexes, codes, groups)
    counts = people[row_of[:, sexes]]
    empty = np.flatnonzero(counts.sum(axis=(1, 2)) == 0)
    if len(empty):
        raise ValueError(f"Population: nobody lives in area {codes[empty[0]]}; leave it out or give its people.")
    return (_split(counts[:, 0], groups) if sexes == [2] else counts), groups


def _read_rows(population: pa.Table, codes: list[str]) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    names = set(population.column_names)
    field = next((name for name in ("area", "neighbourhood") if name in names), None)
    for missing in ("area",) * (field is None) + tuple(name for name in _FIELDS if name not in names):
        raise ValueError(f"Population has no column {missing}.")
    if not population.num_rows:
        raise ValueError("Population has no rows.")
    known = {code: number for number, code in enumerate(codes)}
    columns = [population.column(name).to_pylist() for name in (field, *_FIELDS)]
    rows = [_read_row(number, known, *row) for number, row in enumerate(zip(*columns, strict=True), start=1)]
    where, sex, first, last, people = np.array(rows, np.int64).T.copy()
    return where, sex, first, last, people


def _read_row(
    number: int, known: dict[str, int], code: Any, sex: Any, first: Any, last: Any, people: Any
) -> tuple[int, int, int, int, int]:
    area = "" if code is None else str(code).strip()
    if area not in known:
        raise ValueError(f"Population, row {number}, area: {f'there is no area {area}' if area else 'is empty'}.")
    counted = _SEXES.get("" if sex is None else str(sex).strip().casefold())
    if counted is None:
        raise ValueError(f"Population, row {number}, sex: must be female, male or all, not {sex}.")
    begin = _whole(first, number, "age_from", OLDEST)
    end = OLDEST if last is None else _whole(last, number, "age_to", OLDEST)
    if end < begin:
        raise ValueError(f"Population, row {number}, age_to: {end} is less than age_from, {begin}.")
    return known[area], counted, begin, end, _whole(people, number, "people", 10**9)


def _whole(value: Any, number: int, field: str, most: int) -> int:
    if value is None:
        raise ValueError(f"Population, row {number}, {field}: is missing.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most or value != int(value):
        raise ValueError(f"Population, row {number}, {field}: must be a whole number from 0 to {most}, not {value}.")
    return int(value)


def _refuse_overlaps(first: Ints, last: Ints) -> None:
    """No age may fall into two groups, in whatever areas they are used."""
    _, rows = np.unique(first * 1000 + last, return_index=True)
    for before, row in itertools.pairwise(rows.tolist()):
        if first[row] <= last[before]:
            one, other = f"{first[row]} to {last[row]}", f"{first[before]} to {last[before]}"
            raise ValueError(f"Population, row {row + 1}, age_from: ages {one} overlap ages {other} of row {before + 1}.")


def _refuse_gaps(groups: Groups) -> None:
    expected = 0
    for first, last in groups:
        if first != expected:
            raise ValueError(f"Population: nobody is counted at ages {expected} to {first - 1}.")
        expected = last + 1


def _refuse_holes(row_of: Ints, sexes: list[int], codes: list[str], groups: Groups) -> None:
    holes = np.argwhere(row_of < 0)
    if len(holes):
        area, sex, group = holes[0]
        ages = f"{groups[group][0]} to {groups[group][1]}"
        if (row_of[area] < 0).all():
            raise ValueError(f"Population: area {codes[area]} has no people counted.")
        raise ValueError(f"Population: area {codes[area]} has no row for {_WORDS[sexes[sex]]} aged {ages}.")


def _split(counts: Ints, groups: Groups) -> Ints:
    first = np.array([group[0] for group in groups])
    share = np.select([first < 60, first < 75], [0.49, 0.53], 0.6)
    rounding = (np.arange(len(counts))[:, None] * 0.618 + np.arange(len(groups)) * 0.382) % 1
    women = np.minimum(np.floor(counts * share + rounding).astype(np.int64), counts)
    return np.stack([counts - women, women], axis=1)
