from dataclasses import dataclass
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class PeopleMerged(Event):
    """Two rows were found to be one person: `person` holds now, `merged` points to it. Facts stay where they were."""

    person: UUID
    merged: UUID


@dataclass(frozen=True, slots=True)
class PeopleUnmerged(Event):
    """A merge was undone: `person` holds what remains, `unmerged` stands for itself again."""

    person: UUID
    unmerged: UUID
