"""The growth rate and the doubling time."""

import numpy as np
import pytest

from epipolis.engines.epidemic import doubling_time, growth_rate


def test_a_pure_exponential_gives_its_rate():
    counts = 100 * np.exp(0.05 * np.arange(40))
    rate, lower, upper = growth_rate(counts, 10)
    assert rate.shape == (1, 31)
    assert rate[0, -5:] == pytest.approx(np.full(5, 0.05), abs=1e-4)
    assert (lower < rate).all()
    assert (upper > rate).all()


@pytest.mark.parametrize("spread", [1.0, 4.0])
def test_intervals_contain_the_true_rate_as_often_as_they_say(spread):
    rng = np.random.default_rng(3)
    mean = np.tile(60 * np.exp(-0.03 * np.arange(21)), (4_000, 1))
    counts = rng.poisson(mean) if spread == 1 else rng.negative_binomial(mean / (spread - 1), 1 / spread)
    _, lower, upper = growth_rate(counts, 21)
    assert np.mean((lower <= -0.03) & (upper >= -0.03)) == pytest.approx(0.95, abs=0.025)


def test_hardly_any_cases_give_a_wide_answer_and_never_nan():
    one = np.zeros(30)
    one[15] = 1
    for counts in (np.zeros(30), one, np.full(30, np.nan)):
        rate, lower, upper = growth_rate(counts, 14)
        assert np.isfinite([rate, lower, upper]).all()
    assert growth_rate(np.zeros(30), 14)[0][0, 0] == 0
    assert growth_rate(np.zeros(30), 14)[2][0, 0] > 0.9


def test_missing_days_are_left_out():
    counts = 1_000 * np.exp(0.05 * np.arange(20))
    counts[[3, 8]] = np.nan
    assert growth_rate(counts, 20)[0][0, 0] == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(("window", "words"), [(2, "at least 3"), (31, "at most the 30")])
def test_a_window_that_cannot_be_is_refused(window, words):
    with pytest.raises(ValueError, match=words):
        growth_rate(np.ones(30), window)
    with pytest.raises(ValueError, match="level is 1"):
        growth_rate(np.ones(30), level=1.0)


def test_the_doubling_time_is_negative_when_counts_halve_and_infinite_when_they_stand_still():
    assert doubling_time([np.log(2) / 5, -np.log(2) / 3, 0.0]).tolist() == pytest.approx([5, -3, np.inf])
