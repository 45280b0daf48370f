"""Symptoms and circumstances told in one cell: `fever; no cough`, `tos: sí, fiebre: no`, `發燒、咳嗽`."""

import re

from .mappings import asked, fold
from .values import CellError, is_empty, read_state

_PARTS = re.compile(r"[;,/+|、，；\n]|\b(?:and|y|e)\b(?=\s)")
_ANSWER = re.compile(r"[:=：]")
_DENIED = re.compile(r"(?:no|sin|without|denies|niega)\s+(.+)|[無无沒没]有?(.+)", re.IGNORECASE)
_NONE = frozenset(
    {"none", "no", "no symptoms", "asymptomatic", "asintomatico", "asintomatica", "ninguno", "無", "無症狀", "无症状"}
)


def read_answers(text: str, kind: str) -> tuple[dict[str, str], list[str]]:
    """The answers that a cell gives by name, and the parts that nobody can read; `none` alone where it denies everything.

    A name alone is a yes, with "no", "sin" or "無" before it a no, and an answer may stand after a colon.
    """
    found: dict[str, str] = {}
    rest = []
    for part in filter(None, (part.strip() for part in _PARTS.split(text))):
        told = _read(part, kind)
        if told is None:
            rest.append(part)
        else:
            found[told[0]] = told[1]
    if not found and rest and all(fold(part) in _NONE for part in rest):
        return {}, ["none"]
    return found, rest


def _read(part: str, kind: str) -> tuple[str, str] | None:
    name, *answer = _ANSWER.split(part, maxsplit=1)
    if answer:
        try:
            state = read_state(answer[0].strip()) if not is_empty(answer[0].strip()) else "unknown"
        except CellError:
            return None
        known = asked(kind).get(fold(name))
        return (known, state) if known else None
    if known := asked(kind).get(fold(part)):
        return known, "yes"
    denied = _DENIED.fullmatch(part)
    known = asked(kind).get(fold(denied[1] or denied[2])) if denied else None
    return (known, "no") if known else None
