"""Who an infectious person meets on one day, and whom they infect: the compiled heart of the simulation.

Only infectious people are visited. Each meeting has a hazard: infectiousness * hours of undivided close contact. Events
come along a row of meetings at the rate of the largest hazard that any of them could have (a Poisson process, thinned:
Lewis and Shedler 1979, Naval Research Logistics), so that most meetings need no look at all, and an event is an
infection with the chance true hazard / largest hazard. The largest hazard is the disease's alone: what measures and
people do against it is weighed after, so that the same draws serve with and without a measure. Draws are by (day,
layer, source, event), so that nothing depends on the order of the work.
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
_FLOOR, _COUNTER, _PLAIN = 20, 21, 100  # layers of their own for the draws
_LOOSE = 4  # others of the same school or firm met by chance in a day
_PASSED, _PASSED_HOURS, _PASSED_NEAR = 4, 0.05, 0.75


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


class Sources(NamedTuple):
    """The infectious people of a day."""

    person: Ints
    infection: Ints
    level: Floats
    """Hazard for each hour of undivided close contact with someone of susceptibility 1."""


class Source(NamedTuple):
    """One of them."""

    person: int
    infection: int
    level: float


class Block(NamedTuple):
    """Outings that wait to be looked at."""

    outing: Ints
    row: Ints
    """Of the sources."""
    at: Ints


class Hits(NamedTuple):
    """Infections that would happen; where one person is hit twice, the smaller draw is the cause."""

    target: Ints
    infection: Ints
    place: Ints
    layer: Ints
    draw: Floats
    found: Ints
    """One entry; more than there is room for says that the work must be done again with more."""


@compiled(allocates=False)
def infect(
    layout: Layout,
    week: Week,
    groups: Groups,
    bodies: Records,
    today: Today,
    sources: Sources,
    first: int,
    last: int,
    block: Block,
    hits: Hits,
) -> None:
    """Write the hits of some of the sources. `block`: room for the outings that are looked at together."""
    waiting = 0
    for row in range(first, last):
        source = Source(sources.person[row], sources.infection[row], sources.level[row])
        body = bodies[source.person]
        if body.away_until >= today.day:
            continue
        _at_home(layout, bodies, today, source, hits)
        if body.home_until >= today.day:
            continue
        begin, end = stay_of(layout, bodies, today, source.person)
        if end > 0:
            _on_duty(layout, week, groups, bodies, today, source, begin, end, hits)
        for number in range(week.mine_from[source.person], week.mine_from[source.person + 1]):
            slot = week.slots[number]
            if slot >= today.weekday * PARTS and slot < (today.weekday + 1) * PARTS:
                block.outing[waiting], block.row[waiting] = week.mine[number], row
                waiting += 1
        _in_passing(layout, groups, bodies, today, source, hits)
        if waiting > len(block.row) - PARTS or row == last - 1:
            _on_outings(layout, week, groups, bodies, today, sources, block, waiting, hits)
            waiting = 0
    _on_outings(layout, week, groups, bodies, today, sources, block, waiting, hits)


@compiled(allocates=False)
def _on_outings(
    layout: Layout,
    week: Week,
    groups: Groups,
    bodies: Records,
    today: Today,
    sources: Sources,
    block: Block,
    waiting: int,
    hits: Hits,
) -> None:
    """The outings of a block. They lie far apart in memory: touched one right after the other, they come together."""
    for number in range(waiting):
        block.at[number] = week.outings[block.outing[number]].at
    for number in range(waiting):
        row = block.row[number]
        source = Source(sources.person[row], sources.infection[row], sources.level[row])
        _on_outing(layout, week, groups, bodies, today, source, block.outing[number], hits)


@compiled(allocates=False)
def _largest(today: Today, hazard: float) -> float:
    """The hazard of someone of the largest susceptibility."""
    hazard = max(hazard * today.most, 1e-12)
    return hazard if today.is_hazard else -np.log1p(-min(hazard, 0.999999))


@compiled(allocates=False)
def _gap(state: np.uint64) -> float:
    """How far the next event is, for a rate of 1."""
    return -np.log(1 - unit(mixed(state, 2)))


@compiled(allocates=False)
def _infects(
    bodies: Records, today: Today, source: Source, state: np.uint64, most: float, target: int, hazard: float, layer: int
) -> bool:
    """Whether an event is an infection, with the chance hazard / most; protection is weighed later.

    It is asked before all else, because most events are none and presence is dear to know.
    """
    body = bodies[target]
    if body.can == 0 or body.away_until >= today.day or target == source.person:
        return False
    hazard *= today.susceptibility[body.age] * today.masks[layer, body.wears]
    hazard *= today.masks[layer, bodies[source.person].wears]
    if not today.is_hazard:
        hazard = -np.log1p(-min(hazard, 0.999999))
    return unit(mixed(state, 1)) * most < hazard


@compiled(allocates=False)
def _note(source: Source, state: np.uint64, target: int, layer: int, place: int, hits: Hits) -> None:
    row = hits.found[0]
    hits.found[0] += 1
    if row < len(hits.target):
        hits.target[row], hits.infection[row], hits.place[row], hits.layer[row] = target, source.infection, place, layer
        hits.draw[row] = unit(mixed(state, 6))


@compiled(allocates=False)
def _at_home(layout: Layout, bodies: Records, today: Today, source: Source, hits: Hits) -> None:
    home = layout.people[source.person].household
    first, last = layout.household_start[home], layout.household_start[home + 1]
    hazard = source.level * _HOME_HOURS / max(last - first - 1, 1) ** _HOME_CROWDING
    most, draws = _largest(today, hazard), mixed(mixed(today.key, HOUSEHOLD), source.person)
    apart = today.home_factor if bodies[source.person].home_until >= today.day else 1.0
    event, at = 0, _gap(draws) / most
    while at < last - first:
        state = mixed(draws, event)
        target = first + int(at)
        if _infects(bodies, today, source, state, most, target, hazard * apart, HOUSEHOLD):
            _note(source, state, target, HOUSEHOLD, -1, hits)
        event, at = event + 1, at + _gap(state) / most


@compiled(allocates=False)
def _on_duty(
    layout: Layout,
    week: Week,
    groups: Groups,
    bodies: Records,
    today: Today,
    source: Source,
    begin: int,
    end: int,
    hits: Hits,
) -> None:
    """Colleagues or classmates, a few others of the house, and a venue's visitors."""
    place, team = layout.people[source.person].duty, layout.people[source.person].team
    kind, hours = layout.places[place].kind, (end - begin) / 60
    is_school = kind in (SCHOOL, NURSERY)
    layer = CLASS if is_school else TEAM
    hazard = source.level * hours * (_CLASS_SHARE if is_school else _TEAM_SHARE)
    most, draws = _largest(today, hazard), mixed(mixed(today.key, layer), source.person)
    first, last = (groups.team_start[team], groups.team_start[team + 1]) if team >= 0 else (0, 0)
    event, at = 0, _gap(draws) / most
    while at < last - first:
        state, target = mixed(draws, event), groups.team_members[first + int(at)]
        if (
            _infects(bodies, today, source, state, most, target, hazard, layer)
            and stay_of(layout, bodies, today, target)[1] > 0
        ):
            _note(source, state, target, layer, place, hits)
        event, at = event + 1, at + _gap(state) / most
    _on_floor(layout, groups, bodies, today, source, place, hours, hits)
    if not is_school and kind != WORKPLACE:
        _at_counter(layout, week, groups, bodies, today, source, place, begin, end, hits)


@compiled(allocates=False)
def _on_floor(
    layout: Layout, groups: Groups, bodies: Records, today: Today, source: Source, place: int, hours: float, hits: Hits
) -> None:
    """A few of those of the same school, firm or care home who are in another class, team or household."""
    first = groups.staff_start[place]
    others = groups.staff_start[place + 1] - first
    hazard = source.level * groups.looseness[place] * hours * others / _LOOSE
    most, draws = _largest(today, hazard), mixed(mixed(today.key, _FLOOR), source.person)
    event, at, own, layer = 0, _gap(draws) / most, layout.people[source.person], _layer_at(layout, place)
    while at < _LOOSE:
        state = mixed(draws, event)
        target = groups.staff[first + int(others * unit(mixed(state, 3)))]
        if _infects(bodies, today, source, state, most, target, hazard, layer):
            other = layout.people[target]
            is_other = other.team != own.team or (own.is_resident and other.household != own.household)
            if is_other and stay_of(layout, bodies, today, target)[1] > 0:
                _note(source, state, target, layer, place, hits)
        event, at = event + 1, at + _gap(state) / most


@compiled(allocates=False)
def _layer_at(layout: Layout, place: int) -> int:
    kind = layout.places[place].kind
    return CARE if kind in (CARE_HOME, _HOSPITAL) else PLACE


@compiled(allocates=False)
def _at_counter(
    layout: Layout,
    week: Week,
    groups: Groups,
    bodies: Records,
    today: Today,
    source: Source,
    place: int,
    begin: int,
    end: int,
    hits: Hits,
) -> None:
    """The visitors of the day whom someone of the staff meets."""
    loose = source.level * groups.looseness[place] / 60
    most = _largest(today, loose * groups.longest[place])
    draws, slot = mixed(mixed(today.key, _COUNTER), source.person), place * SLOTS + today.weekday * PARTS
    event, at, layer = 0, _gap(draws) / most, _layer_at(layout, place)
    first, last = groups.outing_start[place], groups.outing_start[place + 1]
    if at >= last - first:
        return
    first = _first_at(week.outings, slot, first, last)
    while first + at < len(week.outings) and week.outings[first + int(at)].at < slot + PARTS:
        visit, state = week.outings[first + int(at)], mixed(draws, event)
        minutes = min(end, left_by(layout, bodies, today, visit.person, visit.left)) - max(begin, visit.arrived)
        meets = minutes > 0 and _infects(bodies, today, source, state, most, visit.person, loose * minutes, layer)
        if meets and keeps_outing(layout, bodies, today, visit.person, visit.at, visit.arrived):
            _note(source, state, visit.person, layer, place, hits)
        event, at = event + 1, at + _gap(state) / most


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
    layout: Layout, week: Week, groups: Groups, bodies: Records, today: Today, source: Source, own: int, hits: Hits
) -> None:
    """The other visitors of the same hours stand beside this outing, before it and after it; and the staff."""
    visit = week.outings[own]
    if not keeps_outing(layout, bodies, today, source.person, visit.at, visit.arrived):
        return
    place, arrived, left = visit.at // SLOTS, visit.arrived, left_by(layout, bodies, today, visit.person, visit.left)
    part = visit.at % PARTS
    layer = TRANSIT if part in (RIDE_OUT, RIDE_BACK) else _layer_at(layout, place)
    loose = source.level * groups.looseness[place] / 60
    most = _largest(today, loose * (visit.left - arrived))
    draws = mixed(mixed(mixed(today.key, layer), source.person), visit.at)
    for step in (-1, 1):
        own_draws = mixed(draws, step)
        event, at = 0, 1 + _gap(own_draws) / most
        number = own + step * int(min(at, 1e9))
        while number >= 0 and number < len(week.outings) and week.outings[number].at == visit.at:
            other, state = week.outings[number], mixed(own_draws, event)
            if (step > 0 and other.arrived >= left) or (step < 0 and other.arrived < arrived - groups.longest[place]):
                break
            minutes = min(left, left_by(layout, bodies, today, other.person, other.left)) - max(arrived, other.arrived)
            meets = minutes > 0 and _infects(bodies, today, source, state, most, other.person, loose * minutes, layer)
            if meets and keeps_outing(layout, bodies, today, other.person, other.at, other.arrived):
                _note(source, state, other.person, layer, place, hits)
            event, at = event + 1, at + _gap(state) / most
            number = own + step * int(min(at, 1e9))
    draws = mixed(draws, 2)
    first, last = groups.staff_start[place], groups.staff_start[place + 1]
    event, at = 0, _gap(draws) / most
    while at < last - first:
        state, target = mixed(draws, event), groups.staff[first + int(at)]
        if bodies[target].can > 0:
            begin, end = stay_of(layout, bodies, today, target)
            minutes = min(left, end) - max(arrived, begin)
            if minutes > 0 and _infects(bodies, today, source, state, most, target, loose * minutes, layer):
                _note(source, state, target, layer, place, hits)
        event, at = event + 1, at + _gap(state) / most


@compiled(allocates=False)
def _in_passing(layout: Layout, groups: Groups, bodies: Records, today: Today, source: Source, hits: Hits) -> None:
    """A few people met by chance, most of them from the neighbourhood."""
    hazard = source.level * _PASSED_HOURS
    most, draws = _largest(today, hazard), mixed(mixed(today.key, PASSING), source.person)
    event, at = 0, _gap(draws) / most
    while at < _PASSED:
        state = mixed(draws, event)
        area = layout.people[source.person].neighbourhood
        is_near = unit(mixed(state, 4)) < _PASSED_NEAR
        first = groups.area_start[area] if is_near else 0
        last = groups.area_start[area + 1] if is_near else len(bodies)
        target = first + int(unit(mixed(state, 3)) * (last - first))
        if _infects(bodies, today, source, state, most, target, hazard, PASSING) and bodies[target].home_until < today.day:
            _note(source, state, target, PASSING, -1, hits)
        event, at = event + 1, at + _gap(state) / most


@compiled(allocates=False)
def infect_layer(
    layer: int,
    weight: float,
    largest: int,
    start: Ints,
    other: Ints,
    group_of: Ints,
    bodies: Records,
    today: Today,
    sources: Sources,
    first: int,
    last: int,
    hits: Hits,
) -> None:
    """The same on a plain layer of contacts; `group_of` is empty where each person has contacts of their own.

    Such layers know no hospital: who is ill goes on meeting the same people.
    """
    for row in range(first, last):
        source = Source(sources.person[row], sources.infection[row], sources.level[row])
        group = group_of[source.person] if len(group_of) else source.person
        if group < 0 or bodies[source.person].home_until >= today.day:
            continue
        hazard = source.level * weight
        most, draws = _largest(today, hazard), mixed(mixed(today.key, _PLAIN + layer), source.person)
        event, at = 0, _gap(draws) / most
        if at >= largest:
            continue
        while at < start[group + 1] - start[group]:
            state, target = mixed(draws, event), other[start[group] + int(at)]
            if _infects(bodies, today, source, state, most, target, hazard, PLACE) and bodies[target].home_until < today.day:
                _note(source, state, target, PLACE, -1, hits)
            event, at = event + 1, at + _gap(state) / most
