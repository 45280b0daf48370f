"""The way out: one signed request to another office, and its signed answer."""

import ssl
from contextlib import closing
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from epipolis.act.transfers.models import Partner
from epipolis.act.transfers.settings import settings

from .errors import RefusedError, UnreachableError
from .signing import NONCE, PATH, SIGNATURE, is_answer_of, signed_request

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


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
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
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
    parts, seconds = urlsplit(address), float(settings.timeout_seconds)
    kind = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        if parts.scheme == "https":
            own: HTTPConnection = HTTPSConnection(
                parts.hostname or "", parts.port, timeout=seconds, context=ssl.create_default_context()
            )
        else:
            own = HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
        with closing(own):
            own.request("POST", PATH, body, headers | kind)
            answer = own.getresponse()
            return answer.status, answer.read(settings.body_bytes), answer.headers.get(SIGNATURE, "")
    except (OSError, HTTPException, ValueError) as error:
        raise UnreachableError(f"No connection: {type(error).__name__} {error}"[:300]) from error


def _unsigned(status: int, answer: bytes) -> str:
    """An answer without the office's signature is not believed; what it says may still help a person."""
    try:
        told = msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.DecodeError:
        told = {}
    return f"Status {status}, not signed: {told.get('detail', '')}"[:300]
