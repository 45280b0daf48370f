"""Who an infectious person meets on one day, and whom they infect: the compiled heart of the simulation.

Only infectious people are visited. Each meeting has a hazard: infectiousness * hours of undivided close contact. Events
come along a row of meetings at the rate of the largest hazard that any of them could have (a Poisson process, thinned:
Lewis and Shedler 1979, Naval Research Logistics), so that most meetings need no look at all, and an event is an
infection with the chance true hazard / largest hazard. The largest hazard is the disease's alone: what measures and
people do against it is weighed after, so that the same draws serve with and without a measure. Draws are by (day,
layer, source, event), so that nothing depends on the order of the work.

People lie far apart in memory, and waiting for memory would be most of the work. So the sources are taken in blocks: all
events of a block are drawn, then whom they concern is looked up, then they are weighed; what is fetched for one does not
wait for the other.
"""

from typing import NamedTuple

import numpy as np

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Floats, Ints, mixed, unit
from epipolis.engines.twin.layout import Layout, Records
from epipolis.engines.twin.places import CARE_HOME, CODES, NURSERY, SCHOOL, WORKPLACE
from epipolis.engines.twin.presence import Today, keeps_outing, left_by, stay_of
from epipolis.engines.twin.week import PARTS, RIDE_BACK, RIDE_OUT, SLOTS, Week

HOUSEHOLD, CLASS, TEAM, PLACE, TRANSIT, CARE, PASSING = range(7)
_HOSPITAL = CODES["hospital"]

_HOME_HOURS = 4.0
_HOME_CROWDING = 0.4
_TEAM_SHARE, _CLASS_SHARE = 1 / 6, 1 / 18
_FLOOR, _COUNTER, PLAIN = 20, 21, 100  # layers of their own for the draws
AT_HOME, ON_TEAM, ON_FLOOR, AT_COUNTER, BESIDE, WITH_STAFF, IN_PASSING = range(7)
_LOOSE = 4  # others of the same school or firm met by chance in a day
_PASSED, _PASSED_HOURS, PASSED_NEAR = 4, 0.05, 0.75


class Groups(NamedTuple):
    """People by what they share; each a list of people and where each group begins in it."""

    team_members: Ints
    team_start: Ints
    staff: Ints
    staff_start: Ints
    """By place: who works, learns or lives there."""
    area_start: Ints
    """Of each neighbourhood among the people, who are in that order."""
    looseness: Floats
    """By place: share of the time together there that is close, for two who do not know each other."""
    longest: Ints
    """By place: minutes of the longest stay."""
    outing_start: Ints
    """By place: where the outings there begin in the week."""
    busiest: Ints
    """By place: the most outings there in one part of a day."""


class Sources(NamedTuple):
    """The infectious people of a day."""

    person: Ints
    infection: Ints
    level: Floats
    """Hazard for each hour of undivided close contact with someone of susceptibility 1."""


class Source(NamedTuple):
    """One of them, and the row in which it stands."""

    person: int
    row: int
    level: float


EVENT = np.dtype(
    [
        ("state", np.uint64),  # of its draws
        ("hazard", np.float64),  # of the whole meeting, or of a minute of it where both can leave
        ("most", np.float64),
        ("source", np.int32),  # row of the sources
        ("at", np.int32),  # where along the row of meetings
        ("target", np.int32),
        ("spot", np.int32),  # place * 42 + slot, or below 0
        ("begin", np.int16),  # of the source's stay
        ("end", np.int16),
        ("layer", np.uint8),
        ("how", np.uint8),
        ("can", np.uint8),
    ],
    align=True,
)
"""Something happens between a source and someone of a row of possible meetings: perhaps an infection."""


class Room(NamedTuple):
    """Room for the work on a block of sources."""

    events: Records
    outing: Ints
    """Outings of the sources of a block, and below the row of their source and the slot and place."""
    row: Ints
    at: Ints


def room_for(events: int, sources: int) -> Room:
    """Room for so many events and sources in a block."""
    return Room(np.empty(events, EVENT), *(np.empty(sources * PARTS, np.int32) for _ in range(3)))


@compiled(allocates=False)
def draw_events(
    layout: Layout,
    week: Week,
    groups: Groups,
    bodies: Records,
    today: Today,
    sources: Sources,
    first: int,
    last: int,
    room: Room,
) -> int:
    """Draw the events of a block; return how many there are, perhaps more than there is room for."""
    found, waiting = 0, 0
    for row in range(first, last):
        source = Source(sources.person[row], row, sources.level[row])
        body = bodies[source.person]
        if body.away_until >= today.day:
            continue
        found = _at_home(layout, body.home_until >= today.day, today, source, room.events, found)
        if body.home_until >= today.day:
            continue
        begin, end = stay_of(layout, bodies, today, source.person)
        if end > 0:
            found = _on_duty(layout, week, groups, today, source, begin, end, room.events, found)
        for number in range(week.mine_from[source.person], week.mine_from[source.person + 1]):
            slot = week.slots[number]
            if slot >= today.weekday * PARTS and slot < (today.weekday + 1) * PARTS:
                room.outing[waiting], room.row[waiting] = week.mine[number], row
                waiting += 1
        draws, hazard = mixed(mixed(today.key, PASSING), source.person), source.level * _PASSED_HOURS
        row_of = Row(IN_PASSING, PASSING, -1, hazard, hazard, 0, 0)
        found = _draw(today, source, draws, row_of, 0, 1, _PASSED, room.events, found)
    for number in range(waiting):
        room.at[number] = week.outings[room.outing[number]].at
    for number in range(waiting):
        row = room.row[number]
        source = Source(sources.person[row], row, sources.level[row])
        found = _on_outing(layout, week, groups, bodies, today, source, room.outing[number], room.events, found)
    return found


class Row(NamedTuple):
    """A row of possible meetings of one source."""

    how: int
    layer: int
    spot: int
    hazard: float
    largest: float
    """The largest hazard that any of them could have."""
    begin: int
    end: int


@compiled(allocates=False)
def largest_of(today: Today, hazard: float) -> float:
    """The hazard of someone of the largest susceptibility."""
    hazard = max(hazard * today.most, 1e-12)
    return hazard if today.is_hazard else -np.log1p(-min(hazard, 0.999999))


@compiled(allocates=False)
def gap(state: np.uint64) -> float:
    """How far the next event is, for a rate of 1."""
    return -np.log(1 - unit(mixed(state, 2)))


@compiled(allocates=False)
def first_gap(state: np.uint64, most: float, count: float) -> float:
    """How far the first event is; at least `count`, without working it out, where it is surely beyond."""
    chance = unit(mixed(state, 2))
    return count if chance >= most * count else -np.log(1 - chance) / most


@compiled(allocates=False)
def _draw(
    today: Today,
    source: Source,
    draws: np.uint64,
    row: Row,
    first: int,
    step: int,
    count: float,
    events: Records,
    found: int,
) -> int:
    """Draw the events along a row of `count` that begins at `first` and goes in steps; return how many there are now."""
    most = largest_of(today, row.largest)
    event, at = 0, first_gap(draws, most, count)
    while at < count:
        state = mixed(draws, event)
        if found < len(events):
            one = events[found]
            one.state, one.hazard, one.most, one.source, one.at = state, row.hazard, most, source.row, first + step * int(at)
            one.spot, one.begin, one.end, one.layer, one.how = row.spot, row.begin, row.end, row.layer, row.how
        found += 1
        event, at = event + 1, at + gap(state) / most
    return found


@compiled(allocates=False)
def _at_home(layout: Layout, keeps_apart: bool, today: Today, source: Source, events: Records, found: int) -> int:
    home = layout.people[source.person].household
    first, last = layout.household_start[home], layout.household_start[home + 1]
    hazard = source.level * _HOME_HOURS / max(last - first - 1, 1) ** _HOME_CROWDING
    apart = today.home_factor if keeps_apart else 1.0
    row = Row(AT_HOME, HOUSEHOLD, -1, hazard * apart, hazard, 0, 0)
    draws = mixed(mixed(today.key, HOUSEHOLD), source.person)
    return _draw(today, source, draws, row, first, 1, last - first, events, found)


@compiled(allocates=False)
def _on_duty(
    layout: Layout,
    week: Week,
    groups: Groups,
    today: Today,
    source: Source,
    begin: int,
    end: int,
    events: Records,
    found: int,
) -> int:
    """Colleagues or classmates, a few others of the house, and a venue's visitors of the day."""
    place, team = layout.people[source.person].duty, layout.people[source.person].team
    kind, hours = layout.places[place].kind, (end - begin) / 60
    is_school = kind in (SCHOOL, NURSERY)
    layer = CLASS if is_school else TEAM
    if team >= 0:
        hazard = source.level * hours * (_CLASS_SHARE if is_school else _TEAM_SHARE)
        first, last = groups.team_start[team], groups.team_start[team + 1]
        draws = mixed(mixed(today.key, layer), source.person)
        row = Row(ON_TEAM, layer, place * SLOTS, hazard, hazard, begin, end)
        found = _draw(today, source, draws, row, first, 1, last - first, events, found)
    others, layer = groups.staff_start[place + 1] - groups.staff_start[place], _layer_at(layout, place)
    hazard = source.level * groups.looseness[place] * hours * others / _LOOSE
    draws = mixed(mixed(today.key, _FLOOR), source.person)
    row = Row(ON_FLOOR, layer, place * SLOTS, hazard, hazard, begin, end)
    found = _draw(today, source, draws, row, 0, 1, _LOOSE, events, found)
    if is_school or kind == WORKPLACE:
        return found
    loose = source.level * groups.looseness[place] / 60
    draws = mixed(mixed(today.key, _COUNTER), source.person)
    row = Row(AT_COUNTER, layer, place * SLOTS, loose, loose * groups.longest[place], begin, end)
    if first_gap(draws, largest_of(today, row.largest), groups.busiest[place] * PARTS) >= groups.busiest[place] * PARTS:
        return found
    slot, stop = place * SLOTS + today.weekday * PARTS, groups.outing_start[place + 1]
    first = _first_at(week.outings, slot, groups.outing_start[place], stop)
    return _draw(today, source, draws, row, first, 1, _first_at(week.outings, slot + PARTS, first, stop) - first, events, found)


@compiled(allocates=False)
def _layer_at(layout: Layout, place: int) -> int:
    kind = layout.places[place].kind
    return CARE if kind in (CARE_HOME, _HOSPITAL) else PLACE


@compiled(allocates=False)
def _first_at(outings: Records, at: int, low: int, high: int) -> int:
    while low < high:
        middle = (low + high) // 2
        if outings[middle].at < at:
            low = middle + 1
        else:
            high = middle
    return low


@compiled(allocates=False)
def _on_outing(
    layout: Layout,
    week: Week,
    groups: Groups,
    bodies: Records,
    today: Today,
    source: Source,
    own: int,
    events: Records,
    found: int,
) -> int:
    """The other visitors of the same hours stand beside this outing, before it and after it; and the staff."""
    visit = week.outings[own]
    if not keeps_outing(layout, bodies, today, source.person, visit.at, visit.arrived):
        return found
    place, arrived, left = visit.at // SLOTS, visit.arrived, left_by(layout, bodies, today, visit.person, visit.left)
    layer = TRANSIT if visit.at % PARTS in (RIDE_OUT, RIDE_BACK) else _layer_at(layout, place)
    loose = source.level * groups.looseness[place] / 60
    draws = mixed(mixed(mixed(today.key, layer), source.person), visit.at)
    row = Row(BESIDE, layer, visit.at, loose, loose * (visit.left - arrived), arrived, left)
    for step in (-1, 1):
        found = _draw(today, source, mixed(draws, step), row, own + step, step, groups.busiest[place], events, found)
    row = Row(WITH_STAFF, layer, visit.at, loose, loose * (visit.left - arrived), arrived, left)
    first, last = groups.staff_start[place], groups.staff_start[place + 1]
    return _draw(today, source, mixed(draws, 2), row, first, 1, last - first, events, found)
