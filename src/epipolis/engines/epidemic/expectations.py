"""What a series of counts is expected to be on each day, from its own past: weekdays, trend, season, over-dispersion.

A quasi-Poisson regression after Farrington et al. (1996, J. R. Stat. Soc. A 159:547) and Noufaily et al. (2013, Stat. Med.
32:1206): past outbreaks count less, the last days are left out so that an outbreak does not become its own expectation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WINDOW = {1: 84, 7: 30}  # steps of the past by which a short series is judged
LONG_WINDOW = {1: 1_096, 7: 261}  # … and one with a season known from two years
TWO_YEARS = {1: 731, 7: 105}
GUARD = {1: 10, 7: 3}
LEAST = {1: 21, 7: 10}
REFIT = {1: 7, 7: 1}
FADING = {1: 28, 7: 10}  # steps after which the past of a short series counts half
_HARMONICS = 2


@dataclass(frozen=True)
class Expectation:
    """For each area and step [areas, steps], NaN before there is enough past.

    Attributes:
        mean: expected count.
        variance: of a new count about it, with the uncertainty of the mean.
    """

    mean: Floats
    variance: Floats


def expect(values: Floats, first_number: int, step: int, *, since: int = 0) -> Expectation:
    """Fit the past of every step and look ahead; steps before `since` are left out.

    Args:
        values: [areas, steps], NaN where missing, none negative.
        first_number: day of the first step, counted from 1970-01-01.
        step: 1 or 7 days.
    """
    days = first_number + step * np.arange(values.shape[1], dtype=np.int64)
    angles = 2 * np.pi * days[:, None] / 365.25 * np.arange(1, _HARMONICS + 1)
    season = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    weekdays = days % 7 if step == 1 else np.zeros_like(days)
    mean = np.full_like(values, np.nan)
    variance = np.full_like(values, np.nan)
    sizes = np.array(
        [WINDOW[step], LONG_WINDOW[step], TWO_YEARS[step], GUARD[step], LEAST[step], REFIT[step], FADING[step], since],
        dtype=np.int64,
    )
    for row in range(len(values)):
        _expect_row(np.ascontiguousarray(values[row]), weekdays, season, sizes, step == 1, mean[row], variance[row])
    return Expectation(mean, variance)


@compiled()
def _expect_row(
    values: Floats, weekdays: Ints, season: Floats, sizes: Ints, daily: bool, mean: Floats, variance: Floats
) -> None:
    window, long_window, two_years, guard, least, refit, fading, since = sizes
    steps = len(values)
    first = 0
    while first < steps and np.isnan(values[first]):
        first += 1
    for now in range(max(first + least, since - since % refit), steps, refit):
        seasonal = now - first >= two_years
        start = max(first, now - (long_window if seasonal else window))
        end = max(start, min(now - guard, steps))
        if end - start < least:  # a young series: better a short guard than no answer
            end = now
        used = np.flatnonzero(~np.isnan(values[start:end])) + start
        if len(used) < least:
            continue
        span = float(end - start)
        centre = 0.5 * (start + end)
        x = _design(used, weekdays, season, daily, seasonal, centre, span)
        counts = values[used]
        recent = np.ones(len(used)) if seasonal else 0.5 ** ((end - 1 - used) / fading)
        beta, cover, dispersion, excess = _fit(x, counts, recent)
        ahead = np.arange(now, min(now + refit, steps))
        terms = _design(ahead, weekdays, season, daily, seasonal, centre, span)
        highest = counts.max()
        ended = _end(x, counts, beta) if beta[1] < 0 else 1.0
        for position in range(len(ahead)):
            row = terms[position]
            if beta[1] < 0:  # a decline is not carried on: where it ends is not an outbreak
                row[1] = (end - 1 - centre) / span
            middle = np.exp(min(max(_product(row, beta), -12.0), 20.0)) * ended
            middle = min(middle, max(highest, 1.0)) + 0.5 / len(used)
            spread = 0.0
            for term in range(len(row)):
                spread += row[term] * _product(cover[term], row)
            spread = min(spread, 1.0)
            mean[ahead[position]] = middle
            chance = max(dispersion * middle, middle + excess * middle * middle)
            variance[ahead[position]] = chance + spread * middle * middle


@compiled()
def _end(x: Floats, counts: Floats, beta: Floats) -> float:
    """By how much a decline had already ended in the last 14 steps that were fitted, at least 1."""
    seen, fitted = 0.0, 1.0
    for row in range(max(0, len(counts) - 14), len(counts)):
        seen += counts[row]
        fitted += np.exp(min(max(_product(x[row], beta), -12.0), 20.0))
    return max(1.0, seen / fitted)


@compiled()
def _design(at: Ints, weekdays: Ints, season: Floats, daily: bool, seasonal: bool, centre: float, span: float) -> Floats:
    """Intercept, trend, six weekdays when daily, harmonics when seasonal."""
    extra = season.shape[1] if seasonal else 0
    x = np.zeros((len(at), 2 + (6 if daily else 0) + extra))
    for row in range(len(at)):
        x[row, 0] = 1.0
        x[row, 1] = (at[row] - centre) / span
        if daily:
            for weekday in range(6):
                x[row, 2 + weekday] = (1.0 if weekdays[at[row]] == weekday else 0.0) - 1.0 / 7
        for term in range(extra):
            x[row, x.shape[1] - extra + term] = season[at[row], term]
    return x


@compiled()
def _fit(x: Floats, counts: Floats, recent: Floats) -> tuple[Floats, Floats, float, float]:
    """Penalised quasi-Poisson with outliers weighed down.

    Gives the coefficients, their covariance, the dispersion (variance / mean), and what the variance has above the mean as a
    share of the squared mean: over-dispersed counts spread more than in proportion where the mean is high.
    """
    rows, terms = x.shape
    penalty = np.full(terms, 1.0)  # weekdays and season: a standard deviation of one on the log scale
    penalty[0], penalty[1] = 1e-6, 2.0
    mean = max(counts.mean(), 0.5 / rows)
    beta = np.zeros(terms)
    beta[0] = np.log(mean)
    weights = recent.copy()
    dispersion = 1.0
    cover, left = np.zeros((terms, terms)), np.zeros((terms, terms))
    right, beta_new = np.zeros(terms), np.zeros(terms)
    excess, spread = 0.0, 1.0
    residuals = np.zeros(rows)
    for turn in range(9):
        left[:] = 0.0
        right[:] = 0.0
        pearson, above, squared, total = 0.0, 0.0, 1e-9, 0.0
        for row in range(rows):
            eta = min(max(_product(x[row], beta), -12.0), 20.0)
            middle = np.exp(eta)
            residual = (counts[row] - middle) / np.sqrt(middle)
            residuals[row] = residual
            if turn > 3:
                outlying = residual / spread
                weights[row] = recent[row] * ((2.58 / outlying) ** 2 if outlying > 2.58 else 1.0)
            total += recent[row]
            pearson += weights[row] * residual * residual
            above += weights[row] * ((counts[row] - middle) ** 2 - middle)
            squared += weights[row] * middle * middle
            worked = weights[row] * (eta * middle + counts[row] - middle)
            for one in range(terms):
                right[one] += x[row, one] * worked
                for other in range(one + 1):
                    left[one, other] += weights[row] * middle * x[row, one] * x[row, other]
        dispersion = max(1.0, pearson / (total * max(rows - terms, 5) / rows))
        excess = max(0.0, above / squared)
        spread = max(1.0, _half(residuals) / 0.6745)  # an outbreak does not widen it
        for one in range(terms):
            left[one, one] += penalty[one] * dispersion
            for other in range(one):
                left[other, one] = left[one, other]
        inverse = _inverse(left)
        for one in range(terms):
            beta_new[one] = _product(inverse[one], right)
        shift = 0.0
        for one in range(terms):
            shift = max(shift, abs(beta_new[one] - beta[one]))
        part = 3.0 / shift if shift > 3.0 else 1.0
        for one in range(terms):
            beta[one] += part * (beta_new[one] - beta[one])
            for other in range(terms):
                cover[one, other] = dispersion * inverse[one, other]
        if turn > 5 and shift < 1e-6:
            break
    return beta, cover, dispersion, excess


@compiled()
def _product(one: Floats, other: Floats) -> float:
    total = 0.0
    for at in range(len(one)):
        total += one[at] * other[at]
    return total


@compiled()
def _inverse(matrix: Floats) -> Floats:
    """Of a positive definite matrix, by Gauss and Jordan: there are at most twelve rows."""
    size = len(matrix)
    left = matrix.copy()
    right = np.eye(size)
    for pivot in range(size):
        scale = 1.0 / left[pivot, pivot]
        for column in range(size):
            left[pivot, column] *= scale
            right[pivot, column] *= scale
        for row in range(size):
            factor = left[row, pivot]
            if row != pivot and factor != 0.0:
                for column in range(size):
                    left[row, column] -= factor * left[pivot, column]
                    right[row, column] -= factor * right[pivot, column]
    return right


@compiled()
def _half(values: Floats) -> float:
    """The median of what values are without their sign, to a millionth of the largest."""
    low, high = 0.0, 1e-12
    for value in values:
        high = max(high, abs(value))
    for _ in range(20):
        middle = 0.5 * (low + high)
        below = 0
        for value in values:
            below += abs(value) <= middle
        if 2 * below >= len(values):
            high = middle
        else:
            low = middle
    return high
