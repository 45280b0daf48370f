"""The way in: one signed message of another office is checked, taken once, and answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from epipolis.act.transfers import queries
from epipolis.act.transfers.models import Partner, Transfer
from epipolis.act.transfers.settings import settings
from epipolis.core import audit
from epipolis.core.problems import problem_body

from .errors import RefusedError
from .outcomes import decided
from .sharing import take_proposal, take_update
from .signing import NONCE, check_request, signed_answer
from .storing import IN, OUT, done, keep_document
from .wire import Told, document_in, number_in, read, text_in

State, What, Direction = Transfer.State, Transfer.What, Transfer.Direction
Answer = tuple[int, bytes, dict[str, str]]


def take_request(headers: Mapping[str, str], body: bytes, *, at: datetime, real: datetime) -> Answer:
    """Status, body and headers of the answer to a request. Everything that it changes is stored before it is answered."""
    if len(body) > settings.body_bytes:
        return _unsigned(RefusedError(413, "too_large", f"A request has at most {settings.body_bytes} bytes."))
    try:
        with transaction.atomic():
            partner = check_request(headers, body, real=real)
            Partner.objects.filter(id=partner.id).update(last_heard=at)
            status, told = _taken(partner, body, at=at)
    except RefusedError as error:
        return _unsigned(error)
    answer = msgspec.json.encode(told)
    return status, answer, signed_answer(partner, headers[NONCE], status, answer)


def _unsigned(error: RefusedError) -> Answer:
    """Who has not shown to be a partner gets no signature of this office."""
    return error.status, msgspec.json.encode(problem_body(error.status, error.code, error.detail)), {}


def _taken(partner: Partner, body: bytes, *, at: datetime) -> tuple[int, dict[str, Any]]:
    try:
        with transaction.atomic():
            return 200, take(partner, read(body), at=at)
    except RefusedError as error:
        return error.status, problem_body(error.status, error.code, error.detail)
    except ValueError as error:
        return 422, problem_body(422, "invalid", str(error)[:300])


def take(partner: Partner, told: Told, *, at: datetime) -> dict[str, Any]:
    """Do what an office says; the same twice changes nothing and is answered the same.

    Raises:
        RefusedError: it is about nothing that is known here, or says something else than before.
        ValueError: a value breaks a rule.
    """
    if told.kind == "offer":
        return _offered(partner, told, at=at)
    if told.kind == "withdrawal":
        return _withdrawn(partner, told, at=at)
    row = _held(partner, told, IN if told.kind == "update" else OUT)
    if row is None:
        raise RefusedError(404, "unknown_transfer", "There is no such transfer here.")
    if told.kind == "answer":
        state = text_in(told.body, "state", 20)
        if state not in (State.ACCEPTED, State.REJECTED):
            raise ValueError("state: must be accepted or rejected")
        decided(row, state, text_in(told.body, "reason"), at=at)
        return {"state": row.state}
    return (take_update if told.kind == "update" else take_proposal)(row, told.body, at=at)


def _held(partner: Partner, told: Told, direction: str) -> Transfer | None:
    rows = Transfer.objects.select_for_update(of=("self",)).select_related("partner")
    return rows.filter(partner=partner, direction=direction, remote_id=told.transfer).first()


def _offered(partner: Partner, told: Told, *, at: datetime) -> dict[str, Any]:
    document = document_in(told.body)
    row = _held(partner, told, IN)
    if row is not None:
        if row.what == What.HANDOVER and row.document and row.digest != queries.digest_of(document):
            raise RefusedError(409, "changed", "This transfer was offered before with another document.")
        return {"state": row.state, "reason": row.reason}
    what, origin, revision = text_in(told.body, "what", 20), told.body.get("origin"), number_in(told.body, "revision")
    if what not in What.values:
        raise ValueError("what: must be handover or share")
    row = Transfer(
        partner=partner,
        direction=Direction.IN,
        what=what,
        remote_id=told.transfer,
        subject=f"{document.case_id} {document.disease}"[:150],
        state=State.RECEIVED,
        message=text_in(told.body, "message"),
        owner=partner.name,
        origin=_origin(origin),
        revision=revision if what == What.SHARE else 0,
        drafted=at,
        sent=at,
        received=at,
        by=f"office:{partner.name}",
        simulated=told.body.get("simulated") is True,
    )
    keep_document(row, document)
    done(row, "receive", by=row.by, at=at)
    return {"state": row.state, "reason": ""}


def _origin(told: Any) -> dict[str, str]:
    if not isinstance(told, dict):
        return {}
    return {name: told[name] for name in ("instance", "case") if isinstance(told.get(name), str) and len(told[name]) <= 64}


def _withdrawn(partner: Partner, told: Told, *, at: datetime) -> dict[str, Any]:
    """Taken back before anybody here has answered; or no longer shared. A withdrawal that overtakes its offer is kept."""
    row, reason = _held(partner, told, IN), text_in(told.body, "reason")
    by = f"office:{partner.name}"
    if row is None:
        row = Transfer(
            partner=partner, direction=Direction.IN, what=What.SHARE, remote_id=told.transfer, owner=partner.name,
            state=State.RECEIVED, drafted=at, by=by,
        )  # fmt: skip
    is_shared = row.what == What.SHARE and row.state == State.ACCEPTED
    if row.state == State.RECEIVED or is_shared:
        row.state, row.reason, row.decided, row.decided_by = State.WITHDRAWN, reason, at, by
        row.document, row.changed = b"", b""  # what is not shared any more is not kept
        audit.record("transfers.taken_back", by=by, at=at, subject=str(told.transfer))
        done(row, "withdrawn", by=by, at=at)
    return {"state": row.state, "reason": row.reason}
