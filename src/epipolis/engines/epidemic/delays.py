"""Delays between two events that are both known only to the day, learned while the outbreak still runs.

The first event lies anywhere within its window, the second within its own (double interval censoring, Reich et al.
2009, Statistics in Medicine 28:2769), and only pairs whose second event came before the data were closed are seen
(right truncation; Park et al. 2024, medRxiv 2024.01.12.24301247). With G the integral of the distribution function,
a pair has the likelihood

    [G(u) - G(u - P) - G(l) + G(l - P)] / [G(D) - G(D - P)]

with times counted from the start of the first window: P its length, l … u the second window, D the end of the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from epipolis.engines.epidemic.intervals import area_below, parameters

Floats = NDArray[np.float64]
Shape = Literal["gamma", "lognormal", "weibull", "normal"]
FAMILIES: tuple[Shape, ...] = ("gamma", "lognormal", "weibull")
_FEW = 10


@dataclass(frozen=True)
class Delay:
    """A delay of this family: mean and sd in days, each with its 95 % interval.

    `shift`: the shortest delay, in days, for a shifted family. `aic`: of every family tried; the one with the least was
    taken. `pairs`: how many were learned from. `marked`: what to know about it, empty when there is nothing.
    """

    family: Shape
    mean: float
    sd: float
    mean_interval: tuple[float, float]
    sd_interval: tuple[float, float]
    aic: dict[str, float]
    pairs: int
    shift: float = 0.0
    marked: str = ""
    covariance: Floats = field(default_factory=lambda: np.zeros((2, 2)), repr=False, compare=False)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean."""
        return self.mean_interval

    def share_below(self, days: ArrayLike) -> Floats:
        """The share of delays shorter than this."""
        at = np.asarray(days, np.float64)
        near = 1e-4  # the distribution function is the slope of its own integral
        return np.asarray((self._area(at + near) - self._area(at - near)) / (2 * near), np.float64)

    def discretised(self, longest: int | None = None) -> Floats:
        """Probability that the two days differ by 0, 1, … days, each event at any moment of its day.

        A part of a normal or shifted delay that lies below 0 is left out, and the rest is scaled to sum to one.
        """
        last = longest if longest is not None else int(np.ceil(self.mean + 12 * self.sd)) + 1
        area = self._area(np.arange(-1, last + 2, dtype=np.float64))
        weights = np.maximum(area[2:] - 2 * area[1:-1] + area[:-2], 0.0)
        if longest is None:
            left = np.cumsum(weights[::-1])[::-1] > 1e-9
            weights = weights[: int(np.flatnonzero(left)[-1]) + 1] if left.any() else weights
        if weights.sum() <= 0:
            raise ValueError("the whole delay lies before 0 or beyond the longest lag")
        return np.asarray(weights / weights.sum(), np.float64)

    def as_serial_interval(self) -> Floats:
        """The same for use as a serial interval: nothing at lag 0, scaled to sum to one."""
        weights = self.discretised()
        if weights.size < 2 or weights[1:].sum() <= 0:
            raise ValueError("the interval has no probability beyond the day itself")
        weights[0] = 0.0
        return np.asarray(weights / weights.sum(), np.float64)

    def _area(self, at: Floats) -> Floats:
        return _area(at, self.family, self.mean, self.sd, self.shift)


def estimate_delay(
    lower: ArrayLike,
    upper: ArrayLike | None = None,
    *,
    first_window: ArrayLike = 1.0,
    truncated_at: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    family: Shape | None = None,
) -> Delay:
    """The delay from pairs of events, by maximum likelihood; the family by AIC unless it is given.

    All times are days since the start of the window of the pair's first event. `lower`, `upper`: the window of the
    second event; with whole days `lower` is the difference of the two dates and `upper`, left out, one day more.
    `first_window`: length of the first event's window. `truncated_at`: when the data were closed (the end of that
    day), one for all or one per pair; without it every delay had the time to be seen. `counts`: how often each pair
    occurred.

    Raises:
        ValueError: a window ends before it begins, the second event comes before the first or after the end of the
            data, or no pairs; the sentence names the row.
    """
    low, high, first, end, times = _pairs(lower, upper, first_window, truncated_at, counts)
    if family not in (None, *FAMILIES):
        raise ValueError(f"there is no family {family!r} of delays; there are {', '.join(FAMILIES)}")
    return _best([family] if family else list(FAMILIES), (0.0,), low, high, first, end, times)


def estimate_serial_interval(
    differences: ArrayLike,
    upper: ArrayLike | None = None,
    *,
    first_window: ArrayLike = 1.0,
    truncated_at: ArrayLike | None = None,
    family: Shape | None = None,
) -> Delay:
    """The serial interval from pairs of infector and infectee: days from onset to onset, which may be negative.

    `differences`: whole days between the two dates (with `upper`: the window of the second onset). Tried are a normal
    and gammas shifted to begin one, two, four … days before the shortest difference; without negative differences also
    the families of `estimate_delay`. NaN, a pair of which an onset is not known, is left out.

    Raises:
        ValueError: no pairs, or a window or truncation that breaks a rule; the sentence names the row.
    """
    values = np.asarray(differences, np.float64).reshape(-1)
    known = ~np.isnan(values)
    if upper is not None:
        known &= ~np.isnan(np.asarray(upper, np.float64).reshape(-1))
    if not known.any():
        raise ValueError("there is no pair of which both onsets are known")

    def kept(numbers: ArrayLike | None) -> ArrayLike | None:
        return None if numbers is None else np.broadcast_to(np.asarray(numbers, np.float64), values.shape)[known]

    window = kept(first_window)
    least = float(values[known].min())
    shifts: tuple[float, ...] = (0.0,) if least >= 0 else tuple(least - step for step in (1.0, 2.0, 4.0, 8.0))
    low, high, first, end, times = _pairs(
        values[known], kept(upper), 1.0 if window is None else window, kept(truncated_at), None, signed=True
    )
    families: list[Shape] = ["normal", "gamma", *(() if least < 0 else ("lognormal", "weibull"))]
    if family is not None:
        families = [family]
    return _best(families, shifts, low, high, first, end, times)


def _pairs(
    lower: ArrayLike, upper: ArrayLike | None, first_window: ArrayLike, end: ArrayLike | None, counts: ArrayLike | None,
    *, signed: bool = False,
) -> tuple[Floats, Floats, Floats, Floats | None, Floats]:  # fmt: skip
    low = np.asarray(lower, np.float64).reshape(-1)
    if not low.size:
        raise ValueError("there are no pairs of events to learn a delay from")
    high = low + 1 if upper is None else np.asarray(upper, np.float64).reshape(-1)
    if high.shape != low.shape:
        raise ValueError(f"{low.size} windows begin, but {high.size} end")
    first = np.broadcast_to(np.asarray(first_window, np.float64), low.shape)
    times = np.ones(low.size) if counts is None else np.asarray(counts, np.float64).reshape(-1)
    until = None if end is None else np.broadcast_to(np.asarray(end, np.float64), low.shape)
    checks: list[tuple[NDArray[np.bool_], str]] = [
        (~(np.isfinite(low) & np.isfinite(high)), "has no number"),
        (high <= low, "has a second event whose window does not end after it begins"),
        (first <= 0, "has a first event whose window is not longer than 0"),
    ]
    if not signed:
        checks.append((high <= 0, "has its second event before the first"))
    if until is not None:
        checks.append((low >= until, "has a second event after the end of the data"))
    if times.shape != low.shape or (times < 0).any() or not times.sum():
        raise ValueError("counts must be one number from 0 on for each pair, and not all 0")
    for wrong, rule in checks:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise ValueError(f"row {row + 1} ({low[row]:g} to {high[row]:g} days) {rule}")
    return low, high if until is None else np.minimum(high, until), first, until, times


def _best(
    families: Sequence[Shape], shifts: Sequence[float], low: Floats, high: Floats, first: Floats, end: Floats | None,
    times: Floats,
) -> Delay:  # fmt: skip
    table = np.column_stack([low, high, first, np.full(low.size, np.inf) if end is None else end])
    rows, place = np.unique(table, axis=0, return_inverse=True)
    weights = np.asarray(np.bincount(place.reshape(-1), times), np.float64)
    aic: dict[str, float] = {}
    found: tuple[float, Shape, float, Floats] | None = None
    for family in families:
        for shift in (0.0,) if family == "normal" else shifts:
            at, loss = _fit(rows, weights, family, shift)
            own = 2 * loss + 4
            aic[family] = min(own, aic.get(family, np.inf))
            if found is None or own < found[0]:
                found = (own, family, shift, at)
    if found is None or not np.isfinite(found[0]):
        raise ValueError("no family of delays fits these pairs")
    return _told(rows, weights, found[1], found[2], found[3], aic, int(times.sum()))


def _fit(rows: Floats, weights: Floats, family: Shape, shift: float) -> tuple[Floats, float]:
    """Where the loss is least (mean above the shift, log of it but for a normal; log sd), and the loss there."""
    centre = (rows[:, 0] + rows[:, 1] - rows[:, 2]) / 2 - shift
    mean = float(np.average(centre, weights=weights))
    sd = max(0.3, float(np.sqrt(np.average((centre - mean) ** 2, weights=weights))))
    start = np.array([mean if family == "normal" else np.log(max(mean, 0.2)), np.log(sd)])
    found = optimize.minimize(
        _loss, start, args=(rows, weights, family, shift), method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 2_000},
    )  # fmt: skip
    return np.asarray(found.x, np.float64), float(found.fun)


def _loss(at: Floats, rows: Floats, weights: Floats, family: Shape, shift: float) -> float:
    if not (abs(at[0]) < 1e3 and -5 < at[1] < 8) or (family != "normal" and not -7 < at[0] < 7):
        return np.inf
    mean, sd = _moments(at, family, shift)
    if family == "weibull" and not 0.04 < sd / (mean - shift) < 20:
        return np.inf
    low, high, first, end = rows.T

    def area(where: Floats) -> Floats:
        return _area(where, family, mean, sd, shift)

    chance = area(high) - area(high - first) - area(low) + area(low - first)
    closed = np.isfinite(end)
    if closed.any():
        seen = np.ones(len(rows))
        seen[closed] = (area(end[closed]) - area(end[closed] - first[closed])) / first[closed]
        chance = chance / np.maximum(seen, 1e-300)
    return -float(weights @ np.log(np.maximum(chance / first, 1e-300)))


def _moments(at: Floats, family: Shape, shift: float) -> tuple[float, float]:
    return (float(at[0]) if family == "normal" else shift + float(np.exp(at[0]))), float(np.exp(at[1]))


def _area(at: Floats, family: Shape, mean: float, sd: float, shift: float) -> Floats:
    """The integral of the distribution function up to `at`."""
    if family == "normal":
        z = (at - mean) / sd
        return np.asarray((at - mean) * special.ndtr(z) + sd * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), np.float64)
    return area_below(at - shift, *parameters(mean - shift, sd, family), family)


def _told(rows: Floats, weights: Floats, family: Shape, shift: float, at: Floats, aic: dict[str, float], pairs: int) -> Delay:
    mean, sd = _moments(at, family, shift)
    covariance = _covariance(at, rows, weights, family, shift)
    reach = 1.959964 * np.sqrt(np.diag(covariance))
    ends = [_moments(at + np.array([sign * reach[0], 0.0]), family, shift)[0] for sign in (-1, 1)]
    told = []
    if pairs < _FEW:
        told.append(f"only {pairs} pairs")
    if not np.isfinite(reach).all() or max(reach) > 2.5:
        told.append("these pairs hardly tell the mean or the spread")
    range_sd = (sd * float(np.exp(-reach[1])), sd * float(np.exp(reach[1])))
    return Delay(family, mean, sd, (ends[0], ends[1]), range_sd, aic, pairs, shift, "; ".join(told), covariance)


def _covariance(at: Floats, rows: Floats, weights: Floats, family: Shape, shift: float) -> Floats:
    """The inverse of the observed information; infinite where the likelihood is flat."""
    step = np.array([1e-3 * max(1.0, abs(at[0])) if family == "normal" else 1e-3, 1e-3])

    def loss(*signs: float) -> float:
        return _loss(at + step * np.array(signs), rows, weights, family, shift)

    cross = (loss(1, 1) - loss(1, -1) - loss(-1, 1) + loss(-1, -1)) / (4 * step[0] * step[1])
    first = (loss(1, 0) - 2 * loss(0, 0) + loss(-1, 0)) / step[0] ** 2
    second = (loss(0, 1) - 2 * loss(0, 0) + loss(0, -1)) / step[1] ** 2
    size = first * second - cross**2
    if not (np.isfinite(size) and size > 1e-9 and first > 0):
        return np.diag([np.inf, np.inf])
    return np.array([[second, -cross], [-cross, first]]) / size
