"""Signed requests: who asks, whom, when, and what; each is taken once, and only within minutes of its time."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_hex

from django.db import IntegrityError, transaction

from epipolis.act.transfers import queries
from epipolis.act.transfers.models import Partner, UsedNonce
from epipolis.act.transfers.settings import settings

from .errors import RefusedError

FROM, TO, TIME, NONCE, SIGNATURE = (f"Epipolis-{name}" for name in ("From", "To", "Time", "Nonce", "Signature"))
PATH = "/api/v1/transfers/exchange"
_NONCE = re.compile(r"[0-9a-f]{32}")
_TIME = re.compile(r"[0-9]{10}")


def signed_request(body: bytes, to: str, *, real: datetime) -> dict[str, str]:
    """The headers of a request to the office with the key `to`, signed at the real time."""
    found = {FROM: queries.own_key_id(), TO: to, TIME: str(int(real.timestamp())), NONCE: token_hex(16)}
    return found | {SIGNATURE: queries.sign(request_text(found, body))}


def request_text(headers: Mapping[str, str], body: bytes) -> bytes:
    """What a request's signature covers."""
    return _text("request", headers[FROM], headers[TO], headers[TIME], headers[NONCE], PATH, sha256(body).hexdigest())


def answer_text(sender: str, to: str, nonce: str, status: int, body: bytes) -> bytes:
    """What an answer's signature covers: also which request it answers."""
    return _text("answer", sender, to, nonce, str(status), sha256(body).hexdigest())


def _text(*parts: str) -> bytes:
    return "\n".join(("epipolis transfers 1", *parts)).encode()


def check_request(headers: Mapping[str, str], body: bytes, *, real: datetime) -> Partner:
    """Whose request it is, in a transaction: its number is used up with what it changes, or not at all.

    Raises:
        RefusedError: it is not signed, not by a partner, not for this office, not now, or not for the first time.
    """
    told = {name: headers.get(name, "") for name in (FROM, TO, TIME, NONCE, SIGNATURE)}
    if not all(told.values()) or not _NONCE.fullmatch(told[NONCE]) or not _TIME.fullmatch(told[TIME]):
        raise RefusedError(400, "unsigned", "A request between offices carries a key, a time, a number and a signature.")
    if told[TO] != queries.own_key_id():
        raise RefusedError(421, "other_office", "This request is for another office, or for an earlier key of this one.")
    partner = queries.partner_of_key(told[FROM])
    if partner is None or not partner.is_open:
        raise RefusedError(403, "unknown_office", "Nobody here has compared and opened the key of this request.")
    if not queries.is_signed(request_text(told, body), told[SIGNATURE], partner.public_key):
        raise RefusedError(403, "bad_signature", "The signature is not that of this office's key.")
    apart = int(real.timestamp()) - int(told[TIME])
    if abs(apart) > settings.skew_seconds:
        raise RefusedError(403, "clock", f"The clocks of the two offices differ by {apart} seconds.")
    try:
        with transaction.atomic():
            UsedNonce.objects.create(partner=partner, nonce=told[NONCE], at=real)
    except IntegrityError as error:
        raise RefusedError(409, "replayed", "This very request was taken before.") from error
    return partner


def signed_answer(partner: Partner, nonce: str, status: int, body: bytes) -> dict[str, str]:
    """The headers of an answer."""
    own = queries.own_key_id()
    return {FROM: own, SIGNATURE: queries.sign(answer_text(own, partner.key_id, nonce, status, body))}


def is_answer_of(partner: Partner, nonce: str, status: int, body: bytes, signature: str) -> bool:
    """Whether an answer to this office's request is the partner's own."""
    text = answer_text(partner.key_id, queries.own_key_id(), nonce, status, body)
    return queries.is_signed(text, signature, partner.public_key)


def real_time() -> datetime:
    """Signatures live by real time, whatever the platform's clock shows."""
    return datetime.now(UTC)
