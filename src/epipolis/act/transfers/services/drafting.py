"""Sending: drafted, sent, taken back while it has not left, withdrawn while nobody has answered."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from epipolis.act.transfers import queries
from epipolis.act.transfers.models import Outgoing, Transfer
from epipolis.core import audit
from epipolis.engines.messages import CaseDocument
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases.models import Case

from .errors import TransferError
from .outcomes import check_may_go
from .queueing import cancel, queue, try_again
from .storing import OUT, done, keep_document, locked

State, What = Transfer.State, Transfer.What


@transaction.atomic
def draft_transfer(case_id: UUID, partner_id: int, what: str, *, by: audit.Actor, at: datetime, message: str = "") -> Transfer:
    """Prepare a case for another office; nothing leaves yet.

    Raises:
        TransferError: the case or the office may not, or the case is being handed over already.
    """
    partner, case = queries.partner(partner_id), case_queries.cases_by_id([case_id]).get(case_id)
    if partner is None or case is None or what not in What.values:
        raise TransferError(gettext_noop("There is no such case, office, or way to send."))
    number = uuid4()
    row = Transfer(
        id=number,
        remote_id=number,
        partner=partner,
        direction=Transfer.Direction.OUT,
        what=what,
        case=case,
        subject=f"{case.source_key} {case.disease}"[:150],
        state=State.DRAFTED,
        message=message.strip()[:1_000],
        owner=queries.own_name(),
        drafted=at,
        by=audit.actor_name(by),
        simulated=case.simulated,
    )
    check_may_go(row)
    _fill(row, by=by, at=at)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise TransferError(gettext_noop("This case is being handed over already; withdraw that first.")) from error
    done(row, "draft", by=by, at=at)
    return row


@transaction.atomic
def send_transfer(transfer_id: UUID, *, by: audit.Actor, at: datetime) -> Transfer:
    """Send a draft with what is known now; for some seconds it can be taken back.

    Raises:
        TransferError: it is no draft, or may not go any more.
    """
    row = locked(transfer_id, direction=OUT)
    if row.state != State.DRAFTED:
        raise TransferError(gettext_noop("This was sent already."))
    check_may_go(row)
    document = _fill(row, by=by, at=at)
    row.state, row.sent = State.SENT, at
    queue(row, "offer", _offer(row, document), at=at, hold=True)
    done(row, "send", by=by, at=at)
    return row


@transaction.atomic
def take_back(transfer_id: UUID, *, by: audit.Actor, at: datetime) -> Transfer:
    """Make a draft again of what has not left yet.

    Raises:
        TransferError: it has left; it can be withdrawn.
    """
    row = locked(transfer_id, direction=OUT)
    if row.state != State.SENT or not cancel(row, "offer", at=at, untried=True):
        raise TransferError(gettext_noop("It has left already. It can be withdrawn while nobody has answered."))
    row.state, row.sent = State.DRAFTED, None
    done(row, "take_back", by=by, at=at)
    return row


@transaction.atomic
def discard_draft(transfer_id: UUID, *, by: audit.Actor, at: datetime) -> None:
    """Throw a draft away.

    Raises:
        TransferError: it is no draft.
    """
    row = locked(transfer_id, direction=OUT)
    if row.state != State.DRAFTED:
        raise TransferError(gettext_noop("Only a draft can be thrown away."))
    audit.record("transfers.discard", by=by, at=at, subject=row.id, case=str(row.case_id or ""))
    row.delete()


@transaction.atomic
def withdraw_transfer(transfer_id: UUID, reason: str, *, by: audit.Actor, at: datetime) -> Transfer:
    """Ask for a case back that nobody has answered yet, or stop sharing one. The other office's word decides which was
    first, its acceptance or this.

    Raises:
        TransferError: there is no reason, or a handover was answered already.
    """
    row = locked(transfer_id, direction=OUT)
    if not reason.strip():
        raise TransferError(gettext_noop("Say why."))
    is_shared = row.what == What.SHARE and row.state == State.ACCEPTED
    if row.state not in (State.SENT, State.RECEIVED, State.FAILED) and not is_shared:
        raise TransferError(gettext_noop("The other office has answered already."))
    row.reason, row.asked_back = reason.strip()[:1_000], at
    if cancel(row, "offer", at=at, untried=True):
        row.state, row.decided, row.decided_by = State.WITHDRAWN, at, audit.actor_name(by)
    else:
        cancel(row, "offer", "update", at=at)
        queue(row, "withdrawal", {"reason": row.reason}, at=at)
    done(row, "withdraw", by=by, at=at)
    return row


@transaction.atomic
def resend(transfer_id: UUID, *, by: audit.Actor, at: datetime) -> Transfer:
    """Try again now what could not be delivered.

    Raises:
        TransferError: nothing waits.
    """
    row = locked(transfer_id)
    if not try_again(row, at=at):
        raise TransferError(gettext_noop("Nothing waits to be delivered."))
    if row.state == State.FAILED and Outgoing.objects.filter(transfer=row, kind="offer", state="waiting").exists():
        row.state, row.decided = State.SENT, None
    done(row, "resend", by=by, at=at)
    return row


def shared_document(case: Case, key_id: str) -> CaseDocument:
    """A case as another office may read it: nothing in it says whose it is."""
    return queries.pseudonymous(queries.unread_document_of(case, contacts=False), case.id, case.person_id, key_id)


def _fill(row: Transfer, *, by: audit.Actor, at: datetime) -> CaseDocument:
    case = case_queries.case(row.case.id) if row.case else None
    if case is None:
        raise TransferError(gettext_noop("There is no such case."))
    if row.what == What.SHARE:
        document = shared_document(case, row.partner.key_id)
    else:
        document = queries.document_of(case, by=by, at=at, contacts=row.partner.with_contacts)
    keep_document(row, document)
    row.revision = case.revision
    return document


def _offer(row: Transfer, document: CaseDocument) -> dict[str, Any]:
    """What the other office is told; where the case began is passed on, so that it finds home again."""
    began = Transfer.objects.filter(case=row.case_id, direction="in", what="handover", state=State.ACCEPTED)
    origin = next(iter(began.order_by("-decided").values_list("origin", flat=True)), None)
    own = {"instance": queries.own_key_id(), "case": str(row.case_id)}
    return {
        "what": row.what,
        "message": row.message,
        "revision": row.revision,
        "simulated": row.simulated,
        "origin": (origin or own) if row.what == What.HANDOVER else {},
        "document": queries.plain_document(document),
    }
