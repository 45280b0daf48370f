"""What becomes of an infected person: every day of their illness is drawn at once, when they are infected."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.disease import Disease, Duration
from epipolis.engines.twin.draws import Floats, Ints, key, mixed, unit
from epipolis.engines.twin.layout import Records

ASYMPTOMATIC, MILD, SEVERE, CRITICAL = range(4)
NEVER = 32_000
"""A day that does not come."""
NOBODY = -1
BY_NOBODY = 255
"""The layer of those brought in."""
INFECTION = np.dtype(
    [
        ("person", np.int32),
        ("infector", np.int32),  # row of the infection that caused it, or NOBODY
        ("place", np.int32),  # or -1
        ("level", np.float32),  # personal infectiousness, mean about 1
        ("day", np.int16),
        ("onset", np.int16),  # first day of symptoms; without any, the day on which they would have begun
        ("sheds", np.int16),  # first infectious day
        ("shed", np.int16),  # last infectious day
        ("severe_on", np.int16),
        ("critical_on", np.int16),
        ("over_on", np.int16),  # day of recovery or death
        ("sampled_on", np.int16),
        ("result_on", np.int16),  # of the sample, whatever it says
        ("confirmed_on", np.int16),
        ("first_sampled_on", np.int16),  # sampled_on and result_on are those of the latest sample
        ("first_result_on", np.int16),
        ("course", np.uint8),
        ("dies", np.bool_),
        ("variant", np.uint8),
        ("layer", np.uint8),  # position in LAYERS, or BY_NOBODY
    ],
    align=True,
)
LIVE = np.dtype(
    [(name, INFECTION[name]) for name in ("person", "level", "onset", "sheds", "shed", "severe_on", "over_on")]
    + [(name, INFECTION[name]) for name in ("course", "dies", "variant")]
    + [("row", np.int32)]
)
"""What the daily work needs of those who are not over; `row` is the infection's."""
_QUANTILES = 4096
_LONGEST_INCUBATION = 30


class Course(NamedTuple):
    """The disease as tables for compiled loops."""

    key: np.uint64
    by_age: Floats
    """(4, 101): chance of symptoms, then of severe, critical and fatal illness, all per infection."""
    durations: Floats
    """(9, 2): mean and spread of the logarithm: incubation or latent, presymptomatic, then the stages in order."""
    in_stages: bool
    first_infectious_day: int
    infectious_days: int
    personal: Floats
    """Quantiles of personal infectiousness, mean 1."""
    asymptomatic: float


@lru_cache(maxsize=16)
def _personal(dispersion: float) -> Floats:
    """Quantiles of the gamma distribution of personal infectiousness; a tenth of a second's work, the same for every run."""
    many = np.sort(np.random.default_rng(1).gamma(dispersion, 1 / dispersion, 256 * _QUANTILES))
    personal = many.reshape(_QUANTILES, 256).mean(axis=1)
    return np.asarray(personal / personal.mean(), np.float64)


def course_of(disease: Disease, seed: int) -> Course:
    """The tables of a disease."""
    groups = np.minimum(np.arange(101) // 10, 9)
    by_age = np.array([disease.symptomatic, disease.severe, disease.critical, disease.dies])[:, groups]
    first = disease.latent if disease.viral_load else disease.incubation
    stages: list[Duration | None] = [
        *(first, disease.presymptomatic, disease.asymptomatic_to_recovered, disease.mild_to_recovered),
        *(disease.onset_to_severe, disease.severe_to_recovered, disease.severe_to_critical),
        *(disease.critical_to_recovered, disease.critical_to_death),
    ]
    durations = np.array([(stage.log_mean, stage.log_spread) if stage else (0.0, 0.0) for stage in stages])
    return Course(
        key=key(seed, "course"),
        by_age=by_age,
        durations=durations,
        in_stages=disease.viral_load is not None,
        first_infectious_day=disease.first_infectious_day,
        infectious_days=len(disease.infectiousness),
        personal=_personal(disease.dispersion),
        asymptomatic=disease.asymptomatic_infectiousness,
    )


@compiled(allocates=False)
def _days(course: Course, stage: int, draws: np.uint64) -> int:
    """A whole number of days, from the lognormal distribution of the stage."""
    draws = mixed(draws, 100 + stage)
    radius = np.sqrt(-2 * np.log(1 - unit(draws)))
    normal = radius * np.cos(2 * np.pi * unit(mixed(draws, 1)))
    return int(np.rint(np.exp(course.durations[stage, 0] + course.durations[stage, 1] * normal)))


@compiled(allocates=False)
def draw_courses(rows: Records, first: int, last: int, course: Course, ages: Ints, times: Ints, severity: Floats) -> None:
    """Fill in infections `first` to `last` from person, day and variant.

    `ages`: by row from `first` on. `times`: how often each was infected before. `severity`: times the chance of severe,
    critical and fatal illness.
    """
    for row in range(first, last):
        one, number = rows[row], row - first
        draws = mixed(mixed(course.key, one.person), times[number])
        age, chance, worse = min(ages[number], 100), unit(mixed(draws, 0)), severity[number]
        symptomatic = chance < course.by_age[0, age]
        severe = symptomatic and chance < course.by_age[1, age] * worse
        critical = severe and chance < course.by_age[2, age] * worse
        one.dies = critical and chance < course.by_age[3, age] * worse
        one.course = CRITICAL if critical else (SEVERE if severe else (MILD if symptomatic else ASYMPTOMATIC))
        one.severe_on, one.critical_on = NEVER, NEVER
        if course.in_stages:
            one.sheds = one.day + max(_days(course, 0, draws), 1)
            one.onset = one.sheds + _days(course, 1, draws)
            start = one.onset if symptomatic else one.sheds
        else:
            one.onset = one.day + min(max(_days(course, 0, draws), 1), _LONGEST_INCUBATION)
            start = one.onset
        if not symptomatic:
            one.over_on = start + _days(course, 2, draws)
        elif not severe:
            one.over_on = start + _days(course, 3, draws)
        else:
            one.severe_on = start + _days(course, 4, draws)
            if not critical:
                one.over_on = one.severe_on + max(_days(course, 5, draws), 1)
            else:
                one.critical_on = one.severe_on + _days(course, 6, draws)
                one.over_on = one.critical_on + max(_days(course, 8 if one.dies else 7, draws), 1)
        one.shed = one.over_on - 1
        if not course.in_stages:
            one.sheds = max(one.onset + course.first_infectious_day, one.day + 1)
            one.shed = min(one.onset + course.first_infectious_day + course.infectious_days - 1, one.over_on - 1)
        one.over_on = max(one.over_on, one.shed + 1, one.day + 1)
        one.level = course.personal[int(unit(mixed(draws, 1)) * len(course.personal))]
        if not symptomatic:
            one.level *= course.asymptomatic


class Shedding(NamedTuple):
    """Infectiousness over time: a curve from onset on, or two steps of viral load."""

    curve: Floats
    first_day: int
    high: float
    low: float
    high_share: float
    longest: float


def shedding_of(disease: Disease) -> Shedding:
    load = disease.viral_load
    if load is None:
        return Shedding(np.array(disease.infectiousness), disease.first_infectious_day, 0.0, 0.0, 0.0, 0.0)
    low = 1 / (load.high_share * load.ratio + 1 - load.high_share)
    return Shedding(np.zeros(0), 0, load.ratio * low, low, load.high_share, load.longest)


@compiled(allocates=False)
def shed_on(shedding: Shedding, one: Any, day: int) -> float:
    """Infectiousness of an infection on a day between its `sheds` and `shed`, for a person of average infectiousness."""
    if len(shedding.curve):
        since = day - one.onset - shedding.first_day
        return shedding.curve[since] if 0 <= since < len(shedding.curve) else 0.0
    high = min(shedding.high_share * (one.shed + 1 - one.sheds), shedding.longest)
    return shedding.high if day - one.sheds < high else shedding.low
