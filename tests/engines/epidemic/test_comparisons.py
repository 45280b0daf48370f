from pathlib import Path

import pytest

from epipolis.engines.epidemic import compare_models, score
from tests.engines.epidemic.hubs import example
from tests.engines.epidemic.tables import forecast, observed, together

# The relative skill that scoringutils' own tests keep for its example.
PUBLISHED = {
    "EuroCOVIDhub-baseline": 1.6032604,
    "EuroCOVIDhub-ensemble": 0.8074916,
    "UMass-MechBayes": 0.7475873,
    "epiforecasts-EpiNow2": 1.0332277,
}


def test_the_example_of_scoringutils_gives_the_published_skill(shared_data: Path) -> None:
    scores = score(*example(shared_data))
    found = {row["model"]: row["relative_skill"] for row in compare_models(scores).to_pylist()}
    assert found == pytest.approx(PUBLISHED, rel=1e-7)
    for part in ("wis", "ae_median"):
        table = compare_models(scores, baseline="EuroCOVIDhub-baseline", by=("target",), measure=part)
        assert {row["scaled_skill"] for row in table.to_pylist() if row["model"] == "EuroCOVIDhub-baseline"} == {1.0}


def test_skill_is_the_geometric_mean_of_ratios_on_common_forecasts() -> None:
    made = [forecast({0.5: value}, model=name, horizon=1) for name, value in {"a": 12.0, "b": 14.0, "c": 18.0}.items()]
    made.append(forecast({0.5: 100.0}, model="a", horizon=2))  # nobody else forecasts this: it does not count
    table = compare_models(score(together(made), observed(10.0, 10.0)), baseline="b")
    rows = {row["model"]: row for row in table.to_pylist()}
    assert rows["a"]["relative_skill"] == pytest.approx((2 / 2 * 2 / 4 * 2 / 8) ** (1 / 3))
    assert rows["a"]["scaled_skill"] == pytest.approx(0.5)
    assert rows["c"]["scaled_skill"] == pytest.approx(2.0)
    assert rows["a"]["forecasts"] == 2
    assert table["model"].to_pylist() == ["a", "b", "c"]


def test_a_model_without_common_forecasts_has_no_skill() -> None:
    made = [forecast({0.5: 12.0}, model="a"), forecast({0.5: 14.0}, model="b"), forecast({0.5: 9.0}, model="c", horizon=2)]
    rows = {row["model"]: row for row in compare_models(score(together(made), observed(10.0, 10.0))).to_pylist()}
    assert rows["c"]["relative_skill"] is None
    assert rows["c"]["against"] == 0
    assert rows["a"]["relative_skill"] == pytest.approx((2 / 4) ** 0.5)


def test_two_perfect_models_are_equal() -> None:
    made = [forecast({0.5: 10.0}, model=name) for name in ("a", "b")]
    assert compare_models(score(together(made), observed(10.0)))["relative_skill"].to_pylist() == [1.0, 1.0]


def test_an_unknown_baseline_is_named_with_the_models_there_are() -> None:
    with pytest.raises(ValueError, match="'theirs'; the models are ours"):
        compare_models(score(forecast({0.5: 1.0}), observed(1.0)), baseline="theirs")


def test_nothing_scored_compares_nothing() -> None:
    table = compare_models(score(forecast({0.5: 1.0}), observed(1.0, area="south")), by=("target",))
    assert table.num_rows == 0
    assert table.column_names[:2] == ["target", "model"]
