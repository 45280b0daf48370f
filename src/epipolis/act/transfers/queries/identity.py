"""Who this office is to others: its key, made once and kept outside the database, and how a key is told by telephone."""

from base64 import b64decode, b64encode
from binascii import Error
from functools import cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from epipolis.core.sealing import key

_GROUPS, _DIGITS = 8, 5
_OWN = "epipolis key\n"  # keeps these digests apart from any others of the same bytes


def sign(content: bytes) -> str:
    """This office's signature (Ed25519) of some bytes, in base64."""
    return b64encode(_private().sign(content)).decode()


def is_signed(content: bytes, signature: str, public: str) -> bool:
    """Whether the holder of a public key has signed these bytes."""
    try:
        _opened(public).verify(b64decode(signature, validate=True), content)
    except (InvalidSignature, Error, ValueError):
        return False
    return True


def own_public_key() -> str:
    """This office's public key in base64, to be given to others."""
    return b64encode(_private().public_key().public_bytes_raw()).decode()


def own_key_id() -> str:
    return key_id_of(own_public_key())


def own_name() -> str:
    return str(settings.EPIPOLIS_CITY)


def own_address() -> str:
    return str(settings.EPIPOLIS_ADDRESS)


def key_id_of(public: str) -> str:
    """By what a request names a key: its SHA-256.

    Raises:
        ValueError: it is no Ed25519 key.
    """
    return sha256(_OWN.encode() + _opened(public).public_bytes_raw()).hexdigest()


def spoken(public: str) -> str:
    """A key as digits that two people compare by telephone: 40 digits, 132 bits of its SHA-256.

    Raises:
        ValueError: it is no Ed25519 key.
    """
    number = int(key_id_of(public), 16) % 10 ** (_GROUPS * _DIGITS)
    digits = f"{number:0{_GROUPS * _DIGITS}d}"
    return " ".join(digits[place : place + _DIGITS] for place in range(0, len(digits), _DIGITS))


def _opened(public: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(b64decode(public.strip(), validate=True))
    except (Error, ValueError) as error:
        raise ValueError("this is no public key: 44 characters of base64 are expected") from error


@cache
def _private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key("transfers"))
