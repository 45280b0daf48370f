from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class MessagesReceived(Event):
    """Laboratory messages that came together are stored and wait to be understood."""

    together: ClassVar[int] = 1

    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PositivesReceived(Event):
    """The same for messages that look positive: they overtake the others that wait."""

    priority: ClassVar[int] = 20
    together: ClassVar[int] = 1

    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ResultFiled(Event):
    """A laboratory result is filed under a person, and under a case where there is one."""

    result: int
    person: UUID
    case: UUID | None
