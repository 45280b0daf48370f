"""Where telephones say they are: fixes with a stated accuracy, an error that mostly keeps to it, and gaps."""

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.draws import Flags, Floats, Ints, pick, spans, uniform
from epipolis.engines.twin.geography import METRES_PER_DEGREE
from epipolis.engines.twin.runs import Day, Run
from epipolis.engines.twin.visits import epoch_of

_MIDDLES, _SHARES = np.array([12.0, 35.0, 600.0]), np.array([0.62, 0.32, 0.06])
"""Accuracy in metres by satellite, by wireless network and by cell, and how often each."""
_WITHIN = 1.5096
"""Standard deviations of each axis within which 68 % of the fixes lie, as telephones state their accuracy."""
_STRAYS, _STRAYS_BY = 0.015, 8.0
_OFF_ALL_DAY, _OFF_FOR_AN_HOUR, _MISSED = 0.02, 0.05, 0.04
_DAY_MINUTES = 24 * 60


def phone_positions(
    run: Run, day: Day, *, at_home: Ints | None = None, others: float = 0.01, every_minutes: int = 15
) -> pa.Table:
    """Fixes of the last day lived, of people ordered to stay `at_home` and of a share of all `others`.

    `run` is as it stands after `day`; `at_home`: as given to `step`. Columns: person, at (epoch seconds), lon, lat
    (degrees), accuracy_m (radius of 68 %); and the truth: true_place (null at home), true_lon, true_lat, ordered. In order
    of person and time. A fix is where the visit says that its owner is, else at their home; ways between are not lived, and
    in hospital there are none. Of the fixes 1.5 % are off by far more than they say; 2 % of the telephones are off all
    day, others for single hours.

    ValueError for a share outside 0 to 1 and for less than a minute between fixes.
    """
    if not 0 <= others <= 1:
        raise ValueError(f"The share of others is between 0 and 1, not {others}.")
    if not 1 <= every_minutes <= _DAY_MINUTES:
        raise ValueError(f"There are between 1 and {_DAY_MINUTES} minutes from fix to fix, not {every_minutes}.")
    people = len(run.epidemic.bodies)
    is_ordered = np.zeros(people, bool)
    is_ordered[np.asarray(at_home if at_home is not None else [], np.int64)] = True
    chosen = uniform(run.seed, "shares positions", np.arange(people)) < others
    off = uniform(run.seed, "telephone off", np.arange(people), day.number) < _OFF_ALL_DAY
    in_hospital = run.epidemic.bodies["away_until"] >= day.number
    who = np.flatnonzero((is_ordered | chosen) & ~off & ~in_hospital)
    midnight = epoch_of(run.start, day.number, run.city.utc_offset)
    seconds, place = _whereabouts(run, day, who, every_minutes, midnight)
    row, column = np.nonzero(_heard(run, who, seconds, day.number))
    person, at, place = who[row], seconds[row, column], place[row, column]
    homes = run.city.people
    true = np.column_stack([np.asarray(homes.column(name))[person] for name in ("lon", "lat")])
    true[place >= 0] = run.city.sites.points[place[place >= 0]]
    accuracy, lon, lat = _fixes(run.seed, person, at, true)
    return pa.table(
        {
            "person": person.astype(np.int64),
            "at": midnight + at,
            "lon": lon,
            "lat": lat,
            "accuracy_m": accuracy.astype(np.float32),
            "true_place": pa.array(np.maximum(place, 0), pa.int64(), mask=place < 0),
            "true_lon": np.ascontiguousarray(true[:, 0]),
            "true_lat": np.ascontiguousarray(true[:, 1]),
            "ordered": is_ordered[person],
        }
    )


def _whereabouts(run: Run, day: Day, who: Ints, every: int, midnight: int) -> tuple[Ints, Ints]:
    """For each person and fix: the second of the day, and the place, -1 at home."""
    steps = _DAY_MINUTES // every
    late = (uniform(run.seed, "first fix", who, day.number) * every * 60).astype(np.int64) if len(who) else who
    seconds = late[:, None] + np.arange(steps) * every * 60
    place = np.full(seconds.shape, -1, np.int64)
    visitor = np.asarray(day.visits.column("visitor"))
    row = np.searchsorted(who, visitor)
    kept = np.flatnonzero(np.isin(visitor, who))
    row = row[kept]
    arrived, left = (np.asarray(day.visits.column(name))[kept] - midnight for name in ("arrived", "left"))
    first = np.clip(-(-(arrived - late[row]) // (every * 60)), 0, steps)
    last = np.clip(-(-(left - late[row]) // (every * 60)), 0, steps)
    cell, owner = spans(row * steps + first, np.maximum(last - first, 0))
    place.ravel()[cell] = np.asarray(day.visits.column("place"))[kept][owner]
    return seconds, place


def _heard(run: Run, who: Ints, seconds: Ints, day: int) -> Flags:
    if not len(who):
        return np.zeros(seconds.shape, bool)
    off = uniform(run.seed, "telephone off for an hour", who[:, None], day * 24 + seconds // 3600) < _OFF_FOR_AN_HOUR
    missed = uniform(run.seed, "fix missed", who[:, None], day, seconds) < _MISSED
    return np.asarray(~off & ~missed, bool)


def _fixes(seed: int, person: Ints, at: Ints, true: Floats) -> tuple[Floats, Floats, Floats]:
    """Accuracy in metres, longitude and latitude. The error in each direction is normal."""
    if not len(person):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    middle = _MIDDLES[pick(_SHARES, uniform(seed, "source of the fix", person, at))]
    accuracy = np.round(middle * (0.5 + uniform(seed, "accuracy", person, at)), 1)
    strays = np.where(uniform(seed, "strays", person, at) < _STRAYS, _STRAYS_BY, 1.0)
    away = accuracy * strays / _WITHIN * np.sqrt(-2 * np.log1p(-uniform(seed, "error", person, at)))
    turn = 2 * np.pi * uniform(seed, "direction", person, at)
    lat = true[:, 1] + away * np.sin(turn) / METRES_PER_DEGREE
    lon = true[:, 0] + away * np.cos(turn) / (METRES_PER_DEGREE * np.cos(np.radians(true[:, 1])))
    return accuracy, np.round(lon, 6), np.round(lat, 6)
