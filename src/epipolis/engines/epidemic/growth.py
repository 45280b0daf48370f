"""How fast counts grow: the rate of a log-linear Poisson regression over a moving window, and the doubling time."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from epipolis.engines.epidemic.incidences import check_incidence

Floats = NDArray[np.float64]
_PRIOR_SD = 0.5


def growth_rate(incidence: ArrayLike, window: int = 14, *, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Rate, lower and upper limit per step [areas, windows] for counts [days] or [areas, days]; NaN is a missing day.

    Window number n covers the days n … n + `window` - 1. Counts are Poisson with more spread as the window itself shows
    (quasi-likelihood). A weak normal prior with sd 0.5 per day keeps the answer finite where there are hardly any
    cases: without any the rate is 0 and the limits are about -1 and 1, that is to say nothing is known.

    Raises:
        ValueError: the counts break a rule, or the window has fewer than 3 days or more than the series.
    """
    counts = check_incidence(incidence)
    length = counts.filled.shape[1]
    if not 3 <= window <= length:
        raise ValueError(f"a window has {window} days, but must have at least 3 and at most the {length} of the series")
    if not 0 < level < 1:
        raise ValueError(f"the level is {level:g}, but must lie between 0 and 1")
    values = np.lib.stride_tricks.sliding_window_view(counts.local, window, axis=1)
    seen = np.lib.stride_tricks.sliding_window_view(counts.observed, window, axis=1)
    rate, spread = np.empty(values.shape[:2]), np.empty(values.shape[:2])
    for area in range(len(values)):
        rate[area], spread[area] = _fit(values[area], seen[area])
    reach = float(special.ndtri(0.5 + level / 2)) * spread
    return rate, rate - reach, rate + reach


def _fit(values: Floats, seen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Rate and its standard error of each row of days."""
    window = values.shape[1]
    at = np.arange(window) - (window - 1) / 2
    total = values.sum(axis=1)
    moment = values @ at
    rate = np.zeros(len(values))
    information = np.zeros(len(values))
    shares = np.zeros_like(values)
    for _ in range(40):
        shares = np.where(seen, np.exp(np.clip(rate[:, None] * at, -600, 600)), 0.0)
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
        centre = shares @ at
        information = total * np.maximum(shares @ at**2 - centre**2, 0.0) + _PRIOR_SD**-2
        step = np.clip((moment - total * centre - rate / _PRIOR_SD**2) / information, -0.5, 0.5)
        rate += step
        if np.abs(step).max(initial=0.0) < 1e-12:
            break
    expected = total[:, None] * shares
    misses = np.divide((values - expected) ** 2, expected, out=np.zeros_like(values), where=expected > 1e-9)
    freedom = np.maximum(seen.sum(axis=1) - 2, 1)
    excess = np.maximum(misses.sum(axis=1) / freedom, 1.0)
    return rate, np.asarray(1 / np.sqrt((information - _PRIOR_SD**-2) / excess + _PRIOR_SD**-2))


def doubling_time(rate: ArrayLike) -> Floats:
    """Steps until counts have doubled; negative: until they have halved; infinite for a rate of 0."""
    rates = np.asarray(rate, np.float64)
    return np.divide(np.log(2), rates, out=np.full(rates.shape, np.inf), where=rates != 0)
