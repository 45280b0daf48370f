"""Transfers over the API: what staff and their programs do, and the one road on which offices talk to each other."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import Field

from epipolis.act.transfers import queries, services
from epipolis.act.transfers.models import Partner, Transfer
from epipolis.act.transfers.settings import settings
from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, LongText, ShortText, Word
from epipolis.core.idempotency import once
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError, problem_response
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases.models import Case

router = Router(tags=["Other offices"])
Cursor = Annotated[str, Field(max_length=400)]
Reason = Annotated[Word, Field(max_length=1_000)]
_MOST_BYTES = 20 * 2**20


class PartnerOut(Schema):
    """Another office; `digits` are those of its key, to compare by telephone."""

    id: int
    name: str
    address: str
    digits: str
    is_open: bool
    may_hand_over: bool
    may_share: bool
    with_contacts: bool
    may_change: bool
    diseases: str
    last_heard: datetime | None

    @staticmethod
    def resolve_digits(row: Partner) -> str:
        return queries.spoken(row.public_key)


class PartnerIn(Schema):
    """An office to add; nothing goes to it before its key was compared."""

    name: Word
    address: Annotated[Word, Field(max_length=200)]
    public_key: Annotated[Word, Field(max_length=60)]
    may_hand_over: bool = True
    may_share: bool = True
    with_contacts: bool = False
    may_change: bool = False
    diseases: ShortText = ""


class CompareIn(Schema):
    """The digits that were heard."""

    digits: Annotated[Word, Field(max_length=80)]


class TransferOut(Schema):
    """A transfer as this office sees it; no name is in it."""

    id: UUID
    direction: str
    what: str
    state: str
    partner: str
    case: UUID | None
    subject: str
    message: str
    reason: str
    owner: str
    drafted: datetime
    sent: datetime | None
    received: datetime | None
    decided: datetime | None
    updated: datetime | None
    revision: int
    asked_back: datetime | None
    simulated: bool

    @staticmethod
    def resolve_partner(row: Transfer) -> str:
        return row.partner.name

    @staticmethod
    def resolve_case(row: Transfer) -> UUID | None:
        return row.case_id


class TransferPage(Schema):
    items: list[TransferOut]
    next: str | None


class TransferIn(Schema):
    """A case to send; with `send` it leaves at once, else it stays a draft."""

    case: UUID
    partner: BigId
    what: Literal["handover", "share"]
    message: Annotated[LongText, Field(max_length=1_000)] = ""
    send: bool = False


class ReasonIn(Schema):
    reason: Reason


class ImportedOut(Schema):
    """What became of one case of a file: new, existing, same or refused."""

    number: str
    outcome: str
    case: UUID | None
    problem: str
    left: list[str]
    kept: list[str]


class LossOut(Schema):
    format: str
    fields: list[str]


@router.post("exchange", auth=None, response={200: dict[str, Any]})
def exchange(request: HttpRequest) -> HttpResponse:
    """The road between offices: one message, signed with Ed25519 by the key of a partner whose key was compared.

    Headers `Epipolis-From` and `Epipolis-To` (key ids), `-Time` (unix seconds, at most 300 apart), `-Nonce` (32 hex digits,
    taken once), `-Signature`. The answer is signed too. docs/guides/exchange.md tells the rest.
    """
    if int(request.headers.get("Content-Length") or 0) > settings.body_bytes:
        return problem_response(413, "too_large", f"A request has at most {settings.body_bytes} bytes.")
    status, body, headers = services.take_request(request.headers, request.body, at=clock.now(), real=services.real_time())
    kind = "application/json" if status == 200 else "application/problem+json"
    return HttpResponse(body, status=status, content_type=kind, headers=headers)


@router.get("offices", auth=Needs("transfers.view"), response=list[PartnerOut])
def offices(request: HttpRequest) -> list[Partner]:
    """The other offices."""
    return list(queries.partners()[:1_000])


@router.post("offices", auth=Needs("transfers.manage"), response={201: PartnerOut})
@once
def add_office(request: HttpRequest, body: PartnerIn) -> Status:
    """Add an office."""
    told = body.dict()
    names = [told.pop(name) for name in ("name", "address", "public_key")]
    return Status(201, _done(lambda: services.add_partner(*names, may=told, by=_by(request), at=clock.now())))


@router.post("offices/{office_id}/compare", auth=Needs("transfers.manage"), response=PartnerOut)
def compare_office(request: HttpRequest, office_id: BigId, body: CompareIn) -> Partner:
    """Say which digits of its key were heard; the right ones open the office."""
    found: Partner = _done(lambda: services.compare_key(office_id, body.digits, by=_by(request), at=clock.now()))
    return found


@router.get("", auth=Needs("transfers.view"), response=TransferPage)
def transfers(
    request: HttpRequest,
    direction: Literal["", "in", "out"] = "",
    state: Annotated[str, Field(max_length=10)] = "",
    cursor: Cursor | None = None,
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100,
) -> dict[str, Any]:
    """Transfers, newest first; `state=open` for those without an answer."""
    return page_of(queries.transfers(direction, state), cursor, limit, ("-drafted", "-id"))


@router.post("", auth=Needs("transfers.send"), response={201: TransferOut})
@once
def draft(request: HttpRequest, body: TransferIn) -> Status:
    """Prepare a case for another office, or send it."""

    def act() -> Transfer:
        by, at = _by(request), clock.now()
        made = services.draft_transfer(body.case, body.partner, body.what, message=body.message, by=by, at=at)
        return services.send_transfer(made.id, by=by, at=at) if body.send else made

    return Status(201, _done(act))


@router.get("cases/{case_id}/losses", auth=Needs("transfers.view"), response=list[LossOut])
def losses(request: HttpRequest, case_id: UUID) -> list[dict[str, Any]]:
    """What each format cannot tell of a case."""
    found = queries.losses_by_format([queries.unread_document_of(_case(case_id))])
    return [{"format": name, "fields": fields} for name, fields in found]


@router.get("cases/{case_id}/{kind}", auth=Needs("transfers.export"), response={200: Any})
def export(request: HttpRequest, case_id: UUID, kind: Literal["fhir", "hl7", "csv"]) -> HttpResponse:
    """The whole case with the person, as a document; that it was taken is written down."""
    found = _case(case_id)
    body = _done(lambda: services.write_cases([found], kind, by=_by(request), at=clock.now()))
    return HttpResponse(body, content_type=services.KINDS[kind][0])


@router.post("import", auth=Needs("transfers.import"), response=list[ImportedOut])
def import_cases(request: HttpRequest) -> list[dict[str, Any]]:
    """File the cases of a document (FHIR, HL7 or CSV as the body). The same twice changes nothing."""
    if int(request.headers.get("Content-Length") or 0) > _MOST_BYTES:
        raise ProblemError(413, "too_large", f"A file has at most {_MOST_BYTES} bytes.")
    lines = _done(lambda: services.import_documents(request.body, by=_by(request), at=clock.now()))
    return [_imported(one) for one in lines]


@router.get("{transfer_id}", auth=Needs("transfers.view"), response=TransferOut)
def transfer(request: HttpRequest, transfer_id: UUID) -> Transfer:
    """One transfer."""
    found = queries.transfer(transfer_id)
    if found is None:
        raise ProblemError(404, "not_found", "There is no such transfer.")
    return found


@router.post("{transfer_id}/send", auth=Needs("transfers.send"), response=TransferOut)
def send(request: HttpRequest, transfer_id: UUID) -> Transfer:
    """Send a draft."""
    return _step(services.send_transfer, transfer_id, by=_by(request))


@router.post("{transfer_id}/withdraw", auth=Needs("transfers.send"), response=TransferOut)
def withdraw(request: HttpRequest, transfer_id: UUID, body: ReasonIn) -> Transfer:
    """Ask for a case back that nobody has answered, or stop sharing one."""
    return _step(services.withdraw_transfer, transfer_id, body.reason, by=_by(request))


@router.post("{transfer_id}/accept", auth=Needs("transfers.decide"), response=TransferOut)
def accept(request: HttpRequest, transfer_id: UUID) -> Transfer:
    """Take a case over, or read along."""
    return _step(services.accept_transfer, transfer_id, by=_by(request))


@router.post("{transfer_id}/reject", auth=Needs("transfers.decide"), response=TransferOut)
def reject(request: HttpRequest, transfer_id: UUID, body: ReasonIn) -> Transfer:
    """Send a case back, with a reason."""
    return _step(services.reject_transfer, transfer_id, body.reason, by=_by(request))


def _imported(one: services.Line) -> dict[str, Any]:
    filed = one.filed
    return {
        "number": one.number,
        "outcome": filed.outcome if filed else "refused",
        "case": filed.case.id if filed else None,
        "problem": one.problem[0] % one.problem[1] if one.problem else "",
        "left": [text % values for text, values in filed.left] if filed else [],
        "kept": [loss.field for loss in filed.losses] if filed else [],
    }


def _step(act: Any, transfer_id: UUID, *told: str, by: Any) -> Transfer:
    if queries.transfer(transfer_id) is None:
        raise ProblemError(404, "not_found", "There is no such transfer.")
    found: Transfer = _done(lambda: act(transfer_id, *told, by=by, at=clock.now()))
    return found


def _done(act: Any) -> Any:
    try:
        return act()
    except services.TransferError as error:
        raise ProblemError(409, "refused", str(error)) from error


def _case(case_id: UUID) -> Case:
    try:
        return case_queries.case(case_id)
    except Case.DoesNotExist as error:
        raise ProblemError(404, "not_found", "There is no such case.") from error


def _by(request: HttpRequest) -> Any:
    return getattr(request, "auth")  # noqa: B009 -- requests have no such attribute for the type checker
