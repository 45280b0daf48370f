from dataclasses import dataclass
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class FollowUpOpened(Event):
    """Somebody known is followed from now on. `person` is the id under which the exposure was told."""

    follow_up: int
    person: UUID


@dataclass(frozen=True, slots=True)
class FollowUpMoved(Event):
    """The days, the risk or the state of a follow-up changed: a new exposure, news about one, or an officer's decision."""

    follow_up: int
    person: UUID


@dataclass(frozen=True, slots=True)
class FollowUpEnded(Event):
    """A follow-up ended in one of its final states: completed, lost, cancelled, converted or not_needed."""

    follow_up: int
    person: UUID
    state: str


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
