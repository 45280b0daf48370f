"""Serial intervals as probabilities by day."""

import numpy as np
import pytest
from scipy import stats

from epipolis.engines.epidemic import UncertainInterval, check_interval, discretise
from epipolis.engines.epidemic.intervals import mean_interval, parameters


@pytest.mark.parametrize("family", ["gamma", "lognormal", "weibull"])
@pytest.mark.parametrize(("mean", "sd"), [(2.6, 1.5), (8.4, 3.8), (14.9, 3.9)])
def test_a_discretised_interval_sums_to_one_and_keeps_its_mean(family, mean, sd):
    weights = discretise(mean, sd, family=family)
    assert weights[0] == 0
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert mean_interval(weights) == pytest.approx(mean, abs=1e-4)


def test_a_discretised_interval_is_what_two_moments_within_their_days_give():
    rng = np.random.default_rng(1)
    shape, scale = parameters(3.4, 2.0, "gamma")
    days = np.floor(rng.random(400_000) + 1 + rng.gamma(shape, scale, 400_000)).astype(int)
    drawn = np.bincount(days, minlength=12)[:12] / days.size
    assert discretise(4.4, 2.0, longest=11) == pytest.approx(drawn, abs=0.003)


def test_the_parameters_give_the_mean_and_the_sd_back():
    for mean, sd in ((5.0, 1.0), (5.0, 5.0), (2.0, 7.0)):
        gamma, log, weibull = (parameters(mean, sd, family) for family in ("gamma", "lognormal", "weibull"))
        assert (gamma[0] * gamma[1], np.sqrt(gamma[0]) * gamma[1]) == pytest.approx((mean, sd))
        assert stats.lognorm.stats(log[1], scale=np.exp(log[0])) == pytest.approx((mean, sd**2))
        assert stats.weibull_min.stats(weibull[0], scale=weibull[1]) == pytest.approx((mean, sd**2), rel=1e-6)


def test_with_a_longest_lag_the_rest_is_left_out_and_nothing_is_rescaled():
    assert discretise(14.9, 3.9, longest=20) == pytest.approx(discretise(14.9, 3.9)[:21], abs=1e-11)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([0.1, 0.9], "0.1 at lag 0"),
        ([0, 0.5, 0.4], "sums to 0.9000"),
        ([0, -0.1, 1.1], "-0.1 at lag 1"),
        ([0, np.nan, 1], "no number at lag 1"),
        ([1.0], "at least two"),
    ],
)
def test_a_wrong_interval_is_refused_by_its_rule(weights, words):
    with pytest.raises(ValueError, match=words):
        check_interval(weights)


@pytest.mark.parametrize(
    ("mean", "sd", "words"),
    [(1.0, 1, "above 1"), (4, 0, "above 0"), (np.nan, 1, "nan"), (4, -1, "-1"), (2_000, 5, "beyond 1,000 days")],
)
def test_an_interval_that_cannot_be_is_refused(mean, sd, words):
    with pytest.raises(ValueError, match=words):
        discretise(mean, sd)


def test_an_uncertain_interval_draws_pairs_within_their_ranges():
    uncertain = UncertainInterval(8.4, 1.0, (6.0, 11.0), 3.8, 0.5, (2.5, 5.0), draws=300)
    weights = uncertain.weights(seed=3)
    means = weights @ np.arange(weights.shape[1])
    assert weights.shape[0] == 300
    assert (means > 5.99).all()
    assert (means < 11.01).all()
    assert means.mean() == pytest.approx(8.4, abs=0.2)
    assert means.std() == pytest.approx(1.0, abs=0.15)
    assert (weights == uncertain.weights(seed=3)).all()
    assert not np.array_equal(weights, uncertain.weights(seed=4))


def test_an_uncertain_interval_refuses_ranges_that_do_not_hold():
    with pytest.raises(ValueError, match="range is 9 to 11"):
        UncertainInterval(8.4, 1.0, (9.0, 11.0), 3.8, 0.5, (2.5, 5.0))
    with pytest.raises(ValueError, match="every sd"):
        UncertainInterval(2.0, 1.0, (1.5, 3.0), 5.0, 0.5, (4.0, 6.0))
    with pytest.raises(ValueError, match="above 1 day"):
        UncertainInterval(2.0, 1.0, (0.5, 3.0), 1.0, 0.5, (0.5, 2.0))
