"""How many events of the last days there will have been, once all are reported.

The missing part of a day's count follows from two witnesses: what is known of the day divided by the share that should be
known by now (`completeness`), and what the days around it say (`trends`). Each weighs by how wrong it has been
(`replays`). What is still to come is negative binomial, so that an interval holds both doubts and chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
from scipy.special import ndtri  # type: ignore[import-untyped]  # -- SciPy has no types

from epipolis.engines.compiled import compiled
from epipolis.engines.epidemic.completeness import Memory, completeness
from epipolis.engines.epidemic.gaps import without_gaps
from epipolis.engines.epidemic.quantiles import LEVELS
from epipolis.engines.epidemic.replays import replayed_since, reporting_doubt, trend_at, trend_doubt
from epipolis.engines.epidemic.trends import Flexibility
from epipolis.engines.epidemic.triangles import Triangle, days_from
from epipolis.engines.epidemic.units import Floats, Ints

WEIGHING, TELLING = 0.7, 4.0  # the doubt of replays is taken a little lower to weigh the witnesses, higher in intervals
_FAR_TREND = 1.0  # variance of a trend too far from the last days to have been judged
_MOST_SHARE, _LEAST_MISSING = 0.995, 0.1
_FEW_DAYS, _FEW_EVENTS = 21, 10
_FARTHEST_LOG = -600.0
_LARGE_DOUBT, _FEW = 0.5, 5.0


@dataclass(frozen=True, eq=False)
class Nowcast:
    """`table`: stratum, day, level, value, known (so far), marked (empty, or why to trust it less). `days`: stratum, day,
    delay (days old), known, share (of the final count that should be known), expected (mean), marked."""

    at: date
    longest_delay: int
    table: pa.Table
    days: pa.Table

    def forecast(self, model: str = "nowcast", target: str = "events") -> pa.Table:
        """As a forecast table to be scored: made on `at`, the horizon is minus the delay."""
        rows = self.table.num_rows
        days = np.asarray(self.table["day"].cast(pa.int32()).to_numpy(), np.int64)
        made = pa.array([self.at] * rows, pa.date32())
        made_on = int(made[0].cast(pa.int32()).as_py()) if rows else 0
        return pa.table(
            {
                "model": pa.array([model] * rows, pa.string()),
                "target": pa.array([target] * rows, pa.string()),
                "area": self.table["stratum"],
                "made_on": made,
                "horizon": pa.array(days - made_on, pa.int64()),
                "day": self.table["day"],
                "level": self.table["level"],
                "value": self.table["value"],
            }
        )


def nowcast(
    triangle: Triangle,
    *,
    at: date | None = None,
    days_back: int = 28,
    levels: Sequence[float] | Floats = LEVELS,
    longest_delay: int | None = None,
    memory: Memory | None = None,
    flexibility: Flexibility | None = None,
) -> Nowcast:
    """What the counts of the last days will be once everything is reported, from what was known on the day `at` alone.

    Args:
        triangle: made by `triangle_of`; strata lean on one another, so give together what is reported alike.
        at: without it the last day with reports.
        days_back: how many days, today included.
        levels: probabilities, ascending.
        longest_delay: days after which a count is final; without it the triangle's.
        memory, flexibility: how fast the past is forgotten and how fast a trend may turn.

    Raises:
        ValueError: `at` is before the first event or after the last report, `days_back` or a level breaks its rule.
    """
    asked = _asked(levels, days_back)
    seen = _seen(triangle, at, longest_delay)
    how, bend = memory or Memory(), flexibility or Flexibility()
    today = seen.known.shape[1] - 1
    then = completeness(seen, how, since=replayed_since(seen))
    now = then[-1]
    doubt = WEIGHING * reporting_doubt(seen, then)
    confirmed, beyond = trend_doubt(seen, then, doubt, bend)
    ages: Ints = np.arange(min(days_back, today + 1, seen.longest + 1))
    expected, variance = trend_at(seen, now, today, doubt, bend, max(bend.longest, days_back))
    variance, judged = variance[:, ages], min(len(ages), len(beyond))
    variance[:, :judged] = variance[:, :judged] * confirmed[:judged] + beyond[:judged]
    variance[:, judged:] += _FAR_TREND
    known, share, keep = seen.known[:, today, ages], now.share(today, ages), now.keep[:, ages]
    missing, spread = _missing(known * keep, share, doubt[ages], expected[:, ages], variance)
    values = (known * keep)[..., None] + _quantiles(missing, spread, asked)
    marks = _marks(seen, today)
    return _nowcast(seen, ages, known, share, known * keep + missing, values, asked, marks)


def carry_forward(
    triangle: Triangle,
    *,
    at: date | None = None,
    days_back: int = 28,
    levels: Sequence[float] | Floats = LEVELS,
    longest_delay: int | None = None,
) -> Nowcast:
    """The plain way, to compare with: the count so far divided by the mean completeness at its delay.

    The mean is over the days whose reporting is over (or, early on, over the older half of the days, as far as known), the
    spread is that of this method's own relative errors on them. Arguments, result and errors as for `nowcast`.
    """
    asked = _asked(levels, days_back)
    seen = _seen(triangle, at, longest_delay)
    today = seen.known.shape[1] - 1
    settled = min(seen.longest, max(today // 2, 1))
    past = np.arange(max(today - settled + 1, 1))
    ages: Ints = np.arange(min(days_back, today + 1, seen.longest + 1))
    final = seen.known[:, np.minimum(past + settled, today), np.minimum(settled, today)]
    known = seen.known[:, today, ages]
    share, values = np.ones(known.shape), np.empty((*known.shape, len(asked)))
    for age in ages:
        then = seen.known[:, np.minimum(past + age, today), age] if age < settled else final
        share[:, age] = np.maximum(then.sum(axis=1) / np.maximum(final.sum(axis=1), 1), 1e-2)
        error = np.log(final + 0.5) - np.log(then / share[:, age, None] + 0.5)
        error -= np.median(error, axis=1, keepdims=True)
        center = known[:, age] / share[:, age]
        values[:, age] = np.maximum((center + 0.5)[:, None] * np.exp(np.quantile(error, asked, axis=1).T) - 0.5, 0)
    return _nowcast(seen, ages, known, share, known / share, values, asked, _marks(seen, today))


def _asked(levels: Sequence[float] | Floats, days_back: int) -> Floats:
    asked = np.asarray(levels, np.float64)
    if asked.ndim != 1 or not len(asked) or np.any((asked <= 0) | (asked >= 1)) or np.any(np.diff(asked) <= 0):
        raise ValueError("Levels ascend and lie between 0 and 1.")
    if days_back < 1:
        raise ValueError(f"At least one day is nowcast, not {days_back}.")
    return asked


def _seen(triangle: Triangle, at: date | None, longest_delay: int | None) -> Triangle:
    return without_gaps(_shortened(triangle, longest_delay).until(triangle.last if at is None else at))


def _shortened(triangle: Triangle, longest_delay: int | None) -> Triangle:
    if longest_delay is None or longest_delay == triangle.longest:
        return triangle
    if not 0 < longest_delay < triangle.longest:
        raise ValueError(f"The longest delay is from 1 to {triangle.longest} days, not {longest_delay}.")
    return replace(triangle, known=triangle.known[:, :, : longest_delay + 1])


def _missing(known: Floats, share: Floats, doubt: Floats, expected: Floats, aside: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of what is still to be reported of each day [strata, ages].

    The log of known / (share x trend) is split between a day unlike its trend (variance `aside`), reporting unlike its
    usual share (`doubt`) and chance, as if normal; the part laid on the day moves its count, the other its share.
    """
    surprise = np.log((known + 0.5) / (share * expected + 0.5))
    chance = 1 / (share * expected + 0.5)
    whole = aside + doubt + chance
    count = expected * np.exp(aside / whole * surprise)
    reported = np.minimum(share * np.exp(doubt / whole * surprise), _MOST_SHARE)
    missing = np.maximum(count * (1 - reported), _LEAST_MISSING * count * (1 - share))
    told = TELLING * doubt
    whole = aside + told + chance
    of_day, of_share, both = aside * (1 - aside / whole), told * (1 - told / whole), aside * told / whole
    doubts = (1 - reported) ** 2 * of_day + reported**2 * of_share + 2 * reported * (1 - reported) * both
    missing = np.maximum(missing, 1e-6)
    return missing, missing * (1 + 1e-6) + count**2 * doubts


def _quantiles(mean: Floats, variance: Floats, levels: Floats) -> Floats:
    """Of a negative binomial, spread evenly over the width of each whole number [..., levels]."""
    result = np.empty((mean.size, len(levels)))
    _fill_quantiles(mean.ravel(), variance.ravel(), levels, ndtri(levels), result)
    return result.reshape(*mean.shape, len(levels))


@compiled(allocates=False)
def _fill_quantiles(mean: Floats, variance: Floats, levels: Floats, normal: Floats, result: Floats) -> None:
    for row in range(len(mean)):
        doubt = (variance[row] - mean[row]) / mean[row] ** 2
        if doubt > _LARGE_DOUBT and mean[row] > _FEW:  # a gamma so wide would put its median near zero
            for place in range(len(levels)):
                result[row, place] = mean[row] * np.exp(normal[place] * np.sqrt(np.log1p(variance[row] / mean[row] ** 2)))
            continue
        success = mean[row] / variance[row]
        size = mean[row] * success / (1 - success)
        log_zero = size * np.log(success)
        if log_zero < _FARTHEST_LOG or variance[row] > 1e8:  # as a gamma (Wilson & Hilferty 1931): the sum would be long
            shape = mean[row] ** 2 / variance[row]
            for place in range(len(levels)):
                root = 1 - 1 / (9 * shape) + normal[place] / (3 * np.sqrt(shape))
                result[row, place] = mean[row] * max(root, 0.0) ** 3
            continue
        count, chance, below = 0, np.exp(log_zero), 0.0
        for place in range(len(levels)):
            while below + chance < levels[place] and chance > 0 and count < 10_000_000:
                below += chance
                chance *= (count + size) / (count + 1) * (1 - success)
                count += 1
            within = (levels[place] - below) / chance if chance > 0 else 0.5
            result[row, place] = max(count - 0.5 + min(within, 1.0), 0.0)


def _marks(seen: Triangle, today: int) -> list[str]:
    events = seen.known[:, today, : _FEW_DAYS + 7].sum(axis=1)
    rules = {
        f"reports of fewer than {_FEW_DAYS} days": np.full(len(seen.strata), today + 1 < _FEW_DAYS),
        f"fewer than {_FEW_EVENTS} events in four weeks": events < _FEW_EVENTS,
        "counts were corrected downwards": seen.shrunk > 0,
    }
    return ["; ".join(text for text, hit in rules.items() if hit[place]) for place in range(len(seen.strata))]


def _nowcast(
    seen: Triangle, ages: Ints, known: Floats, share: Floats, expected: Floats, values: Floats, levels: Floats, marks: list[str]
) -> Nowcast:
    """Tables in the order stratum, day (oldest first), level."""
    oldest = slice(None, None, -1)
    strata, days = len(seen.strata), len(ages)
    day = np.tile((seen.known.shape[1] - 1 - ages)[oldest], strata)
    rows = {
        "stratum": pa.array(np.repeat(np.array(seen.strata, object), days), pa.string()),
        "day": days_from(seen.first, day),
    }
    shape = len(levels)
    table = {name: column.take(pa.array(np.repeat(np.arange(strata * days), shape))) for name, column in rows.items()}
    table["level"] = pa.array(np.tile(levels, strata * days))
    table["value"] = pa.array(values[:, oldest].reshape(-1))
    table["known"] = pa.array(np.repeat(known[:, oldest].reshape(-1), shape))
    table["marked"] = pa.array(np.repeat(np.array(marks, object), days * shape), pa.string())
    rows["delay"] = pa.array(np.tile(ages[oldest], strata))
    for name, column in {"known": known, "share": share, "expected": expected}.items():
        rows[name] = pa.array(column[:, oldest].reshape(-1))
    rows["marked"] = pa.array(np.repeat(np.array(marks, object), days), pa.string())
    return Nowcast(seen.last, seen.longest, pa.table(table), pa.table(rows))
