"""How long people stay, and what admissions become in beds in use."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LONGEST = 120
"""Days after which nobody is counted any more."""


def occupancy_from(admissions: Floats, stay: "Stay", *, already: Floats | float = 0.0, share: float = 1.0) -> Floats:
    """Beds in use at the end of each day.

    Args:
        admissions: people admitted a day [days] or [areas, days]; NaN counts as none.
        stay: how long they stay; who comes and goes on one day is in no bed at its end.
        already: people in bed before the first day ([areas] or one number), who leave as a group in equilibrium does.
        share: of those admitted that need this kind of bed.

    Raises:
        ValueError: an admission is negative, or the share is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share is {share}, but must lie between 0 and 1")
    flows = np.nan_to_num(np.atleast_2d(np.asarray(admissions, float)))
    if (flows < 0).any():
        area, day = np.argwhere(flows < 0)[0]
        raise ValueError(
            f"area {area + 1} has {flows[area, day]:g} admissions on day {day + 1}, but there cannot be fewer than none"
        )
    days = flows.shape[1]
    remaining = stay.remaining[:days]
    size = 1 << int(np.ceil(np.log2(max(2, days + len(remaining)))))
    beds = np.fft.irfft(np.fft.rfft(flows, size) * np.fft.rfft(remaining, size), size)[:, :days] * share
    beds = np.maximum(beds, 0.0) + np.atleast_1d(np.asarray(already, float))[:, None] * stay.leaving(days)
    return beds if np.ndim(admissions) == 2 else beds[0]


def fit_stay(admissions: Floats, occupancy: Floats) -> "Stay":
    """The stay (gamma; mean and sd in days) with which admissions give the beds in use, by least squares of square roots.

    Args:
        admissions, occupancy: [days] or [areas, days], of the same days; NaN where unknown. The first third of the days only
            fills the beds.

    Raises:
        ValueError: the shapes differ, or there are fewer than 20 days with both.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 -- heavy, and only fitting needs it

    flows, beds = np.atleast_2d(np.asarray(admissions, float)), np.atleast_2d(np.asarray(occupancy, float))
    if flows.shape != beds.shape:
        raise ValueError(f"admissions have the shape {flows.shape}, occupancy {beds.shape}")
    use = ~np.isnan(beds) & ~np.isnan(flows)
    use[:, : beds.shape[1] // 3] = False
    if use.sum() < 20:
        raise ValueError("fewer than 20 days have both admissions and occupancy after the first third")
    roots = np.sqrt(np.maximum(beds, 0.0))
    start = np.nan_to_num(beds[:, 0])

    def loss(logs: Floats) -> float:
        stay = Stay(float(np.exp(logs[0])), float(np.exp(logs[1])))
        expected = occupancy_from(np.maximum(flows, 0.0), stay, already=start)
        return float(((np.sqrt(expected) - roots)[use] ** 2).sum())

    best = minimize(loss, np.log([8.0, 6.0]), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6, "maxiter": 400})
    mean, sd = np.exp(best.x)
    return Stay(float(mean), float(sd))


@dataclass(frozen=True)
class Stay:
    """A gamma-distributed stay.

    Attributes:
        mean, sd: in days.

    Raises:
        ValueError: a number is not above zero.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not (self.mean > 0 and self.sd > 0 and np.isfinite(self.sd)):
            raise ValueError(f"a stay of mean {self.mean} and sd {self.sd} days: both must be above zero")

    @cached_property
    def remaining(self) -> Floats:
        """The share still in bed at the end of the day of admission and of each day after it."""
        from scipy.special import gammaincc  # noqa: PLC0415 -- heavy, and only stays need it

        shape = (self.mean / self.sd) ** 2
        return np.asarray(gammaincc(shape, (np.arange(LONGEST) + 0.5) * self.mean / self.sd**2))

    def leaving(self, days: int) -> Floats:
        """The share of those in bed in a steady state who are still there at the end of the next days."""
        tail = np.cumsum(self.remaining[::-1])[::-1]
        share = np.zeros(days)
        count = min(days, LONGEST - 1)
        share[:count] = tail[1 : count + 1] / max(tail[0], 1e-12)
        return share
