"""R by Cori's method, against EpiEstim's own outputs and against outbreaks whose R is known."""

from datetime import date, timedelta

import numpy as np
import pytest

from epipolis.engines.epidemic import UncertainInterval, discretise, estimate_r
from epipolis.engines.epidemic.reproduction import EARLY, FEW, GAPS, NO_DATA, SOURCELESS
from tests.engines.epidemic.outbreaks import grown, numbers, over_windows, rows_of

INTERVAL = discretise(5.0, 2.5)
SERIES = {
    "flu2009_pennsylvania_school": (2.6, 1.5),
    "measles1861_hagelloch": (14.9, 3.9),
    "sars2003_hongkong": (8.4, 3.8),
    "covid_switzerland_2020": (4.46, 2.63),
}
COLUMNS = ("mean", "sd", "q025", "q05", "q25", "median", "q75", "q95", "q975")


@pytest.mark.parametrize("name", SERIES)
def test_every_mean_sd_and_quantile_equals_epiestims(shared_data, name):
    folder = shared_data / "rt_reference"
    incidence = numbers(rows_of(folder / f"{name}_incidence.csv"), "I")
    reference = rows_of(folder / f"{name}_epiestim_R.csv")
    methods = {row["method"] for row in reference}
    assert methods >= {"parametric_si"}
    for method in methods:
        rows = [row for row in reference if row["method"] == method]
        interval = discretise(*SERIES[name], longest=incidence.size - 1)
        if method == "non_parametric_si":
            interval = numbers(rows_of(folder / f"{name}_serial_interval.csv"), "probability")
        windows = numbers(rows, "t_start").astype(int) - 1, numbers(rows, "t_end").astype(int) - 1
        ours = estimate_r(incidence, interval, windows=windows)
        quantiles = ours.quantiles([0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975])[0]
        found = np.column_stack([ours.mean[0], ours.sd[0], quantiles])
        theirs = np.column_stack([numbers(rows, column) for column in COLUMNS])
        known = ~np.isnan(theirs[:, 0])
        assert known.sum() >= 25
        assert found[known] == pytest.approx(theirs[known], rel=1e-10, abs=1e-11)
        # Where EpiEstim has no number, we have a marked one.
        assert (((ours.marks[0] & EARLY) > 0) == ~known).all()


def test_a_small_series_gives_what_is_reckoned_by_hand():
    found = estimate_r([10, 20, 30], [0, 0.5, 0.5], windows=([1], [2]))
    # Infectiousness 10/2 on the second day and 20/2 + 10/2 on the third; 50 cases; the prior is a gamma (1, 5).
    assert found.shape[0, 0] == 1 + 50
    assert found.scale[0, 0] == pytest.approx(1 / (1 / 5 + 5 + 15))
    assert found.sd[0, 0] == pytest.approx(np.sqrt(51) / 20.2)


def test_intervals_contain_the_true_r_as_often_as_they_say():
    rng = np.random.default_rng(5)
    truth = np.tile(1 + 0.35 * np.sin(np.arange(70) / 8), (300, 1))
    estimate = estimate_r(grown(rng, truth, INTERVAL), INTERVAL, windows=3)
    late = estimate.starts >= 12
    expected = over_windows(truth, estimate.starts, estimate.ends)[:, late]
    values = estimate.quantiles([0.025, 0.25, 0.75, 0.975])[:, late]
    assert np.mean((values[..., 0] <= expected) & (expected <= values[..., 3])) == pytest.approx(0.95, abs=0.015)
    assert np.mean((values[..., 1] <= expected) & (expected <= values[..., 2])) == pytest.approx(0.50, abs=0.03)


def test_many_areas_at_once_are_each_as_alone():
    counts = np.random.default_rng(1).poisson(4, (10_000, 30)).astype(float)
    counts[17], counts[18, 5:9] = 0, np.nan
    together = estimate_r(counts, INTERVAL)
    assert together.mean.shape == (10_000, 23)
    assert np.isfinite(together.quantiles([0.025, 0.975])).all()
    for area in (0, 17, 18, 9_999):
        alone = estimate_r(counts[area], INTERVAL)
        assert (together.mean[area] == alone.mean[0]).all()
        assert (together.marks[area] == alone.marks[0]).all()


def test_windows_of_any_length_are_those_of_single_estimates():
    counts = np.random.default_rng(2).poisson(9, 40).astype(float)
    some = estimate_r(counts, INTERVAL, windows=([1, 10, 20], [30, 10, 39]))
    assert some.shape[0].tolist() == [1 + counts[1:31].sum(), 1 + counts[10], 1 + counts[20:].sum()]
    assert some.mean[0, 1] == pytest.approx(estimate_r(counts, INTERVAL, windows=1).mean[0, 9])


def test_imported_cases_infect_but_are_not_infected_here():
    rng = np.random.default_rng(3)
    local = grown(rng, np.full((1, 120), 0.5), INTERVAL, first=60)[0]
    imported = rng.poisson(40, 120).astype(float)
    total = local + imported
    for day in range(10, 120):  # the imported ones infect half a person each as well
        lags = np.arange(1, min(INTERVAL.size, day + 1))
        total[day] = imported[day] + rng.poisson(0.5 * (total[day - lags] @ INTERVAL[lags]))
    blind, told = estimate_r(total, INTERVAL), estimate_r(total, INTERVAL, imported=imported)
    assert told.mean[0, 40:].mean() == pytest.approx(0.5, abs=0.03)
    assert blind.mean[0, 40:].mean() > 0.9


def test_an_uncertain_interval_gives_wider_answers_around_the_same_middle():
    counts = grown(np.random.default_rng(4), np.full((1, 60), 1.4), INTERVAL)
    sure = estimate_r(counts, INTERVAL)
    unsure = estimate_r(counts, UncertainInterval(5.0, 1.0, (3.0, 7.0), 2.5, 0.5, (1.5, 3.5), draws=150), seed=2)
    assert unsure.mean[0, 30:] == pytest.approx(sure.mean[0, 30:], rel=0.1)
    assert (unsure.sd[0, 30:] > 1.3 * sure.sd[0, 30:]).all()
    low, high = np.moveaxis(unsure.quantiles([0.025, 0.975])[0], -1, 0)
    assert (low < unsure.mean[0]).all()
    assert (high > unsure.mean[0]).all()
    certain = estimate_r(counts, UncertainInterval(5.0, 0.0, (3.0, 7.0), 2.5, 0.0, (1.5, 3.5), draws=3))
    assert certain.quantiles([0.1, 0.9]) == pytest.approx(sure.quantiles([0.1, 0.9]), rel=1e-9)


def test_draws_of_the_interval_may_be_given_as_rows():
    counts = grown(np.random.default_rng(4), np.full((1, 40), 1.2), INTERVAL)
    other = discretise(6.0, 2.5, longest=INTERVAL.size - 1)
    pair = estimate_r(counts, np.stack([INTERVAL, other]))
    singles = [estimate_r(counts, each).mean for each in (INTERVAL, other)]
    assert pair.mean == pytest.approx(np.mean(singles, axis=0), rel=1e-12)


def test_days_without_a_value_are_left_out_and_marked():
    counts = grown(np.random.default_rng(6), np.full((1, 80), 1.05), INTERVAL, first=300)
    gaps = counts.copy()
    gaps[0, [30, 44, 45, 46]] = np.nan
    whole, holed = estimate_r(counts, INTERVAL), estimate_r(gaps, INTERVAL)
    assert np.isfinite(holed.mean).all()
    assert np.abs(holed.mean / whole.mean - 1).max() < 0.08
    assert ((holed.marks[0] & GAPS) > 0).sum() == 7 + 9
    assert not (holed.marks[0, :20] & GAPS).any()
    gaps[0, 40:60] = np.nan
    nothing = estimate_r(gaps, INTERVAL)
    blank = (nothing.starts >= 40) & (nothing.ends < 60)
    assert (nothing.mean[0, blank] == 5).all()
    assert ((nothing.marks[0, blank] & NO_DATA) > 0).all()


def test_a_series_of_zeros_answers_with_the_prior_and_says_so():
    zero = estimate_r(np.zeros(30), INTERVAL)
    assert (zero.mean == 5).all()
    assert set(zero.table().column("marked").to_pylist()) == {"no data, only the prior"}


def test_one_single_case_is_marked_everywhere():
    counts = np.zeros(40)
    counts[12] = 1
    one = estimate_r(counts, INTERVAL)
    assert np.isfinite(one.quantiles([0.025, 0.975])).all()
    assert ((one.marks & (FEW | NO_DATA)) > 0).all()
    before = (one.starts <= 12) & (one.ends == 12)
    assert ((one.marks[0, before] & SOURCELESS) > 0).all()
    assert all(one.table().column("marked").to_pylist())


def test_eleven_cases_are_enough_and_ten_are_few():
    counts = np.ones(60)
    few = estimate_r(counts, INTERVAL, windows=([30, 30], [39, 40]))
    assert few.cases.tolist() == [[10, 11]]
    assert ((few.marks[0] & FEW) > 0).tolist() == [True, False]


def test_an_interval_longer_than_the_series_is_cut_and_a_shorter_one_goes_on():
    counts = np.full(12, 50.0)
    long = estimate_r(counts, discretise(14.9, 3.9))
    assert ((long.marks & EARLY) > 0).all()
    short = estimate_r(np.full(60, 50.0), [0.0, 1.0])
    assert short.mean[0, -1] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"windows": 40}, "a window has 40 days, but the series has 40"),
        ({"windows": 0}, "at least 1"),
        ({"windows": ([0], [6])}, "window 1 is day 0 to 6"),
        ({"windows": ([3, 30], [9, 40])}, "window 2 is day 30 to 40"),
        ({"windows": ([9], [3])}, "begins on day 9, but ends on day 3"),
        ({"windows": ([1, 2], [9])}, "2 windows begin, but 1 end"),
        ({"prior": (0.0, 5.0)}, "prior has mean 0"),
        ({"imported": np.full(40, 9.0)}, "more cases are imported"),
        ({"imported": np.full(40, -1.0)}, "cannot be negative"),
        ({"imported": np.zeros(39)}, r"imported cases are \(1, 39\)"),
        ({"areas": ["a", "b"]}, "2 names of areas for 1 rows"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(about, words):
    with pytest.raises(ValueError, match=words):
        estimate_r(np.full(40, 3.0), INTERVAL, **about)


def test_a_negative_count_is_refused_with_its_area_and_day():
    counts = np.full((2, 20), 3.0)
    counts[1, 4] = -2
    days = [date(2020, 3, 1) + timedelta(days=number) for number in range(20)]
    with pytest.raises(ValueError, match="area south, 2020-03-05: -2, but a count cannot be negative"):
        estimate_r(counts, INTERVAL, areas=["north", "south"], days=days)
    counts[1, 4] = np.inf
    with pytest.raises(ValueError, match="area 2, day 5: inf"):
        estimate_r(counts, INTERVAL)


def test_bad_counts_can_be_marked_so_that_one_area_stops_no_other():
    counts = np.random.default_rng(8).poisson(30, (3, 40)).astype(float)
    imported = np.zeros((3, 40))
    right = estimate_r(counts, INTERVAL, imported=imported)
    counts[1, 20], counts[2, 5], imported[2, 30] = -4, np.inf, 1e6
    found = estimate_r(counts, INTERVAL, imported=imported, negative="missing")
    assert (found.mean[0] == right.mean[0]).all()
    assert np.isfinite(found.mean).all()
    assert ((found.marks & GAPS) > 0).sum(axis=1).tolist() == [0, 7, 12]
    with pytest.raises(ValueError, match="not 'zero'"):
        estimate_r(counts, INTERVAL, negative="zero")


def test_the_chance_that_r_is_above_one_is_the_share_of_its_quantiles_above_one():
    counts = grown(np.random.default_rng(4), np.full((1, 40), 1.05), INTERVAL)
    levels = np.arange(1, 200) / 200
    for interval in (INTERVAL, UncertainInterval(5.0, 1.0, (3.0, 7.0), 2.5, 0.5, (1.5, 3.5), draws=20)):
        found = estimate_r(counts, interval)
        assert found.chance_above(1.0) == pytest.approx((found.quantiles(levels) > 1).mean(axis=-1), abs=0.006)


@pytest.mark.parametrize(("swap", "words"), [((3, 2), "twice"), ((3, 1), "out of order"), ((3, 9), "left out")])
def test_days_out_of_order_doubled_or_left_out_are_refused(swap, words):
    days = [date(2020, 3, 1) + timedelta(days=number) for number in range(20)]
    days[swap[0]] = date(2020, 3, 1) + timedelta(days=swap[1])
    with pytest.raises(ValueError, match=words):
        estimate_r(np.full(20, 3.0), INTERVAL, days=days)


def test_the_table_has_a_row_for_each_area_and_window():
    days = [date(2020, 3, 1) + timedelta(days=number) for number in range(20)]
    table = estimate_r(np.full((2, 20), 30.0), INTERVAL, days=days, areas=["north", "south"]).table([0.05, 0.5])
    assert table.column_names == ["area", "first_day", "day", "cases", "mean", "sd", "q5", "q50", "marked"]
    assert table.num_rows == 2 * 13
    last = table.to_pylist()[-1]
    assert (last["area"], last["first_day"], last["day"], last["cases"]) == ("south", date(2020, 3, 14), date(2020, 3, 20), 210)
    assert last["marked"] is None
    numbered = estimate_r(np.full(20, 30.0), INTERVAL).table()
    assert numbered.column("day").to_pylist()[0] == 8


def test_r_of_the_robert_koch_institute_for_germany_is_found_again(shared_data):
    rows = rows_of(shared_data / "germany_nowcast_r" / "rki_nowcast_r_final.csv")
    theirs, onsets = numbers(rows, "r7"), numbers(rows, "onset_cases_nowcast")
    # Their R divides the onsets of seven days by those of the same days four days earlier, under the last day but one.
    ours = estimate_r(onsets, [0, 0, 0, 0, 1.0])
    later = ours.ends >= 12
    gap = ours.mean[0, later] - theirs[ours.ends[later] - 1]
    assert np.isfinite(gap).sum() > 600
    assert np.nanmax(np.abs(gap)) < 0.006  # theirs is rounded to two digits
    spread = estimate_r(onsets, discretise(4.0, 1.5))
    assert np.nanmean(np.abs(spread.mean[0, later] - theirs[spread.ends[later] - 1])) < 0.02


def test_reports_of_cut_off_snapshots_give_finite_rs(shared_data):
    rows = rows_of(shared_data / "truncation_epinow2" / "example_truncated_snapshots.csv")
    last = {}
    for snapshot in sorted({row["snapshot"] for row in rows}):
        counts = numbers([row for row in rows if row["snapshot"] == snapshot], "confirm")
        estimate = estimate_r(counts, discretise(4.7, 2.9))
        assert np.isfinite(estimate.mean).all()
        last[snapshot] = estimate.mean[0, -1]
    assert len(last) == 5
