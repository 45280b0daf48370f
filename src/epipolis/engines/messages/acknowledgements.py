"""The answer that the sender of an HL7 message waits for: MSH, MSA and, when something is wrong, ERR."""

import re
from datetime import datetime

from epipolis.engines.messages.charsets import codec_of, decode
from epipolis.engines.messages.reports import MessageError
from epipolis.engines.messages.segments import Segment, Separators, segments_of, split_batch
from epipolis.engines.messages.times import write_hl7_time

CODES = ("AA", "AE", "AR")
# HL7 table 0357.
_ERRORS = {
    "segment": "100^Segment sequence error^HL70357",
    "required": "101^Required field missing^HL70357",
    "type": "102^Data type error^HL70357",
    "value": "103^Table value not found^HL70357",
    "kind": "200^Unsupported message type^HL70357",
    "internal": "207^Application internal error^HL70357",
}
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\.(\d+))?)?", re.ASCII)


def acknowledge(raw: bytes, code: str, text: str = "", *, at: datetime, where: str = "", kind: str = "") -> bytes:
    """An ACK for a message: AA it is kept, AE it is kept and wrong, AR it is not kept.

    `text` says what is wrong, `where` the place as MessageError names it (OBX[2]-5.1), `kind` one of segment, required, type,
    value, kind, internal. Bytes that are no message are answered too, with an empty MSA-2.

    Raises:
        ValueError: another code than these.
    """
    if code not in CODES:
        raise ValueError(f"the code must be one of {', '.join(CODES)}, not {code!r}")
    head, codec = _head(raw)
    marks = head.separators
    signs = marks.component + marks.repetition + marks.escape + marks.sub
    sent = marks.field.join(
        [
            *(f"MSH{marks.field}{signs}", head.raw(5), head.raw(6), head.raw(3), head.raw(4), write_hl7_time(at), ""),
            marks.component.join(
                ("ACK", *([head.text(9, 2)] if head.text(9, 2) else []), *(["ACK"] if head.text(9, 2) else []))
            ),
            *(_number(at), head.raw(11) or "P", head.raw(12) or "2.5.1", *[""] * 5, head.raw(18)),
        ]
    )
    lines = [sent.rstrip(marks.field), marks.field.join(("MSA", code, head.raw(10), marks.escaped(text))).rstrip(marks.field)]
    if code != "AA":
        lines.append(_error(marks, text, where, kind or _kind_of(where, text)))
    return ("\r".join(lines) + "\r").encode(codec, errors="replace")


def _head(raw: bytes) -> tuple[Segment, str]:
    """The segment MSH (one without content for bytes that have none) and the codec to answer in."""
    try:
        text, wrong = decode(raw[:65_536])
        first = split_batch(text)[0].replace("\n", "\r").split("\r", 1)[0]
        head = segments_of(first)[0]
    except MessageError:
        return segments_of("MSH|^~\\&|")[0], "utf-8"
    return head, (codec_of(head.text(18)) if not wrong else None) or "utf-8"


def _number(at: datetime) -> str:
    return f"A{at:%Y%m%d%H%M%S%f}"


def _kind_of(where: str, text: str) -> str:
    if where.startswith("MSH-9") or "laboratory result" in text:
        return "kind"
    if text.startswith("no "):
        return "required" if "-" in where else "segment"
    return "type" if "-" in where else "internal"


def _error(marks: Separators, text: str, where: str, kind: str) -> str:
    place = _PLACE.match(where)
    located = ""
    if place:
        parts = [place[1], place[2] or "1", place[3] or "", "1" if place[3] else "", place[4] or ""]
        located = marks.component.join(parts).rstrip(marks.component)
    code = _ERRORS.get(kind, _ERRORS["internal"]).replace("^", marks.component)
    said = marks.escaped(text)
    return marks.field.join(("ERR", "", located, code, "E", "", "", said, said)).rstrip(marks.field)
