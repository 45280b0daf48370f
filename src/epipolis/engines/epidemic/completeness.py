"""How complete the count of a day is, by its delay and the weekdays still to come.

Worked backwards from the longest delay: of all that is known by delay j, which share came on that very day. Such reverse
hazards can be read from days whose reporting is not over (Lagakos, Barraj & De Gruttola 1988), recent reports weigh more,
the weekday of the report multiplies them, and small strata lean on all strata together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.epidemic.triangles import Triangle, changes
from epipolis.engines.epidemic.units import Floats, Ints

WEEK = 7


@dataclass(frozen=True)
class Memory:
    """How fast the past is forgotten (half-lives in days) and how much small numbers lean on large ones (in events)."""

    reports: float = 14.0
    weekdays: float = 35.0
    lean_stratum: float = 100.0
    lean_weekday: float = 30.0
    lean_none: float = 30.0
    smooth_from: int = 7
    most: float = 0.97


@dataclass(frozen=True, eq=False)
class Completeness:
    """`logs` [strata, weekday of the event, delay]: log of the share still without the reports of each delay;
    `keep` [strata, delay]: share of the known that later corrections leave."""

    logs: NDArray[np.float32]
    keep: Floats
    weekday: int  # of the first report day, Monday is 0

    def rows(self, report: int, delays: Ints) -> Ints:
        """The weekdays of the events that are `delays` old on a report day."""
        return np.asarray((self.weekday + report - delays) % WEEK, np.int64)

    def growth(self, report: int, delays: Ints, until: Ints) -> Floats:
        """By what factor the known at each delay grows until another delay [strata, delays]; without corrections."""
        rows = self.rows(report, delays)
        return np.asarray(np.exp(np.float64(self.logs[:, rows, until + 1]) - self.logs[:, rows, delays + 1]), np.float64)

    def share(self, report: int, delays: Ints) -> Floats:
        """Which share of the final count is known [strata, delays]."""
        return np.asarray(np.exp(np.float64(self.logs[:, self.rows(report, delays), delays + 1])), np.float64)


def completeness(triangle: Triangle, memory: Memory, since: int = 0) -> list[Completeness]:
    """The completeness as it was known on each report day from `since` on; each from its past alone."""
    gains, losses = changes(triangle.known)
    found = []
    strata, days, delays = triangle.known.shape
    weekday = triangle.first.weekday()
    new, all_known, lost = (np.zeros((strata, delays)) for _ in range(3))
    weekly_new, weekly_expected = np.zeros((WEEK, delays)), np.zeros((WEEK, delays))
    fade, fade_weekday = 0.5 ** (1 / memory.reports), 0.5 ** (1 / memory.weekdays)
    begin = int(np.argmax(triangle.published))
    gains[:, : begin + 1, 1:] = 0  # what had gathered before the first report tells nothing of delays
    for day in range(days):
        new = new * fade + gains[:, day]
        all_known = all_known * fade + triangle.known[:, day]
        lost = lost * fade + losses[:, day]
        hazard = _hazards(new, all_known, memory)
        weekly_new *= fade_weekday
        weekly_expected *= fade_weekday
        today = (weekday + day) % WEEK
        weekly_new[today] += gains[:, day].sum(axis=0)
        weekly_expected[today] += (hazard * triangle.known[:, day]).sum(axis=0)
        if day >= since:
            factor = _weekday_factors(weekly_new, weekly_expected, memory)
            keep = 1 - np.minimum(lost / np.maximum(all_known + lost, 1.0), 0.5)
            found.append(Completeness(_logs(hazard, factor, memory), _after(keep), weekday))
    return found


def _hazards(new: Floats, known: Floats, memory: Memory) -> Floats:
    """[strata, delays] the share of the known by a delay that came on it."""
    smooth_new, smooth_known = _smooth(new, memory), _smooth(known, memory)
    whole_new, whole_known = smooth_new.sum(axis=0), smooth_known.sum(axis=0)
    pooled = whole_new / (whole_known + memory.lean_none)  # as if so many had been waited for in vain
    seen = np.flatnonzero(whole_known >= 1)
    if len(seen) and seen[-1] < len(pooled) - 1:  # delays longer than the history: each half as long ago counts half
        last = int(seen[-1])
        pooled[last + 1 :] = pooled[last] * 0.5 ** (np.arange(1, len(pooled) - last) / max(last, 1))
    lean = memory.lean_stratum
    return np.asarray(np.minimum((smooth_new + lean * pooled) / (smooth_known + lean), memory.most), np.float64)


def _smooth(values: Floats, memory: Memory) -> Floats:
    """Sums over neighbouring delays, wider for longer ones; the first days stand alone."""
    delays = values.shape[1]
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    place = np.arange(delays)
    width = np.where(place < memory.smooth_from, 0, np.maximum(1, place // 6))
    low = np.maximum(place - width, np.minimum(place, memory.smooth_from))
    high = np.minimum(place + width, delays - 1) + 1
    return np.asarray((sums[:, high] - sums[:, low]) / (high - low), np.float64)


def _weekday_factors(new: Floats, expected: Floats, memory: Memory) -> Floats:
    """[weekdays, delays]: how a report's weekday multiplies the hazard; one for each of the first days, one for all later."""
    lean, early = memory.lean_weekday, min(WEEK, new.shape[1])
    factor = np.ones_like(new)
    late = (new[:, early:].sum(axis=1) + lean) / (expected[:, early:].sum(axis=1) + lean)
    factor[:, early:] = late[:, None]
    if early > 1:
        common = (new[:, 1:early].sum(axis=1) + lean) / (expected[:, 1:early].sum(axis=1) + lean)
        factor[:, 1:early] = (new[:, 1:early] + lean * common[:, None]) / (expected[:, 1:early] + lean)
    return factor


def _logs(hazard: Floats, factor: Floats, memory: Memory) -> NDArray[np.float32]:
    """[strata, weekday of the event, delays + 1]: log of the product of (1 - hazard) over this delay and all later."""
    delays = hazard.shape[1]
    report = (np.arange(WEEK)[:, None] + np.arange(delays)[None, :]) % WEEK
    by_event = factor[report, np.arange(delays)]
    logs = np.log1p(-np.minimum(hazard[:, None, :] * by_event[None], memory.most))
    result = np.zeros((len(hazard), WEEK, delays + 1), np.float32)  # one for each day replayed is held at once
    result[:, :, :delays] = np.cumsum(logs[:, :, ::-1], axis=2)[:, :, ::-1]
    return result


def _after(keep: Floats) -> Floats:
    """The product over all later delays."""
    logs = np.log(keep)
    result = np.zeros_like(keep)
    result[:, :-1] = np.cumsum(logs[:, :0:-1], axis=1)[:, ::-1]
    return np.asarray(np.exp(result), np.float64)
