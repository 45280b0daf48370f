import json
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from epipolis.engines.epidemic import LEVELS, MODELS, History, backtest, forecast, score
from tests.engines.epidemic.forecasts.seasons import array_of, counts, day, rows, table

QUICK = ("autoregressive", "renewal", "damped", "baseline")


def told(made):
    return json.loads(made.schema.metadata[b"epipolis"])


def check_whole(made, areas, horizons, models=QUICK):
    """Every quantile is there, none below nought, none crossing."""
    assert set(pc.unique(made["model"]).to_pylist()) == {*models, "ensemble"}
    for name in (*models, "ensemble"):
        values = array_of(made, name, areas, horizons)
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert (np.diff(values, axis=-1) >= 0).all()


@pytest.fixture(scope="module")
def values():
    return counts()


@pytest.fixture(scope="module")
def history(values):
    return History(table(values), target="admissions")


def test_a_round_of_all_models_has_every_area_horizon_and_level(history):
    made = forecast(history, made_on=day(100), horizons=(0, 1, 3))
    check_whole(made, 12, 3, MODELS)
    first = made.slice(0, 23)
    assert first["level"].to_pylist() == LEVELS.tolist()
    assert set(first["area"].to_pylist()) == {"area 00"}
    assert pc.unique(made["target"]).to_pylist() == ["admissions"]
    days = set(zip(made["horizon"].to_pylist(), made["day"].to_pylist(), strict=True))
    assert days == {(0, day(100)), (1, day(101)), (3, day(103))}


def test_horizon_nought_is_the_week_that_ends_on_or_after_the_day(history):
    for made_on, expected in (
        (day(100), day(100)),
        (day(100) - timedelta(days=6), day(100)),
        (day(99) + timedelta(days=1), day(100)),
    ):
        made = forecast(history, made_on=made_on, horizons=(0,), models=("damped",))
        assert set(made["day"].to_pylist()) == {expected}


def test_the_same_seed_gives_the_same_table(history):
    first, again = (forecast(history, made_on=day(90), models=("boosted", "analogue", "baseline"), seed=3) for _ in range(2))
    assert first.equals(again)


def test_a_forecast_of_the_past_never_sees_what_came_later(values):
    planted = values.copy()
    planted[:, 80:] = 1e6
    as_it_was, with_future = (forecast(History(table(given)), made_on=day(80), models=MODELS) for given in (values, planted))
    assert as_it_was.equals(with_future)


def test_a_back_test_never_sees_what_came_later_nor_scores_from_it(values):
    planted = values.copy()
    planted[:, 83:] = 1e6
    days = [day(number) for number in range(76, 84)]
    first, second = (backtest(History(table(given)), made_on=days, models=QUICK) for given in (values, planted))
    assert first.equals(second)
    assert told(first)["weights"] == told(second)["weights"]


def test_the_ensemble_follows_the_better_models_of_the_past_only(history):
    made = backtest(history, made_on=[day(number) for number in range(60, 80)], models=QUICK)
    weights = told(made)["weights"]
    usual = weights[str(day(60))]
    assert usual == pytest.approx({"autoregressive": 2 / 3.5, "renewal": 1 / 3.5, "damped": 0.5 / 3.5})
    last = {name: weight / usual[name] for name, weight in weights[str(day(79))].items()}
    truth = table(history.values)
    scores = score(made, truth.append_column("target", pa.array(["admissions"] * truth.num_rows)))
    known = scores.filter(pc.less(scores["day"], pa.scalar(day(79))))
    means = known.group_by("model").aggregate([("wis", "mean")])
    wis = {row["model"]: row["wis_mean"] for row in means.to_pylist()}
    assert sorted(last, key=lambda name: -last[name]) == sorted(last, key=lambda name: wis[name])
    assert sum(weights[str(day(79))].values()) == pytest.approx(1)


def test_stored_scores_weigh_the_ensemble_as_a_back_test_does(history):
    days = [day(number) for number in range(70, 80)]
    made = backtest(history, made_on=days, models=QUICK)
    truth = table(history.values).append_column("target", pa.array(["admissions"] * history.values.size))
    last = forecast(history, made_on=days[-1], models=QUICK, past_scores=score(made, truth))
    assert told(last)["weights"][str(days[-1])] == pytest.approx(told(made)["weights"][str(days[-1])], rel=1e-6)
    assert told(last)["widened"][str(days[-1])] == pytest.approx(told(made)["widened"][str(days[-1])], abs=0.02)


def test_intervals_hold_about_as_often_as_they_say_and_beat_the_baseline(history):
    made = backtest(history, made_on=[day(number) for number in range(56, 100, 2)], models=QUICK)
    truth = table(history.values).append_column("target", pa.array(["admissions"] * history.values.size))
    scores = score(made, truth)
    by_model = {row["model"]: row for row in scores.group_by("model").aggregate([("wis", "mean")]).to_pylist()}
    assert by_model["ensemble"]["wis_mean"] < 0.75 * by_model["baseline"]["wis_mean"]
    inside = scores.filter(pc.equal(scores["model"], "ensemble"))["within_95"].cast(pa.float64())
    assert 0.9 < pc.mean(inside).as_py() <= 1


def test_weeks_that_are_missing_at_the_end_widen_the_answer_and_are_marked(values):
    late = values.copy()
    late[3, 97:] = np.nan
    made = forecast(History(table(late)), made_on=day(100), models=QUICK)
    whole = forecast(History(table(values)), made_on=day(100), models=QUICK)
    check_whole(made, 12, 4)
    assert told(made)["marked"] == {"area 03": "the newest 3 weeks are missing"}
    width = [np.diff(array_of(one, "autoregressive", 12, 4)[3, 0, [1, 21]] ** 0.25)[0] for one in (made, whole)]
    assert width[0] > 1.2 * width[1]


def test_gaps_noughts_one_case_and_a_step_change_are_normal_input(values):
    odd = values[:, :60].copy()
    odd[0] = 0
    odd[1] = 0
    odd[1, 40] = 1
    odd[2, 10:25] = np.nan
    odd[4, 50:] *= 8
    made = forecast(History(table(odd)), made_on=day(60), models=MODELS)
    check_whole(made, 12, 4, MODELS)
    ensemble = array_of(made, "ensemble", 12, 4)
    assert (ensemble[0, :, 11] < 0.5).all()
    assert (ensemble[1, :, 11] < 0.5).all()
    assert ensemble[0, 0, -1] > 0


def test_an_area_of_garbage_is_marked_and_hardly_moves_the_others(values):
    rng = np.random.default_rng(5)
    garbage = values.copy()
    garbage[7] = 10 ** rng.uniform(0, 14, values.shape[1])
    made = forecast(History(table(garbage)), made_on=day(100), models=MODELS)
    usual = forecast(History(table(values)), made_on=day(100), models=MODELS)
    check_whole(made, 12, 4, MODELS)
    assert "jumps from week to week" in told(made)["marked"]["area 07"]
    others = [number for number in range(12) if number != 7]
    medians = [array_of(one, "ensemble", 12, 4)[others, :, 11] for one in (made, usual)]
    assert np.median(np.abs(medians[0] - medians[1]) / np.maximum(medians[1], 5)) < 0.1


def test_an_area_without_any_value_gets_a_wide_marked_answer_from_the_others(values):
    silent = values.copy()
    silent[5, :100] = np.nan
    made = forecast(History(table(silent)), made_on=day(100), models=QUICK)
    check_whole(made, 12, 4)
    assert told(made)["marked"]["area 05"] == "nothing known; as the areas on the whole"
    newest = values[:, 99]
    assert newest.min() * 0.5 < array_of(made, "ensemble", 12, 4)[5, 0, 11] < newest.max()


def test_negative_counts_are_marked_where_they_were(values):
    wrong = values.copy()
    wrong[2, 20] = -5
    made = forecast(History(table(wrong)), made_on=day(60), models=("damped", "renewal"))
    assert told(made)["marked"] == {"area 02": "1 negative or infinite, taken as missing"}


@pytest.mark.parametrize("weeks", [1, 2, 3, 5])
def test_two_weeks_or_even_one_are_enough_to_begin(values, weeks):
    made = forecast(History(table(values[:, :weeks]), step=7), made_on=day(weeks), models=MODELS)
    check_whole(made, 12, 4, MODELS)


def test_one_area_alone_is_forecast(values):
    made = forecast(History(table(values[:1])), made_on=day(100), models=MODELS)
    check_whole(made, 1, 4, MODELS)


def test_one_single_case_in_one_area_is_an_answer():
    made = forecast(History(rows(("a", day(0), 1.0)), step=7), made_on=day(1), models=QUICK)
    check_whole(made, 1, 4)


def test_before_all_data_is_an_error(history):
    with pytest.raises(ValueError, match="On 2020-05-01 nothing was known yet"):
        forecast(history, made_on=date(2020, 5, 1))
    with pytest.raises(ValueError, match="Nothing was known yet on any of the days"):
        backtest(history, made_on=[date(2020, 5, 1)])
    made = backtest(history, made_on=[date(2020, 5, 1), day(50)], models=("damped",))
    assert told(made)["skipped"] == ["2020-05-01"]


def test_long_after_the_last_value_is_an_error(history):
    with pytest.raises(ValueError, match="is of 2023-02-04, too long before to forecast from"):
        forecast(history, made_on=date(2024, 1, 6))


def test_far_horizons_and_far_levels_widen_on(history):
    levels = np.array([0.001, 0.01, 0.5, 0.99, 0.999])
    made = forecast(history, made_on=day(100), horizons=(0, 3, 10, 20), levels=levels, models=QUICK)
    for name in ("autoregressive", "renewal", "damped"):
        roots = array_of(made, name, 12, 4, 5) ** 0.25
        assert np.isfinite(roots).all()
        assert (np.diff(roots[..., 4] - roots[..., 2], axis=1) > 0).all()
        assert (roots[..., 4] > roots[..., 3]).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"models": ("magic",)}, "no forecast model 'magic'"),
        ({"models": ()}, "at least one forecast model"),
        ({"horizons": (-1, 0)}, "whole numbers from 0 to 60"),
        ({"horizons": ()}, "whole numbers from 0 to 60"),
        ({"levels": np.array([0.5, 0.1])}, "ascending probabilities"),
        ({"levels": np.array([0.0, 0.5])}, "ascending probabilities"),
        ({"past_scores": pa.table({"model": ["damped"]})}, "no column 'day'"),
    ],
)
def test_what_cannot_be_is_told(history, arguments, says):
    with pytest.raises(ValueError, match=says):
        forecast(history, made_on=day(50), **arguments)


def test_backfill_is_learnt_from_the_vintages():
    final = counts(areas=20, weeks=60)
    parts = []
    for release in range(30, 58):
        seen = final[:, max(0, release - 10) : release + 1].copy()
        seen[:, -1] = np.round(seen[:, -1] * 0.6)
        seen[:, -2] = np.round(seen[:, -2] * 0.9)
        part = table(seen, first=day(max(0, release - 10)))
        parts.append(part.append_column("known_on", pa.array([day(release) + timedelta(days=3)] * part.num_rows, pa.date32())))
    history = History(pa.concat_tables([table(final[:, :20]).append_column("known_on", pa.nulls(400, pa.date32())), *parts]))
    made = backtest(history, made_on=[day(number) + timedelta(days=4) for number in range(50, 56)], models=("autoregressive",))
    medians = array_of(made, "autoregressive", 6 * 20, 4)[:, 0, 11].reshape(6, 20)
    error = np.abs(medians - final[:, 51:57].T).sum() / final[:, 51:57].sum()
    uncorrected = np.abs(0.6 * final[:, 50:56] - final[:, 51:57]).sum() / final[:, 51:57].sum()
    assert told(made)["vintages"]
    assert error < 0.6 * uncorrected


def test_a_further_signal_that_runs_ahead_makes_forecasts_better():
    rng = np.random.default_rng(8)
    growth = np.cumsum(rng.normal(0, 0.25, (15, 130)), axis=1) * 0.5
    growth -= growth.mean(axis=1, keepdims=True)
    values = rng.poisson(np.exp(5 + growth)).astype(float)
    ahead = np.concatenate([growth[:, 1:], growth[:, -1:]], axis=1)
    errors = []
    for signals in ((), ("visits",)):
        history = History(table(values, visits=ahead), signals=signals)
        made = backtest(
            history, made_on=[day(number) for number in range(100, 125, 4)], models=("autoregressive",), horizons=(0,)
        )
        medians = array_of(made, "autoregressive", 7 * 15, 1)[:, 0, 11].reshape(7, 15)
        errors.append(np.abs(np.log((medians + 1) / (values[:, 100:125:4].T + 1))).mean())
    assert errors[1] < 0.85 * errors[0]


def test_models_that_fall_back_on_the_same_answer_count_once(values):
    young = History(table(values[:, :7]), target="admissions")

    made = forecast(young, made_on=day(7), models=MODELS)

    three = [array_of(made, name, 12, 4) for name in ("autoregressive", "boosted", "analogue")]
    assert np.array_equal(three[0], three[1])
    assert np.array_equal(three[0], three[2])
    weights = next(iter(told(made)["weights"].values()))
    assert set(weights) == {"autoregressive", "renewal", "damped"}
    assert sum(weights.values()) == pytest.approx(1)
