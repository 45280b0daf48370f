"""WhatsApp by the Cloud API: free words within 24 hours of the person's own message, else a wording approved there."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from epipolis.core.outgoing import Answer, Line, is_private

from .lines import busy, send_by_lines
from .messages import Answer as Written
from .messages import Message, Outcome, Report, told
from .signatures import check_hub

_LANGUAGES = {"zh-hant": "zh_TW"}
_LATER = {4, 80007, 130429, 131048, 131056, 131016, 131000, 133004}  # too much at once, or trouble there
OUTSIDE = "outside the 24 hours, and WhatsApp has approved no wording of this message"


class WhatsApp:
    """One number of the Cloud API. It does not know keys: what may have been taken waits for its report."""

    name = "whatsapp"
    is_idempotent = False

    def __init__(self, url: str, *, number: str, token: str, secret: str, lines: int = 8, seconds: float = 15) -> None:
        if not is_private(urlsplit(url)):
            raise ValueError("the address of WhatsApp must begin with https://")
        self._url, self._number, self._token, self._secret = url.rstrip("/"), number, token, secret
        self._lines, self._seconds = lines, seconds

    def send_many(self, messages: Sequence[Message]) -> list[Outcome]:
        return send_by_lines(messages, self._url, self._send, lines=self._lines, seconds=self._seconds)

    def _send(self, line: Line, message: Message) -> Outcome:
        content = _content(message)
        if content is None:
            return Outcome("refused", text=OUTSIDE)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        path = f"{urlsplit(self._url).path}/{self._number}/messages"
        return _outcome(line.ask("POST", path, msgspec.json.encode(content), headers))

    def read_reports(self, headers: Mapping[str, str], body: bytes) -> tuple[list[Report], list[Written]]:
        check_hub(self._secret, headers, body)
        try:
            found = msgspec.json.decode(body, type=dict[str, Any])
            values = [change["value"] for entry in found["entry"] for change in entry["changes"]]
            reports = [_report(one) for value in values for one in value.get("statuses", ())]
            written = [_written(one) for value in values for one in value.get("messages", ())]
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            raise ValueError("The report cannot be read.") from error
        return [one for one in reports if one], written


def _content(message: Message) -> dict[str, Any] | None:
    head = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to,
        "biz_opaque_callback_data": message.key,
    }
    if message.may_be_free:
        return head | {"type": "text", "text": {"body": message.body, "preview_url": False}}
    if not message.provider_name:
        return None
    parameters = [{"type": "text", "text": value} for value in message.values]
    template = {
        "name": message.provider_name,
        "language": {"code": _LANGUAGES.get(message.language, message.language)},
        "components": [{"type": "body", "parameters": parameters}] if parameters else [],
    }
    return head | {"type": "template", "template": template}


def _outcome(answer: Answer) -> Outcome:
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError:
        found = {}
    if answer.status < 300 and found.get("messages"):
        return Outcome("accepted", ref=str(found["messages"][0].get("id", ""))[:200])
    told_error = found.get("error")
    error: dict[str, Any] = told_error if isinstance(told_error, dict) else {}
    code, text = error.get("code", 0), f"{error.get('code', '')} {error.get('message', '')}"
    if code in _LATER:
        return Outcome("later", text=told(text))
    return busy(answer, text) or Outcome("refused" if answer.status >= 400 else "unsure", text=told(text))


def _report(one: dict[str, Any]) -> Report | None:
    state = str(one["status"])
    if state not in ("sent", "delivered", "read", "failed"):
        return None
    why = "; ".join(f"{error.get('code', '')} {error.get('title', '')}" for error in one.get("errors", ()))
    key = str(one.get("biz_opaque_callback_data", ""))
    return Report(f"{one['id']} {state}"[:200], state, key, str(one["id"])[:200], _moment(one), told(why))


def _written(one: dict[str, Any]) -> Written:
    text = one["text"]["body"] if one.get("type") == "text" else ""
    return Written(str(one["id"])[:200], "whatsapp", str(one["from"]), str(text), _moment(one))


def _moment(one: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(one["timestamp"]), UTC)
