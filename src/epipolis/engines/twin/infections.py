"""Which meetings of a day infect someone: the events of a block are looked up, then weighed."""

from typing import Any, NamedTuple

import numpy as np

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Floats, Ints, mixed, unit
from epipolis.engines.twin.layout import Layout, Records
from epipolis.engines.twin.meetings import (
    AT_COUNTER,
    AT_HOME,
    BESIDE,
    IN_PASSING,
    ON_FLOOR,
    ON_TEAM,
    PASSED_NEAR,
    PLACE,
    PLAIN,
    WITH_STAFF,
    Groups,
    Room,
    Sources,
    draw_events,
    gap,
    largest_of,
)
from epipolis.engines.twin.presence import Today, keeps_outing, left_by, stay_of
from epipolis.engines.twin.week import PARTS, SLOTS, Week


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
    room: Room,
    hits: Hits,
) -> int:
    """Write the hits of some of the sources; return the first that is not done, for want of room for its block's events."""
    at_once = len(room.row) // PARTS
    while first < last:
        stop = min(first + at_once, last)
        found = draw_events(layout, week, groups, bodies, today, sources, first, stop, room)
        if found > len(room.events):
            return first
        found = _find_targets(layout, week, groups, sources, room.events, found)
        for number in range(found):
            room.events[number].can = bodies[room.events[number].target].can
        for number in range(found):
            if room.events[number].can > 0:
                _weigh(layout, week, bodies, today, sources, room.events[number], hits)
        first = stop
    return last


@compiled(allocates=False)
def _find_targets(layout: Layout, week: Week, groups: Groups, sources: Sources, events: Records, found: int) -> int:
    """Look up whom each event concerns; those that concern nobody are left out."""
    kept = 0
    for number in range(found):
        one = events[number]
        if one.how == AT_HOME:
            one.target = one.at
        elif one.how == ON_TEAM:
            one.target = groups.team_members[one.at]
        elif one.how == WITH_STAFF:
            one.target = groups.staff[one.at]
        elif one.how == ON_FLOOR:
            first = groups.staff_start[one.spot // SLOTS]
            one.target = groups.staff[
                first + int((groups.staff_start[one.spot // SLOTS + 1] - first) * unit(mixed(one.state, 3)))
            ]
        elif one.how == IN_PASSING:
            area, is_near = layout.people[sources.person[one.source]].neighbourhood, unit(mixed(one.state, 4)) < PASSED_NEAR
            first = groups.area_start[area] if is_near else 0
            last = groups.area_start[area + 1] if is_near else len(layout.people)
            one.target = first + int(unit(mixed(one.state, 3)) * (last - first))
        else:
            if one.at < 0 or one.at >= len(week.outings):
                continue
            if one.how == BESIDE and week.outings[one.at].at != one.spot:
                continue
            one.target = week.outings[one.at].person
        if kept < number:
            events[kept] = one
        kept += 1
    return kept


@compiled(allocates=False)
def _infects(
    bodies: Records, today: Today, person: int, state: np.uint64, most: float, target: int, hazard: float, layer: int
) -> bool:
    """Whether an event is an infection, with the chance hazard / most; protection is weighed later.

    It is asked before all else, because most events are none and presence is dear to know.
    """
    body = bodies[target]
    if body.can == 0 or body.away_until >= today.day or target == person:
        return False
    hazard *= today.susceptibility[body.age] * today.masks[layer, body.wears]
    hazard *= today.masks[layer, bodies[person].wears]
    if not today.is_hazard:
        hazard = -np.log1p(-min(hazard, 0.999999))
    return unit(mixed(state, 1)) * most < hazard


@compiled(allocates=False)
def _weigh(layout: Layout, week: Week, bodies: Records, today: Today, sources: Sources, one: Any, hits: Hits) -> None:
    """Note an event if it is an infection: the chance falls so, and both are there."""
    person, target = sources.person[one.source], one.target
    hazard, most, layer = one.hazard, one.most, one.layer
    if one.how == BESIDE or one.how == AT_COUNTER:
        visit = week.outings[one.at]
        minutes = min(one.end, left_by(layout, bodies, today, target, visit.left)) - max(one.begin, visit.arrived)
        if minutes <= 0 or not _infects(bodies, today, person, one.state, most, target, hazard * minutes, layer):
            return
        if not keeps_outing(layout, bodies, today, target, visit.at, visit.arrived):
            return
    elif one.how == WITH_STAFF:
        if not _infects(bodies, today, person, one.state, most, target, hazard * (one.end - one.begin), layer):
            return
        begin, end = stay_of(layout, bodies, today, target)
        minutes = min(one.end, end) - max(one.begin, begin)
        if minutes <= 0 or not _infects(bodies, today, person, one.state, most, target, hazard * minutes, layer):
            return
    elif not _infects(bodies, today, person, one.state, most, target, hazard, layer):
        return
    elif one.how == ON_TEAM or one.how == ON_FLOOR:
        own, other = layout.people[person], layout.people[target]
        is_other = other.team != own.team or (own.is_resident and other.household != own.household)
        if (one.how == ON_FLOOR and not is_other) or stay_of(layout, bodies, today, target)[1] == 0:
            return
    elif one.how == IN_PASSING and bodies[target].home_until >= today.day:
        return
    _note(sources.infection[one.source], one.state, target, layer, one.spot // SLOTS, hits)


@compiled(allocates=False)
def _note(infection: int, state: np.uint64, target: int, layer: int, place: int, hits: Hits) -> None:
    row = hits.found[0]
    hits.found[0] += 1
    if row < len(hits.target):
        hits.target[row], hits.infection[row], hits.place[row], hits.layer[row] = target, infection, place, layer
        hits.draw[row] = unit(mixed(state, 6))


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
        person = sources.person[row]
        group = group_of[person] if len(group_of) else person
        if group < 0 or bodies[person].home_until >= today.day:
            continue
        hazard = sources.level[row] * weight
        most, draws = largest_of(today, hazard), mixed(mixed(today.key, PLAIN + layer), person)
        event, at = 0, gap(draws) / most
        if at >= largest:
            continue
        while at < start[group + 1] - start[group]:
            state, target = mixed(draws, event), other[start[group] + int(at)]
            infects = _infects(bodies, today, person, state, most, target, hazard, PLACE)
            if infects and bodies[target].home_until < today.day:
                _note(sources.infection[row], state, target, PLACE, -1, hits)
            event, at = event + 1, at + gap(state) / most
