"""A message as it is shown: parsed, with everything that may name somebody hidden until it is opened."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from epipolis.engines.messages import LabReport
from epipolis.engines.messages.charsets import decode
from epipolis.sense.labs.models import LabMessage

HIDDEN = "•••"
_OPEN_SEGMENTS = frozenset(("MSH", "MSA", "ORC", "OBR", "OBX", "SPM", "TQ1", "PV1", "EVN"))
_HIDDEN_FIELDS: dict[str, set[int]] = {
    "OBR": {10, 16, 28, 32, 33, 34, 35},
    "ORC": {10, 11, 12, 19},
    "OBX": {16, 25},
    "PV1": {7, 8, 9, 17, 52},
}
_PEOPLE = frozenset(("Patient", "RelatedPerson", "Person", "Practitioner"))
_OPEN_OF_PEOPLE = frozenset(("resourceType", "id", "gender"))
_TEXTS = frozenset(("text", "note", "display", "comment", "valueString", "conclusion", "performer", "contained"))
_HIDDEN_COLUMNS = frozenset(
    ("patient_id", "family_name", "given_name", "birth_date", "phone", "email", "address", "city", "postcode", "note")
)
_BREAK = re.compile("[\r\n]+")
_LONGEST = 200_000  # characters that a page shows


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the shown message: what it is called, its text, and whether something in it is hidden."""

    name: str
    text: str
    is_hidden: bool = False


def shown(raw: bytes, form: str, *, is_open: bool) -> list[Line]:
    """The message line by line. What cannot be read is shown only when it is opened."""
    if not raw:
        return []
    try:
        if form == LabMessage.Format.HL7:
            return _hl7(raw, is_open)
        if form == LabMessage.Format.CSV:
            return _row(raw, is_open)
        return _fhir(raw, is_open)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        text = raw[:_LONGEST].decode("utf-8", errors="replace") if is_open else HIDDEN
        return [Line("", text, not is_open)]


def summary(reports: list[LabReport]) -> list[dict[str, Any]]:
    """What was understood, without anything that names somebody."""
    return [
        {
            "order": report.order or report.placer_order,
            "laboratory": report.laboratory,
            "specimen": report.specimen,
            "ordered_by": bool(report.ordered_by),
            "onset": report.onset,
            "findings": report.findings,
            "marks": report.marks,
            "patient": _about(report),
        }
        for report in reports
    ]


def _about(report: LabReport) -> dict[str, Any]:
    patient = report.patient
    return {
        "has_name": bool(patient.given or patient.family),
        "numbers": [kind for kind, _, _ in patient.identifiers],
        "born": patient.birth[0],
        "sex": patient.sex,
        "phones": len(patient.phones),
        "emails": len(patient.emails),
        "has_address": bool(patient.address or patient.city),
    }


def _hl7(raw: bytes, is_open: bool) -> list[Line]:
    text, _ = decode(raw)
    lines = [line.strip("\x0b\x1c\0") for line in _BREAK.split(text[:_LONGEST])]
    return [_segment(line, is_open) for line in lines if line.strip()]


def _segment(line: str, is_open: bool) -> Line:
    name, sign = line[:3], line[3:4]
    if is_open:
        return Line(name, line)
    if name not in _OPEN_SEGMENTS or not sign or sign.isalnum():
        return Line(name if name.isalnum() and name.isupper() else "", HIDDEN, is_hidden=True)
    hidden = _HIDDEN_FIELDS.get(name, set())
    fields = line.split(sign)
    kept = [HIDDEN if number in hidden and field else field for number, field in enumerate(fields)]
    return Line(name, sign.join(kept), kept != fields)


def _row(raw: bytes, is_open: bool) -> list[Line]:
    row = msgspec.json.decode(raw, type=dict[str, str])
    lines = []
    for column, value in row.items():
        is_hidden = not is_open and bool(value) and column.strip().lower().replace(" ", "_") in _HIDDEN_COLUMNS
        lines.append(Line(column, HIDDEN if is_hidden else value, is_hidden))
    return lines


def _fhir(raw: bytes, is_open: bool) -> list[Line]:
    found = msgspec.json.decode(raw)
    text = json.dumps(found if is_open else _masked(found), ensure_ascii=False, indent=1)[:_LONGEST]
    return [Line("", line, HIDDEN in line) for line in text.splitlines()]


def _masked(found: Any) -> Any:
    if isinstance(found, list):
        return [_masked(one) for one in found]
    if not isinstance(found, Mapping):
        return found
    if found.get("resourceType") in _PEOPLE:
        return {key: value if key in _OPEN_OF_PEOPLE else HIDDEN for key, value in found.items()}
    return {key: HIDDEN if key in _TEXTS and not isinstance(value, bool) else _masked(value) for key, value in found.items()}
