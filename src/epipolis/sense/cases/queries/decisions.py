"""What the rules say about a case, from everything known about it and about those found to be the same illness."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext, gettext_lazy

from epipolis.core import clock
from epipolis.core.rules import Decision, RulePack
from epipolis.sense.cases.models import Case, CaseTest, Circumstance, Classification, Classified, ClassifiedBy, State, Symptom

from .cases import with_duplicates
from .definitions import decide, definition_for, same_disease
from .evidence import Finding, evidence

TESTS_OF = {
    "tests.positive": gettext_lazy("positive test"),
    "tests.negative": gettext_lazy("negative test"),
    "tests.other_disease.positive": gettext_lazy("positive test for another disease"),
    "tests.pcr.positive": gettext_lazy("positive nucleic acid test (PCR)"),
    "tests.antigen.positive": gettext_lazy("positive antigen test"),
    "tests.culture.positive": gettext_lazy("virus grown in culture"),
    "tests.sequencing.positive": gettext_lazy("virus found by sequencing"),
    "tests.antibody.positive": gettext_lazy("positive antibody test"),
    "has_symptoms": gettext_lazy("has symptoms"),
    "has_symptoms = False": gettext_lazy("without symptoms"),
}
_OPEN = ("", str(State.UNKNOWN))


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules say of a case now, whose word stands, and whether the two differ."""

    decision: Decision
    reasons: tuple[str, ...]
    stands: str
    by: str
    why: str
    conflict: bool

    @property
    def outcome_text(self) -> str:
        return str(Classification(self.decision.outcome).label) if self.decision.outcome else ""


def tests_of(case_id: UUID) -> QuerySet[CaseTest]:
    """Every finding about a case and those that are the same illness, newest first; superseded ones stand among them."""
    return CaseTest.objects.filter(case__in=with_duplicates(case_id)).order_by("-resulted_at", "-known_at", "-id")


def judged(case: Case, at: datetime) -> Judged | None:
    """What the definition in force says of a case; None where there is none for its disease."""
    day = clock.local_day(at)
    pack = definition_for(case.disease, day)
    if pack is None:
        return None
    [known] = evidence_of([case], dict.fromkeys([case.disease], pack)).values()
    decision = decide(pack, known, day)
    conflict = is_conflict(case, decision)
    reasons = tuple(explained(decision.to_json()))
    return Judged(decision, reasons, case.classification, case.classified, case.classified_why, conflict)


def is_conflict(case: Any, decision: Decision) -> bool:
    """Whether a person's or a source's word stands against what the rules say."""
    return bool(decision.outcome) and case.classified != ClassifiedBy.AUTOMATIC and decision.outcome != case.classification


def evidence_of(
    cases: Collection[Any], packs: Mapping[str, RulePack], *, at: datetime | None = None
) -> dict[UUID, dict[str, Any]]:
    """By case, what definitions may ask; `packs` by disease says which names of a disease are one.

    Cases may be revisions, whose `case` is the case; then with `at` only findings count that were known and stood then.
    """
    plain = [(getattr(row, "case", row), row) for row in cases]
    ids = [case.id for case, _ in plain]
    others: dict[UUID, list[Any]] = defaultdict(list)
    if at is None:
        for other in Case.objects.filter(same_as__in=ids).order_by("known_at", "id"):
            others[other.same_as].append(other)
    tests = _tests_by_case([*ids, *(other.id for those in others.values() for other in those)], at)
    found = {}
    for case, row in plain:
        those = others.get(case.id, [])
        pack = packs.get(case.disease)
        tested = [
            Finding(test.kind, test.result, test.status, not same_disease(pack, test.disease, case.disease))
            for one in [case, *those]
            for test in tests.get(one.id, ())
        ]
        found[case.id] = evidence(_together(row, those), tested, known=clock.local_day(case.known_at))
    return found


def _tests_by_case(ids: Collection[UUID], at: datetime | None) -> dict[UUID, list[CaseTest]]:
    tests = CaseTest.objects.filter(case__in=ids)
    if at is None:
        tests = tests.filter(superseded_by=None)
    else:
        tests = tests.filter(Q(superseded_at=None) | Q(superseded_at__gt=at), known_at__lte=at)
    found: dict[UUID, list[CaseTest]] = defaultdict(list)
    for test in tests.order_by("id"):
        found[test.case_id].append(test)
    return found


_ASKED = (
    *("onset", "sampled", "reported", "hospitalised", "exposed_from", "exposed_until", "ended", "age_from", "age_to"),
    *("has_symptoms", "infected_by", "outcome", "sex", "symptoms", "circumstances"),
)


def _together(row: Any, others: Iterable[Any]) -> dict[str, Any]:
    """The facts of a case, and where they are silent those of its duplicates."""
    facts = {name: getattr(row, name) for name in _ASKED}
    for other in others:
        for name in _ASKED:
            told = getattr(other, name)
            if name in ("symptoms", "circumstances"):
                said = {key: state for key, state in facts[name].items() if state not in _OPEN}
                facts[name] = facts[name] | told | said
            elif facts[name] in (None, ""):
                facts[name] = told
    return facts


def answers_of(case: Case) -> dict[str, list[tuple[str, str, str]]]:
    """What was answered: (question, state, state in words) by `symptoms` and `circumstances`, in the order of the forms."""
    found = {}
    for kind, names in (("symptoms", Symptom.choices), ("circumstances", Circumstance.choices)):
        told = getattr(case, kind)
        found[kind] = [(str(label), told[name], str(State(told[name]).label)) for name, label in names if name in told]
    return found


def current_decisions(ids: Collection[UUID]) -> dict[UUID, Classified]:
    """The decision that counts of each case that has one."""
    return {row.case_id: row for row in Classified.objects.filter(case__in=ids, superseded_at=None)}


def conflicts() -> QuerySet[Classified]:
    """Decisions against which another word stands."""
    return Classified.objects.filter(conflict=True, superseded_at=None)


def count_conflicts(at: datetime) -> int:
    """Cases whose classification, by a person or a source, is another than the rules give."""
    return conflicts().filter(case__same_as=None).count()


def explained(decision: Mapping[str, Any]) -> list[str]:
    """The reasons of a decision about a classification in the reader's language."""
    found = []
    for text, values in decision.get("reasons", []):
        told = {name: _words(value) if name in ("what", "classification") else value for name, value in values.items()}
        found.append(gettext(text) % told)
    return [text[:1].upper() + text[1:] for text in found]


def _words(value: str) -> str:
    group, _dot, name = value.partition(".")
    if group == "symptoms" and name in Symptom.values:
        return str(Symptom(name).label)
    if group == "circumstances" and name in Circumstance.values:
        return str(Circumstance(name).label)
    if group == "symptoms" and name.removesuffix(" = False") in Symptom.values:
        return gettext("no %(symptom)s") % {"symptom": Symptom(name.removesuffix(" = False")).label}
    if value in TESTS_OF:
        return str(TESTS_OF[value])
    if value in Classification.values:
        return str(Classification(value).label)
    return gettext(value)
