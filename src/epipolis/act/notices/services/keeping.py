"""How long messages are kept: their texts for a while, that they went out much longer."""

from datetime import datetime

from django.db.models import Q

from epipolis.act.notices.models import (
    ENDED,
    OPEN,
    Broadcast,
    DeliveryEvent,
    Inbound,
    Notice,
    Preference,
    PushSubscription,
    SimulatedMessage,
    State,
)

from .sending import TAKEN_BACK

_OVER = Q(state__in=ENDED) | Q(state=State.SENT)


def forget_texts(before: datetime, at: datetime) -> int:
    """Erase what messages said and where they went; of people who were erased at once. Return how many."""
    gone = Q(person__erased__isnull=False)
    Notice.objects.filter(gone, state__in=OPEN).update(state=State.STOPPED, reason=TAKEN_BACK, ended=at)
    for kind in (Preference, PushSubscription, Inbound):
        kind.objects.filter(gone).delete()
    old = Notice.objects.filter(gone | (_OVER & Q(made__lt=before)), erased=None)
    return old.update(to=b"", to_hash="", rest=b"", values=b"", subject=b"", body=b"", erased=at)


def forget_notices(before: datetime, at: datetime) -> int:
    """Erase messages altogether; return how many."""
    rows = Notice.objects.filter(made__lt=before).delete()[0]
    rows += DeliveryEvent.objects.filter(notice=None, at__lt=before).delete()[0]
    return rows + Broadcast.objects.filter(drafted__lt=before, notices=None).delete()[0]


def forget_answers(before: datetime, at: datetime) -> int:
    """Erase what people wrote back; return how many."""
    return Inbound.objects.filter(at__lt=before).delete()[0]


def forget_simulated(before: datetime, at: datetime) -> int:
    """Erase what the simulated provider took, and browsers that no longer take messages; return how many."""
    rows = SimulatedMessage.objects.filter(at__lt=before).delete()[0]
    return rows + PushSubscription.objects.filter(gone__lt=before).delete()[0]
