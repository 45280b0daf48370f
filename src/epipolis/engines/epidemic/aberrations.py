"""By how much counts stand out: normal scores, EARS C1 to C3, CUSUM; and what each reaches by chance alone."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.compiled import compiled
from epipolis.engines.epidemic.expectations import Expectation

Floats = NDArray[np.float64]
REFERENCE = 0.75
"""What a CUSUM takes off each day: it is quickest for a lasting rise of twice as many standard deviations."""
HIGHEST = 4.0
"""What one day adds to a CUSUM at most."""
BASE = 7
FREEDOM = 40
"""Degrees of freedom of the dispersion that a regression finds: about the days that count fully."""
_CHANCE = 400_000
_LEAST, _LEAST_MIDDLE = 1e-300, 1e-15
"""The smallest chances told apart: of a single day as far as numbers go; of what is learned from only up to a score of 8."""
HIGHEST_MIDDLE = 7.9
"""Below the highest score with `middle`."""


def tail(counts: Floats, mean: Floats, variance: Floats) -> Floats:
    """The probability of at least `counts` under a negative binomial (Poisson where the variance is the mean)."""
    from scipy.special import betainc, gammainc  # noqa: PLC0415 -- heavy, and only alarms need it

    excess = np.maximum(variance / mean - 1, 0.0)
    size = mean / np.maximum(excess, 1e-9)
    at = np.maximum(counts, 1e-9)
    chance = np.where(excess < 1e-6, gammainc(at, mean), betainc(at, size, mean / (size + mean)))
    return np.asarray(np.where((counts <= 0) & ~np.isnan(mean), 1.0, chance))


def normal_scores(counts: Floats, expected: Expectation, *, middle: bool) -> Floats:
    """Counts as standard normal scores of their place in what was expected.

    `middle` takes the middle of the step that a whole number makes (right on average); without it, its upper end: an alarm by
    that is never more frequent than said.
    """
    from scipy.special import ndtri  # noqa: PLC0415 -- heavy, and only alarms need it

    above = tail(counts, expected.mean, expected.variance)
    if middle:
        above = (above + tail(counts + 1, expected.mean, expected.variance)) / 2
    return np.asarray(-ndtri(np.clip(above, _LEAST_MIDDLE if middle else _LEAST, 1 - 1e-15)))


def count_at(score: Floats, expected: Expectation) -> Floats:
    """About the count whose normal score is `score`, by a gamma distribution."""
    from scipy.special import gammainccinv, ndtr  # noqa: PLC0415 -- heavy, and only alarms need it

    mean, variance = expected.mean, np.maximum(expected.variance, expected.mean * (1 + 1e-9))
    shape = mean * mean / variance
    return np.asarray(gammainccinv(shape, np.clip(ndtr(-score), _LEAST, 1 - 1e-12)) * variance / mean)


def ears(values: Floats, weekdays: Any, *, base: int = BASE, lag: int = 2) -> tuple[Floats, Floats, Floats]:
    """EARS C1 (`lag` 0) or C2 (`lag` 2) on the square-root scale with usual weekdays taken out.

    Hutwagner et al. 2003, J. Urban Health 80:i89. `weekdays` [steps] are numbers 0 to 6, or None for weekly counts.

    Returns:
        scores, expected and spread [areas, steps]; the last two on the scale of `roots_of`. NaN where a day or more than two
        of the seven days before are missing.
    """
    roots = roots_of(values)
    usual = np.zeros_like(roots) if weekdays is None else _usual_weekdays(roots, weekdays, base + lag)
    roots = roots - usual
    expected, spreads = np.full_like(roots, np.nan), np.full_like(roots, np.nan)
    for step in range(base + lag, roots.shape[1]):
        past = roots[:, step - base - lag : step - lag]
        known = (~np.isnan(past)).sum(axis=1)
        filled = np.nan_to_num(past)
        mean = filled.sum(axis=1) / np.maximum(known, 1)
        square = (np.where(np.isnan(past), 0.0, (past - mean[:, None]) ** 2)).sum(axis=1) / np.maximum(known - 1, 1)
        spread = np.sqrt(np.maximum(square, 0.25) * (1 + 1 / np.maximum(known, 1)))
        expected[:, step] = np.where(known >= base - 2, mean, np.nan)
        spreads[:, step] = spread
    return (roots - expected) / spreads, expected + usual, spreads


def roots_of(counts: Floats) -> Floats:
    """Twice the square root: chance then has a spread of one whatever the count (Anscombe 1948)."""
    return np.asarray(2 * np.sqrt(np.maximum(counts, 0.0) + 0.375))


def counts_of_roots(roots: Floats) -> Floats:
    return np.asarray(np.maximum((np.maximum(roots, 0.0) / 2) ** 2 - 0.375, 0.0))


def _usual_weekdays(roots: Floats, weekdays: Any, gap: int, weeks: int = 8) -> Floats:
    """How each weekday differed from its week over the last eight weeks, drawn to none where little is known."""
    centred = roots - _week_mean(roots)
    usual = np.zeros_like(roots)
    for step in range(gap, roots.shape[1]):
        past = np.arange(max(0, step - gap - 7 * weeks), step - gap + 1)
        past = past[weekdays[past] == weekdays[step]]
        known = ~np.isnan(centred[:, past])
        usual[:, step] = np.nan_to_num(centred[:, past]).sum(axis=1) / (known.sum(axis=1) + 1.0)
    return usual


def _week_mean(values: Floats) -> Floats:
    """The mean of the seven days about each day."""
    known = np.cumsum(np.pad(~np.isnan(values), ((0, 0), (4, 3))), axis=1)
    total = np.cumsum(np.pad(np.nan_to_num(values), ((0, 0), (4, 3))), axis=1)
    count = known[:, 7:] - known[:, :-7]
    return np.where(count > 3, (total[:, 7:] - total[:, :-7]) / np.maximum(count, 1), np.nan)


def three_days(scores: Floats) -> Floats:
    """EARS C3: what the last three days of C2 were above one, together."""
    above = np.where(np.isnan(scores), 0.0, np.maximum(scores - 1, 0.0))
    total = above.copy()
    total[:, 1:] += above[:, :-1]
    total[:, 2:] += above[:, :-2]
    return np.where(np.isnan(scores), np.nan, total)


def still_missing(scores: Floats, limits: Floats) -> Floats:
    """The C2 score that a day needs for its C3 to pass the limit; minus infinity where the two days before suffice."""
    before = three_days(scores)
    before = np.nan_to_num(before) - np.where(np.isnan(scores), 0.0, np.maximum(scores - 1, 0.0))
    return np.where(before > limits, -np.inf, 1 + limits - before)


def week_scores(scores: Floats) -> Floats:
    """Sums of seven scores as a score: wider than one score where the mean wanders. NaN where one is missing."""
    known = np.cumsum(np.pad(~np.isnan(scores), ((0, 0), (1, 0))), axis=1)
    total = np.cumsum(np.pad(np.nan_to_num(scores), ((0, 0), (1, 0))), axis=1)
    sums = np.full_like(scores, np.nan)
    whole = known[:, 7:] - known[:, :-7] == 7
    sums[:, 6:] = np.where(whole, (total[:, 7:] - total[:, :-7]) / np.sqrt(7), np.nan)
    return sums


@compiled()
def cusum(scores: Floats, reference: float, threshold: float, restart: bool) -> Floats:
    """Sums of what scores are above `reference`, never below zero [areas, steps]; after an alarm they begin again.

    A missing day leaves the sum as it is.
    """
    sums = np.zeros_like(scores)
    for row in range(scores.shape[0]):
        now = 0.0
        for step in range(scores.shape[1]):
            if not np.isnan(scores[row, step]):
                now = max(0.0, now + min(scores[row, step], HIGHEST) - reference)
            sums[row, step] = now
            if restart and now > threshold:
                now = 0.0
    return sums


def threshold_of(method: str, chance: float) -> float:
    """What a score passes with this probability on a day of pure chance; scores of the methods told in `alarms`."""
    from scipy.special import ndtri, stdtrit  # noqa: PLC0415 -- heavy, and only alarms need it

    if method == "C3":
        found = _three_days_by_chance()
        known = max(chance, 40 / len(found))
        height = float(found[min(len(found) - 1, int(len(found) * (1 - known)))])
        return height + float(np.log(known / chance)) * _fall(found)
    if method == "cusum":
        return float(-ndtri(chance))
    return float(stdtrit(FREEDOM if method == "regression" else BASE - 1, 1 - chance))


def chances_of(method: str, scores: Floats) -> Floats:
    """The probability that a day of pure chance passes each score; NaN stay NaN."""
    from scipy.special import stdtr  # noqa: PLC0415 -- heavy, and only alarms need it

    if method == "C3":
        powers = np.interp(scores, _heights_of_three_days(), _POWERS)
        return np.asarray(np.where(np.isnan(scores), np.nan, 10.0**-powers))
    return np.asarray(stdtr(FREEDOM if method == "regression" else BASE - 1, -scores))


def heights_of(method: str, chances: Floats) -> Floats:
    """The scores that belong to the chances: what `chances_of` undoes."""
    from scipy.special import stdtrit  # noqa: PLC0415 -- heavy, and only alarms need it

    if method == "C3":
        powers = -np.log10(np.maximum(chances, 1e-12))
        return np.asarray(np.where(np.isnan(chances), np.nan, np.interp(powers, _POWERS, _heights_of_three_days())))
    return -np.asarray(stdtrit(FREEDOM if method == "regression" else BASE - 1, chances))


_POWERS = np.arange(0.1, 8, 0.1)


@lru_cache(maxsize=1)
def _heights_of_three_days() -> Floats:
    return np.array([threshold_of("C3", 10.0**-power) for power in _POWERS])


def _fall(found: Floats) -> float:
    """How fast the far tail of chance falls, to go on beyond what was drawn."""
    high = found[int(len(found) * 0.9995) :]
    return float((high - high[0]).mean())


@lru_cache(maxsize=1)
def _three_days_by_chance() -> Floats:
    """Sorted values of C3 on 400,000 days of pure chance with large counts."""
    noise = np.random.default_rng(20_130).standard_normal((400, _CHANCE // 400))
    found = three_days(ears(counts_of_roots(noise * 5 + 400), None)[0])
    return np.sort(found[~np.isnan(found)])


@lru_cache(maxsize=256)
def cusum_threshold(length: float) -> float:
    """The threshold that a CUSUM of standard normal scores passes every `length` steps on average.

    Brook and Evans 1972, Biometrika 59:539: the sum as a Markov chain of 200 states.
    """
    from scipy.optimize import brentq  # noqa: PLC0415 -- heavy, and only alarms need it

    return float(brentq(lambda height: np.log(_run_length(height) / length), 0.05, 12.0, xtol=1e-4))


def _run_length(height: float, states: int = 200) -> float:
    from scipy.special import ndtr  # noqa: PLC0415 -- heavy, and only alarms need it

    width = 2 * height / (2 * states - 1)
    middles = np.arange(states) * width
    upper = ndtr(middles[None] + width / 2 - middles[:, None] + REFERENCE)
    lower = ndtr(middles[None] - width / 2 - middles[:, None] + REFERENCE)
    moves = upper - lower
    moves[:, 0] = upper[:, 0]
    return float(np.linalg.solve(np.eye(states) - moves, np.ones(states))[0])


def chance_run(height: float, steps: int, rng: np.random.Generator) -> float:
    """Steps from one alarm to the next in a CUSUM of pure chance, by simulation: a check of `cusum_threshold`."""
    sums = cusum(rng.standard_normal((1, steps)), REFERENCE, height, True)
    return steps / max(1, int((sums > height).sum()))
