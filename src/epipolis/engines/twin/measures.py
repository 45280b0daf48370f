"""What a city may order, as plain declarations that the simulation obeys."""

from dataclasses import dataclass
from typing import Literal, get_args

from epipolis.engines.twin.places import CODES

Order = Literal["isolate_confirmed", "masks", "close", "fewer_outings", "work_from_home"]


@dataclass(frozen=True)
class Measure:
    """One order, in force from `first_day` to `last_day` (numbers of days of the run, inclusive; None: to the end).

    `isolate_confirmed`: confirmed cases stay at home until 13 days after onset, or 10 after the sample without
    symptoms (WHO, 27 May 2020). `masks`: transmission outside homes falls by `effect`. `close`: places of the kinds
    `places` stay shut. `fewer_outings`: free-time outings fall by `effect`. `work_from_home`: office staff stay home.
    `compliance`: share of people (for `close`, of places) that follow.
    """

    order: Order
    first_day: int = 0
    last_day: int | None = None
    effect: float = 1.0
    compliance: float = 1.0
    places: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.order not in get_args(Order):
            raise ValueError(f"No measure is called {self.order!r}; choose from {', '.join(get_args(Order))}.")
        if not (0 <= self.effect <= 1 and 0 <= self.compliance <= 1):
            raise ValueError(f"{self.order}: effect and compliance must lie between 0 and 1.")
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError(f"{self.order}: the last day lies before the first.")
        unknown = sorted(set(self.places) - set(CODES))
        if unknown or (self.order == "close" and not self.places):
            raise ValueError(f"{self.order}: unknown or missing kinds of place: {', '.join(unknown) or 'none given'}.")

    def is_in_force(self, day: int) -> bool:
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


USUAL_RESPONSE = (
    Measure("isolate_confirmed", compliance=0.85),
    Measure("masks", effect=0.6, compliance=0.65),
    Measure("fewer_outings", effect=0.2),
    Measure("work_from_home", compliance=0.15),
    Measure("fewer_outings", first_day=24, last_day=46, effect=0.6),
    Measure("close", first_day=24, last_day=46, places=("bar", "cinema", "gym"), compliance=0.95),
    Measure("masks", first_day=24, effect=0.6, compliance=0.4),
    Measure("work_from_home", first_day=24, last_day=46, compliance=0.6),
)
"""A city that is careful from the start, does more for three weeks from its fourth week on, and then loosens again."""


def strength(measures: tuple[Measure, ...], order: Order, day: int) -> float:
    """Combined reduction, 0 to 1, of the measures of one kind: 1 - product of (1 - effect * compliance)."""
    left = 1.0
    for measure in measures:
        if measure.order == order and measure.is_in_force(day):
            left *= 1 - measure.effect * measure.compliance
    return 1 - left
