"""How wrong the picture of the last days usually is: the past is nowcast again, each day from what was known on it."""

from collections.abc import Sequence

import numpy as np

from epipolis.engines.epidemic.completeness import Completeness
from epipolis.engines.epidemic.trends import Flexibility, trend
from epipolis.engines.epidemic.triangles import Triangle
from epipolis.engines.epidemic.units import Floats, Ints

LONGEST_AGO = 56  # days that are replayed
HALF_LIFE = 20.0  # days after which a replay weighs half
_SETTLED = 7  # days after which a replay's counts are thought complete enough to judge a trend
_NEIGHBOURS = 3
_USUAL, _UNSEEN = 0.15, 0.5  # relative error of the part still to be reported: as a rule, and of delays never seen yet
_USUAL_WEIGHT = 1.0
_MANY_STRATA = 100
_ENOUGH = 20.0  # cases that make a replay count in full
_WIDEST = 1.0
_LASTING = 1.0  # correlation of the errors of shorter and longer delays: reporting that slows, slows for weeks
_TREND_VARIANCE, _LEAST_TREND_VARIANCE, _LEAST_CONFIRMED = 0.05, 0.003, 0.2


def replayed_since(triangle: Triangle) -> int:
    """The first report day that is replayed."""
    return max(triangle.known.shape[1] - 1 - LONGEST_AGO, min(_SETTLED, triangle.known.shape[1] - 1))


def reporting_doubt(triangle: Triangle, then: Sequence[Completeness]) -> Floats:
    """Variance of the log of the completeness, by delay [delays], beyond what chance in the counts explains.

    Growth that was predicted is compared with growth that came: from delay d over the r days until now; what is left from
    d + r on is already known, since delays are worked from the longest down. Replays that cover more of what was to come
    weigh more, and so do recent ones.
    """
    days, longest = triangle.known.shape[1], triangle.longest
    *past, now = then
    ago = np.arange(1, len(past) + 1)
    error, weight, covered = (np.zeros((len(ago), longest + 1)) for _ in range(3))
    for row, one in enumerate(reversed(past)):
        if triangle.published[days - 2 - row]:
            error[row], weight[row], covered[row] = _spans(triangle, one, days - 2 - row, row + 1)
    delays = np.arange(longest + 1)
    share = np.clip(now.share(days - 1, delays).mean(axis=0), 0.05, 1)
    usual = (np.where(delays < days - _SETTLED, _USUAL, _UNSEEN) * (1 - share) / share) ** 2
    doubt = np.zeros(longest + 1)
    fade = 0.5 ** (ago / HALF_LIFE)
    for delay in range(longest - 1, -1, -1):
        replays = covered[:, delay] ** 2 * fade * np.minimum(1, weight[:, delay] / _ENOUGH)
        rest = doubt[np.minimum(delay + ago, longest)]
        both = error[:, delay] + rest + 2 * _LASTING * np.sqrt(np.maximum(error[:, delay], 0) * rest)
        found = float(replays @ both) + _USUAL_WEIGHT * usual[delay]
        doubt[delay] = np.clip(found / (replays.sum() + _USUAL_WEIGHT), 0.1 * usual[delay], _WIDEST)
    return doubt


def _spans(triangle: Triangle, then: Completeness, report: int, later: int) -> tuple[Floats, Floats, Floats]:
    """For each delay: squared relative error, its weight in cases, and the part of the missing that came since."""
    longest = triangle.longest
    delays = np.arange(min(longest, report + 1))
    until = np.minimum(delays + later, longest)
    came = triangle.known[:, report + until - delays, until]
    growth, share = then.growth(report, delays, until), then.share(report, delays)
    expected = _means(came / (share * growth)) * share
    chance = expected * (growth - 1) * growth
    weight = (expected * growth) ** 2 / (chance + (_USUAL * expected * growth) ** 2 + 1e-9) ** 2
    error = weight * ((came - triangle.known[:, report, delays] * growth) ** 2 - chance)
    cases = (weight * (expected * growth) ** 2).sum(axis=0)
    seen, grown = share.mean(axis=0), (share * growth).mean(axis=0)
    covered = np.clip((grown - seen) / np.maximum(1 - seen, 1e-6), 0, 1)
    filled = [error.sum(axis=0) / np.maximum(cases, 1e-9), cases, covered]
    return tuple(np.pad(values, (0, longest + 1 - len(delays))) for values in filled)  # type: ignore[return-value]  # -- three


def _means(values: Floats) -> Floats:
    """Means over neighbouring days, never quite zero."""
    count = values.shape[1]
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    low = np.maximum(np.arange(count) - _NEIGHBOURS, 0)
    high = np.minimum(np.arange(count) + _NEIGHBOURS + 1, count)
    return np.asarray((sums[:, high] - sums[:, low] + 0.5) / (high - low), np.float64)


def trend_doubt(
    triangle: Triangle, then: Sequence[Completeness], doubt: Floats, flexibility: Flexibility
) -> tuple[Floats, Floats]:
    """How far a day's log count strays from what the trend said of it, by age in days.

    Gives the part of the trend's own variance that replays confirm (at most 1) and the variance beyond it.
    """
    days, ages = triangle.known.shape[1], flexibility.judged
    strayed, claimed, weight = (np.zeros(ages) for _ in range(3))
    step = 1 + len(triangle.strata) // _MANY_STRATA  # many strata tell as much in fewer replays
    for ago in range(_SETTLED, len(then), step):
        if days - 1 - ago < 2 * _SETTLED or not triangle.published[days - 1 - ago]:
            continue
        fade = 0.5 ** (ago / HALF_LIFE)
        found = _trend_errors(triangle, then[-1 - ago], then[-1], ago, doubt, flexibility)
        for total, part in zip((strayed, claimed, weight), found, strict=True):
            total[: len(part)] += fade * part
    usual = 0.2 * float(np.median(weight[weight > 0])) if np.any(weight > 0) else 1.0
    own = claimed / np.maximum(weight, 1e-9)
    variance = (strayed + usual * (own + _TREND_VARIANCE)) / (weight + usual)
    confirmed = np.clip((variance - _LEAST_TREND_VARIANCE) / np.maximum(own, 1e-9), _LEAST_CONFIRMED, 1.0)
    return confirmed, np.maximum(variance - confirmed * own, _LEAST_TREND_VARIANCE)


def _trend_errors(
    triangle: Triangle, then: Completeness, now: Completeness, ago: int, doubt: Floats, flexibility: Flexibility
) -> tuple[Floats, Floats, Floats]:
    """By age, over the strata: weighted squared errors less what chance and reporting explain, the trend's own variance,
    and the weights."""
    today = triangle.known.shape[1] - 1
    expected, variance = trend_at(triangle, then, today - ago, doubt, flexibility, flexibility.longest)
    ages = np.arange(min(flexibility.judged, expected.shape[1]))
    until = np.minimum(ages + ago, triangle.longest)
    share = now.share(today, until)
    final = (triangle.known[:, today - ago + until - ages, until] + 0.5) / share
    chance = 1 / (final * share) + doubt[until]
    weight = 1 / (chance + variance[:, ages] + flexibility.own) ** 2
    squared = (np.log(final) - np.log(expected[:, ages] + 0.5)) ** 2 - chance
    strayed, claimed = (weight * squared).sum(axis=0), (weight * variance[:, ages]).sum(axis=0)
    return np.asarray(strayed, np.float64), np.asarray(claimed, np.float64), np.asarray(weight.sum(axis=0), np.float64)


def trend_at(
    triangle: Triangle, then: Completeness, report: int, doubt: Floats, flexibility: Flexibility, longest: int
) -> tuple[Floats, Floats]:
    """The trend as it was on a report day: expected final counts and the variance of their logs [strata, ages]."""
    ages: Ints = np.arange(min(longest, report + 1, triangle.longest + 1))
    known = triangle.known[:, report, ages] * then.keep[:, ages]
    return trend(known, then.share(report, ages), doubt[ages], then.rows(report, ages), flexibility)
