import json
import os
from pathlib import Path

import numpy as np
import pytest

from epipolis.engines.twin import (
    COVID_19_ANCESTRAL,
    USUAL_RESPONSE,
    Measure,
    build_city,
    curve,
    days_of,
    load,
    save,
    simulate,
    start_run,
    step,
)
from tests.engines.twin.factories import MONDAY, busy

GOLDEN = Path(__file__).parent / "golden.json"


def test_the_same_seed_gives_the_same_days_and_another_seed_others(city, month):
    run, days = month
    again = days_of(start_run(city, busy(), seed=3, start=MONDAY), 10)
    for (_, day), known in zip(again, days[:10], strict=True):
        assert day.visits.equals(known.visits)
        assert day.cases.equals(known.cases)
        assert day.infections.equals(known.infections)

    other = simulate(city, busy(), days=35, seed=4, start=MONDAY)
    assert not other.truth.equals(run.truth)


def test_a_run_that_was_saved_goes_on_as_if_it_never_stopped(city):
    whole = simulate(city, busy(), USUAL_RESPONSE, days=30, seed=6, start=MONDAY)
    first = simulate(city, busy(), USUAL_RESPONSE, days=13, seed=6, start=MONDAY)

    resumed = load(save(first), city=build_city(4_000, seed=7))
    for after, day in days_of(resumed, 17):
        resumed, last = after, day

    assert resumed.truth.equals(whole.truth)
    assert curve(resumed).equals(curve(whole))
    assert resumed.measures == whole.measures
    assert resumed.disease == whole.disease
    assert last.number == 29


def test_saving_is_the_same_bytes_for_the_same_state(city):
    one, two = (simulate(city, COVID_19_ANCESTRAL, days=3, seed=1, start=MONDAY) for _ in range(2))

    assert save(one) == save(two)


def test_a_run_of_another_city_is_refused(city):
    saved = save(start_run(city, COVID_19_ANCESTRAL, seed=1, start=MONDAY))

    with pytest.raises(ValueError, match="another city"):
        load(saved, city=build_city(4_000, seed=8))


def test_a_step_leaves_the_run_it_came_from_alone(city):
    run = start_run(city, COVID_19_ANCESTRAL, seed=1, start=MONDAY)

    once, first = step(run)
    again, second = step(run)

    assert run.day == 0
    assert once.day == again.day == 1
    assert first.visits.equals(second.visits)


def test_the_curve_counts_the_truth_and_the_reports(month):
    run, days = month
    table = curve(run).to_pydict()

    assert table["infected"] == [sum(row["day"] == day.number for row in run.truth.to_pylist()) for day in days]
    first = [sum(record["revision"] == 1 for record in day.cases.to_pylist()) for day in days]
    assert table["reported"] == first
    courses = run.truth.to_pylist()
    assert sum(table["died"]) == sum(row["course"] == "fatal" and row["over"] <= days[-1].date for row in courses)


def test_reproduction_adds_up_to_the_infections_in_the_city(month):
    run, _ = month
    table = curve(run).to_pydict()
    infections = run.infections
    day_of = dict(zip(infections.person.tolist(), infections.day.tolist(), strict=True))
    caused = sum(day_of[int(source)] >= 0 for source in infections.infector if source >= 0)

    total = sum(n * (r or 0) for n, r in zip(table["infected"], table["reproduction"], strict=True))
    assert total == pytest.approx(caused)


def test_a_simulation_of_no_days_is_refused(city):
    with pytest.raises(ValueError, match="at least one day"):
        simulate(city, COVID_19_ANCESTRAL, days=0, seed=1, start=MONDAY)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"order": "curfews"}, "No measure is called"),
        ({"order": "masks", "effect": 1.2}, "between 0 and 1"),
        ({"order": "masks", "first_day": 9, "last_day": 3}, "before the first"),
        ({"order": "close"}, "none given"),
        ({"order": "close", "places": ("casino",)}, "casino"),
    ],
)
def test_a_measure_that_makes_no_sense_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Measure(**arguments)


def test_measures_begin_and_end_on_their_days():
    measure = Measure("masks", first_day=3, last_day=5)

    assert [measure.is_in_force(day) for day in range(2, 7)] == [False, True, True, True, False]


def test_other_times_of_departure_change_only_the_dates(city):
    early, late = (simulate(city, busy(), days=8, seed=1, start=start) for start in (MONDAY, MONDAY.replace(month=3, day=2)))

    assert np.array_equal(early.infections.person, late.infections.person)
    assert not early.truth.column("date").equals(late.truth.column("date"))


def test_the_golden_run_still_counts_the_same():
    city = build_city(5_000, seed=11)
    visits = records = 0
    run = start_run(city, busy(200), USUAL_RESPONSE, seed=11, start=MONDAY)
    for after, day in days_of(run, 40):
        visits, records, run = visits + day.visits.num_rows, records + day.cases.num_rows, after
    table = curve(run).to_pydict()
    counted = {
        "places": city.places.num_rows,
        "households": city.people.column("household").to_pylist()[-1] + 1,
        "visits": visits,
        "records": records,
        "infected": table["infected"],
        "reported": table["reported"],
        "died": sum(table["died"]),
    }

    if os.environ.get("EPIPOLIS_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(counted, indent=1) + "\n")
    assert counted == json.loads(GOLDEN.read_text())
