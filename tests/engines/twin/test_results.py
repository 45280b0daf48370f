"""The tables of a run say the same, whichever way they are counted."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from epipolis.engines.twin import (
    IsolateCases,
    Masks,
    QuarantineHouseholds,
    Schools,
    TraceContacts,
    Vaccinate,
    simulate,
    well_mixed,
)
from epipolis.engines.twin.measures import Testing as Sampling
from tests.engines.twin.factories import MONDAY, busy, column, nulls

DAYS = 50
DEADLY = {"severe": (0.25,) * 10, "critical": (0.15,) * 10, "dies": (0.1,) * 10, "symptomatic": (0.5,) * 10}
ORDERS = (
    Sampling(cost_per_unit=20.0, screening=0.002),
    IsolateCases(cost_per_person_day=30.0),
    QuarantineHouseholds(cost_per_person_day=5.0),
    TraceContacts(cost_per_unit=12.0, delay_days=0),
    Masks(compliance=0.5, cost_per_person_day=0.5, first_day=5, last_day=24),
    Schools(mode="closed", cost_per_day=1_000.0, cost_per_person_day=3.0, first_day=10, last_day=12, title="No school"),
    Vaccinate(vaccine="mRNA", per_day=20, cost_per_unit=40.0),
)


@pytest.fixture(scope="module")
def result(city):
    return simulate(city, busy(1_500, **DEADLY), ORDERS, days=DAYS, seed=4)


def counted(days):
    days = np.asarray(days)
    return np.bincount(days[(days >= 0) & (days < DAYS)], minlength=DAYS).tolist()


def known(table, name):
    return column(table.filter(pc.is_valid(table.column(name))), name)


def test_the_curve_is_that_of_the_truth(result):
    curve, truth = result.curve.to_pydict(), result.truth

    assert curve["infections"] == counted(column(truth, "infected_day"))
    assert curve["symptoms"] == counted(known(truth, "onset_day"))
    assert curve["cases"] == counted(known(truth, "confirmed_day"))
    assert curve["deaths"] == counted(column(truth.filter(truth.column("died")), "over_day"))
    assert min(sum(curve[name]) for name in ("infections", "cases", "deaths", "tests", "traced", "vaccinated")) > 10
    assert curve["day"] == list(range(DAYS))
    assert curve["date"][0] == MONDAY
    assert all(kind == pa.int64() for name, kind in kinds(result.curve) if name not in ("date", "cost"))


def kinds(table):
    return [(field.name, field.type) for field in table.schema]


def test_people_in_hospital_are_those_who_are_severely_ill_and_not_over(result):
    in_ward, in_icu = column(result.curve, "in_ward"), column(result.curve, "in_icu")
    severity = np.asarray(result.truth.column("severity").cast(pa.string()))

    assert in_ward.min() >= 0
    assert in_icu.min() >= 0
    assert 10 < in_ward.max() < (severity == "severe").sum() + (severity == "critical").sum()
    assert 3 < in_icu.max() <= (severity == "critical").sum()
    usual = column(result.curve, "infectious")
    assert usual.min() >= 0
    assert usual.max() > column(result.curve, "infections").max()


def test_areas_ages_and_places_add_up_to_the_curve(result):
    total = {name: sum(result.curve.column(name).to_pylist()) for name in ("infections", "cases", "deaths")}
    before = int((column(result.truth, "infected_day") < 0).sum())

    for name, count in total.items():
        assert sum(result.by_area.column(name).to_pylist()) == count
        by_day = np.bincount(column(result.by_area, "day"), column(result.by_area, name), minlength=DAYS)
        assert by_day.tolist() == result.curve.column(name).to_pylist()
    assert sum(result.by_age.column("cases").to_pylist()) == total["cases"]
    assert sum(result.by_age.column("deaths").to_pylist()) == total["deaths"]
    assert sum(result.by_age.column("infections").to_pylist()) == total["infections"]
    assert sum(result.by_place.column("infections").to_pylist()) == total["infections"]
    assert before > 10
    assert result.truth.num_rows == total["infections"] + before  # the truth alone tells of those infected before


def test_by_age_counts_everyone_once(result, city):
    age = city.homes.age
    person = column(result.truth, "person")[column(result.truth, "infected_day") >= 0]

    assert result.by_age.column("age_from").to_pylist() == list(range(0, 90, 10))
    assert result.by_age.column("people").to_pylist() == np.bincount(np.minimum(age // 10, 8), minlength=9).tolist()
    due = np.bincount(np.minimum(age[person] // 10, 8), minlength=9).tolist()
    assert result.by_age.column("infections").to_pylist() == due


def test_by_area_has_rows_only_where_something_was(result, city):
    rows = result.by_area.to_pylist()

    assert all(row["infections"] or row["cases"] or row["deaths"] for row in rows)
    assert {row["neighbourhood"] for row in rows} <= set(city.ground.neighbourhoods.codes)
    assert len({(row["day"], row["neighbourhood"]) for row in rows}) == len(rows)


def test_settings_are_those_of_the_places(result, city):
    truth = result.truth.to_pydict()
    names = city.places.column("kind").to_pylist()
    for setting, place, infector in zip(truth["setting"], truth["place"], truth["infector"], strict=True):
        assert setting == (names[place] if place is not None else setting)
        assert (place is None) == (setting in ("household", "passing", "abroad"))
        assert (infector is None) == (setting == "abroad")
    counts = dict(zip(*result.by_place.to_pydict().values(), strict=True))
    since = [name for name, day in zip(truth["setting"], truth["infected_day"], strict=True) if day >= 0]
    assert counts == {name: since.count(name) for name in set(since)}
    assert list(counts.values()) == sorted(counts.values(), reverse=True)


def test_onsets_are_null_for_those_without_symptoms(result):
    severity = np.asarray(result.truth.column("severity").cast(pa.string()))

    assert np.array_equal(nulls(result.truth, "onset_day"), severity == "asymptomatic")
    assert not column(result.truth, "died")[severity != "critical"].any()


def test_costs_add_up_and_are_those_of_the_units(result):
    rows = {(row["measure"], row["unit"]): row for row in result.costs.to_pylist()}
    curve = {name: sum(result.curve.column(name).to_pylist()) for name in result.curve.column_names if name != "date"}

    assert sum(row["cost"] for row in rows.values()) == pytest.approx(curve["cost"])
    assert rows["testing", "unit"]["amount"] == curve["tests"]
    assert rows["testing", "unit"]["cost"] == curve["tests"] * 20
    assert rows["isolate_cases", "person-day"]["amount"] == curve["isolated"]
    assert rows["trace_contacts", "unit"]["amount"] == curve["traced"]
    assert rows["vaccinate", "unit"]["amount"] == 2 * curve["vaccinated"]
    assert rows["masks", "person-day"]["amount"] == pytest.approx(20 * 0.5 * 4_000)
    assert rows["No school", "day"] == {"measure": "No school", "unit": "day", "amount": 3.0, "cost": 3_000.0}
    assert ("masks", "day") not in rows


def test_the_same_order_given_twice_is_paid_twice_and_no_more(city):
    order = Schools(mode="closed", cost_per_day=7.0, last_day=2)
    result = simulate(city, busy(), [order, order], days=4)

    assert result.curve.column("cost").to_pylist() == [14.0, 14.0, 14.0, 0.0]
    assert result.costs.column("cost").to_pylist() == [21.0, 21.0]


def test_masks_are_paid_one_a_day_for_those_who_wear_them(city):
    masks = Masks(compliance=0.5, supply_per_person_week=3.5, cost_per_unit=2.0, last_day=3)
    costs = simulate(city, busy(), [masks], days=6, seed=1).costs.to_pylist()

    assert costs == [{"measure": "masks", "unit": "unit", "amount": 0.25 * 4 * 4_000, "cost": 0.5 * 4 * 4_000}]


def test_a_summary_has_the_totals_and_the_peaks(result):
    summary, curve = result.summary(), {name: column(result.curve, name) for name in result.curve.column_names}

    for name in ("infections", "cases", "deaths", "tests", "traced", "vaccinated"):
        assert summary[name] == curve[name].sum()
    assert summary["attack_rate"] == pytest.approx(curve["infections"].sum() / 4_000)
    assert summary["peak_infections"] == curve["infections"].max() == curve["infections"][summary["peak_day"]]
    assert summary["peak_in_ward"] == curve["in_ward"].max()
    assert summary["peak_in_icu"] == curve["in_icu"].max()
    assert summary["days_isolated"] == curve["isolated"].sum()
    assert summary["days_quarantined"] == curve["quarantined"].sum()
    assert summary["cost"] == pytest.approx(curve["cost"].sum())
    truth = result.truth.to_pylist()
    early = {row["person"] for row in truth if row["infected_day"] < 14}
    assert summary["r_early"] == pytest.approx(sum(row["infector"] in early for row in truth) / len(early))


def test_a_run_without_measures_costs_nothing_and_finds_nobody(city):
    result = simulate(city, busy(), days=10)

    assert result.costs.num_rows == 0
    assert result.summary()["cost"] == result.summary()["cases"] == result.summary()["tests"] == 0


def test_plain_contacts_have_one_area_and_one_setting():
    result = simulate(well_mixed(500, 1), busy(5_000, transmissibility=3.0), days=15)

    assert set(result.by_area.column("neighbourhood").to_pylist()) == {"contacts"}
    assert set(result.by_place.column("setting").to_pylist()) == {"contacts", "abroad"}
