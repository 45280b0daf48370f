"""Comparing rows with who is held and with each other: candidates by shared keys, levels, bits and bands, all at once."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection

from epipolis.core import clock, rules
from epipolis.engines import linkage
from epipolis.engines.linkage import Record

from .held import Held, held
from .keys import match_keys, sharing

_BIRTHS = "SELECT id, birth_year, birth_month, birth_day FROM people_person WHERE id = ANY(%s::uuid[]) AND erased IS NULL"
_NEAR_YEARS = 1
Birth = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The dated rules by which rows are matched."""

    reference: str
    weights: linkage.Weights
    thresholds: linkage.Thresholds
    margin: float
    questions: int


class Option(NamedTuple):
    """Whom a row may be about: a person, or an earlier row of the same batch by its index."""

    whom: UUID | int
    bits: float
    band: linkage.Band
    levels: Any  # int8 [fields]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom a row may be about; `evidence` is (field, level, bits), never a value."""

    person: UUID
    score: float
    band: linkage.Band
    evidence: tuple[tuple[str, str, float], ...]


def rules_at(at: datetime) -> Rules:
    """The rules of matching that are in force at a moment.

    Raises:
        ValueError: the pack is wrong; the message names the part.
    """
    pack = rules.in_force("person_matching", clock.local_day(at))
    content = pack.content
    return Rules(
        pack.reference,
        _weights(json.dumps(content["weights"])),
        linkage.Thresholds(**content["thresholds"]),
        float(content["margin"]),
        int(content["questions"]),
    )


def candidates(record: Record, at: datetime) -> list[Candidate]:
    """Who is held and may be the person of this record, the likeliest first; those told apart by the rules are left out."""
    ruling = rules_at(at)
    [options], _ = compare_rows([record], [match_keys(record)], ruling)
    return [
        Candidate(one.whom, one.bits, one.band, evidence(one.levels, ruling))
        for one in options
        if one.band != "new" and isinstance(one.whom, UUID)
    ]


def evidence(levels: Any, ruling: Rules) -> tuple[tuple[str, str, float], ...]:
    """Why a pair has its bits: field, level and bits, as they are kept beside a merge or a question."""
    return tuple((name, level, round(bits, 2)) for name, level, bits in linkage.explain(levels, ruling.weights))


def compare_rows(
    records: Sequence[Record],
    keys: Sequence[Collection[int]],
    ruling: Rules,
    also: Sequence[Collection[UUID]] = (),
) -> tuple[list[list[Option]], dict[UUID, Held]]:
    """The options of each row, best first, and what is held of them. `also` names people to compare whatever their keys."""
    pairs = _likely(records, _people_sharing(keys), also)
    known = held({person for _, person in pairs})
    places = {person: len(records) + place for place, person in enumerate(known)}
    numbered = [(row, places[person]) for row, person in pairs if person in places] + _rows_sharing(keys)
    if not numbered:
        return [[] for _ in records], known
    forms = linkage.read([*records, *(one.record for one in known.values())])
    first, second = (np.array(side, np.int64) for side in zip(*numbered, strict=True))
    levels = linkage.compare_pairs(forms, forms, (first, second))
    bits = linkage.score_pairs(levels, ruling.weights)
    bands = linkage.bands(bits, levels, ruling.thresholds)
    whom: list[UUID | int] = [*range(len(records)), *known]
    found: list[list[Option]] = [[] for _ in records]
    for pair in np.flatnonzero(bands).tolist():  # those that stay new are of no further use
        option = Option(whom[second[pair]], float(bits[pair]), linkage.BANDS[bands[pair]], levels[pair])
        found[first[pair]].append(option)
    for options in found:
        options.sort(key=lambda one: (-one.bits, str(one.whom)))
    return found, known


def compare_two(one: Record, other: Record, ruling: Rules) -> tuple[float, Any]:
    """The bits of one pair, and its levels."""
    levels = linkage.compare(one, other)
    return linkage.score(levels, ruling.weights).weight, levels


def _people_sharing(keys: Sequence[Collection[int]]) -> list[Counter[UUID]]:
    """With whom each row shares how many keys."""
    people = sharing({key for own in keys for key in own})
    return [Counter(person for key in own for person in people.get(key, ())) for own in keys]


def _likely(records: Sequence[Record], shared: list[Counter[UUID]], also: Sequence[Collection[UUID]]) -> list[tuple[int, UUID]]:
    """The pairs worth opening: who shares one key alone and was born on another day is somebody else."""
    alone = {person for counts in shared for person, count in counts.items() if count == 1}
    births = _births(alone)
    pairs = []
    for row, counts in enumerate(shared):
        own = records[row].birth_year, records[row].birth_month, records[row].birth_day
        must = set(also[row]) if also else set()
        pairs += [(row, person) for person in must]
        for person, count in counts.items():
            if person not in must and (count > 1 or (person in births and _may_agree(own, births[person]))):
                pairs.append((row, person))
    return pairs


def _births(people: Collection[UUID]) -> dict[UUID, Birth]:
    if not people:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_BIRTHS, [f"{{{','.join(map(str, people))}}}"])
        return {person: (year, month, day) for person, year, month, day in cursor.fetchall()}


def _may_agree(one: Birth, other: Birth) -> bool:
    if one[0] is None or other[0] is None or abs(one[0] - other[0]) <= _NEAR_YEARS:
        return True
    return None not in one and None not in other and sorted(one[1:]) == sorted(other[1:])  # type: ignore[type-var]  # -- no None left


def _rows_sharing(keys: Sequence[Collection[int]]) -> list[tuple[int, int]]:
    """Which rows share a key with which earlier ones."""
    earlier: dict[int, list[int]] = {}
    pairs: dict[tuple[int, int], None] = {}
    for row, own in enumerate(keys):
        for key in own:
            others = earlier.setdefault(key, [])
            if len(others) < linkage.MOST_SHARING:
                pairs |= {(row, other): None for other in others}
                others.append(row)
    return list(pairs)


@lru_cache(8)
def _weights(text: str) -> linkage.Weights:
    """The weights of a pack, read once."""
    return linkage.Weights.from_dict(json.loads(text))
