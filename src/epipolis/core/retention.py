"""Retention: every class of personal rows has an end, and each erasure leaves a receipt."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from epipolis.core.models import DeletionReceipt
from epipolis.core.modules import Keep, modules


def keeps() -> dict[str, Keep]:
    """What is kept for how long, by name, over all modules."""
    return {keep.name: keep for module in modules().values() for keep in module.keeps}


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
