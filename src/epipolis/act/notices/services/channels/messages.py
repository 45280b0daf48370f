"""What every way out has in common: a message goes in, an outcome comes back, and later reports and answers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

_SECRETIVE = re.compile(r"[^\s@,;<>()]+@[^\s@,;<>()]+|\+?\d[\d\s().-]{4,}\d|[A-Za-z0-9_-]{24,}")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it leaves. The same `key` is the same message, however often it is handed over."""

    key: str
    channel: str
    to: str
    subject: str
    body: str
    language: str
    urgent: bool
    at: datetime
    expires: datetime | None = None
    provider_name: str = ""  # under which WhatsApp has approved this wording
    values: tuple[str, ...] = ()
    may_be_free: bool = False  # within 24 hours of the person's own message

    @property
    def seconds_left(self) -> int:
        return max(0, int((self.expires - self.at).total_seconds())) if self.expires else 86_400


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of handing a message over.

    accepted: the provider has it; refused: never by this way; later: try again after `wait`
    seconds; unsure: it may have been taken, nobody knows.
    """

    state: str
    ref: str = ""
    text: str = ""
    wait: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider tells of a message: by our key where it tells it back, else by its own number."""

    event_id: str
    state: str  # sent, delivered, read, failed
    key: str = ""
    ref: str = ""
    told_at: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody wrote back."""

    event_id: str
    channel: str
    sender: str
    text: str
    told_at: datetime | None = None


class Provider(Protocol):
    """A way out. `is_idempotent`: the same key twice is one message there, so that it may be handed over again."""

    name: str
    is_idempotent: bool

    def send_many(self, messages: Sequence[Message]) -> list[Outcome]:
        """Hand these over and say of each what became of it; never raises for one of them."""
        ...


class Reporter(Protocol):
    """A provider that tells later what became of its messages."""

    def read_reports(self, headers: Mapping[str, str], body: bytes) -> tuple[list[Report], list[Answer]]:
        """Reports and answers of one signed request.

        Raises:
            SignatureError: it is not signed by this provider.
            ValueError: it cannot be read.
        """
        ...


def told(text: object) -> str:
    """A provider's own words without what may be a number, an address or a key, short enough to keep."""
    return _SECRETIVE.sub("…", " ".join(str(text).split()))[:200]
