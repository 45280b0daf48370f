"""The classification of a case: by the rules where nobody said another, and always with what the rules would say."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from epipolis.core import audit, clock
from epipolis.core.rules import Decision, RulePack
from epipolis.sense.cases import queries
from epipolis.sense.cases.models import Case, CaseTest, Classification, Classified, ClassifiedBy

from .revisions import RULES, StaleRevisionError, locked, revise_locked

JUDGED_BY = frozenset(
    (
        *("symptoms", "circumstances", "has_symptoms", "onset", "hospitalised", "reported", "infected_by", "outcome"),
        *("classification", "classified", "same_as"),
    )
)  # facts whose change may change what the rules say
_AUTOMATIC = str(ClassifiedBy.AUTOMATIC)
_MOST = 400


@transaction.atomic
def classify_case(case_id: UUID, *, by: audit.Actor, at: datetime) -> Case:
    """Let the definition in force judge a case. Its classification changes only where it is the rules' own.

    A case that is the same illness as another is judged as that other. Twice changes nothing.

    Raises:
        Case.DoesNotExist: there is no such case.
    """
    case = locked(case_id)
    if case.same_as:
        return classify_case(case.same_as, by=by, at=at)
    judge_cases([case], queries.definitions_in_force(clock.local_day(at)), by=by, at=at)
    return case


def judge_cases(cases: Sequence[Case], packs: Mapping[str, RulePack], *, by: audit.Actor, at: datetime) -> int:
    """Let the definitions (by plain name of the disease) judge cases that are held; keep each decision, and follow it
    where nobody said another. Returns how many classifications changed.
    """
    ours = [case for case in cases if not case.owner]  # another office judges its own
    own = {case.id: packs[name] for case in ours if (name := queries.plain_disease(case.disease)) in packs}
    if not own:
        return 0
    last = queries.current_decisions(own)
    judged = [case for case in cases if case.id in own]
    known = queries.evidence_of(judged, {case.disease: own[case.id] for case in judged})
    changed = 0
    for case in judged:
        if case.id in last or known[case.id]["anything"]:
            decision = queries.decide(own[case.id], known[case.id], clock.local_day(at))
            changed += _follow(case, own[case.id], decision, by=by, at=at)
            _note(case, decision, last.get(case.id), at=at)
    return changed


def decision_of_new(facts: dict[str, Any], pack: RulePack, *, at: datetime) -> Decision | None:
    """What a definition says of a case that comes with a file, put into its facts where the file does not classify it.

    None where the file tells nothing that could decide.
    """
    known = queries.evidence(facts, (), known=clock.local_day(at))
    if not known["anything"]:
        return None
    decision = queries.decide(pack, known, clock.local_day(at))
    if facts["classified"] == _AUTOMATIC:
        facts["classification"] = decision.outcome or pack["open"]
    return decision


def _follow(case: Case, pack: RulePack, decision: Decision, *, by: audit.Actor, at: datetime) -> bool:
    if case.classified != _AUTOMATIC:
        return False
    changes: dict[str, Any] = {"classification": decision.outcome or pack["open"]}
    if changes["classification"] == case.classification:
        return False
    changes |= {"classified": _AUTOMATIC, "classified_why": ""}
    if changes["classification"] == Classification.CONFIRMED:
        changes["confirmed"] = case.confirmed or _day_of_result(case, at)
    elif case.classification == Classification.CONFIRMED:
        changes["confirmed"] = None
    return bool(revise_locked(case, changes, by=by, at=at, action="cases.classify", origin=RULES))


def _day_of_result(case: Case, at: datetime) -> date:
    positive = queries.tests_of(case.id).filter(superseded_by=None, result=CaseTest.Result.POSITIVE, resulted_at__isnull=False)
    first = positive.order_by("resulted_at").first()
    today = clock.local_day(at)
    return min(today, clock.local_day(first.resulted_at)) if first else today


def _note(case: Case, decision: Decision, last: Classified | None, *, at: datetime) -> None:
    """Keep a decision about a case in place of the last one, unless it says the same by the same rule and reasons."""
    body, conflict = decision.to_json(), queries.is_conflict(case, decision)
    if last:
        same = (last.outcome, last.kept, last.conflict) == (decision.outcome, case.classified, conflict)
        if same and all(last.decision.get(part) == body[part] for part in ("rule", "inputs", "reasons")):
            return
        last.superseded_at = max(at, last.decided_at)
        last.save(update_fields=["superseded_at"])
    Classified.objects.create(
        case=case, outcome=decision.outcome, decision=body, kept=case.classified, conflict=conflict, decided_at=at
    )


@transaction.atomic
def override_classification(
    case_id: UUID, classification: str, *, reason: str, by: audit.Actor, at: datetime, expected: int | None = None
) -> Case:
    """Say another classification than the rules, for a reason; it stays until somebody drops it.

    Raises:
        ValueError: there is no reason.
        Case.DoesNotExist, StaleRevisionError, FactsError: as in `revise_case`.
    """
    if not reason.strip():
        raise ValueError("say why this classification is right")
    case = _expected(case_id, expected)
    changes: dict[str, Any] = {
        "classification": classification,
        "classified": str(ClassifiedBy.MANUAL),
        "classified_why": reason.strip()[:_MOST],
    }
    if classification == Classification.CONFIRMED and case.confirmed is None:
        changes["confirmed"] = clock.local_day(at)
    revise_locked(case, changes, by=by, at=at, action="cases.override")
    return classify_case(case.id, by=by, at=at)


@transaction.atomic
def follow_rules(case_id: UUID, *, by: audit.Actor, at: datetime, expected: int | None = None) -> Case:
    """Drop a person's or a source's word about the classification: from now on the rules decide.

    Raises:
        Case.DoesNotExist, StaleRevisionError: as in `revise_case`.
        LookupError: no definition is in force for this disease.
    """
    case = _expected(case_id, expected)
    if queries.definition_for(case.disease, clock.local_day(at)) is None:
        raise LookupError(f"no case definition is in force for {case.disease}")
    changes = {"classified": _AUTOMATIC, "classified_why": ""}
    revise_locked(case, changes, by=by, at=at, action="cases.follow_rules")
    return classify_case(case.id, by=by, at=at)


def _expected(case_id: UUID, expected: int | None) -> Case:
    case = locked(case_id)
    if expected is not None and case.revision != expected:
        raise StaleRevisionError(case)
    return case
