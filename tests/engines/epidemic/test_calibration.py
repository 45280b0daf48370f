import numpy as np
import pytest
from scipy.stats import norm

from epipolis.engines.epidemic import LEVELS, coverage, pit
from tests.engines.epidemic.tables import forecast, observed, together


def many(spread: float) -> tuple[object, object]:
    generator = np.random.default_rng(3)
    quantiles = dict(zip(LEVELS.tolist(), (100 + 10 * norm.ppf(LEVELS)).tolist(), strict=True))
    truth = generator.normal(100, 10 * spread, 400)
    return together([forecast(quantiles, horizon=step + 1) for step in range(400)]), observed(*truth)


def test_calibrated_forecasts_cover_what_they_say() -> None:
    rows = coverage(*many(1.0)).to_pylist()
    assert [row["width"] for row in rows] == [0.5, 0.9, 0.95]
    assert all(abs(row["difference"]) < 0.06 for row in rows)
    assert all(row["forecasts"] == 400 for row in rows)


def test_too_narrow_forecasts_show_in_coverage_and_histogram() -> None:
    narrow = many(2.0)
    assert coverage(*narrow, widths=[0.9]).to_pylist()[0]["coverage"] < 0.7
    shares = pit(*narrow)["share"].to_numpy()
    assert shares[[0, -1]].min() > 0.18
    assert shares.sum() == pytest.approx(1)


def test_the_histogram_of_calibrated_forecasts_is_flat() -> None:
    np.testing.assert_allclose(pit(*many(1.0), bins=5)["share"].to_numpy(), 0.2, atol=0.06)


def test_equal_quantiles_share_their_weight() -> None:
    made = forecast({0.25: 0.0, 0.5: 0.0, 0.75: 0.0})
    np.testing.assert_allclose(pit(made, observed(0.0), bins=4)["share"].to_numpy(), 0.25)


def test_without_an_end_of_the_interval_there_is_no_coverage() -> None:
    rows = coverage(forecast({0.25: 1.0, 0.5: 2.0, 0.75: 3.0}), observed(2.0), widths=[0.5, 0.9]).to_pylist()
    assert [row["coverage"] for row in rows] == [1.0, None]
    assert rows[1]["forecasts"] == 0


def test_nothing_observed_leaves_the_histogram_empty() -> None:
    assert pit(forecast({0.5: 1.0}), observed(1.0, area="south"), bins=2)["share"].to_pylist() == [None, None]


def test_widths_bins_and_columns_are_checked() -> None:
    made, seen = forecast({0.5: 1.0}), observed(1.0)
    with pytest.raises(ValueError, match="between 0 and 1, not 95"):
        coverage(made, seen, widths=[95])
    with pytest.raises(ValueError, match="at least one bin"):
        pit(made, seen, bins=0)
    with pytest.raises(ValueError, match="cannot be grouped by team"):
        coverage(made, seen, by=("team",))
