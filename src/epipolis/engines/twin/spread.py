"""How infection passes between people who share a home or a place, and what becomes of the infected."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from epipolis.engines.twin.days import HOUR, Visits, person_hours
from epipolis.engines.twin.disease import FIRST_INFECTIOUS_DAY, Disease
from epipolis.engines.twin.draws import Flags, Floats, Ints, spans, stream, uniform
from epipolis.engines.twin.old_layout import Layout
from epipolis.engines.twin.places import KINDS, NURSERY, SCHOOL

AT_HOME, BROUGHT_IN = -1, -2
"""Stand for a place where someone was infected: their household, or outside the city."""
NOBODY = -1
MILD, SEVERE, FATAL = 1, 2, 3
ASYMPTOMATIC = 0
_HOME_HOURS = 4.0
_MEETINGS_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Infections:
    """The truth: one entry per infected person in the order of infection. Days are numbers of days of the run."""

    person: Ints
    infector: Ints
    place: Ints
    day: Ints
    onset: Ints
    """First day of symptoms; for a person without any, the day on which they would have begun."""
    course: Ints
    """0 asymptomatic, 1 mild, 2 severe, 3 fatal."""
    over: Ints
    """Day of recovery or death."""


@dataclass(frozen=True, eq=False)
class Traits:
    """What the disease would do to each person, drawn once from the seed so that measures cannot change it."""

    infectiousness: Floats
    incubation: Ints
    course: Ints
    susceptibility: Floats
    illness_days: Ints


def traits_of(layout: Layout, disease: Disease, seed: int) -> Traits:
    random = stream(seed, "traits")
    count, decade = len(layout.age), np.minimum(layout.age // 10, 8)
    infectiousness = random.gamma(disease.dispersion, 1 / disease.dispersion, count)
    incubation = disease.incubation_median * np.exp(disease.incubation_spread * random.standard_normal(count))
    chance = random.random(count)
    symptomatic, severe, dies = (np.array(shares)[decade] for shares in (disease.symptomatic, disease.severe, disease.dies))
    course = np.where(chance < symptomatic, MILD, ASYMPTOMATIC)
    course = np.where(chance < severe, SEVERE, course)
    course = np.where(chance < dies, FATAL, course)
    days = np.array([8, 10, 17, 17])[course] + random.integers(0, 7, count)
    return Traits(
        infectiousness * np.where(course == ASYMPTOMATIC, disease.asymptomatic_infectiousness, 1.0),
        np.clip(np.rint(incubation), 1, 21).astype(np.int64),
        course,
        np.array(disease.susceptibility)[decade],
        days,
    )


def fall_ill(traits: Traits, person: Ints, infector: Ints, place: Ints, day: Ints) -> Infections:
    onset = day + traits.incubation[person]
    return Infections(person, infector, place, day, onset, traits.course[person], onset + traits.illness_days[person])


def infectiousness_on(infections: Infections, traits: Traits, disease: Disease, day: int) -> Floats:
    """Of each infected person on one day; from the day after infection on, so a very short incubation sheds less."""
    curve = np.array(disease.infectiousness)
    since = day - infections.onset - FIRST_INFECTIOUS_DAY
    is_shedding = (since >= 0) & (since < len(curve)) & (infections.day < day) & (infections.over > day)
    share = np.where(is_shedding, curve[np.clip(since, 0, len(curve) - 1)], 0.0)
    return share * traits.infectiousness[infections.person]


def infect(
    layout: Layout,
    visits: Visits,
    infections: Infections,
    traits: Traits,
    disease: Disease,
    *,
    seed: int,
    day: int,
    separated: Flags,
    in_hospital: Flags,
    protection: float,
) -> Infections:
    """New infections of one day, each with one infector and one place.

    The hazard of a meeting is transmissibility * infectiousness * susceptibility * hours together * closeness, and the
    chance 1 - exp(-hazard). Where several would have infected someone, the least probable draw is taken as the cause.
    `separated` people have half the contact at home, `in_hospital` none; `protection` lowers hazards outside homes.
    """
    strength = infectiousness_on(infections, traits, disease, day) * disease.transmissibility
    shedding = np.flatnonzero(strength > 0)
    who, strength = infections.person[shedding], strength[shedding]
    is_infected = np.zeros(len(layout.age), bool)
    is_infected[infections.person] = True
    hits = []
    home = _meetings_at_home(layout, who, strength * np.where(separated[who], 0.5, 1.0), in_hospital, is_infected)
    for met in (home, *_meetings_outside(layout, visits, who, strength * (1 - protection), is_infected)):
        draw = uniform(seed, "infection", day, met.target, met.source, met.place, met.number)
        hit = draw < -np.expm1(-met.hazard * traits.susceptibility[met.target])
        hits.append((met.target[hit], draw[hit], met.source[hit], met.place[hit]))
    target, draw, source, place = (np.concatenate(columns) for columns in zip(*hits, strict=True))
    order = np.lexsort((place, source, draw, target))
    cause = order[np.unique(target[order], return_index=True)[1]]
    return fall_ill(traits, target[cause], source[cause], place[cause], np.full(len(cause), day))


@dataclass(frozen=True, eq=False)
class Meetings:
    """Infectious sources beside susceptible targets; the hazard is still to be weighed by susceptibility."""

    source: Ints
    target: Ints
    place: Ints
    number: Ints
    """Tells meetings of the same two people in the same place apart."""
    hazard: Floats


def _meetings_at_home(layout: Layout, who: Ints, strength: Floats, in_hospital: Flags, is_infected: Flags) -> Meetings:
    present = ~in_hospital[who]
    who, strength = who[present], strength[present]
    home = layout.household[who]
    size = layout.household_start[home + 1] - layout.household_start[home]
    target, owner = spans(layout.household_start[home], size)
    hours = _HOME_HOURS / np.maximum(size - 1, 1) ** 0.4
    keep = ~is_infected[target] & ~in_hospital[target]
    target, owner = target[keep], owner[keep]
    nothing = np.zeros(len(target), np.int64)
    return Meetings(who[owner], target, nothing + AT_HOME, nothing, (strength * hours)[owner])


def _meetings_outside(layout: Layout, visits: Visits, who: Ints, strength: Floats, is_infected: Flags) -> Iterator[Meetings]:
    """Everyone who was in a place at the same time as an infectious person, in portions that fit in memory."""
    of_person = np.full(len(layout.age), -1)
    of_person[who] = np.arange(len(who))
    rows = np.flatnonzero(of_person[visits.visitor] >= 0)
    can_catch = ~is_infected[visits.visitor]
    bounds = np.searchsorted(visits.place, np.arange(len(layout.kind) + 1))
    start = bounds[visits.place[rows]]
    size = bounds[visits.place[rows] + 1] - start
    crowd = _crowd(layout, visits)
    for portion in np.split(np.arange(len(rows)), _cuts(size)):
        other, owner = spans(start[portion], size[portion])
        mine = rows[portion][owner]
        keep = can_catch[other]
        mine, other = mine[keep], other[keep]
        together = np.minimum(visits.left[mine], visits.left[other])
        together -= np.maximum(visits.arrived[mine], visits.arrived[other])
        keep = together > 0
        mine, other, hours = mine[keep], other[keep], together[keep] / HOUR
        source, target, place = visits.visitor[mine], visits.visitor[other], visits.place[mine]
        hazard = strength[of_person[source]] * hours * _closeness(layout, source, target, place, crowd)
        yield Meetings(source, target, place, visits.arrived[mine] * 86_400 + visits.arrived[other], hazard)


def _cuts(sizes: Ints) -> Ints:
    """Where to cut the infectious stays so that a portion has at most about two million meetings."""
    share = np.cumsum(sizes) // _MEETINGS_AT_ONCE
    return np.flatnonzero(np.diff(share)) + 1


def _crowd(layout: Layout, visits: Visits) -> Floats:
    """Mean number of people present at each place while it is open."""
    return person_hours(visits, len(layout.kind)) / ((layout.closes - layout.opens) / HOUR)


def _closeness(layout: Layout, source: Ints, target: Ints, place: Ints, crowd: Floats) -> Floats:
    """Share of the time together that is close: a sixth in a team, an eighteenth in a class, else by the crowd."""
    kind = layout.kind[place]
    loose = np.array([kind.closeness for kind in KINDS])[kind] / (6 + crowd[place])
    close = np.where((kind == SCHOOL) | (kind == NURSERY), 1 / 18, 1 / 6)
    team = layout.team[source]
    both = (team >= 0) & (team == layout.team[target])
    both &= (layout.duty[source] == place) & (layout.duty[target] == place)
    return np.where(both, close, loose)


def bring_in(traits: Traits, infections: Infections, *, share: float, seed: int, day: int, on: Ints | int) -> Infections:
    """Infections from outside: each susceptible person with the chance `share`, infected on the day `on`."""
    is_infected = np.zeros(len(traits.course), bool)
    is_infected[infections.person] = True
    chance = uniform(seed, "brought in", np.arange(len(is_infected)), day)
    who = np.flatnonzero((chance < share) & ~is_infected)
    when = np.broadcast_to(np.asarray(on, np.int64), len(is_infected))[who]
    return fall_ill(traits, who, np.full(len(who), NOBODY), np.full(len(who), BROUGHT_IN), when)


def joined(parts: list[Infections]) -> Infections:
    return Infections(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Infections)))
