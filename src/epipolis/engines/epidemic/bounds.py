"""The highest counts that are no alarm: whole numbers, so that a count above one is an alarm and no other is."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.epidemic import aberrations
from epipolis.engines.epidemic.expectations import Expectation

Floats = NDArray[np.float64]
_TURNS = 60


def highest_quiet(limits: Floats, expected: Expectation, *, middle: bool, first: int = 0) -> Floats:
    """The highest count whose normal score does not pass its limit [areas, steps]; -1 where no count is so low.

    Args:
        limits: normal scores [areas, steps].
        middle: as in `aberrations.normal_scores`.
        first: steps before it are left out.

    Returns:
        NaN where nothing is expected or the limit is infinite: no count is an alarm.
    """
    found = np.full(limits.shape, np.nan)
    part = np.zeros(limits.shape, bool)
    part[:, first:] = True
    part &= np.isfinite(limits) & np.isfinite(expected.mean)
    own = Expectation(expected.mean[part], expected.variance[part])

    def score(counts: Floats, at: NDArray[np.int64]) -> Floats:
        these = Expectation(own.mean[at], own.variance[at])
        return aberrations.normal_scores(counts, these, middle=middle)

    start = aberrations.count_at(limits[part], own)
    found[part] = _settled(np.floor(start), limits[part], score)
    return found


def _settled(counts: Floats, limits: Floats, score: Callable[[Floats, NDArray[np.int64]], Floats]) -> Floats:
    """Move each count until it is within its limit and the next is not."""
    left = np.arange(len(counts))
    for _ in range(_TURNS):
        if not len(left):
            break
        here, after = score(counts[left], left), score(counts[left] + 1, left)
        limit = limits[left]
        down, up = (here > limit) & (counts[left] >= 0), after <= limit
        shift = (limit - here) / np.maximum(after - here, 1e-6)
        move = np.where(down, np.minimum(np.floor(shift), -1), np.where(up, np.maximum(np.floor(shift), 1), 0))
        span = np.maximum(counts[left], 20.0)
        counts[left] = np.maximum(counts[left] + np.clip(move, -span, span), -1)
        left = left[move != 0]
    return counts


def below_roots(roots: Floats) -> Floats:
    """The highest whole number whose `aberrations.roots_of` is not above; -1 where not even that of 0 is."""
    found: Floats = np.floor(aberrations.counts_of_roots(roots))
    found = np.where(aberrations.roots_of(found + 1) <= roots, found + 1, found)
    found = np.where(aberrations.roots_of(found) > roots, found - 1, found)
    return np.where(np.isnan(roots), np.nan, np.maximum(found, -1))
