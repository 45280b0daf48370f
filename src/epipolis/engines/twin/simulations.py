"""Runs: a city (or plain contacts), a disease, measures, days and a seed give a result."""

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Lock

from epipolis.engines.twin.beginnings import Begin, begin_from
from epipolis.engines.twin.city import City
from epipolis.engines.twin.disease import Disease
from epipolis.engines.twin.epidemics import Epidemic, advance, begin_epidemic
from epipolis.engines.twin.measure_checks import check_measures
from epipolis.engines.twin.measures import IsolateCases, Masks, Measure, QuarantineHouseholds, TraceByBluetooth, TraceContacts
from epipolis.engines.twin.mixing import Mixing
from epipolis.engines.twin.responses import Response, respond
from epipolis.engines.twin.results import (
    COUNTED,
    Result,
    by_age_of,
    by_area_of,
    by_place_of,
    costs_of,
    curve_of,
    truth_of,
)
from epipolis.engines.twin.rules import Orders, concerned, rules_of
from epipolis.engines.twin.watches import look, watch_for
from epipolis.engines.twin.worlds import World, world_of

Progress = Callable[[int, int], None]
MONDAY = date(2026, 1, 5)
_LONGEST = 3_650
_THREADS = os.cpu_count() or 1


def simulate(
    city: City | Mixing,
    disease: Disease,
    measures: Sequence[Measure] = (),
    *,
    days: int = 180,
    seed: int = 1,
    start: date = MONDAY,
    begin: Begin | None = None,
    introduced: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """One run. `introduced`: exactly so many people infected on day 0, instead of the disease's own share.

    `progress(done, total)` is called after each day. ValueError, before any work, for a number of days below 1 and for
    measures that contradict each other, the city or the disease.
    """
    _check(city, disease, measures, days)
    world = world_of(city)
    return _run(world, city, disease, tuple(measures), days, seed, start, begin, introduced, progress)


def simulate_many(
    city: City | Mixing,
    disease: Disease,
    measures: Sequence[Measure] = (),
    *,
    days: int = 180,
    seeds: Sequence[int] = range(8),
    start: date = MONDAY,
    begin: Begin | None = None,
    introduced: int | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """A run for each seed, in the same city, on all cores; the same results for any number of threads."""
    _check(city, disease, measures, days)
    world = world_of(city)
    step = _counting(progress, days * len(seeds))
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(
            pool.map(
                lambda seed: _run(world, city, disease, tuple(measures), days, seed, start, begin, introduced, step), seeds
            )
        )


def _counting(progress: Progress | None, total: int) -> Progress | None:
    """One progress for several runs at once."""
    if progress is None:
        return None
    done, lock = 0, Lock()

    def step(_day: int, _days: int) -> None:
        nonlocal done
        with lock:
            done += 1
            progress(done, total)

    return step


def _check(city: City | Mixing, disease: Disease, measures: Sequence[Measure], days: int) -> None:
    if not 1 <= days <= _LONGEST:
        raise ValueError(f"A run takes between 1 and {_LONGEST} days, not {days}.")
    codes = list(city.ground.neighbourhoods.codes) if isinstance(city, City) else []
    people = len(city.homes.age) if isinstance(city, City) else len(city.age)
    check_measures(tuple(measures), people=people, areas=codes, days=days, disease=disease)


def _run(
    world: World,
    city: City | Mixing,
    disease: Disease,
    measures: tuple[Measure, ...],
    days: int,
    seed: int,
    start: date,
    begin: Begin | None,
    introduced: int | None,
    progress: Progress | None,
) -> Result:
    epidemic = begin_epidemic(world, disease, seed=seed, start=start, introduced=introduced if begin is None else 0)
    if begin is not None:
        begin_from(epidemic, begin)
    measures = tuple(replace(measure) for measure in measures)  # each is counted by itself, though one be given twice
    orders, response = Orders(measures), Response()
    counted: dict[str, list[float]] = {name: [] for name in COUNTED}
    cost: list[float] = []
    person_days: dict[int, float] = defaultdict(float)
    in_force: dict[int, int] = defaultdict(int)
    watch = watch_for(measures)
    at_home = [0, 0]
    for day in range(days):
        rules = rules_of(epidemic, orders, watch.figures)
        advance(epidemic, rules)
        respond(epidemic, orders, response)
        at_home[0] += response.isolated.pop(day, 0)
        at_home[1] += response.quarantined.pop(day, 0)
        today = (response.tests, response.confirmed, *at_home, response.traced, response.vaccinated)
        for name, value in zip(COUNTED, today, strict=True):
            counted[name].append(value)
        before = dict(response.paid)
        cost.append(_pay(epidemic, orders, response, at_home, person_days, in_force, before))
        look(watch, epidemic, counted | {"cost": cost})
        if progress:
            progress(day + 1, days)
    return Result(
        city=city.name if isinstance(city, City) else "contacts",
        disease=disease.name,
        people=len(world.age),
        seed=seed,
        start=start,
        days=days,
        curve=curve_of(epidemic, days, counted, cost),
        by_area=by_area_of(epidemic, days),
        by_age=by_age_of(epidemic, days),
        by_place=by_place_of(epidemic),
        costs=costs_of(measures, response.units, person_days, in_force),
        truth=truth_of(epidemic),
    )


def _pay(
    epidemic: Epidemic,
    orders: Orders,
    response: Response,
    at_home: list[int],
    person_days: dict[int, float],
    in_force: dict[int, int],
    before: dict[int, float],
) -> float:
    """What the measures cost today; notes the days and person-days of each."""
    total = 0.0
    tracing = (QuarantineHouseholds, TraceContacts, TraceByBluetooth)
    quarantining = [measure for measure in orders.in_force or () if isinstance(measure, tracing)]
    for measure in orders.in_force or ():
        number = id(measure)
        in_force[number] += 1
        if isinstance(measure, IsolateCases):
            people = float(at_home[0])
        elif isinstance(measure, tracing):
            people = at_home[1] / len(quarantining)
        else:
            people = concerned(epidemic, orders, measure)
        if isinstance(measure, Masks):
            response.units[number] += people  # one a day for everybody who wears one
        person_days[number] += people
        units = response.units[number] - before.get(number, 0.0)
        response.paid[number] = response.units[number]
        total += measure.cost_per_day + people * measure.cost_per_person_day + units * measure.cost_per_unit
    return total
