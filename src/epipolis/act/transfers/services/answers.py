"""What another office answered to one of our messages, and what follows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from epipolis.act.transfers.models import Transfer
from epipolis.core import audit

from .outcomes import decided
from .sharing import take_verdict
from .storing import locked

State = Transfer.State


def take_answer(transfer_id: UUID, kind: str, told: dict[str, Any], *, at: datetime) -> None:
    """Follow an answer, in the transaction in which its message ends."""
    row = locked(transfer_id)
    state, reason = str(told.get("state", "")), str(told.get("reason", ""))
    if kind == "offer":
        if row.state in (State.SENT, State.FAILED):
            row.state, row.received = State.RECEIVED, at
            row.save()
        decided(row, state, reason, at=at)
    elif kind == "withdrawal":
        _withdrawn(row, state, at=at)
    elif kind == "proposal":
        take_verdict(row, told, at=at)
        row.save()


def _withdrawn(row: Transfer, state: str, *, at: datetime) -> None:
    """The other office says which came first. What was shared ends in any case."""
    if state == State.WITHDRAWN and row.state != State.WITHDRAWN:
        row.state, row.decided, row.decided_by = State.WITHDRAWN, at, row.by
        row.save()
        audit.record("transfers.withdrawn", by=f"office:{row.partner.name}", at=at, subject=row.id)
    elif state in (State.ACCEPTED, State.REJECTED):
        decided(row, state, "", at=at)
    row.asked_back = None
    row.save()
