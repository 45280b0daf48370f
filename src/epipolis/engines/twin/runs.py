"""A run lived day by day: each day tells who was where, what the city got to know and what was true.

`simulate` is for those who want tables at the end; `step` for those who feed a platform as the days pass.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.city import City
from epipolis.engines.twin.courses import NEVER
from epipolis.engines.twin.disease import Disease
from epipolis.engines.twin.draws import Ints
from epipolis.engines.twin.epidemics import Epidemic, advance, begin_epidemic
from epipolis.engines.twin.measures import FIGURES, Measure
from epipolis.engines.twin.reporting import cases_known
from epipolis.engines.twin.responses import Response, respond
from epipolis.engines.twin.results import truth_of
from epipolis.engines.twin.rules import Orders, rules_of
from epipolis.engines.twin.visits import epoch_of, visits_on
from epipolis.engines.twin.worlds import CityWorld, world_of


@dataclass(frozen=True, eq=False)
class Run:
    """Where a simulation stands before the day numbered `day` (0 is `start`). Never changed, only replaced."""

    city: City
    measures: tuple[Measure, ...]
    epidemic: Epidemic
    response: Response

    @property
    def day(self) -> int:
        return self.epidemic.day

    @property
    def start(self) -> date:
        return self.epidemic.start

    @property
    def seed(self) -> int:
        return self.epidemic.seed

    @property
    def disease(self) -> Disease:
        return self.epidemic.disease

    @property
    def truth(self) -> pa.Table:
        """Who was infected by whom, where and when: see `Result.truth`."""
        return truth_of(self.epidemic)


@dataclass(frozen=True, eq=False)
class Day:
    """What happened on one day.

    `visits`: see `visits.visits_on`. `cases`: see `reporting.cases_known`. `infections`: the truth of the day.
    """

    number: int
    date: date
    visits: pa.Table
    cases: pa.Table
    infections: pa.Table


def start_run(city: City, disease: Disease, measures: Sequence[Measure] = (), *, seed: int, start: date) -> Run:
    """A run before its first day; the first infections were brought in during the week before.

    ValueError for a measure with a trigger: what it waits for is only counted by `simulate`.
    """
    for measure in measures:
        if measure.trigger:
            raise ValueError(f"{measure.label}: a run that is lived day by day knows no triggers.")
    epidemic = begin_epidemic(world_of(city), disease, seed=seed, start=start)
    return Run(city, tuple(measures), epidemic, Response())


def step(run: Run, *, at_home: Ints | None = None) -> tuple[Run, Day]:
    """One day further. `at_home`: people whom the city has ordered to stay at home on this day (quarantine)."""
    epidemic, response, orders = _copied(run.epidemic), deepcopy(run.response), Orders(run.measures)
    day, first = epidemic.day, epidemic.count
    if at_home is not None:
        people = np.asarray(at_home, np.int64)
        if len(people) and (people.min() < 0 or people.max() >= len(epidemic.bodies)):
            raise ValueError("Only people of the city can be ordered to stay at home.")
        epidemic.bodies["home_until"][people] = np.maximum(epidemic.bodies["home_until"][people], day)
    rules = rules_of(epidemic, orders, {name: [] for name in FIGURES})
    advance(epidemic, rules)
    assert isinstance(epidemic.world, CityWorld)  # noqa: S101 -- start_run makes no other
    midnight = epoch_of(epidemic.start, day, run.city.utc_offset)
    visits = visits_on(epidemic.world, epidemic.bodies, rules.today, seed=run.seed, midnight=midnight)
    respond(epidemic, orders, response)
    cases = cases_known(epidemic, utc_offset=run.city.utc_offset, day=day)
    truth = truth_of(epidemic).slice(first)
    after = replace(run, epidemic=epidemic, response=response)
    return after, Day(day, run.start + timedelta(days=day), visits, cases, truth)


def days_of(run: Run, days: int) -> Iterator[tuple[Run, Day]]:
    """The next `days` days, each with the run as it stands after it; keep the last run to go on later."""
    for _ in range(days):
        run, day = step(run)
        yield run, day


def _copied(epidemic: Epidemic) -> Epidemic:
    return replace(
        epidemic,
        bodies=epidemic.bodies.copy(),
        rows=epidemic.rows.copy(),
        last_of=epidemic.last_of.copy(),
        vaccinated_on=epidemic.vaccinated_on.copy(),
        vaccine_of=epidemic.vaccine_of.copy(),
        fresh=list(epidemic.fresh),
    )


def curve(run: Run) -> pa.Table:
    """One row per day so far: day, date, infected, onsets, confirmed, died, reproduction.

    `reproduction`: mean number of people infected by those who were infected on that day, as far as it has happened
    (later days are incomplete); null when nobody was.
    """
    rows, days = run.epidemic.infections, run.day
    infected = _by_day(rows["day"], days)
    caused = np.bincount(rows["infector"][rows["infector"] >= 0], minlength=len(rows))
    since = rows["day"] >= 0
    passed_on = np.bincount(rows["day"][since], caused[since], minlength=days)[:days]
    return pa.table(
        {
            "day": np.arange(days),
            "date": pa.array([run.start + timedelta(days=day) for day in range(days)], pa.date32()),
            "infected": infected,
            "onsets": _by_day(rows["onset"][rows["course"] > 0], days),
            "confirmed": _by_day(rows["confirmed_on"][rows["confirmed_on"] < NEVER], days),
            "died": _by_day(rows["over_on"][rows["dies"]], days),
            "reproduction": pa.array(passed_on / np.maximum(infected, 1), mask=infected == 0),
        }
    )


def _by_day(on: Ints, days: int) -> Ints:
    return np.bincount(on[(on >= 0) & (on < days)], minlength=days)
