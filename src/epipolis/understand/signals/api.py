"""Signals for programs: what stands out, what people made of it, the hot spots, and the record of false alarms."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Day, Limit, ShortText
from epipolis.core.idempotency import once
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError

from . import queries, services
from .models import Signal

router = Router(tags=["Early warning"])
Name = Annotated[ShortText, Field(max_length=60)]
State = Literal["open", "looked_at", "explained", "false_alarm"]
Asked = Literal["", "all", "open", "looked_at", "explained", "false_alarm"]
Method = Literal["", "regression", "cusum", "ears", "level", "scan"]
Reason = Annotated[str, Field(max_length=2_000)]


class HotSpotOut(Schema):
    """Places and days that together hold more than chance gives; `recurrence_days`: how rarely chance gives as much."""

    areas: list[str]
    lon: float
    lat: float
    radius_km: float
    first_day: date
    last_day: date
    observed: float
    expected: float
    risk: float
    p: float
    recurrence_days: float


class SignalOut(Schema):
    """`stands`: whether it still stands out by the newest data; `rate`: stated false alarms a year for each place."""

    id: UUID
    series: str
    area: str
    day: date
    step: int
    method: str
    value: float
    expected: float | None
    upper: float | None
    stands: bool
    rate: float | None
    rule: str
    known_at: datetime
    raised_at: datetime
    revised_at: datetime
    state: str
    hot_spot: HotSpotOut | None = None


class SignalPage(Schema):
    items: list[SignalOut]
    next: str | None = None


class JudgementOut(Schema):
    id: int
    at: datetime
    by_name: str
    before: str
    after: str
    reason: str
    is_undo: bool

    @staticmethod
    def resolve_is_undo(one: Any) -> bool:
        return one.undoes_id is not None


class RevisionOut(Schema):
    known_at: datetime
    value: float
    expected: float | None
    upper: float | None
    stands: bool


class WholeSignalOut(SignalOut):
    """`course`: [day, value, expected, upper] of the days before, as known when it was raised."""

    why: list[str]
    how_often: str
    course: list[list[Any]]
    revisions: list[RevisionOut]
    judgements: list[JudgementOut]


class Narrow(Schema):
    """`state`: empty for those without a final word."""

    state: Asked = "all"
    series: Name = ""
    area: Name = ""
    method: Method = ""


class JudgeIn(Schema):
    """`seen`: the state on which the judgement rests; if it has changed meanwhile, nothing is changed."""

    state: State
    reason: Reason = ""
    seen: Literal["", "open", "looked_at", "explained", "false_alarm"] = ""
    with_earlier: bool = False


class RecordOut(Schema):
    """False alarms stated for the places and days watched, and found so far: judged false, and at most with the unjudged."""

    series: str
    method: str
    first: date | None
    last: date | None
    places: int | None
    stated: float | None
    raised: int
    found: int
    at_most: int
    explained: int
    waiting: int


class LookOut(Schema):
    id: UUID
    kind: str
    day: date
    known_at: datetime
    made_at: datetime
    rules: list[str]
    digest: str
    problems: list[dict[str, Any]]
    skipped: list[str]
    judged: dict[str, int]
    raised: int
    changed: int


class LookPage(Schema):
    items: list[LookOut]
    next: str | None = None


class PastIn(Schema):
    since: Day
    until: Day


class WorkOut(Schema):
    work: UUID


@router.get("", response=SignalPage, auth=Needs("signals.view"))
def signals(request: HttpRequest, asked: Query[Narrow], cursor: str | None = None, limit: Limit = 50):
    """Signals, the newest day first."""
    narrow = queries.Narrow(state=asked.state, series=asked.series, area=asked.area, method=asked.method)
    found = page_of(queries.signals(narrow), cursor, limit, ("-day", "-raised_at", "id"))
    return {**found, "items": [_plain(one) for one in found["items"]]}


@router.get("/hot-spots", response=SignalPage, auth=Needs("signals.view"))
def hot_spots(request: HttpRequest, cursor: str | None = None, limit: Limit = 50):
    """Hot spots as signals with their places and days."""
    narrow = queries.Narrow(state="all", method="scan")
    found = page_of(queries.signals(narrow), cursor, limit, ("-day", "-raised_at", "id"))
    return {**found, "items": [_plain(one) for one in found["items"]]}


@router.get("/record", response=list[RecordOut], auth=Needs("signals.view"))
def record(request: HttpRequest):
    """For each series and method: false alarms stated and found."""
    return queries.record()


@router.get("/looks", response=LookPage, auth=Needs("signals.view"))
def looks(request: HttpRequest, cursor: str | None = None, limit: Limit = 50):
    """Every look, that at the newest data first, with what could not be watched."""
    return page_of(queries.looks(), cursor, limit, ("-known_at", "-made_at", "id"))


@router.post("/looks", response={202: WorkOut}, auth=Needs("signals.run"))
@once
def look(request: HttpRequest):
    """Queue a look at what is known now; one that waits already is answered instead."""
    run = services.start_look(by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    return Status(202, {"work": run.id})


@router.post("/looks/past", response={202: WorkOut}, auth=Needs("signals.run"))
@once
def past(request: HttpRequest, data: PastIn):
    """Queue looks at past days, each from what was known as it began."""
    try:
        run = services.start_looks(data.since, data.until, by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)) from error
    return Status(202, {"work": run.id})


@router.post("/judgements/{judgement_id}/undo", response=JudgementOut, auth=Needs("signals.judge"))
@once
def undo(request: HttpRequest, judgement_id: BigId):
    """Take the last judgement of a signal back."""
    try:
        return services.undo_judgement(judgement_id, by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    except LookupError as error:
        raise ProblemError(404, "not_found", str(error)) from error
    except ValueError as error:
        raise ProblemError(409, "conflict", str(error)) from error


@router.get("/{uuid:signal_id}", response=WholeSignalOut, auth=Needs("signals.view"))
def one_signal(request: HttpRequest, signal_id: UUID):
    """One signal with its course, its revisions and what people made of it."""
    return _whole(_signal(signal_id))


@router.post("/{uuid:signal_id}/judge", response=WholeSignalOut, auth=Needs("signals.judge"))
@once
def judge(request: HttpRequest, signal_id: UUID, data: JudgeIn):
    """Say what a signal was; explained and false alarm need a reason."""
    found = _signal(signal_id)
    try:
        services.judge_signal(found.id, **data.dict(), by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)) from error
    return _whole(_signal(signal_id))


def _plain(one: Signal) -> dict[str, Any]:
    names = [name for name in SignalOut.model_fields if name != "hot_spot"]
    return {name: getattr(one, name) for name in names} | {"hot_spot": one.hot_spot if queries.is_spot(one) else None}


def _whole(one: Signal) -> dict[str, Any]:
    names = queries.area_names()
    return _plain(one) | {
        "why": queries.why(one, names.get(one.area, one.area), names),
        "how_often": queries.how_often(one),
        "course": one.course,
        "revisions": queries.revisions_of(one),
        "judgements": queries.judgements_of(one),
    }


def _signal(signal_id: UUID) -> Signal:
    found = queries.signal_by_id(signal_id)
    if found is None:
        raise ProblemError(404, "not_found", "There is no such signal.")
    return found
