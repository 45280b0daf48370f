"""Telephones of people who should stay at home, played honestly: what they would report, and what was true.

The error at home is drawn once for each kind of building and keeps to itself for some twenty minutes (Gauss-Markov), the
stated accuracy is only roughly right, and now and then a radio network is taken for another one and the telephone jumps
for several fixes, half of the time without knowing it. On the way the error is that of the open street. Telephones miss
fixes, run dry, lose the network and send later, send twice or out of order, have wrong clocks, repeat the last place that
they knew, and some people forge theirs. The numbers are a judgement, not a measurement; they are all in `Habits`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epipolis.engines.fence.fences import PER_DEGREE, Fences
from epipolis.engines.fence.rules import CELL, GPS, NETWORK

Array = NDArray[Any]
DAY = 86_400
EXCURSION = pa.schema(
    [
        *[
            ("person", pa.int32()),
            ("left", pa.int64()),
            ("returned", pa.int64()),
            ("crossed", pa.int64()),
            ("recrossed", pa.int64()),
        ],
        *[("lon", pa.float64()), ("lat", pa.float64()), ("forged", pa.bool_())],
    ]
)
"""The truth. left, returned: at the door; crossed, recrossed: the fence's edge (radius + buffer), both epoch seconds and
equal where it is never reached; lon, lat: how far they went; forged: the telephone claimed to be at home meanwhile."""


@dataclass(frozen=True)
class Habits:
    """How telephones behave. Distances in metres, times in seconds, rates as said."""

    every: int = 300
    jitter: float = 20.0
    kinds: tuple[float, ...] = (0.25, 0.5, 0.25)
    """Shares of houses, flats and towers."""
    home_error: tuple[float, ...] = (10.0, 22.0, 40.0)
    """Standard deviation of the error along each axis, in each kind of home."""
    street_error: float = 8.0
    memory: float = 1_200.0
    """Seconds in which the error forgets itself."""
    home_sources: tuple[float, ...] = (0.25, 0.67, 0.08)
    """By satellite, by radio network, by cell."""
    street_sources: tuple[float, ...] = (0.8, 0.15, 0.05)
    jumps: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Jumps a day in each kind of home."""
    jump_stays: float = 0.4
    """Chance of each further fix at the wrong place."""
    jump_metres: float = 200.0
    """Median; the logarithm has a standard deviation of 0.8."""
    jump_admitted: float = 0.5
    """Share of jumps whose stated accuracy admits the error."""
    cell_error: float = 350.0
    missed: float = 0.04
    outages: float = 0.03
    """A day: the network is gone for 20 to 90 minutes and the fixes come later."""
    dry: float = 0.03
    """A day: the battery is empty for one to six hours."""
    twice: float = 0.01
    disorder: float = 0.005
    wrong_clocks: float = 0.03
    """Share of telephones off by about 40 seconds."""
    nowhere: float = 0.001
    """Share of fixes on null island, in the future, or of impossible distance: a third each."""
    stale: float = 0.1
    """Chance that the first fix on the way repeats the last one at home."""
    by_cell_only: float = 0.0
    """Share of people known to the operator's network alone."""


def draw_excursions(
    seed: int, fences: Fences, start: int, days: int, *, a_day: float = 0.3, forged: float = 0.01, margin: float = 50.0
) -> pa.Table:
    """Excursions of people who do not stay at home (columns: EXCURSION), at least an hour apart, in order of person and time.

    `a_day`: how many for each person and day; between 7 and 23 o'clock by the sun, mostly 20 minutes to two hours long,
    250 metres to some kilometres away. `margin`: metres beyond the radius at which the fence is crossed.
    """
    rng = np.random.default_rng([seed, 1])
    person = np.repeat(np.arange(len(fences)), rng.poisson(a_day * days, len(fences)))
    sun = np.round(fences.rows["lon"][person] * 240).astype(np.int64)
    midnight = (start + sun) // DAY * DAY - sun
    left = midnight + rng.integers(0, days, person.size) * DAY + rng.integers(7 * 3600, 22 * 3600, person.size)
    away = np.clip(rng.lognormal(np.log(1_200), 0.9, person.size), 250, 30_000)
    stay = np.clip(rng.lognormal(np.log(2_700), 0.8, person.size), 300, 8 * 3600)
    turn = rng.uniform(0, 2 * np.pi, person.size)
    home = fences.rows[person]
    lat = home["lat"] + away * np.sin(turn) / PER_DEGREE
    lon = home["lon"] + away * np.cos(turn) / PER_DEGREE / home["narrow"]
    way = (away / _speed(away)).astype(np.int64)
    returned = left + stay.astype(np.int64) + 2 * way
    order = np.lexsort((left, person))
    kept: list[int] = []
    free: dict[int, int] = {}
    for one in order:
        who = int(person[one])
        if left[one] >= max(free.get(who, 0), start + 3600) and returned[one] < start + days * DAY - 3600:
            kept.append(one)
            free[who] = int(returned[one]) + 3600
    kept_rows = np.array(kept, np.int64)
    return excursions_of(
        fences,
        *(values[kept_rows] for values in (person, left, returned, lon, lat)),
        forged=rng.random(kept_rows.size) < forged,
        margin=margin,
    )


def excursions_of(
    fences: Fences,
    person: Array,
    left: Array,
    returned: Array,
    lon: Array,
    lat: Array,
    *,
    forged: Array | None = None,
    margin: float = 50.0,
) -> pa.Table:
    """The truth from who left the door when, for where, and returned when: the moments at the fence are worked out."""
    home = fences.rows[person]
    away = _away(home, lon, lat)
    speed, edge = _speed(away), home["radius"] + margin
    reach = np.minimum(edge / speed, (returned - left) / 2).astype(np.int64)
    near = away <= edge
    columns = {
        **{"person": person.astype(np.int32), "left": left, "returned": returned},
        **{"crossed": np.where(near, left, left + reach), "recrossed": np.where(near, left, returned - reach)},
        **{"lon": lon, "lat": lat, "forged": np.zeros(len(person), bool) if forged is None else forged},
    }
    return pa.table({name: np.ascontiguousarray(values) for name, values in columns.items()}, EXCURSION)


def phone_positions(
    seed: int, fences: Fences, excursions: pa.Table, start: int, days: int, habits: Habits | None = None
) -> pa.Table:
    """What the telephones of all people report in `days` days from `start` (epoch seconds) on, in the order of arrival.

    Columns as positions have them, and `arrived` (epoch seconds; the fence does not read it). The home of a person is the
    middle of the fence. The same seed gives the same table.
    """
    habits = habits or Habits()
    rng = np.random.default_rng([seed, 2])
    people, steps = len(fences), days * DAY // habits.every
    time = (
        start
        + np.arange(steps) * habits.every
        + rng.uniform(0, habits.every, (people, 1))
        + rng.normal(0, habits.jitter, (people, steps))
    )
    time = np.sort(time, axis=1).astype(np.int64)
    out, east, north = _whereabouts(fences, excursions, time)
    kind = rng.choice(3, people, p=habits.kinds)
    error = np.where(out, habits.street_error, np.array(habits.home_error)[kind][:, None])
    source = np.where(out, rng.choice(3, out.shape, p=habits.street_sources), rng.choice(3, out.shape, p=habits.home_sources))
    source[rng.random(people) < habits.by_cell_only] = CELL
    stated = error * 1.5 * rng.lognormal(0, 0.35, out.shape)
    drift = error * _drift(rng, out.shape, habits), error * _drift(rng, out.shape, habits)
    cells = rng.normal(0, habits.cell_error, (2, people, 3)), rng.integers(0, 3, out.shape)
    by_cell = source == CELL
    off = [np.where(by_cell, np.take_along_axis(cells[0][axis], cells[1], axis=1), drift[axis]) for axis in (0, 1)]
    stated = np.where(by_cell, rng.lognormal(np.log(550), 0.3, out.shape), stated)
    _jump(rng, habits, kind, out | by_cell, off, stated, source)
    east, north = east + off[0], north + off[1]
    forged = _flagged(excursions, time, forged=True)
    fresh = out & ~np.roll(out, 1, axis=1) & (rng.random(out.shape) < habits.stale)
    for values in (east, north, stated):
        values[fresh] = np.roll(values, 1, axis=1)[fresh]
        values[forged] = 0.0 if values is not stated else 5.0
    source = np.where(forged, GPS, source)
    home = fences.rows
    lon = home["lon"][:, None] + east / PER_DEGREE / home["narrow"][:, None]
    lat = home["lat"][:, None] + north / PER_DEGREE
    return _sent(rng, habits, time, lon, lat, stated, source)


def _speed(away: Array) -> Array:
    """On foot within a kilometre, by bicycle, bus or car beyond; metres a second."""
    return np.where(away < 1_000, 1.3, 5.0)


def _away(home: Array, lon: Array, lat: Array) -> Array:
    east = (lon - home["lon"]) * home["narrow"]
    return np.asarray(PER_DEGREE * np.hypot(east, lat - home["lat"]))


def _flagged(excursions: pa.Table, time: Array, *, forged: bool) -> Array:
    marked = np.zeros(time.shape, bool)
    for row in excursions.to_pylist():
        if row["forged"] == forged:
            own = time[row["person"]]
            marked[row["person"], np.searchsorted(own, row["left"]) : np.searchsorted(own, row["returned"])] = True
    return marked


def _whereabouts(fences: Fences, excursions: pa.Table, time: Array) -> tuple[Array, Array, Array]:
    """Whether each person is out at each moment, and the metres east and north of the home."""
    out, east, north = np.zeros(time.shape, bool), np.zeros(time.shape), np.zeros(time.shape)
    for row in excursions.to_pylist():
        who, home = row["person"], fences.rows[row["person"]]
        part = slice(*np.searchsorted(time[who], [row["left"], row["returned"]]))
        at = time[who, part]
        x, y = (row["lon"] - home["lon"]) * PER_DEGREE * home["narrow"], (row["lat"] - home["lat"]) * PER_DEGREE
        away = float(np.hypot(x, y))
        gone = np.minimum(at - row["left"], row["returned"] - at) * _speed(np.array(away)) / max(away, 1.0)
        share = np.minimum(gone, 1.0)
        out[who, part], east[who, part], north[who, part] = True, share * x, share * y
    return out, east, north


def _drift(rng: np.random.Generator, shape: tuple[int, ...], habits: Habits) -> Array:
    """Errors of unit variance that follow each other in time, for each person."""
    keeps = float(np.exp(-habits.every / habits.memory))
    found = rng.normal(size=shape)
    for step in range(1, shape[1]):
        found[:, step] = keeps * found[:, step - 1] + (1 - keeps**2) ** 0.5 * found[:, step]
    return found


def _jump(
    rng: np.random.Generator, habits: Habits, kind: Array, still: Array, off: list[Array], stated: Array, source: Array
) -> None:
    """Put some runs of fixes at home somewhere else, in place; where `still` a fix stays as it is."""
    chance = np.array(habits.jumps)[kind] * habits.every / DAY
    for who, step in np.argwhere(rng.random(still.shape) < chance[:, None]):
        part = slice(step, step + int(rng.geometric(1 - habits.jump_stays)))
        moved = ~still[who, part]
        away, turn = rng.lognormal(np.log(habits.jump_metres), 0.8), rng.uniform(0, 2 * np.pi)
        says = away * rng.uniform(0.7, 1.5) if rng.random() < habits.jump_admitted else rng.uniform(8, 60)
        off[0][who, part][moved] += away * np.cos(turn)
        off[1][who, part][moved] += away * np.sin(turn)
        stated[who, part][moved] = says
        source[who, part][moved] = NETWORK if rng.random() < 0.75 else GPS


def _sent(
    rng: np.random.Generator, habits: Habits, time: Array, lon: Array, lat: Array, stated: Array, source: Array
) -> pa.Table:
    """What of it arrives, when, and with which faults; in the order of arrival."""
    people = len(time)
    a_day = habits.every / DAY
    battery = 0.35 + 0.6 * np.abs((time - time[:, :1]) % DAY / DAY - 0.5) * 2 * rng.uniform(0.6, 1, (people, 1))
    lost, arrived = rng.random(time.shape) < habits.missed, time + rng.integers(1, 15, time.shape)
    for who, step in np.argwhere(rng.random(time.shape) < habits.dry * a_day):
        lost[who, step : step + int(rng.uniform(1, 6) * 3600 / habits.every)] = True
        battery[who, max(0, step - 6) : step] = 0.03
    for who, step in np.argwhere(rng.random(time.shape) < habits.outages * a_day):
        part = slice(step, step + int(rng.uniform(20, 90) * 60 / habits.every))
        arrived[who, part] = np.maximum(arrived[who, part], time[who, part].max() + habits.every)
    skew = np.where(rng.random(people) < habits.wrong_clocks, rng.normal(0, 40, people), 0).astype(np.int64)
    says = time + skew[:, None]
    fault = np.where(rng.random(time.shape) < habits.nowhere, rng.integers(0, 3, time.shape), -1)
    lon, lat = np.where(fault == 0, 0.0, lon), np.where(fault == 0, 0.0, lat)
    says, lat = np.where(fault == 1, says + DAY, says), np.where(fault == 2, lat + np.where(lat > 0, -3.0, 3.0), lat)
    arrived = arrived + np.where(rng.random(time.shape) < habits.disorder, rng.integers(300, 900, time.shape), 0)
    who = np.broadcast_to(np.arange(people)[:, None], time.shape)
    columns: dict[str, Array] = {
        **{"person": who.astype(np.int32), "time": says, "lon": lon, "lat": lat, "accuracy": stated.astype(np.float32)},
        **{
            "battery": battery.astype(np.float32),
            "charging": battery > 0.9,
            "source": source.astype(np.uint8),
            "arrived": arrived,
        },
    }
    kept = np.flatnonzero(~lost.ravel())
    again = kept[rng.random(kept.size) < habits.twice]
    flat = {name: np.concatenate([values.ravel()[kept], values.ravel()[again]]) for name, values in columns.items()}
    flat["arrived"][kept.size :] += rng.integers(1, 60, again.size)
    order = np.argsort(flat["arrived"], kind="stable")
    return pa.table({name: values[order] for name, values in flat.items()})
