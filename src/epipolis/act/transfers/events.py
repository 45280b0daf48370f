from dataclasses import dataclass

from epipolis.core.events import Event


@dataclass(frozen=True, slots=True)
class MessageQueued(Event):
    """Something is to be told to another office."""

    message: int
