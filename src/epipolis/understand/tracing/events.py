from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class ContactsFound(Event):
    """A trace changed whom a case met: `contacts` are the ids that are new, changed, or gone."""

    priority: ClassVar[int] = 10

    case: UUID
    contacts: tuple[int, ...]
