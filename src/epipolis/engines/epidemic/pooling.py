"""R of small areas that lend each other strength: what all areas show together is the prior of each.

The R of an area is a common m of the window times a factor of its own, gamma with mean 1 and shape α: the gamma-Poisson
model of Clayton and Kaldor 1987 (Biometrics 43:671) with ΣΛ in place of the expected deaths. m and α are learned from
all areas, and the factor of an area also from its own days before the window, which count less the longer they are ago
(a power prior, Ibrahim and Chen 2000, Statistical Science 15:46); how much less is what foretells the counts best. So
an area in which the epidemic keeps dying out is not taken for one like the others. An area with many cases keeps its own
R, one with few is drawn to the common one. That m and α are themselves uncertain widens every answer: m by the
information about it, α by its likelihood over a grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from epipolis.engines.epidemic.incidences import Negative, check_incidence, windows_of
from epipolis.engines.epidemic.intervals import UncertainInterval
from epipolis.engines.epidemic.reproduction import (
    NO_DATA,
    Reproduction,
    check_prior,
    mark_windows,
    weights_of,
    window_sums,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SHAPES: Floats = np.geomspace(0.5, 2_000.0, 19)
"""The grid of α: from areas that differ by their whole mean and more to areas that are all alike."""
_SPREAD = 0.5
"""Before any case the relative sd between areas, 1 / sqrt(α), is half-normal with this sd."""
MEMORIES = ((0, 0.0), *((days, weight) for days in (14, 56, 224) for weight in (0.03, 0.1, 0.3, 1.0) if days * weight != 14))
"""Half-life in days of what an area showed before, and how much it counts beside what it shows now; at first nothing.

What fades within weeks never counts in full: it fades because the area changes, so it is no second look at the same R.
"""
_JUDGED = 24
"""How many windows, evenly over the series, choose the memory."""
_AT_ONCE = 200_000


def pool_r(
    incidence: ArrayLike,
    interval: ArrayLike | UncertainInterval,
    *,
    windows: int | tuple[ArrayLike, ArrayLike] = 7,
    prior: tuple[float, float] = (1.0, 1.0),
    imported: ArrayLike | None = None,
    days: Sequence[date] | None = None,
    areas: Sequence[str] | None = None,
    negative: Negative = "refuse",
    seed: int = 0,
) -> Reproduction:
    """R of every area, partially pooled; everything else as `estimate_r`. `prior`: mean and sd of the common R.

    Its 95 % intervals hold about 95 of 100 times where areas differ steadily, and about 90 where the R of areas drifts within
    a window or two: what is remembered of an area, and the α of earlier windows, then say more than they should. Where that
    matters, take the wider `estimate_r` of the area by itself.

    With an uncertain interval its mean curve is used. A single area is only held against the `prior`.

    Raises:
        ValueError: as `estimate_r`.
    """
    counts = check_incidence(incidence, imported=imported, days=days, areas=areas, negative=negative)
    a, b = check_prior(prior)
    starts, ends = windows_of(windows, counts.filled.shape[1])
    weights = weights_of(interval, seed)
    average = weights.mean(axis=0)
    cases, forces = window_sums(counts, average, starts, ends)
    every = np.arange(1, counts.filled.shape[1])
    days_own = window_sums(counts, average, every, every)
    mean, variance = _pool(cases, forces, days_own, starts, ends, (a, b), several=isinstance(windows, int))
    shape, scale = mean**2 / variance, variance / mean
    marks = mark_windows(counts, weights, starts, ends, cases, forces, a)
    if len(cases) == 1:
        alone = (marks & NO_DATA) > 0
        shape, scale = np.where(alone, a, shape), np.where(alone, b, scale)
    return Reproduction(starts, ends, shape, scale, cases, marks, counts.names, counts.days)


@dataclass(frozen=True, eq=False)
class _Known:
    """What one choice of memory knows: cases and expected cases of each area before each window [areas, windows]."""

    cases: Floats
    forces: Floats
    past_cases: Floats
    past_expected: Floats
    prior: tuple[float, float]

    def part(self, windows: slice | Ints) -> "_Known":
        cases, forces = self.cases[:, windows], self.forces[:, windows]
        return _Known(cases, forces, self.past_cases[:, windows], self.past_expected[:, windows], self.prior)


def _pool(
    cases: Floats, forces: Floats, days_own: tuple[Floats, Floats], starts: Ints, ends: Ints,
    prior: tuple[float, float], *, several: bool,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Mean and variance of R [areas, windows]."""
    none = np.zeros_like(cases)
    plain = _Known(cases, forces, none, none, prior)
    likely, common, _ = _fit(plain)
    order = np.argsort(ends, kind="stable")
    of_day = order[np.minimum(np.searchsorted(ends[order], np.arange(1, days_own[0].shape[1] + 1)), ends.size - 1)]
    chance = np.exp(likely - likely.max(axis=0))
    m = (chance * common).sum(axis=0) / chance.sum(axis=0)
    length = float(np.mean(ends + 1 - starts))
    thin = np.arange(0, ends.size, max(1, int(length), ends.size // _JUDGED))
    best, highest = plain, -np.inf
    for memory, weight in MEMORIES:
        kept = 0.5 ** (1 / memory) if memory else 0.0
        past_cases, past_expected = _past(days_own, m[of_day], kept, starts)
        known = _Known(cases, forces, weight * past_cases, weight * past_expected, prior)
        total = _fit(known.part(thin))[0].sum(axis=1)
        evidence = float(total.max() + np.log(np.exp(total - total.max()).sum()))
        if evidence > highest:
            best, highest = known, evidence
    likely, common, spread = _fit(best)
    if several:  # windows overlap: each adds its own day to what is known of α
        likely = np.cumsum(likely, axis=1) / length + likely * (1 - 1 / length)
    return _posterior(best, np.exp(likely - likely.max(axis=0)), common, spread)


def _past(days_own: tuple[Floats, Floats], common: Floats, kept: float, starts: Ints) -> tuple[Floats, Floats]:
    """Cases, and cases expected at the common R, of the days before each window; a day less counts `kept` of the next."""
    found = []
    for values in (days_own[0], days_own[1] * common):
        running, before = np.zeros(len(values)), np.zeros((len(values), values.shape[1] + 2))
        for day in range(values.shape[1]):  # column d of the daily sums is day d + 1 of the series
            running = kept * (running + values[:, day])
            before[:, day + 2] = running
        found.append(before[:, starts])
    return found[0], found[1]


def _fit(known: _Known) -> tuple[Floats, Floats, Floats]:
    """For each α of the grid how likely it makes the counts, the common m and its variance [shapes, windows]."""
    areas, windows = known.cases.shape
    found = np.empty((3, SHAPES.size, windows))
    step = max(1, _AT_ONCE // max(1, areas))
    for first in range(0, windows, step):
        part = known.part(slice(first, first + step))
        for number, shape in enumerate(SHAPES.tolist()):
            found[:, number, first : first + step] = _common(part, shape)
    return found[0], found[1], found[2]


def _common(known: _Known, shape: float) -> tuple[Floats, Floats, Floats]:
    """How likely the counts are at this α, the common m, and its variance; each [windows].

    The prior of m is a gamma; its score equation Σ (S - mE) / (1 + mE / k) + (a - 1) - m / b = 0 is solved by weights.
    """
    a, b = known.prior
    own, rate = shape + known.past_cases, shape + known.past_expected
    expected = known.forces * own / rate
    reach = known.forces / rate
    m = (known.cases.sum(axis=0) + a) / (expected.sum(axis=0) + 1 / b)
    for _ in range(30):
        weight = 1 / (1 + m * reach)
        following = ((weight * known.cases).sum(axis=0) + a) / ((weight * expected).sum(axis=0) + 1 / b)
        done = np.abs(following / m - 1).max(initial=0.0) < 1e-6
        m = following
        if done:
            break
    information = (expected / (m * (1 + m * reach))).sum(axis=0) + a / m**2
    each = special.gammaln(known.cases + own) - special.gammaln(own) - (known.cases + own) * np.log1p(m * reach)
    each += known.cases * np.log(m / rate)  # the powers of Λ are the same for every α and memory
    prior = -1 / (2 * shape * _SPREAD**2) - 0.5 * np.log(shape)  # the grid is even in log α
    likely = each.sum(axis=0) + a * np.log(m) - m / b + prior - 0.5 * np.log(information)
    return likely, m, 1 / information


def _posterior(known: _Known, chance: Floats, common: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of R [areas, windows] over the grid of α, each weighed by its chance [shapes, windows]."""
    chance = chance / chance.sum(axis=0)
    first, second = np.zeros_like(known.cases), np.zeros_like(known.cases)
    for number in np.flatnonzero(chance.max(axis=1) > 1e-6):
        m, weight = common[number], chance[number]
        own, rate = SHAPES[number] + known.past_cases + known.cases, SHAPES[number] + known.past_expected
        below = rate + m * known.forces
        each = m * own / below
        slope = own * rate / below**2
        first += weight * each
        second += weight * (each**2 + each * m / below + slope**2 * spread[number])
    return first, np.maximum(second - first**2, 1e-12 * first**2)
