"""Processing: a stored message is understood once, and ends in exactly one state; what goes wrong waits for a person."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from epipolis.core import audit, clock, live
from epipolis.core.events import publish_many
from epipolis.sense.labs.events import MessagesReceived
from epipolis.sense.labs.models import LabMessage
from epipolis.sense.labs.settings import settings

from .filing import Chosen, Filed, file_all
from .locks import hold
from .reading import findings_of, raw_of, reports_of
from .readings import file_reading
from .reasons import (
    FAILED,
    REHEARSAL,
    SENDER,
    TWIN,
    UNREADABLE,
    UNTRUSTED,
    Reason,
    RejectedError,
    UnclearError,
    no_reason,
    told,
)
from .senders import laboratory_named

log = logging.getLogger(__name__)
State = LabMessage.State
SYSTEM = "laboratories"
_TOGETHER = 20  # messages of one job


def announce(numbers: Iterable[int]) -> None:
    """Have messages processed, some at a time: one job for each would take longer than the messages themselves."""
    found = sorted(numbers)
    publish_many(MessagesReceived(tuple(found[start : start + _TOGETHER])) for start in range(0, len(found), _TOGETHER))


def on_messages_received(event: MessagesReceived) -> None:
    """Understand messages that were stored; hearing of them twice, or when they are gone, changes nothing.

    One that cannot be processed does not stop the others; it is tried again with them.
    """
    failure: Exception | None = None
    for number in event.messages:
        try:
            with suppress(LabMessage.DoesNotExist):
                process_message(number, at=clock.now())
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            failure = error
    if failure is not None:
        raise failure


def process_message(message_id: int, *, at: datetime, by: audit.Actor = SYSTEM, chosen: Chosen | None = None) -> LabMessage:
    """Bring a received message to its state; one that has a state stays as it is.

    A mistake of ours is tried again, and after some tries a person is asked: no message disappears, and none blocks others.

    Raises:
        LabMessage.DoesNotExist: there is no such message.
    """
    try:
        with transaction.atomic():
            message = LabMessage.objects.select_for_update(of=("self",)).select_related("laboratory").get(id=message_id)
            if message.state == State.RECEIVED:
                understand(message, by=by, at=at, chosen=chosen)
            return message
    except (OperationalError, InterfaceError, LabMessage.DoesNotExist):
        raise
    except Exception as error:
        log.exception("laboratory message %s", message_id)
        if not _gives_up(message_id, error, at=at):
            raise
        return LabMessage.objects.get(id=message_id)


def understand(message: LabMessage, *, by: audit.Actor, at: datetime, chosen: Chosen | None = None) -> None:
    """Read, match and file within the caller's transaction; the message's row is locked."""
    try:
        with transaction.atomic():
            state, reason = _file(message, by=by, at=at, chosen=chosen)
        end(message, state, reason=reason, at=at)
    except UnclearError as unclear:
        end(message, str(State.UNCLEAR), problem=unclear.problem, reason=unclear.reason, is_waiting=True, at=at)
    except RejectedError as error:
        end(message, str(State.REJECTED), problem=error.problem, reason=error.reason, is_waiting=error.is_waiting, at=at)


def end(
    message: LabMessage,
    state: str,
    *,
    at: datetime,
    problem: str = "",
    reason: Reason | None = None,
    is_waiting: bool = False,
) -> None:
    """Note the one state in which a message ends."""
    message.state, message.problem, message.is_waiting = state, problem, is_waiting
    message.reason = reason or no_reason()
    message.processed = at
    message.attempts += 1
    message.save(update_fields=["laboratory", "state", "problem", "is_waiting", "reason", "processed", "attempts"])
    live.tell("labs", message=message.id)


def _file(message: LabMessage, *, by: audit.Actor, at: datetime, chosen: Chosen | None) -> tuple[str, Reason]:
    if message.format == LabMessage.Format.READING:
        return _state_of(file_reading(message, by=by, at=at, chosen=chosen))
    if message.laboratory is None:
        message.laboratory = laboratory_named(message.sender)
    is_asked = chosen is not None  # a person looked: who sent it and its number are accepted
    if not is_asked:
        _check_twin(message)
        _check_sender(message)
    reports = reports_of(raw_of(message), message.format)
    if any(report.is_test_message for report in reports) and not is_asked:
        text = gettext_noop("The laboratory marked it as a test or a training message.")
        raise RejectedError(REHEARSAL, told(text))
    found = findings_of(reports, message.laboratory, at=at)
    return _state_of(file_all(message, found, by=by, at=at, chosen=chosen))


def _state_of(filed: Sequence[Filed]) -> tuple[str, Reason]:
    """One state for all findings of a message: what asks for the most work."""
    kinds = {one.end for one in filed}
    state = next((one for one in (State.NEW_CASE, State.EXISTING_CASE) if one in kinds), State.PERSON)
    return str(state), [pair for one in filed for pair in one.reason][:10]


def _check_sender(message: LabMessage) -> None:
    laboratory = message.laboratory
    if laboratory is None:
        if settings.unknown_sender == "taken" or message.road == "import":
            return
        text = gettext_noop("No laboratory is registered as %(sender)s.")
        if settings.unknown_sender == "rejected":
            raise RejectedError(SENDER, told(text, sender=message.sender))
        raise UnclearError(SENDER, text, sender=message.sender)
    if not laboratory.is_trusted:
        text = gettext_noop("%(laboratory)s is registered, but its results need a person’s look.")
        raise UnclearError(UNTRUSTED, text, laboratory=laboratory.name)


def _check_twin(message: LabMessage) -> None:
    """Whether the sender has used this number for another message before; of two that come together, one is the first."""
    hold(f"laboratory message {message.sender}\n{message.message_id}")
    same = LabMessage.objects.filter(sender=message.sender, message_id=message.message_id).exclude(id=message.id)
    others = list(same.exclude(problem=TWIN).values_list("id", "processed", "problem"))
    if any(problem == UNREADABLE for *_, problem in others):
        same.filter(problem=UNREADABLE).update(is_waiting=False)  # now it came whole
    for other, processed, problem in others:
        if problem != UNREADABLE and (other < message.id or processed is not None):
            text = gettext_noop("The sender has used the number %(number)s before, for a message with other content.")
            raise UnclearError(TWIN, text, number=message.message_id)


def _gives_up(message_id: int, error: Exception, *, at: datetime) -> bool:
    """Count a failed try; after enough of them the message goes to the inbox."""
    LabMessage.objects.filter(id=message_id, state=State.RECEIVED).update(attempts=F("attempts") + 1)
    with transaction.atomic():
        message = LabMessage.objects.select_for_update().get(id=message_id)
        if message.state != State.RECEIVED or message.attempts < settings.tries:
            return False
        message.attempts -= 1  # `end` counts this try
        reason = told(
            gettext_noop("It was tried %(times)s times: %(error)s."), times=settings.tries, error=type(error).__name__
        )
        end(message, str(State.UNCLEAR), problem=FAILED, reason=reason, is_waiting=True, at=at)
        return True


def process_again(message_ids: Sequence[int], *, by: audit.Actor, at: datetime) -> int:
    """Process messages that were left behind; return how many have a state now. One that fails does not stop the others."""
    done = 0
    for number in message_ids:
        try:
            done += process_message(number, by=by, at=at).state != State.RECEIVED
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # noqa: S112 -- logged and counted by process_message
            continue
    return done
