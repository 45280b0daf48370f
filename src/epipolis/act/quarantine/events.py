from dataclasses import dataclass
from uuid import UUID

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class OrderIssued(Event):
    """An officer issued an order; it binds from now on. `kind` is isolation or quarantine."""

    order: int
    person: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class OrderChanged(Event):
    """Something of an issued order changed; `changed` names it: days, place, watch, person, written."""

    order: int
    person: UUID
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderEnded(Event):
    """An issued order binds nobody any more: ended by itself, or lifted."""

    order: int
    person: UUID
    state: str


@dataclass(frozen=True, slots=True)
class NeedTold(Event):
    """Somebody under an order needs something; `kind` is a name of Need.Kind."""

    need: int
    order: int
    person: UUID
    kind: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class AlarmRaised(Event):
    """Somebody who is watched should be looked after; `kind` is a name of Alarm.Kind."""

    priority = 5

    alarm: int
    order: int
    person: UUID
    kind: str
