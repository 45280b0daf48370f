"""R of small areas that lend each other strength."""

import numpy as np
import pytest

from epipolis.engines.epidemic import discretise, estimate_r, pool_r
from tests.engines.epidemic.outbreaks import grown, over_windows

INTERVAL = discretise(5.0, 2.5)


def outbreaks(seed, *, areas=40, spread=0.2, drifting=False):
    """Small areas that share a wave, each with a factor of its own, constant or changing; three cases a day at first."""
    rng = np.random.default_rng(seed)
    days = np.arange(70)
    own = rng.gamma(1 / spread**2, spread**2, (areas, 1))
    if drifting:
        own = 1 + spread * np.sqrt(2) * np.sin(days / 9 + rng.uniform(0, 2 * np.pi, (areas, 1)))
    truth = (1 + 0.3 * np.sin(days / 9)) * own
    return grown(rng, truth, INTERVAL, first=3), truth


@pytest.mark.parametrize("drifting", [False, True])
@pytest.mark.parametrize("spread", [0.05, 0.2])
def test_pooled_answers_are_nearer_the_truth_than_unpooled_ones_and_their_intervals_hold(spread, drifting):
    misses, inside = [], []
    for seed in range(4):
        counts, truth = outbreaks(seed, spread=spread, drifting=drifting)
        pooled, alone = pool_r(counts, INTERVAL), estimate_r(counts, INTERVAL, prior=(1.0, 1.0))
        late = pooled.starts >= 20
        right = over_windows(truth, pooled.starts, pooled.ends)[:, late]
        misses.append([((one.mean[:, late] - right) ** 2).mean() for one in (pooled, alone)])
        low, high = np.moveaxis(pooled.quantiles([0.025, 0.975])[:, late], -1, 0)
        inside.append(((low <= right) & (right <= high)).mean())
    ours, theirs = np.mean(misses, axis=0)
    assert ours < 0.5 * theirs
    assert 0.90 < np.mean(inside) <= 1


def test_an_area_with_many_cases_keeps_its_own_r():
    rng = np.random.default_rng(1)
    counts = grown(rng, np.concatenate([np.full((1, 50), 1.4), np.full((30, 50), 0.9)]), INTERVAL, first=200)
    pooled, alone = pool_r(counts, INTERVAL), estimate_r(counts, INTERVAL)
    assert pooled.mean[0, -1] == pytest.approx(alone.mean[0, -1], rel=0.03)


def test_an_area_without_any_case_is_given_the_common_r_and_marked():
    counts, _ = outbreaks(1)
    counts = np.concatenate([counts, np.zeros((1, 70))])
    pooled = pool_r(counts, INTERVAL)
    assert pooled.mean[-1, 30:] == pytest.approx(np.median(pooled.mean[:-1, 30:], axis=0), abs=0.35)
    assert set(pooled.table().column("marked").to_pylist()[-30:]) == {"no data, only the prior"}


def test_areas_that_are_all_alike_are_nearly_one():
    rng = np.random.default_rng(2)
    counts = grown(rng, np.full((40, 50), 1.1), INTERVAL, first=4)
    pooled = pool_r(counts, INTERVAL)
    together = estimate_r(counts.sum(axis=0), INTERVAL)
    assert pooled.mean[:, -1].std() < 0.06
    assert pooled.mean[:, -1].mean() == pytest.approx(together.mean[0, -1], abs=0.06)


def test_one_area_alone_gives_a_finite_answer():
    single = pool_r(grown(np.random.default_rng(3), np.full((1, 40), 1.2), INTERVAL)[0], INTERVAL)
    assert np.isfinite(single.quantiles([0.025, 0.975])).all()
    assert single.mean[0, -1] == pytest.approx(1.2, abs=0.2)
    nothing = pool_r(np.zeros(40), INTERVAL)
    assert (nothing.mean == 1).all()


def test_zeros_gaps_and_any_windows_never_give_nan():
    counts, _ = outbreaks(4, areas=6)
    counts[0], counts[1, 10:30], counts[2] = 0, np.nan, np.nan
    for windows in (7, ([1, 30, 5], [60, 33, 9])):
        pooled = pool_r(counts, INTERVAL, windows=windows)
        assert np.isfinite(pooled.quantiles([0.025, 0.5, 0.975])).all()
        assert (pooled.shape > 0).all()


def test_a_negative_count_is_refused_by_area_and_day():
    counts = np.full((2, 20), 3.0)
    counts[0, 2] = -1
    with pytest.raises(ValueError, match="area 1, day 3"):
        pool_r(counts, INTERVAL)
    assert np.isfinite(pool_r(counts, INTERVAL, negative="missing").mean).all()
