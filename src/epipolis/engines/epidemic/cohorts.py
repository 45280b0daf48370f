"""The cohort reproduction number of Wallinga and Teunis 2004 (American Journal of Epidemiology 160:509).

Each case of day t was infected by a case of day s with a probability in proportion to w(t - s). The cohort R of day s
is the number of cases that a case of that day is expected to have infected; it looks forward, so the last days, whose
own infections have not all been seen, come out too low and are marked. Equals EpiEstim 2.2 in its means.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from epipolis.engines.epidemic.incidences import Incidence, check_incidence, windows_of
from epipolis.engines.epidemic.intervals import check_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_WHOLE = 0.95
_WORDS = ("no cases", "cases they infect are still to come", "days missing")


@dataclass(frozen=True, eq=False)
class CohortR:
    """R of those who fell ill in each window.

    `mean`, `sd`, `cases`, `complete` [areas, windows]; `draws` [draws, areas, windows]. `complete`: the share of the
    infections by these cases that can have been seen by the end of the series. No cases: mean 0, complete 0.
    """

    starts: Ints
    ends: Ints
    mean: Floats
    draws: Floats
    cases: Floats
    complete: Floats
    gaps: NDArray[np.bool_]
    areas: tuple[str, ...]
    days: tuple[date, ...] | None

    @property
    def sd(self) -> Floats:
        """Spread over the drawn chains of infection [areas, windows]."""
        return np.asarray(self.draws.std(axis=0, ddof=1) if len(self.draws) > 1 else np.zeros_like(self.mean))

    def quantiles(self, levels: ArrayLike) -> Floats:
        """Quantiles over the drawn chains of infection [areas, windows, levels]; there must be draws."""
        if not len(self.draws):
            raise ValueError("no chains of infection were drawn; ask for some with draws=")
        return np.moveaxis(np.quantile(self.draws, np.atleast_1d(np.asarray(levels, np.float64)), axis=0), 0, -1)

    def table(self, levels: Sequence[float] = (0.025, 0.975)) -> pa.Table:
        """One row per area and window: area, first_day, day, cases, mean, a column per level, complete, marked."""
        windows = self.starts.size
        columns: dict[str, pa.Array] = {
            "area": pa.array(np.repeat(np.array(self.areas, dtype=object), windows).tolist(), pa.string()),
            "first_day": self._days(self.starts),
            "day": self._days(self.ends),
            "cases": pa.array(self.cases.reshape(-1)),
            "mean": pa.array(self.mean.reshape(-1)),
        }
        if len(self.draws):
            values = self.quantiles(levels).reshape(-1, len(levels))
            columns |= {f"q{100 * level:g}": pa.array(values[:, number]) for number, level in enumerate(levels)}
        return pa.table(columns | {"complete": pa.array(self.complete.reshape(-1)), "marked": self.marked()})

    def marked(self) -> pa.Array:
        """What to know about each window in words; null where there is nothing."""
        flags = (self.cases == 0, (self.cases > 0) & (self.complete < _WHOLE), self.gaps)
        rows = np.stack([flag.reshape(-1) for flag in flags], axis=1)
        texts = ["; ".join(word for word, on in zip(_WORDS, row, strict=True) if on) or None for row in rows.tolist()]
        return pa.array(texts, pa.string())

    def _days(self, positions: Ints) -> pa.Array:
        where = np.tile(positions, len(self.areas))
        return pa.array(where + 1) if self.days is None else pa.array(self.days, pa.date32()).take(pa.array(where))


def cohort_r(
    incidence: ArrayLike,
    interval: ArrayLike,
    *,
    windows: int | tuple[ArrayLike, ArrayLike] = 7,
    days: Sequence[date] | None = None,
    areas: Sequence[str] | None = None,
    draws: int = 0,
    seed: int = 0,
) -> CohortR:
    """R by cohort for counts [days] or [areas, days]; NaN is a day without a value.

    `interval`: probability of lag 0, 1, … days. `draws`: how many times to draw who infected whom, for the quantiles;
    counts are then rounded to whole cases.

    Raises:
        ValueError: the counts, the interval or the windows break a rule; the sentence names it.
    """
    counts = check_incidence(incidence, days=days, areas=areas)
    weights = check_interval(interval)
    length = counts.filled.shape[1]
    starts, ends = windows_of(windows, length)
    if draws < 0:
        raise ValueError(f"draws is {draws}, but cannot be negative")
    lags = np.subtract.outer(np.arange(length), np.arange(length))  # [infected, source]
    pairs = np.where((lags > 0) & (lags < weights.size), weights[np.clip(lags, 0, weights.size - 1)], 0.0)
    member = ((np.arange(length)[:, None] >= starts) & (np.arange(length)[:, None] <= ends)).astype(float)
    known = np.where(counts.observed, counts.filled, 0.0)
    cases = known @ member
    tail = np.cumsum(weights)[np.minimum(length - 1 - np.arange(length), weights.size - 1)] / weights.sum()
    complete = np.divide((known * tail) @ member, cases, out=np.zeros_like(cases), where=cases > 0)
    infected = _infected_by(counts.filled, pairs) * counts.observed
    mean = np.divide(infected @ member, cases, out=np.zeros_like(cases), where=cases > 0)
    drawn = _draw(counts, pairs, member, draws, seed)
    gaps = (~counts.observed).astype(float) @ member > 0
    return CohortR(starts, ends, mean, drawn, cases, complete, gaps, counts.names, counts.days)


def _infected_by(counts: Floats, pairs: Floats) -> Floats:
    """How many the cases of each day infect in all [areas, days]."""
    forces = counts @ pairs.T
    share = np.divide(counts, forces, out=np.zeros_like(counts), where=forces > 0)
    return np.asarray(counts * (share @ pairs), np.float64)


def _draw(counts: Incidence, pairs: Floats, member: Floats, draws: int, seed: int) -> Floats:
    """R of the windows [draws, areas, windows], each from one drawn set of chains."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros((draws, len(counts.names), member.shape[1]))
    if not draws:
        return drawn
    for area in range(len(counts.names)):
        whole = np.rint(counts.filled[area])
        known = whole * counts.observed[area]
        infected = np.zeros((draws, whole.size))
        for day in np.flatnonzero(whole):
            sources = whole * pairs[day]
            total = sources.sum()
            if total > 0:
                infected += rng.multinomial(int(whole[day]), sources / total, size=draws)
        cases = known @ member
        total_infected = (infected * counts.observed[area]) @ member
        drawn[:, area] = np.divide(total_infected, cases, out=np.zeros_like(total_infected), where=cases > 0)
    return drawn
