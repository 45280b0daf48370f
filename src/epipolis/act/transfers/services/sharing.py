"""Shared cases stay in step: the owner's news go to who reads along, their changes come back, and the owner's word wins."""

from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.transfers import queries
from epipolis.act.transfers.models import Transfer
from epipolis.core import audit, clock
from epipolis.core.sealing import seal
from epipolis.engines.messages import CaseDocument
from epipolis.engines.messages.case_documents import CLASSIFICATIONS, DAYS, OUTCOMES
from epipolis.engines.messages.case_merging import merge_documents
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised

from .drafting import shared_document
from .errors import TransferError
from .filing import apply_changes
from .queueing import cancel, queue
from .storing import IN, done, keep_document, locked, note_losses
from .wire import document_in, number_in

State, What = Transfer.State, Transfer.What
CHANGEABLE = ("classification", "outcome", *DAYS, "has_symptoms", "symptoms", "circumstances")


def on_case_changed(event: CaseRevised | CaseConfirmed) -> None:
    """Tell everybody who reads along."""
    tell_readers(event.case, at=clock.now())


def tell_readers(case_id: UUID, *, at: datetime) -> int:
    """Queue what is new of a case for each office that it is shared with; what is the same is not sent twice."""
    told = 0
    for number in list(queries.shared_from_here(case_id).values_list("id", flat=True)):
        with transaction.atomic():
            row = locked(number)
            if row.state == State.ACCEPTED and row.asked_back is None:
                told += _tell(row, at=at)
    return told


def _tell(row: Transfer, *, at: datetime) -> bool:
    case = case_queries.cases_by_id([row.case_id]).get(row.case_id) if row.case_id else None
    if case is None:
        return False
    document = shared_document(case, row.partner.key_id)
    if queries.digest_of(document) == row.digest:
        return False
    keep_document(row, document)
    row.revision, row.updated = row.revision + 1, at
    cancel(row, "update", at=at, untried=True)
    queue(row, "update", {"document": queries.plain_document(document), "revision": row.revision}, at=at)
    done(row, "update", by=f"office:{queries.own_name()}", at=at)
    return True


def refresh_shared() -> int:
    """Once a day: whatever changed without an event (a test, an area) is told too."""
    at = clock.now()
    open_ones = Transfer.objects.filter(direction="out", what=What.SHARE, state=State.ACCEPTED, partner__closed=None)
    return sum(tell_readers(case, at=at) for case in set(open_ones.values_list("case", flat=True)) if case)


@transaction.atomic
def change_shared(transfer_id: UUID, changes: Mapping[str, Any], *, by: audit.Actor, at: datetime) -> Transfer:
    """Propose to the owner of a shared case what this office knows better; the copy itself stays as the owner has it.

    Raises:
        TransferError: the case is not shared with this office, or nothing of it would change.
    """
    row = locked(transfer_id, direction=IN)
    document: CaseDocument | None = queries.document(row)
    if row.what != What.SHARE or row.state != State.ACCEPTED or document is None:
        raise TransferError(gettext_noop("This case is not shared with this office."))
    before = queries.changed_document(row) or document
    wanted = replace(before, **{name: value for name, value in changes.items() if name in CHANGEABLE})
    if wanted == document:
        raise TransferError(gettext_noop("Nothing would change."))
    _propose(row, wanted, at=at)
    done(row, "propose", by=by, at=at)
    return row


def _propose(row: Transfer, wanted: CaseDocument, *, at: datetime) -> None:
    row.changed = seal(queries.encode(wanted))
    cancel(row, "proposal", at=at, untried=True)
    queue(row, "proposal", {"document": queries.plain_document(wanted), "revision": row.revision}, at=at)


def take_update(row: Transfer, body: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """News of the owner: they hold. What this office had changed and the owner not is proposed again; the rest is lost."""
    if row.what != What.SHARE or row.state != State.ACCEPTED:
        return {"state": row.state}
    revision = number_in(body, "revision")
    if revision > row.revision:
        rebase(row, document_in(body), revision, at=at)
        done(row, "take_update", by=f"office:{row.partner.name}", at=at)
    return {"state": row.state}


def rebase(row: Transfer, news: CaseDocument, revision: int, *, at: datetime) -> None:
    """Put the owner's version in place of the last one, and this office's own changes on top of it."""
    base, mine = queries.document(row), queries.changed_document(row)
    keep_document(row, news)
    row.revision, row.updated, row.changed = revision, at, b""
    if base is None or mine is None:
        return
    merged = merge_documents(base, news, mine)
    note_losses(row, merged.losses, ours=True, at=at)
    if merged.taken:
        _propose(row, merged.document, at=at)


def take_proposal(row: Transfer, body: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """What a reader would change, against the version that it had read. A stale one is refused with the present version."""
    case = case_queries.cases_by_id([row.case_id]).get(row.case_id) if row.case_id else None
    base = queries.document(row)
    if row.what != What.SHARE or row.state != State.ACCEPTED or case is None or base is None:
        return {"outcome": "refused", "why": "the case is not shared any more"}
    present = {"document": queries.plain_document(base), "revision": row.revision}
    if not row.partner.may_change or case.owner:
        return {"outcome": "refused", "why": "changes of this office are not taken over", **present}
    if number_in(body, "revision") != row.revision:
        return {"outcome": "stale", **present}
    now = shared_document(case, row.partner.key_id)
    proposed = _only_changeable(base, document_in(body))
    merged = merge_documents(base, now, proposed)
    by = f"office:{row.partner.name}"
    try:
        with transaction.atomic():
            apply_changes(case, merged.document, merged.taken, by=by, at=at)
    except cases.FactsError as error:
        return {"outcome": "refused", "why": str(error)[:300], **present}
    note_losses(row, merged.losses, ours=False, at=at)
    keep_document(row, shared_document(case_queries.case(case.id), row.partner.key_id))
    row.revision, row.updated = row.revision + 1, at
    done(row, "merge", by=by, at=at)
    document = queries.document(row)
    return {"outcome": "merged", "document": queries.plain_document(document), "revision": row.revision}


def _only_changeable(base: CaseDocument, told: CaseDocument) -> CaseDocument:
    """What a reader may not change stays as it was, whatever it sends; words that are none are not taken."""
    names = [one.name for one in fields_of(CaseDocument) if one.name in CHANGEABLE]
    if told.classification not in CLASSIFICATIONS or told.outcome not in OUTCOMES:
        raise ValueError("document: classification or outcome is none")
    return replace(base, **{name: getattr(told, name) for name in names})


def take_verdict(row: Transfer, told: dict[str, Any], *, at: datetime) -> None:
    """What the owner did with a proposal: merged, stale (then it is proposed anew), or refused; what it kept is noted."""
    if row.state != State.ACCEPTED or "document" not in told:
        return
    outcome, news, revision = told.get("outcome"), document_in(told), number_in(told, "revision")
    base, mine = queries.document(row), queries.changed_document(row)
    if outcome == "stale":
        rebase(row, news, revision, at=at)
        return
    if base is not None and mine is not None:
        merged = merge_documents(base, news, mine)
        note_losses(row, merged.losses, ours=True, at=at)
        if outcome == "refused":
            row.reason = str(told.get("why", ""))[:1_000]
    keep_document(row, news)
    row.revision, row.updated, row.changed = revision, at, b""
