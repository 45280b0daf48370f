"""Warnings to everybody in an area: drafted by one person, approved by another, then queued some people at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.notices import queries
from epipolis.act.notices.events import BroadcastApproved
from epipolis.act.notices.models import OPEN, Broadcast, Notice, State
from epipolis.act.notices.settings import settings
from epipolis.core import audit, clock, events, live
from epipolis.core.models import User
from epipolis.sense.people import queries as people

from .errors import NoticeError
from .sending import TAKEN_BACK, Asked, send_each

_SHORT, _LONG = 160, 1_000
_BY = "notices"
_OUT = (str(Broadcast.State.APPROVED), str(Broadcast.State.SENT))
NOT_THERE = gettext_noop("There is no such warning, or it was decided already.")
NOT_OUT = gettext_noop("The warning that is to be changed is not out, or no longer.")


@dataclass(frozen=True, slots=True)
class Warned:
    """What a warning says and whom it is for; texts by language, the area as districts or as a polygon drawn on the map."""

    event: str
    headlines: Mapping[str, str]
    texts: Mapping[str, str]
    severity: str
    urgency: str
    certainty: str
    expires: datetime
    response: str = ""
    instructions: Mapping[str, str] = field(default_factory=dict)
    districts: tuple[int, ...] = ()
    polygon: Mapping[str, Any] | None = None
    replaces: UUID | None = None


@transaction.atomic
def draft_broadcast(told: Warned, *, by: User, at: datetime, simulated: bool = False) -> Broadcast:
    """Write a warning down; nothing leaves before somebody else approves it.

    Raises:
        NoticeError: a part is missing, too long, the area is none, or what it changes is not out.
    """
    _check(told, at)
    if told.replaces is not None:
        _locked(told.replaces, *_OUT, why=NOT_OUT)
    row = Broadcast.objects.create(
        event=told.event.strip(), headlines=_plain(told.headlines), texts=_plain(told.texts),
        instructions=_plain(told.instructions), severity=told.severity, urgency=told.urgency, certainty=told.certainty,
        response=told.response, districts=sorted(set(told.districts)), polygon=told.polygon,
        area=queries.area_in_words(told.districts, told.polygon), expires=told.expires, drafted_by=by, drafted=at,
        simulated=simulated, replaces_id=told.replaces,
    )  # fmt: skip
    audit.record("notices.draft_broadcast", by=by, at=at, subject=row.id, severity=row.severity, districts=row.districts)
    live.tell("notices")
    return row


@transaction.atomic
def approve_broadcast(number: UUID, *, by: User, at: datetime) -> Broadcast:
    """Let a warning go out.

    Raises:
        NoticeError: it does not wait for this, its time is over, the same person drafted it, or what it changes is no
            longer out.
    """
    row = _locked(number, str(Broadcast.State.DRAFTED))
    if row.drafted_by_id == by.id:
        raise NoticeError(gettext_noop("A second person approves what somebody drafted."))
    if row.expires <= at:
        raise NoticeError(gettext_noop("Its time is over; draft it again."))
    if row.replaces_id is not None:
        _replace(_locked(row.replaces_id, *_OUT, why=NOT_OUT), by=by, at=at)
    row.state, row.approved_by, row.approved = Broadcast.State.APPROVED, by, at
    row.save()
    audit.record("notices.approve_broadcast", by=by, at=at, subject=row.id)
    events.publish(BroadcastApproved(row.id))
    live.tell("notices")
    return row


@transaction.atomic
def refuse_broadcast(number: UUID, reason: str, *, by: User, at: datetime) -> Broadcast:
    """Give a draft up, with a reason; whoever drafted it may do this too.

    Raises:
        NoticeError: it does not wait for this, or there is no reason.
    """
    row = _locked(number, str(Broadcast.State.DRAFTED))
    _end(row, str(Broadcast.State.REFUSED), reason, by=by, at=at)
    return row


@transaction.atomic
def cancel_broadcast(number: UUID, reason: str, *, by: User, at: datetime) -> Broadcast:
    """Call off a warning that went out: what has not left does not leave, and other systems are told that it is over.

    Raises:
        NoticeError: it did not go out, or there is no reason.
    """
    row = _locked(number, *_OUT)
    _end(row, str(Broadcast.State.CANCELLED), reason, by=by, at=at)
    _take_back(row, at=at)
    return row


def on_broadcast_approved(event: BroadcastApproved) -> None:
    queue_broadcast(event.broadcast, at=clock.now())


def queue_broadcast(number: UUID, *, at: datetime) -> int:
    """Queue a warning to everybody in its area; return how many. Begun again, it goes on where it stopped."""
    count = 0
    while (queued := _queue_some(number, at=at)) is not None:
        count += queued
    return count


@transaction.atomic
def _queue_some(number: UUID, *, at: datetime) -> int | None:
    row = Broadcast.objects.select_for_update(of=("self",)).filter(id=number, state=Broadcast.State.APPROVED).first()
    if row is None:
        return None
    near = queries.neighbourhoods_of(row)
    ids = people.residents(near, after=row.queued_up_to, most=settings.broadcast_at_once)
    if not ids:
        row.state = Broadcast.State.SENT
        row.save(update_fields=["state"])
        live.tell("notices")
        return None
    texts = {language: queries.broadcast_values(row, language) for language in queries.languages()}
    made = send_each([_asked(row, person, texts) for person in ids], by=_BY, at=at)
    row.queued_up_to, row.people = ids[-1], row.people + sum(1 for one in made if one)
    row.save(update_fields=["queued_up_to", "people"])
    return len(ids)


def _asked(row: Broadcast, person: UUID, texts: Mapping[str, Mapping[str, str]]) -> Asked:
    return Asked(
        person, "broadcast", {}, f"broadcast {row.id} {person}", ("broadcast", str(row.id)), by_language=texts,
        urgent=row.urgency == "Immediate", expires=row.expires, broadcast=row,
    )  # fmt: skip


def _check(told: Warned, at: datetime) -> None:
    languages = queries.languages()
    if not told.event.strip() or len(told.event) > 100:
        raise NoticeError(gettext_noop("A warning says in a few words what it is about."))
    for texts, most in ((told.headlines, _SHORT), (told.texts, _LONG), (told.instructions, _LONG)):
        if set(texts) - set(languages) or any(len(one) > most or "\0" in one for one in texts.values()):
            raise NoticeError(gettext_noop("A headline has at most 160 letters, a text 1,000, in the languages of the city."))
    if missing := [languages[one] for one in languages if not (told.headlines.get(one) or "").strip()]:
        raise NoticeError(gettext_noop("The headline is missing in: %(names)s"), names=", ".join(missing))
    if missing := [languages[one] for one in languages if not (told.texts.get(one) or "").strip()]:
        raise NoticeError(gettext_noop("The text is missing in: %(names)s"), names=", ".join(missing))
    for name, words in queries.CAP_WORDS.items():
        value = getattr(told, name)
        if value not in words and not (name == "response" and not value):
            raise NoticeError(gettext_noop("%(name)s is none of those that CAP knows."), name=name)
    if told.expires <= at:
        raise NoticeError(gettext_noop("The end lies in the past."))
    if why := queries.problem_of_area(told.districts, told.polygon):
        raise NoticeError(why)


def _end(row: Broadcast, state: str, reason: str, *, by: User, at: datetime) -> None:
    if not reason.strip() or len(reason) > 300:
        raise NoticeError(gettext_noop("A reason is needed, of at most 300 letters."))
    row.state, row.reason, row.ended_by, row.ended = state, reason.strip(), by, at
    row.save()
    audit.record("notices.end_broadcast", by=by, at=at, subject=row.id, state=str(state))
    live.tell("notices")


def _replace(row: Broadcast, *, by: User, at: datetime) -> None:
    """A warning in whose place another one goes out: who has not got it yet gets the new one alone."""
    row.state, row.ended_by, row.ended = Broadcast.State.REPLACED, by, at
    row.save()
    _take_back(row, at=at)
    audit.record("notices.end_broadcast", by=by, at=at, subject=row.id, state=str(row.state))


def _take_back(row: Broadcast, *, at: datetime) -> None:
    Notice.objects.filter(broadcast=row, state__in=OPEN).update(state=State.STOPPED, reason=TAKEN_BACK, ended=at)


def _locked(number: UUID, *states: str, why: str = NOT_THERE) -> Broadcast:
    row = Broadcast.objects.select_for_update(of=("self",)).filter(id=number, state__in=states).first()
    if row is None:
        raise NoticeError(why)
    return row


def _plain(texts: Mapping[str, str]) -> dict[str, str]:
    return {language: " ".join(text.split()) for language, text in texts.items() if text.strip()}
