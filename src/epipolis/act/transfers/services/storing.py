"""What every step of a transfer does: hold its row, keep its document sealed, note what was lost."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_noop

from epipolis.act.transfers import queries
from epipolis.act.transfers.models import Lost, Transfer
from epipolis.core import audit, live
from epipolis.core.sealing import seal
from epipolis.engines.messages import CaseDocument
from epipolis.engines.messages.case_merging import Loss

from .errors import TransferError

IN, OUT = str(Transfer.Direction.IN), str(Transfer.Direction.OUT)


def locked(transfer_id: UUID, *, direction: str = "") -> Transfer:
    """The transfer, held until the transaction ends.

    Raises:
        TransferError: there is none.
    """
    row = Transfer.objects.select_for_update(of=("self",)).select_related("partner").filter(id=transfer_id).first()
    if row is None or (direction and row.direction != direction):
        raise TransferError(gettext_noop("There is no such transfer."))
    return row


def keep_document(row: Transfer, document: CaseDocument) -> None:
    """Put a document into the row, sealed; the caller saves it."""
    row.document, row.digest = seal(queries.encode(document)), queries.digest_of(document)


def note_losses(row: Transfer, losses: Iterable[Loss], *, ours: bool, at: datetime) -> None:
    """Keep for people what a merge did not take over: what stayed, and what was lost."""
    for one in losses:
        kept, gone = (queries.value_in_words(one.field, value) for value in (one.kept, one.lost))
        Lost.objects.create(transfer=row, field=one.field[:200], values=seal(f"{kept}\0{gone}"), ours=ours, at=at)


def done(row: Transfer, action: str, *, by: audit.Actor, at: datetime) -> None:
    """Save the row, write the step down, and tell open pages."""
    row.save()
    audit.record(f"transfers.{action}", by=by, at=at, subject=row.id, case=str(row.case_id or ""), state=row.state)
    live.tell("transfers", transfer=str(row.id))
