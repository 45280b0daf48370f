"""The reproduction number by the method of Cori et al. 2013 (American Journal of Epidemiology 178:1505).

On day t the cases I of the days before infect with Λ(t) = Σ I(t - s) w(s), w being the serial interval. Given R, the
new local cases of a window are Poisson with mean R ΣΛ. A gamma before (mean and sd of `prior`) becomes a gamma after:

    shape = a + Σ I local      scale = 1 / (1 / b + Σ Λ)      over the days of the window that have a value

This equals EpiEstim 2.2 to rounding. What only repeats the prior is told in words, not left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from scipy import special

from epipolis.engines.compiled import compiled
from epipolis.engines.epidemic.gammas import gamma_quantiles, mixture_quantiles
from epipolis.engines.epidemic.incidences import Incidence, Negative, check_incidence, windows_of
from epipolis.engines.epidemic.intervals import UncertainInterval, check_interval, mean_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ENOUGH = 0.3
"""Cori et al. ask for a posterior whose sd is at most this share of its mean: 11 cases with their prior."""
EARLY, FEW, GAPS, NO_DATA, SOURCELESS = 1, 2, 4, 8, 16
_WORDS = {
    NO_DATA: "no data, only the prior",
    EARLY: "before one mean interval has passed",
    FEW: "few cases, the prior weighs much",
    GAPS: "days missing",
    SOURCELESS: "cases without a source before them",
}


@dataclass(frozen=True, eq=False)
class Reproduction:
    """R of each area and window: a gamma of this `shape` and `scale` [areas, windows].

    `starts` and `ends`: first and last day of each window, 0-based, both included. `cases`: local cases in it. `marks`
    [areas, windows]: a sum of EARLY, FEW, GAPS, NO_DATA, SOURCELESS. `scales`: with an uncertain interval the scale of
    each draw [draws, areas, windows]; R is then the mixture and `scale` its mean divided by the shape.
    """

    starts: Ints
    ends: Ints
    shape: Floats
    scale: Floats
    cases: Floats
    marks: NDArray[np.uint8]
    areas: tuple[str, ...]
    days: tuple[date, ...] | None
    scales: Floats | None = field(default=None, repr=False)

    @property
    def mean(self) -> Floats:
        """Mean of R [areas, windows]."""
        return self.shape * self.scale

    @property
    def sd(self) -> Floats:
        """Standard deviation of R [areas, windows]."""
        if self.scales is None:
            return np.asarray(np.sqrt(self.shape) * self.scale)
        within = self.shape * (self.scales**2).mean(axis=0)
        return np.asarray(np.sqrt(within + self.shape**2 * self.scales.var(axis=0)))

    def quantiles(self, levels: ArrayLike) -> Floats:
        """Quantiles of R [areas, windows, levels]."""
        if self.scales is None:
            return gamma_quantiles(self.shape, self.scale, levels)
        rows = mixture_quantiles(self.shape.reshape(-1), self.scales.reshape(self.scales.shape[0], -1), levels)
        return rows.reshape(*self.shape.shape, -1)

    def chance_above(self, value: float = 1.0) -> Floats:
        """The probability that R is above this value [areas, windows]."""
        if self.scales is None:
            return np.asarray(special.gammaincc(self.shape, value / self.scale))
        return np.asarray(special.gammaincc(self.shape, value / self.scales).mean(axis=0))

    def marked(self) -> pa.Array:
        """What to know about each window in words, area by area; null where there is nothing."""
        kinds = [
            "; ".join(word for bit, word in _WORDS.items() if number & bit and not (number & NO_DATA and bit != NO_DATA))
            or None
            for number in range(32)
        ]
        places = pa.array(self.marks.reshape(-1).astype(np.int32))
        return pa.array(kinds, pa.string()).take(places)

    def table(self, levels: Sequence[float] = (0.025, 0.25, 0.5, 0.75, 0.975)) -> pa.Table:
        """One row per area and window: area, first_day, day, cases, mean, sd, a column q2.5, q25, … per level, marked.

        Days are numbers from 1 when the series has none.
        """
        windows = self.starts.size
        values = self.quantiles(levels).reshape(-1, len(levels))
        columns: dict[str, pa.Array] = {
            "area": pa.array(self.areas, pa.string()).take(pa.array(np.repeat(np.arange(len(self.areas)), windows))),
            "first_day": self._days(self.starts),
            "day": self._days(self.ends),
            "cases": pa.array(self.cases.reshape(-1)),
            "mean": pa.array(self.mean.reshape(-1)),
            "sd": pa.array(self.sd.reshape(-1)),
        }
        columns |= {f"q{100 * level:g}": pa.array(values[:, number]) for number, level in enumerate(levels)}
        return pa.table(columns | {"marked": self.marked()})

    def _days(self, positions: Ints) -> pa.Array:
        where = np.tile(positions, len(self.areas))
        if self.days is None:
            return pa.array(where + 1)
        return pa.array(self.days, pa.date32()).take(pa.array(where))


def estimate_r(
    incidence: ArrayLike,
    interval: ArrayLike | UncertainInterval,
    *,
    windows: int | tuple[ArrayLike, ArrayLike] = 7,
    prior: tuple[float, float] = (5.0, 5.0),
    imported: ArrayLike | None = None,
    days: Sequence[date] | None = None,
    areas: Sequence[str] | None = None,
    negative: Negative = "refuse",
    seed: int = 0,
) -> Reproduction:
    """R by Cori's method for counts [days] or [areas, days]; NaN is a day without a value.

    `interval`: probability of lag 0, 1, …; several of them [draws, lags]; or an `UncertainInterval`, from which they
    are drawn with `seed`. `windows`: a number of days, or their first and last days (0-based). `imported`: the cases
    infected elsewhere, which infect but are not counted as infected here. `prior`: mean and sd of R before any case.
    `negative`: "missing" takes counts that cannot be as missing and marks them, so that one bad area stops no other.

    Raises:
        ValueError: the counts, the interval, the prior or the windows break a rule; the sentence names it.
    """
    counts = check_incidence(incidence, imported=imported, days=days, areas=areas, negative=negative)
    a, b = check_prior(prior)
    starts, ends = windows_of(windows, counts.filled.shape[1])
    weights = weights_of(interval, seed)
    cases, first = window_sums(counts, weights[0], starts, ends)
    forces = np.stack([first, *(window_sums(counts, row, starts, ends)[1] for row in weights[1:])])
    shape, scales = a + cases, 1 / (1 / b + forces)
    marks = mark_windows(counts, weights, starts, ends, cases, forces.mean(axis=0), a)
    several = scales if len(weights) > 1 else None
    return Reproduction(starts, ends, shape, scales.mean(axis=0), cases, marks, counts.names, counts.days, several)


def check_prior(prior: tuple[float, float]) -> tuple[float, float]:
    """Shape and scale of the gamma of this mean and sd."""
    mean, sd = prior
    if not (np.isfinite(mean) and np.isfinite(sd) and mean > 0 and sd > 0):
        raise ValueError(f"the prior has mean {mean:g} and sd {sd:g}, but both must be above 0")
    return (mean / sd) ** 2, sd**2 / mean


def weights_of(interval: ArrayLike | UncertainInterval, seed: int) -> Floats:
    """Checked intervals [draws, lags]."""
    if isinstance(interval, UncertainInterval):
        return interval.weights(seed)
    numbers = np.asarray(interval, np.float64)
    if numbers.ndim != 2:
        return check_interval(numbers)[None]
    if not len(numbers):
        raise ValueError("there are no draws of the serial interval")
    return np.stack([check_interval(row) for row in numbers])


def window_sums(counts: Incidence, weights: Floats, starts: Ints, ends: Ints) -> tuple[Floats, Floats]:
    """Local cases and infectiousness ΣΛ of each area and window, over the days that have a value."""
    beyond = np.flatnonzero(np.cumsum(weights[::-1])[::-1] > 1e-16 * weights.sum())
    short = np.ascontiguousarray(weights[: int(beyond[-1]) + 1])
    cases, forces = (np.empty((counts.filled.shape[0], starts.size)) for _ in range(2))
    _sum_windows(counts.filled, counts.local, counts.observed, short, starts, ends, cases, forces)
    return cases, forces


@compiled()
def _sum_windows(
    filled: Floats, local: Floats, observed: NDArray[np.bool_], weights: Floats, starts: Ints, ends: Ints,
    cases: Floats, forces: Floats,
) -> None:  # fmt: skip
    areas, days = filled.shape
    force = np.empty(days)
    for area in range(areas):
        force[:] = 0.0
        for lag in range(1, min(weights.size, days)):
            weight = weights[lag]
            for day in range(lag, days):
                force[day] += filled[area, day - lag] * weight
        for window in range(starts.size):
            infected, infectious = 0.0, 0.0
            for day in range(starts[window], ends[window] + 1):
                if observed[area, day]:
                    infected += local[area, day]
                    infectious += force[day]
            cases[area, window] = infected
            forces[area, window] = infectious


def mark_windows(
    counts: Incidence, weights: Floats, starts: Ints, ends: Ints, cases: Floats, forces: Floats, prior_shape: float
) -> NDArray[np.uint8]:
    """What to know about each area and window."""
    mean = float(np.mean([mean_interval(row) for row in weights]))
    total = np.concatenate([np.zeros((len(counts.names), 1)), np.cumsum(counts.observed, axis=1)], axis=1)
    seen = total[:, ends + 1] - total[:, starts]
    marks = np.where(ends + 1 <= mean, EARLY, 0) + np.where(cases < 1 / ENOUGH**2 - prior_shape, FEW, 0)
    marks = marks + np.where(seen < ends + 1 - starts, GAPS, 0) + np.where((cases > 0) & (forces <= 0), SOURCELESS, 0)
    # A flat zero series has values, but nobody in it infects: the answer is the prior as well.
    return np.asarray(marks + np.where((seen == 0) | ((cases == 0) & (forces <= 0)), NO_DATA, 0), np.uint8)
