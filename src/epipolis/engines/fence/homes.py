"""Where somebody stays, and which of these places is home: from a track of fixes alone.

Stays by distance and time after Li, Zheng, Xie, Chen, Liu and Ma 2008 (Mining user similarity based on location history,
ACM GIS): a run of fixes within `roam` of its first one that lasts at least `least`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from epipolis.engines.compiled import compiled
from epipolis.engines.fence.fences import metres_between
from epipolis.engines.fence.kernel import plane

Array = NDArray[Any]
DAY = 86_400
NIGHT = (22, 6)
"""Hours of the night, local time."""


@dataclass(frozen=True)
class Home:
    """Where somebody sleeps. lon, lat in degrees; seconds stayed there in all and at night; share of all night seconds;
    days: different days with a stay there."""

    lon: float
    lat: float
    seconds: int
    night_seconds: int
    share: float
    days: int


def stay_points(
    time: ArrayLike, lon: ArrayLike, lat: ArrayLike, *, roam: float = 100.0, least: int = 300, gap: int = 12 * 3600
) -> pa.Table:
    """Stays in the track of one person, in order of time: arrived, left (epoch seconds), lon, lat (middle of the fixes), fixes.

    `roam`: metres from the first fix of a stay; `least`: shortest stay in seconds; `gap`: a longer pause between two
    fixes ends a stay, a shorter one is time spent there when both are near (a telephone indoors says little). Fixes off
    the globe or without a place are left out; the order of the input does not matter.

    Raises:
        ValueError: the columns are not of one length.
    """
    at, x, y = _ordered(time, lon, lat)
    first, last = np.empty(at.size, np.int64), np.empty(at.size, np.int64)
    many = _stays(at, x, y, np.cos(np.radians(y)), float(roam), int(least), int(gap), first, last)
    first, last = first[:many], last[:many]
    middles = [(np.median(x[a : b + 1]), np.median(y[a : b + 1])) for a, b in zip(first, last, strict=True)]
    middle = np.array(middles, np.float64).reshape(-1, 2)
    columns = {"arrived": at[first], "left": at[last], "lon": middle[:, 0], "lat": middle[:, 1], "fixes": last - first + 1}
    return pa.table({name: np.ascontiguousarray(values) for name, values in columns.items()})


def find_home(stays: pa.Table, *, utc_offset: int | None = None, within: float = 150.0) -> Home | None:
    """The place among `stays` (as `stay_points` gives them) with most time at night, else with most time; None without stays.

    Stays `within` so many metres of each other are one place. `utc_offset` in seconds; without it the sun's time at the
    longitude is taken (four minutes a degree), which is near enough to tell night from day.

    Home as the place of the nights: Ahas et al. 2010 (Journal of Urban Technology 17), there from telephone records.
    """
    if not stays.num_rows:
        return None
    arrived, left, lon, lat = (stays.column(name).to_numpy() for name in ("arrived", "left", "lon", "lat"))
    offset = np.full(lon.size, utc_offset) if utc_offset is not None else np.round(lon * 240).astype(np.int64)
    dark, all_seconds = night_seconds(arrived + offset, left + offset), left - arrived
    best = None
    for one in range(lon.size):
        own = metres_between(lon[one], lat[one], lon, lat) <= within
        score = (int(dark[own].sum()), int(all_seconds[own].sum()))
        if best is None or score > best[0]:
            best = (score, own)
    assert best is not None  # noqa: S101 -- there is at least one stay
    (night, seconds), own = best
    weights = np.maximum(dark[own] if night else all_seconds[own], 1)
    days = {
        int(day)
        for a, b in zip((arrived + offset)[own] // DAY, (left + offset)[own] // DAY, strict=True)
        for day in range(a, b + 1)
    }
    share = night / dark.sum() if night else seconds / max(1, all_seconds.sum())
    return Home(_middle(lon[own], weights), _middle(lat[own], weights), seconds, night, float(share), len(days))


def night_seconds(starts: ArrayLike, ends: ArrayLike) -> NDArray[np.int64]:
    """Seconds between 22 and 6 o'clock in each interval of local epoch seconds."""

    def until(at: NDArray[np.int64]) -> NDArray[np.int64]:
        day, second = np.divmod(at, DAY)
        early, late = NIGHT[1] * 3600, NIGHT[0] * 3600
        return np.asarray(day * (early + DAY - late) + np.minimum(second, early) + np.maximum(second - late, 0), np.int64)

    return until(np.asarray(ends, np.int64)) - until(np.asarray(starts, np.int64))


def _middle(values: Array, weights: Array) -> float:
    """The weighted median: one long night far off moves it less than a mean."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


def _ordered(time: ArrayLike, lon: ArrayLike, lat: ArrayLike) -> tuple[Array, Array, Array]:
    at, x, y = np.asarray(time, np.int64), np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    if not at.shape == x.shape == y.shape:
        raise ValueError(f"a track needs columns of one length, not {at.size} times, {x.size} longitudes, {y.size} latitudes")
    good = (np.abs(x) <= 180) & (np.abs(y) <= 90) & ~((x == 0) & (y == 0))
    order = np.flatnonzero(good)[np.argsort(at[good], kind="stable")]
    return at[order], x[order], y[order]


@compiled(allocates=False)
def _stays(
    at: Array, lon: Array, lat: Array, narrow: Array, roam: float, least: int, gap: int, first: Array, last: Array
) -> int:
    """Fill the first and last fix of each stay; give how many there are."""
    many, start = 0, 0
    while start < len(at):
        end = start
        while (
            end + 1 < len(at)
            and at[end + 1] - at[end] <= gap
            and plane(lon[start], lat[start], narrow[start], lon[end + 1], lat[end + 1]) <= roam
        ):
            end += 1
        if at[end] - at[start] >= least:
            first[many], last[many] = start, end
            many += 1
            start = end + 1
        else:
            start += 1
    return many
