from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.twin import COVID_19_ANCESTRAL, Disease, Measure, build_city, curve, simulate
from epipolis.engines.twin.layout import lay_out
from epipolis.engines.twin.reporting import findings_of
from epipolis.engines.twin.spread import infectiousness_on, traits_of
from tests.engines.twin.factories import MONDAY, busy, column


def test_a_person_is_infected_once(month):
    infected = column(month[0].truth, "infected")

    assert len(infected) > 100
    assert len(np.unique(infected)) == len(infected)


def test_the_days_tell_the_same_truth_as_the_run(month):
    run, days = month
    daily = [row for day in days for row in day.infections.to_pylist()]
    whole = [row for row in run.truth.to_pylist() if row in daily]

    before = run.truth.num_rows - len(daily)
    assert run.truth.to_pylist()[before:] == whole == daily
    assert max(row["day"] for row in run.truth.slice(0, before).to_pylist()) <= 0


def test_infectors_were_infectious_and_met_the_infected_where_it_is_said(city, month):
    run, days = month
    household = column(city.people, "household")
    checked = 0
    for day in days:
        strength = infectiousness_on(run.infections, run.traits, run.disease, day.number)
        infectious = set(run.infections.person[strength > 0].tolist())
        met = day.visits.filter(pa.array(np.isin(column(day.visits, "place"), np.unique(run.infections.place))))
        stays = {}
        for person, place, arrived, left in zip(
            *(column(met, name).tolist() for name in ("visitor", "place", "arrived", "left")), strict=True
        ):
            stays.setdefault((person, place), []).append((arrived, left))
        for row in day.infections.to_pylist():
            source, target, place = row["infector"], row["infected"], row["place"]
            if source is None:
                assert row["setting"] == "abroad"
                continue
            checked += 1
            assert source in infectious
            if place is None:
                assert row["setting"] == "household"
                assert household[source] == household[target]
            else:
                assert any(a < d and c < b for a, b in stays[source, place] for c, d in stays[target, place])
    assert checked > 50


def test_symptoms_follow_the_incubation_and_courses_end(month):
    infections = month[0].infections

    incubation = infections.onset - infections.day
    assert incubation.min() >= 1
    assert 4 <= np.median(incubation) <= 6
    assert (infections.over > infections.onset).all()


def test_traits_give_back_the_dispersion_and_incubation_that_went_in():
    layout = lay_out(build_city(30_000, seed=1))
    disease = replace(COVID_19_ANCESTRAL, asymptomatic_infectiousness=1.0)

    traits = traits_of(layout, disease, 5)

    shape = traits.infectiousness.mean() ** 2 / traits.infectiousness.var()
    assert traits.infectiousness.mean() == pytest.approx(1, abs=0.05)
    assert shape == pytest.approx(disease.dispersion, rel=0.1)
    assert np.median(traits.incubation) == 5
    ill = np.array([(traits.course[layout.age // 10 == decade] > 0).mean() for decade in range(8)])
    assert ill == pytest.approx(np.array(disease.symptomatic[:8]), abs=0.04)


def early_reproduction(run):
    table = curve(run).slice(0, 14).to_pydict()
    infected = np.array(table["infected"])
    return (infected * np.array([value or 0 for value in table["reproduction"]])).sum() / infected.sum()


@pytest.fixture(scope="module")
def larger():
    return build_city(20_000, seed=1)


def spread(city, transmissibility=0.75, measures=(), seed=1, days=28):
    return simulate(city, busy(transmissibility=transmissibility), measures, days=days, seed=seed, start=MONDAY)


@pytest.fixture(scope="module")
def unmitigated(larger):
    return spread(larger)


def test_reproduction_rises_with_transmissibility(larger, unmitigated):
    values = [early_reproduction(run) for run in (spread(larger, 0.1), spread(larger, 0.3), unmitigated)]

    assert values[0] < 0.8
    assert values[0] < values[1] < values[2]
    assert 1.8 < values[2] < 3.0


def test_a_few_infect_most_others(unmitigated):
    infections = unmitigated.infections
    early = infections.person[infections.day <= 12]
    caused = np.bincount(infections.infector[infections.infector >= 0], minlength=20_000)[early]

    top = np.sort(caused)[::-1][: len(caused) // 5].sum()
    assert top / caused.sum() > 0.65
    assert (caused == 0).mean() > 0.4


@pytest.mark.parametrize(
    "measure",
    [
        Measure("isolate_confirmed"),
        Measure("masks", effect=0.5),
        Measure("fewer_outings", effect=0.8),
        Measure("close", places=("school", "nursery", "restaurant", "bar")),
        Measure("work_from_home", compliance=0.8),
    ],
    ids=lambda measure: measure.order,
)
def test_no_measure_raises_the_number_of_infections(larger, unmitigated, measure):
    assert len(spread(larger, measures=(measure,)).infections.day) < len(unmitigated.infections.day)


def test_total_protection_leaves_only_homes_and_imports(larger):
    run = spread(larger, measures=(Measure("masks"),))

    assert set(run.truth.column("setting").to_pylist()) == {"household", "abroad"}


def test_the_isolated_infect_nobody_outside(larger):
    run = spread(larger, measures=(Measure("isolate_confirmed"),))
    infections = run.infections
    found = findings_of(infections, seed=run.seed, start=run.start)
    number = {int(person): row for row, person in enumerate(infections.person)}
    outside = np.flatnonzero(infections.place >= 0)
    source = np.array([number[int(person)] for person in infections.infector[outside]])
    day = infections.day[outside]

    assert ((day <= found.confirmed[source]) | (day > found.isolated_until[source])).all()
    assert (found.confirmed < 28).any()


def test_no_introductions_mean_no_epidemic(city):
    disease = replace(COVID_19_ANCESTRAL, introduced_per_100k=0, imported_per_100k_daily=0)

    run = simulate(city, disease, days=5, seed=1, start=MONDAY)

    assert run.truth.num_rows == 0
    assert curve(run).column("reported").to_pylist() == [0] * 5


def test_shares_beyond_one_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        replace(COVID_19_ANCESTRAL, dies=(1.5,) * 9)


def test_a_disease_that_cannot_spread_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        replace(COVID_19_ANCESTRAL, transmissibility=0)
    assert isinstance(COVID_19_ANCESTRAL, Disease)
