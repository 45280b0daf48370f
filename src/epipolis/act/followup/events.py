from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Self
from uuid import UUID

from epipolis.core.events import Event
from epipolis.core.imports import batches

MOST = 500


@dataclass(frozen=True, slots=True)
class FollowUpsEvent(Event):
    """Something about follow-ups of known people; one event names at most `MOST` of what a file or a crowd brought."""

    together: ClassVar[int] = 1

    follow_ups: tuple[int, ...]

    @classmethod
    def of(cls, follow_ups: Iterable[int]) -> Iterator[Self]:
        """As many events as it takes."""
        return (cls(follow_ups=tuple(part)) for part in batches(follow_ups, MOST))


@dataclass(frozen=True, slots=True)
class FollowUpsOpened(FollowUpsEvent):
    """These people are followed from now on."""


@dataclass(frozen=True, slots=True)
class FollowUpsMoved(FollowUpsEvent):
    """Days, risk or state of these changed: a new exposure, news about one, or an officer's decision."""


@dataclass(frozen=True, slots=True)
class FollowUpsEnded(FollowUpsEvent):
    """These ended in one of the final states: completed, lost, cancelled, converted or not_needed."""


@dataclass(frozen=True, slots=True)
class CaseInterviewed(Event):
    """The talk with a case was written down; whom they named is followed already."""

    interview: int
    case: UUID


@dataclass(frozen=True, slots=True)
class SymptomsTold(Event):
    """Somebody under follow-up said, or was found, to have symptoms."""

    follow_up: int
    person: UUID
