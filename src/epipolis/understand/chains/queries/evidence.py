"""What speaks for one case having infected another: who is named, who met, and what people decided."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import NormalDist
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from epipolis.core.rules import RulePack
from epipolis.engines.chains import Lags
from epipolis.sense.cases import queries as cases
from epipolis.sense.people import queries as people
from epipolis.understand.chains.models import Basis, Judgement
from epipolis.understand.tracing import queries as tracing

Meeting = tuple[UUID, UUID, int, bool]
"""Infectee, infector, minutes, and whether it is certain."""
_JUDGED, _TOLD, _MET = (str(basis) for basis in Basis.values)


@dataclass(frozen=True, slots=True)
class Known:
    """What a chain needs to know of a case. `day`: when it was reported, else what is known of it otherwise."""

    id: UUID
    number: str
    person: UUID
    onset: date | None
    day: date
    infected_by: UUID | None
    district: str
    simulated: bool

    @property
    def shown(self) -> date:
        """Where the case stands in time: its onset, else its day."""
        return self.onset or self.day


@dataclass(frozen=True, slots=True)
class Evidence:
    """Pairs (infectee, infector) with their strength, basis and minutes shared; what was decided to be none is not in it."""

    strength: dict[tuple[UUID, UUID], float]
    basis: dict[tuple[UUID, UUID], str]
    minutes: dict[tuple[UUID, UUID], int]


def known_cases(ids: Collection[UUID] | None = None, *, since: date | None = None) -> dict[UUID, Known]:
    """Confirmed cases since a day, or these cases whatever they are, by id."""
    fields = ("id", "source_key", "person_id", "onset", "day", "infected_by", "district__name", "simulated")
    found = cases.line_list(classification="confirmed", since=since) if ids is None else cases.line_list().filter(id__in=ids)
    rows = found.order_by("day", "source_key").values_list(*fields)
    return {
        case: Known(case, number, person, onset, day, infected_by, district or "", simulated)
        for case, number, person, onset, day, infected_by, district, simulated in rows
    }


def is_confirmed(case: UUID) -> bool:
    return cases.line_list(classification="confirmed").filter(id=case).exists()


def around(of: Collection[UUID]) -> tuple[dict[UUID, Known], list[Meeting]]:
    """These cases and every case that may have infected one of them or been infected by it: who met, who is named.

    The meetings of `of` come with them, for `evidence`.
    """
    known = known_cases(of)
    met = _meetings(known)
    near = {case for meeting in met for case in meeting[:2]} | set(of)
    near |= set(Judgement.objects.filter(infectee__in=near, undone=None).values_list("infector", flat=True))
    if unseen := near - known.keys() - set(of):
        known |= known_cases(unseen)
    if named := {case.infected_by for case in known.values() if case.infected_by} - known.keys():
        known |= known_cases(named)
    return known, met


def evidence(
    known: dict[UUID, Known], of: Collection[UUID], pack: RulePack, *, met: Sequence[Meeting] | None = None
) -> Evidence:
    """All that speaks for one of the known cases having infected one of `of`; `met`: the meetings of `of`, where known."""
    wanted, strengths = set(of), pack["strengths"]
    found = Evidence({}, {}, {})
    met = _meetings({case: known[case] for case in wanted if case in known}) if met is None else met
    for infectee, infector, minutes, certain in met:
        if infectee in wanted and infector in known:
            worth = min(minutes / strengths["minutes_for_one"], strengths["most_for_meeting"]) or 0.1
            _add(found, (infectee, infector), worth if certain else worth * strengths["possible_meeting"], _MET)
            found.minutes[infectee, infector] = found.minutes.get((infectee, infector), 0) + minutes
    for case in wanted & known.keys():
        named = known[case].infected_by
        if named in known and named != case:
            _add(found, (case, named), strengths["told"], _TOLD)
    for judged in Judgement.objects.filter(infectee__in=wanted, undone=None):
        _judge(found, judged)
    return found


def _meetings(own: dict[UUID, Known]) -> list[Meeting]:
    """Each of these cases with each other case that it met, in both directions: (infectee, infector, minutes, certain).

    Whoever was infectious when they met is told by the days, not by who was traced first.
    """
    holder = _holders({case.person for case in own.values()})
    met = tracing.meetings_of(people=holder, cases=own)
    if not met:
        return []
    holder |= _holders({person for _, person, _, _ in met} - holder.keys())
    by_person: dict[UUID, list[UUID]] = {}
    for case, person in cases.line_list(classification="confirmed").filter(person__in=holder).values_list("id", "person_id"):
        by_person.setdefault(holder[person], []).append(case)
    found: dict[tuple[UUID, UUID], tuple[int, bool]] = {}
    for case, person, minutes, certain in met:
        for other in by_person.get(holder.get(person, person), ()):
            if other == case or not (case in own or other in own):
                continue
            for pair in ((other, case), (case, other)):
                longest, is_sure = found.get(pair, (0, False))
                found[pair] = (max(minutes, longest), certain or is_sure)
    return [(infectee, infector, minutes, certain) for (infectee, infector), (minutes, certain) in found.items()]


def _holders(persons: Collection[UUID]) -> dict[UUID, UUID]:
    """Every row of these people, with the one that holds."""
    return {row: rows[0] for rows in people.same_people(persons).values() for row in rows}


def lags_of(pack: RulePack) -> Lags:
    """The days between onsets by the rule, a weight for each whole day."""
    told: dict[str, Any] = pack["serial_interval"]
    normal = NormalDist(told["mean_days"], told["sd_days"])
    edges = [day - 0.5 for day in range(told["first_day"], told["last_day"] + 2)]
    return Lags(np.array([normal.cdf(b) - normal.cdf(a) for a, b in pairwise(edges)]), first=told["first_day"])


def pairs_table(number: dict[UUID, int], found: Evidence) -> pa.Table:
    """The evidence by the cases' numbers, as the engine asks for it."""
    pairs = list(found.strength)
    return pa.table(
        {
            "infectee": pa.array([number[infectee] for infectee, _ in pairs], pa.int64()),
            "infector": pa.array([number[infector] for _, infector in pairs], pa.int64()),
            "strength": pa.array([found.strength[pair] for pair in pairs], pa.float64()),
            # Whoever named the source knew the days.
            "by_days": pa.array([found.basis[pair] != _TOLD for pair in pairs], pa.bool_()),
        }
    )


def _add(found: Evidence, pair: tuple[UUID, UUID], strength: float, basis: str) -> None:
    found.strength[pair] = found.strength.get(pair, 0.0) + strength
    found.basis[pair] = basis


def _judge(found: Evidence, judged: Judgement) -> None:
    pair = (judged.infectee_id, judged.infector_id)
    if judged.is_source:
        for other in [other for other in found.strength if other[0] == judged.infectee_id]:
            found.strength.pop(other)
            found.basis.pop(other)
        found.basis[pair] = _JUDGED
    elif found.basis.get(pair) != _JUDGED:
        found.strength.pop(pair, None)
        found.basis.pop(pair, None)
