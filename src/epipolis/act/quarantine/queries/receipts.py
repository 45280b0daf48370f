"""What was deleted when watching ended, and what of it stays."""

from epipolis.act.quarantine.models import Alarm, Order, Receipt

from .alarms import evidence_of


def kept_fixes(order: int) -> set[int]:
    """The times (epoch seconds) of the fixes that alarms of an order stand on; they stay until it can no longer be appealed."""
    kept = Alarm.objects.filter(order=order).exclude(evidence=b"")
    return {fix["time"] for one in kept for fix in evidence_of(one)}


def receipts_of(order: Order) -> list[tuple[Receipt, int]]:
    """The receipts of an order, newest first, each with how many fixes still stay."""
    found = list(Receipt.objects.filter(order=order.pk).order_by("-at"))
    stay = len(kept_fixes(order.pk)) if any(one.evidence and not one.evidence_gone for one in found) else 0
    return [(one, 0 if one.evidence_gone or not one.evidence else stay) for one in found]
