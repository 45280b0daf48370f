from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pytest

from epipolis.engines.epidemic import LEVELS, score, summarise, weighted_interval_score
from tests.engines.epidemic.hubs import HUBS, example, hub_forecast, hub_observed
from tests.engines.epidemic.tables import MADE_ON, forecast, observed, together

# What scoringutils prints for its example: its README and the results its own tests keep.
PUBLISHED = {
    ("EuroCOVIDhub-ensemble", "Deaths"): {"wis": 41.42249, "over": 7.138247, "under": 4.103261, "spread": 30.18099},
    ("EuroCOVIDhub-baseline", "Deaths"): {"wis": 159.40387, "over": 65.899117, "under": 2.098505, "spread": 91.40625},
    ("UMass-MechBayes", "Deaths"): {"wis": 52.65195, "over": 8.978601, "under": 16.800951, "spread": 26.87239},
    ("EuroCOVIDhub-ensemble", "Cases"): {"under": 4237.177310, "spread": 3663.52458, "within_50": 0.390625},
    ("EuroCOVIDhub-baseline", "Cases"): {"under": 10284.972826, "spread": 4102.50094, "within_90": 0.8203125},
    ("epiforecasts-EpiNow2", "Cases"): {"under": 3260.355639, "spread": 5664.37795, "within_90": 0.7890625},
}
PUBLISHED_BIAS = {
    ("EuroCOVIDhub-ensemble", "Cases"): -0.05640625,
    ("EuroCOVIDhub-ensemble", "Deaths"): 0.07265625,
    ("EuroCOVIDhub-baseline", "Deaths"): 0.33906250,
    ("UMass-MechBayes", "Deaths"): -0.02234375,
}


def test_the_parts_are_those_worked_by_hand() -> None:
    wis, spread, over, under = weighted_interval_score(
        np.array([12.0, 1.0, 5.0]), np.tile([2.0, 4.0, 6.0, 8.0, 10.0], (3, 1)), np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    )
    whole = 2.5  # two intervals and half a median
    np.testing.assert_allclose(spread, (0.05 * 8 + 0.25 * 4) / whole)
    np.testing.assert_allclose(under, [((12 - 10) + (12 - 8) + 0.5 * (12 - 6)) / whole, 0, 0])
    np.testing.assert_allclose(over, [0, ((2 - 1) + (4 - 1) + 0.5 * (6 - 1)) / whole, 0.5 / whole])
    np.testing.assert_allclose(wis, spread + over + under)


def test_the_score_is_the_mean_of_twice_the_quantile_loss() -> None:
    generator = np.random.default_rng(1)
    values = np.sort(generator.gamma(2, 30, (500, 23)), axis=1)
    seen = generator.gamma(2, 30, 500)
    loss = ((seen[:, None] < values) - LEVELS) * (values - seen[:, None])
    np.testing.assert_allclose(weighted_interval_score(seen, values, LEVELS)[0], 2 * loss.mean(axis=1), rtol=1e-12)


def test_the_score_of_a_point_is_its_absolute_error() -> None:
    assert weighted_interval_score(np.array([3.0]), np.array([[10.0]]), np.array([0.5]))[0] == pytest.approx([7.0])


@pytest.mark.parametrize("levels", [[0.5, 0.25], [0.0, 1.0], [0.1, 0.5]])
def test_levels_that_break_a_rule_are_refused(levels: list[float]) -> None:
    with pytest.raises(ValueError, match=r"[Ll]evel"):
        weighted_interval_score(np.zeros(1), np.zeros((1, 2)), np.array(levels))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"do not fit values of shape \(2, 2\)"):
        weighted_interval_score(np.zeros(1), np.zeros((2, 2)), np.array([0.25, 0.75]))


def test_the_example_of_scoringutils_gives_the_published_scores(shared_data: Path) -> None:
    made, seen = example(shared_data)
    found = {(row["model"], row["target"]): row for row in summarise(score(made, seen), by=("model", "target")).to_pylist()}
    for key, told in PUBLISHED.items():
        for name, value in told.items():
            assert found[key][name] == pytest.approx(value, rel=3e-7), (key, name)
    for key, value in PUBLISHED_BIAS.items():
        assert found[key]["bias"] == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("hub", HUBS)
def test_the_hubs_mean_scores_come_out(shared_data: Path, hub: str) -> None:
    scores = score(hub_forecast(shared_data / hub), hub_observed(shared_data / hub))
    scored = scores.filter(pc.is_valid(scores["wis"]))
    task = pc.binary_join_element_wise(
        scored["target"], scored["area"], pc.cast(scored["made_on"], pa.string()), pc.cast(scored["day"], pa.string()), "|"
    ).to_pylist()
    times = Counter(task)
    common = scored.filter(pa.array([times[one] == 2 for one in task]))
    reference = pcsv.read_csv(shared_data / hub / "reference_mean_wis.csv").to_pylist()
    by = [name for name in ("model", "target", "horizon") if name in reference[0]]
    found = {tuple(row[name] for name in by): row for row in summarise(common, by=by).to_pylist()}
    for row in reference:
        own = found[tuple(row[name] for name in by)]
        assert own["forecasts"] == row["n_forecasts"]
        assert own["wis"] == pytest.approx(row["mean_wis"], rel=1e-8, abs=6e-5)


def test_scales_are_applied_to_both_sides() -> None:
    made, seen = forecast({0.25: 3.0, 0.5: 8.0, 0.75: 15.0}), observed(24.0)
    for scale, transform in {"log": np.log1p, "sqrt": np.sqrt, "fourth": lambda x: x**0.25}.items():
        direct = weighted_interval_score(
            transform(np.array([24.0])), transform(np.array([[3.0, 8, 15]])), np.array([0.25, 0.5, 0.75])
        )
        assert score(made, seen, scale=scale)["wis"].to_pylist() == pytest.approx(direct[0])


def test_below_zero_is_marked_on_other_scales() -> None:
    made = forecast({0.25: -3.0, 0.5: 8.0, 0.75: 15.0})
    assert score(made, observed(5.0), scale="sqrt")["marked"].to_pylist() == ["below zero counts as zero"]
    assert score(made, observed(5.0))["marked"].to_pylist() == [""]


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="natural, log, sqrt, fourth, not 'cube'"):
        score(forecast({0.5: 1.0}), observed(1.0), scale="cube")


def test_what_was_not_observed_stays_without_score_and_is_marked() -> None:
    made = together([forecast({0.5: 1.0}), forecast({0.5: 1.0}, horizon=2), forecast({0.5: 1.0}, area="south")])
    scores = score(made, observed(3.0))
    assert scores["wis"].to_pylist() == [2.0, None, None]
    assert scores["marked"].to_pylist() == ["", "not observed", "the area is not among the observed"]
    assert summarise(scores).select(["forecasts", "unscored"]).to_pylist() == [{"forecasts": 1, "unscored": 2}]


def test_missing_levels_leave_their_pair_out_and_are_marked() -> None:
    whole = {0.05: 1.0, 0.25: 2.0, 0.5: 3.0, 0.75: 4.0, 0.95: 5.0}
    part = {level: value for level, value in whole.items() if level != 0.95}
    made = together([forecast(whole), forecast(part, area="south")])
    seen = together([observed(9.0), observed(9.0, area="south")])
    scores = score(made, seen).to_pylist()
    assert [row["marked"] for row in scores] == ["", "levels are missing"]
    assert [row["levels"] for row in scores] == [5, 3]
    narrow = weighted_interval_score(np.array([9.0]), np.array([[2.0, 3, 4]]), np.array([0.25, 0.5, 0.75]))[0]
    assert scores[1]["wis"] == pytest.approx(narrow[0])
    assert scores[1]["within_90"] is None


def test_quantiles_that_cross_are_scored_and_marked() -> None:
    scores = score(forecast({0.25: 9.0, 0.5: 3.0, 0.75: 4.0}), observed(3.0)).to_pylist()[0]
    assert scores["marked"] == "quantiles cross"
    assert scores["wis"] == pytest.approx(2 * np.mean([0.75 * 6, 0.0, 0.25 * 1]))


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (forecast({0.5: 1.0, 1.0: 2.0}), "row 2: level 1 is not between 0 and 1"),
        (forecast({0.5: float("inf")}), "row 1: the value is infinite"),
        (together([forecast({0.5: 1.0})] * 2), "row 2: the same as row 1"),
        (forecast({0.5: 1.0}, made_on=MADE_ON.replace(month=2)), "row 1: made on 2026-02-03, after 2026-01-10"),
        (forecast({0.5: 1.0}).drop_columns(["level"]), "lacks level"),
        (forecast({0.5: 1.0}, area=None), "row 1: area is missing"),
    ],
)
def test_a_broken_forecast_is_refused_by_row_and_rule(broken: pa.Table, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        score(broken, observed(1.0))


def test_a_past_day_may_be_estimated_with_a_negative_horizon() -> None:
    assert score(forecast({0.5: 1.0}, horizon=-1), observed(1.0))["marked"].to_pylist() == ["not observed"]


def test_an_observation_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="row 2: cases, north, 2026-01-10 is there twice"):
        score(forecast({0.5: 1.0}), together([observed(1.0), observed(2.0)]))


def test_an_unknown_column_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no team; they have model, target"):
        summarise(score(forecast({0.5: 1.0}), observed(1.0)), by=("team",))


def test_no_forecast_gives_an_empty_table() -> None:
    assert score(forecast({0.5: 1.0}).slice(0, 0), observed(1.0)).num_rows == 0
