"""Envelopes: who sent which message, read before anything else of it; one transmission may hold several messages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from epipolis.core.sealing import fingerprint
from epipolis.engines.messages import Header, MessageError, peek_hl7
from epipolis.engines.messages.charsets import decode
from epipolis.engines.messages.segments import split_batch
from epipolis.sense.labs.models import LabMessage

HL7, FHIR, CSV = map(str, (LabMessage.Format.HL7, LabMessage.Format.FHIR, LabMessage.Format.CSV))
LONGEST = 200  # characters of a sender and of a number
_START = re.compile(rb"(?:^|(?<=[\r\n]))MSH(?=[^\r\n A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class Incoming:
    """What arrived in one piece: its bytes, how it came, and what proves who sent it, whatever it says itself.

    `sender` names the sender of what names none; `account` is the row id of the device token, `certificate` the name in
    the client's certificate. `message_id` is for rows of tables, which have no envelope. `fault` is what a frame lacks.
    """

    raw: bytes
    format: str
    road: str
    sender: str = ""
    account: int | None = None
    certificate: str = ""
    message_id: str = ""
    fault: str = ""
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message, ready to be stored. `header` is None for what cannot be read at all; `broken` says why."""

    incoming: Incoming
    sender: str
    message_id: str
    digest: str
    codes: tuple[str, ...] = ()  # by which a laboratory may be known
    broken: MessageError | None = None
    header: Header | None = None


def envelopes(incoming: Incoming) -> list[Envelope]:
    """The messages in one transmission, at least one: what cannot be read is a message too, and is kept."""
    if incoming.fault:
        return [_sealed(incoming, peek_hl7(incoming.raw), MessageError("frame", incoming.fault))]
    if incoming.format == CSV:
        return [_sealed(incoming, Header(message_id=incoming.message_id))]
    if incoming.format == FHIR:
        return [_read_fhir(incoming)]
    return [_read_hl7(one) for one in _split(incoming)]


def bodies(raw: bytes, kind: str) -> list[bytes]:
    """The messages of a request's body: one a line in NDJSON, else one; HL7 batches are taken apart by `envelopes`."""
    return [line for line in raw.splitlines() if line.strip()] if kind == "ndjson" else [raw]


def digest_of(raw: bytes) -> str:
    """A keyed hash: a plain one of a short message could be turned back by trying names."""
    return fingerprint(raw.hex())  # of each byte: a fingerprint of text takes no notice of case and spaces


def _split(incoming: Incoming) -> Iterator[Incoming]:
    starts = [found.start() for found in _START.finditer(incoming.raw)]
    if len(starts) > 1:
        for start, end in zip(starts, [*starts[1:], len(incoming.raw)], strict=True):
            yield replace(incoming, raw=incoming.raw[start:end])
        return
    if not starts and b"\0" in incoming.raw[:8]:  # two or four bytes a character
        try:
            pieces = split_batch(decode(incoming.raw)[0])
        except MessageError:
            pieces = []
        if len(pieces) > 1:
            yield from (replace(incoming, raw=piece.encode(errors="replace")) for piece in pieces)
            return
    yield incoming


def _read_hl7(incoming: Incoming) -> Envelope:
    header = peek_hl7(incoming.raw)
    if header == Header():
        return _sealed(incoming, header, MessageError("MSH", "no segment MSH that can be read"))
    return _sealed(incoming, header)


def _read_fhir(incoming: Incoming) -> Envelope:
    try:
        found = msgspec.json.decode(incoming.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _sealed(incoming, Header(), MessageError("$", "is no JSON", str(error)))
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        return _sealed(incoming, Header(), MessageError("$.resourceType", "is no FHIR resource"))
    return _sealed(incoming, _fhir_header(found, incoming))


def _fhir_header(found: dict[str, Any], incoming: Incoming) -> Header:
    """A bundle's own number, else the resource's id and version; without a version each content is a message of its own."""
    kind, number = found["resourceType"], _text(_part(found, "identifier", "value"))
    first = _part(found, "entry", 0, "resource")
    source = _part(first, "source") if _part(first, "resourceType") == "MessageHeader" else None
    if not number and (own := _text(found.get("id"))):
        version = _text(_part(found, "meta", "versionId")) or digest_of(incoming.raw)[:16]
        number = f"{kind}/{own}@{version}"
    return Header(
        message_id=number,
        sender=_text(_part(source, "name")) or _text(_part(source, "endpoint")),
        facility=_text(_part(source, "endpoint")),
        kind=kind,
    )


def _part(found: Any, *path: str | int) -> Any:
    for step in path:
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and len(found) > step else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _sealed(incoming: Incoming, header: Header, broken: MessageError | None = None) -> Envelope:
    digest = digest_of(incoming.raw)
    named = [part for part in (header.sender, header.facility) if part]
    sender = _short(_clean("|".join(dict.fromkeys(named)) or incoming.sender or "unknown"))
    number = _short(_clean(header.message_id or incoming.message_id)) or f"sha256:{digest}"
    codes = tuple(dict.fromkeys(part for part in (header.facility, header.sender, sender, incoming.sender) if part))
    return Envelope(incoming, sender, number, digest, codes, broken, header if broken is None else None)


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip()


def _short(text: str) -> str:
    """Long texts by a part and their hash, so that two long ones stay apart."""
    return text if len(text) <= LONGEST else f"{text[:100]}…{fingerprint(text)[:32]}"
