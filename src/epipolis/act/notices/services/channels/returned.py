"""Mail that came back: what a returned e-mail says of one of ours (RFC 3464, and returns older than it).

Each of our mails carries a number that holds its key and a keyed hash of it, so that only who had the mail can name it.
"""

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message as Part
from email.utils import parseaddr, parsedate_to_datetime
from hashlib import sha256

from .messages import Report, told

LONGEST = 1_000_000  # bytes of a mail that are read; what it says of itself stands in front
_TOKEN = re.compile(r"([0-9A-Za-z-]{3,60})\.([0-9a-f]{20})(?![0-9a-f])")
_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b|\b([45])\d\d\b(?=[ -])")
_CODES = re.compile(r"^([245]\d\d[ -])?([245]\.\d{1,3}\.\d{1,3} )?")
_LATE = re.compile(r"delay|warning|retrasad|延遲", re.IGNORECASE)
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_STATES = {"failed": "failed", "delayed": "delayed", "delivered": "delivered"}
_SERVERS = ("mailer-daemon", "mail-daemon", "postmaster")
_MOST_PARTS, _MOST_TEXT = 50, 65_536


@dataclass(frozen=True, slots=True)
class Returned:
    """What a mail in the mailbox says. `understood`: no person has to look at it; `recipient`: whom it names, if it does."""

    understood: bool
    report: Report | None = None
    recipient: str = ""


def mail_token(key: str, secret: bytes) -> str:
    """The number of a mail: the key of its message and a hash that nobody else can make."""
    return f"{key}.{hmac.digest(secret, key.encode(), sha256).hex()[:20]}"


def read_returned(raw: bytes, secret: bytes) -> Returned:
    """What a mail says of one of ours; of anything that cannot be read, that a person has to look at it."""
    try:
        mail = message_from_bytes(raw[:LONGEST])
        return _read(mail, list(_parts(mail)), secret)
    except (ValueError, LookupError, TypeError, AttributeError):  # a mail may be broken in every way
        return Returned(understood=False)


def _read(mail: Part, parts: list[Part], secret: bytes) -> Returned:
    blocks = [block for part in parts if _kind(part).endswith("delivery-status") for block in _blocks(part)]
    if blocks:
        return _of_report(mail, parts, blocks, secret)
    if _text(mail, "X-Failed-Recipients"):
        return _told(mail, parts, secret, "failed", "")
    if _is_automatic(mail):
        return Returned(understood=True)
    if not _is_from_server(mail):
        return Returned(understood=False)
    text = _plain(parts)
    found = _STATUS.search(text)
    late = (found[1] or found[2]) == "4" if found else bool(_LATE.search(_text(mail, "Subject")))
    return _told(mail, parts, secret, "delayed" if late else "failed", text[found.start() :][:200] if found else "")


def _of_report(mail: Part, parts: list[Part], blocks: list[Part], secret: bytes) -> Returned:
    """A delivery status: its action holds; where it has none, the class of its status."""
    found = [block for block in blocks if _text(block, "Status") or _text(block, "Action")]
    if not found:
        return Returned(understood=False)
    block = found[0]
    action, status = _text(block, "Action").casefold(), _text(block, "Status")
    state = _STATES.get(action) or ({"5": "failed", "4": "delayed", "2": "delivered"}.get(status[:1]) if not action else None)
    if state is None:  # relayed or expanded: it left for somewhere that tells nothing
        return Returned(understood=True)
    words = _text(block, "Diagnostic-Code").partition(";")[2].strip()
    numbers = " ".join(_text(one, "Original-Envelope-Id") for one in blocks)
    recipient = _address(_text(block, "Original-Recipient"))
    return _told(mail, parts, secret, state, words, status=status, numbers=numbers, recipient=recipient)


def _told(
    mail: Part,
    parts: list[Part],
    secret: bytes,
    state: str,
    words: str,
    *,
    status: str = "",
    numbers: str = "",
    recipient: str = "",
) -> Returned:
    token = next((found for place in (*_places(mail, parts), numbers) if (found := _own(place, secret))), "")
    if not token:
        return Returned(understood=False)
    key = token.partition(".")[0]
    code = f"{status} " if _STATUS.fullmatch(status) else ""  # apart, for it looks like a telephone number
    text = code + told(_CODES.sub("", words))
    return Returned(True, Report(f"{key} {state}", state, key, token, _moment(mail), text.strip()), recipient)


def _places(mail: Part, parts: list[Part]) -> Iterator[str]:
    """Where our number may stand: in what came back, then in what it refers to, then in the words."""
    for part in parts:
        yield _text(part, "Message-ID") if part is not mail else ""
        if _kind(part) in ("text/rfc822-headers", "message/global-headers"):
            yield _decoded(part)
    yield f"{_text(mail, 'In-Reply-To')} {_text(mail, 'References')}"
    yield _plain(parts)


def _own(text: str, secret: bytes) -> str:
    """The first number in a text that is ours."""
    for found in _TOKEN.finditer(text):
        if hmac.compare_digest(found[0], mail_token(found[1], secret)):
            return found[0]
    return ""


def _is_automatic(mail: Part) -> bool:
    """An answer that a machine wrote: out of the office, read, received. It says nothing of the delivery."""
    automatic = _text(mail, "Auto-Submitted").casefold()
    says_so = (
        automatic not in ("", "no")
        or _text(mail, "X-Autoreply")
        or _text(mail, "Precedence").casefold() == "auto_reply"
        or "disposition-notification" in _text(mail, "Content-Type").casefold()
    )
    return bool(says_so) and not _is_from_server(mail)


def _is_from_server(mail: Part) -> bool:
    return parseaddr(_text(mail, "From"))[1].partition("@")[0].casefold() in _SERVERS


def _parts(mail: Part) -> Iterator[Part]:
    for number, part in enumerate(mail.walk()):
        if number == _MOST_PARTS:
            return
        yield part


def _blocks(part: Part) -> list[Part]:
    found = part.get_payload()
    return [one for one in found if isinstance(one, Part)] if isinstance(found, list) else []


def _plain(parts: list[Part]) -> str:
    """The words of a mail, and headers of ours that an old server copied below them."""
    return "\n".join(_decoded(part) for part in parts if _kind(part) == "text/plain")[:_MOST_TEXT]


def _decoded(part: Part) -> str:
    content = part.get_payload(decode=True)
    return content.decode("utf-8", "replace")[:_MOST_TEXT] if isinstance(content, bytes) else ""


def _kind(part: Part) -> str:
    return part.get_content_type()


def _text(part: Part, name: str) -> str:
    return " ".join(str(part.get(name, "")).split())


def _address(text: str) -> str:
    """The address of an Original-Recipient, as it was told to the mail server (RFC 3461)."""
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)), text.partition(";")[2].strip())


def _moment(mail: Part) -> datetime | None:
    try:
        found = parsedate_to_datetime(_text(mail, "Date"))
    except (ValueError, TypeError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
