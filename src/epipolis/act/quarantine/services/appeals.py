"""Appeals: anybody under an order may ask for another look, sees what it rests on, and is answered by somebody else."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Appeal, Order, State
from epipolis.core import audit, clock
from epipolis.core.sealing import seal, unseal

from .issuing import lift_order, say_why
from .storing import OrderError, locked, store, values
from .telling import tell_person

_SHOWN = ("kind", "starts", "until", "standard_until", "is_earliest", "legal_basis", "purpose", "watched", "issued_at")
LONGEST = 4_000
_ALL = 4 * LONGEST  # with what is added while it is looked at


@transaction.atomic
def file_appeal(order_id: int, text: str, *, by: audit.Actor, at: datetime, client_id: UUID | None = None) -> Appeal:
    """Ask for another look at an order. What stands about it now is kept with the appeal. The order holds meanwhile.

    The same `client_id` again is the same appeal. What is said while one is open is added to its words.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: nothing is said, or there is no order to appeal.
    """
    row = locked(order_id)
    if row.state not in (State.ISSUED, State.ENDED, State.LIFTED):
        raise OrderError("state", gettext_noop("there is no order yet"))
    if not 1 <= len(text.strip()) <= LONGEST:
        raise OrderError("text", gettext_noop("say in your words what should be looked at again"))
    known = Appeal.objects.filter(order=row, client_id=client_id).first() if client_id else None
    if known is not None:
        return known
    open_one = Appeal.objects.filter(order=row, answered_at=None).first()
    if open_one is not None:
        return _add_words(open_one, row, text.strip(), by=by, at=at)
    made = Appeal.objects.create(
        order=row, text=seal(text.strip()), evidence=evidence_of(row), at=at, by=audit.actor_name(by), client_id=client_id
    )
    store(row, "appealed", {}, {"appeal": made.id}, by=by, at=at)
    tell_person(row, "appealed", by=by, at=at)
    return made


def _add_words(appeal: Appeal, row: Order, text: str, *, by: audit.Actor, at: datetime) -> Appeal:
    told = unseal(appeal.text)
    if told == text or told.startswith(f"{text}\n\n") or f": {text}\n\n" in f"{told}\n\n":
        return appeal  # sent twice
    if len(told) + len(text) > _ALL:
        raise OrderError("text", gettext_noop("your request is being looked at; what you wrote is too long to be added to it"))
    appeal.text = seal(f"{told}\n\n{clock.local_day(at).isoformat()}: {text}")
    appeal.save(update_fields=["text"])
    store(row, "appealed", {}, {"appeal": appeal.id}, by=by, at=at)
    return appeal


def evidence_of(row: Order) -> dict[str, Any]:
    """What an order rests on at this moment: its days, the rule and its reasons, every change and alarm so far."""
    changes = [
        {"kind": one.kind, "at": one.at.isoformat(), "reason": one.reason}
        for one in queries.changes_of(row).filter(undone_at=None)[:100]
    ]
    alarms = [
        {"at": one.at.isoformat(), "kind": one.kind, "outcome": one.outcome, "fixes": len(queries.evidence_of(one))}
        for one in queries.alarms_of(row)[:50]
    ]
    return values(row, _SHOWN) | {"decision": row.decision, "asks": row.asks, "changes": changes, "alarms": alarms}


@transaction.atomic
def answer_appeal(appeal_id: int, *, answer: str, text: str, by: audit.Actor, at: datetime) -> Appeal:
    """Answer an appeal: the order stays, was changed, or is lifted now. Whoever issued an order does not answer for it.

    Raises:
        Appeal.DoesNotExist: there is none.
        OrderError: it was answered, there is no answer in words, or the same person issued the order.
    """
    appeal = Appeal.objects.select_for_update().get(id=appeal_id)
    row = locked(appeal.order_id)
    if appeal.answered_at is not None:
        raise OrderError("appeal", gettext_noop("was answered already"))
    if answer not in Appeal.Answer.values:
        raise OrderError("answer", gettext_noop("must be upheld, changed or lifted"))
    if row.issued_by == audit.actor_name(by):
        raise OrderError("by", gettext_noop("somebody else must answer than who issued the order"))
    if len(text) > LONGEST:
        raise OrderError("text", gettext_noop("is too long"))
    if answer == Appeal.Answer.LIFTED and row.state == State.ISSUED:
        lift_order(row.id, reason=say_why(text), by=by, at=at)
        row.refresh_from_db()
    appeal.answer, appeal.answer_text = answer, seal(say_why(text))
    appeal.answered_at, appeal.answered_by = at, audit.actor_name(by)
    appeal.save()
    store(row, "answered", {}, {"appeal": appeal.id, "answer": answer}, by=by, at=at)
    tell_person(row, "answered", by=by, at=at)
    return appeal
