"""What a day's count should be by the days around it: a log-linear trend with weekdays, fitted to incomplete counts."""

from dataclasses import dataclass

import numpy as np

from epipolis.engines.epidemic.completeness import WEEK
from epipolis.engines.epidemic.units import Floats, Ints

_ROUNDS = 6
_FARTHEST = 3.0  # how far one round may move a fitted log count


@dataclass(frozen=True)
class Flexibility:
    """`half_life` of a day's weight in days; prior standard deviations of the slope per day and of a weekday's effect;
    `longest`: how many days are looked at; `judged`: for how many of them replays tell how far a day strays from the
    trend; `own`: variance of a day's log count about its trend, until that is known."""

    half_life: float = 8.0
    slope: float = 0.04
    weekday: float = 0.3
    longest: int = 35
    judged: int = 28
    own: float = 0.03


def trend(known: Floats, share: Floats, doubt: Floats, weekdays: Ints, flexibility: Flexibility) -> tuple[Floats, Floats]:
    """What the other days say about each day's final count.

    Args:
        known: [strata, ages], counts so far of the days 0, 1, 2, … days old.
        share: [strata, ages], which share of the final count that should be.
        doubt: [ages], variance of the log of that share.
        weekdays: [ages], 0 to 6.
        flexibility: how fast the trend may turn.

    Returns:
        The expected final count and the variance of its log [strata, ages], each without the day's own count.
    """
    ages = known.shape[1]
    design = _design(ages, weekdays)
    effects = design.shape[1]
    outer = (design[:, :, None] * design[:, None, :]).reshape(ages, -1)
    precision = np.concatenate([[1.0, flexibility.slope**-2], np.full(WEEK, flexibility.weekday**-2)])
    start = np.log((known.sum(axis=1) + 0.5) / (share.sum(axis=1) + 0.1))
    prior = np.zeros((len(known), design.shape[1]))
    prior[:, 0] = start
    fade = 0.5 ** (np.arange(ages) / flexibility.half_life)
    beta = prior.copy()
    for _ in range(_ROUNDS):
        eta = np.clip(beta @ design.T, start[:, None] - _FARTHEST * 2, start[:, None] + _FARTHEST * 2)
        expected = share * np.exp(eta)
        weight = fade / (1 / np.maximum(expected, 1e-6) + doubt + flexibility.own)
        working = eta + np.clip((known - expected) / np.maximum(expected, 1e-6), -_FARTHEST, _FARTHEST)
        matrix = (weight @ outer).reshape(-1, effects, effects) + np.diag(precision)
        right = (weight * working) @ design + prior * precision
        covariance = np.linalg.inv(matrix)
        beta = (covariance @ right[:, :, None])[:, :, 0]
    fitted = covariance.reshape(-1, effects * effects) @ outer.T
    leverage = np.clip(weight * fitted, 0, 0.95)
    without = (beta @ design.T - leverage * working) / (1 - leverage)
    without = np.clip(without, start[:, None] - _FARTHEST * 2, start[:, None] + _FARTHEST * 2)
    return np.asarray(np.exp(without), np.float64), np.asarray(fitted / (1 - leverage), np.float64)


def _design(ages: int, weekdays: Ints) -> Floats:
    design = np.zeros((ages, 2 + WEEK))
    design[:, 0], design[:, 1] = 1, -np.arange(ages)
    design[np.arange(ages), 2 + weekdays] = 1
    return design
