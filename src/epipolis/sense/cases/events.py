from dataclasses import dataclass
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class CaseConfirmed(Event):
    """A case became confirmed, or was reported as confirmed."""

    case: UUID
    person: UUID


@dataclass(frozen=True, slots=True)
class CaseRevised(Event):
    """Something that is believed about a case changed; `changed` names the fields."""

    case: UUID
    person: UUID
    changed: tuple[str, ...]
