"""The simulated provider's own clock: it sends its signed reports when they are due, and passes on what a phone answers."""

import json
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction

from epipolis.act.notices.models import SimulatedMessage
from epipolis.core import clock
from epipolis.core.sealing import unseal

from .channels import REPORTS, SIGNATURE, SIMULATED, signed, simulated_secret
from .reporting import take_reports

_AT_ONCE, _NEXT = 500, timedelta(seconds=3)


def play_provider(at: datetime | None = None) -> int:
    """Send the reports that are due; return how many. Each in its own order, some twice, as its fate says."""
    at = at or clock.now()
    count = 0
    while sent := _some(at):
        count += sent
    return count


@transaction.atomic
def _some(at: datetime) -> int:
    rows = list(
        SimulatedMessage.objects.select_for_update(skip_locked=True)
        .filter(due__lte=at)
        .exclude(fate="returned")  # told by mail
        .order_by("due", "id")[:_AT_ONCE]
    )
    told = [_event(row, at) for row in rows]
    for row in rows:
        row.told += 1
        row.due = at + _NEXT if row.told < len(REPORTS[row.fate]) else None
    SimulatedMessage.objects.bulk_update(rows, ["told", "due"])
    if told:
        _post({"events": told}, at=at)
    return len(told)


def answer_from_phone(address_hash: str, channel: str, text: str, *, at: datetime) -> int:
    """What the person with a simulated phone writes back; 0 when there is no such phone."""
    last = SimulatedMessage.objects.filter(to_hash=address_hash, channel=channel).order_by("-at", "-id").first()
    if last is None:
        return 0
    number = sha256(f"{last.ref} {at.isoformat()} {text}".encode()).hexdigest()[:32]
    told = {"id": number, "from": unseal(last.to), "text": text, "at": at.isoformat(), "channel": channel}
    return _post({"messages": [told]}, at=at)


def _event(row: SimulatedMessage, at: datetime) -> dict[str, str]:
    state = REPORTS[row.fate][row.told]
    detail = "the telephone could not be reached" if state == "failed" else ""
    return {
        "id": f"{row.ref} {state}", "reference": row.key, "message": row.ref, "state": state, "at": at.isoformat(),
        "detail": detail,
    }  # fmt: skip


def _post(content: dict[str, object], *, at: datetime) -> int:
    body = json.dumps(content).encode()
    return take_reports(SIMULATED, {SIGNATURE: signed(simulated_secret(), body, time=int(at.timestamp()))}, body, at=at)
