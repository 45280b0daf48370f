"""Test devices over the API: readings in, what devices say of themselves, and whose a sample is."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import Limit, ShortText
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError
from epipolis.sense.labs import queries, services

router = Router(tags=["Laboratories"])
Cursor = Annotated[str, Field(max_length=400)]
Barcode = Annotated[ShortText, Field(min_length=1, max_length=60)]
_TIME = {"type": "string", "format": "date-time"}
_PERCENT = {"type": "integer", "minimum": 0, "maximum": 100}
_READING = {
    "type": "object",
    "required": ["reading", "sample", "lot", "operator", "result", "measured_at", "control_valid"],
    "properties": {
        "reading": {"type": "string", "maxLength": 60, "description": "The device's own number; once and for ever."},
        "sample": {"type": "string", "maxLength": 40, "description": "The barcode of the sample's label."},
        "lot": {"type": "string", "maxLength": 60},
        "operator": {"type": "string", "maxLength": 60, "description": "The account of who measured."},
        "result": {"type": "string", "enum": ["positive", "negative", "inconclusive", "invalid"]},
        "measured_at": _TIME | {"description": "By the device's clock."},
        "control_valid": {"type": "boolean"},
        "sent_at": _TIME | {"description": "By the device's clock, at this sending; from it the clock's error is measured."},
        "battery": _PERCENT,
        "temperature": {"type": "number", "minimum": -60, "maximum": 90},
    },
}
_HELLO = {
    "type": "object",
    "properties": {
        "model": {"type": "string", "maxLength": 100},
        "firmware": {"type": "string", "maxLength": 100},
        "kinds": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
        "battery": _PERCENT,
        "sent_at": _TIME,
    },
}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": schema}}, "required": True}}


class TakenOut(Schema):
    """What became of a reading: `stored` or `known` (it came before). `waits`: a person must look before it counts.

    `clock_offset` is what the device's clock must add to be right, in seconds; `time` is what it should say now.
    """

    status: Literal["stored", "known"]
    reading: str
    waits: bool
    clock_offset: float | None
    time: datetime


class DeviceOut(Schema):
    id: int
    serial: str
    model: str
    place: str
    laboratory_id: int | None
    state: str
    heard: datetime | None
    is_stale: bool
    clock_offset: float | None
    battery: int | None
    readings: int
    invalid: int
    waiting: int
    marked: int
    simulated: bool


class ReadingOut(Schema):
    id: int
    message_id: int
    number: str
    lot: str
    operator: str
    result: str
    device_time: datetime
    measured_at: datetime
    clock_offset: float
    control_valid: bool
    battery: int | None
    temperature: float | None
    marks: list[Any]
    received: datetime
    simulated: bool


class ReadingPage(Schema):
    items: list[ReadingOut]
    next: str | None


class LotOut(Schema):
    number: str
    product: str
    kind: str
    disease: str
    expires: date
    is_allowed: bool
    state: str
    readings: int


class LabelIn(Schema):
    """The barcode on a sample, and whose it is."""

    barcode: Barcode
    person: UUID


class LabelOut(Schema):
    id: int
    barcode: str
    given: datetime


@router.post("readings", response={201: TakenOut, 200: TakenOut}, auth=Needs("labs.measure"), openapi_extra=_body(_READING))
def take_reading(request: HttpRequest):
    """Send one reading with the device's token. Answered once it is stored and filed; sent again it is stored once.

    What cannot be read is kept for a person and answered with 422: the same bytes need not be sent again.
    """
    taken = _taken(request, services.take_over_http)
    return Status(201 if taken["status"] == "stored" else 200, taken)


@router.post("devices/hello", response=TakenOut, auth=Needs("labs.measure"), openapi_extra=_body(_HELLO))
def hello(request: HttpRequest):
    """Say what the device is and what its clock says; answered with the time as it is."""
    return _taken(request, services.hear_over_http)


@router.get("devices", response=list[DeviceOut], auth=Needs("labs.view"))
def list_devices(request: HttpRequest):
    """Every test device, when it was last heard, and its readings of the last 30 days."""
    names = ("id", "serial", "model", "place", "laboratory_id", "state", "heard", "clock_offset", "battery", "simulated")
    counts = ("readings", "invalid", "waiting", "marked", "is_stale")
    return [
        {name: getattr(row.device, name) for name in names} | {name: getattr(row, name) for name in counts}
        for row in queries.device_rows(clock.now())
    ]


@router.get("devices/{int:device_id}/readings", response=ReadingPage, auth=Needs("labs.view"))
def list_readings(request: HttpRequest, device_id: int, cursor: Cursor = "", limit: Limit = 100):
    """A device's readings in the order in which they came, without whose they are."""
    found = queries.device(device_id) if device_id < 2**63 else None
    if found is None:
        raise ProblemError(404, "not_found", "There is no such device.")
    return page_of(queries.readings_of(found), cursor, limit, ("received", "id"))


@router.get("lots", response=list[LotOut], auth=Needs("labs.view"))
def list_lots(request: HttpRequest):
    """Lots of test kits, the one that ends first at the top."""
    names = ("number", "product", "kind", "disease", "expires", "is_allowed")
    return [
        {name: getattr(row.lot, name) for name in names} | {"state": row.state, "readings": row.readings}
        for row in queries.lot_rows(clock.now())
    ]


@router.post("labels", response={201: LabelOut, 200: LabelOut}, auth=Needs("labs.counter"))
def give_label(request: HttpRequest, data: LabelIn):
    """Say whose sample carries a barcode. A reading of it that came before is filed then."""
    try:
        label, is_new = services.give_label(data.barcode, data.person, by=_caller(request), at=clock.now())
    except services.LabelError as error:
        raise ProblemError(409, "not_possible", str(error)) from error
    return Status(201 if is_new else 200, label)


def _taken(request: HttpRequest, take: Any) -> dict[str, Any]:
    raw = request.read(services.MOST_BYTES + 1)
    at = clock.now()
    try:
        taken: services.Taken = take(raw, _caller(request), at=at)
    except LookupError as error:
        raise ProblemError(409, "no_device", "This token belongs to no registered test device.") from error
    if taken.rule:
        raise ProblemError(422, "unreadable", "It cannot be read.", [{"field": taken.where, "rule": taken.rule}])
    told = {name: getattr(taken, name) for name in ("status", "reading", "waits", "clock_offset")}
    return told | {"time": at}


def _caller(request: HttpRequest) -> Any:
    return getattr(request, "auth")  # noqa: B009 -- requests have no such attribute for the type checker
