"""Venue codes: what stands in the square at the door. Signed, short, safe in a link, worthless once the key number moves on."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

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


def link_of(code: str) -> str:
    """The address in the square: the phone's camera opens it, no program is needed."""
    return f"{settings.EPIPOLIS_ADDRESS}/checkins/in/{code}/"


_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none looks or sounds like another


def spell(visitor: UUID) -> str:
    """A phone's pseudonym as it is read out on the telephone: 26 letters and a check letter, in groups."""
    number = visitor.int
    letters = "".join(_LETTERS[number >> shift & 31] for shift in range(125, -1, -5)) + _check(number)
    return "-".join(letters[at : at + 5] for at in range(0, len(letters), 5))


def unspell(text: str) -> UUID:
    """The pseudonym again, also from a UUID; case, spaces and letters that look alike do not matter.

    Raises:
        ValueError: letters are missing or wrong.
    """
    plain = "".join(letter for letter in text.upper() if letter.isalnum())
    if len(plain) == 32:
        return UUID(plain)
    plain = plain.translate(str.maketrans("OIL", "011"))
    if len(plain) != 27 or not set(plain) <= set(_LETTERS):
        raise ValueError("a phone's code has 27 letters and digits")
    number = 0
    for letter in plain[:26]:
        number = number << 5 | _LETTERS.index(letter)
    if number >= 2**128 or _check(number) != plain[26]:
        raise ValueError("a letter of the phone's code is wrong; read it again")
    return UUID(int=number)


def _check(number: int) -> str:
    return _LETTERS[number % 31]
