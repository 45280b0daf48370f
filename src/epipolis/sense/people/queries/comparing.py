"""Comparing rows with who is held and with each other: candidates by shared keys, levels, bits and bands, all at once."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from epipolis.core import clock, rules
from epipolis.engines import linkage
from epipolis.engines.linkage import Record

from .held import Held, held
from .keys import Keys, match_keys
from .pairing import likely_pairs, row_pairs


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
    keys: Sequence[Keys],
    ruling: Rules,
    also: Sequence[Collection[UUID]] = (),
) -> tuple[list[list[Option]], dict[UUID, Held]]:
    """The options of each row, best first, and what is held of them. `also` names people to compare whatever their keys."""
    pairs = likely_pairs(records, keys, also)
    opened = held(pairs.people)
    people = [one for one in pairs.people if one in opened]
    places = _places(pairs.people, opened, len(records))
    second, earlier = places[pairs.places], row_pairs(keys)
    is_there = second >= 0
    ours = np.concatenate([pairs.rows[is_there], earlier[0]])
    others = np.concatenate([second[is_there], earlier[1]])
    found: list[list[Option]] = [[] for _ in records]
    if not len(ours):
        return found, opened
    forms = linkage.read([*records, *(opened[one].record for one in people)])
    levels = linkage.compare_pairs(forms, forms, (ours, others), workers=2)
    bits = linkage.score_pairs(levels, ruling.weights)
    bands = linkage.bands(bits, levels, ruling.thresholds)
    whom: list[UUID | int] = [*range(len(records)), *people]
    for pair in np.flatnonzero(bands).tolist():  # those that stay new are of no further use
        option = Option(whom[others[pair]], float(bits[pair]), linkage.BANDS[bands[pair]], levels[pair])
        found[ours[pair]].append(option)
    for options in found:
        options.sort(key=lambda one: (-one.bits, str(one.whom)))
    return found, opened


def _places(people: Sequence[UUID], opened: Collection[UUID], since: int) -> Any:
    """Where each of the people stands behind the rows, -1 for who is gone meanwhile."""
    is_there = np.fromiter((one in opened for one in people), bool, len(people))
    return np.where(is_there, since + np.cumsum(is_there) - 1, -1)


def compare_two(one: Record, other: Record, ruling: Rules) -> tuple[float, Any]:
    """The bits of one pair, and its levels."""
    levels = linkage.compare(one, other)
    return linkage.score(levels, ruling.weights).weight, levels


@lru_cache(8)
def _weights(text: str) -> linkage.Weights:
    """The weights of a pack, read once."""
    return linkage.Weights.from_dict(json.loads(text))
