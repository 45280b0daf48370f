"""What waits to be told: queued in the caller's transaction, so that it exists exactly when the change does."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from epipolis.act.transfers.events import MessageQueued
from epipolis.act.transfers.models import Outgoing, Transfer
from epipolis.act.transfers.settings import settings
from epipolis.core.events import publish
from epipolis.core.sealing import seal

from .wire import encoded


def queue(row: Transfer, kind: str, body: dict[str, Any], *, at: datetime, hold: bool = False) -> Outgoing:
    """Let something be told to the other office once the transaction commits; `hold` leaves time to take it back."""
    next_try = at + timedelta(seconds=settings.hold_seconds if hold else 0)
    made = Outgoing.objects.create(transfer=row, kind=kind, body=seal(encoded(body)), queued=at, next_try=next_try)
    if next_try <= at:
        publish(MessageQueued(made.id))
    return made


def cancel(row: Transfer, *kinds: str, at: datetime, untried: bool = False) -> int:
    """Take back what has not been delivered; with `untried` only what has certainly not left."""
    found = Outgoing.objects.filter(transfer=row, state=Outgoing.State.WAITING, kind__in=kinds)
    found = found.filter(attempts=0) if untried else found
    return found.update(state=Outgoing.State.CANCELLED, ended=at, body=b"")


@transaction.atomic
def try_again(row: Transfer, *, at: datetime) -> int:
    """Queue again what was refused or given up, and try at once what waits."""
    again = row.messages.filter(state__in=(Outgoing.State.REFUSED, Outgoing.State.GIVEN_UP, Outgoing.State.WAITING))
    numbers = list(again.exclude(body=b"").order_by("id").values_list("id", flat=True))
    Outgoing.objects.filter(id__in=numbers).update(state=Outgoing.State.WAITING, queued=at, next_try=at, ended=None)
    for number in numbers:
        publish(MessageQueued(number))
    return len(numbers)
