import json
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from epipolis.engines.twin import (
    USUAL_RESPONSE,
    ClosePlaces,
    Masks,
    Season,
    Trigger,
    build_city,
    curve,
    days_of,
    simulate,
    start_run,
    step,
)
from tests.engines.twin.factories import MONDAY, busy, column

GOLDEN = Path(__file__).parent / "golden.json"


def test_the_same_seed_gives_the_same_days_and_another_seed_others(city, month):
    _, days = month
    again = days_of(start_run(city, busy(), seed=3, start=MONDAY), 12)
    for (_, day), known in zip(again, days[:12], strict=True):
        assert day.visits.equals(known.visits)
        assert day.cases.equals(known.cases)
        assert day.infections.equals(known.infections)

    _, other = step(start_run(city, busy(), seed=4, start=MONDAY))
    assert not other.visits.equals(days[0].visits)


def test_days_follow_the_calendar(month):
    assert [day.date for day in month[1]] == [MONDAY + timedelta(days=number) for number in range(35)]
    assert [day.number for day in month[1]] == list(range(35))


def test_a_run_day_by_day_has_the_truth_of_a_run_for_tables(city):
    last, _ = list(days_of(start_run(city, busy(), USUAL_RESPONSE, seed=5, start=MONDAY), 25))[-1]
    result = simulate(city, busy(), USUAL_RESPONSE, days=25, seed=5, start=MONDAY)

    assert last.truth.equals(result.truth)
    daily = curve(last)
    assert daily.column("infected").to_pylist() == result.curve.column("infections").to_pylist()
    assert daily.column("onsets").to_pylist() == result.curve.column("symptoms").to_pylist()
    assert daily.column("confirmed").to_pylist() == result.curve.column("cases").to_pylist()
    assert daily.column("died").to_pylist() == result.curve.column("deaths").to_pylist()
    assert sum(daily.column("confirmed").to_pylist()) > 20


def test_the_days_tell_the_same_truth_as_the_run(month):
    run, days = month
    daily = pa.concat_tables([day.infections.select(["person", "infected_day", "place"]) for day in days])
    whole = run.truth.select(["person", "infected_day", "place"])

    before = whole.num_rows - daily.num_rows
    assert whole.slice(before).equals(daily.combine_chunks())
    assert before > 0
    assert max(whole.slice(0, before).column("infected_day").to_pylist()) <= 0
    for day in days:
        assert set(day.infections.column("infected_day").to_pylist()) <= {day.number}


def test_a_step_leaves_the_run_it_came_from_alone(city):
    run = start_run(city, busy(3_000), USUAL_RESPONSE, seed=1, start=MONDAY)
    for _ in range(9):
        run, _ = step(run)
    before = {
        name: getattr(run.epidemic, name).copy() for name in ("bodies", "rows", "last_of", "vaccinated_on", "live", "onsets")
    }
    agenda = {day: [rows.tolist() for rows in listed] for day, listed in run.response.samples.items()}
    at_home = dict(run.response.isolated)

    once, first = step(run, at_home=np.arange(500))
    step(run)
    again, second = step(run, at_home=np.arange(500))

    assert run.day == 9
    assert once.day == again.day == 10
    for name, column_before in before.items():
        assert np.array_equal(getattr(run.epidemic, name), column_before), name
    assert {day: [rows.tolist() for rows in listed] for day, listed in run.response.samples.items()} == agenda
    assert dict(run.response.isolated) == at_home
    assert first.visits.equals(second.visits)
    assert first.cases.equals(second.cases)
    assert once.truth.equals(again.truth)


def test_the_curve_counts_the_truth(month):
    run, days = month
    table = curve(run).to_pydict()
    truth = run.truth.to_pylist()

    assert table["infected"] == [sum(row["infected_day"] == day.number for row in truth) for day in days]
    assert table["onsets"] == [sum(row["onset_day"] == day.number for row in truth) for day in days]
    assert table["died"] == [sum(row["died"] and row["over_day"] == day.number for row in truth) for day in days]


def test_reproduction_adds_up_to_the_infections_in_the_city(month):
    run, _ = month
    table = curve(run).to_pydict()
    rows = run.epidemic.infections
    causes = rows["infector"][rows["infector"] >= 0]
    caused = (rows["day"][causes] >= 0).sum()

    total = sum(n * (r or 0) for n, r in zip(table["infected"], table["reproduction"], strict=True))
    assert caused > 100
    assert total == pytest.approx(caused)


def test_other_times_of_departure_change_only_the_dates(city):
    disease = busy(season=Season(0.0))
    early, late = (simulate(city, disease, days=8, seed=1, start=start) for start in (MONDAY, MONDAY.replace(month=3, day=2)))

    assert early.truth.equals(late.truth)
    assert not early.curve.column("date").equals(late.curve.column("date"))


def test_those_ordered_home_make_no_visits_on_that_day_alone(city):
    run = start_run(city, busy(), seed=1, start=MONDAY)

    run, day = step(run, at_home=np.arange(0, 4_000, 2))
    _, after = step(run)

    assert day.visits.num_rows > 1_000
    assert set(column(day.visits, "visitor") % 2) == {1}
    assert set(column(after.visits, "visitor") % 2) == {0, 1}


@pytest.mark.parametrize("strangers", [[4_000], [-1], [3, 99_999]])
def test_strangers_cannot_be_ordered_home(city, strangers):
    run = start_run(city, busy(), seed=1, start=MONDAY)

    with pytest.raises(ValueError, match="people of the city"):
        step(run, at_home=np.array(strangers))


def test_nobody_may_be_ordered_home(city):
    run = start_run(city, busy(), seed=1, start=MONDAY)

    assert step(run, at_home=np.array([]))[1].visits.equals(step(run)[1].visits)


def test_a_run_day_by_day_knows_no_triggers(city):
    waiting = ClosePlaces(trigger=Trigger("cases", above=10), title="Bars")

    with pytest.raises(ValueError, match=r"^Bars: .* knows no triggers\.$"):
        start_run(city, busy(), [Masks(), waiting], seed=1, start=MONDAY)


def test_people_return_to_their_favourite_places(city, month):
    kinds = column(city.places, "kind")
    shops = {}
    for day in month[1]:
        place, visitor = column(day.visits, "place"), column(day.visits, "visitor")
        is_guest = (kinds[place] == "shop") & ~column(day.visits, "staff")
        for person, where in zip(visitor[is_guest].tolist(), place[is_guest].tolist(), strict=True):
            shops.setdefault(person, []).append(where)
    often = [visits for visits in shops.values() if len(visits) >= 8]

    shares = [np.unique(visits, return_counts=True)[1].max() / len(visits) for visits in often]
    assert len(often) > 50
    assert 0.45 < np.mean(shares) < 0.85


def test_weeks_resemble_each_other_and_weekends_do_not_resemble_them(city, month):
    kinds = column(city.places, "kind")
    visits = np.array([day.visits.num_rows for day in month[1]]).reshape(5, 7)
    worship = np.array([(kinds[column(day.visits, "place")] == "worship").sum() for day in month[1]]).reshape(5, 7)

    # Illness keeps a few at home as the weeks pass.
    assert (np.ptp(visits, axis=0) < 0.12 * visits.mean(axis=0)).all()
    assert visits[:, 5:].max() < 0.8 * visits[:, :5].min()
    assert worship[:, 6].min() > 3 * worship[:, :6].max()


def test_nobody_is_infected_at_work_or_in_class_at_the_weekend(city):
    truth = simulate(city, busy(2_000), days=7, seed=1).truth
    workday = truth.filter(pc.is_in(truth.column("setting").cast(pa.string()), pa.array(["workplace", "school", "nursery"])))
    by_day = np.bincount(column(workday, "infected_day"), minlength=7)

    assert by_day[:5].min() > 5
    assert by_day[5:].tolist() == [0, 0]


def test_the_golden_run_still_counts_the_same():
    city = build_city(5_000, seed=11)
    visits = records = 0
    run = start_run(city, busy(200), USUAL_RESPONSE, seed=11, start=MONDAY)
    for after, day in days_of(run, 40):
        visits, records, run = visits + day.visits.num_rows, records + day.cases.num_rows, after
    result = simulate(city, busy(200), USUAL_RESPONSE, days=40, seed=11, start=MONDAY)
    counted = {
        "places": city.places.num_rows,
        "households": city.people.column("household").to_pylist()[-1] + 1,
        "visits": visits,
        "records": records,
        "curve": {name: result.curve.column(name).to_pylist() for name in ("infections", "tests", "cases", "isolated")},
        "by_place": dict(sorted(zip(*result.by_place.to_pydict().values(), strict=True))),
        "died": sum(result.curve.column("deaths").to_pylist()),
    }

    if os.environ.get("EPIPOLIS_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(counted, indent=1) + "\n")
    assert counted == json.loads(GOLDEN.read_text())
