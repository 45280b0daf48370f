"""Measurements: what a test device sends, read strictly; and the same as a laboratory's report."""

import math
import re
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Annotated, Any, Literal

import msgspec

from epipolis.engines.messages import Finding, LabReport, MessageError, Patient
from epipolis.engines.messages.reports import Specimen

MOST_BYTES = 16_384
KNOWN_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}\Z")
RESULTS = {
    "positive": "positive",
    "negative": "negative",
    "inconclusive": "inconclusive",
    "invalid": "unsatisfactory",
}
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]
Barcode = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")]
Short = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
_SIGNING = b"epipolis readings"
_FIRST, _LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # a clock that was reset says 1970


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One reading. `measured_at` and `sent_at` are by the device's own clock; `sent_at` is new in each sending."""

    reading: Name
    sample: Barcode
    lot: Name
    operator: Name
    result: Literal["positive", "negative", "inconclusive", "invalid"]
    measured_at: Moment
    control_valid: bool
    sent_at: Moment | None = None
    battery: Percent | None = None
    temperature: float | None = None
    device: Short = ""


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What a device says of itself, and its clock."""

    model: Short = ""
    firmware: Short = ""
    kinds: Annotated[list[Short], msgspec.Meta(max_length=20)] = []
    battery: Percent | None = None
    sent_at: Moment | None = None


class Signed(msgspec.Struct, frozen=True):
    """An envelope on a road that proves nobody: the text, and its signature with a key that is made from the token."""

    signed: str
    mac: str


def read_measurement(raw: bytes) -> Measurement:
    """The reading in a body.

    Raises:
        MessageError: it is no reading, or a field breaks a rule; the place is a JSON path.
    """
    found: Measurement = _decoded(raw, Measurement)
    for name in ("measured_at", "sent_at"):
        moment = getattr(found, name)
        if moment is not None and not _FIRST <= moment <= _LAST:
            raise MessageError(f"$.{name}", "must lie between 1970 and 2200")
    if found.temperature is not None and not (math.isfinite(found.temperature) and -60 <= found.temperature <= 90):
        raise MessageError("$.temperature", "must lie between -60 and 90 °C")
    return found


def read_hello(raw: bytes) -> Hello:
    """What a device says of itself.

    Raises:
        MessageError: it cannot be read.
    """
    found: Hello = _decoded(raw, Hello)
    if found.sent_at is not None and not _FIRST <= found.sent_at <= _LAST:
        raise MessageError("$.sent_at", "must lie between 1970 and 2200")
    return found


def kept(found: Measurement) -> bytes:
    """The reading as it is kept: the same whenever and however often it is sent."""
    return msgspec.json.encode({name: value for name, value in _fields(found).items() if name not in ("sent_at", "device")})


def open_signed(raw: bytes, serial: str, key: str) -> tuple[bytes, bool]:
    """The text in an envelope, and whether the device that has this key signed it; what is no envelope is unsigned."""
    try:
        found = msgspec.json.decode(raw, type=Signed)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return raw, False
    text = found.signed.encode("utf-8", "replace")
    own = sign(text, serial, key)
    return text, bool(key) and compare_digest(own.encode(), found.mac.encode("utf-8", "replace"))


def signing_key(token: str) -> str:
    """The key with which a device signs: another one than the hash in the list of tokens, so that no copy of it can sign."""
    return hmac_digest(token.encode(), _SIGNING, "sha256").hex()


def sign(text: bytes, serial: str, key: str) -> str:
    """The signature of a text by one device (HMAC-SHA256 keyed with its `signing_key`, in hexadecimal)."""
    return hmac_digest(key.encode(), serial.encode() + b"\n" + text, "sha256").hex()


def read_reading(raw: bytes) -> LabReport:
    """A kept reading as a report. Its patient is nobody: the sample's label says who it is.

    Raises:
        MessageError: it cannot be read.
    """
    found = read_measurement(raw)
    return report_of(found, measured_at=found.measured_at)


def report_of(found: Measurement, *, measured_at: datetime, status: str = "final", serial: str = "") -> LabReport:
    """A reading as a report, with its time as corrected."""
    result = RESULTS[found.result] if found.control_valid else "unsatisfactory"
    finding = Finding(
        ref=found.reading,
        code=found.lot,
        system="lot",
        text=found.lot,
        result=result,
        value=found.result,
        status=status,
        observed_at=measured_at,
        resulted_at=measured_at,
        device=serial,
        lot=found.lot,
    )
    return LabReport(
        message_id=found.reading,
        sender=serial,
        patient=Patient(),
        findings=(finding,),
        specimen=Specimen(ref=found.sample),
    )


def clock_error(sent_at: datetime | None, received: datetime, known: float | None, *, is_direct: bool) -> tuple[float, bool]:
    """Seconds to add to a device's clock, and whether that was measured just now.

    What is sent directly measures it. On a road that may hold a message back, the difference is the error and the delay, so
    the error is at most that: less than what was known (or than none) is certain, and more is taken for the delay.
    """
    before = known or 0.0
    if sent_at is None:
        return before, False
    own = (received - sent_at).total_seconds()
    return (own, True) if is_direct or own < before else (before, False)


def corrected(moment: datetime, seconds: float, *, tolerated: float) -> tuple[datetime, float]:
    """A time of the device's clock as the city's, and the seconds that were added: none where the clock is right enough."""
    added = seconds if abs(seconds) > tolerated else 0.0
    return moment + timedelta(seconds=added), added


def _decoded(raw: bytes, kind: Any) -> Any:
    if len(raw) > MOST_BYTES:
        raise MessageError("$", f"is longer than {MOST_BYTES} bytes")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        rule, _, place = str(error).partition(" - at `")
        raise MessageError(place.rstrip("`") or "$", rule) from error


def _fields(found: Measurement) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__struct_fields__}
