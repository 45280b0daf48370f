"""Events of check-ins: what a tracer learned about where a person was."""

from dataclasses import dataclass
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class RouteTold(Event):
    """A person's stays became known in an interview, or a phone's check-ins became theirs."""

    person: UUID
