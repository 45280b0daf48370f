"""Venue codes: what stands in the square at the door. Signed, short, safe in a link, and worthless once the key number moves on."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac
from typing import NamedTuple

from epipolis.core.sealing import key

_VERSION = 1
_BODY = struct.Struct(">BQH")  # version, place, key number
_SEAL = 10  # bytes; a guess succeeds once in 2^80


class VenueCode(NamedTuple):
    """What a genuine code says."""

    place_id: int
    key_number: int


def write_code(place_id: int, key_number: int) -> str:
    """The code of a venue for one key number: 28 letters of the URL-safe base64 alphabet."""
    body = _BODY.pack(_VERSION, place_id, key_number)
    return urlsafe_b64encode(body + _seal(body)).decode().rstrip("=")


def read_code(text: str) -> VenueCode | None:
    """What the code says, or None when it was not written with this city's key."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Error, UnicodeEncodeError):
        return None
    body, seal = raw[: _BODY.size], raw[_BODY.size :]
    if len(body) != _BODY.size or not compare_digest(seal, _seal(body)):
        return None
    version, place_id, key_number = _BODY.unpack(body)
    return VenueCode(place_id, key_number) if version == _VERSION else None


def _seal(body: bytes) -> bytes:
    return hmac(key("venues"), b"venue code" + body, sha256).digest()[:_SEAL]
