"""Deliveries: each message waits in the database until the other office has answered it, through any crash or cut line."""

from datetime import datetime, timedelta

from django.db import transaction

from epipolis.act.transfers.events import MessageQueued
from epipolis.act.transfers.models import Outgoing, Transfer
from epipolis.act.transfers.settings import settings
from epipolis.core import clock, live
from epipolis.core.sealing import unseal

from .answers import take_answer
from .errors import RefusedError, UnreachableError
from .posting import post
from .signing import real_time
from .wire import decoded

_AT_ONCE = 200
_OFFER = "offer"


def on_message_queued(event: MessageQueued) -> None:
    """Tell it at once; what does not work now is tried again by the job."""
    deliver(event.message, at=clock.now())


def deliver_waiting(at: datetime | None = None) -> int:
    """Deliver everything that is due; return how much was answered. An office that does not answer is asked once a run."""
    now, count = at or clock.now(), 0
    silent: set[int] = set()
    due = Outgoing.objects.filter(state=Outgoing.State.WAITING, next_try__lte=now, transfer__partner__closed=None)
    for message, partner in list(due.order_by("id").values_list("id", "transfer__partner")[:_AT_ONCE]):
        if partner not in silent:
            went = deliver(message, at=now)
            count += went is True
            silent |= {partner} if went is False else set()
    return count


@transaction.atomic
def deliver(message_id: int, *, at: datetime) -> bool | None:
    """Tell one message: True if the office answered, False if not, None if there was nothing to do.

    The row stays held meanwhile, so that no two processes tell it at once; a process that dies lets go of it.
    """
    rows = Outgoing.objects.select_for_update(of=("self",), skip_locked=True).select_related("transfer__partner")
    row = rows.filter(id=message_id, state=Outgoing.State.WAITING, next_try__lte=at).first()
    if row is None or row.transfer.partner.closed or _has_earlier(row):
        return None
    partner, transfer = row.transfer.partner, row.transfer
    content = {"version": 1, "kind": row.kind, "transfer": str(transfer.remote_id), "body": decoded(unseal(row.body))}
    try:
        told = post(partner, content, real=real_time())
    except UnreachableError as error:
        _postpone(row, str(error), at)
        return False
    except RefusedError as error:
        _end(row, str(Outgoing.State.REFUSED), f"{error.code}: {error.detail}"[:300], at)
        _fail(row, at)
        return True
    _end(row, str(Outgoing.State.DELIVERED), "", at)
    take_answer(transfer.id, row.kind, told, at=at)
    return True


def _has_earlier(row: Outgoing) -> bool:
    """What belongs to one transfer is told in its order."""
    return Outgoing.objects.filter(transfer=row.transfer_id, state=Outgoing.State.WAITING, id__lt=row.id).exists()


def _postpone(row: Outgoing, problem: str, at: datetime) -> None:
    row.attempts += 1
    row.problem = problem
    wait = min(settings.longest_wait_seconds, settings.first_wait_seconds * 2 ** min(row.attempts - 1, 20))
    row.next_try = at + timedelta(seconds=wait)
    if at - row.queued >= timedelta(hours=settings.give_up_hours):
        row.state, row.ended = Outgoing.State.GIVEN_UP, at
        _fail(row, at)
    row.save()
    live.tell("transfers", transfer=str(row.transfer_id))


def _end(row: Outgoing, state: str, problem: str, at: datetime) -> None:
    row.attempts += 1
    row.state, row.problem, row.ended = state, problem, at
    if state == Outgoing.State.DELIVERED:
        row.body = b""
    row.save()
    live.tell("transfers", transfer=str(row.transfer_id))


def _fail(row: Outgoing, at: datetime) -> None:
    """An offer that cannot be delivered ends its transfer; other messages only show that they did not arrive."""
    if row.kind == _OFFER:
        Transfer.objects.filter(id=row.transfer_id, state=Transfer.State.SENT).update(state=Transfer.State.FAILED, decided=at)
