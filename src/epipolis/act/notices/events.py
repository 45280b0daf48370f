from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class NoticeQueued(Event):
    """An urgent message waits; it leaves at once and not with the next round."""

    priority: ClassVar[int] = 5

    notice: UUID


@dataclass(frozen=True, slots=True)
class NoticeDelivered(Event):
    """A message has reached its person, as far as the provider can tell. `about` names what it was about."""

    notice: UUID
    person: UUID | None
    about_kind: str
    about_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class NoticeFailed(Event):
    """A message has reached nobody: every way that there was has failed, was stopped, or its time is over."""

    notice: UUID
    person: UUID | None
    about_kind: str
    about_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerReceived(Event):
    """Somebody answered from a number that had got a message; `notice` is the newest one to that number."""

    inbound: int
    person: UUID | None
    notice: UUID | None


@dataclass(frozen=True, slots=True)
class BroadcastApproved(Event):
    """A second person has approved a warning; from now on it goes out."""

    priority: ClassVar[int] = 5

    broadcast: UUID
