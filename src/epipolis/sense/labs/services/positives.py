"""Positives: which messages look positive, by a glance as they come in. A wrong guess changes their order and nothing else."""

from collections.abc import Iterator
from typing import Any

import msgspec

from epipolis.engines.messages.codes import Code, Tests, system_of, usual_tests
from epipolis.sense.labs.models import LabMessage

from .envelopes import Incoming

_POSITIVE = "positive"
_DEEPEST = 6  # a report in a bundle, an observation in it, its value, its code


def looks_positive(incoming: Incoming) -> bool:
    """Whether any finding of a message says that something was found, whatever was looked for."""
    tests = usual_tests()
    if incoming.format == LabMessage.Format.HL7:
        return any(tests.result(*answer)[0] == _POSITIVE for answer in _hl7_answers(incoming.raw))
    try:
        told: Any = msgspec.json.decode(incoming.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if incoming.format == LabMessage.Format.CSV:
        return isinstance(told, dict) and tests.result_of(_text(told.get("result"))) == _POSITIVE
    return any(_is_positive(one, tests) for one in _observations(told, 0))


def _hl7_answers(raw: bytes) -> Iterator[tuple[list[Code], str, str]]:
    """Codes, words and flag of each OBX, whatever the character set: of two or four bytes a letter the empty ones go."""
    text = raw.replace(b"\0", b"").decode("utf-8", "replace").replace("\n", "\r")
    for line in text.split("\r"):
        if not line.startswith("OBX") or len(line) < 4:
            continue
        fields = line.split(line[3])
        for value in (fields[5] if len(fields) > 5 else "").split("~"):
            parts = [*value.split("^"), "", "", "", "", "", ""]
            codes = [(system_of(parts[2]), parts[0]), (system_of(parts[5]), parts[3])]
            yield codes, parts[1] or parts[0], fields[8] if len(fields) > 8 else ""


def _observations(told: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Every observation in a resource, in its bundle or contained in another."""
    if not isinstance(told, dict) or depth > _DEEPEST:
        return
    if told.get("resourceType") == "Observation":
        yield told
    for entry in _list(told.get("entry")):
        yield from _observations(entry.get("resource"), depth + 1)
    for inner in _list(told.get("contained")):
        yield from _observations(inner, depth + 1)


def _is_positive(told: dict[str, Any], tests: Tests) -> bool:
    parts = [told, *_list(told.get("component"))]
    return any(tests.result(*answer)[0] == _POSITIVE for part in parts for answer in [_fhir_answer(part)])


def _fhir_answer(part: dict[str, Any]) -> tuple[list[Code], str, str]:
    value = part.get("valueCodeableConcept")
    concept = value if isinstance(value, dict) else {}
    codings = _list(concept.get("coding"))
    codes = [(system_of(_text(one.get("system"))), _text(one.get("code"))) for one in codings]
    words = [concept.get("text"), *(one.get("display") for one in codings), part.get("valueString")]
    flags = [one.get("code") for said in _list(part.get("interpretation")) for one in _list(said.get("coding"))]
    return codes, next((_text(one) for one in words if one), ""), next((_text(one) for one in flags if one), "")


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
