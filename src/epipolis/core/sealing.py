"""Sealing: personal values are encrypted (AES-GCM) and found by keyed hash (HMAC-SHA256); keys stay outside the database."""

import os
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from functools import cache, lru_cache
from hmac import digest
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from epipolis.core.database import home

_NONCE = 12


@cache
def key(purpose: str) -> bytes:
    """The 32-byte key for one purpose: from EPIPOLIS_KEY_<PURPOSE>, else from a file in EPIPOLIS_HOME, made once."""
    given = os.environ.get(f"EPIPOLIS_KEY_{purpose.upper()}")
    if given:
        found = urlsafe_b64decode(given)
        if len(found) != 32:
            raise ValueError(f"EPIPOLIS_KEY_{purpose.upper()} must be 32 bytes in base64")
        return found
    path = home() / "keys" / f"{purpose}.key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _write_once(path, urlsafe_b64encode(os.urandom(32)))
    return urlsafe_b64decode(path.read_bytes())


def _write_once(path: Path, content: bytes) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    with suppress(FileExistsError):  # another process was first: its key holds
        os.link(draft, path)
    draft.unlink()


@lru_cache(4)
def _cipher(secret: bytes) -> AESGCM:
    """Making one takes longer than a value does."""
    return AESGCM(secret)


def seal(text: str) -> bytes:
    """Encrypt a personal value; empty text stays empty."""
    if not text:
        return b""
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(key("people")).encrypt(nonce, text.encode(), None)


def unseal(sealed: bytes | memoryview) -> str:
    """The value again.

    Raises:
        ValueError: it was encrypted with another key, or changed since.
    """
    raw = bytes(sealed)
    if not raw:
        return ""
    try:
        return _cipher(key("people")).decrypt(raw[:_NONCE], raw[_NONCE:], None).decode()
    except InvalidTag as error:
        raise ValueError("a personal value cannot be read with this key") from error


def fingerprint(text: str) -> str:
    """The keyed hash by which a value is found: case, width and spaces do not matter."""
    plain = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    return digest(key("people"), plain.encode(), "sha256").hex()
