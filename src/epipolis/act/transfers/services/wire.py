"""What travels: JSON of plain values, checked when it comes in."""

from typing import Any
from uuid import UUID

import msgspec

from epipolis.engines.messages import CaseDocument

KINDS = ("offer", "answer", "withdrawal", "update", "proposal")
_TEXT, _LONG, _MOST = 200, 4_000, 2_000


class Told(msgspec.Struct, frozen=True):
    """One message of another office."""

    kind: str
    transfer: UUID
    body: dict[str, Any]
    version: int = 1


def encoded(body: dict[str, Any]) -> str:
    return msgspec.json.encode(body).decode()


def decoded(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])


def read(raw: bytes) -> Told:
    """The message.

    Raises:
        ValueError: it is none, or of a kind or version that is not known here.
    """
    try:
        told = msgspec.json.decode(raw, type=Told)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    if told.version != 1 or told.kind not in KINDS:
        raise ValueError(f"version {told.version}, kind {told.kind[:40]!r}: not known here")
    return told


def document_in(body: dict[str, Any]) -> CaseDocument:
    """The document of a message.

    Raises:
        ValueError: there is none, or a text in it is too long or holds the NUL character.
    """
    try:
        found = msgspec.convert(body.get("document"), CaseDocument)
    except msgspec.ValidationError as error:
        raise ValueError(f"document: {error}") from error
    _check(msgspec.to_builtins(found), "document")
    if not found.case_id or not found.disease:
        raise ValueError("document: a case has a number and a disease")
    return found


def text_in(body: dict[str, Any], name: str, most: int = 1_000) -> str:
    """A text of a message, or "".

    Raises:
        ValueError: it is no text, too long, or holds the NUL character.
    """
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        raise ValueError(f"{name}: is no text of at most {most} characters")
    return value


def number_in(body: dict[str, Any], name: str) -> int:
    """A whole number of a message, or 0.

    Raises:
        ValueError: it is none.
    """
    value = body.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ValueError(f"{name}: is no number")
    return value


def _check(value: Any, where: str) -> None:
    if isinstance(value, str) and (len(value) > (_LONG if where.endswith(".note") else _TEXT * 2) or "\0" in value):
        raise ValueError(f"{where}: is too long, or holds the NUL character")
    if isinstance(value, list | tuple) and len(value) > _MOST:
        raise ValueError(f"{where}: has more than {_MOST} entries")
    if isinstance(value, dict):
        for name, one in value.items():
            _check(one, f"{where}.{name}")
    elif isinstance(value, list | tuple):
        for one in value:
            _check(one, where)
