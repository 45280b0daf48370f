"""Beds in use: forecasts beat persistence, hold their intervals, and survive every kind of bad input."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from epipolis.engines.epidemic.beds import first_passing, forecast_beds, passes_limit
from epipolis.engines.epidemic.quantiles import LEVELS
from epipolis.engines.epidemic.stays import Stay, fit_stay, occupancy_from

START = date(2026, 1, 1)


def table(values, areas=("a",), start=START, **columns):
    values = np.atleast_2d(np.asarray(values, float))
    count, days = values.shape
    named = [f"{area}" for area in areas for _ in range(days)]
    told = [start + timedelta(days=day) for _ in range(count) for day in range(days)]
    whole = {name: [value] * values.size for name, value in columns.items()}
    return pa.table({"area": named, "day": told, "value": pa.array(values.ravel(), from_pandas=True), **whole})


def wave(days=120, areas=1, seed=1, size=300):
    """Cases in a wave, and the beds that follow from them."""
    rng = np.random.default_rng(seed)
    time = np.arange(days)
    peaks = rng.uniform(50, 80, areas)[:, None]
    cases = rng.poisson(size * np.exp(-(((time - peaks) / 20) ** 2)) + 2)
    late = np.pad(cases, ((0, 0), (7, 0)))[:, :days]
    beds = occupancy_from(rng.poisson(0.2 * late).astype(float), Stay(9, 6))
    return cases.astype(float), np.round(beds)


def medians(forecast):
    rows = forecast.filter(pc.equal(forecast["level"], 0.5))
    return rows["value"].to_numpy().reshape(-1, rows["horizon"].to_numpy().max())


def test_admissions_become_beds_by_the_length_of_stay():
    beds = occupancy_from(np.full(200, 10.0), Stay(8, 4))

    assert beds[-1] == pytest.approx(80, rel=0.01)
    assert (np.diff(beds) >= -1e-9).all()
    assert occupancy_from(np.full(200, 10.0), Stay(8, 4), share=0.2)[-1] == pytest.approx(16, rel=0.01)


def test_who_was_there_before_leaves_as_in_a_steady_state():
    flows = np.full(60, 10.0)

    steady = occupancy_from(flows, Stay(8, 4), already=10 * Stay(8, 4).remaining.sum())

    np.testing.assert_allclose(steady, steady[0], rtol=1e-6)


def test_the_stay_is_found_again_from_admissions_and_beds():
    rng = np.random.default_rng(3)
    flows = rng.poisson(40 * np.exp(np.sin(np.arange(200) / 15))).astype(float)

    stay = fit_stay(flows, occupancy_from(flows, Stay(11, 5)))

    assert stay.mean == pytest.approx(11, rel=0.03)
    assert stay.sd == pytest.approx(5, rel=0.15)


@pytest.mark.parametrize(("mean", "sd"), [(0, 1), (5, 0), (5, float("nan"))])
def test_a_stay_that_cannot_be_is_refused(mean, sd):
    with pytest.raises(ValueError, match="above zero"):
        Stay(mean, sd)


def test_negative_admissions_are_refused_by_name():
    with pytest.raises(ValueError, match=r"area 1 has -1 admissions on day 2"):
        occupancy_from(np.array([3.0, -1.0]), Stay(5, 3))


def test_a_forecast_has_every_area_day_and_level_and_rises_with_the_level():
    cases, beds = wave(areas=3)

    forecast = forecast_beds(table(beds, "abc"), cases=table(cases, "abc"), days=10)

    assert forecast.column_names[:8] == ["model", "target", "area", "made_on", "horizon", "day", "level", "value"]
    values = forecast["value"].to_numpy().reshape(3, 10, 23)
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=2) >= 0).all()
    assert pc.unique(forecast["made_on"]).to_pylist() == [START + timedelta(days=119)]
    assert forecast["day"][0].as_py() == START + timedelta(days=120)


def test_nothing_after_the_day_of_the_forecast_is_used():
    cases, beds = wave(areas=2)
    day = START + timedelta(days=70)
    changed, other = beds.copy(), cases.copy()
    changed[:, 71:], other[:, 71:] = 1, 9_000

    one = forecast_beds(table(beds, "ab"), cases=table(cases, "ab"), made_on=day)
    two = forecast_beds(table(changed, "ab"), cases=table(other, "ab"), made_on=day)

    assert one.equals(two)


def test_a_value_published_later_is_not_known_yet():
    _, beds = wave()
    early = table(beds, known_on=START)
    late = table(beds[:, -1:] * 10, start=START + timedelta(days=119), known_on=START + timedelta(days=130))
    made_on = START + timedelta(days=119)

    assert forecast_beds(pa.concat_tables([early, late]), made_on=made_on).equals(forecast_beds(early, made_on=made_on))


def test_cases_that_run_ahead_show_the_turn_before_the_beds_do():
    cases, beds = wave(areas=12, days=150)
    names = "abcdefghijkl"
    ahead, alone = [], []
    for day in range(50, 110, 7):
        made_on = START + timedelta(days=day)
        truth = beds[:, day + 1 : day + 15]
        for found, lead in ((ahead, table(cases, names)), (alone, None)):
            found.append(np.abs(medians(forecast_beds(table(beds, names), cases=lead, made_on=made_on)) - truth).mean())

    assert np.mean(ahead) < 0.9 * np.mean(alone)


def test_half_a_dozen_days_are_enough_for_a_wide_and_marked_answer():
    few = forecast_beds(table([10, 12, 13, 15, 18, 20]), days=7)
    many = forecast_beds(table(wave()[1][:, :60]), days=7)

    assert few["marked"][0].as_py() == "only 6 days are known"
    assert many["marked"][0].as_py() is None
    values = few["value"].to_numpy().reshape(7, 23)
    assert values[-1, 11] > 12
    assert values[-1, 22] / values[-1, 11] > 1.3


def test_one_single_value_gives_a_marked_answer():
    forecast = forecast_beds(table([7.0]), days=3)

    assert np.isfinite(forecast["value"].to_numpy()).all()
    assert "only 1 days" in forecast["marked"][0].as_py()


def test_an_area_without_any_value_does_not_break_the_others():
    _, beds = wave()
    both = np.vstack([beds, np.full_like(beds, np.nan)])

    forecast = forecast_beds(table(both, "ab"))

    marks = dict(zip(forecast["area"].to_pylist(), forecast["marked"].to_pylist(), strict=True))
    assert marks["a"] is None
    assert "no value" in marks["b"]
    assert np.isfinite(forecast["value"].to_numpy()).all()


def test_empty_beds_stay_near_none():
    forecast = forecast_beds(table(np.zeros(90)))

    values = forecast["value"].to_numpy().reshape(14, 23)
    assert (values[:, 11] == 0).all()
    assert (values >= 0).all()
    assert values[-1, 20] < 10


def test_gaps_change_little_and_an_old_last_value_makes_the_answer_wider():
    _, beds = wave()
    gappy, old = beds.copy(), beds.copy()
    gappy[:, 20:30], gappy[:, 60] = np.nan, np.nan
    old[:, -5:] = np.nan
    made_on = START + timedelta(days=119)

    whole = forecast_beds(table(beds), made_on=made_on)["value"].to_numpy().reshape(14, 23)
    patched = forecast_beds(table(gappy), made_on=made_on)["value"].to_numpy().reshape(14, 23)
    late = forecast_beds(table(old), made_on=made_on)

    np.testing.assert_allclose(patched[:, 11], whole[:, 11], rtol=0.2, atol=3)
    assert late["marked"][0].as_py() == "the last value is 5 days old"


def test_hospitals_added_in_one_night_are_no_epidemic():
    rng = np.random.default_rng(2)
    steady = rng.poisson(200, 100).astype(float)
    steady[90:] *= 3

    forecast = forecast_beds(table(steady))

    assert 450 < medians(forecast)[0, -1] < 800
    assert "jumped" in forecast["marked"][0].as_py()


def test_one_wrong_number_does_not_move_the_forecast():
    rng = np.random.default_rng(2)
    steady = rng.poisson(200, 100).astype(float)
    wrong = steady.copy()
    wrong[95] = 2_000

    np.testing.assert_allclose(medians(forecast_beds(table(wrong))), medians(forecast_beds(table(steady))), rtol=0.15)


def test_wards_icu_and_ventilators_are_forecast_together():
    _, beds = wave()
    kinds = [table(np.round(beds * share), kind=kind) for kind, share in (("ventilators", 0.1), ("ward", 1), ("icu", 0.2))]

    forecast = forecast_beds(pa.concat_tables(kinds))

    assert pc.unique(forecast["target"]).to_pylist() == ["ward", "icu", "ventilators"]


def test_weekly_cases_are_a_lead_too():
    cases, beds = wave(areas=8, days=140)
    names = "abcdefgh"
    weekly = cases.reshape(8, 20, 7).sum(axis=2)
    days = [START + timedelta(days=6 + 7 * week) for _ in range(8) for week in range(20)]
    lead = pa.table({"area": [name for name in names for _ in range(20)], "day": days, "value": weekly.ravel()})
    made_on = START + timedelta(days=69)

    by_week = medians(forecast_beds(table(beds, names), cases=lead, made_on=made_on))
    by_day = medians(forecast_beds(table(beds, names), cases=table(cases, names), made_on=made_on))

    np.testing.assert_allclose(by_week[:, -1], by_day[:, -1], rtol=0.25)


def test_rows_out_of_order_give_the_same_answer():
    _, beds = wave()
    rows = table(beds)
    shuffled = rows.take(pa.array(np.random.default_rng(1).permutation(rows.num_rows)))

    assert forecast_beds(shuffled).equals(forecast_beds(rows))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda rows: rows.set_column(2, "value", pa.array([-3.0, *rows["value"].to_pylist()[1:]])),
            "-3 beds in use on 2026-01-01",
        ),
        (lambda rows: rows.drop_columns(["value"]), "no column 'value'"),
        (lambda rows: rows.slice(0, 0), "no row"),
        (lambda rows: pa.concat_tables([rows, table([99.0])]), "rows 1 and 121: 2026-01-01 of a occurs twice"),
        (lambda rows: rows.set_column(1, "day", pa.array([None] * 120, pa.date32())), "the day of row 1 is empty"),
        (lambda rows: rows.set_column(2, "value", pa.array(["x"] * 120)), "no numbers"),
        (lambda rows: rows.set_column(2, "value", pa.array([np.inf] * 120)), "row 1 is infinite"),
    ],
)
def test_a_bad_row_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        forecast_beds(change(table(wave()[1])))


@pytest.mark.parametrize("wrong", [{"days": 0}, {"days": 61}, {"levels": [0.5, 0.1]}, {"levels": [1.0]}])
def test_what_cannot_be_asked_for_is_refused(wrong):
    with pytest.raises(ValueError, match=r"days is|levels must"):
        forecast_beds(table(wave()[1]), **wrong)


def test_ten_thousand_areas_are_forecast_at_once():
    rng = np.random.default_rng(1)
    beds = rng.poisson(20, (10_000, 40)).astype(float)

    forecast = forecast_beds(table(beds, range(10_000)), days=2, levels=[0.05, 0.5, 0.95])

    assert forecast.num_rows == 10_000 * 2 * 3
    assert np.isfinite(forecast["value"].to_numpy()).all()


def test_the_probability_of_passing_a_limit_follows_the_quantiles():
    _, beds = wave(days=90)
    forecast = forecast_beds(table(beds))
    values = forecast["value"].to_numpy().reshape(14, 23)

    passing = passes_limit(forecast, float(values[6, 18]))

    assert passing["probability"][6].as_py() == pytest.approx(1 - LEVELS[18], abs=1e-6)
    by = passing["probability_by"].to_numpy()
    assert (np.diff(by) >= 0).all()
    assert (by >= passing["probability"].to_numpy()).all()


def test_the_first_day_above_the_limit_is_said_in_a_sentence():
    growing = np.round(100 * np.exp(0.04 * np.arange(60)))
    forecast = forecast_beds(table(growing))
    last = growing[-1]

    likely = first_passing(passes_limit(forecast, {"a": last * 1.25})).to_pylist()[0]
    now = first_passing(passes_limit(forecast, last / 2)).to_pylist()[0]
    never = first_passing(passes_limit(forecast, last * 50)).to_pylist()[0]

    assert likely["state"] == "likely"
    assert START + timedelta(days=60) < likely["first_day"] < START + timedelta(days=74)
    assert str(likely["first_day"]) in likely["told"]
    assert (now["state"], never["state"], never["first_day"]) == ("now", "unlikely", None)
    assert never["told"].startswith("a: passing ")
    assert never["told"].endswith(" beds by 2026-03-15 is unlikely (probability below 1 %).")
    assert "beds beds" not in never["told"]


@pytest.mark.parametrize(
    ("limit", "words"), [(-1, "limit is -1"), ({"z": 5}, "limit for z"), ({"a": float("nan")}, "of a is nan")]
)
def test_a_limit_that_cannot_be_is_refused(limit, words):
    with pytest.raises(ValueError, match=words):
        passes_limit(forecast_beds(table(wave()[1])), limit)


def test_real_regions_are_forecast_better_than_by_persistence_and_intervals_hold(shared_data):
    from pyarrow import csv

    rows = csv.read_csv(shared_data / "hospital_italy_regions" / "italy_regions_daily.csv.gz")
    occupancy = pa.table({"area": rows["region"], "day": rows["date"], "value": rows["hospital_ward"]})
    cases = pa.table({"area": rows["region"], "day": rows["date"], "value": rows["new_cases"]})
    first, within, errors, flat = date(2020, 2, 24), [], [], []
    beds = rows["hospital_ward"].to_numpy().reshape(21, -1)
    for day in range(240, 420, 30):
        forecast = forecast_beds(occupancy, cases=cases, made_on=first + timedelta(days=day))
        values = forecast["value"].to_numpy().reshape(21, 14, 23)
        truth = beds[:, day + 14]
        within.append((truth >= values[:, 13, 2]) & (truth <= values[:, 13, 20]))
        errors.append(np.abs(values[:, 13, 11] - truth).mean())
        flat.append(np.abs(beds[:, day] - truth).mean())

    assert np.mean(errors) < 0.75 * np.mean(flat)
    assert 0.8 < np.mean(within) <= 1
