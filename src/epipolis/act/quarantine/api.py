"""Orders for programs: lists, one order, issuing, changing, lifting, needs. No names, no addresses, only identifiers."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from django.http import HttpRequest
from ninja import Body, Router, Schema, Status
from pydantic import Field

from epipolis.core import clock, rules
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Day, Lat, Limit, Lon, LongText, Moment, ShortText
from epipolis.core.idempotency import once
from epipolis.core.problems import ProblemError

from . import queries, services
from .models import Order
from .services import NeedAsked, OrderError, Terms

router = Router(tags=["Quarantine"])
Kind = Literal["isolation", "quarantine"]
View = Literal[
    "decide", "drafts", "asked", "appeals", "in_force", "needs", "unwritten", "ending", "watched", "over", "all"
]  # fmt: skip
_BULK_BYTES = 64 * 2**20
_KINDS = {"application/json": "json", "application/x-ndjson": "ndjson"}
_BULK = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/PositionIn"}}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "One position a line."}},
        },
    }
}
Language = Annotated[str, Field(pattern=r"^[A-Za-z-]{0,10}$")]


class AskedOut(Schema):
    """What an officer should decide about an order in force."""

    kind: str
    text: str
    until: date | None
    reasons: list[str]


class OrderOut(Schema):
    """An order without name and address. `reasons` say how its days were computed."""

    id: int
    number: str
    person: UUID
    case: UUID | None
    follow_up: int | None
    household: UUID | None
    disease: str
    kind: str
    state: str
    place: str
    starts: date | None
    standard_until: date | None
    until: date | None
    is_earliest: bool
    is_extended: bool
    is_shortened: bool
    ends_at: datetime | None
    reasons: list[str]
    rule: str
    asks: AskedOut | None
    verbal_at: datetime | None
    written_at: datetime | None
    issued_at: datetime | None
    legal_basis: str
    purpose: str
    watched: bool
    language: str
    district: str
    needs_asked: datetime | None
    ended: datetime | None
    end_reasons: list[str]
    known_at: datetime
    revision: int
    simulated: bool


class OrdersOut(Schema):
    items: list[OrderOut]
    counts: dict[str, int]
    has_more: bool


class IssueIn(Schema):
    """The terms of an order. Days that are not given are those of the draft; other days need a reason."""

    how: Literal["verbal", "written"]
    told_at: Moment
    starts: Day | None = None
    until: Day | None = None
    place: Literal["home", "facility"] = "home"
    facility: ShortText = ""
    address: LongText = ""
    lon: Lon | None = None
    lat: Lat | None = None
    radius: Annotated[int, Field(ge=20, le=5_000)] | None = None
    legal_basis: LongText
    purpose: LongText
    language: Language = ""
    reason: LongText = ""


class ChangedOut(Schema):
    """`asks` is follow_up where the follow-up of this person ends on another day now."""

    asks: str
    order: OrderOut


class DaysIn(Schema):
    until: Day
    reason: LongText


class ReasonIn(Schema):
    reason: LongText


class NeedIn(Schema):
    """One need. `client_id` makes a repeat harmless."""

    kind: Literal["food", "medicine", "care", "pets", "language", "other"]
    text: LongText = ""
    urgent: bool = False
    client_id: UUID | None = None


class NeedsIn(Schema):
    """What somebody said they need when asked; an empty list is an answer too."""

    needs: Annotated[list[NeedIn], Field(max_length=20)]


class NeedOut(Schema):
    id: int
    kind: str
    urgent: bool
    at: datetime
    met_at: datetime | None


@router.get("", response=OrdersOut, auth=Needs("quarantine.view"))
def orders(
    request: HttpRequest,
    view: View = "decide",
    kind: Kind | Literal[""] = "",
    district: BigId | None = None,
    ends_by: Day | None = None,
    page: Annotated[int, Field(ge=1, le=10_000)] = 1,
    limit: Limit = 50,
):
    """Orders of one list; by default those about which somebody must decide."""
    at = clock.now()
    wanted = queries.Wanted(view=view, kind=kind, district=district, ends_by=ends_by)
    start = (page - 1) * limit
    found = list(queries.orders(at, wanted)[start : start + limit + 1])
    return {"items": [_out(row) for row in found[:limit]], "counts": queries.counts(at), "has_more": len(found) > limit}


@router.get("/{int:number}", response=OrderOut, auth=Needs("quarantine.view"))
def one(request: HttpRequest, number: BigId):
    """One order, and how its days were computed."""
    return _out(_row(number))


@router.post("/{int:number}/issue", response=ChangedOut, auth=Needs("quarantine.issue"))
@once
def issue(request: HttpRequest, number: BigId, data: IssueIn):
    """Make an order of a draft; the person is told."""
    return _done(request, number, lambda row, by, at: services.issue_order(row.id, Terms(**data.dict()), by=by, at=at))


@router.post("/{int:number}/days", response=ChangedOut, auth=Needs("quarantine.issue"))
@once
def days(request: HttpRequest, number: BigId, data: DaysIn):
    """Extend or shorten an order in force; the person is told."""
    return _done(
        request,
        number,
        lambda row, by, at: services.change_days(row.id, until=data.until, reason=data.reason, by=by, at=at),
    )


@router.post("/{int:number}/lift", response=ChangedOut, auth=Needs("quarantine.issue"))
@once
def lift(request: HttpRequest, number: BigId, data: ReasonIn):
    """End an order before its time; the person is told."""
    return _done(request, number, lambda row, by, at: services.lift_order(row.id, reason=data.reason, by=by, at=at))


@router.post("/{int:number}/withdraw", response=ChangedOut, auth=Needs("quarantine.issue"))
@once
def withdraw(request: HttpRequest, number: BigId, data: ReasonIn):
    """Decide that a draft is not issued."""
    return _done(request, number, lambda row, by, at: services.withdraw_draft(row.id, reason=data.reason, by=by, at=at))


@router.get("/{int:number}/needs", response=list[NeedOut], auth=Needs("quarantine.help"))
def needs(request: HttpRequest, number: BigId):
    """What somebody needs, the open ones first; their own words stay on the pages."""
    return [_need(need) for need in queries.needs_of(_row(number))[:200]]


@router.post("/{int:number}/needs", response=list[NeedOut], auth=Needs("quarantine.help"))
@once
def tell_needs(request: HttpRequest, number: BigId, data: NeedsIn):
    """Note what somebody needs; each is passed on once."""
    asked = [NeedAsked(**need.dict()) for need in data.needs]
    row = _row(number)
    try:
        made = services.tell_needs(row.id, asked, by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    except OrderError as error:
        raise _refusal(error) from error
    return [_need(need) for need in made]


def _done(request: HttpRequest, number: int, run: Any) -> dict[str, Any]:
    row = _row(number)
    try:
        found = run(row, request.auth, clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    except OrderError as error:
        raise _refusal(error) from error
    asks = found.asks if isinstance(found, services.Issued) else ""
    return {"asks": asks, "order": _out(_row(number))}


def _row(number: int) -> Order:
    found = queries.order(number)
    if found is None:
        raise ProblemError(404, "not_found", "There is no such order.")
    return found


def _refusal(error: OrderError) -> ProblemError:
    problem = {"field": error.field, "rule": error.rule}
    return ProblemError(422, "invalid", "A value breaks a rule; nothing was stored.", [problem])


def _need(need: Any) -> dict[str, Any]:
    return {"id": need.id, "kind": need.kind, "urgent": need.is_urgent, "at": need.at, "met_at": need.met_at}


class PositionIn(Schema):
    """One word of a phone. `phone` is its secret; `time` is epoch seconds or ISO with a zone, by the phone's clock."""

    phone: Annotated[str, Field(min_length=10, max_length=80)]
    time: int | Moment
    lon: Lon | None = None
    lat: Lat | None = None
    accuracy: Annotated[float, Field(ge=0, le=1e7)] | None = None
    battery: Annotated[float, Field(ge=0, le=1)] | None = None
    charging: bool | None = None
    source: Literal["gps", "network", "cell", "device"] = "device"
    sent: Moment | None = None


class PositionsOut(Schema):
    """What became of the rows; the first row is 1. `repeated` and `older` were known already and changed nothing."""

    accepted: int
    repeated: int
    older: int
    not_ordered: int
    transitions: int
    rejected_rows: int
    rejected: list[dict[str, Any]]


class PostedOut(PositionsOut):
    """`clock`: how wrong the clock of the phone is, in the language of the person; empty where it is right."""

    clock: str


class FollowedOut(Schema):
    status: str


class WatchOut(Schema):
    """One watched person: the state, never the place."""

    order: int
    state: str
    since: datetime | None
    heard: datetime | None
    battery: float | None
    charging: bool | None


class AlarmOut(Schema):
    """An alarm as a task: what is next, and when it is due."""

    id: int
    order: int
    kind: str
    state: str
    at: datetime
    known_at: datetime
    next_step: str
    due: datetime | None
    returned: datetime | None
    taken_by: str
    outcome: str


@router.post("positions", auth=Needs("quarantine.position"), response={201: FollowedOut})
def send_position(request: HttpRequest, data: PositionIn):
    """Follow one position of a phone that was enrolled. Sent twice it changes nothing."""
    outcome = services.record_positions([services.Position(**data.dict())], by=request.auth, at=clock.now())[0]
    if outcome.rule:
        problem = [{"field": outcome.field, "rule": outcome.rule}]
        raise ProblemError(outcome.status, "invalid", "A field breaks a rule; nothing was stored.", problem)
    return Status(201, {"status": "stored"})


@router.post("positions:bulk", auth=Needs("quarantine.position"), response=PositionsOut, openapi_extra=_BULK)
def send_positions(request: HttpRequest):
    """Follow many positions; all that are right are followed, the others listed with row (from 1), field and rule."""
    kind = _KINDS.get(request.content_type or "")
    if kind is None:
        raise ProblemError(415, "kind", "Send application/json or application/x-ndjson.")
    if int(request.headers.get("Content-Length") or 0) > _BULK_BYTES:
        raise ProblemError(413, "too_large", f"One request is {_BULK_BYTES} bytes at most; send several.")
    try:
        return services.load_positions(request.read(), kind, by=request.auth, at=clock.now())
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)[:500]) from error


@router.post("phones/positions", auth=None, response=PostedOut)
def send_own_positions(request: HttpRequest, data: Body[Annotated[list[PositionIn], Field(min_length=1, max_length=200)]]):
    """What a telephone sends for itself: the secret in each row proves it. Unknown or ended secrets are refused by row."""
    answer = services.answer_posts([[services.Position(**one.dict()) for one in data]], by="phone", at=clock.now())[0]
    told = msgspec.json.decode(answer.body)
    if answer.status != 200:
        raise ProblemError(answer.status, told["code"], told["detail"], told["errors"])
    return told


@router.get("watches", auth=Needs("quarantine.desk"), response=list[WatchOut])
def list_watches(request: HttpRequest, limit: Limit = 100, after: int = 0):
    """People who are watched now, in the order of their orders: states and ages, no places."""
    rows = queries.watches().filter(order__gt=max(0, min(after, 2**62))).order_by("order_id")[:limit]
    return [{"order": one.order_id, **{name: getattr(one, name) for name in _WATCH}} for one in rows]


@router.get("alarms", auth=Needs("quarantine.desk"), response=list[AlarmOut])
def list_alarms(request: HttpRequest, limit: Limit = 100, closed: bool = False):
    """Alarms that wait, the next due first; or those that are closed, the newest first."""
    rows = (queries.closed_alarms() if closed else queries.open_alarms())[:limit]
    return [{"order": one.order_id, **{name: getattr(one, name) for name in _ALARM}} for one in rows]


_WATCH = ("state", "since", "heard", "battery", "charging")
_ALARM = ("id", "kind", "state", "at", "known_at", "next_step", "due", "returned", "taken_by", "outcome")
_SAME = (
    "id", "number", "household", "disease", "kind", "state", "place", "starts", "standard_until", "until", "is_earliest",
    "is_extended", "is_shortened", "verbal_at", "written_at", "issued_at", "legal_basis", "purpose", "watched", "language",
    "needs_asked", "ended", "known_at", "revision", "simulated",
)  # fmt: skip


def _out(row: Order) -> dict[str, Any]:
    asked = None
    if row.asks:
        asked = {
            "kind": row.asks["kind"],
            "text": queries.ask_text(row),
            "until": row.asks.get("until"),
            "reasons": queries.why_asked(row),
        }
    return {
        "person": row.person_id,
        "case": row.case_id,
        "follow_up": row.follow_up_id,
        "ends_at": queries.ends_at(row),
        "reasons": rules.explain(row.decision),
        "rule": row.decision.get("rule", ""),
        "asks": asked,
        "district": row.district.name if row.district else "",
        "end_reasons": rules.explain(row.end_reason),
        **{name: getattr(row, name) for name in _SAME},
    }
