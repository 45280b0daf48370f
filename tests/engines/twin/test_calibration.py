"""Calibration: known values are hidden in a simulated curve and must come back; wrong input is refused before any work."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines import twin
from epipolis.engines.twin import build_city, calibrate, load_disease, simulate
from epipolis.engines.twin.observations import read_observed
from epipolis.engines.twin.surfaces import Likelihood, Surface, best_point, spread_points
from tests.engines.twin.factories import MONDAY

TRUE = {"transmissibility": 0.55, "introduced_per_100k": 1_200.0}
DAYS = 30


def disease(**changes):
    """COVID-19 with little superspreading, so that a small city tells much about it."""
    usual = {"dispersion": 2.0, "imported_per_100k_daily": 0.0, "introduced_per_100k": 600.0}
    return replace(load_disease("covid_19_ancestral"), **{**usual, **changes})


def observed_of(result, what, share=1.0):
    counts = np.rint(share * result.curve.column(what).to_numpy())
    return pa.table({"date": result.curve.column("date"), "count": counts})


def values_of(calibration):
    return {row["figure"]: row for row in calibration.values.to_pylist()}


@pytest.fixture(scope="module")
def town():
    return build_city(15_000, seed=3)


@pytest.fixture(scope="module")
def hidden(town):
    """A curve of the infections with the true values, with a hole of six days."""
    table = observed_of(simulate(town, disease(**TRUE), days=DAYS, seed=4_711), "infections")
    return pa.concat_tables([table.slice(0, 8), table.slice(14)])


@pytest.fixture(scope="module")
def found(town, hidden):
    told = []
    calibration = calibrate(
        town, disease(), hidden, what="infections", seeds=range(2), tries=30, progress=lambda *part: told.append(part)
    )
    return calibration, told


def test_hidden_values_come_back(found):
    values = values_of(found[0])

    assert values["transmissibility"]["value"] == pytest.approx(TRUE["transmissibility"], rel=0.05)
    assert values["introduced_per_100k"]["value"] == pytest.approx(TRUE["introduced_per_100k"], rel=0.25)


def test_the_interval_holds_the_hidden_values_and_is_no_wider_than_the_range(found):
    for name, row in values_of(found[0]).items():
        assert row["from"] < row["low"] < TRUE[name] < row["high"] < row["to"], name
        assert row["high"] / row["low"] < 2, name


def test_the_disease_carries_the_best_values(found):
    calibration, _ = found

    assert calibration.disease.transmissibility == values_of(calibration)["transmissibility"]["value"]
    assert calibration.disease.dispersion == disease().dispersion
    assert calibration.reported == 1.0


def test_the_band_follows_the_curve_and_leaves_the_hole_open(found, hidden):
    curve = found[0].curve
    median, known = curve.column("median").to_numpy(), curve.column("observed").to_pylist()

    assert curve.num_rows == DAYS
    assert [day for day, count in enumerate(known) if count is None] == list(range(8, 14))
    assert median[~np.isin(np.arange(DAYS), range(8, 14))].sum() == pytest.approx(
        sum(hidden.column("count").to_pylist()), rel=0.2
    )


def test_every_try_is_recorded_and_told(found):
    calibration, told = found
    tries = calibration.tries

    assert tries.num_rows == 30
    assert tries.column_names == ["number", "transmissibility", "introduced_per_100k", "reported", "fit"]
    assert told == [(step, 31 * 2 * DAYS) for step in range(1, 31 * 2 * DAYS + 1)]
    near = np.abs(np.log(tries.column("transmissibility").to_numpy() / TRUE["transmissibility"])) < 0.15
    assert tries.column("fit").to_numpy()[near].mean() > tries.column("fit").to_numpy()[~near].mean()


def test_the_share_reported_comes_back_with_the_rest(town):
    true = disease(**TRUE)
    table = observed_of(simulate(town, true, days=DAYS, seed=99), "infections", share=0.3)
    fit = ("transmissibility", "reported")
    calibration = calibrate(
        town, replace(true, transmissibility=0.8), table, what="infections", fit=fit, seeds=range(2), tries=24
    )
    values = values_of(calibration)

    assert values["transmissibility"]["value"] == pytest.approx(TRUE["transmissibility"], rel=0.08)
    assert values["reported"]["value"] == pytest.approx(0.3, rel=0.12)
    assert values["reported"]["low"] < 0.3 < values["reported"]["high"]
    assert calibration.reported == values["reported"]["value"]


def test_the_same_seeds_give_the_same_answer():
    village = build_city(500, seed=1)
    table = observed_of(simulate(village, disease(introduced_per_100k=4_000.0), days=10, seed=5), "infections")
    asked = {"what": "infections", "fit": ("transmissibility",), "seeds": (1, 2), "tries": 24}
    first, again = (calibrate(village, disease(introduced_per_100k=4_000.0), table, **asked) for _ in range(2))

    assert first.values == again.values
    assert first.tries == again.tries
    assert first.curve == again.curve


def rows(count=20, **columns):
    usual = {"date": [MONDAY + timedelta(days=day) for day in range(count)], "count": list(range(1, count + 1))}
    return pa.table({name: values for name, values in {**usual, **columns}.items() if values is not None})


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (rows(count=5), "5 days have a count, but 10 are needed"),
        (rows(day=list(range(20))), "either date or day"),
        (rows(date=None), "either date or day"),
        (rows(date=[MONDAY] * 20), "stands there twice"),
        (rows(date=["soon"] * 20), "date must hold a day"),
        (rows(date=None, day=[0.5] * 20), "day must hold a whole number"),
        (rows(date=None, day=list(range(-1, 19))), "before the first day"),
        (rows(date=None, day=list(range(4_000, 4_020))), "3650 are the most"),
        (rows(count=20).append_column("more", pa.array([1] * 20)).drop(["count"]), "needs the columns count"),
    ],
)
def test_wrong_curves_are_refused_with_one_sentence(table, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_observed(table)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([-1.0] * 20, "below 0"),
        ([float("inf")] * 20, "without end"),
        ([0] * 20, "every count is 0"),
        ([None] * 20, "0 days have a count"),
        (["many"] * 20, "must hold numbers"),
    ],
)
def test_wrong_counts_are_refused_with_one_sentence(counts, sentence):
    dates = [MONDAY + timedelta(days=day) for day in range(20)]
    with pytest.raises(ValueError, match=sentence):
        read_observed(pa.table({"date": dates, "count": counts}))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"what": "rumours"}, "'rumours' cannot be fitted"),
        ({"what": "cases"}, "Without tests there are no cases"),
        ({"fit": ("dispersion",)}, "'dispersion' cannot be fitted"),
        ({"fit": ("reported",)}, "at least one of transmissibility"),
        ({"fit": ("transmissibility", "transmissibility")}, "none twice"),
        ({"fit": ("imported_per_100k_daily",)}, "two values above 0"),
        ({"within": {"transmissibility": (2, 1)}}, "two values above 0"),
        ({"within": {"imported_per_100k_daily": (1, 2)}}, "has limits, but is not fitted"),
        ({"seeds": (1,)}, "at least 2 seeds"),
        ({"seeds": (1, 1)}, "no two alike"),
        ({"tries": 3}, "at least 24 tries"),
        ({"reported": 0.0}, "must be above 0"),
        ({"start": MONDAY + timedelta(days=3)}, "before the first day"),
        ({"days": 4}, "4 days have a count"),
    ],
)
def test_wrong_wishes_are_refused_before_any_work(city, wanted, sentence):
    def stop(*_):
        pytest.fail("a run began")

    with pytest.raises(ValueError, match=sentence):
        calibrate(city, disease(), rows(), **{"what": "infections", **wanted}, progress=stop)


def test_cases_can_be_fitted_when_there_are_tests(town):
    tests = (twin.Testing(),)
    table = observed_of(simulate(town, disease(**TRUE), tests, days=28, seed=8), "cases")
    start = disease(introduced_per_100k=TRUE["introduced_per_100k"])
    calibration = calibrate(town, start, table, tests, fit=("transmissibility",), seeds=(1, 2), tries=24)

    assert calibration.what == "cases"
    assert values_of(calibration)["transmissibility"]["value"] == pytest.approx(TRUE["transmissibility"], rel=0.12)


def test_days_before_the_first_count_belong_to_the_run():
    known = read_observed(rows(), start=MONDAY - timedelta(days=5))

    assert known.start == date(2025, 12, 31)
    assert known.days == 25
    assert not known.is_known[:5].any()


def test_the_likelihood_is_highest_at_the_mean_and_finds_the_share():
    counts = np.random.default_rng(1).poisson(50, 40).astype(float)
    means = np.outer([20, 40, 50, 60, 100], np.ones(40))

    assert Likelihood.of(counts, 1.0, 4).at(means).argmax() == 2
    assert np.ptp(Likelihood.of(counts, None, 4).at(means[2:])) < 0.1


def test_a_surface_gives_back_the_curves_it_was_made_of():
    offsets = 2 * spread_points(30, 2) - 1
    due = 3 + offsets @ [[1.0, -0.5, 0.2], [0.3, 0.8, -1.0]] + (offsets[:, :1] * offsets[:, 1:]) @ [[0.2, 0.1, 0.4]]
    noise = np.random.default_rng(3).normal(0, 0.05, (30, 4, 3))
    surface = Surface.fit(offsets, due[:, None, :] + noise)
    wanted = np.array([[0.2, -0.3]])
    target = 3 + wanted[0] @ [[1.0, -0.5, 0.2], [0.3, 0.8, -1.0]] + wanted[0, 0] * wanted[0, 1] * np.array([0.2, 0.1, 0.4])
    point = best_point(lambda there: surface.fits(target, there, any_share=False), -np.ones(2), np.ones(2))

    assert surface.at(wanted)[0] == pytest.approx(target, abs=0.05)
    assert point == pytest.approx(wanted[0], abs=0.05)
