"""R of small areas that lend each other strength: what all areas show together is the prior of each.

In every window the areas' reproduction numbers are taken as draws of one gamma with mean m and shape α, both learned
from all areas (the counts are then negative binomial with mean mΛ): the gamma-Poisson model of Clayton and Kaldor 1987
(Biometrics 43:671) with ΣΛ in place of the expected deaths. An area with many cases keeps its own R, one with few is
drawn to the common one, and how strongly follows from how much the areas differ. That α and m are themselves uncertain
widens every answer (α by its likelihood over a grid, m by the information about it).
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from epipolis.engines.epidemic.incidences import check_incidence, windows_of
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
SHAPES: Floats = np.geomspace(0.5, 2_000.0, 25)
"""The grid of α: from areas that differ by their whole mean and more to areas that are all alike."""
_SPREAD = 0.5
"""Before any case the relative sd between areas, 1 / sqrt(α), is half-normal with this sd."""
_AT_ONCE = 2_000_000


def pool_r(
    incidence: ArrayLike,
    interval: ArrayLike | UncertainInterval,
    *,
    windows: int | tuple[ArrayLike, ArrayLike] = 7,
    prior: tuple[float, float] = (1.0, 1.0),
    imported: ArrayLike | None = None,
    days: Sequence[date] | None = None,
    areas: Sequence[str] | None = None,
    seed: int = 0,
) -> Reproduction:
    """R of every area, partially pooled; everything else as `estimate_r`. `prior`: mean and sd of the common R.

    With an uncertain interval its mean curve is used. A single area is only held against the `prior`.

    Raises:
        ValueError: as `estimate_r`.
    """
    counts = check_incidence(incidence, imported=imported, days=days, areas=areas)
    a, b = check_prior(prior)
    starts, ends = windows_of(windows, counts.filled.shape[1])
    weights = weights_of(interval, seed)
    cases, forces = window_sums(counts, weights.mean(axis=0), starts, ends)
    mean, variance = np.empty_like(cases), np.empty_like(cases)
    step = max(1, _AT_ONCE // max(1, len(cases) * SHAPES.size))
    for first in range(0, starts.size, step):
        part = slice(first, first + step)
        mean[:, part], variance[:, part] = _pooled(cases[:, part], forces[:, part], a, b)
    shape, scale = mean**2 / variance, variance / mean
    marks = mark_windows(counts, weights, starts, ends, cases, forces, a)
    alone = (marks & NO_DATA) > 0
    if len(cases) == 1:
        shape, scale = np.where(alone, a, shape), np.where(alone, b, scale)
    return Reproduction(starts, ends, shape, scale, cases, marks, counts.names, counts.days)


def _pooled(cases: Floats, forces: Floats, a: float, b: float) -> tuple[Floats, Floats]:
    """Mean and variance of R [areas, windows], over the grid of α weighed by how likely each makes the counts."""
    fitted = [_common(cases, forces, shape, a, b) for shape in SHAPES.tolist()]
    likely = np.stack([part[0] for part in fitted])  # [shapes, windows]
    weights = np.exp(likely - likely.max(axis=0))
    weights /= weights.sum(axis=0)
    first, second = np.zeros_like(cases), np.zeros_like(cases)
    for shape, weight, (_, m, spread) in zip(SHAPES.tolist(), weights, fitted, strict=True):
        rate = shape / m + forces
        each = (shape + cases) / rate
        slope = (shape + cases) * shape / (m * rate) ** 2
        first += weight * each
        second += weight * (each**2 + each / rate + slope**2 * spread)
    return first, np.maximum(second - first**2, 1e-12 * first**2)


def _common(cases: Floats, forces: Floats, shape: float, a: float, b: float) -> tuple[Floats, Floats, Floats]:
    """How likely the counts are at this α, the common mean m, and its variance; each [windows].

    The prior of m is a gamma; its score equation Σ (S - mΛ) / (1 + mΛ / α) + (a - 1) - m / b = 0 is solved by weights.
    """
    m = (cases.sum(axis=0) + a) / (forces.sum(axis=0) + 1 / b)
    for _ in range(30):
        weight = 1 / (1 + m * forces / shape)
        following = ((weight * cases).sum(axis=0) + a) / ((weight * forces).sum(axis=0) + 1 / b)
        done = np.abs(following - m).max(initial=0.0) < 1e-9
        m = following
        if done:
            break
    information = (forces / (m * (1 + m * forces / shape))).sum(axis=0) + a / m**2
    each = special.gammaln(cases + shape) - special.gammaln(shape) - (cases + shape) * np.log1p(m * forces / shape)
    each += special.xlogy(cases, m / shape)  # the powers of Λ are the same for every α
    prior = -1 / (2 * shape * _SPREAD**2) - 0.5 * np.log(shape)  # the grid is even in log α
    likely = each.sum(axis=0) + a * np.log(m) - m / b + prior - 0.5 * np.log(information)
    return likely, m, 1 / information
