"""Handling: what staff do with a message that waits; every step says why, and the newest can be taken back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.core import audit, live
from epipolis.core.events import publish
from epipolis.sense.labs.events import ResultFiled
from epipolis.sense.labs.models import Handling, LabMessage, LabResult
from epipolis.sense.people import queries as people_queries

from .filing import Chosen, fresh_ref, note, withdraw_test
from .processing import end, understand
from .reasons import told

State = LabMessage.State
OPEN = (State.UNCLEAR, State.REJECTED, State.FORWARDED)
_LONGEST = 500


class HandlingError(ValueError):
    """A step that cannot be taken; the sentence says why, in the reader's language."""


@transaction.atomic
def file_under(message_id: int, person: UUID, *, by: audit.Actor, at: datetime, makes_case: bool = False) -> Handling:
    """File a message under a person whom somebody chose; its sender and its number are accepted with that.

    Raises:
        HandlingError: the person is unknown or erased, or the message still cannot be filed.
    """
    found = people_queries.person(person)
    if found is None or found.erased is not None:
        raise HandlingError(_("There is no such person, or the person is erased."))
    chosen = Chosen(people_queries.holding([person])[person], makes_case)
    return _again(message_id, "case" if makes_case else "link", chosen, by=by, at=at, person=person)


@transaction.atomic
def file_anyway(message_id: int, *, by: audit.Actor, at: datetime, makes_case: bool = False) -> Handling:
    """File a message as it is: somebody looked and says that sender, number and patient are right.

    Raises:
        HandlingError: it cannot be filed.
    """
    return _again(message_id, "case" if makes_case else "again", Chosen(None, makes_case), by=by, at=at)


@transaction.atomic
def process_anew(message_id: int, *, by: audit.Actor, at: datetime) -> Handling:
    """Let the rules have another look, for instance after a laboratory was registered or a code explained."""
    return _again(message_id, "again", None, by=by, at=at)


@transaction.atomic
def forward_message(message_id: int, to: str, *, by: audit.Actor, at: datetime) -> Handling:
    """Say that a message went to another office, whose it is.

    Raises:
        HandlingError: the office is not named, or the message is filed already.
    """
    return _close(message_id, "forward", str(State.FORWARDED), _said(to, _("Say to whom it went.")), by=by, at=at)


@transaction.atomic
def reject_message(message_id: int, reason: str, *, by: audit.Actor, at: datetime) -> Handling:
    """Say that a message is nothing to be filed, and why.

    Raises:
        HandlingError: there is no reason, or the message is filed already.
    """
    return _close(message_id, "reject", str(State.REJECTED), _said(reason, _("Say why.")), by=by, at=at)


@transaction.atomic
def undo_handling(handling_id: int, *, by: audit.Actor, at: datetime) -> Handling:
    """Take the newest step back: the message waits as before, and what it filed no longer counts.

    Raises:
        LookupError: there is no such step.
        HandlingError: it is not the newest one, or was taken back already.
    """
    wanted = Handling.objects.filter(id=handling_id).first()
    if wanted is None:
        raise LookupError("there is no such step")
    message = _locked(wanted.message_id)
    newest = message.handlings.order_by("-id").first()
    if newest is None or newest.id != wanted.id or wanted.undoes_id is not None:
        raise HandlingError(_("Only the newest step can be taken back."))
    _take_back(message, by=by, at=at)
    before = _standing(message)
    message.state, message.problem, message.is_waiting = wanted.before, wanted.former["problem"], wanted.former["is_waiting"]
    message.reason = wanted.former["reason"]
    message.save(update_fields=["state", "problem", "is_waiting", "reason"])
    return _written(message, "undo", before, by=by, at=at, undoes=wanted)


def reject_many(message_ids: Sequence[int], reason: str, *, by: audit.Actor, at: datetime) -> int:
    """The same for several messages; those that are filed meanwhile stay. Returns how many were rejected."""
    done = 0
    for number in message_ids:
        try:
            reject_message(number, reason, by=by, at=at)
        except HandlingError:
            continue
        done += 1
    return done


def _again(
    message_id: int, action: str, chosen: Chosen | None, *, by: audit.Actor, at: datetime, person: UUID | None = None
) -> Handling:
    message = _open(message_id)
    if not message.raw:
        raise HandlingError(_("The text of this message is no longer kept."))
    before = _standing(message)
    understand(message, by=by, at=at, chosen=chosen)
    if chosen is not None and message.state in (State.UNCLEAR, State.REJECTED):
        sentences = "; ".join(_(text) % values for text, values in message.reason)
        raise HandlingError(_("It still cannot be filed: %(reason)s") % {"reason": sentences})
    return _written(message, action, before, by=by, at=at, person=person)


def _close(message_id: int, action: str, state: str, text: str, *, by: audit.Actor, at: datetime) -> Handling:
    message = _open(message_id)
    before = _standing(message)
    words = {
        "forward": gettext_noop("Forwarded to %(said)s."),
        "reject": gettext_noop("Rejected: %(said)s"),
    }
    end(message, state, reason=told(words[action], said=text), at=at)
    return _written(message, action, before, by=by, at=at, text=text)


def _written(
    message: LabMessage,
    action: str,
    before: dict[str, Any],
    *,
    by: audit.Actor,
    at: datetime,
    text: str = "",
    person: UUID | None = None,
    undoes: Handling | None = None,
) -> Handling:
    made = Handling.objects.create(
        message=message,
        action=action,
        before=before.pop("state"),
        after=message.state,
        former=before,
        note=text,
        person=person,
        by=audit.actor_name(by),
        at=at,
        undoes=undoes,
    )
    audit.record(f"labs.{action}", by=by, at=at, subject=message.id, person=person, state=message.state)
    live.tell("labs", message=message.id)
    return made


def _take_back(message: LabMessage, *, by: audit.Actor, at: datetime) -> None:
    """What a message filed no longer counts: an earlier version does again, or the case hears that the test is withdrawn."""
    for result in message.results.select_for_update().filter(taken_back=None).order_by("ref"):
        LabResult.objects.filter(id=result.id).update(taken_back=at, is_in_force=False)
        if result.is_in_force:
            _restore(result, by=by, at=at)
        publish(ResultFiled(result.id, result.person_id, result.case_id))


def _restore(result: LabResult, *, by: audit.Actor, at: datetime) -> None:
    withdraw_test(result, by=by, at=at)
    former = result.supersedes
    if former is None or former.taken_back is not None:
        return
    former.is_in_force = True
    if former.case_id is not None:
        former.test_ref = fresh_ref(result)
        note(former, by=by, at=at)
    former.save(update_fields=["is_in_force", "test_ref"])


def _standing(message: LabMessage) -> dict[str, Any]:
    return {
        "state": message.state,
        "problem": message.problem,
        "is_waiting": message.is_waiting,
        "reason": message.reason,
    }


def _open(message_id: int) -> LabMessage:
    message = _locked(message_id)
    if message.state not in OPEN:
        raise HandlingError(_("Somebody has filed this message meanwhile. Look again."))
    return message


def _locked(message_id: int) -> LabMessage:
    found = LabMessage.objects.select_for_update(of=("self",)).select_related("laboratory").filter(id=message_id).first()
    if found is None:
        raise LookupError("there is no such message")
    return found


def _said(text: str, otherwise: str) -> str:
    text = text.replace("\0", "").strip()[:_LONGEST]
    if not text:
        raise HandlingError(otherwise)
    return text
