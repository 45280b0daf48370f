"""SMS by an HTTP gateway: one JSON request a message, with a key that makes its repeats harmless.

The request: `{"to", "from", "text", "reference"}` with the headers `Authorization: Bearer …` and `Idempotency-Key`; the
answer's `id` is the gateway's own number. Its reports: `{"events": [{"id", "reference" | "message", "state", "at",
"detail"}], "messages": [{"id", "from", "text", "at"}]}`, signed as `signatures.py` says. Most gateways speak this after a
small translation; docs/guides/notices.md shows one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from epipolis.core.outgoing import Answer, Line, is_private

from .lines import busy, send_by_lines
from .messages import Answer as Written
from .messages import Message, Outcome, Report, told
from .signatures import check_signed

_MOST = 1_000


class _Event(msgspec.Struct):
    id: str
    state: str
    reference: str = ""
    message: str = ""
    at: datetime | None = None
    detail: str = ""


class _Message(msgspec.Struct):
    id: str
    sender: str = msgspec.field(name="from")
    text: str = ""
    at: datetime | None = None
    channel: Literal["sms", "whatsapp"] = "sms"


class _Told(msgspec.Struct):
    events: list[_Event] = []
    messages: list[_Message] = []


class Gateway:
    """One HTTP gateway for SMS."""

    is_idempotent = True

    def __init__(
        self, url: str, *, token: str, sender: str, secret: str, lines: int = 8, seconds: float = 15, name: str = "sms"
    ) -> None:
        if not is_private(urlsplit(url)):
            raise ValueError("the address of the SMS gateway must begin with https://")
        self.name, self._url, self._token, self._sender, self._secret = name, url, token, sender, secret
        self._lines, self._seconds = lines, seconds

    def send_many(self, messages: Sequence[Message]) -> list[Outcome]:
        return send_by_lines(messages, self._url, self._send, lines=self._lines, seconds=self._seconds)

    def _send(self, line: Line, message: Message) -> Outcome:
        content = {"to": message.to, "from": self._sender, "text": message.body, "reference": message.key}
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Idempotency-Key": message.key,
        }
        return _outcome(line.ask("POST", urlsplit(self._url).path or "/", msgspec.json.encode(content), headers))

    def read_reports(self, headers: Mapping[str, str], body: bytes) -> tuple[list[Report], list[Written]]:
        check_signed(self._secret, headers, body)
        return read_told(body)


def read_told(body: bytes) -> tuple[list[Report], list[Written]]:
    """Reports and answers of a body in the form above.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        found = msgspec.json.decode(body, type=_Told)
    except msgspec.DecodeError as error:
        raise ValueError(f"The report cannot be read: {error}"[:200]) from error
    if len(found.events) + len(found.messages) > _MOST:
        raise ValueError(f"A report tells at most {_MOST} things.")
    reports = [Report(one.id, one.state, one.reference, one.message, one.at, told(one.detail)) for one in found.events]
    return reports, [Written(one.id, one.channel, one.sender, one.text, one.at) for one in found.messages]


def _outcome(answer: Answer) -> Outcome:
    content = _read(answer.body)
    text = content.get("error") or content.get("detail") or ""
    if answer.status in (200, 201, 202, 409) and content.get("id"):
        return Outcome("accepted", ref=str(content["id"])[:200])
    if answer.status < 300:
        return Outcome("unsure", text="The gateway gave no number.")
    return busy(answer, str(text)) or Outcome("refused", text=f"{answer.status}: {told(text)}"[:200])


def _read(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
