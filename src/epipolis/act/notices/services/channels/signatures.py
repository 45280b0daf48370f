"""Signed reports: a keyed hash of when and what, so that nobody else can tell us that a message arrived."""

import hmac
from collections.abc import Mapping
from hashlib import sha256

from epipolis.act.notices.services.errors import SignatureError

SIGNATURE = "Epipolis-Signature"
_HUB = "X-Hub-Signature-256"


def signed(secret: str, body: bytes, *, time: int) -> str:
    """The header of a report: t=SECONDS,v1=HEX, where HEX is HMAC-SHA256 of "SECONDS." and the body."""
    return f"t={time},v1={_hex(secret, str(time).encode() + b'.' + body)}"


def check_signed(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Whether a report carries the signature above.

    Raises:
        SignatureError: it does not, or no secret is set, so that nothing can be believed.
    """
    parts = dict(part.split("=", 1) for part in headers.get(SIGNATURE, "").split(",") if "=" in part)
    time, given = parts.get("t", ""), parts.get("v1", "")
    if not secret or not time.isdigit() or not _same(given, _hex(secret, time.encode() + b"." + body)):
        raise SignatureError("This report is not signed by its provider.")


def check_hub(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Whether a report carries the signature of the WhatsApp Cloud API: sha256=HEX of the body.

    Raises:
        SignatureError: it does not, or no secret is set.
    """
    given = headers.get(_HUB, "").removeprefix("sha256=")
    if not secret or not _same(given, _hex(secret, body)):
        raise SignatureError("This report is not signed by its provider.")


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())


def _hex(secret: str, content: bytes) -> str:
    return hmac.digest(secret.encode(), content, sha256).hex()
