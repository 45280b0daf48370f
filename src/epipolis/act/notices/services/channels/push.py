"""Web push (RFC 8030), encrypted for the one browser (RFC 8291, 8188), signed by this platform (VAPID, RFC 8292)."""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from epipolis.core.outgoing import Line, NoAnswerError, is_private

from .lines import busy, no_answer
from .messages import Message, Outcome

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_LONGEST, _RECORD, _DAY = 3_500, 4_096, 86_400
GONE = "The browser no longer takes messages."


class Push:
    """Push services of browsers; which of them may be asked is set by the city, for the addresses come from outside."""

    name = "push"
    is_idempotent = True  # by the topic: a repeat replaces what has not been shown yet

    def __init__(self, secret: bytes, *, contact: str, hosts: Sequence[str], seconds: float = 15) -> None:
        self._key = signing_key(secret)
        self._contact, self._hosts, self._seconds = contact, tuple(hosts), seconds

    def send_many(self, messages: Sequence[Message]) -> list[Outcome]:
        return [self._send(message) for message in messages]

    def _send(self, message: Message) -> Outcome:
        try:
            told = json.loads(message.to)
            address, body = told["endpoint"], encrypted(_payload(message), told["p256dh"], told["auth"])
        except (ValueError, KeyError, TypeError):
            return Outcome("refused", text="This is no address of a browser.")
        if not may_be_asked(address, self._hosts):
            return Outcome("refused", text="This push service is not one that the city asks.")
        line, parts = Line(address, seconds=self._seconds), urlsplit(address)
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            answer = line.ask("POST", path, body, self._headers(message, f"{parts.scheme}://{parts.netloc}"))
        except NoAnswerError as error:
            return no_answer(error)
        finally:
            line.close()
        if answer.status in (200, 201, 202):
            return Outcome("accepted", ref=answer.headers.get("Location", "")[:200] or message.key)
        if answer.status in (404, 410):
            return Outcome("refused", text=GONE)
        return busy(answer, "") or Outcome("refused", text=f"{answer.status}")

    def _headers(self, message: Message, audience: str) -> dict[str, str]:
        token = signed_claims(
            self._key, {"aud": audience, "exp": int(message.at.timestamp()) + _DAY // 2, "sub": self._contact}
        )
        return {
            "Authorization": f"vapid t={token}, k={public_key(self._key)}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(min(message.seconds_left, 28 * _DAY)),
            "Urgency": "high" if message.urgent else "normal",
            "Topic": _b64(sha256(message.key.encode()).digest())[:32],
        }


def may_be_asked(address: str, hosts: Sequence[str]) -> bool:
    """Whether an address belongs to a push service of the list; `*.example.org` stands for every host below it."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    known = any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in hosts)
    return known and is_private(parts) and not parts.username


def signing_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The platform's key for push services, made of a secret of its own."""
    return ec.derive_private_key(int.from_bytes(sha256(secret).digest()) % (_ORDER - 1) + 1, ec.SECP256R1())


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """What browsers are told, so that only this platform can write to them."""
    return _b64(_point(key))


def signed_claims(key: ec.EllipticCurvePrivateKey, claims: dict[str, object]) -> str:
    """A JSON Web Token with ES256."""
    head = _b64(json.dumps({"typ": "JWT", "alg": "ES256"}).encode())
    text = f"{head}.{_b64(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{_b64(r.to_bytes(32) + s.to_bytes(32))}"


def encrypted(
    plain: bytes, p256dh: str, auth: str, *, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes = b""
) -> bytes:
    """The body for one browser (RFC 8291, section 3.4); `own` and `salt` are fresh for each message.

    Raises:
        ValueError: the browser's keys are none, or the message is too long.
    """
    if len(plain) > _LONGEST:
        raise ValueError("a push message has at most 3,500 bytes")
    browser_point, secret = _unb64(p256dh), _unb64(auth)
    browser = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser_point)
    own, salt = own or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    own_point = _point(own)
    shared = _derive(own.exchange(ec.ECDH(), browser), secret, b"WebPush: info\0" + browser_point + own_point, 32)
    key = _derive(shared, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(shared, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + _RECORD.to_bytes(4) + bytes([len(own_point)]) + own_point
    return head + AESGCM(key).encrypt(nonce, plain + b"\x02", None)


def _payload(message: Message) -> bytes:
    """What the page's worker shows; a long text is cut, for the whole stands on the person's own page."""
    body = message.body if len(message.body.encode()) <= _LONGEST - 500 else message.body[:900] + "…"
    shown = {"title": message.subject, "body": body, "tag": message.key, "lang": message.language}
    return json.dumps(shown, ensure_ascii=False).encode()


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
