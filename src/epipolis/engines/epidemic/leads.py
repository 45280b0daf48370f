"""What runs ahead of beds in use, and a regression on it that is fitted anew for every day.

The change of log occupancy from a day to h days later is explained by its own recent slopes, by the growth of cases or
admissions, by how many of these there are for each bed in use (few: the beds empty by the ends of stays), and by the wards
when intensive care is forecast. One regression for each horizon holds for all areas, drawn towards a damped trend, with
past days counting less and less. Every prediction uses only what was known on its day, so its errors are real ones.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SMALL = 6.0  # added to beds before the logarithm: in a ward of five, one bed more is chance
SMALL_CASES = 7.0
DAMPING = 0.94  # of a trend, a day
STRENGTH = 10.0  # of the prior, in area-days of usual size
HALF_LIFE = 120.0  # days after which a past day counts half
SLOW = 1 / 45  # how fast an area's usual ratio follows
START = 14  # days before there is a slope to speak of
_TREND, _EARLIER, _RATIO = 0.05, 0.05, 0.3  # usual sizes of what is regressed on


def log_beds(beds: Floats) -> Floats:
    return np.asarray(np.log(beds + SMALL))


def beds_of(logs: Floats) -> Floats:
    return np.asarray(np.maximum(np.exp(np.minimum(logs, 50.0)) - SMALL, 0.0))


def bridged(values: Floats) -> Floats:
    """Gaps filled by straight lines on the log scale, ends by the nearest value; rows without any value are zero."""
    filled = values.copy()
    days = np.arange(values.shape[1])
    for row in np.flatnonzero(np.isnan(values).any(axis=1)):
        known = ~np.isnan(values[row])
        logs = np.interp(days, days[known], np.log(values[row, known] + 1)) if known.any() else np.zeros(len(days))
        filled[row, ~known] = np.expm1(logs[~known])
    return filled


def features_of(logs: Floats, flows: Sequence[Floats], wards: Floats | None, *, weights: Floats) -> tuple[Floats, Floats]:
    """What the change ahead is regressed on [areas, days, features], and the usual size of each feature.

    Args:
        logs: log occupancy [areas, days] without gaps.
        flows: counts a day (cases, admissions) [areas, days], NaN where unknown.
        wards: log occupancy of what runs ahead (wards before intensive care).
        weights: share of each area in the common trend [areas, days].
    """
    slope = _slope(logs, 7)
    columns = [np.ones_like(logs), slope, _slope(logs, 3), _later(slope, 7), _common(slope, weights)]
    sizes = [1.0, _TREND, _TREND, _EARLIER, _TREND]
    for flow in flows:
        recent = np.log(_week(flow) + SMALL_CASES)
        growth = (recent - _later(recent, 7)) / 7
        columns += [growth, _later(growth, 7), _unusual(recent - logs), _common(growth, weights)]
        sizes += [2 * _TREND, 2 * _EARLIER, _RATIO, _TREND]
    if wards is not None:
        ahead = _slope(wards, 7)
        columns += [ahead, _later(ahead, 7), _unusual(wards - logs)]
        sizes += [_TREND, _EARLIER, _RATIO]
    return np.nan_to_num(np.stack(columns, axis=-1), nan=0.0), np.array(sizes)


def _later(values: Floats, days: int) -> Floats:
    moved = np.full_like(values, np.nan)
    moved[:, days:] = values[:, : max(0, values.shape[1] - days)]
    return moved


def _slope(values: Floats, days: int) -> Floats:
    return (values - _later(values, days)) / days


def _week(flow: Floats) -> Floats:
    """Seven times the mean of the known days of the last week; corrections below zero count as none."""
    known = ~np.isnan(flow)
    total = np.cumsum(np.pad(np.maximum(np.nan_to_num(flow), 0.0), ((0, 0), (7, 0))), axis=1)
    count = np.cumsum(np.pad(known, ((0, 0), (7, 0))), axis=1)
    sums, days = total[:, 7:] - total[:, :-7], count[:, 7:] - count[:, :-7]
    return np.where(days > 0, 7 * sums / np.maximum(days, 1), np.nan)


def _common(values: Floats, weights: Floats) -> Floats:
    """The mean over all areas, each by its weight, for every area."""
    known = ~np.isnan(values)
    mean = (np.nan_to_num(values) * weights * known).sum(axis=0) / np.maximum((weights * known).sum(axis=0), 1e-12)
    return np.broadcast_to(mean, values.shape)


def _unusual(ratio: Floats) -> Floats:
    """By how much a log ratio differs from its own slowly following mean."""
    usual = ratio.copy()
    for day in range(1, ratio.shape[1]):
        before, now = usual[:, day - 1], ratio[:, day]
        follows = np.where(np.isnan(now), before, before + SLOW * (now - before))
        usual[:, day] = np.where(np.isnan(before), now, follows)
    return ratio - usual


def coefficients(
    features: Floats,
    logs: Floats,
    known: NDArray[np.bool_],
    weights: Floats,
    sizes: Floats,
    horizon: int,
    days: NDArray[np.int64],
) -> Floats:
    """The regression of the change over `horizon` days as it could be fitted on each of `days` [days, features].

    Args:
        features: [areas, days, features]; logs, weights: [areas, days]; known: where `logs` were told, not bridged.
        sizes: usual size of each feature; it says how strongly its coefficient is drawn to the prior.
    """
    last = features.shape[1] - horizon
    if last <= START:
        return np.broadcast_to(_prior(len(sizes), horizon), (len(days), len(sizes))).copy()
    change = logs[:, START + horizon :] - logs[:, START:last]
    weight = weights[:, START:last] * known[:, START:last] * known[:, START + horizon :]
    x = features[:, START:last]
    weighted = x * weight[..., None]
    squares = np.matmul(weighted.transpose(1, 2, 0), x.transpose(1, 0, 2))
    products = np.matmul(weighted.transpose(1, 2, 0), change.T[..., None])[..., 0]
    decay = 0.5 ** (1 / HALF_LIFE)
    for day in range(1, len(squares)):
        squares[day] += decay * squares[day - 1]
        products[day] += decay * products[day - 1]
    usual = np.maximum(_recent_mean(weights)[days], 1e-9)[:, None]
    strength = STRENGTH * sizes**2
    prior = strength * _prior(len(sizes), horizon)
    at = days - horizon - START
    has = (at >= 0)[:, None] * decay**horizon / usual
    at = np.maximum(at, 0)
    left = squares[at] * has[..., None] + np.diag(strength)
    right = products[at] * has + prior
    return np.asarray(np.linalg.solve(left, right[..., None])[..., 0])


def _prior(features: int, horizon: int) -> Floats:
    """A trend that goes on and fades."""
    prior = np.zeros(features)
    prior[1] = DAMPING * (1 - DAMPING**horizon) / (1 - DAMPING)
    return prior


def _recent_mean(weights: Floats, days: int = 60) -> Floats:
    total = np.cumsum(np.concatenate([[0.0], weights.mean(axis=0)]))
    end = np.arange(1, len(total))
    start = np.maximum(0, end - days)
    return np.asarray((total[end] - total[start]) / (end - start))
