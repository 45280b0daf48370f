"""What a city may order against an epidemic: one plain declaration for each kind of measure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from epipolis.engines.twin.declarations import Amount, Count, Day, Hour, Share, check_fields, refuse
from epipolis.engines.twin.places import CODES

LAYERS = ("household", "class", "team", "place", "transit", "care", "passing")
"""Where people meet: at home, in class, at work, in venues, on the way, in care homes and hospitals, and by chance."""
FIGURES = (
    *("infections", "infectious", "symptoms", "tests", "cases", "in_ward", "in_icu", "deaths", "isolated", "quarantined"),
    *("traced", "vaccinated", "cost"),
)
"""Columns of the curve that a trigger may watch."""
OLDEST = 200
PRIORITIES = ("care", "staff", "rest")
"""Whom the order of a vaccination may name beside ages ("60-79", "80+"): in care homes, those who nurse, all others."""


def age_range(ages: str) -> tuple[int, int]:
    """First and last age of "0-17", "80+" or "18"; ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,3})(?:(\+)|-(\d{1,3}))?", ages)
    if not found:
        raise ValueError(f"{ages!r} is no age group.")
    first = int(found[1])
    last = OLDEST if found[2] else int(found[3] or first)
    if last < first:
        raise ValueError(f"{ages!r} is no age group.")
    return first, last


def _refuse_unknown_ages(owner: str, field_name: str, ages: str, *others: str) -> None:
    try:
        age_range(ages)
    except ValueError as error:
        due = ", ".join(('ages such as "0-17" or "80+"', *others))
        raise refuse(owner, field_name, ages, f"name {due}") from error


def _refuse_strangers(
    owner: str, field_name: str, found: tuple[str, ...], known: tuple[str, ...], may_be_empty: bool = False
) -> None:
    if not found and not may_be_empty:
        raise refuse(owner, field_name, found, f"name at least one of {', '.join(known)}")
    for name in found:
        if name not in known:
            raise refuse(owner, field_name, name, f"name only {', '.join(known)}")


@dataclass(frozen=True)
class Trigger:
    """Puts a measure in force by itself.

    `what`: a column of the curve, as the sum of seven days for each 100,000 people, or `in_ward` or `in_icu`, as the
    people there today for each 100,000.

    `above` alone: in force while the figure lies above it. `below` alone: while below it. Both: begins above `above` and
    ends below `below`. `for_days`: days in a row on which that must be so.
    """

    what: str
    above: Amount | None = None
    below: Amount | None = None
    for_days: Count = 1

    def __post_init__(self) -> None:
        check_fields("trigger", self)
        if self.what not in FIGURES:
            raise refuse("trigger", "what", self.what, f"be one of {', '.join(FIGURES)}")
        if self.above is None and self.below is None:
            raise ValueError("trigger: above or below must be given.")
        if self.above is not None and self.below is not None and self.below > self.above:
            raise refuse("trigger", "below", self.below, f"be at most above, which is {self.above!r}")

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

    first_day: Day = 0
    last_day: Day | None = None
    trigger: Trigger | None = None
    compliance: Share = 1.0
    compliance_by_age: Mapping[str, Share] = field(default_factory=dict)
    compliance_by_area: Mapping[str, Share] = field(default_factory=dict)
    title: str = ""
    cost_per_day: Amount = 0.0
    cost_per_person_day: Amount = 0.0
    cost_per_unit: Amount = 0.0

    def __post_init__(self) -> None:
        check_fields(self.label, self)
        if self.last_day is not None and self.last_day < self.first_day:
            raise refuse(self.label, "its last day", self.last_day, f"be no earlier than its first, which is {self.first_day}")
        for ages in self.compliance_by_age:
            _refuse_unknown_ages(self.label, "compliance_by_age", ages)
        self.check_own()

    def check_own(self) -> None:
        """ValueError if fields that only this kind of measure has do not go together."""

    @classmethod
    def kind(cls) -> str:
        """The name of this kind of measure in YAML, such as "close_places"."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def label(self) -> str:
        """What to call it in sentences and tables."""
        return self.title or self.kind()

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

    symptomatic: Share = 0.6
    contacts: Share = 0.8
    screening: Share = 0.0
    capacity_per_100k: Amount | None = None
    days_to_sample: Amount = 1.0
    days_to_result: Amount = 1.0
    sensitivity: Share = 0.9


@dataclass(frozen=True)
class IsolateCases(Measure):
    """Confirmed cases stay at home for `days` from their result on."""

    days: Count = 10


@dataclass(frozen=True)
class QuarantineHouseholds(Measure):
    """Those who live with a confirmed case stay at home for `days` from the result on."""

    days: Count = 14


@dataclass(frozen=True)
class TraceContacts(Measure):
    """Tracers ask confirmed cases whom they met, and send these into quarantine.

    `layers`: share of contacts found, by where they met. `days_back`: days before onset (or sample) asked for.
    `delay_days`: result to notice. `capacity_per_100k`: cases traced a day for each 100,000 people; None: all.
    """

    layers: Mapping[str, Share] = field(
        default_factory=lambda: {"household": 1.0, "class": 0.9, "team": 0.8, "place": 0.5, "passing": 0.0}
    )
    days_back: Day = 4
    delay_days: Amount = 1.0
    quarantine_days: Count = 14
    capacity_per_100k: Amount | None = None

    def check_own(self) -> None:
        _refuse_strangers(self.label, "layers", tuple(self.layers), LAYERS, may_be_empty=True)


@dataclass(frozen=True)
class TraceByBluetooth(Measure):
    """Telephones remember each other and warn. `uptake`: share of people with the app on. `minutes`: closeness that counts.

    `quarantine_days`: how long the warned stay at home; `follows`: share of the warned who do.
    """

    uptake: Share = 0.4
    minutes: Count = 15
    quarantine_days: Count = 10
    follows: Share = 0.7


@dataclass(frozen=True)
class CheckFence(Measure):
    """Those told to stay at home are checked by their position: at least `raises_compliance_to` of them do."""

    raises_compliance_to: Share = 0.95


@dataclass(frozen=True)
class Masks(Measure):
    """Transmission falls by `effect` in `layers`, for those who follow.

    `supply_per_person_week`: masks to be had; None: enough.
    """

    effect: Share = 0.5
    layers: tuple[str, ...] = ("class", "team", "place", "transit", "care")
    supply_per_person_week: Amount | None = None

    def check_own(self) -> None:
        _refuse_strangers(self.label, "layers", self.layers, LAYERS)


@dataclass(frozen=True)
class ClosePlaces(Measure):
    """Places of the kinds `places` stay shut."""

    places: tuple[str, ...] = ("bar",)

    def check_own(self) -> None:
        _refuse_strangers(self.label, "places", self.places, tuple(CODES))


@dataclass(frozen=True)
class LimitCapacity(Measure):
    """Places of the kinds `places` let in the share `share` of their usual guests."""

    places: tuple[str, ...] = ("restaurant",)
    share: Share = 0.5

    def check_own(self) -> None:
        _refuse_strangers(self.label, "places", self.places, tuple(CODES))


@dataclass(frozen=True)
class Curfew(Measure):
    """Nobody goes out from `from_hour` (0 to 24) on until the morning."""

    from_hour: Hour = 21


@dataclass(frozen=True)
class Schools(Measure):
    """Schools stay closed, or each half of a class comes on every other day."""

    mode: Literal["closed", "half_classes"] = "closed"


@dataclass(frozen=True)
class LimitTravel(Measure):
    """Of the trips outside the own district, the share `share` is not made."""

    share: Share = 0.5


@dataclass(frozen=True)
class FewerOutings(Measure):
    """Of the outings in free time, the share `share` is not made."""

    share: Share = 0.3


@dataclass(frozen=True)
class WorkFromHome(Measure):
    """Of those who work at a desk, the share `share` stays at home."""

    share: Share = 0.4


@dataclass(frozen=True)
class Vaccinate(Measure):
    """`per_day` doses of `vaccine` (a name of the disease's vaccines) a day, group after group as in `priority`.

    `acceptance`: share of people who take it.
    """

    vaccine: str
    per_day: Day
    priority: tuple[str, ...] = ("80+", "care", "60-79", "staff", "rest")
    acceptance: Share = 0.8

    def check_own(self) -> None:
        for group in self.priority:
            if group not in PRIORITIES:
                _refuse_unknown_ages(self.label, "priority", group, *PRIORITIES)
            if self.priority.count(group) > 1:
                raise refuse(self.label, "priority", group, "stand there only once")
        if not self.priority:
            raise refuse(self.label, "priority", (), "name somebody")


@dataclass(frozen=True)
class ReduceImports(Measure):
    """Of the infections brought in from outside, the share `share` stays out."""

    share: Share = 0.5


MEASURES: tuple[type[Measure], ...] = (
    Testing, IsolateCases, QuarantineHouseholds, TraceContacts, TraceByBluetooth, CheckFence, Masks, ClosePlaces,
    LimitCapacity, Curfew, Schools, LimitTravel, FewerOutings, WorkFromHome, Vaccinate, ReduceImports,
)  # fmt: skip

USUAL_RESPONSE: tuple[Measure, ...] = (
    Testing(symptomatic=0.9, contacts=0.0, screening=0.003, days_to_sample=1.8, days_to_result=1.1),
    IsolateCases(days=10, compliance=0.85),
    Masks(effect=0.55, compliance=0.65),
    FewerOutings(share=0.05),
    WorkFromHome(share=0.15),
    FewerOutings(share=0.5, first_day=24, last_day=45),
    ClosePlaces(places=("bar", "cinema", "gym"), first_day=24, last_day=45, compliance=0.95),
    Masks(effect=0.5, first_day=24, compliance=0.5),
    WorkFromHome(share=0.6, first_day=24, last_day=45),
)
"""A city that is careful from the start, does more for three weeks from its fourth week on, and then loosens again.

Whom tracing sends home is left to the platform that is fed with such a run.
"""
