"""Whom the telephones saw: encounters by Bluetooth between two people who both have the app."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Flags, Floats, Ints, key, mixed, pick, uniform, unit
from epipolis.engines.twin.measures import TraceByBluetooth
from epipolis.engines.twin.proofs import meetings_behind
from epipolis.engines.twin.runs import Day, Run
from epipolis.engines.twin.visits import epoch_of
from epipolis.engines.twin.worlds import CityWorld

PROXIMITY = ("immediate", "near", "medium", "far")
ATTENUATION = (30, 55, 63, 70, 85)
"""Decibels at which the classes begin; the last is where a telephone hears nothing any more."""
_STRANGERS, _FAMILIAR = np.array([0.05, 0.2, 0.35, 0.4]), np.array([0.2, 0.35, 0.3, 0.15])
_REACH = 4.0
"""A radio hears about so many times as many people as stand close."""
_YOUNGEST = 10
_LARGEST_HOME = 12


@dataclass(frozen=True)
class _Pairs:
    person: Ints
    other: Ints
    starts: Ints
    seconds: Ints
    place: Ints
    familiar: Flags


class _Found(NamedTuple):
    own: Ints
    other: Ints
    starts: Ints
    seconds: Ints
    familiar: Flags


def encounters_on(run: Run, day: Day, *, uptake: float | None = None, shortest_minutes: int = 5) -> pa.Table:
    """Every encounter of the last day lived, once for each pair and stay.

    `run` is as it stands after `day`. `uptake`: share of people from 10 years on who have the app; without it that of
    the run's `TraceByBluetooth`, or 0.4. Columns: person, other (the smaller number first), starts (epoch seconds), minutes,
    proximity (the closest class for most of the time: immediate, near, medium, far), attenuation (dB), place (truth;
    null at home).

    Those of one team or class hear each other for at least half of the time together; strangers at a place with the
    chance that four times as many come within hearing as stand close; who infected whom in a place is always heard;
    at home all hear each other in the evening. ValueError for an uptake outside 0 to 1.
    """
    has_app = _has_app(run, uptake)
    world = run.epidemic.world
    assert isinstance(world, CityWorld)  # noqa: S101 -- start_run makes no other
    out, home = _in_places(run, world, day, has_app, shortest_minutes), _at_home(run, world, day, has_app)
    sure = _sure(run, day, has_app, out, shortest_minutes)
    columns = [
        np.concatenate(parts)
        for parts in zip(
            *((p.person, p.other, p.starts, p.seconds, p.place, p.familiar) for p in (out, sure, home)), strict=True
        )
    ]
    person, other, starts, seconds, place, familiar = columns
    chance = uniform(run.seed, "proximity", person, other, starts) if len(person) else np.zeros(0)
    proximity = np.where(familiar, pick(_FAMILIAR, chance), pick(_STRANGERS, chance))
    edges = np.array(ATTENUATION)
    spread = uniform(run.seed, "attenuation", person, other, starts) if len(person) else chance
    level = edges[proximity] + spread * (edges[proximity + 1] - edges[proximity])
    order = np.lexsort((other, person, starts))
    table = pa.table(
        {
            "person": person,
            "other": other,
            "starts": starts,
            "minutes": (seconds // 60).astype(np.int16),
            "proximity": pa.DictionaryArray.from_arrays(pa.array(proximity.astype(np.int8)), list(PROXIMITY)),
            "attenuation": level.astype(np.uint8),
            "place": pa.array(np.maximum(place, 0), mask=place < 0),
        }
    )
    return table.take(pa.array(order))


def _has_app(run: Run, uptake: float | None) -> Flags:
    if uptake is None:
        uptake = max((measure.uptake for measure in run.measures if isinstance(measure, TraceByBluetooth)), default=0.4)
    if not 0 <= uptake <= 1:
        raise ValueError(f"Uptake is a share between 0 and 1, not {uptake}.")
    bodies = run.epidemic.bodies
    return np.asarray((uniform(run.seed, "has the app", np.arange(len(bodies))) < uptake) & (bodies["age"] >= _YOUNGEST), bool)


def _in_places(run: Run, world: CityWorld, day: Day, has_app: Flags, shortest: int) -> _Pairs:
    who = np.asarray(day.visits.column("visitor"))
    kept = np.flatnonzero(has_app[who])
    who = who[kept]
    place, arrived, left = (np.asarray(day.visits.column(name))[kept] for name in ("place", "arrived", "left"))
    draws = key(run.seed, "in hearing", day.number)
    room = 20 * len(who) + 1000
    while True:
        first, second = np.empty(room, np.int32), np.empty(room, np.int32)
        found = _Found(first, second, np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.bool_))
        count = _hear(
            who, place, arrived, left, world.layout.people["team"], world.groups.looseness, draws, shortest * 60, found
        )
        if count <= room:
            break
        room = count
    own, other, starts, seconds, familiar = (column[:count] for column in found)
    return _pairs(who[own], who[other], starts, seconds, place[own], familiar)


@compiled(allocates=False)
def _hear(
    who: Ints,
    place: Ints,
    arrived: Ints,
    left: Ints,
    team: Ints,
    looseness: Floats,
    draws: np.uint64,
    shortest: int,
    found: _Found,
) -> int:
    """Stays that overlap at one place, in order of place and arrival; return how many hear each other, room or not."""
    count = 0
    for own in range(len(who)):
        other = own + 1
        while other < len(who) and place[other] == place[own] and arrived[other] < left[own]:
            together = min(left[own], left[other]) - arrived[other]
            if together >= shortest and who[own] != who[other]:
                familiar = team[who[own]] >= 0 and team[who[own]] == team[who[other]]
                state = mixed(mixed(draws, min(who[own], who[other])), max(who[own], who[other]))
                if familiar or unit(mixed(state, place[own])) < _REACH * looseness[place[own]]:
                    share = unit(mixed(mixed(state, arrived[other]), 1))
                    seconds = int(together * (0.5 + 0.5 * share if familiar else 0.2 + 0.8 * share))
                    if seconds >= shortest:
                        if count < len(found.own):
                            found.own[count], found.other[count] = own, other
                            found.starts[count], found.seconds[count] = arrived[other], seconds
                            found.familiar[count] = familiar
                        count += 1
            other += 1
    return count


def _sure(run: Run, day: Day, has_app: Flags, heard: _Pairs, shortest: int) -> _Pairs:
    """Who infected whom stood close; those pairs that were not drawn."""
    behind = meetings_behind(day.infections, day.visits, has_app[np.asarray(day.visits.column("visitor"))])
    behind = behind.filter(behind.column("checked_in"))
    person, other, place = (np.asarray(behind.column(name)).astype(np.int64) for name in ("person", "infector", "place"))
    starts, until = np.asarray(behind.column("met_from")), np.asarray(behind.column("met_until"))
    people = len(has_app)
    known = np.minimum(heard.person, heard.other) * people + np.maximum(heard.person, heard.other)
    new = ~np.isin(np.minimum(person, other) * people + np.maximum(person, other), known)
    seconds = np.maximum(until - starts, shortest * 60)
    familiar = np.ones(int(new.sum()), bool)
    return _pairs(person[new], other[new], starts[new], seconds[new], place[new], familiar)


def _at_home(run: Run, world: CityWorld, day: Day, has_app: Flags) -> _Pairs:
    """Everybody of a household who is not in hospital, in the evening; people stand in order of their household."""
    household = world.layout.people["household"]
    there = np.flatnonzero(has_app & (run.epidemic.bodies["away_until"] < day.number) & ~world.layout.people["is_resident"])
    first, second = [], []
    for step in range(1, _LARGEST_HOME):
        same = np.flatnonzero(household[there[:-step]] == household[there[step:]])
        first.append(there[same])
        second.append(there[same + step])
        if not len(same):
            break
    one, two = np.concatenate(first), np.concatenate(second)
    evening = epoch_of(run.start, day.number, run.city.utc_offset) + 19 * 3600
    chance = uniform(run.seed, "at home", one, two, day.number) if len(one) else np.zeros(0)
    starts = evening + (chance * 3600).astype(np.int64)
    seconds = (3600 + uniform(run.seed, "evening", one, two, day.number) * 4 * 3600).astype(np.int64) if len(one) else starts
    return _pairs(one, two, starts, seconds, np.full(len(one), -1), np.ones(len(one), bool))


def _pairs(one: Ints, two: Ints, starts: Ints, seconds: Ints, place: Ints, familiar: Flags) -> _Pairs:
    low, high = np.minimum(one, two).astype(np.int64), np.maximum(one, two).astype(np.int64)
    return _Pairs(low, high, starts.astype(np.int64), seconds.astype(np.int64), place.astype(np.int64), familiar)
