"""The desk: what people carry, calls and letters, and what an officer does with one message."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.notices import queries
from epipolis.act.notices.models import OPEN, Channel, Notice, State
from epipolis.core import audit, live
from epipolis.core.sealing import unseal
from epipolis.sense.people import queries as people

from .errors import NoticeError
from .falling import arrive, fall_back, note
from .letters import draw_letter
from .sending import TAKEN_BACK, WHY


@transaction.atomic
def note_call(notice_id: UUID, reached: bool, *, by: audit.Actor, at: datetime, text: str = "") -> Notice:
    """Say how a call went: whoever was reached has the message; otherwise the next way is tried.

    Raises:
        NoticeError: this is no message that waits to be read out.
    """
    row = _carried(notice_id, str(Channel.VOICE))
    note(row, "called" if reached else "not reached", text, at=at, by=audit.actor_name(by))
    if reached:
        arrive(row, str(State.READ), at=at)
    else:
        fall_back(row, NOT_REACHED, at=at)
    audit.record("notices.call", by=by, at=at, subject=row.id, person=row.person_id, reached=reached)
    live.tell("notices")
    return row


NOT_REACHED = gettext_noop("Nobody answered the call.")


@transaction.atomic
def print_letters(ids: list[UUID], *, by: audit.Actor, at: datetime) -> bytes:
    """One PDF with these letters, each on a page of its own with its address in the window; that it was printed is noted.

    Raises:
        NoticeError: one of these is no letter that waits.
    """
    rows = _letters(ids)
    names = people.named([row.person_id for row in rows if row.person_id], by=by, at=at, why=WHY)
    letters = [(row, str(names.get(row.person_id, ""))) for row in rows]
    for row in rows:
        note(row, "printed", "", at=at, by=audit.actor_name(by))
    audit.record("notices.print", by=by, at=at, subject=rows[0].id, letters=len(rows))
    return draw_letter(
        [(name, unseal(row.to), unseal(row.subject), unseal(row.body), row.language) for row, name in letters], at=at
    )


@transaction.atomic
def note_posted(ids: list[UUID], *, by: audit.Actor, at: datetime) -> int:
    """Say that letters are in the post: for what we can know they have arrived.

    Raises:
        NoticeError: one of these is no letter that waits, or none is chosen.
    """
    rows = _letters(ids)
    for row in rows:
        note(row, "posted", "", at=at, by=audit.actor_name(by))
        arrive(row, str(State.DELIVERED), at=at)
        audit.record("notices.posted", by=by, at=at, subject=row.id, person=row.person_id)
    live.tell("notices")
    return len(rows)


@transaction.atomic
def cancel_notice(notice_id: UUID, *, by: audit.Actor, at: datetime) -> Notice:
    """Take one message back.

    Raises:
        NoticeError: it has left already, or there is none.
    """
    row = Notice.objects.select_for_update(of=("self",)).filter(id=notice_id, state__in=OPEN).first()
    if row is None:
        raise NoticeError(gettext_noop("It has left already, or there is no such message."))
    row.state, row.reason, row.ended = State.STOPPED, TAKEN_BACK, at
    row.save()
    note(row, str(State.STOPPED), TAKEN_BACK, at=at, by=audit.actor_name(by))
    audit.record("notices.cancel", by=by, at=at, subject=row.id, person=row.person_id)
    live.tell("notices")
    return row


@transaction.atomic
def try_now(notice_id: UUID, *, by: audit.Actor, at: datetime) -> Notice:
    """Let a message that is held back or waits for its next try leave now; quiet hours stay.

    Raises:
        NoticeError: it does not wait.
    """
    row = Notice.objects.select_for_update(of=("self",)).filter(id=notice_id, state__in=OPEN).first()
    if row is None:
        raise NoticeError(gettext_noop("It has left already, or there is no such message."))
    row.not_before = queries.leaves_at(row.channel, urgent=row.urgent, at=at)
    row.save(update_fields=["not_before"])
    note(row, "asked again", "", at=at, by=audit.actor_name(by))
    audit.record("notices.try_now", by=by, at=at, subject=row.id, person=row.person_id)
    live.tell("notices")
    return row


@transaction.atomic
def open_notice(notice_id: UUID, *, by: audit.Actor, at: datetime) -> tuple[Notice, str, str, str] | None:
    """A message in clear with its address, subject and text; the look is written down for the person to see."""
    row = Notice.objects.filter(id=notice_id).first()
    if row is None:
        return None
    if row.person_id:
        audit.record_read(row.person_id, by=by, at=at, why=WHY)
    return row, _shown(row), unseal(row.subject), unseal(row.body)


def _shown(row: Notice) -> str:
    """Where it goes, as far as a person can read that."""
    return "" if row.channel in (Channel.PUSH, Channel.IN_APP) else unseal(row.to)


@transaction.atomic
def read_own(person: UUID, *, at: datetime) -> list[tuple[Notice, str, str]]:
    """Everything that was written to a person, for that person: what they had not seen is read from now on."""
    found = []
    for row in queries.notices_of(person).select_for_update(of=("self",))[:200]:
        if row.state in (State.SENT, State.DELIVERED, State.FAILED, State.EXPIRED) and row.body:
            arrive(row, str(State.READ), at=at)
            note(row, str(State.READ), "", at=at, by="the person")
        found.append((row, unseal(row.subject), unseal(row.body)))
    return found


def _letters(ids: list[UUID]) -> list[Notice]:
    if not ids:
        raise NoticeError(gettext_noop("No letter is chosen."))
    return [_carried(number, str(Channel.LETTER)) for number in dict.fromkeys(ids)]


def _carried(notice_id: UUID, channel: str) -> Notice:
    row = Notice.objects.select_for_update(of=("self",)).filter(id=notice_id, channel=channel, state=State.SENT).first()
    if row is None:
        raise NoticeError(gettext_noop("This does not wait to be called or printed."))
    return row
