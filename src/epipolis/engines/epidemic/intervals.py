"""Serial and generation intervals as probabilities by whole days: lag 0, 1, 2, …"""

from dataclasses import dataclass
from math import exp, lgamma, log, log1p
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
Family = Literal["gamma", "lognormal", "weibull"]
_TOLERANCE = 1e-3
_LONGEST = 1_000


def discretise(mean: float, sd: float, *, longest: int | None = None, family: Family = "gamma", shift: float = 1.0) -> Floats:
    """Probability of each lag 0 … `longest` days for an interval of this mean and sd (days).

    Two events, each at any moment of its day, the later one `shift` days or more behind the earlier: the interval less
    the shift is of the `family`. With a gamma and a shift of one day this is the `discr_si` of Cori et al. 2013
    (American Journal of Epidemiology 178:1505, web appendix 11). Without `longest` lags go on until less than 1e-12 of
    the probability is left. With `longest` what lies beyond it is left out and nothing is rescaled, as there.

    Raises:
        ValueError: the mean is not above the shift, or the sd is not positive.
    """
    if not np.isfinite(mean) or mean <= shift:
        raise ValueError(f"the mean interval is {mean:g} days, but must be above {shift:g}")
    if not np.isfinite(sd) or sd <= 0:
        raise ValueError(f"the sd of the interval is {sd:g} days, but must be above 0")
    if longest is not None and longest < 1:
        raise ValueError(f"the longest lag is {longest}, but must be at least 1 day")
    last = longest if longest is not None else int(min(_LONGEST, np.ceil(mean + 60 * sd)))
    edges = np.arange(-1, last + 2, dtype=np.float64) - np.float64(shift)
    area = area_below(edges, *parameters(mean - shift, sd, family), family)
    weights = np.maximum(area[2:] - 2 * area[1:-1] + area[:-2], 0.0)
    if longest is None:
        if weights.sum() < 0.999:
            raise ValueError(f"an interval with mean {mean:g} and sd {sd:g} goes on beyond {last:,} days; give the longest lag")
        weights = weights[: int(np.flatnonzero(np.cumsum(weights[::-1])[::-1] > 1e-12)[-1]) + 1]
        weights = weights / weights.sum()
    return weights


def parameters(mean: float, sd: float, family: Family) -> tuple[float, float]:
    """Shape and scale of a gamma or Weibull, log-mean and log-sd of a log-normal, of this mean and sd."""
    if family == "gamma":
        return (mean / sd) ** 2, sd**2 / mean
    if family == "lognormal":
        spread = np.sqrt(np.log1p((sd / mean) ** 2))
        return float(np.log(mean) - spread**2 / 2), float(spread)
    low, high, wanted = log(0.05), log(500.0), log1p((sd / mean) ** 2)  # the ratio of sd to mean falls as the shape grows
    for _ in range(60):
        middle = (low + high) / 2
        if lgamma(1 + 2 / exp(middle)) - 2 * lgamma(1 + 1 / exp(middle)) > wanted:
            low = middle
        else:
            high = middle
    shape = exp(low)
    return shape, float(mean / special.gamma(1 + 1 / shape))


def area_below(at: Floats, first: float, second: float, family: Family) -> Floats:
    """The integral of the distribution function from 0 to `at`; 0 below 0."""
    x = np.maximum(at, 0.0)
    if family == "gamma":
        below, part = special.gammainc(first, x / second), special.gammainc(first + 1, x / second)
        mean = first * second
    elif family == "lognormal":
        with np.errstate(divide="ignore"):
            z = (np.log(x) - first) / second
        below, part, mean = special.ndtr(z), special.ndtr(z - second), np.exp(first + second**2 / 2)
    else:
        power = (x / second) ** first
        below, part = -np.expm1(-power), special.gammainc(1 + 1 / first, power)
        mean = second * special.gamma(1 + 1 / first)
    return np.asarray(x * below - mean * part, np.float64)


def check_interval(weights: ArrayLike) -> Floats:
    """The weights as numbers: the probability of lag 0, 1, 2, … days.

    A sum within 0.001 of one is taken as it is, as printed tables are rounded.

    Raises:
        ValueError: no numbers, negative, mass at lag 0, or they do not sum to one.
    """
    numbers = np.ascontiguousarray(np.asarray(weights, np.float64))
    if numbers.ndim != 1 or numbers.size < 2:
        raise ValueError("the serial interval must be a list of at least two probabilities, for lag 0, 1, … days")
    if not np.isfinite(numbers).all():
        raise ValueError(f"the serial interval has no number at lag {int(np.flatnonzero(~np.isfinite(numbers))[0])}")
    if (numbers < 0).any():
        lag = int(np.flatnonzero(numbers < 0)[0])
        raise ValueError(f"the serial interval is {numbers[lag]:g} at lag {lag}, but no probability is below 0")
    if numbers[0] != 0:
        raise ValueError(
            f"the serial interval has {numbers[0]:g} at lag 0, but must have 0: nobody is the source of a case of their own day"
        )
    if abs(numbers.sum() - 1) > _TOLERANCE:
        raise ValueError(f"the serial interval sums to {numbers.sum():.4f}, but must sum to 1")
    return numbers


def mean_interval(weights: Floats) -> float:
    """Days from a case to those it infects, on average."""
    return float(weights @ np.arange(weights.size))


@dataclass(frozen=True)
class UncertainInterval:
    """A serial interval whose mean and sd (days) are themselves uncertain: normal, cut to their ranges.

    `draws` pairs of mean and sd are drawn, each pair with the sd below the mean (Cori et al. 2013).
    """

    mean: float
    mean_sd: float
    mean_range: tuple[float, float]
    sd: float
    sd_sd: float
    sd_range: tuple[float, float]
    draws: int = 200

    def __post_init__(self) -> None:
        for name, centre, (low, high) in (("mean", self.mean, self.mean_range), ("sd", self.sd, self.sd_range)):
            if not low <= centre <= high:
                raise ValueError(f"the {name} of the interval is {centre:g}, but its range is {low:g} to {high:g}")
        if self.mean_range[0] <= 1:
            raise ValueError(f"the range of the mean begins at {self.mean_range[0]:g}, but must begin above 1 day")
        if self.sd_range[0] <= 0 or self.mean_sd < 0 or self.sd_sd < 0:
            raise ValueError("the range of the sd must begin above 0, and neither uncertainty may be negative")
        if self.sd_range[0] >= self.mean_range[1]:
            raise ValueError("every sd of the range is above every mean of its range")
        if self.draws < 1:
            raise ValueError(f"draws is {self.draws}, but must be at least 1")

    def weights(self, seed: int, *, longest: int | None = None) -> Floats:
        """Intervals [draws, lags], each of one drawn mean and sd."""
        rng = np.random.default_rng(seed)
        drawn = [self._pair(rng) for _ in range(self.draws)]
        rows = [discretise(mean, sd, longest=longest) for mean, sd in drawn]
        table = np.zeros((self.draws, max(row.size for row in rows)))
        for position, row in enumerate(rows):
            table[position, : row.size] = row
        return table

    def _pair(self, rng: np.random.Generator) -> tuple[float, float]:
        mean = _cut_normal(rng, self.mean, self.mean_sd, self.mean_range)
        for _ in range(1_000):
            sd = _cut_normal(rng, self.sd, self.sd_sd, self.sd_range)
            if sd < mean:
                return mean, sd
            mean = _cut_normal(rng, self.mean, self.mean_sd, self.mean_range)
        raise ValueError("no sd below the mean can be drawn from these ranges")


def _cut_normal(rng: np.random.Generator, centre: float, spread: float, within: tuple[float, float]) -> float:
    if spread == 0:
        return centre
    low, high = special.ndtr((np.array(within) - centre) / spread)
    drawn: Any = special.ndtri(low + (high - low) * rng.random())
    return float(np.clip(centre + spread * drawn, *within))
