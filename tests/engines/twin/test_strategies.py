"""Strategies against R: the published ten, and what must hold for any contacts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from epipolis.engines.twin import STRATEGIES, Spread, Strategy, reduce_r

PUBLISHED = {
    "no measures": "no_measures",
    "random tests, 5 % a week": "pop_testing",
    "isolation of the ill": "isolation_only",
    "isolation, quarantine at home": "hh_quaratine_only",
    "the same, app": "cell_phone",
    "the same, tracing at work and school": "hh_work_only",
    "the same, app, at most 4 others a day": "cell_phone_met_limit",
    "the same, tracing of those they know": "isolation_manual_tracing_met_only",
    "the same, tracing of all": "isolation_manual_tracing",
    "the same, tracing of those they know, at most 4 others a day": "isolation_manual_tracing_met_limit",
}
EVERYTHING = Strategy(
    name="everything", ill_isolate=True, finds_home=0.8, finds_work=0.5, finds_other=0.4, app_users=0.3, tested_weekly=0.1
)


def some_contacts(people=400, seed=5):
    """Invented diaries: a few at home, many with a long tail elsewhere."""
    draws = np.random.default_rng(seed)
    met = {"home": draws.poisson(2.4, people), "work": draws.geometric(0.15, people) - 1, "other": draws.poisson(3, people)}
    return pa.table({"adult": np.arange(people) % 5 > 0, **met})


def r_of(*strategies, **changes):
    return reduce_r(some_contacts(), strategies, people=4_000, **changes).column("r").to_pylist()


@pytest.fixture(scope="module")
def published():
    folder = Path(__file__).parents[4] / "shared" / "data" / "contact_distributions_uk"
    if not folder.is_dir():
        pytest.skip("the contact diaries of the United Kingdom are not here")
    parts = []
    for file, is_adult in (("contacts_over18.csv", True), ("contacts_under18.csv", False)):
        found = pyarrow.csv.read_csv(folder / file)
        met = {name: found.column(f"e_{name}") for name in ("home", "work", "other")}
        parts.append(pa.table({"adult": [is_adult] * len(found), **met}))
    rows = pyarrow.csv.read_csv(folder / "published_strategy_table.csv").to_pylist()
    return pa.concat_tables(parts), {row["scenario"]: row for row in rows}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_ten_strategies_lower_r_as_published(published, seed):
    contacts, due = published
    found = {row["strategy"]: row for row in reduce_r(contacts, people=40_000, seed=seed).to_pylist()}

    assert set(found) == set(PUBLISHED)
    for name, row in found.items():
        assert row["reduction"] == pytest.approx(due[PUBLISHED[name]]["reduction_raw"], abs=0.03), name
        assert row["above_one"] == pytest.approx(due[PUBLISHED[name]]["above1"], abs=0.02), name
        assert row["r"] == pytest.approx(due[PUBLISHED[name]]["r_eff"], abs=0.08), name


def test_the_ten_strategies_come_in_the_published_order(published):
    contacts, due = published
    found = reduce_r(contacts, people=40_000)
    by_theirs = sorted(due, key=lambda name: due[name]["reduction_raw"])
    by_ours = sorted(found.to_pylist(), key=lambda row: row["reduction"])

    assert [PUBLISHED[row["strategy"]] for row in by_ours] == by_theirs


def test_without_measures_r_follows_from_the_mean_contacts():
    contacts, spread = some_contacts(), Spread()
    adult = contacts.column("adult").to_numpy()
    home, work, other = (contacts.column(name).to_numpy() for name in ("home", "work", "other"))
    caused = home * 0.2 + (work + other) * 0.06 * spread.infectious_days
    due = (0.79 * caused[adult].mean() + 0.21 * caused[~adult].mean()) * (0.6 + 0.4 * 0.5)
    (found,) = reduce_r(contacts, [Strategy(name="none")], people=60_000).column("r").to_pylist()

    assert found == pytest.approx(due, rel=0.02)


def test_isolation_prevents_what_falls_after_it():
    always_ill = Spread(symptomatic=1.0, days_before_isolated=(0.0, 1.0))
    strategy = Strategy(name="isolation", ill_isolate=True, follow=1.0)
    table = reduce_r(some_contacts(), [strategy], spread=always_ill, people=20_000)

    assert table.column("reduction")[0].as_py() == pytest.approx(1 - 2 / 5, abs=0.01)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("follow", (0.0, 0.3, 0.6, 1.0)),
        ("app_users", (0.0, 0.2, 0.5, 1.0)),
        ("finds_home", (0.0, 0.5, 1.0)),
        ("finds_work", (0.0, 0.5, 1.0)),
        ("finds_other", (0.0, 0.5, 1.0)),
        ("finds_strangers", (False, True)),
        ("ill_isolate", (False, True)),
        ("works_at_home", (0.0, 0.4, 1.0)),
        ("tested_weekly", (0.0, 0.05, 0.5, 1.0)),
        ("most_others", (None, 10, 4, 0)),
    ],
)
def test_more_of_a_measure_never_raises_r(name, values):
    found = r_of(*(replace(EVERYTHING, **{name: value}) for value in values))

    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0]


def test_a_strategy_shows_the_same_whatever_stands_beside_it():
    together = dict(zip((one.name for one in STRATEGIES), r_of(*STRATEGIES), strict=True))

    assert {one.name: r_of(one)[0] for one in STRATEGIES[3:5]} == {one.name: together[one.name] for one in STRATEGIES[3:5]}
    assert r_of(*STRATEGIES) == list(together.values())
    assert r_of(*STRATEGIES, seed=2) != list(together.values())


def test_the_interval_holds_the_reduction_of_very_many_people():
    strategy = STRATEGIES[4]
    (many,) = reduce_r(some_contacts(), [strategy], people=300_000, seed=99).column("reduction").to_pylist()
    rows = [reduce_r(some_contacts(), [strategy], people=2_000, seed=seed).to_pylist()[0] for seed in range(60)]
    held = np.mean([row["low"] < many < row["high"] for row in rows])

    assert 0.87 <= held <= 1.0
    assert np.mean([row["high"] - row["low"] for row in rows]) < 0.08


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: table.drop(["work"]), "the column work is missing"),
        (lambda table: table.set_column(1, "home", pa.array([None] * len(table), pa.int64())), "home has empty cells"),
        (lambda table: table.set_column(1, "home", pa.array([-1] * len(table))), "fewer than 0"),
        (lambda table: table.set_column(1, "home", pa.array([0.5] * len(table))), "home must hold whole numbers"),
        (lambda table: table.filter(table.column("adult")), "there are no children"),
        (lambda table: table.slice(0, 0), "there are no adults"),
    ],
)
def test_wrong_contacts_are_refused_with_one_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        reduce_r(change(some_contacts()))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Strategy(name="app", app_users=1.5), "app: app_users is 1.5"),
        (lambda: Strategy(name="few", most_others=-1), "few: most_others is -1"),
        (lambda: Spread(days_before_isolated=(0.5, 0.4)), "sum to 1"),
        (lambda: reduce_r(some_contacts(), children=1.2), "children must be a share"),
        (lambda: reduce_r(some_contacts(), people=0), "people 1 or more"),
        (lambda: reduce_r(some_contacts(), []), "at least one strategy"),
    ],
)
def test_wrong_figures_are_refused_with_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
