"""Processing: a stored message is understood once, and ends in exactly one state; what goes wrong waits for a person."""

import logging
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils.translation import gettext_noop
from psycopg import errors

from epipolis.core import audit, clock, live, rules
from epipolis.core.events import publish_many
from epipolis.sense.labs.events import MessagesReceived, PositivesReceived
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
from .sharing import Shared

log = logging.getLogger(__name__)
State = LabMessage.State
SYSTEM = "laboratories"
_TOGETHER, _POSITIVES = 20, 5  # messages of one job


def announce(numbers: Iterable[int], positive: Collection[int] = ()) -> None:
    """Have messages processed, some at a time: one job for each would take longer than the messages themselves.

    Those among them that look positive overtake the others.
    """
    urgent, found = sorted(positive), sorted(set(numbers) - set(positive))
    publish_many(
        [
            *(PositivesReceived(tuple(urgent[start : start + _POSITIVES])) for start in range(0, len(urgent), _POSITIVES)),
            *(MessagesReceived(tuple(found[start : start + _TOGETHER])) for start in range(0, len(found), _TOGETHER)),
        ]
    )


def on_messages_received(event: MessagesReceived | PositivesReceived) -> None:
    """Understand messages that were stored; hearing of them twice, or when they are gone, changes nothing.

    They share one transaction, which costs half as much. Where that fails each has its own: one that cannot be processed
    does not stop the others; it is tried again with them.
    """
    try:
        _process_together(event.messages)
        return
    except (OperationalError, InterfaceError) as error:
        if not isinstance(error.__cause__, errors.DeadlockDetected):
            raise
    except Exception as error:
        log.info("laboratory messages %s one by one: %s", event.messages, type(error).__name__)
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


@transaction.atomic
def _process_together(numbers: Sequence[int]) -> None:
    wanted = LabMessage.objects.filter(id__in=numbers, state=State.RECEIVED).select_related("laboratory").order_by("id")
    found = list(wanted.select_for_update(of=("self",)))
    if not found:
        return
    shared = Shared()
    with rules.read_once():
        hold(*map(_twin_name, found))
        shared.look_for_twins(found)
        for message in found:
            understand(message, by=SYSTEM, at=clock.now(), shared=shared)
    shared.tell()


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


def understand(
    message: LabMessage, *, by: audit.Actor, at: datetime, chosen: Chosen | None = None, shared: Shared | None = None
) -> None:
    """Read, match and file within the caller's transaction; the message's row is locked.

    With `shared` the caller lets it tell what happened, after the last message.
    """
    own = shared or Shared()
    try:
        with transaction.atomic():
            filed = _file(message, own, by=by, at=at, chosen=chosen)
        own.files(filed)
        state, reason = _state_of(filed)
        _end(message, state, reason=reason, at=at)
    except UnclearError as unclear:
        _end(message, str(State.UNCLEAR), problem=unclear.problem, reason=unclear.reason, is_waiting=True, at=at)
    except RejectedError as error:
        _end(message, str(State.REJECTED), problem=error.problem, reason=error.reason, is_waiting=error.is_waiting, at=at)
    own.ends(message)
    if shared is None:
        own.tell()


def end(message: LabMessage, state: str, *, at: datetime, reason: Reason | None = None) -> None:
    """Note the one state in which a message ends, and tell it."""
    _end(message, state, reason=reason, at=at)
    live.tell("labs", message=message.id)


def _end(
    message: LabMessage,
    state: str,
    *,
    at: datetime,
    problem: str = "",
    reason: Reason | None = None,
    is_waiting: bool = False,
) -> None:
    message.state, message.problem, message.is_waiting = state, problem, is_waiting
    message.reason = reason or no_reason()
    message.processed = at
    message.attempts += 1
    message.save(update_fields=["laboratory", "state", "problem", "is_waiting", "reason", "processed", "attempts"])


def _file(message: LabMessage, shared: Shared, *, by: audit.Actor, at: datetime, chosen: Chosen | None) -> list[Filed]:
    if message.format == LabMessage.Format.READING:
        return file_reading(message, by=by, at=at, chosen=chosen)
    if message.laboratory is None:
        message.laboratory = laboratory_named(message.sender)
    is_asked = chosen is not None  # a person looked: who sent it and its number are accepted
    if not is_asked:
        if not shared.is_single(message):
            _check_twin(message)
        _check_sender(message)
    reports = reports_of(raw_of(message), message.format)
    if any(report.is_test_message for report in reports) and not is_asked:
        text = gettext_noop("The laboratory marked it as a test or a training message.")
        raise RejectedError(REHEARSAL, told(text))
    found = findings_of(reports, message.laboratory, at=at, meanings=shared.meanings(message.laboratory))
    return file_all(message, found, by=by, at=at, chosen=chosen)


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
    hold(_twin_name(message))
    same = LabMessage.objects.filter(sender=message.sender, message_id=message.message_id).exclude(id=message.id)
    others = list(same.exclude(problem=TWIN).values_list("id", "processed", "problem"))
    if any(problem == UNREADABLE for *_, problem in others):
        same.filter(problem=UNREADABLE).update(is_waiting=False)  # now it came whole
    for other, processed, problem in others:
        if problem != UNREADABLE and (other < message.id or processed is not None):
            text = gettext_noop("The sender has used the number %(number)s before, for a message with other content.")
            raise UnclearError(TWIN, text, number=message.message_id)


def _twin_name(message: LabMessage) -> str:
    return f"laboratory message {message.sender}\n{message.message_id}"


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
        _end(message, str(State.UNCLEAR), problem=FAILED, reason=reason, is_waiting=True, at=at)
        live.tell("labs", message=message.id)
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
