import numpy as np
import pytest

from epipolis.engines.twin import FewerOutings, Masks, Schools, build_city, compare, compare_results, simulate, simulate_many
from tests.engines.twin.factories import busy

SCENARIOS = {
    "as is": (),
    "masks": (Masks(effect=0.8, cost_per_person_day=0.1),),
    "all": (Masks(effect=0.8), FewerOutings(share=0.8), Schools(cost_per_day=50.0)),
}
SEEDS = (3, 1, 4, 5, 9)
DAYS = 25


@pytest.fixture(scope="module")
def town():
    return build_city(2_000, seed=3)


@pytest.fixture(scope="module")
def comparison(town):
    return compare(town, busy(600), SCENARIOS, days=DAYS, seeds=SEEDS)


@pytest.fixture(scope="module")
def runs(town):
    return {name: simulate_many(town, busy(600), orders, days=DAYS, seeds=SEEDS) for name, orders in SCENARIOS.items()}


def test_every_curve_has_the_quantiles_over_the_seeds(comparison, runs):
    rows = comparison.curves.to_pylist()
    columns = [name for name in runs["as is"][0].curve.column_names if name not in ("day", "date")]

    assert len(rows) == len(SCENARIOS) * len(columns) * DAYS
    for row in rows[:: DAYS - 1]:
        values = [run.curve.column(row["what"])[row["day"]].as_py() for run in runs[row["scenario"]]]
        assert (row["low"], row["median"], row["high"]) == pytest.approx(tuple(np.quantile(values, [0.1, 0.5, 0.9])))
        assert row["date"] == runs["as is"][0].curve.column("date")[row["day"]].as_py()


def test_changes_are_those_of_the_same_seed(comparison, runs):
    rows = {(row["scenario"], row["what"]): row for row in comparison.totals.to_pylist()}
    before, after = (np.array([run.summary()["infections"] for run in runs[name]]) for name in ("as is", "masks"))

    row = rows["masks", "infections"]
    assert (row["change_low"], row["change"], row["change_high"]) == pytest.approx(
        tuple(np.quantile(after / before - 1, [0.1, 0.5, 0.9]))
    )
    assert (row["low"], row["median"], row["high"]) == pytest.approx(tuple(np.quantile(after, [0.1, 0.5, 0.9])))
    assert rows["all", "infections"]["change"] < row["change"] < 0
    assert {what for _, what in rows} == set(runs["as is"][0].summary())


def test_the_first_scenario_and_what_it_has_none_of_have_no_change(comparison):
    rows = comparison.totals.to_pylist()

    assert all(row["change"] is row["change_low"] is row["change_high"] is None for row in rows if row["scenario"] == "as is")
    assert all(row["change"] is None for row in rows if row["what"] in ("cost", "cases"))


def test_equity_is_the_median_for_each_hundred_thousand_of_a_group(comparison, runs, town):
    rows = {(row["scenario"], row["dimension"], row["group"]): row for row in comparison.equity.to_pylist()}
    codes = list(town.ground.neighbourhoods.codes)

    assert len(rows) == len(SCENARIOS) * (9 + len(codes))
    thirties = rows["masks", "age", "30-39"]
    counts = [run.by_age.column("infections")[3].as_py() for run in runs["masks"]]
    people = int(((town.homes.age >= 30) & (town.homes.age < 40)).sum())
    assert thirties["people"] == people
    assert thirties["infections"] == pytest.approx(np.median(counts) * 100_000 / people)
    area = rows["as is", "area", codes[0]]
    counts = [
        sum(row["infections"] for row in run.by_area.to_pylist() if row["neighbourhood"] == codes[0]) for run in runs["as is"]
    ]
    living = int((town.homes.neighbourhood == 0).sum())
    assert (area["people"], area["severe"]) == (living, None)
    assert area["infections"] == pytest.approx(np.median(counts) * 100_000 / living)
    assert rows["as is", "age", "80+"]["people"] == (town.homes.age >= 80).sum()


def test_costs_are_means_over_the_runs(comparison, runs):
    rows = {(row["scenario"], row["measure"], row["unit"]): row for row in comparison.costs.to_pylist()}

    assert rows["all", "schools", "day"]["cost"] == 50.0 * DAYS
    assert rows["masks", "masks", "person-day"]["cost"] == pytest.approx(0.1 * 2_000 * DAYS)
    assert not [key for key in rows if key[0] == "as is"]


def test_progress_runs_over_all_scenarios(town):
    told = []
    two = {"one": (), "two": (Masks(),)}
    compare(town, busy(), two, days=3, seeds=(1, 2), progress=lambda done, total: told.append((done, total)))

    assert told == [(number, 12) for number in range(1, 13)]


def test_a_comparison_names_its_scenarios_and_seeds(comparison):
    assert comparison.scenarios == tuple(SCENARIOS)
    assert comparison.seeds == SEEDS
    assert comparison.people == 2_000


@pytest.mark.parametrize(("scenarios", "seeds"), [({}, (1,)), ({"as is": ()}, ())])
def test_a_comparison_of_nothing_is_refused(town, scenarios, seeds):
    with pytest.raises(ValueError, match=r"^A comparison needs at least one scenario and one seed\.$"):
        compare(town, busy(), scenarios, days=3, seeds=seeds)


def test_a_scenario_that_cannot_be_is_refused(town):
    with pytest.raises(ValueError, match="both closed and in half classes"):
        compare(town, busy(), {"as is": (), "odd": (Schools(), Schools(mode="half_classes"))}, days=3, seeds=(1,))


def test_runs_of_other_seeds_are_not_compared(town):
    one, other = (simulate(town, busy(), days=2, seed=seed) for seed in (1, 2))

    with pytest.raises(ValueError, match="later: runs with other seeds cannot be compared with first"):
        compare_results({"first": [one], "later": [other]}, town)
