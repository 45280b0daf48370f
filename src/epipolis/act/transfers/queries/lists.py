"""Transfers, partners, and what waits to be told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from epipolis.act.transfers.models import Lost, Outgoing, Partner, Transfer
from epipolis.core.sealing import unseal
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case

from .documents import decode
from .words import label

_STATES = Transfer.State
_SLOW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A loss in words."""

    field: str
    kept: str
    lost: str
    ours: bool
    at: datetime


def partners() -> QuerySet[Partner]:
    """Every office that was ever added, with how many transfers are open."""
    waiting = Count("transfers", filter=Q(transfers__state__in=("drafted", "sent", "received")))
    return Partner.objects.annotate(waiting=waiting).order_by("closed", "name", "id")


def open_partners() -> QuerySet[Partner]:
    """Offices to which something may be sent."""
    return Partner.objects.filter(compared__isnull=False, closed=None).order_by("name")


def partner(partner_id: int) -> Partner | None:
    return Partner.objects.filter(id=partner_id).first() if 0 < partner_id < 2**63 else None


def partner_of_key(key_id: str) -> Partner | None:
    return Partner.objects.filter(key_id=key_id).first()


def transfers(direction: str = "", state: str = "", partner_id: int | None = None) -> QuerySet[Transfer]:
    """Transfers, newest first as `page_of` orders them; `state` "open" for those that nobody has ended yet."""
    found = Transfer.objects.select_related("partner")
    if direction:
        found = found.filter(direction=direction)
    if state == "open":
        found = found.filter(state__in=("drafted", "sent", "received"))
    elif state:
        found = found.filter(state=state)
    return found.filter(partner=partner_id) if partner_id else found


def transfer(transfer_id: UUID) -> Transfer | None:
    return Transfer.objects.select_related("partner", "case").filter(id=transfer_id).first()


def transfers_of_case(case_id: UUID) -> QuerySet[Transfer]:
    return Transfer.objects.select_related("partner").filter(case=case_id).order_by("-drafted", "-id")


def document(row: Transfer) -> Any:
    """What a transfer holds; None once it was forgotten."""
    text = unseal(row.document)
    return decode(text) if text else None


def changed_document(row: Transfer) -> Any:
    """A shared case as this office would have it; None where it has changed nothing."""
    text = unseal(row.changed)
    return decode(text) if text else None


def messages_of(row: Transfer) -> QuerySet[Outgoing]:
    return Outgoing.objects.filter(transfer=row).order_by("-id")


def held_until(row: Transfer, at: datetime) -> datetime | None:
    """Until when the last offer or answer has not left yet, so that it can be taken back."""
    waiting = Outgoing.objects.filter(transfer=row, state="waiting", attempts=0, kind__in=("offer", "answer"))
    found = waiting.order_by("-id").first()
    return found.next_try if found and found.next_try > at else None


def losses_of(row: Transfer) -> list[Spoken]:
    """What was lost where both offices changed something, the newest first."""
    found = []
    for one in Lost.objects.filter(transfer=row).order_by("-at", "id"):
        kept, _line, gone = unseal(one.values).partition("\0")
        found.append(Spoken(label(one.field), kept, gone, one.ours, one.at))
    return found


def count_waiting(at: datetime) -> int:
    """Cases that other offices have sent and nobody here has answered."""
    return Transfer.objects.filter(direction="in", state=_STATES.RECEIVED).count()


def count_stuck(at: datetime) -> int:
    """Transfers that could not be delivered, or that another office has not answered for a day."""
    slow = Q(state__in=(_STATES.SENT, _STATES.RECEIVED), sent__lt=at - _SLOW)
    return Transfer.objects.filter(Q(state=_STATES.FAILED) | slow, direction="out").count()


def selected_cases(wanted: dict[str, Any], most: int) -> list[Case]:
    """The cases of a selection, the newest first."""
    filters = {name: wanted.get(name) for name in ("since", "until", "district", "classification")}
    found = cases.line_list(None, text=wanted.get("q") or "", **filters)
    return list(found.order_by("-known_at", "id")[:most])


def shared_from_here(case_id: UUID) -> QuerySet[Transfer]:
    """Offices that read along: they are told when the case changes."""
    found = Transfer.objects.filter(direction="out", what="share", state=_STATES.ACCEPTED, case=case_id)
    return found.filter(partner__closed=None).select_related("partner")
