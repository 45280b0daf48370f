"""Over the API: what the rules say of a case, its tests, the word against the rules, and cases that are one illness."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Router, Schema, Status
from pydantic import Field

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Day, Moment, ShortText, Word
from epipolis.core.idempotency import once
from epipolis.core.problems import ProblemError
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import Case, CaseTest, DuplicateQuestion, Replay

from .cases import CaseOut, answered, answered_case, broken_facts, read_revision

router = Router(tags=["Cases"])
Kind = Literal["suspected", "probable", "confirmed", "not_a_case"]


class TestIn(Schema):
    """A finding. The same number of the same laboratory again corrects it; exactly the same changes nothing."""

    source: Annotated[Word, Field(max_length=100)]
    source_ref: Annotated[Word, Field(max_length=200)]
    kind: Literal["pcr", "antigen", "culture", "sequencing", "antibody", "other"]
    result: Literal["positive", "negative", "inconclusive", "unsatisfactory", "pending"]
    status: Literal["preliminary", "final", "corrected", "withdrawn"] = "final"
    disease: Annotated[ShortText, Field(max_length=40)] = ""
    specimen: Annotated[ShortText, Field(max_length=100)] = ""
    sampled_at: Moment | None = None
    resulted_at: Moment | None = None


class TestOut(Schema):
    id: int
    case: UUID
    source: str
    source_ref: str
    kind: str
    result: str
    status: str
    disease: str
    specimen: str
    sampled_at: datetime | None
    resulted_at: datetime | None
    known_at: datetime
    superseded_by: int | None


class JudgedOut(Schema):
    """What stands and whose word it is; what the rules say, why, and whether the two differ."""

    classification: str
    classified: str
    reason: str
    rules_say: str
    rule: str
    conflict: bool
    reasons: list[str]
    inputs: dict[str, Any]


class OverrideIn(Schema):
    classification: Kind
    reason: Annotated[Word, Field(max_length=400)]


class SameIn(Schema):
    case: UUID


class QuestionOut(Schema):
    id: int
    case: UUID
    candidate: UUID
    days_apart: int
    asked: datetime


class AnswerIn(Schema):
    same: bool


class ReplayIn(Schema):
    """A definition by its reference (name, jurisdiction, version), and the day whose knowledge counts."""

    definition: Word
    as_of: Day | None = None


class ReplayOut(Schema):
    """`counts`: from, to, cases, and how many of them stay by a person's or a source's word."""

    id: int
    name: str
    as_of: date
    state: str
    cases: int
    counts: list[tuple[str, str, int, int]]
    made: datetime | None
    applied: datetime | None


@router.get("/{uuid:case_id}/tests", response=list[TestOut], auth=Needs("cases.view"))
def list_tests(request: HttpRequest, case_id: UUID):
    """Every finding about a case, newest first; corrected ones stay, with the number of what superseded them."""
    answered_case(case_id)
    return [_test(test) for test in queries.tests_of(case_id)]


@router.post("/{uuid:case_id}/tests", response={201: TestOut}, auth=Needs("cases.note_tests"))
@once
def note_test(request: HttpRequest, case_id: UUID, data: TestIn):
    """Note a finding; the case is then judged by the definition in force."""
    try:
        return Status(201, _test(services.note_test(case_id, **data.dict(), by=request.auth, at=clock.now())))
    except Case.DoesNotExist as error:
        raise _missing() from error
    except services.FactsError as error:
        raise broken_facts(error) from error


@router.get("/{uuid:case_id}/classification", response=JudgedOut, auth=Needs("cases.view"))
def get_classification(request: HttpRequest, case_id: UUID):
    """What stands, what the rules say now, and why."""
    return _judged(answered_case(case_id))


@router.put("/{uuid:case_id}/classification", response=CaseOut, auth=Needs("cases.classify"))
def override(
    request: HttpRequest,
    response: HttpResponse,
    case_id: UUID,
    data: OverrideIn,
    if_match: Annotated[str, Header(max_length=40)] = "",
):
    """Classify against the rules, for a reason. `If-Match` as for a change of facts."""
    told = {"reason": data.reason, "expected": read_revision(if_match)}
    return _changed(response, services.override_classification, request, case_id, data.classification, **told)


@router.delete("/{uuid:case_id}/classification", response=CaseOut, auth=Needs("cases.classify"))
def follow_rules(
    request: HttpRequest, response: HttpResponse, case_id: UUID, if_match: Annotated[str, Header(max_length=40)] = ""
):
    """Drop a person's or a source's word: the rules decide again."""
    return _changed(response, services.follow_rules, request, case_id, expected=read_revision(if_match))


@router.put("/{uuid:case_id}/same", response=CaseOut, auth=Needs("cases.revise"))
def mark_duplicate(request: HttpRequest, response: HttpResponse, case_id: UUID, data: SameIn):
    """Say that this case is the same illness as another of the person."""
    return _changed(response, services.mark_duplicate, request, case_id, data.case)


@router.delete("/{uuid:case_id}/same", response=CaseOut, auth=Needs("cases.revise"))
def undo_duplicate(request: HttpRequest, response: HttpResponse, case_id: UUID):
    """Say that this case is an illness of its own after all."""
    return _changed(response, services.undo_duplicate, request, case_id)


@router.get("/duplicates", response=list[QuestionOut], auth=Needs("cases.revise"))
def list_questions(request: HttpRequest):
    """Open questions whether two cases are one illness, the longest waiting first, at most 200."""
    names = ("id", "case_id", "candidate_id", "days_apart", "asked")
    return [{name.removesuffix("_id"): getattr(row, name) for name in names} for row in queries.duplicate_questions()[:200]]


@router.post("/duplicates/{question_id}", response={204: None}, auth=Needs("cases.revise"))
def answer_question(request: HttpRequest, question_id: BigId, data: AnswerIn):
    """Say whether two cases are one illness."""
    try:
        services.answer_duplicate(question_id, data.same, by=request.auth, at=clock.now())
    except DuplicateQuestion.DoesNotExist as error:
        raise ProblemError(404, "not_found", "There is no such question.") from error
    except services.NotOnePersonError as error:
        raise ProblemError(409, "conflict", str(error)) from error
    return Status(204, None)


@router.post("/replays", response={201: ReplayOut}, auth=Needs("cases.replay"))
@once
def start_replay(request: HttpRequest, data: ReplayIn):
    """Try a definition on all cases, in the background; nothing changes."""
    pack = next((pack for pack in queries.definitions() if pack.reference == data.definition), None)
    if pack is None:
        raise ProblemError(422, "invalid", "There is no such definition.", [{"field": "definition", "rule": "is unknown"}])
    try:
        return Status(201, services.start_replay(pack, data.as_of or clock.today(), by=request.auth, at=clock.now()))
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)) from error


@router.get("/replays/{replay_id}", response=ReplayOut, auth=Needs("cases.view"))
def get_replay(request: HttpRequest, replay_id: BigId):
    """How far a trial is and what the definition would change."""
    found = queries.replay(replay_id)
    if found is None:
        raise ProblemError(404, "not_found", "There is no such trial.")
    return found


@router.post("/replays/{replay_id}/apply", response={202: ReplayOut}, auth=Needs("cases.apply"))
def apply_replay(request: HttpRequest, replay_id: BigId):
    """Put the definition that was tried in force and classify all cases by it, in the background."""
    try:
        services.start_apply(replay_id, by=request.auth, at=clock.now())
    except Replay.DoesNotExist as error:
        raise ProblemError(404, "not_found", "There is no such trial.") from error
    except ValueError as error:
        raise ProblemError(409, "conflict", str(error)) from error
    return Status(202, queries.replay(replay_id))


def _changed(response: HttpResponse, change: Any, request: HttpRequest, case_id: UUID, *told: Any, **named: Any):
    try:
        return answered(response, change(case_id, *told, **named, by=request.auth, at=clock.now()))
    except Case.DoesNotExist as error:
        raise _missing() from error
    except services.StaleRevisionError as error:
        raise ProblemError(412, "stale", f"The case is at revision {error.case.revision} now; read it again.") from error
    except services.FactsError as error:
        raise broken_facts(error) from error
    except (ValueError, LookupError) as error:
        raise ProblemError(409, "conflict", str(error)) from error


def _judged(case: Case) -> dict[str, Any]:
    found = queries.judged(case, clock.now())
    body = {"classification": case.classification, "classified": case.classified, "reason": case.classified_why}
    if found is None:
        return body | {"rules_say": "", "rule": "", "conflict": False, "reasons": [], "inputs": {}}
    rules = {"rules_say": found.decision.outcome, "rule": found.decision.rule, "conflict": found.conflict}
    return body | rules | {"reasons": list(found.reasons), "inputs": dict(found.decision.inputs)}


def _test(test: CaseTest) -> dict[str, Any]:
    names = [name for name in TestOut.model_fields if name not in ("case", "superseded_by")]
    keys = {"case": test.case_id, "superseded_by": test.superseded_by_id}
    return {name: getattr(test, name) for name in names} | keys


def _missing() -> ProblemError:
    return ProblemError(404, "not_found", "There is no such case.")
