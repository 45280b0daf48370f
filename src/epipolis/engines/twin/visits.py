"""Everyone's stays on one day, as a register of all places would hold them."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Flags, Ints, uniform
from epipolis.engines.twin.layout import Layout, Records
from epipolis.engines.twin.presence import Today, keeps_outing, left_by, stay_of
from epipolis.engines.twin.week import LUNCH, PARTS, SLOTS, Week
from epipolis.engines.twin.worlds import CityWorld

_REMEMBERED_EXACTLY = 0.9
_WAY = 5
"""Minutes from the office to lunch."""


class Stays(NamedTuple):
    """Columns of stays; times in minutes of the local day."""

    visitor: Ints
    place: Ints
    arrived: Ints
    left: Ints
    staff: Flags
    companions: Ints
    accompanied: Flags


def visits_on(world: CityWorld, bodies: Records, today: Today, *, seed: int, midnight: int) -> pa.Table:
    """Every stay of the day, in order of place and arrival.

    visitor, place, arrived, left (epoch seconds), staff, companions (children brought along), accompanied (is such a
    child: also has a row of their own, but no telephone), exact (False: the times are only remembered roughly).
    `midnight`: epoch seconds of the day's beginning.
    """
    room = 2 * len(bodies) + int((world.week.slots // PARTS == today.weekday).sum()) + 1
    stays = Stays(
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int16),
        np.empty(room, np.int16),
        np.zeros(room, np.bool_),
        np.zeros(room, np.int8),
        np.zeros(room, np.bool_),
    )
    row_of = np.full(len(world.week.mine), -1, np.int32)
    count = _write_stays(world.layout, world.week, bodies, today, stays, row_of)
    visitor, place, arrived, left, staff, companions, accompanied = (column[:count] for column in stays)
    seconds = (uniform(seed, "second", visitor, place, today.day) * 60).astype(np.int64)
    begin, end = arrived * np.int64(60) + seconds, left * np.int64(60) + seconds
    order = np.lexsort((visitor, place * np.int64(90_000) + begin))
    is_exact = uniform(seed, "remembers", visitor, place, today.day) < _REMEMBERED_EXACTLY
    columns = {
        "visitor": visitor.astype(np.int64),
        "place": place.astype(np.int64),
        "arrived": begin + midnight,
        "left": end + midnight,
        "staff": staff,
        "companions": companions,
        "accompanied": accompanied,
        "exact": is_exact,
    }
    return pa.table({name: column[order] for name, column in columns.items()})


@compiled(allocates=False)
def _add(stays: Stays, count: int, person: int, place: int, arrived: int, left: int) -> int:
    stays.visitor[count], stays.place[count], stays.arrived[count], stays.left[count] = person, place, arrived, left
    return count + 1


@compiled(allocates=False)
def _write_stays(layout: Layout, week: Week, bodies: Records, today: Today, stays: Stays, row_of: Ints) -> int:
    count = 0
    for person in range(len(bodies)):
        begin, end = stay_of(layout, bodies, today, person)
        works = end > 0 and not layout.people[person].is_pupil and not layout.people[person].is_resident
        for number in range(week.mine_from[person], week.mine_from[person + 1]):
            if week.slots[number] // PARTS != today.weekday:
                continue
            visit = week.outings[week.mine[number]]
            if not keeps_outing(layout, bodies, today, person, visit.at, visit.arrived):
                continue
            if visit.at % PARTS == LUNCH and end > 0 and visit.arrived - _WAY > begin:
                count = _add(stays, count, person, layout.people[person].duty, begin, visit.arrived - _WAY)
                stays.staff[count - 1] = works
                begin = min(visit.left + _WAY, end - 1)
            count = _add(
                stays, count, person, visit.at // SLOTS, visit.arrived, left_by(layout, bodies, today, person, visit.left)
            )
            row_of[number] = count - 1
            stays.accompanied[count - 1] = bodies[person].age < 12
        if end > 0:
            count = _add(stays, count, person, layout.people[person].duty, begin, end)
            stays.staff[count - 1] = works
    for person in range(len(bodies)):
        if bodies[person].age >= 12:
            continue
        for number in range(week.mine_from[person], week.mine_from[person + 1]):
            if row_of[number] < 0:
                continue
            guardian = layout.people[person].guardian
            for other in range(week.mine_from[guardian], week.mine_from[guardian + 1]):
                if week.slots[other] == week.slots[number] and row_of[other] >= 0:
                    stays.companions[row_of[other]] += 1
    return count


def epoch_of(start: date, day: int, utc_offset: timedelta) -> int:
    """Epoch seconds of local midnight at the beginning of a day of the run."""
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC) + timedelta(days=day) - utc_offset
    return int(midnight.timestamp())


def checked_in(visits: pa.Table, *, uptake: float, seed: int) -> pa.Table:
    """The visits of those who check in. `uptake` is the share of people with the app: a person checks in everywhere or
    nowhere, and children brought along are counted as companions instead. Raises ValueError outside 0 to 1."""
    if not 0 <= uptake <= 1:
        raise ValueError(f"Uptake is a share between 0 and 1, not {uptake}.")
    takes_part = uniform(seed, "checks in", visits.column("visitor").to_numpy()) < uptake
    return visits.filter(pa.array(takes_part & ~visits.column("accompanied").to_numpy()))
