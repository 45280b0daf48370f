"""Laboratories over the API: messages in as HL7, FHIR or CSV, what became of them, results, and the inbox's steps."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import Field

from epipolis.core import audit, clock
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Limit, ShortText, Word
from epipolis.core.imports import ImportOptions
from epipolis.core.models import DeviceToken
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError
from epipolis.engines.messages import acknowledge
from epipolis.engines.messages.segments import split_batch
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.models import Handling, LabMessage, LabResult

router = Router(tags=["Laboratories"])
Cursor = Annotated[str, Field(max_length=400)]
State = Literal["", "waiting", "received", "new_case", "existing_case", "person", "unclear", "forwarded", "rejected"]
HL7_TYPES = ("application/hl7-v2", "x-application/hl7-v2+er7", "text/plain")
FHIR_TYPES = ("application/fhir+json", "application/json")
LINE_TYPES = ("application/fhir+ndjson", "application/x-ndjson")
_MOST = 16 * 2**20  # bytes of one request of messages
_MOST_TABLE = 64 * 2**20  # of a table, which is read as a stream
_BODY = {
    "requestBody": {
        "content": {kind: {"schema": {"type": "string"}} for kind in (*HL7_TYPES, *FHIR_TYPES, *LINE_TYPES, "text/csv")},
        "required": True,
    }
}
_FHIR_BODY = {"requestBody": {"content": {kind: {"schema": {"type": "object"}} for kind in FHIR_TYPES}, "required": True}}


class ReceiptOut(Schema):
    """What became of one message: `stored`, `known` (it came before), or `unreadable` (stored, and waits for a person)."""

    sender: str
    message_id: str
    outcome: Literal["stored", "known", "unreadable"]
    where: str = ""
    rule: str = ""


class ReceivedOut(Schema):
    """What became of the messages of one request, once all are stored. Of a table the rows that were refused are named."""

    stored: int
    known: int
    unreadable: int
    messages: list[ReceiptOut]
    problems: list[dict[str, Any]] = []


class MessageOut(Schema):
    id: int
    laboratory_id: int | None
    sender: str
    message_id: str
    format: str
    road: str
    received: datetime
    state: str
    problem: str
    is_waiting: bool
    reason: list[Any]
    processed: datetime | None
    attempts: int
    simulated: bool


class MessagePage(Schema):
    items: list[MessageOut]
    next: str | None


class ResultOut(Schema):
    id: int
    message_id: int
    source: str
    ref: str
    person_id: UUID
    case_id: UUID | None
    code: str
    system: str
    kind: str
    disease: str
    result: str
    value: str
    status: str
    specimen: str
    sampled_at: datetime | None
    reported_at: datetime | None
    received: datetime
    known_at: datetime
    supersedes_id: int | None
    is_in_force: bool
    device: str
    lot: str
    simulated: bool


class ResultPage(Schema):
    items: list[ResultOut]
    next: str | None


class LaboratoryOut(Schema):
    id: int
    name: str
    code: str
    disease: str
    is_trusted: bool
    is_closed: bool
    last_heard: datetime | None
    is_silent: bool
    messages: dict[str, int]


class LaboratoryIn(Schema):
    """A laboratory; its token and its certificate are told on its page."""

    name: Annotated[Word, Field(max_length=200)]
    code: Word
    disease: Annotated[ShortText, Field(max_length=40)] = ""
    is_trusted: bool = True


class StepIn(Schema):
    """One step with a message that waits; `person` for link and case, `note` for forward (to whom) and reject (why)."""

    action: Literal["link", "case", "anyway", "again", "forward", "reject"]
    person: UUID | None = None
    note: Annotated[ShortText, Field(max_length=200)] = ""


class StepOut(Schema):
    id: int
    message_id: int
    action: str
    before: str
    after: str
    by: str
    at: datetime


@router.post("messages", response={201: ReceivedOut, 200: ReceivedOut}, auth=Needs("labs.send"), openapi_extra=_BODY)
def receive(request: HttpRequest):
    """Send messages: HL7 v2 (also a batch), FHIR R4 (NDJSON: one a line) or a table of results as CSV, by content type.

    Answered when everything is stored: 201 when something is new, 200 when all came before. HL7 is answered with its
    acknowledgements. Sent again after an error, nothing is stored twice.
    """
    kind = (request.content_type or "").lower()
    if kind == "text/csv":
        return _receive_table(request)
    if kind in HL7_TYPES:
        return _receive_hl7(request)
    if kind in FHIR_TYPES or kind in LINE_TYPES:
        bodies = services.bodies(_read(request, _MOST), "ndjson" if kind in LINE_TYPES else "json")
        if not bodies:
            raise ProblemError(422, "empty", "The request holds no message.")
        return _answer(_store(request, bodies, "fhir"))
    known = ", ".join((*HL7_TYPES, *FHIR_TYPES, *LINE_TYPES, "text/csv"))
    raise ProblemError(415, "kind", f"Send one of {known}.")


@router.post("fhir", response={201: dict[str, Any], 200: dict[str, Any]}, auth=Needs("labs.send"), openapi_extra=_FHIR_BODY)
def receive_fhir(request: HttpRequest):
    """Send a FHIR R4 Bundle, DiagnosticReport or Observation; answered with an OperationOutcome."""
    if (request.content_type or "").lower() not in FHIR_TYPES:
        raise ProblemError(415, "kind", f"Send one of {', '.join(FHIR_TYPES)}.")
    [receipt] = _store(request, [_read(request, _MOST)], "fhir")
    issue = {"severity": "information", "code": "informational", "diagnostics": "stored" if receipt.is_new else "known"}
    if receipt.rule:
        issue = {"severity": "error", "code": "structure", "diagnostics": f"{receipt.where}: {receipt.rule}"}
    return Status(201 if receipt.is_new else 200, {"resourceType": "OperationOutcome", "issue": [issue]})


@router.get("messages", response=MessagePage, auth=Needs("labs.view"))
def list_messages(
    request: HttpRequest,
    state: State = "waiting",
    laboratory: BigId | None = None,
    problem: ShortText = "",
    cursor: Cursor = "",
    limit: Limit = 100,
):
    """Messages by state, in the order in which they came; at first those that wait for a person. No text of a message."""
    found = queries.messages(state=state, laboratory=laboratory, problem=problem)
    return page_of(found, cursor, limit, ("received", "id"))


@router.get("messages/{int:message_id}", response=MessageOut, auth=Needs("labs.view"))
def get_message(request: HttpRequest, message_id: int):
    return _message(message_id)


@router.post("messages/{int:message_id}/steps", response={201: StepOut}, auth=Needs("labs.handle"))
def take_step(request: HttpRequest, message_id: int, data: StepIn):
    """Decide about a message that waits: file it under a person, make a case, forward, reject, or let the rules try again."""
    _message(message_id)
    by, at = _caller(request), clock.now()
    try:
        if data.action in ("forward", "reject"):
            close = services.forward_message if data.action == "forward" else services.reject_message
            step = close(message_id, data.note, by=by, at=at)
        elif data.action == "again":
            step = services.process_anew(message_id, by=by, at=at)
        elif data.person is not None:
            step = services.file_under(message_id, data.person, by=by, at=at, makes_case=data.action == "case")
        elif data.action == "link":
            raise services.HandlingError("Choose a person.")
        else:
            step = services.file_anyway(message_id, by=by, at=at, makes_case=data.action == "case")
    except services.HandlingError as error:
        raise ProblemError(409, "not_possible", str(error)) from error
    return Status(201, step)


@router.post("steps/{int:step_id}/undo", response={201: StepOut}, auth=Needs("labs.handle"))
def undo_step(request: HttpRequest, step_id: int) -> Status[Handling]:
    """Take the newest step with a message back; what it filed no longer counts."""
    try:
        return Status(201, services.undo_handling(step_id, by=_caller(request), at=clock.now()))
    except LookupError as error:
        raise ProblemError(404, "not_found", "There is no such step.") from error
    except services.HandlingError as error:
        raise ProblemError(409, "not_possible", str(error)) from error


@router.get("results", response=ResultPage, auth=Needs("labs.view"))
def list_results(
    request: HttpRequest,
    person: UUID | None = None,
    case: UUID | None = None,
    disease: ShortText = "",
    in_force: bool = True,
    cursor: Cursor = "",
    limit: Limit = 100,
):
    """Results in the order in which they came; without `in_force=false` those that a correction replaced are left out."""
    found = queries.results(person=person, case=case, disease=disease, in_force=in_force)
    return page_of(found, cursor, limit, ("received", "id"))


@router.get("results/{int:result_id}", response=ResultOut, auth=Needs("labs.view"))
def get_result(request: HttpRequest, result_id: int) -> LabResult:
    found = queries.result(result_id) if result_id < 2**63 else None
    if found is None:
        raise ProblemError(404, "not_found", "There is no such result.")
    return found


@router.get("laboratories", response=list[LaboratoryOut], auth=Needs("labs.view"))
def list_laboratories(request: HttpRequest):
    """Every laboratory, when it was last heard, and its messages by state."""
    rows = queries.laboratory_rows(clock.now())
    names = ("id", "name", "code", "disease", "is_trusted", "is_closed")
    return [
        {name: getattr(row.laboratory, name) for name in names}
        | {"last_heard": row.heard, "is_silent": row.is_silent, "messages": row.counts}
        for row in rows
    ]


@router.post("laboratories", response={201: dict[str, int]}, auth=Needs("labs.manage"))
def register(request: HttpRequest, data: LaboratoryIn):
    """Register a laboratory; messages of it that wait for that are processed."""
    try:
        made = services.register_laboratory(data.dict(), by=_caller(request), at=clock.now())
    except ValueError as error:
        raise ProblemError(409, "known", "A laboratory has this code already.") from error
    return Status(201, {"id": made.id})


def _receive_hl7(request: HttpRequest) -> HttpResponse:
    raw = _read(request, _MOST)
    receipts = _store(request, [raw], "hl7")
    unreadable = next((one for one in receipts if one.rule), None)
    at = clock.now()
    if unreadable is not None:
        body = acknowledge(raw, "AR", unreadable.rule, at=at, where=unreadable.where)
    elif len(receipts) == 1:
        body = acknowledge(raw, "AA", at=at)
    else:
        pieces = split_batch(raw.decode("latin-1"))
        body = b"".join(acknowledge(piece.encode("latin-1"), "AA", at=at) for piece in pieces)
    status = 422 if unreadable is not None else 201 if any(one.is_new for one in receipts) else 200
    return HttpResponse(body, status=status, content_type="application/hl7-v2")


def _receive_table(request: HttpRequest) -> Status[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.csv"
        path.write_bytes(_read(request, _MOST_TABLE))
        caller = _caller(request)
        options = ImportOptions(by=caller, at=clock.now(), source=audit.actor_name(caller))
        try:
            report = services.import_results(path, options, account=_account(caller))
        except ValueError as error:
            raise ProblemError(422, "unreadable", str(error)) from error
    found = {"stored": report.created, "known": report.unchanged, "unreadable": report.rejected, "messages": []}
    found["problems"] = [msgspec.to_builtins(one) for one in report.problems]
    return Status(201 if report.created else 200, found)


def _store(request: HttpRequest, bodies: list[bytes], form: str) -> list[services.Receipt]:
    caller = _caller(request)
    name = caller.name if isinstance(caller, DeviceToken) else audit.actor_name(caller)
    items = [services.Incoming(body, form, "http", sender=name, account=_account(caller)) for body in bodies]
    return [one for group in services.receive_all(items, by=caller, at=clock.now()) for one in group]


def _answer(receipts: list[services.Receipt]) -> Status[dict[str, Any]]:
    found = [
        {
            "sender": one.sender,
            "message_id": one.message_id,
            "outcome": "unreadable" if one.rule else "stored" if one.is_new else "known",
            "where": one.where,
            "rule": one.rule,
        }
        for one in receipts
    ]
    counts = {word: sum(one["outcome"] == word for one in found) for word in ("stored", "known", "unreadable")}
    return Status(201 if any(one.is_new for one in receipts) else 200, counts | {"messages": found})


def _read(request: HttpRequest, most: int) -> bytes:
    body = request.read(most + 1)
    if len(body) > most:
        raise ProblemError(413, "too_large", f"One request is {most} bytes at most; send several.")
    if not body.strip():
        raise ProblemError(422, "empty", "The request holds no message.")
    return body


def _caller(request: HttpRequest) -> Any:
    return getattr(request, "auth")  # noqa: B009 -- requests have no such attribute for the type checker


def _account(caller: Any) -> int | None:
    return caller.id if isinstance(caller, DeviceToken) else None


def _message(message_id: int) -> LabMessage:
    found = queries.message(message_id) if message_id < 2**63 else None
    if found is None:
        raise ProblemError(404, "not_found", "There is no such message.")
    return found
