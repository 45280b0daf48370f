"""Keeping: nothing sits unprocessed, and the text of messages ends."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from epipolis.core import clock, live
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.sense.labs.settings import settings

from .processing import SYSTEM, process_again

_MOST = 2_000  # messages that one check takes up
_BATCH = 2_000


def check_for_left_behind() -> int:
    """Every few minutes: messages that are still unprocessed are processed again. Returns how many there were."""
    at = clock.now()
    before = at - timedelta(minutes=settings.stuck_minutes)
    stuck = LabMessage.objects.filter(state=LabMessage.State.RECEIVED, received__lt=before).order_by("received")
    numbers = list(stuck.values_list("id", flat=True)[:_MOST])
    if numbers:
        process_again(numbers, by=SYSTEM, at=at)
        live.tell("labs")
    return len(numbers)


def forget_messages(*, before: datetime, at: datetime) -> int:
    """Erase the text of old messages; of those from which no result came the whole row. Returns how many rows.

    Messages about people who were erased lose their text at once, however new they are.
    """
    old = LabMessage.objects.filter(received__lt=before).exclude(state=LabMessage.State.RECEIVED)
    results = LabResult.objects.filter(message=OuterRef("pk"))
    gone = LabMessage.objects.filter(id__in=old.filter(~Exists(results)).values("id")).delete()[1].get("labs.LabMessage", 0)
    emptied = old.exclude(raw=b"").update(raw=b"")
    erased = LabMessage.objects.filter(results__person__erased__isnull=False).exclude(raw=b"")
    emptied += LabMessage.objects.filter(id__in=list(erased.values_list("id", flat=True)[: _BATCH * 10])).update(raw=b"")
    return gone + emptied
