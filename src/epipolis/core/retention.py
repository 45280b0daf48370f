"""Retention: every class of personal rows has an end, and each erasure leaves a receipt."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from epipolis.core import idempotency
from epipolis.core.models import DeletionReceipt, TaskRun
from epipolis.core.modules import Keep, modules


def keeps() -> dict[str, Keep]:
    """What is kept for how long, by name: the platform's own rows, then those of all modules."""
    own = {keep.name: keep for keep in CORE_KEEPS}
    return own | {keep.name: keep for module in modules().values() for keep in module.keeps}


def _forget_sessions(*, before: datetime, at: datetime) -> int:
    """Sessions live by real time, whatever the platform's clock shows."""
    rows, _kinds = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return rows


def _forget_tasks(*, before: datetime, at: datetime) -> int:
    rows, _kinds = TaskRun.objects.filter(asked__lt=before, finished__isnull=False).delete()
    return rows


CORE_KEEPS = (
    Keep(
        "core.answers", lambda: idempotency.KEEP_DAYS, idempotency.forget, gettext_noop("so that a repeat gets the same answer")
    ),
    Keep("core.sessions", lambda: 1, _forget_sessions, gettext_noop("ended sessions are of no use")),
    Keep("core.tasks", lambda: 90, _forget_tasks, gettext_noop("reports of imports quote the rows that were refused")),
)


def enforce(*, at: datetime) -> dict[str, int]:
    """Erase what is older than it may be kept; return how many rows of each class went. Twice changes nothing."""
    return {name: forget(keep, at=at) for name, keep in keeps().items()}


@transaction.atomic
def forget(keep: Keep, *, at: datetime) -> int:
    """Erase the old rows of one class and write the receipt in the same transaction."""
    before = at - timedelta(days=keep.days())
    rows = keep.forget(before=before, at=at)
    if rows:
        DeletionReceipt.objects.create(what=keep.name, before=before, rows=rows, at=at)
    return rows


def receipts() -> QuerySet[DeletionReceipt]:
    """Proofs of erasure, newest first."""
    return DeletionReceipt.objects.order_by("-at", "-id")
