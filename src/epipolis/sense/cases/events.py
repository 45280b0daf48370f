from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class CaseConfirmed(Event):
    """A case became confirmed, or was reported as confirmed; what follows from it overtakes what only arrived."""

    priority: ClassVar[int] = 10

    case: UUID
    person: UUID


@dataclass(frozen=True, slots=True)
class CaseRevised(Event):
    """Something that is believed about a case changed; `changed` names the fields."""

    case: UUID
    person: UUID
    changed: tuple[str, ...]
