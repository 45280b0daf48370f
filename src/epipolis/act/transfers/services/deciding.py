"""What staff here decide about a case that another office has sent: accept or reject, and take that back in time."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.transfers import queries
from epipolis.act.transfers.models import Transfer
from epipolis.core import audit
from epipolis.engines.messages import CaseDocument
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases import services as cases
from epipolis.sense.people import services as people

from .errors import TransferError
from .filing import file_document
from .queueing import cancel, queue
from .storing import IN, done, locked, note_losses

State, What = Transfer.State, Transfer.What
_IMPOSSIBLE = gettext_noop("The case cannot be taken over: %(why)s")


@transaction.atomic
def accept_transfer(transfer_id: UUID, *, by: audit.Actor, at: datetime) -> Transfer:
    """Take a case over: it is in the line list and belongs to this office. A shared one can be read here, and no more.

    Raises:
        TransferError: it was answered or withdrawn already, or its facts cannot be true.
    """
    row = _waiting(transfer_id)
    document: CaseDocument | None = queries.document(row)
    if document is None:
        raise TransferError(gettext_noop("Its document was forgotten."))
    if row.what == What.HANDOVER:
        _take_over(row, document, by=by, at=at)
    row.state, row.decided, row.decided_by = State.ACCEPTED, at, audit.actor_name(by)
    queue(row, "answer", {"state": str(State.ACCEPTED), "reason": ""}, at=at, hold=row.what == What.SHARE)
    done(row, "accept", by=by, at=at)
    return row


@transaction.atomic
def reject_transfer(transfer_id: UUID, reason: str, *, by: audit.Actor, at: datetime) -> Transfer:
    """Send a case back with a reason; for some seconds it can be taken back.

    Raises:
        TransferError: there is no reason, or it was answered or withdrawn already.
    """
    if not reason.strip():
        raise TransferError(gettext_noop("Say why."))
    row = _waiting(transfer_id)
    row.state, row.decided, row.decided_by, row.reason = State.REJECTED, at, audit.actor_name(by), reason.strip()[:1_000]
    queue(row, "answer", {"state": str(State.REJECTED), "reason": row.reason}, at=at, hold=True)
    done(row, "reject", by=by, at=at)
    return row


@transaction.atomic
def undo_decision(transfer_id: UUID, *, by: audit.Actor, at: datetime) -> Transfer:
    """Take back a rejection, or the acceptance of a shared case, that has not left yet.

    Raises:
        TransferError: the answer has left, or a case was taken over.
    """
    row = locked(transfer_id, direction=IN)
    is_undoable = row.state == State.REJECTED or (row.state == State.ACCEPTED and row.what == What.SHARE)
    if not is_undoable or not cancel(row, "answer", at=at, untried=True):
        raise TransferError(gettext_noop("The answer has left already. A case that was taken over can be handed back."))
    row.state, row.decided, row.decided_by, row.reason = State.RECEIVED, None, "", ""
    done(row, "undo", by=by, at=at)
    return row


def _waiting(transfer_id: UUID) -> Transfer:
    row = locked(transfer_id, direction=IN)
    if row.state != State.RECEIVED:
        raise TransferError(gettext_noop("This was answered or withdrawn already."))
    if not row.partner.is_open:
        raise TransferError(gettext_noop("%(office)s is closed; open it before answering."), office=row.partner.name)
    return row


def _take_over(row: Transfer, document: CaseDocument, *, by: audit.Actor, at: datetime) -> None:
    home = _home_of(row, document)
    if home is not None:  # it comes back: from here on it is changed here again
        cases.set_owner(home, "", by=by, at=at)
    try:
        filed = file_document(
            document,
            source=source_of(row, document),
            by=by,
            at=at,
            known=home,
            is_ours_now=home is not None,
            simulated=row.simulated,
        )
    except (cases.FactsError, cases.AlreadyReportedError, people.PersonError) as error:
        raise TransferError(_IMPOSSIBLE, why=str(error)) from error
    if filed.case.owner:
        raise TransferError(gettext_noop("The same illness is here already, owned by %(office)s."), office=filed.case.owner)
    row.case, row.owner = filed.case, queries.own_name()
    row.left = [[text, values] for text, values in filed.left]
    note_losses(row, filed.losses, ours=False, at=at)


def _home_of(row: Transfer, document: CaseDocument) -> UUID | None:
    """The case that this office once gave to that one, or had from it and gave back; never one that it merely names."""
    given: Any = case_queries.line_list(None)
    if row.origin.get("instance") == queries.own_key_id():
        given = given.filter(id=_uuid(row.origin.get("case", "")))
    else:
        given = given.filter(id=case_queries.case_id_of(source_of(row, document), document.case_id))
    return given.filter(owner=row.partner.name).values_list("id", flat=True).first()  # type: ignore[no-any-return]  # -- an id


def source_of(row: Transfer, document: CaseDocument) -> str:
    """Under which source the case stands here: the office and its own source, so that no two numbers are one."""
    return f"{row.partner.name}: {document.source}"[:100]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
