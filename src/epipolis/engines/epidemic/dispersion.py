"""How unequally people infect: the dispersion k of secondary cases (Lloyd-Smith et al. 2005, Nature 438:355)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

Floats = NDArray[np.float64]
_RANGE = (np.log(1e-3), np.log(1e4))
MOST = 1e4
"""A k that reaches this far cannot be told from equal infectiousness (Poisson)."""


@dataclass(frozen=True)
class Dispersion:
    """Negative binomial secondary cases: their mean `r` and dispersion `k` with its profile interval `lower`, `upper`.

    The smaller k, the fewer people cause most cases. `upper` is infinite where the counts are no more unequal than
    chance alone would make them. `cases`: people counted, those without secondary cases among them.
    """

    k: float
    lower: float
    upper: float
    r: float
    r_lower: float
    r_upper: float
    cases: int

    def share_causing(self, share: float = 0.8) -> float:
        """The smallest share of all people who together cause this share of the secondary cases.

        As counts come out, luck included: of many people with this r and k (Endo et al. 2020, Wellcome Open Research 5:67).
        """
        if not 0 < share < 1:
            raise ValueError(f"the share is {share:g}, but must lie between 0 and 1")
        counts = np.arange(int(50 + 30 * self.r + 40 * self.r / min(self.k, 1.0)))
        chance = (
            stats.poisson.pmf(counts, self.r)
            if not np.isfinite(self.k)
            else stats.nbinom.pmf(counts, self.k, self.k / (self.r + self.k))
        )
        people = np.cumsum(chance[::-1])[::-1]  # with at least so many secondary cases
        caused = np.cumsum((chance * counts)[::-1])[::-1] / self.r
        most = int(np.flatnonzero(caused >= share * caused[0])[-1])
        above = caused[most + 1] if most + 1 < counts.size else 0.0
        rest = (share * caused[0] - above) * self.r / counts[most]
        return float((people[most + 1] if most + 1 < counts.size else 0.0) + rest)


def estimate_dispersion(secondary_cases: ArrayLike, *, zeros: int = 0, level: float = 0.95) -> Dispersion:
    """Dispersion by maximum likelihood from the number of secondary cases of each person; `zeros` more caused none.

    Whoever counts only those who infected somebody must give the others as `zeros`: without them k comes out far too
    large. The mean of counts is the likeliest r whatever k is, so k alone is searched for; its interval is the profile
    likelihood's.

    Raises:
        ValueError: a count is negative or not whole, or there is nobody or no secondary case at all.
    """
    counts = np.asarray(secondary_cases, np.float64).reshape(-1)
    for row, count in enumerate(counts.tolist()):
        if not (np.isfinite(count) and count >= 0 and count == int(count)):
            raise ValueError(f"row {row + 1} has {count:g} secondary cases, but must have a whole number from 0 on")
    if zeros < 0:
        raise ValueError(f"{zeros} people without secondary cases were given, but there cannot be fewer than none")
    values, times = np.unique(np.concatenate([counts, [0.0]]), return_counts=True)
    times = times.astype(np.float64)
    times[0] += zeros - 1
    people, total = float(times.sum()), float(values @ times)
    if people < 2 or total == 0:
        raise ValueError(f"{people:.0f} people with {total:.0f} secondary cases say nothing of dispersion")
    r = total / people

    def loss(log_k: float) -> float:
        k = float(np.exp(log_k))
        each = special.gammaln(values + k) - special.gammaln(k) + special.xlogy(values, r / (r + k)) - k * np.log1p(r / k)
        return -float(times @ each)

    grid = np.linspace(*_RANGE, 200)
    start = int(np.argmin([loss(at) for at in grid]))
    ends = (grid[max(0, start - 1)], grid[min(grid.size - 1, start + 1)])
    best = float(optimize.minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-10}).x)
    limit = loss(best) + float(special.chdtri(1, 1 - level)) / 2
    lower = _crossing(loss, limit, _RANGE[0], best, falls=True)
    upper = _crossing(loss, limit, best, _RANGE[1], falls=False)
    k = float(np.exp(best))
    k = float("inf") if k > MOST / 2 else k
    spread = np.sqrt((r + r**2 / k) / people)
    near = stats.norm.ppf(0.5 + level / 2) * spread / r
    r_range = (r * float(np.exp(-near)), r * float(np.exp(near)))
    return Dispersion(k, lower, upper, r, *r_range, int(people))


def _crossing(loss: Callable[[float], float], limit: float, low: float, high: float, *, falls: bool) -> float:
    """Where the loss passes the limit between its least and an end of the range; the end where it does not."""
    end = low if falls else high
    if loss(end) <= limit:
        return 0.0 if falls else float("inf")
    return float(np.exp(optimize.brentq(lambda at: loss(at) - limit, low, high, xtol=1e-10)))
