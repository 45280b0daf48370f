"""Episodes: which of a person's illnesses a report belongs to, and which two cases may be one illness."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models.expressions import RawSQL

from epipolis.core import clock, rules
from epipolis.sense.cases.models import Case, Classification, Outcome
from epipolis.sense.people import queries as people

from .cases import cases_of
from .definitions import definition_for, definitions_in_force, plain_disease, same_disease


@dataclass(frozen=True, slots=True)
class Episode:
    """How long one illness lasts for the platform: a later report is another one (reinfection)."""

    days: int
    ruled_out_days: int
    rule: str


def episode_rule(disease: str, day: date) -> Episode:
    """The interval that is in force for a disease on a day."""
    pack = rules.in_force("episode", day)
    by_disease: Mapping[str, Mapping[str, Any]] = pack.content.get("diseases", {})
    special = next((those for name, those in by_disease.items() if plain_disease(name) == plain_disease(disease)), {})
    days, ruled_out = (special.get(name, pack[name]) for name in ("days", "ruled_out_days"))
    return Episode(int(days), int(ruled_out), pack.reference)


def day_of(case: Any) -> date:
    """The day by which an illness is placed in time: onset, else sample, report, confirmation, or when it became known."""
    told = case.onset or case.sampled or case.reported or case.confirmed
    return told or clock.local_day(case.known_at)


def open_episode(person_id: UUID, disease: str, day: date) -> Case | None:
    """The case of a person that a report of this day belongs to, the nearest in time; None where it is a new illness.

    Cases under every row of the person count. After a death nothing is a new illness.
    """
    rule, pack = episode_rule(disease, day), definition_for(disease, day)
    fitting = [case for case in cases_of(person_id) if same_disease(pack, case.disease, disease)]
    fitting = [case for case in fitting if _belongs(case, day, rule)]
    return min(fitting, key=lambda case: (abs((day_of(case) - day).days), case.known_at), default=None)


def _belongs(case: Case, day: date, rule: Episode) -> bool:
    if case.outcome == Outcome.DIED:
        return True
    is_ruled_out = case.classification == Classification.NOT_A_CASE
    return abs(day_of(case) - day) <= timedelta(days=rule.ruled_out_days if is_ruled_out else rule.days)


def same_illness_pairs(persons: Collection[UUID], day: date) -> list[tuple[Case, Case, int]]:
    """Two cases of one person that lie within one episode: (the earlier known, the other, days apart)."""
    if not persons:
        return []
    rows = {person: cluster for cluster in people.same_people(list(persons)).values() for person in cluster}
    # One text instead of thousands of parameters: an import asks this of every batch.
    wanted = RawSQL("SELECT unnest(%s::uuid[])", [f"{{{','.join(map(str, rows))}}}"])
    by_cluster: dict[tuple[UUID, ...], list[Case]] = {}
    for case in Case.objects.filter(person__in=wanted, same_as=None).order_by("known_at", "id"):
        by_cluster.setdefault(rows[case.person_id], []).append(case)
    several = [cases for cases in by_cluster.values() if len(cases) > 1]
    packs = definitions_in_force(day) if several else {}
    spans = {disease: episode_rule(disease, day).days for disease in {case.disease for cases in several for case in cases}}
    return [pair for cases in several for pair in _pairs(cases, packs, spans)]


def _pairs(
    cases: list[Case], packs: Mapping[str, rules.RulePack], spans: Mapping[str, int]
) -> Iterable[tuple[Case, Case, int]]:
    for position, case in enumerate(cases):
        pack = packs.get(plain_disease(case.disease))
        for other in cases[position + 1 :]:
            apart = abs((day_of(case) - day_of(other)).days)
            if same_disease(pack, case.disease, other.disease) and apart <= spans[case.disease]:
                yield case, other, apart
