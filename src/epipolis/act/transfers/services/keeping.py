"""How long it is kept: documents while they are needed, numbers of requests for minutes, who owns what for years."""

from datetime import datetime, timedelta

from django.db.models import Q

from epipolis.act.transfers.models import Lost, Outgoing, Transfer, UsedNonce
from epipolis.act.transfers.settings import settings

from .signing import real_time

State = Transfer.State


def forget_documents(*, before: datetime, at: datetime) -> int:
    """Erase the documents of transfers that ended before; of a shared case once nothing was heard of it for so long."""
    ended = Q(state__in=(State.REJECTED, State.WITHDRAWN, State.FAILED), decided__lt=before)
    taken = Q(state=State.ACCEPTED, what="handover", decided__lt=before)
    stale = Q(state=State.ACCEPTED, what="share", decided__lt=before) & (Q(updated=None) | Q(updated__lt=before))
    drafts = Q(state=State.DRAFTED, drafted__lt=before)
    old = Transfer.objects.filter(ended | taken | stale | drafts).exclude(document=b"", changed=b"")
    numbers = list(old.values_list("id", flat=True))
    Outgoing.objects.filter(transfer__in=numbers).exclude(state=Outgoing.State.WAITING).update(body=b"")
    Lost.objects.filter(transfer__in=numbers).delete()
    return Transfer.objects.filter(id__in=numbers).update(document=b"", changed=b"", left=[])


def forget_transfers(*, before: datetime, at: datetime) -> int:
    """Erase transfers that ended long ago, with what was told about them."""
    old = Transfer.objects.filter(decided__lt=before).exclude(state=State.ACCEPTED, what="share")
    rows, _kinds = old.delete()
    return rows


def forget_nonces(*, before: datetime, at: datetime) -> int:
    """Numbers of requests whose time is over: such a request would be refused by its time."""
    long_ago = real_time() - 4 * timedelta(seconds=settings.skew_seconds)
    rows, _kinds = UsedNonce.objects.filter(at__lt=long_ago).delete()
    return rows
