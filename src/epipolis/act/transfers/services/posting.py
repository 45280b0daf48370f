"""The way out: one signed request to another office, and its signed answer."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from epipolis.act.transfers.models import Partner
from epipolis.act.transfers.settings import settings
from epipolis.core.outgoing import NoAnswerError, exchange, is_private

from .errors import RefusedError, UnreachableError
from .signing import NONCE, PATH, SIGNATURE, is_answer_of, signed_request

_KIND = {"Content-Type": "application/json", "Accept": "application/json"}


def check_address(address: str) -> str:
    """An office's address without a path.

    Raises:
        ValueError: it is none, or would carry names in clear through a network.
    """
    parts = urlsplit(address.strip())
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError("the port of the address is no number") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("an address looks like https://epipolis.example.org")
    if not is_private(parts):
        raise ValueError("an address begins with https://, for cases travel in the content")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def post(partner: Partner, content: dict[str, Any], *, real: datetime) -> dict[str, Any]:
    """What the office answers.

    Raises:
        UnreachableError: no answer, or none of its own; the same may be sent again.
        RefusedError: the office itself refuses this, and would again.
    """
    body = msgspec.json.encode(content)
    headers = signed_request(body, partner.key_id, real=real)
    status, answer, signature = _exchange(partner.address, body, headers)
    if not is_answer_of(partner, headers[NONCE], status, answer, signature):
        raise UnreachableError(_unsigned(status, answer))
    try:
        told = msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UnreachableError("The answer cannot be read.") from error
    if status >= 400:
        raise RefusedError(status, str(told.get("code", "")), str(told.get("detail", "")))
    return told


def _exchange(address: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, str]:
    try:
        told = exchange(address, PATH, body, headers | _KIND, seconds=float(settings.timeout_seconds), most=settings.body_bytes)
    except NoAnswerError as error:
        raise UnreachableError(str(error)) from error
    return told.status, told.body, told.headers.get(SIGNATURE, "")


def _unsigned(status: int, answer: bytes) -> str:
    """An answer without the office's signature is not believed; what it says may still help a person."""
    try:
        told = msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.DecodeError:
        told = {}
    return f"Status {status}, not signed: {told.get('detail', '')}"[:300]
