"""Early warning: outbreaks are found soon, false alarms are as rare as stated, weekdays and missing days are no outbreaks."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epipolis.engines.epidemic.aberrations import chance_run, cusum_threshold, tail, threshold_of
from epipolis.engines.epidemic.alarms import METHODS, detect
from epipolis.engines.epidemic.thresholds import discovered

START = date(2023, 1, 2)
WEEK = np.array([1.4, 1.2, 1.1, 1.0, 1.0, 0.6, 0.4])


def table(values, step=1, areas=None):
    values = np.atleast_2d(np.asarray(values, float))
    count, steps = values.shape
    names = [str(area) for area in (areas or range(count)) for _ in range(steps)]
    days = [START + timedelta(days=step * at) for _ in range(count) for at in range(steps)]
    return pa.table({"area": names, "day": days, "value": pa.array(values.ravel(), from_pandas=True)})


def calm(areas, steps, *, mean=20.0, seed=1, step=1, spread=None):
    """Counts without any outbreak: weekdays, a season, a slow trend; over-dispersed where `spread` is given."""
    rng = np.random.default_rng(seed)
    time = np.arange(steps)
    year = 365.25 / step
    level = mean * np.exp(0.3 * np.sin(2 * np.pi * time / year) + 0.2 * time / year) * np.ones((areas, 1))
    if step == 1:
        level = level * WEEK[time % 7]
    if spread:
        level = rng.gamma(spread, level / spread)
    return rng.poisson(level).astype(float)


def alarms(found, areas=1):
    return np.array(found["is_alarm"].to_pylist()).reshape(areas, -1)


@pytest.mark.parametrize("method", ["regression", "cusum", "C1", "C2", "C3"])
@pytest.mark.parametrize(("mean", "spread"), [(20, None), (20, 8), (2, None)])
def test_false_alarms_are_about_as_rare_as_stated(method, mean, spread):
    found = alarms(detect(table(calm(15, 600, mean=mean, spread=spread)), method=method, false_alarms_per_year=4), 15)

    rate = found[:, 120:].mean() * 365.25

    assert 0.3 < rate < 6.5


@pytest.mark.parametrize("method", ["regression", "cusum", "ears"])
def test_weekly_series_keep_the_stated_rate_too(method):
    found = alarms(detect(table(calm(40, 260, step=7), step=7), method=method, false_alarms_per_year=2), 40)

    assert 0.2 < found[:, 26:].mean() * 52.18 < 3.2


@pytest.mark.parametrize("method", METHODS)
def test_an_outbreak_is_found_within_days(method):
    counts = calm(20, 240)
    counts[:, 200:210] += np.round(20 * 1.8)

    found = alarms(detect(table(counts), method=method), 20)

    assert (found[:, 200:207].any(axis=1)).mean() > 0.7


def test_a_small_lasting_rise_is_found_by_the_cusum_first():
    counts = calm(40, 300, seed=4)
    counts[:, 250:] += np.random.default_rng(2).poisson(8.0, (40, 50))

    share = {
        method: alarms(detect(table(counts), method=method), 40)[:, 250:264].any(axis=1).mean() for method in ("cusum", "C2")
    }

    assert share["cusum"] > share["C2"] + 0.2


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    mean=st.floats(0.02, 6),
    spread=st.sampled_from([None, 1.0, 4.0]),
    holes=st.sampled_from([0.0, 0.1]),
    method=st.sampled_from(METHODS),
    rate=st.sampled_from([0.1, 2.0, 30.0]),
    together=st.sampled_from(["series", "all", "discoveries"]),
    step=st.sampled_from([1, 7]),
)
def test_exactly_the_counts_above_upper_are_alarms(seed, mean, spread, holes, method, rate, together, step):
    if together == "discoveries" and method == "cusum":
        together = "all"
    if step == 7:
        rate = min(rate, 10.0)
    counts = calm(3, 90, mean=mean, seed=seed, step=step, spread=spread)
    counts[np.random.default_rng(seed).random(counts.shape) < holes] = np.nan
    counts[:, -1] = np.random.default_rng(seed).integers(0, 12, 3)
    options = {"method": method, "false_alarms_per_year": rate, "together": together, "step": step}

    rows = detect(table(counts, step), **options).to_pylist()

    assert [row["is_alarm"] for row in rows] == [
        None not in (row["value"], row["upper"]) and row["value"] > row["upper"] for row in rows
    ]
    if together != "discoveries":
        judged = [row for row in rows if None not in (row["score"], row["value"])]
        assert [row["is_alarm"] for row in judged] == [row["score"] > 1 and row["value"] >= 3 for row in judged]
    if rows[89]["upper"] is not None:
        for value, is_alarm in ((rows[89]["upper"], False), (rows[89]["upper"] + 1, True)):
            counts[0, -1] = value
            assert detect(table(counts, step), **options)["is_alarm"][89].as_py() is is_alarm


def test_a_weekday_that_is_usually_high_is_no_alarm():
    rng = np.random.default_rng(5)
    counts = rng.poisson(np.array([60, 12, 10, 10, 10, 3, 1])[np.arange(350) % 7] * np.ones((10, 1))).astype(float)

    for method in ("regression", "cusum", "C1", "C2"):
        monday = alarms(detect(table(counts), method=method), 10)[:, 84::7].mean()
        assert monday < 5 * 2 / 365, method


def test_missing_days_are_no_alarm_and_neither_is_what_they_are_caught_up_with():
    counts = calm(10, 200, mean=30)
    whole = counts.copy()
    counts[:, 150:153] = np.nan
    counts[:, 153] += whole[:, 150:153].sum(axis=1)

    for method in METHODS:
        found = detect(table(counts), method=method)
        assert not alarms(found, 10)[:, 150:154].any(), method
        marks = np.array(found["marked"].to_pylist()).reshape(10, -1)
        assert set(marks[:, 150]) == {"missing"}
        assert set(marks[:, 153]) <= {"follows missing days and may hold their counts", "too little past"}


def test_days_on_which_nobody_reported_do_not_lower_what_is_expected():
    counts = calm(5, 200, mean=40)
    counts[:, 140:147] = 0

    found = detect(table(counts))

    marks = np.array(found["marked"].to_pylist()).reshape(5, -1)
    assert set(marks[:, 142]) == {"zero where that cannot be chance: taken as missing"}
    assert not alarms(found, 5)[:, 140:160].any()


def test_the_end_of_a_decline_is_no_outbreak():
    rng = np.random.default_rng(8)
    level = np.concatenate([800 * np.exp(-np.arange(60) / 20), np.full(60, 800 * np.exp(-3))])
    counts = rng.poisson(level * np.ones((20, 1)))

    found = alarms(detect(table(counts), false_alarms_per_year=4), 20)[:, 60:]

    assert found.mean() * 365.25 < 8


def test_an_outbreak_long_past_does_not_hide_the_next():
    counts = calm(15, 300)
    counts[:, 220:230] += 60
    counts[:, 270:275] += 45

    assert (alarms(detect(table(counts)), 15)[:, 270:275].any(axis=1)).mean() > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_a_series_of_zeros_and_a_single_case_give_no_alarm(method):
    zeros = np.zeros((1, 200))
    single = zeros.copy()
    single[0, 150] = 1

    for counts in (zeros, single):
        found = detect(table(counts), method=method)
        assert not alarms(found).any()
        assert np.isfinite([value for value in found["score"].to_pylist() if value is not None]).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_cluster_after_a_long_time_without_cases_is_an_alarm(method):
    counts = np.zeros((1, 200))
    counts[0, 150:153] = [4, 6, 9]

    assert alarms(detect(table(counts), method=method))[0, 150:154].any()


def test_negative_counts_are_not_judged_and_break_nothing():
    counts = calm(2, 150)
    counts[0, 120] = -40

    found = detect(table(counts))

    row = found.slice(120, 1).to_pylist()[0]
    assert row["marked"] == "negative: not judged"
    assert row["value"] == -40
    assert row["is_alarm"] is False
    assert found["score"][121].as_py() is not None


def test_a_young_series_is_told_to_have_too_little_past():
    found = detect(table(calm(1, 12)))

    assert set(found["marked"].to_pylist()) == {"too little past"}
    assert not alarms(found).any()
    assert detect(table([[0.0]]))["score"].to_pylist() == [None]


def test_days_are_judged_by_their_past_alone():
    counts = calm(3, 300, seed=9)
    changed = counts.copy()
    changed[:, 250:] *= 30

    for method in METHODS:
        one, two = (detect(table(each), method=method) for each in (counts, changed))
        for name in ("expected", "upper", "score"):
            before = [np.array(each[name].to_pylist(), float).reshape(3, -1)[:, :250] for each in (one, two)]
            np.testing.assert_array_equal(*before)


def test_alarms_of_all_series_together_are_rarer_than_of_each():
    counts = table(calm(60, 400, seed=3))

    each = alarms(detect(counts, false_alarms_per_year=3), 60)[:, 120:].sum()
    together = alarms(detect(counts, false_alarms_per_year=3, together="all"), 60)[:, 120:].sum()

    assert together < 8
    assert each > 10 * together


def test_discoveries_find_what_stands_out_among_many_series():
    counts = calm(100, 250, seed=6)
    counts[:5, 240] += 80

    found = alarms(detect(table(counts), together="discoveries", share_false=0.1), 100)

    assert found[:5, 240].all()
    assert found[5:, 240].sum() <= 2


def test_benjamini_and_hochberg_choose_as_in_their_paper():
    chances = np.array(
        [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0]
    )

    assert discovered(chances, 0.05).sum() == 4
    assert not discovered(np.array([np.nan, 0.9]), 0.05).any()


def test_the_tail_of_counts_is_that_of_scipy():
    from scipy.stats import nbinom, poisson

    counts = np.array([0.0, 1, 5, 12])
    np.testing.assert_allclose(tail(counts, np.full(4, 3.0), np.full(4, 3.0)), poisson.sf(counts - 1, 3), rtol=1e-9)
    np.testing.assert_allclose(tail(counts, np.full(4, 3.0), np.full(4, 6.0)), nbinom.sf(counts - 1, 3, 0.5), rtol=1e-9)


def test_the_cusum_threshold_gives_its_run_length_by_simulation():
    height = cusum_threshold(100)
    rng = np.random.default_rng(1)

    assert chance_run(height, 400_000, rng) == pytest.approx(100, rel=0.06)


def test_a_rarer_chance_has_a_higher_threshold_in_every_method():
    for method in ("regression", "cusum", "C1", "C2", "C3"):
        heights = [threshold_of(method, chance) for chance in (0.1, 0.01, 1e-3, 1e-5, 1e-8)]
        assert (np.diff(heights) > 0).all()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"method": "magic"}, "no method 'magic'"),
        ({"false_alarms_per_year": 0}, "false alarms per year are 0"),
        ({"false_alarms_per_year": 200}, "too many"),
        ({"together": "some"}, "together is 'some'"),
        ({"method": "cusum", "together": "discoveries"}, "cusum has no chance"),
        ({"share_false": 1.5}, "share of false"),
        ({"since": date(2030, 1, 1)}, "ends on"),
        ({"step": 3}, "must be 1 or 7"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        detect(table(calm(1, 60)), **wrong)


def test_rows_out_of_order_give_the_same_answer_and_doubled_days_are_named():
    rows = table(calm(1, 100))
    shuffled = rows.take(pa.array(np.random.default_rng(1).permutation(100)))
    doubled = pa.concat_tables([rows, rows.slice(3, 1).set_column(2, "value", pa.array([99.0]))])

    assert detect(shuffled).equals(detect(rows))
    with pytest.raises(ValueError, match="rows 4 and 101: 2023-01-05 of 0 occurs twice"):
        detect(doubled)


def test_ten_thousand_areas_are_judged_over_the_last_weeks():
    counts = np.random.default_rng(1).poisson(5, (10_000, 60)).astype(float)
    counts[7, -1] = 60

    found = detect(table(counts), together="all", false_alarms_per_year=5)

    assert found.num_rows == 10_000 * 28
    assert alarms(found, 10_000)[7, -1]
    assert alarms(found, 10_000).sum() < 10


def test_the_second_wave_of_calls_is_found_as_it_begins(shared_data):
    from pyarrow import csv

    calls = csv.read_csv(shared_data / "syndromic_nhs111" / "england_nhs_calls_2020_region.csv")
    whole = calls.group_by(["date"]).aggregate([("count", "sum")])

    found = detect(pa.table({"day": whole["date"], "value": whole["count_sum"]}))

    days = [row["day"] for row in found.to_pylist() if row["is_alarm"]]
    assert date(2020, 8, 10) < days[0] < date(2020, 9, 10)
