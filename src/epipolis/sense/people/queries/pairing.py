"""Which rows are worth comparing with whom: those who share match keys that say enough. Nothing is opened for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from epipolis.engines import linkage
from epipolis.engines.linkage import MOST_SHARING, Record

from .columns import columns_of, id_list
from .keys import Keys, sharing

Numbers = NDArray[np.int64]
_BIRTHS: Final = """
SELECT wanted.place, coalesce(birth_year, 0) AS year, coalesce(birth_month, 0) AS month, coalesce(birth_day, 0) AS day
FROM unnest(%s::uuid[]) WITH ORDINALITY wanted (id, place) JOIN people_person p ON p.id = wanted.id AND erased IS NULL"""
_CONTRADICTS: Final = 0  # the level of two birth dates that cannot be one
# Kinds of key by their letters: what a name alone, a telephone, mail or address, and a number have.
_NAMES, _POINTS, _NUMBERS = frozenset("wn"), frozenset("pea"), frozenset("i")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Rows by their index and whom they may be about by their place in `people`."""

    rows: Numbers
    places: Numbers
    people: tuple[UUID, ...]


def likely_pairs(records: Sequence[Record], keys: Sequence[Keys], also: Sequence[Collection[UUID]] = ()) -> Pairs:
    """The pairs of rows and people who are held that are worth opening; `also` names people whatever their keys.

    Two whose birth dates contradict are two people, unless a number agrees, or both names and a way to reach them do.
    """
    bits, row_keys, row_numbers = _listed(keys)
    shared_keys, people = sharing(np.unique(row_keys))
    order = np.argsort(row_keys, kind="stable")
    row_keys, row_numbers, bits = row_keys[order], row_numbers[order], bits[order]
    begins, ends = np.searchsorted(row_keys, shared_keys), np.searchsorted(row_keys, shared_keys, "right")
    counts = ends - begins
    every = np.repeat(begins, counts) + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    ids, places = _distinct(np.repeat(people, counts))
    rows, places, kinds = _together(row_numbers[every], places, bits[every])
    births, is_there = _births(ids)
    level = linkage.compare_births(_own_births(records), births, rows, places)
    says_enough = (kinds & _bits_of(_NAMES) != 0) & (kinds & _bits_of(_POINTS) != 0)
    worth = is_there[places] & ((level != _CONTRADICTS) | says_enough | (kinds & _bits_of(_NUMBERS) != 0))
    return _with(rows[worth], places[worth], ids, also)


def row_pairs(keys: Sequence[Keys]) -> tuple[Numbers, Numbers]:
    """Which rows share a key with which earlier ones; a key that many rows have joins the first of them alone."""
    earlier: dict[int, list[int]] = {}
    first: list[int] = []
    second: list[int] = []
    for row, own in enumerate(keys):
        for key in own:
            others = earlier.setdefault(key, [])
            if len(others) < MOST_SHARING:
                first += repeat(row, len(others))
                second += others
                others.append(row)
    found = np.unique(np.array([first, second], np.int64), axis=1) if first else np.zeros((2, 0), np.int64)
    return found[0], found[1]


def _listed(keys: Sequence[Keys]) -> tuple[Numbers, Numbers, Numbers]:
    """Of every key of every row: the bit of its kind, the key and the row."""
    kinds = chain.from_iterable(own.values() for own in keys)
    total = sum(map(len, keys))
    bits = np.fromiter((1 << ord(kind) - 97 for kind in kinds), np.int64, total)
    listed = np.fromiter(chain.from_iterable(keys), np.int64, total)
    return bits, listed, np.repeat(np.arange(len(keys)), np.fromiter(map(len, keys), np.int64, len(keys)))


def _bits_of(kinds: Collection[str]) -> int:
    return sum(1 << ord(kind) - 97 for kind in kinds)


def _distinct(people: NDArray[Any]) -> tuple[NDArray[Any], Numbers]:
    """Everybody once, in the order of their ids, and the place of each among them."""
    order = np.lexsort((people["low"], people["high"]))
    ordered = people[order]
    is_first = np.ones(len(ordered), bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    places = np.empty(len(people), np.int64)
    places[order] = np.cumsum(is_first) - 1
    return ordered[is_first], places


def _together(rows: Numbers, places: Numbers, bits: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Each pair once, with the kinds of key that it shares."""
    order = np.lexsort((places, rows))
    rows, places, bits = rows[order], places[order], bits[order]
    is_first = np.ones(len(rows), bool)
    is_first[1:] = (rows[1:] != rows[:-1]) | (places[1:] != places[:-1])
    starts = np.flatnonzero(is_first)
    kinds = np.bitwise_or.reduceat(bits, starts) if len(starts) else bits
    return rows[starts], places[starts], kinds


def _births(ids: NDArray[Any]) -> tuple[Numbers, NDArray[np.bool_]]:
    """Year, month and day of each, 0 where unknown, and whether they are still there."""
    births, is_there = np.zeros((len(ids), 3), np.int64), np.zeros(len(ids), bool)
    if len(ids):
        found = columns_of(_BIRTHS, (id_list(ids),), dict.fromkeys(("place", "year", "month", "day"), "int"))
        places = found["place"] - 1
        is_there[places] = True
        births[places] = np.stack([found["year"], found["month"], found["day"]], axis=1)
    return births, is_there


def _own_births(records: Sequence[Record]) -> Numbers:
    births = [(one.birth_year or 0, one.birth_month or 0, one.birth_day or 0) for one in records]
    return np.array(births, np.int64).reshape(-1, 3)


def _with(rows: Numbers, places: Numbers, ids: NDArray[Any], also: Sequence[Collection[UUID]]) -> Pairs:
    """The pairs, with those of `also`, and only the people who are in one."""
    used, places = np.unique(places, return_inverse=True)
    raw = ids[used].tobytes()
    people = [UUID(bytes=raw[at : at + 16]) for at in range(0, len(raw), 16)]
    extra = [(row, person) for row, named in enumerate(also) for person in named]
    if extra:
        known = dict(zip(people, range(len(people)), strict=True))
        added = [(row, known.setdefault(person, len(known))) for row, person in extra]
        people = list(known)
        pairs = np.unique(np.concatenate([np.stack([rows, places], axis=1), np.array(added, np.int64)]), axis=0)
        rows, places = pairs[:, 0], pairs[:, 1]
    return Pairs(rows, places, tuple(people))
