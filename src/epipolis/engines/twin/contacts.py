"""Whom somebody met on past days, as tracers and telephones would find it: by home, class, team and shared hours."""

from typing import NamedTuple

import numpy as np

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Floats, Ints, mixed, unit
from epipolis.engines.twin.layout import Layout, Records
from epipolis.engines.twin.meetings import CARE, CLASS, HOUSEHOLD, PLACE, TEAM, TRANSIT, Groups
from epipolis.engines.twin.places import NURSERY, SCHOOL
from epipolis.engines.twin.presence import HAS_APP
from epipolis.engines.twin.week import PARTS, RIDE_BACK, RIDE_OUT, SLOTS, Week


class Asked(NamedTuple):
    """What is asked for: some days, by whom, and what counts."""

    number: int
    """Of the question, from 1."""
    key: np.uint64
    days: Ints
    weekdays: Ints
    keeps_keys: Ints
    """By day: where the draws began by which outings took place."""
    minutes: int
    """Shortest time together that counts, in places."""
    by_app: bool
    """Only between two people who both have the app."""


@compiled(allocates=False)
def list_contacts(
    layout: Layout,
    week: Week,
    groups: Groups,
    bodies: Records,
    asked: Asked,
    people: Ints,
    shares: Floats,
    seen: Ints,
    met: Ints,
) -> int:
    """Write all contacts of `people`, each once; return how many.

    `seen`: per person, the number of the last question that found them, which is then `asked.number`.
    """
    found = 0
    for row in range(len(people)):
        person = people[row]
        if asked.by_app and not bodies[person].habits & HAS_APP:
            continue
        home, team = layout.people[person].household, layout.people[person].team
        if shares[HOUSEHOLD] > 0:
            for other in range(layout.household_start[home], layout.household_start[home + 1]):
                found = _take(bodies, asked, shares[HOUSEHOLD], person, other, seen, met, found)
        if team >= 0:
            kind = layout.places[layout.people[person].duty].kind
            is_class = kind in (SCHOOL, NURSERY)
            layer = CARE if layout.people[person].is_resident else (CLASS if is_class else TEAM)
            if shares[layer] > 0:
                for number in range(groups.team_start[team], groups.team_start[team + 1]):
                    found = _take(bodies, asked, shares[layer], person, groups.team_members[number], seen, met, found)
        for day in range(len(asked.days)):
            first = asked.weekdays[day] * PARTS
            for number in range(week.mine_from[person], week.mine_from[person + 1]):
                if first <= week.slots[number] < first + PARTS:
                    found = _beside(layout, week, groups, bodies, asked, shares, day, week.mine[number], seen, met, found)
    return found


@compiled(allocates=False)
def _take(bodies: Records, asked: Asked, share: float, person: int, other: int, seen: Ints, met: Ints, found: int) -> int:
    if not _is_told(bodies, asked, share, person, other, seen):
        return found
    seen[other], met[found] = asked.number, other
    return found + 1


@compiled(allocates=False)
def _is_told(bodies: Records, asked: Asked, share: float, person: int, other: int, seen: Ints) -> bool:
    """Whether someone met is told of, and was not told of before. The chance comes first: it needs no look at them."""
    if share < 1 and unit(mixed(mixed(asked.key, person), other)) >= share:
        return False
    return seen[other] != asked.number and other != person and (not asked.by_app or bodies[other].habits & HAS_APP > 0)


@compiled(allocates=False)
def _took_place(layout: Layout, bodies: Records, asked: Asked, day: int, person: int, at: int) -> bool:
    leader = person if bodies[person].age >= 12 else layout.people[person].guardian
    return unit(mixed(mixed(asked.keeps_keys[day], leader), at % SLOTS)) < bodies[leader].keeps / 255


@compiled(allocates=False)
def _beside(
    layout: Layout,
    week: Week,
    groups: Groups,
    bodies: Records,
    asked: Asked,
    shares: Floats,
    day: int,
    own: int,
    seen: Ints,
    met: Ints,
    found: int,
) -> int:
    """Visitors of the same hours; staff are not registered at the door."""
    visit = week.outings[own]
    part = visit.at % PARTS
    share = shares[TRANSIT if part in (RIDE_OUT, RIDE_BACK) else PLACE]
    if share <= 0 or not _took_place(layout, bodies, asked, day, visit.person, visit.at):
        return found
    earliest = visit.arrived - groups.longest[visit.at // SLOTS]
    for step in (-1, 1):
        number = own + step
        while number >= 0 and number < len(week.outings) and week.outings[number].at == visit.at:
            other = week.outings[number]
            if other.arrived < earliest or other.arrived >= visit.left:
                break
            minutes = min(visit.left, other.left) - max(visit.arrived, other.arrived)
            is_told = minutes >= asked.minutes and _is_told(bodies, asked, share, visit.person, other.person, seen)
            if is_told and _took_place(layout, bodies, asked, day, other.person, other.at):
                seen[other.person], met[found] = asked.number, other.person
                found += 1
            number += step
    return found
