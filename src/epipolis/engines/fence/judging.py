"""Transitions held against the truth: how much was found, how late, and how often somebody was told to be out who was not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epipolis.engines.fence.fences import Fences, metres_between
from epipolis.engines.fence.following import follow
from epipolis.engines.fence.rules import FenceRule
from epipolis.engines.fence.states import BY_POSITION, OFF, OUTSIDE, SILENT, SPOOFED, States

Array = NDArray[Any]


@dataclass(frozen=True)
class Judgement:
    """What came out. Delays in seconds from the moment at which the fence was crossed (`door_delay`: the door left)."""

    person_days: float
    excursions: int
    """Excursions longer than asked for."""
    found: int
    """Of these, told while they lasted."""
    delay: float
    """Median."""
    delay_90: float
    """Nine in ten were told within this."""
    door_delay: float
    alarms: int
    """People told to be outside, in all."""
    false_alarms: int
    """Told to be outside who were at home."""
    repeats: int
    """Alarms beyond the first for one excursion."""
    silences: int
    """Told as silent or off."""
    spoofs: int
    """Positions told as perhaps forged."""

    @property
    def recall(self) -> float:
        """Share of the excursions that was found; NaN without any."""
        return self.found / self.excursions if self.excursions else float("nan")

    @property
    def false_a_day(self) -> float:
        """False alarms for each person-day."""
        return self.false_alarms / self.person_days


def judge(
    transitions: pa.Table,
    excursions: pa.Table,
    person_days: float,
    *,
    longer: int = 900,
    after: int = 600,
    arrivals: pa.Table | None = None,
) -> Judgement:
    """Hold `transitions` (of `follow` and `notice_silence`) against the true `excursions` (columns as `phones.EXCURSION`).

    An alarm is a transition to outside that begins an excursion of the fence's own counting: later ones with the same
    number are the same alarm. It is true when its fix falls between leaving the door and `after` seconds behind the
    return. An excursion counts when more than `longer` seconds of it lie beyond the fence, and is found by the first
    alarm within it. With `arrivals` (person, time, arrived) delays run to the arrival of the telling fix, not to the fix.

    Raises:
        ValueError: person_days is not more than 0.
    """
    if not person_days > 0:
        raise ValueError(f"judge: person_days must be more than 0, not {person_days}")
    person, time, after_state, reason = (transitions.column(name).to_numpy() for name in ("person", "time", "after", "reason"))
    alarm = _alarms(transitions)
    truth = {name: excursions.column(name).to_numpy() for name in ("person", "left", "returned", "crossed", "recrossed")}
    order = np.lexsort((truth["left"], truth["person"]))
    truth = {name: values[order] for name, values in truth.items()}
    row = _row_of(truth, person[alarm], time[alarm], after)
    told = _told_at(person[alarm], time[alarm], arrivals)
    wanted = np.flatnonzero(truth["recrossed"] - truth["crossed"] > longer)
    first = np.full(len(order), np.iinfo(np.int64).max)
    np.minimum.at(first, row[row >= 0], told[row >= 0])
    found = wanted[first[wanted] < np.iinfo(np.int64).max]
    delays, door = first[found] - truth["crossed"][found], first[found] - truth["left"][found]
    return Judgement(
        person_days=float(person_days),
        excursions=wanted.size,
        found=found.size,
        delay=_quantile(delays, 0.5),
        delay_90=_quantile(delays, 0.9),
        door_delay=_quantile(door, 0.5),
        alarms=alarm.size,
        false_alarms=int((row < 0).sum()),
        repeats=int((row >= 0).sum() - np.unique(row[row >= 0]).size),
        silences=int(np.isin(after_state, (SILENT, OFF)).sum()),
        spoofs=int((reason == SPOOFED).sum()),
    )


@dataclass(frozen=True)
class StayJudgement:
    """The fence around places where somebody is known to have stayed, on a real track."""

    stays: int
    left: int
    """Stays after which the track goes far away: leaving must be noticed."""
    found: int
    delay: float
    """Median seconds from the end of the stay to the alarm."""
    person_days: float
    """Time stayed, in all."""
    false_alarms: int
    """Told to be outside during a stay."""

    @property
    def recall(self) -> float:
        """Share of the stays left that was found; NaN without any."""
        return self.found / self.left if self.left else float("nan")

    @property
    def false_a_day(self) -> float:
        """False alarms for each day stayed."""
        return self.false_alarms / self.person_days if self.person_days else float("nan")


def judge_stays(
    positions: pa.Table,
    stays: pa.Table,
    rule: FenceRule | None = None,
    *,
    fences: Fences | None = None,
    far: float = 500.0,
    least: int = 300,
    horizon: int = 21_600,
) -> StayJudgement:
    """Fence each of the `stays` (arrived, left, lon, lat) of one person and follow the track through it and beyond.

    `positions`: the track (time, lon, lat, perhaps accuracy and source), in order of time. `fences`: one for each stay, if
    not around its place. Each is followed from the arrival on until `horizon` seconds after its end. It was left when the
    track in that time is more than `far` metres away for `least` seconds on end (a single far fix is no walk), and that is
    found when the person is then told to be outside.
    """
    rule = rule or FenceRule()
    at = positions.column("time").to_numpy()
    arrived, left, lon, lat = (stays.column(name).to_numpy() for name in ("arrived", "left", "lon", "lat"))
    fences = fences or Fences.of(lon, lat, rule.radius)
    first, last = np.searchsorted(at, arrived), np.searchsorted(at, left + horizon, side="right")
    person = np.repeat(np.arange(len(left)), last - first)
    row = np.arange(person.size) - np.repeat(np.cumsum(last - first) - (last - first), last - first) + first[person]
    own = positions.take(pa.array(row)).append_column("person", pa.array(person.astype(np.int32)))
    found = follow(States.new(len(left)), own, fences, rule)
    home = fences.rows[person]
    away = metres_between(home["lon"], home["lat"], own.column("lon").to_numpy(), own.column("lat").to_numpy())
    when = own.column("time").to_numpy()
    gone = _gone(person, when, (away > far) & (when > left[person]), least)
    alarm = _alarms(found)
    who, told_at = found.column("person").to_numpy()[alarm], found.column("time").to_numpy()[alarm]
    true = told_at > left[who]
    told = np.full(len(left), np.iinfo(np.int64).max)
    np.minimum.at(told, who[true], told_at[true])
    noticed = gone[told[gone] < np.iinfo(np.int64).max]
    return StayJudgement(
        stays=len(left),
        left=gone.size,
        found=noticed.size,
        delay=_quantile(told[noticed] - left[noticed], 0.5),
        person_days=float((left - arrived).sum()) / 86_400,
        false_alarms=int((~true).sum()),
    )


def _gone(person: Array, time: Array, is_far: Array, least: int) -> Array:
    """People with a run of far fixes that lasts `least` seconds."""
    breaks = ~is_far | (np.diff(person, prepend=-1) != 0)
    run = np.cumsum(breaks)[is_far]
    if not run.size:
        return np.zeros(0, np.int64)
    first = np.flatnonzero(np.diff(run, prepend=-1) != 0)
    last = np.append(first[1:], run.size) - 1
    lasts = time[is_far][last] - time[is_far][first]
    return np.unique(person[is_far][first[lasts >= least]])


def _alarms(transitions: pa.Table) -> Array:
    """Rows that tell an excursion for the first time, whatever came between."""
    after, reason = transitions.column("after").to_numpy(), transitions.column("reason").to_numpy()
    rows = np.flatnonzero((after == OUTSIDE) & (reason == BY_POSITION))
    person = transitions.column("person").to_numpy()[rows].astype(np.int64)
    began = transitions.column("excursion").fill_null(0).to_numpy()[rows]
    _, first = np.unique(np.column_stack([person, began]), axis=0, return_index=True)
    return np.sort(rows[first])


def _row_of(truth: dict[str, Array], person: Array, time: Array, after: int) -> Array:
    """The excursion in which each alarm falls, -1 where it falls in none."""
    if not truth["person"].size:
        return np.full(person.size, -1)
    scale = 2**40
    keys = truth["person"].astype(np.int64) * scale + truth["left"]
    row = np.searchsorted(keys, person.astype(np.int64) * scale + time, side="right") - 1
    safe = np.maximum(row, 0)
    fits = (row >= 0) & (truth["person"][safe] == person) & (time <= truth["returned"][safe] + after)
    return np.where(fits, row, -1)


def _told_at(person: Array, time: Array, arrivals: pa.Table | None) -> Array:
    if arrivals is None:
        return time
    scale = 2**40
    keys = arrivals.column("person").to_numpy().astype(np.int64) * scale + arrivals.column("time").to_numpy()
    arrived = arrivals.column("arrived").to_numpy()
    order = np.lexsort((arrived, keys))
    place = np.minimum(np.searchsorted(keys[order], person.astype(np.int64) * scale + time), max(keys.size - 1, 0))
    return np.asarray(arrived[order][place]) if keys.size else time


def _quantile(values: Array, share: float) -> float:
    return float(np.quantile(values, share)) if values.size else float("nan")
