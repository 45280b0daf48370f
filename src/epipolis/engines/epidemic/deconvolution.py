"""From the day of onset, report or admission back to the day of infection.

Richardson-Lucy steps as in Goldstein et al. 2009 (PNAS 106:21825): the infections that, each delayed by chance, most
likely gave the counts seen. The steps end when the counts expected fit those seen as well as chance allows; further
steps would only turn noise into waves. What the delay still hides at the end of the series is corrected and told.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from epipolis.engines.epidemic.delays import Delay
from epipolis.engines.epidemic.incidences import check_incidence

Floats = NDArray[np.float64]
_MOST_STEPS = 50
LEAST_SEEN = 0.5
"""A day of which a smaller share can have been reported has no value: what is still to come would be guesswork."""
_WHOLE = 0.95


def deconvolve(counts: ArrayLike, delay: ArrayLike) -> tuple[Floats, Floats]:
    """Infections [areas, days] and the share of each day's that can have been seen by the end [days].

    `counts`: [days] or [areas, days], NaN for a missing day. `delay`: probability of 0, 1, 2, … days from infection to
    count. Days of which less than half can have been seen are NaN: too little is known of them yet.

    Raises:
        ValueError: a negative count, or a delay that is no distribution.
    """
    seen = check_incidence(counts)
    weights = _check_delay(delay)
    length, before = seen.filled.shape[1], weights.size - 1
    lags = np.arange(length)[:, None] - np.arange(-before, length)  # [count, infection]
    kernel = np.where((lags >= 0) & (lags <= before), weights[np.clip(lags, 0, before)], 0.0)
    known = seen.observed.astype(np.float64)
    share = known @ kernel
    infections = _start(seen.filled, weights, before)
    going = np.flatnonzero(seen.local.sum(axis=1) > 0)
    infections[seen.local.sum(axis=1) == 0] = 0.0
    for _ in range(_MOST_STEPS):
        expected = infections[going] @ kernel.T
        misses = np.where(seen.observed[going], (seen.local[going] - expected) ** 2 / np.maximum(expected, 1e-9), 0.0)
        # Days that expect hardly anybody say little of how well the whole fits.
        weighty = seen.observed[going] & (expected > 1e-3)
        fit = np.where(weighty, misses, 0.0).sum(axis=1) / np.maximum(weighty.sum(axis=1), 1)
        going, expected = going[fit > 1], expected[fit > 1]
        if not going.size:
            break
        ratio = np.where(seen.observed[going], seen.local[going] / np.maximum(expected, 1e-9), 0.0)
        back = ratio @ kernel
        infections[going] *= np.divide(back, share[going], out=np.ones_like(back), where=share[going] > 1e-3)
    complete = np.minimum(np.cumsum(weights)[np.minimum(np.arange(length)[::-1], before)], 1.0)
    values = infections[:, before:]
    values[:, complete < LEAST_SEEN] = np.nan
    values[share[:, before:] < LEAST_SEEN] = np.nan
    return values, complete


def _check_delay(delay: ArrayLike) -> Floats:
    weights = np.asarray(delay, np.float64)
    if weights.ndim != 1 or not weights.size or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("the delay must be a list of probabilities, for 0, 1, 2, … days, none of them negative")
    if abs(weights.sum() - 1) > 1e-3:
        raise ValueError(f"the delay sums to {weights.sum():.4f}, but must sum to 1")
    return weights / weights.sum()


def _start(counts: Floats, weights: Floats, before: int) -> Floats:
    """The counts moved back by the mean delay and smoothed over a week; flat where they do not reach."""
    mean = round(float(weights @ np.arange(weights.size)))
    length = counts.shape[1]
    wide = np.pad(counts, ((0, 0), (3, 3)), mode="edge")
    smooth = np.lib.stride_tricks.sliding_window_view(wide, 7, axis=1).mean(axis=2)
    source = np.clip(np.arange(-before, length) + mean, 0, length - 1)
    return np.asarray(np.maximum(smooth[:, source], 0.01), np.float64)


def shift_to_infection(series: pa.Table, delay: Delay | ArrayLike) -> pa.Table:
    """A series (area, day, value) of onsets, reports or admissions as a series of infections.

    Adds `complete`, the share of the infections of the day that can have been seen by the end of the series, and
    `marked`. Every area must have the same step of one day; missing days may be null or left out.

    Raises:
        ValueError: a negative count, a day twice, or a delay that is no distribution; the sentence names area and day.
    """
    names, place = np.unique(np.array(series.column("area").to_pylist(), dtype=str), return_inverse=True)
    numbers = series.column("day").combine_chunks().cast(pa.int32()).to_numpy(zero_copy_only=False)
    if not numbers.size:
        raise ValueError("the series has no rows")
    first = int(numbers.min())
    cell = place * (int(numbers.max()) - first + 1) + numbers - first
    if np.unique(cell).size < cell.size:
        row = int(np.flatnonzero(np.bincount(cell)[cell] > 1)[-1])
        raise ValueError(f"row {row + 1}: area {series.column('area')[row]} has {series.column('day')[row]} twice")
    values = np.full((names.size, int(numbers.max()) - first + 1), np.nan)
    values.flat[cell] = series.column("value").cast(pa.float64()).to_numpy()
    calendar = pa.array(np.arange(first, first + values.shape[1], dtype=np.int32)).cast(pa.date32())
    check_incidence(values, days=calendar.to_pylist(), areas=names.tolist())  # names the area and the day
    infections, complete = deconvolve(values, delay.discretised() if isinstance(delay, Delay) else delay)
    unknown = np.isnan(infections)
    late = np.broadcast_to(complete < _WHOLE, infections.shape)
    kinds = pa.array([None, "partly still to be reported", "too few of them are reported yet"], pa.string())
    words = kinds.take(pa.array(np.maximum(late, 2 * unknown).reshape(-1).astype(np.int32)))
    days = values.shape[1]
    return pa.table(
        {
            "area": pa.array(names.tolist(), pa.string()).take(pa.array(np.repeat(np.arange(names.size), days))),
            "day": calendar.take(pa.array(np.tile(np.arange(days), names.size))),
            "value": pa.array(infections.reshape(-1), from_pandas=True),
            "complete": pa.array(np.tile(complete, names.size)),
            "marked": words,
        }
    )
