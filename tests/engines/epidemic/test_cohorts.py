"""R by cohort: Wallinga and Teunis."""

import numpy as np
import pytest

from epipolis.engines.epidemic import cohort_r, discretise
from tests.engines.epidemic.outbreaks import grown, numbers, over_windows, rows_of

INTERVAL = discretise(5.0, 2.5)


@pytest.mark.parametrize("name", ["flu2009_pennsylvania_school", "measles1861_hagelloch", "sars2003_hongkong"])
def test_every_mean_equals_epiestims_and_the_spread_is_that_of_its_simulations(shared_data, name):
    folder = shared_data / "rt_reference"
    rows = rows_of(folder / f"{name}_wallinga_teunis_R.csv")
    interval = numbers(rows_of(folder / f"{name}_serial_interval.csv"), "probability")
    windows = numbers(rows, "t_start").astype(int) - 1, numbers(rows, "t_end").astype(int) - 1
    ours = cohort_r(numbers(rows_of(folder / f"{name}_incidence.csv"), "I"), interval, windows=windows, draws=400, seed=1)
    assert ours.mean[0] == pytest.approx(numbers(rows, "mean"), rel=1e-10, abs=1e-11)
    spread = numbers(rows, "sd")
    wide = spread > 0.05
    assert (ours.sd[0][wide] / spread[wide]).mean() == pytest.approx(1, abs=0.1)


def test_cohorts_far_from_the_end_have_the_r_with_which_they_infected():
    truth = np.tile(np.where(np.arange(90) < 45, 1.5, 0.8), (1, 1))
    counts = grown(np.random.default_rng(1), truth, INTERVAL, first=300)
    cohort = cohort_r(counts, INTERVAL)
    middle = (cohort.starts > 14) & (cohort.ends < 30)
    assert cohort.mean[0, middle] == pytest.approx(over_windows(truth, cohort.starts, cohort.ends)[0, middle], abs=0.12)
    assert (cohort.complete[0, middle] == 1).all()


def test_the_last_cohorts_are_marked_as_not_yet_complete():
    table = cohort_r(np.full(50, 20.0), INTERVAL).table()
    complete, marked = table.column("complete").to_numpy(), table.column("marked").to_pylist()
    assert (np.diff(complete) <= 1e-12).all()
    assert marked[0] is None
    assert marked[-1] == "cases they infect are still to come"
    assert complete[-1] < 0.5


def test_windows_without_cases_have_no_r_and_say_so():
    counts = np.zeros(40)
    counts[3] = 1
    cohort = cohort_r(counts, INTERVAL, draws=5)
    assert np.isfinite(cohort.mean).all()
    assert np.isfinite(cohort.quantiles([0.1, 0.9])).all()
    assert set(cohort.table().column("marked").to_pylist()[5:]) == {"no cases"}


def test_missing_days_are_marked():
    counts = np.full(40, 20.0)
    counts[20] = np.nan
    cohort = cohort_r(counts, INTERVAL)
    assert cohort.gaps[0].sum() == 7
    assert np.isfinite(cohort.mean).all()


def test_the_same_seed_draws_the_same_chains():
    first, again, other = (cohort_r(np.full(30, 6.0), INTERVAL, draws=9, seed=seed).draws for seed in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).all()


def test_quantiles_need_draws():
    with pytest.raises(ValueError, match="no chains"):
        cohort_r(np.full(30, 6.0), INTERVAL).quantiles([0.5])
    with pytest.raises(ValueError, match="draws is -1"):
        cohort_r(np.full(30, 6.0), INTERVAL, draws=-1)
