"""People are told what happens with their order."""

from datetime import datetime

from epipolis.act.quarantine.models import Order
from epipolis.core import audit


def tell_person(row: Order, what: str, *, by: audit.Actor, at: datetime, reason: str = "") -> None:
    """Send a notice about an order."""
