"""A disease as data: how it passes on, how long its stages take, how hard it strikes, and what protects from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log, log1p, sqrt
from typing import Literal, NamedTuple

Decades = tuple[float, float, float, float, float, float, float, float, float, float]
"""One figure for each age group 0-9, 10-19, ... 80-89 and 90 or over."""

AGE_GROUPS = 10
LAYERS = ("household", "class", "team", "place", "transit", "care", "passing")
"""Where people meet: at home, in class, at work, in venues, on the way, in care homes and hospitals, and by chance."""


@dataclass(frozen=True)
class Duration:
    """A span in days, lognormal; `mean` and `spread` (standard deviation) are those of the span, not of its logarithm."""

    mean: float
    spread: float

    @property
    def log_spread(self) -> float:
        """Standard deviation of the logarithm."""
        return sqrt(log1p((self.spread / self.mean) ** 2))

    @property
    def log_mean(self) -> float:
        """Mean of the logarithm."""
        return log(self.mean) - self.log_spread**2 / 2

    @property
    def median(self) -> float:
        """Days within which half of all spans end."""
        return exp(self.log_mean)


@dataclass(frozen=True)
class ViralLoad:
    """Infectiousness in two steps, high first and then low, with a mean of 1 over the infectious time.

    `high_share`: share of the infectious time at the high step, at most `longest` days.
    `ratio`: the high step divided by the low one.
    """

    high_share: float
    ratio: float
    longest: float


class Season(NamedTuple):
    """Transmission times 1 + amplitude * cos(2 pi (day - peak_day_of_year) / 365.25); an amplitude of 0 is no season."""

    amplitude: float = 0.0
    peak_day_of_year: float = 15.0


NO_SEASON = Season()


@dataclass(frozen=True)
class Immunity:
    """`after_infection`: protection from a new infection right after recovery, 0 to 1.

    `half_life_days`: days in which it falls by half; None: it stays for life.
    """

    after_infection: float = 1.0
    half_life_days: float | None = None


@dataclass(frozen=True)
class Vaccine:
    """One vaccine: `doses` a person, `interval_days` apart, protecting `days_to_protect` after the last of them.

    `against_infection`, `against_severe`: shares of infections, and of the severe courses among those infected all the
    same, that it prevents. `half_life_days`: days in which the first falls by half; None: it stays.
    """

    name: str
    doses: int
    interval_days: float
    days_to_protect: float
    against_infection: float
    against_severe: float
    half_life_days: float | None = None


@dataclass(frozen=True)
class Variant:
    """A form of the disease that comes later.

    `transmissibility`, `severity`: times the disease's own. `escape`: share of the protection by earlier infection or
    vaccine that it evades, 0 to 1. `arrives_day`: day of the run on which `introduced_per_100k` people bring it in.
    """

    name: str
    transmissibility: float
    severity: float
    escape: float
    arrives_day: int
    introduced_per_100k: float


@dataclass(frozen=True, kw_only=True)
class Disease:
    """Everything the simulation knows of a disease. Shares lie between 0 and 1; every time is in days.

    `source`: where each figure comes from, one line a field.
    `transmissibility`: hazard of infection for each hour of undivided close contact with a person of average
    infectiousness, were all of the infectiousness spent in one day (with `viral_load`: on each infectious day).
    `contagion`: "hazard": the chance of a day's contact is 1 - exp(-h); "chance": it is h itself, at most 1.
    `layer_weights`: times the transmissibility, by layer of contact; 1 for those left out.

    Either infectiousness by day of onset:
    `infectiousness`: share of it that falls on each day from `first_infectious_day` on, counted from onset; sums to 1.
    `incubation`: infection to onset. People without symptoms count from the day on which they would have had them.
    Or in stages:
    `viral_load` over the infectious time; `latent`: infection to infectious; `presymptomatic`: infectious to onset.

    `dispersion`: shape k of the gamma distribution (mean 1) of personal infectiousness; small means superspreading.
    `asymptomatic_infectiousness`: relative to a person with symptoms.
    The durations run from onset (or the first infectious day, without symptoms) to recovery, from onset to severe, and
    from there on by stage. Severe: needs a bed in a ward; critical: needs intensive care.
    `susceptibility`: relative, by age. `symptomatic`, `severe`, `critical`, `dies`: shares of all infections, by age.
    `isolates_when_ill`: share of the ill who stay at home by themselves from onset on.
    `introduced_per_100k`, `imported_per_100k_daily`: infections brought in during the week before the first day and on
    each day after, for each 100,000 people.
    """

    name: str
    source: str = ""
    transmissibility: float
    contagion: Literal["hazard", "chance"] = "hazard"
    layer_weights: Mapping[str, float] = field(default_factory=dict)
    infectiousness: tuple[float, ...] = ()
    first_infectious_day: int = 0
    incubation: Duration | None = None
    viral_load: ViralLoad | None = None
    latent: Duration | None = None
    presymptomatic: Duration | None = None
    dispersion: float
    asymptomatic_infectiousness: float
    asymptomatic_to_recovered: Duration
    mild_to_recovered: Duration
    onset_to_severe: Duration
    severe_to_critical: Duration
    severe_to_recovered: Duration
    critical_to_recovered: Duration
    critical_to_death: Duration
    susceptibility: Decades
    symptomatic: Decades
    severe: Decades
    critical: Decades
    dies: Decades
    isolates_when_ill: float = 0.0
    season: Season = NO_SEASON
    immunity: Immunity = Immunity()
    vaccines: tuple[Vaccine, ...] = ()
    variants: tuple[Variant, ...] = ()
    introduced_per_100k: float = 45.0
    imported_per_100k_daily: float = 1.0
