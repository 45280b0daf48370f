"""Whether someone is at work, in class or out on one day: what the typical week, measures and illness leave of it."""

from typing import NamedTuple

import numpy as np

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Floats, Ints, mixed, unit
from epipolis.engines.twin.layout import Layout, Records
from epipolis.engines.twin.places import WORKPLACE
from epipolis.engines.twin.week import SLOTS, duty_hours

BODY = np.dtype(
    [
        ("home_until", np.int16),  # last day at home by order or illness
        ("away_until", np.int16),  # last day in hospital; the dead are away for ever
        ("can", np.uint8),  # 0 cannot be infected now, 1 never was, 2 has some protection
        ("wears", np.uint8),  # bits: the mask orders that this person follows
        ("keeps", np.uint8),  # how many of 255 outings of the typical week take place
        ("habits", np.uint8),  # bits: REMOTE, HAS_APP, IN_BY_CURFEW, STAYS_NEAR
        ("age", np.uint8),
    ]
)
REMOTE, HAS_APP, IN_BY_CURFEW, STAYS_NEAR = 1, 2, 4, 8
OPEN, SHUT, HALVED = range(3)


class Today(NamedTuple):
    """What holds on one day for everyone."""

    day: int
    weekday: int
    key: np.uint64
    keeps_key: np.uint64
    attends_key: np.uint64
    week_keys: Ints
    is_hazard: bool
    """False: a hazard is taken as the chance itself, as Covasim does."""
    most: float
    """The largest susceptibility."""
    susceptibility: Floats
    """By single year of age."""
    masks: Floats
    """By layer and bits of `wears`: what is left of the hazard for one side."""
    shut: Ints
    """By place: OPEN, SHUT or HALVED (each half of a class on every other day)."""
    rates: Floats
    """By place: share of outings that limits on capacity leave."""
    far_rate: float
    """Share of the trips out of the own district that those who stay near still make."""
    curfew: int
    home_factor: float
    """What is left of contact at home with someone who keeps to a room."""


@compiled(allocates=False)
def stay_of(layout: Layout, bodies: Records, today: Today, person: int) -> tuple[int, int]:
    """From when to when someone is at work, in class or in the common rooms today; (0, 0): not at all."""
    place, body = layout.people[person].duty, bodies[person]
    if place < 0 or today.shut[place] == SHUT or body.home_until >= today.day or body.away_until >= today.day:
        return 0, 0
    if layout.people[person].is_resident:
        return duty_hours(layout, today.week_keys, person, today.weekday)
    is_pupil = layout.people[person].is_pupil
    if body.habits & REMOTE and layout.places[place].kind == WORKPLACE:
        return 0, 0
    if is_pupil and today.shut[place] == HALVED and (person + today.day) % 2 == 0:
        return 0, 0
    if unit(mixed(today.attends_key, person)) >= (0.96 if is_pupil else 0.93):
        return 0, 0
    return duty_hours(layout, today.week_keys, person, today.weekday)


@compiled(allocates=False)
def keeps_outing(layout: Layout, bodies: Records, today: Today, person: int, at: int, arrived: int) -> bool:
    """Whether an outing of someone's typical week takes place today; a child goes where its guardian goes."""
    body, place = bodies[person], at // SLOTS
    if body.home_until >= today.day or body.away_until >= today.day or today.shut[place] == SHUT:
        return False
    leader = person
    if body.age < 12:
        leader = layout.people[person].guardian
        if bodies[leader].home_until >= today.day or bodies[leader].away_until >= today.day:
            return False
    if arrived >= today.curfew and bodies[leader].habits & IN_BY_CURFEW:
        return False
    rate = bodies[leader].keeps / 255 * today.rates[place]
    if (
        bodies[leader].habits & STAYS_NEAR
        and layout.places[place].district != layout.districts[layout.people[person].neighbourhood]
    ):
        rate *= today.far_rate
    return unit(mixed(mixed(today.keeps_key, leader), at % SLOTS)) < rate


@compiled(allocates=False)
def left_by(layout: Layout, bodies: Records, today: Today, person: int, left: int) -> int:
    """When a visitor leaves who would leave at `left`: those who keep a curfew are gone by then."""
    if left <= today.curfew:
        return left
    leader = person if bodies[person].age >= 12 else layout.people[person].guardian
    return today.curfew if bodies[leader].habits & IN_BY_CURFEW else left
