"""What a city may order against an epidemic: one plain declaration for each kind of measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

PRIORITIES = ("care", "staff", "rest")
"""Who may be named in the order of a vaccination beside ages ("60-79", "80+"): in care homes, those who nurse, and all others."""


@dataclass(frozen=True)
class Trigger:
    """Puts a measure in force by itself.

    `what`: a column of the curve, as the sum of seven days for each 100,000 people, or `in_ward` or `in_icu`, as the
    people there today for each 100,000.

    `above` alone: in force while the figure lies above it. `below` alone: while below it. Both: begins above `above` and
    ends below `below`. `for_days`: days in a row on which that must be so.
    """

    what: str
    above: float | None = None
    below: float | None = None
    for_days: int = 1

    def is_on(self, figures: Sequence[float], was_on: bool) -> bool:
        """Whether it holds after `figures`, one for each day so far, the latest last."""
        recent = figures[-self.for_days :]
        if len(recent) < self.for_days:
            return was_on
        low = self.below is not None and all(figure < self.below for figure in recent)
        if self.above is None:
            return low
        high = all(figure > self.above for figure in recent)
        return high if self.below is None else high or (was_on and not low)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What every measure has.

    `first_day`, `last_day`: numbers of days of the run, both included; None: to the end.
    `trigger`: in force only while it holds. `title`: what the city calls it.
    `compliance`: share of the people (or places) it concerns who follow. `compliance_by_age` ("0-17", "80+") and
    `compliance_by_area` (codes of areas) replace it for some; where both do, the smaller counts.
    `cost_per_day`: while in force. `cost_per_person_day`: for each person concerned. `cost_per_unit`: for each test,
    dose, mask or traced contact. All in the city's currency.
    """

    first_day: int = 0
    last_day: int | None = None
    trigger: Trigger | None = None
    compliance: float = 1.0
    compliance_by_age: Mapping[str, float] = field(default_factory=dict)
    compliance_by_area: Mapping[str, float] = field(default_factory=dict)
    title: str = ""
    cost_per_day: float = 0.0
    cost_per_person_day: float = 0.0
    cost_per_unit: float = 0.0

    def is_in_force(self, day: int) -> bool:
        """Whether `day` lies between its first and last day; a trigger is asked by the run."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True)
class Testing(Measure):
    """Who is tested, how fast and how well.

    `symptomatic`, `contacts`: shares of the ill and of traced contacts who are tested. `screening`: share of everybody
    each day. `capacity_per_100k`: tests a day for each 100,000 people; None: no limit. `days_to_sample`: onset (or notice) to
    sample; `days_to_result`: sample to result. `sensitivity`: share of infected samples found positive at its best.
    """

    symptomatic: float = 0.6
    contacts: float = 0.8
    screening: float = 0.0
    capacity_per_100k: float | None = None
    days_to_sample: float = 1.0
    days_to_result: float = 1.0
    sensitivity: float = 0.9


@dataclass(frozen=True)
class IsolateCases(Measure):
    """Confirmed cases stay at home for `days` from their result on."""

    days: int = 10


@dataclass(frozen=True)
class QuarantineHouseholds(Measure):
    """Those who live with a confirmed case stay at home for `days` from the result on."""

    days: int = 14


@dataclass(frozen=True)
class TraceContacts(Measure):
    """Tracers ask confirmed cases whom they met, and send these into quarantine.

    `layers`: share of contacts found, by where they met. `days_back`: days before onset (or sample) asked for.
    `delay_days`: result to notice. `capacity_per_100k`: cases traced a day for each 100,000 people; None: all.
    """

    layers: Mapping[str, float] = field(
        default_factory=lambda: {"household": 1.0, "class": 0.9, "team": 0.8, "place": 0.5, "passing": 0.0}
    )
    days_back: int = 4
    delay_days: float = 1.0
    quarantine_days: int = 14
    capacity_per_100k: float | None = None


@dataclass(frozen=True)
class TraceByBluetooth(Measure):
    """Telephones remember each other and warn. `uptake`: share of people with the app on. `minutes`: closeness that counts.

    `quarantine_days`: how long the warned stay at home; `follows`: share of the warned who do.
    """

    uptake: float = 0.4
    minutes: int = 15
    quarantine_days: int = 10
    follows: float = 0.7


@dataclass(frozen=True)
class CheckFence(Measure):
    """Those told to stay at home are checked by their position: at least `raises_compliance_to` of them do."""

    raises_compliance_to: float = 0.95


@dataclass(frozen=True)
class Masks(Measure):
    """Transmission falls by `effect` in `layers`, for those who follow.

    `supply_per_person_week`: masks to be had; None: enough.
    """

    effect: float = 0.5
    layers: tuple[str, ...] = ("class", "team", "place", "transit", "care")
    supply_per_person_week: float | None = None


@dataclass(frozen=True)
class ClosePlaces(Measure):
    """Places of the kinds `places` stay shut."""

    places: tuple[str, ...] = ("bar",)


@dataclass(frozen=True)
class LimitCapacity(Measure):
    """Places of the kinds `places` let in the share `share` of their usual guests."""

    places: tuple[str, ...] = ("restaurant",)
    share: float = 0.5


@dataclass(frozen=True)
class Curfew(Measure):
    """Nobody goes out from `from_hour` (0 to 24) on until the morning."""

    from_hour: float = 21


@dataclass(frozen=True)
class Schools(Measure):
    """Schools stay closed, or each half of a class comes on every other day."""

    mode: Literal["closed", "half_classes"] = "closed"


@dataclass(frozen=True)
class LimitTravel(Measure):
    """Of the trips outside the own district, the share `share` is not made."""

    share: float = 0.5


@dataclass(frozen=True)
class FewerOutings(Measure):
    """Of the outings in free time, the share `share` is not made."""

    share: float = 0.3


@dataclass(frozen=True)
class WorkFromHome(Measure):
    """Of those who work at a desk, the share `share` stays at home."""

    share: float = 0.4


@dataclass(frozen=True)
class Vaccinate(Measure):
    """`per_day` doses of `vaccine` (a name of the disease's vaccines) a day, group after group as in `priority`.

    `acceptance`: share of people who take it.
    """

    vaccine: str
    per_day: int
    priority: tuple[str, ...] = ("80+", "care", "60-79", "staff", "rest")
    acceptance: float = 0.8


@dataclass(frozen=True)
class ReduceImports(Measure):
    """Of the infections brought in from outside, the share `share` stays out."""

    share: float = 0.5


MEASURES: tuple[type[Measure], ...] = (
    Testing, IsolateCases, QuarantineHouseholds, TraceContacts, TraceByBluetooth, CheckFence, Masks, ClosePlaces,
    LimitCapacity, Curfew, Schools, LimitTravel, FewerOutings, WorkFromHome, Vaccinate, ReduceImports,
)  # fmt: skip
