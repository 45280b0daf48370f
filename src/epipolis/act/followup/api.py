"""Follow-up for programs: whom to call, one follow-up, exposures, answers, calls, days. No names, only identifiers."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from epipolis.core import clock, rules
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Day, Limit, LongText, Moment, ShortText, Word
from epipolis.core.idempotency import once
from epipolis.core.problems import ProblemError

from . import queries, services
from .models import FollowUp
from .services import Answer, FollowUpError, NewExposure

router = Router(tags=["Follow-up"])
Risk = Literal["high", "medium", "low"]
Lane = Literal["", "promised", "new", "overdue", "today", "later"]
Answered = Literal["yes", "no", "unknown"]


class FollowUpOut(Schema):
    """A follow-up without a name. `reasons` say how its last day was computed."""

    id: int
    person: UUID | None
    visitor: UUID | None
    disease: str
    state: str
    risk: str
    certain: bool
    starts: date | None
    standard_until: date | None
    until: date | None
    is_extended: bool
    is_reduced: bool
    quarantine_from: date | None
    quarantine_until: date | None
    order_kind: str
    reasons: list[str]
    rule: str
    end_reasons: list[str]
    language: str
    district: str
    assigned_to: str
    due_from: datetime | None
    overdue_from: datetime | None
    promised_at: datetime | None
    promise: str
    known_at: datetime
    first_reached: datetime | None
    last_seen: date | None
    failed_days: int
    ended: datetime | None
    case: UUID | None
    revision: int
    simulated: bool


class ListedOut(Schema):
    """One row of the list: why it stands there and what to ask."""

    lane: str
    why: list[str]
    ask: list[str]
    promised: str
    met: str
    follow_up: FollowUpOut


class ListOut(Schema):
    items: list[ListedOut]
    counts: dict[str, int]
    has_more: bool


class ExposureIn(Schema):
    """Somebody who met a case. What is not known stays out: no day is made up."""

    person: UUID
    case: UUID
    reference: Word
    risk: Risk = "medium"
    certain: bool = True
    relation: Annotated[str, Field(max_length=100)] = ""
    category: Annotated[str, Field(max_length=100)] = ""
    household: bool = False
    first_contact: Day | None = None
    last_contact: Day | None = None
    reported: Day | None = None
    note: LongText = ""


class CheckIn(Schema):
    """How somebody is on a day. `client_id` makes a repeat harmless; `answered` is when it was told."""

    state: Literal["seen_ok", "seen_ill", "not_seen"]
    day: Day
    part: Annotated[int, Field(ge=0, le=23)] = 0
    temperature: Annotated[Decimal, Field(ge=30, le=45, decimal_places=1)] | None = None
    symptoms: Annotated[dict[Annotated[str, Field(max_length=40)], Answered], Field(max_length=40)] = {}
    how: Literal["call", "visit"] = "call"
    note: LongText = ""
    answered: Moment | None = None
    client_id: UUID | None = None


class CheckOut(Schema):
    """What was stored; `conflict` is the different answer that the day had before."""

    id: int
    is_new: bool
    holds: bool
    conflict: dict[str, Any] | None = None


class AttemptIn(Schema):
    outcome: Literal["reached", "no_answer", "wrong_number", "refused", "call_back", "language"]
    how: Literal["call", "visit"] = "call"
    note: ShortText = ""
    call_back_at: Moment | None = None
    tried_at: Moment | None = None
    client_id: UUID | None = None


class AttemptOut(Schema):
    id: int
    at: datetime
    outcome: str


class EndIn(Schema):
    until: Day
    reason: Annotated[str, Field(min_length=1, max_length=1_000)]


class EndOut(Schema):
    """`asks` says about which other end somebody should decide now."""

    asks: str
    follow_up: FollowUpOut


class IndicatorOut(Schema):
    """A share with what it counts; `share` is null while there is nothing to count."""

    name: str
    title: str
    definition: str
    met: int
    of: int
    share: float | None
    target: float
    more_is_better: bool
    by_day: dict[str, tuple[int, int]]


class IndicatorsOut(Schema):
    since: date
    until: date
    items: list[IndicatorOut]


@router.get("", response=ListOut, auth=Needs("followup.view"))
def work_list(
    request: HttpRequest,
    lane: Lane = "",
    risk: Risk | Literal[""] = "",
    district: BigId | None = None,
    page: Annotated[int, Field(ge=1, le=1_000)] = 1,
    limit: Limit = 50,
):
    """Whom to call now, the most urgent first."""
    at = clock.now()
    found = queries.work_list(
        at, queries.Wanted(lane=lane, risk=risk, district=district), limit=limit, offset=(page - 1) * limit
    )
    exposures = queries.leading_exposures([one.row.id for one in found.rows])
    items = []
    for one in found.rows:
        told = queries.told(one.row, one.lane, exposures.get(one.row.id), at)
        names = ("why", "ask", "promised", "met")
        items.append({"lane": one.lane, "follow_up": _out(one.row), **{name: getattr(told, name) for name in names}})
    return {"items": items, "counts": found.counts, "has_more": found.has_more}


@router.post("/exposures", response=FollowUpOut, auth=Needs("followup.work"))
@once
def add_exposure(request: HttpRequest, data: ExposureIn):
    """Note that somebody met a case; the same `reference` again is the same exposure."""
    at = clock.now()
    source = queries.source_of(data.case, data.person)
    if source is None:
        raise ProblemError(422, "unknown", "There is no such case, or no such person.")
    fields = data.dict(exclude={"case", "household", "reference"})
    made = services.add_exposure(
        NewExposure(
            reference=f"api:{data.reference}",
            case=source.id,
            disease=source.disease,
            origin="household" if data.household else "interview",
            simulated=source.simulated,
            **fields,
        ),
        by=request.auth,  # type: ignore[attr-defined]  # -- ninja sets it
        at=at,
    )
    return _out(_row(made.id))


@router.get("/indicators", response=IndicatorsOut, auth=Needs("followup.view"))
def indicators(request: HttpRequest, since: Day | None = None, until: Day | None = None):
    """How well the response works, by default over the last 14 days; `by_day` is how many it held for, of how many."""
    at = clock.now()
    last = until or clock.local_day(at)
    first = since or last - timedelta(days=13)
    try:
        rows = queries.counted(first, last, at)
    except ValueError as error:
        raise ProblemError(422, "invalid", f"These days cannot be counted: {error}.") from error
    return {"since": first, "until": last, "items": [_indicator(one, rows) for one in queries.shares(rows)]}


@router.get("/{int:number}", response=FollowUpOut, auth=Needs("followup.view"))
def one(request: HttpRequest, number: BigId):
    """One follow-up, and how its days were computed."""
    return _out(_row(number))


@router.post("/{int:number}/checks", response=CheckOut, auth=Needs("followup.work"))
@once
def record_check(request: HttpRequest, number: BigId, data: CheckIn):
    """Note how somebody is on a day. A draft that is sent twice is stored once; a different answer to the same day is kept
    beside the one that holds and named as a conflict."""
    row = _row(number)
    try:
        noted = services.record_check(row.id, Answer(**data.dict()), by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    except FollowUpError as error:
        raise _refusal(error) from error
    former = noted.replaced
    conflict = {"id": former.id, "state": former.state, "by": former.by, "at": former.at.isoformat()} if former else None
    return {"id": noted.check.id, "is_new": noted.is_new, "holds": noted.check.is_current, "conflict": conflict}


@router.post("/{int:number}/attempts", response=AttemptOut, auth=Needs("followup.work"))
@once
def record_attempt(request: HttpRequest, number: BigId, data: AttemptIn):
    """Note a call and what came of it."""
    row = _row(number)
    try:
        made = services.record_attempt(row.id, **data.dict(), by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    except FollowUpError as error:
        raise _refusal(error) from error
    return {"id": made.id, "at": made.at, "outcome": made.outcome}


@router.post("/{int:number}/end", response=EndOut, auth=Needs("followup.decide"))
@once
def set_end(request: HttpRequest, number: BigId, data: EndIn):
    """Set another last day, with a reason; a later exposure still wins."""
    row = _row(number)
    try:
        found = services.set_end(row.id, until=data.until, reason=data.reason, by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    except FollowUpError as error:
        raise _refusal(error) from error
    return {"asks": found.asks, "follow_up": _out(_row(number))}


def _row(number: int) -> FollowUp:
    found = queries.follow_up(number)
    if found is None:
        raise ProblemError(404, "not_found", "There is no such follow-up.")
    return found


def _indicator(one: queries.Share, rows: list[queries.Counted]) -> dict[str, Any]:
    told, days = one.indicator, queries.shares_by(rows, lambda row: row.day, one.indicator.name)
    return {
        "title": str(told.title),
        "definition": str(told.definition),
        **{name: getattr(told, name) for name in ("name", "target", "more_is_better")},
        **{name: getattr(one, name) for name in ("met", "of", "share")},
        "by_day": {day.isoformat(): (found.met, found.of) for day, found in days.items()},
    }


def _refusal(error: FollowUpError) -> ProblemError:
    problem = {"field": error.field, "rule": error.rule}
    return ProblemError(422, "invalid", "A value breaks a rule; nothing was stored.", [problem])


_SAME = (
    "id", "visitor", "disease", "state", "risk", "certain", "starts", "standard_until", "until", "is_extended", "is_reduced",
    "quarantine_from", "quarantine_until", "order_kind", "language", "due_from", "overdue_from", "promised_at", "promise",
    "known_at", "first_reached", "last_seen", "failed_days", "ended", "revision", "simulated",
)  # fmt: skip


def _out(row: FollowUp) -> dict[str, Any]:
    return {
        "person": row.person_id,
        "reasons": rules.explain(row.decision),
        "rule": row.decision.get("rule", ""),
        "end_reasons": rules.explain(row.end_reason),
        "district": row.district.name if row.district else "",
        "assigned_to": row.assigned_to.username if row.assigned_to else "",
        "case": row.case_id,
        **{name: getattr(row, name) for name in _SAME},
    }
