"""A run: a city, a disease, measures and a day. `step` takes it one day further and tells what happened."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.city import City
from epipolis.engines.twin.days import Visits, visits_of
from epipolis.engines.twin.disease import Disease
from epipolis.engines.twin.draws import Flags, Ints, uniform
from epipolis.engines.twin.old_layout import Layout, lay_out
from epipolis.engines.twin.measures import Measure, strength
from epipolis.engines.twin.reporting import (
    NEVER,
    Findings,
    cases_known,
    dates,
    epoch_of,
    findings_of,
    stays_in_hospital,
)
from epipolis.engines.twin.spread import FATAL, MILD, SEVERE, Infections, Traits, bring_in, infect, joined, traits_of

_LEAD_DAYS = 7
_REMEMBERED_EXACTLY = 0.9
_ILL_AND_AT_HOME = 0.5
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Run:
    """Where a simulation stands before the day numbered `day` (0 is `start`). Never changed, only replaced."""

    city: City
    disease: Disease
    measures: tuple[Measure, ...]
    seed: int
    start: date
    day: int
    infections: Infections
    layout: Layout
    traits: Traits

    @property
    def truth(self) -> pa.Table:
        """Who was infected by whom, where and when: see `truth_table`."""
        return truth_table(self, self.infections)


@dataclass(frozen=True, eq=False)
class Day:
    """What happened on one day.

    `visits`: visitor, place, arrived, left (epoch seconds), staff, companions (children brought along), accompanied
    (is such a child: also has a row of their own, but no telephone), exact (False: the times are only remembered
    roughly), in order of place and arrival. `cases`: see `reporting.cases_known`. `infections`: the truth of the day.
    """

    number: int
    date: date
    visits: pa.Table
    cases: pa.Table
    infections: pa.Table


def start_run(city: City, disease: Disease, measures: tuple[Measure, ...] = (), *, seed: int, start: date) -> Run:
    """A run before its first day; the first infections were brought in during the week before."""
    layout = lay_out(city)
    traits = traits_of(layout, disease, seed)
    people = np.arange(len(layout.age))
    none = np.zeros(0, np.int64)
    nobody = Infections(*(none for _ in fields(Infections)))
    when = -(uniform(seed, "brought in when", people) * _LEAD_DAYS).astype(np.int64)
    share = disease.introduced_per_100k / 100_000
    first = bring_in(traits, nobody, share=share, seed=seed, day=-1, on=when)
    return Run(city, disease, tuple(measures), seed, start, 0, first, layout, traits)


def step(run: Run, *, at_home: Ints | None = None) -> tuple[Run, Day]:
    """One day further. `at_home`: people whom the city has ordered to stay at home on this day (quarantine).

    The order of a day:
    1. the isolated, the ill and those ordered to stay at home; the hospital keeps the severely ill;
    2. everyone else's visits (`days`);
    3. infections at home and in places, then those brought in from outside (`spread`);
    4. what reaches the city on this day of all that has happened so far (`reporting`).
    """
    day, seed = run.day, run.seed
    today = run.start + timedelta(days=day)
    ordered = _ordered(run, at_home)
    found = findings_of(run.infections, seed=seed, start=run.start)
    separated, in_hospital = _set_apart(run, found, ordered)
    stays = visits_of(
        run.layout,
        city_seed=run.city.seed,
        seed=seed,
        day=day,
        weekday=today.weekday(),
        at_home=separated | in_hospital,
        measures=run.measures,
    )
    new = infect(
        run.layout,
        stays,
        run.infections,
        run.traits,
        run.disease,
        seed=seed,
        day=day,
        separated=separated,
        in_hospital=in_hospital,
        protection=strength(run.measures, "masks", day),
    )
    known = joined([run.infections, new])
    imported = run.disease.imported_per_100k_daily / 100_000
    brought = bring_in(run.traits, known, share=imported, seed=seed, day=day, on=day)
    after = replace(run, day=day + 1, infections=joined([known, brought]))
    cases = cases_known(after.infections, run.layout.kind, seed=seed, start=run.start, utc_offset=run.city.utc_offset, day=day)
    truth = truth_table(run, joined([new, brought]))
    return after, Day(day, today, _visits_table(run, stays), cases, truth)


def days_of(run: Run, days: int) -> Iterator[tuple[Run, Day]]:
    """The next `days` days, each with the run as it stands after it; keep the last run to go on later."""
    for _ in range(days):
        run, day = step(run)
        yield run, day


def simulate(city: City, disease: Disease, measures: tuple[Measure, ...] = (), *, days: int, seed: int, start: date) -> Run:
    """The run after `days` days, with its truth; the visits are made and dropped again.

    Raises ValueError for fewer than one day.
    """
    if days < 1:
        raise ValueError(f"A simulation needs at least one day, not {days}.")
    run = start_run(city, disease, measures, seed=seed, start=start)
    while run.day < days:
        run, _ = step(run)
    return run


def curve(run: Run) -> pa.Table:
    """One row per day so far: day, date, infected, onsets, in_hospital, died, reported, confirmed, reproduction.

    `reproduction`: mean number of people infected by those who were infected on that day, as far as it has happened
    (later days are incomplete); null when nobody was.
    """
    infections, number = run.infections, np.arange(run.day)
    found = findings_of(infections, seed=run.seed, start=run.start)
    first_known = np.minimum(found.suspected, found.result)
    infected = _by_day(infections.day, run.day)
    caused = np.bincount(infections.infector[infections.infector >= 0], minlength=len(run.layout.age))
    passed_on = np.bincount(np.maximum(infections.day, 0), caused[infections.person] * (infections.day >= 0), minlength=run.day)
    return pa.table(
        {
            "day": number,
            "date": dates(run.start, number),
            "infected": infected,
            "onsets": _by_day(infections.onset[infections.course >= MILD], run.day),
            "in_hospital": [int(stays_in_hospital(infections, day).sum()) for day in range(run.day)],
            "died": _by_day(infections.over[infections.course == FATAL], run.day),
            "reported": _by_day(first_known, run.day),
            "confirmed": _by_day(found.confirmed, run.day),
            "reproduction": pa.array(passed_on[: run.day] / np.maximum(infected, 1), mask=infected == 0),
        }
    )


def truth_table(run: Run, infections: Infections) -> pa.Table:
    """infected, infector (null: brought in), place (null: at home or outside the city), setting (household, abroad
    or place), day, date, onset (null without symptoms), course, over (date of recovery or death)."""
    courses = np.array(["asymptomatic", "mild", "severe", "fatal"], object)
    settings = np.array(["abroad", "household", "place"], object)
    return pa.table(
        {
            "infected": infections.person,
            "infector": pa.array(infections.infector, mask=infections.infector < 0),
            "place": pa.array(infections.place, mask=infections.place < 0),
            "setting": pa.array(settings[np.minimum(infections.place, 0) + 2], pa.string()),
            "day": infections.day,
            "date": dates(run.start, infections.day),
            "onset": dates(run.start, infections.onset, infections.course < MILD),
            "course": pa.array(courses[infections.course], pa.string()),
            "over": dates(run.start, infections.over),
        }
    )


def checked_in(visits: pa.Table, *, uptake: float, seed: int) -> pa.Table:
    """The visits of those who check in. `uptake` is the share of people with the app: a person checks in everywhere or
    nowhere, and children brought along are counted as companions instead. Raises ValueError outside 0 to 1."""
    if not 0 <= uptake <= 1:
        raise ValueError(f"Uptake is a share between 0 and 1, not {uptake}.")
    takes_part = uniform(seed, "checks in", visits.column("visitor").to_numpy()) < uptake
    return visits.filter(pa.array(takes_part & ~visits.column("accompanied").to_numpy()))


def save(run: Run) -> bytes:
    """The state of a run without its city, to go on later with `load`."""
    header = {
        "format": _FORMAT,
        "city": _fingerprint(run.city),
        "seed": run.seed,
        "start": run.start.isoformat(),
        "day": run.day,
        "disease": asdict(run.disease),
        "measures": [asdict(measure) for measure in run.measures],
    }
    arrays = {field.name: getattr(run.infections, field.name) for field in fields(Infections)}
    target = io.BytesIO()
    np.savez_compressed(target, header=np.array(json.dumps(header)), **arrays)
    return target.getvalue()


def load(saved: bytes, *, city: City) -> Run:
    """The run as it was saved. Raises ValueError when it was saved from another city or another format."""
    with np.load(io.BytesIO(saved), allow_pickle=False) as arrays:
        header = json.loads(str(arrays["header"]))
        infections = Infections(*(arrays[field.name] for field in fields(Infections)))
    if header["format"] != _FORMAT or header["city"] != _fingerprint(city):
        raise ValueError(f"This run was saved from another city than {city.name} with seed {city.seed}.")
    listed = header["disease"].items()
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in listed}
    disease = Disease(**values)
    measures = tuple(Measure(**{**order, "places": tuple(order["places"])}) for order in header["measures"])
    layout = lay_out(city)
    return Run(
        city,
        disease,
        measures,
        header["seed"],
        date.fromisoformat(header["start"]),
        header["day"],
        infections,
        layout,
        traits_of(layout, disease, header["seed"]),
    )


def _fingerprint(city: City) -> list[object]:
    return [city.seed, city.people.num_rows, city.places.num_rows, *city.centre]


def _ordered(run: Run, at_home: Ints | None) -> Flags:
    ordered = np.zeros(len(run.layout.age), bool)
    if at_home is not None:
        people = np.asarray(at_home, np.int64)
        if len(people) and (people.min() < 0 or people.max() >= len(ordered)):
            raise ValueError("Only people of the city can be ordered to stay at home.")
        ordered[people] = True
    return ordered


def _set_apart(run: Run, found: Findings, ordered: Flags) -> tuple[Flags, Flags]:
    """Who keeps to a room at home, and who is in hospital or has died."""
    infections, day = run.infections, run.day
    person, course, since = infections.person, infections.course, day - infections.onset
    obeys = uniform(run.seed, "isolates", person) < strength(run.measures, "isolate_confirmed", day)
    isolated = obeys & (found.confirmed < day) & (found.confirmed < NEVER) & (day <= found.isolated_until)
    rests = uniform(run.seed, "rests at home", person) < _ILL_AND_AT_HOME
    ill = (course >= MILD) & (since >= 1) & (day < infections.over) & ((rests & (since <= 7)) | (course >= SEVERE))
    in_hospital = stays_in_hospital(infections, day) | ((course == FATAL) & (day >= infections.over))
    separated, away = ordered.copy(), np.zeros(len(ordered), bool)
    separated[person[isolated | ill]] = True
    away[person[in_hospital]] = True
    return separated, away


def _by_day(days: Ints, count: int) -> Ints:
    return np.bincount(days[(days >= 0) & (days < count)], minlength=count)


def _visits_table(run: Run, visits: Visits) -> pa.Table:
    midnight = epoch_of(run.start, run.day, run.city.utc_offset)
    is_exact = uniform(run.seed, "remembers", visits.visitor, visits.place, run.day) < _REMEMBERED_EXACTLY
    return pa.table(
        {
            "visitor": visits.visitor,
            "place": visits.place,
            "arrived": visits.arrived + midnight,
            "left": visits.left + midnight,
            "staff": visits.staff,
            "companions": visits.companions.astype(np.int8),
            "accompanied": visits.accompanied,
            "exact": is_exact,
        }
    )
