from dataclasses import dataclass
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class IllnessDeclared(Event):
    """Somebody declared to be ill and allowed to be cared for or traced; `case` is the suspected case that came of it."""

    declaration: UUID
    person: UUID
    case: UUID


@dataclass(frozen=True, slots=True)
class HelpNeeded(Event):
    """A household said what it needs, and allowed that help is brought; `needs` are names of Need."""

    household: UUID
    needs: tuple[str, ...]
