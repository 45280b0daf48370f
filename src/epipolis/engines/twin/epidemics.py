"""An epidemic in a city, day by day: who is ill, who is infectious, who is infected next."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.courses import (
    BY_NOBODY,
    INFECTION,
    LIVE,
    NEVER,
    NOBODY,
    Course,
    Shedding,
    course_of,
    draw_courses,
    shed_on,
    shedding_of,
)
from epipolis.engines.twin.disease import Disease
from epipolis.engines.twin.draws import Floats, Ints, key, mixed, uniform, unit
from epipolis.engines.twin.immunity import protection_of, severity_of
from epipolis.engines.twin.infections import Hits
from epipolis.engines.twin.layout import Records
from epipolis.engines.twin.meetings import Sources
from epipolis.engines.twin.presence import BODY, Today
from epipolis.engines.twin.worlds import World

if TYPE_CHECKING:
    from epipolis.engines.twin.rules import Rules

Part = TypeVar("Part")
LEAD_DAYS = 7
"""The first infections were brought in during so many days before the first."""
_THREADS = os.cpu_count() or 1
_FEWEST_AT_ONCE = 64
_RESTS = 7
_COPIED = [name for name in LIVE.names or () if name != "row"]
_FEW_INFECTIONS = 0.04
"""Whoever would infect fewer than so many on a day is left out at random, and the rest stand for those left out."""


@dataclass(eq=False)
class Epidemic:
    """Where a run stands before the day numbered `day` (0 is `start`). `advance` takes it further."""

    world: World
    disease: Disease
    seed: int
    start: date
    day: int
    bodies: Records
    rows: Records
    """Infections in order of their day; room for more at the end."""
    count: int
    live: Records
    """Those who are not over, in order of person, so that neighbours are near in memory."""
    fresh: list[Records]
    """Those who were infected since the last day began, each part in order of person."""
    last_of: Ints
    """Row of each person's latest infection, or -1."""
    cause_of: Ints
    """Room for a number per person; -1 between the days."""
    vaccinated_on: Ints
    """Day of the dose that completes each person's vaccination, or NEVER."""
    vaccine_of: Ints
    """Number of the vaccine each person got."""
    course: Course
    shedding: Shedding
    onsets: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    """Rows whose symptoms began on the last day lived."""

    @property
    def infections(self) -> Records:
        """All infections so far."""
        return self.rows[: self.count]


def begin_epidemic(world: World, disease: Disease, *, seed: int, start: date, introduced: int | None = None) -> Epidemic:
    """Before the first day. `introduced`: exactly so many people infected on day 0, instead of the disease's own share."""
    people = len(world.age)
    bodies = np.zeros(people, BODY)
    bodies["home_until"], bodies["away_until"], bodies["can"], bodies["age"] = -1, -1, 1, world.age
    epidemic = Epidemic(
        world=world,
        disease=disease,
        seed=seed,
        start=start,
        day=0,
        bodies=bodies,
        rows=np.zeros(max(people // 8, 1024), INFECTION),
        count=0,
        live=np.zeros(0, LIVE),
        fresh=[],
        last_of=np.full(people, -1, np.int32),
        cause_of=np.full(people, -1, np.int32),
        vaccinated_on=np.full(people, NEVER, np.int16),
        vaccine_of=np.zeros(people, np.uint8),
        course=course_of(disease, seed),
        shedding=shedding_of(disease),
    )
    numbers = np.arange(people)
    if introduced is None:
        who = np.flatnonzero(uniform(seed, "brought in", numbers, -1) < disease.introduced_per_100k / 100_000)
        when = -(uniform(seed, "brought in when", who) * LEAD_DAYS).astype(np.int64) if len(who) else who
    else:
        who = np.sort(np.argsort(uniform(seed, "brought in", numbers, -1), kind="stable")[:introduced])
        when = np.zeros(len(who), np.int64)
    bring_in(epidemic, who, when)
    return epidemic


def bring_in(epidemic: Epidemic, who: Ints, when: Ints, variant: int = 0) -> None:
    """Infect people from outside; those who cannot be infected now, or are protected, are left out."""
    protection = protection_of(epidemic, who, epidemic.last_of[who], np.full(len(who), variant))
    gets_through = uniform(epidemic.seed, "not protected", who, epidemic.day) >= protection
    can = (epidemic.bodies["can"][who] > 0) & gets_through
    who, when = who[can], when[can]
    nothing = np.full(len(who), -1)
    add_infections(epidemic, who, np.full(len(who), NOBODY), nothing, np.full(len(who), BY_NOBODY), when, variant)


def add_infections(
    epidemic: Epidemic, who: Ints, infector: Ints, place: Ints, layer: Ints, when: Ints, variant: Ints | int
) -> None:
    """Write new infections down with all that will come of them."""
    first, last = epidemic.count, epidemic.count + len(who)
    if last > len(epidemic.rows):
        room = np.zeros(max(2 * len(epidemic.rows), last), INFECTION)
        room[:first] = epidemic.rows[:first]
        epidemic.rows = room
    new = epidemic.rows[first:last]
    new["person"], new["infector"], new["place"], new["layer"], new["day"], new["variant"] = (
        *(who, infector, place),
        *(layer, when, variant),
    )
    for name in ("sampled_on", "result_on", "confirmed_on", "first_sampled_on", "first_result_on"):
        new[name] = NEVER
    before = epidemic.last_of[who]
    severity = severity_of(epidemic, who, before, new["variant"])
    ages, times = epidemic.world.age[who], before + 1

    def work(low: int, high: int) -> None:
        some = slice(low, high)
        draw_courses(epidemic.rows, first + low, first + high, epidemic.course, ages[some], times[some], severity[some])

    _in_parts(work, len(who))
    epidemic.last_of[who] = np.arange(first, last, dtype=np.int32)
    epidemic.bodies["can"][who] = 0
    fresh = np.empty(len(who), LIVE)
    for name in _COPIED:
        fresh[name] = new[name]
    fresh["row"] = np.arange(first, last)
    epidemic.fresh.append(fresh)
    epidemic.count = last


def advance(epidemic: Epidemic, rules: "Rules") -> None:
    """Live one day by its rules.

    The order of a day:
    1. some recover or die, some fall ill, some go to hospital; who is infectious today;
    2. whom they meet and infect, at home and elsewhere;
    3. infections brought in from outside.
    """
    day = epidemic.day
    sources, epidemic.onsets = _wake(epidemic, rules)
    today = rules.today
    hits = _hits_of(epidemic, today, sources)
    target, infection, place, layer = _causes(epidemic, hits)
    variant = epidemic.rows["variant"][infection]
    add_infections(epidemic, target, infection, place, layer, np.full(len(target), day), variant)
    _bring_in_today(epidemic, rules)
    epidemic.day += 1


def _bring_in_today(epidemic: Epidemic, rules: "Rules") -> None:
    day, disease, people = epidemic.day, epidemic.disease, len(epidemic.bodies)
    expected = disease.imported_per_100k_daily * people / 100_000
    least, more = divmod(expected, 1)
    count = int(least) + int(uniform(epidemic.seed, "one more", day)[0] < more)
    numbers = np.arange(count)
    comes = uniform(epidemic.seed, "comes in", day, numbers) < rules.imports
    who = (uniform(epidemic.seed, "brought in", day, numbers) * people).astype(np.int64)[comes]
    bring_in(epidemic, np.unique(who), np.full(len(np.unique(who)), day), rules.leading_variant)
    for number, variant in enumerate(disease.variants, start=1):
        if variant.arrives_day == day:
            chance = uniform(epidemic.seed, f"variant {number}", np.arange(people))
            who = np.flatnonzero(chance < variant.introduced_per_100k / 100_000)
            bring_in(epidemic, who, np.full(len(who), day), number)


def _wake(epidemic: Epidemic, rules: "Rules") -> tuple[Sources, Ints]:
    disease, fresh = epidemic.disease, np.concatenate([np.zeros(0, LIVE), *epidemic.fresh])
    if len(epidemic.fresh) > 1:
        fresh = fresh[np.argsort(fresh["person"], kind="stable")]
    epidemic.fresh = []
    room = len(epidemic.live) + len(fresh)
    kept, onsets = np.empty(room, LIVE), np.empty(room, np.int32)
    sources = Sources(np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.float64))
    is_for_life = disease.immunity.after_infection >= 1 and disease.immunity.half_life_days is None and not disease.variants
    persons, newcomers = epidemic.live["person"], fresh["person"].copy()

    def work(first: int, last: int) -> tuple[Records, Sources, Ints]:
        low = int(np.searchsorted(newcomers, persons[first])) if first else 0
        high = int(np.searchsorted(newcomers, persons[last])) if last < len(persons) else len(fresh)
        own, counts = slice(first + low, last + high), np.zeros(3, np.int64)
        _pass_day(
            epidemic.live[first:last],
            fresh[low:high],
            kept[own],
            epidemic.bodies,
            epidemic.day,
            epidemic.shedding,
            rules.strength,
            key(epidemic.seed, "rests at home"),
            disease.isolates_when_ill,
            is_for_life,
            _FEW_INFECTIONS / epidemic.world.contact_hours,
            key(epidemic.seed, "stands for others"),
            Sources(*(column[own] for column in sources)),
            onsets[own],
            counts,
        )
        living, shedding, ill = counts.tolist()
        person, infection, level = (column[own][:shedding] for column in sources)
        return kept[own][:living], Sources(person, infection, level), onsets[own][:ill]

    done = _in_parts(work, len(epidemic.live))
    epidemic.live = np.concatenate([live for live, _, _ in done])
    columns = zip(*(sources for _, sources, _ in done), strict=True)
    return Sources(*(np.concatenate(column) for column in columns)), np.concatenate([onsets for _, _, onsets in done])


@compiled(allocates=False)
def _pass_day(
    live: Records,
    fresh: Records,
    kept: Records,
    bodies: Records,
    day: int,
    shedding: Shedding,
    strength: Floats,
    rests_key: np.uint64,
    rests: float,
    is_for_life: bool,
    least: float,
    roulette_key: np.uint64,
    sources: Sources,
    onsets: Ints,
    counts: Ints,
) -> None:
    """Merge `live` with `fresh`, leave out what is over, begin what begins today, and list the infectious."""
    old, new, living, shed, ill = 0, 0, 0, 0, 0
    while old < len(live) or new < len(fresh):
        if new == len(fresh) or (old < len(live) and live[old].person < fresh[new].person):
            kept[living] = live[old]
            old += 1
        else:
            kept[living] = fresh[new]
            new += 1
        one = kept[living]
        if day >= one.over_on:
            if one.dies:
                bodies[one.person].away_until = 32_767
            elif not is_for_life:
                bodies[one.person].can = 2
            continue
        living += 1
        if day == one.onset and one.course >= 1:
            onsets[ill] = one.row
            ill += 1
            if rests > 0 and unit(mixed(rests_key, one.person)) < rests:
                bodies[one.person].home_until = max(bodies[one.person].home_until, min(day + _RESTS, one.over_on - 1))
        if day == one.severe_on or (day == 0 and one.severe_on < 0):
            bodies[one.person].away_until = one.over_on - 1
        if one.sheds <= day and day <= one.shed:
            level = shed_on(shedding, one, day) * one.level * strength[one.variant]
            if level < least:  # a few of those who hardly shed stand for all of them
                chance = unit(mixed(mixed(roulette_key, one.person), day)) * least
                level = least if chance < level else 0.0
            if level > 0:
                sources.person[shed], sources.infection[shed], sources.level[shed] = one.person, one.row, level
                shed += 1
    counts[0], counts[1], counts[2] = living, shed, ill


def _hits_of(epidemic: Epidemic, today: Today, sources: Sources) -> Hits:
    """The hits of all sources, worked out by several threads."""

    def work(first: int, last: int) -> Hits:
        room = 2 * (last - first) + 256
        while True:
            hits = _room_for(room)
            epidemic.world.infect(epidemic.bodies, today, sources, first, last, hits)
            found = int(hits.found[0])
            if found <= room:
                target, infection, place, layer, draw = (column[:found] for column in hits[:-1])
                return Hits(target, infection, place, layer, draw, hits.found)
            room = found

    done = _in_parts(work, len(sources.person))
    target, infection, place, layer, draw, counted = (np.concatenate(columns) for columns in zip(*done, strict=True))
    return Hits(target, infection, place, layer, draw, counted)


_pool = ThreadPoolExecutor(_THREADS, "twin")


def _in_parts(work: Callable[[int, int], Part], count: int) -> list[Part]:
    """What `work(first, last)` gives for each part of so many, by several threads where that is worth it."""
    if count < _THREADS * _FEWEST_AT_ONCE:
        return [work(0, count)]
    ends = np.linspace(0, count, _THREADS + 1).astype(int).tolist()
    return list(_pool.map(work, ends[:-1], ends[1:]))


def _room_for(room: int) -> Hits:
    target, infection, place, layer = (np.empty(room, np.int32) for _ in range(4))
    return Hits(target, infection, place, layer, np.empty(room, np.float64), np.zeros(1, np.int64))


def _causes(epidemic: Epidemic, hits: Hits) -> tuple[Ints, Ints, Ints, Ints]:
    """One cause for everyone hit: the smallest draw. Those with some protection may get away."""
    target, infection, place, layer, draw = hits[:5]
    partly = np.flatnonzero(epidemic.bodies["can"][target] == 2)
    if len(partly):
        who, variant = target[partly], epidemic.rows["variant"][infection[partly]]
        keep = np.ones(len(target), bool)
        keep[partly] = draw[partly] >= protection_of(epidemic, who, epidemic.last_of[who], variant)
        target, infection, place, layer, draw = (column[keep] for column in (target, infection, place, layer, draw))
    causes = np.empty(len(target), np.int32)
    causes = causes[: _pick_causes(target, infection, draw, epidemic.cause_of, causes)]
    causes = causes[np.argsort(target[causes])]
    return target[causes], infection[causes], place[causes], layer[causes]


@compiled(allocates=False)
def _pick_causes(target: Ints, infection: Ints, draw: Floats, cause_of: Ints, causes: Ints) -> int:
    """List for each target the hit of the smallest draw; of equal ones, the earlier infection. Return how many."""
    for hit in range(len(target)):
        best = cause_of[target[hit]]
        is_better = best < 0 or draw[hit] < draw[best]
        if is_better or (draw[hit] == draw[best] and infection[hit] < infection[best]):
            cause_of[target[hit]] = hit
    found = 0
    for hit in range(len(target)):
        if cause_of[target[hit]] == hit:
            causes[found] = hit
            found += 1
    for hit in range(len(target)):
        cause_of[target[hit]] = -1
    return found
