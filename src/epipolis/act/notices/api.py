"""Messages over the API: what staff and their programs ask for, and where providers tell what became of it."""

from datetime import date, datetime
from hmac import compare_digest
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import Field

from epipolis.act.notices import queries, services
from epipolis.act.notices.models import Broadcast, Notice
from epipolis.act.notices.settings import settings
from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import Lat, Lon, LongText, Moment, ShortText, Word
from epipolis.core.idempotency import once
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError

router = Router(tags=["Messages"])
Cursor = Annotated[str, Field(max_length=400)]
Language = Annotated[str, Field(max_length=10)]
ChannelName = Literal["sms", "email", "whatsapp", "voice", "push", "letter", "in_app"]
_MOST_BYTES = 1_048_576


class NoticeOut(Schema):
    """A message without whom it is for, where it goes and what it says."""

    id: UUID
    template: str
    language: str
    channel: str
    state: str
    reason: str
    urgent: bool
    about_kind: str
    about_id: str
    not_before: datetime
    expires: datetime | None
    tries: int
    step: int
    cost: float
    made: datetime
    sent: datetime | None
    ended: datetime | None
    simulated: bool


class NoticePage(Schema):
    items: list[NoticeOut]
    next: str | None


class NoticeEventOut(Schema):
    """One thing that happened to a message."""

    state: str
    channel: str
    at: datetime
    told_at: datetime | None
    provider: str
    text: str
    by: str


class OpenedNoticeOut(Schema):
    """A message in clear; that it was opened is written down for the person to see."""

    notice: NoticeOut
    to: str
    subject: str
    body: str
    events: list[NoticeEventOut]


class NoticeIn(Schema):
    """A message to a person; the same `dedupe_key` is the same message."""

    person: UUID
    template: Word
    values: dict[Annotated[str, Field(max_length=40)], LongText] = Field(default_factory=dict, max_length=20)
    dedupe_key: Annotated[Word, Field(max_length=200)]
    about_kind: Annotated[Word, Field(max_length=40)]
    about_id: Annotated[Word, Field(max_length=64)]
    urgent: bool = False
    channels: Annotated[list[ChannelName], Field(max_length=7)] = []
    language: Language = ""


class PreferenceIn(Schema):
    """How somebody wants to be told: channels in their order, those that they do not want, their language."""

    channels: Annotated[list[ChannelName], Field(max_length=7)] = []
    stopped: Annotated[list[ChannelName], Field(max_length=7)] = []
    language: Language = ""


class PreferenceOut(Schema):
    channels: list[str]
    stopped: list[str]
    language: str
    changed: datetime
    changed_by: str


class BroadcastIn(Schema):
    """A warning: texts by language, its words as CAP 1.2 has them, its area as districts or as corners (lon, lat)."""

    event: Word
    headlines: dict[Language, ShortText] = Field(max_length=5)
    texts: dict[Language, LongText] = Field(max_length=5)
    instructions: dict[Language, LongText] = Field(default_factory=dict, max_length=5)
    severity: Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
    urgency: Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
    certainty: Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]
    response: Literal["", "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"] = ""
    expires: Moment
    districts: Annotated[list[Annotated[int, Field(ge=1, le=2**63 - 1)]], Field(max_length=500)] = []
    corners: Annotated[list[tuple[Lon, Lat]], Field(max_length=200)] = []
    replaces: UUID | None = None  # the warning that is out and that this one changes


class BroadcastOut(Schema):
    id: UUID
    event: str
    headlines: dict[str, str]
    severity: str
    urgency: str
    certainty: str
    area: str
    expires: datetime
    state: str
    replaces_id: UUID | None
    drafted: datetime
    approved: datetime | None
    people: int
    simulated: bool


class CallOffIn(Schema):
    reason: Annotated[Word, Field(max_length=300)]


class ReportsTakenOut(Schema):
    """How much of a report was news."""

    taken: int


@router.post("reports/{provider}", auth=None, response=ReportsTakenOut)
def take_reports(request: HttpRequest, provider: Literal["sms", "whatsapp", "simulated"]) -> dict[str, int]:
    """Where a provider tells what became of messages, and what people answered; signed, taken once, in any order.

    The SMS gateway signs with `Epipolis-Signature: t=SECONDS,v1=HEX` (HMAC-SHA256 of "SECONDS." and the body), WhatsApp
    with `X-Hub-Signature-256`. docs/guides/notices.md tells the rest.
    """
    if int(request.headers.get("Content-Length") or 0) > _MOST_BYTES:
        raise ProblemError(413, "too_large", f"A report has at most {_MOST_BYTES} bytes.")
    try:
        return {"taken": services.take_reports(provider, request.headers, request.body, at=clock.now())}
    except services.SignatureError as error:
        raise ProblemError(400, "not_signed", str(error)) from error
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)[:300]) from error


@router.get("reports/{provider}", auth=None, response={200: Any})
def confirm_address(request: HttpRequest, provider: Literal["whatsapp"]) -> HttpResponse:
    """WhatsApp asks once whether this address is ours (`hub.mode`, `hub.verify_token`, `hub.challenge`)."""
    asked = request.GET
    word = asked.get("hub.verify_token", "").encode(errors="replace")
    if not settings.whatsapp_verify or not compare_digest(word, settings.whatsapp_verify.encode()):
        raise ProblemError(400, "not_ours", "This is not the word that was agreed.")
    return HttpResponse(asked.get("hub.challenge", "")[:200], content_type="text/plain; charset=utf-8")


@router.get("alerts/{broadcast_id}", auth=None, response={200: Any})
def alert(request: HttpRequest, broadcast_id: UUID) -> HttpResponse:
    """A warning that went out, as CAP 1.2."""
    found = queries.published().filter(id=broadcast_id).first()
    if found is None:
        raise ProblemError(404, "not_found", "There is no such warning.")
    return HttpResponse(queries.cap(found), content_type="application/cap+xml; charset=utf-8")


@router.get("", auth=Needs("notices.view"), response=NoticePage)
def notices(
    request: HttpRequest,
    state: Annotated[str, Field(max_length=10)] = "",
    channel: Literal["", "sms", "email", "whatsapp", "voice", "push", "letter", "in_app"] = "",
    template: Annotated[str, Field(max_length=60)] = "",
    about_kind: Annotated[str, Field(max_length=40)] = "",
    about_id: Annotated[str, Field(max_length=64)] = "",
    day: Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 1, 1))] | None = None,
    cursor: Cursor | None = None,
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100,
) -> dict[str, Any]:
    """Messages, the newest first; `state` may also be open, sent or failed as a group."""
    state, template, about_kind, about_id = (one.replace("\0", "") for one in (state, template, about_kind, about_id))
    wanted = queries.Wanted(state, channel, template, about_kind, about_id, day=day)
    return page_of(queries.notices(wanted), cursor, limit, ("-made", "id"))


@router.post("", auth=Needs("notices.send"), response={201: NoticeOut})
@once
def send(request: HttpRequest, body: NoticeIn) -> Status:
    """Write to a person."""
    told = body.dict()
    about, channels = (told.pop("about_kind"), told.pop("about_id")), tuple(told.pop("channels"))
    names = [told.pop(name) for name in ("person", "template", "values")]
    made = _done(lambda: services.send(*names, about=about, channels=channels, by=_by(request), at=clock.now(), **told))
    if made is None:
        raise ProblemError(404, "not_found", "There is nobody of this number to write to.")
    return Status(201, made)


@router.get("{uuid:notice_id}", auth=Needs("notices.view"), response=NoticeOut)
def notice(request: HttpRequest, notice_id: UUID) -> Notice:
    """One message."""
    return _found(queries.notice(notice_id))


@router.post("{uuid:notice_id}/open", auth=Needs("notices.open"), response=OpenedNoticeOut)
def open_notice(request: HttpRequest, notice_id: UUID) -> dict[str, Any]:
    """One message in clear with everything that happened to it; the look is written down."""
    row, to, subject, body = _found(services.open_notice(notice_id, by=_by(request), at=clock.now()))
    return {"notice": row, "to": to, "subject": subject, "body": body, "events": queries.events_of(row)}


@router.post("{uuid:notice_id}/cancel", auth=Needs("notices.send"), response=NoticeOut)
def cancel(request: HttpRequest, notice_id: UUID) -> Notice:
    """Take a message back that has not left."""
    _found(queries.notice(notice_id))
    found: Notice = _done(lambda: services.cancel_notice(notice_id, by=_by(request), at=clock.now()))
    return found


@router.put("people/{person_id}/preference", auth=Needs("notices.send"), response=PreferenceOut)
def prefer(request: HttpRequest, person_id: UUID, body: PreferenceIn) -> Any:
    """Note how somebody wants to be told."""
    try:
        return _done(lambda: services.prefer(person_id, **body.dict(), by=_by(request), at=clock.now()))
    except LookupError as error:
        raise ProblemError(404, "not_found", "There is no such person.") from error


@router.post("broadcasts", auth=Needs("notices.warn"), response={201: BroadcastOut})
@once
def draft_broadcast(request: HttpRequest, body: BroadcastIn) -> Status:
    """Draft a warning; a second person lets it go out."""
    told = body.dict()
    polygon = queries.polygon_of(told.pop("corners"))
    warned = services.Warned(**(told | {"districts": tuple(told["districts"])}), polygon=polygon)
    return Status(201, _done(lambda: services.draft_broadcast(warned, by=_person(request), at=clock.now())))


@router.post("broadcasts/{broadcast_id}/approve", auth=Needs("notices.release"), response=BroadcastOut)
def approve_broadcast(request: HttpRequest, broadcast_id: UUID) -> Broadcast:
    """Let a warning go out that somebody else drafted."""
    _found(queries.broadcast(broadcast_id))
    found: Broadcast = _done(lambda: services.approve_broadcast(broadcast_id, by=_person(request), at=clock.now()))
    return found


@router.post("broadcasts/{broadcast_id}/cancel", auth=Needs("notices.release"), response=BroadcastOut)
def cancel_broadcast(request: HttpRequest, broadcast_id: UUID, body: CallOffIn) -> Broadcast:
    """Call a warning off that went out."""
    _found(queries.broadcast(broadcast_id))
    found: Broadcast = _done(lambda: services.cancel_broadcast(broadcast_id, body.reason, by=_person(request), at=clock.now()))
    return found


def _found(row: Any) -> Any:
    if row is None:
        raise ProblemError(404, "not_found", "There is no such message or warning.")
    return row


def _done(act: Any) -> Any:
    try:
        return act()
    except services.NoticeError as error:
        raise ProblemError(409, "refused", str(error)) from error


def _by(request: HttpRequest) -> Any:
    return getattr(request, "auth")  # noqa: B009 -- requests have no such attribute for the type checker


def _person(request: HttpRequest) -> Any:
    """Two people decide on a warning, so that a device cannot be one of them."""
    by = _by(request)
    if not hasattr(by, "username"):
        raise ProblemError(409, "person_needed", "A warning is drafted and released by people, not by devices.")
    return by
