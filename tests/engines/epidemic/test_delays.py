"""Delays from pairs of events known to the day, while the outbreak runs."""

import numpy as np
import pytest

from epipolis.engines.epidemic import estimate_delay, estimate_serial_interval
from epipolis.engines.epidemic.intervals import mean_interval, parameters
from tests.engines.epidemic.outbreaks import numbers, rows_of


def pairs(rng, family, mean, sd, *, count=1_500, closed=30, growth=0.1):
    """Whole days between two events in a growing outbreak, and the days left until the data were closed; only those seen."""
    first = closed + np.log(rng.random(count)) / growth
    first = first[first > 0]
    a, b = parameters(mean, sd, family)
    delay = {
        "gamma": lambda: rng.gamma(a, b, first.size),
        "lognormal": lambda: rng.lognormal(a, b, first.size),
        "weibull": lambda: b * rng.weibull(a, first.size),
    }[family]()
    day, second = np.floor(first), np.floor(first + delay)
    seen = second < closed
    return (second - day)[seen], (closed - day)[seen]


@pytest.mark.parametrize(("family", "mean", "sd"), [("gamma", 5, 3), ("lognormal", 6, 4), ("weibull", 4, 2)])
def test_known_delays_are_recovered_under_censoring_and_truncation(family, mean, sd):
    rng = np.random.default_rng(1)
    found, naive, inside = [], [], []
    for _ in range(25):
        days, left = pairs(rng, family, mean, sd)
        delay = estimate_delay(days, truncated_at=left, family=family)
        found.append((delay.mean, delay.sd))
        naive.append(days.mean())
        inside += [delay.mean_interval[0] <= mean <= delay.mean_interval[1], delay.sd_interval[0] <= sd <= delay.sd_interval[1]]
    assert np.mean(found, axis=0) == pytest.approx((mean, sd), rel=0.07)
    assert np.mean(naive) < 0.92 * mean
    assert np.mean(inside) > 0.85


def test_the_family_is_chosen_by_aic():
    rng = np.random.default_rng(2)
    days = np.floor(rng.random(2_000) + rng.lognormal(1.5, 0.7, 2_000))
    delay = estimate_delay(days)
    assert delay.family == "lognormal"
    assert set(delay.aic) == {"gamma", "lognormal", "weibull"}
    assert min(delay.aic, key=delay.aic.get) == "lognormal"


def test_windows_of_several_days_are_taken_as_such():
    rng = np.random.default_rng(3)
    exposure = rng.integers(1, 6, 800).astype(float)
    onset = np.floor(rng.random(800) * exposure + rng.gamma(4, 1.3, 800))
    delay = estimate_delay(onset, onset + 1, first_window=exposure, family="gamma")
    assert delay.mean_interval[0] < 5.2 < delay.mean_interval[1]
    assert delay.mean == pytest.approx(5.2, abs=0.35)


def test_counts_are_the_same_as_repeated_rows():
    once = estimate_delay([1, 2, 5], counts=[4, 3, 2], family="gamma")
    rows = estimate_delay([1] * 4 + [2] * 3 + [5] * 2, family="gamma")
    assert (once.mean, once.sd, once.pairs) == pytest.approx((rows.mean, rows.sd, rows.pairs), rel=1e-4)


def test_the_school_outbreak_of_flu_has_the_serial_interval_of_its_sixteen_pairs(shared_data):
    rows = rows_of(shared_data / "rt_reference" / "flu2009_si_data.csv")
    delay = estimate_delay(numbers(rows, "SL") - numbers(rows, "EL"), numbers(rows, "SR") - numbers(rows, "EL"))
    assert delay.pairs == 16
    assert delay.mean_interval[0] < 3.9 < delay.mean_interval[1]
    assert delay.as_serial_interval()[0] == 0


def test_hong_kongs_pairs_have_the_published_serial_interval(shared_data):
    rows = rows_of(shared_data / "contact_tracing_hongkong" / "transmission_pairs.csv")
    interval = estimate_serial_interval(numbers(rows, "onset_diff"))
    # Adam et al. 2020 (Nature Medicine 26:1714): 5.6 days, sd 4.3; the file has some pairs more.
    assert interval.mean == pytest.approx(5.6, abs=0.4)
    assert interval.sd == pytest.approx(4.3, abs=0.3)
    assert interval.pairs == 142
    assert interval.shift < -1
    weights = interval.as_serial_interval()
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == 0


def test_mers_pairs_of_korea_give_their_serial_interval(shared_data):
    rows = rows_of(shared_data / "linelists" / "mers_korea_2015_contacts.csv")
    interval = estimate_serial_interval(numbers(rows, "diff_dt_onset"))
    assert interval.mean == pytest.approx(14.5, abs=0.1)
    assert interval.sd == pytest.approx(5.2, abs=0.2)


def test_measles_pairs_of_hagelloch_give_about_eleven_days(shared_data):
    rows = rows_of(shared_data / "linelists" / "measles_hagelloch_1861.csv")
    onset = {row["case_ID"]: np.datetime64(row["date_of_prodrome"]) for row in rows}
    days = [(onset[row["case_ID"]] - onset[row["infector"]]).astype(int) for row in rows if row["infector"] in onset]
    interval = estimate_serial_interval(days)
    assert interval.pairs > 150
    assert interval.mean == pytest.approx(np.mean(days), abs=0.3)
    assert 9 < interval.mean < 13


def test_a_serial_interval_with_negative_days_is_recovered():
    rng = np.random.default_rng(4)
    days = np.floor(rng.normal(3.0, 4.0, 2_000) + rng.random(2_000))
    interval = estimate_serial_interval(days)
    assert interval.family == "normal"
    assert (interval.mean, interval.sd) == pytest.approx((3.0, 4.0), abs=0.25)


def test_a_discretised_delay_keeps_its_mean_and_sums_to_one():
    delay = estimate_delay(np.floor(np.random.default_rng(5).gamma(4, 1.5, 500) + 0.5))
    weights = delay.discretised()
    assert weights.sum() == pytest.approx(1)
    assert mean_interval(weights) == pytest.approx(delay.mean, abs=0.02)
    assert delay.share_below([delay.mean])[0] == pytest.approx(0.57, abs=0.05)
    assert delay.interval == delay.mean_interval


def test_few_pairs_or_pairs_all_alike_are_marked():
    assert "only 3 pairs" in estimate_delay([2, 3, 9]).marked
    alike = estimate_delay([4, 4, 4, 4])
    assert np.isfinite(alike.mean)
    assert alike.mean == pytest.approx(4, abs=0.6)
    assert alike.marked


@pytest.mark.parametrize(
    ("given", "about", "words"),
    [
        (([],), {}, "no pairs"),
        (([3, np.nan],), {}, "row 2"),
        (([3, 4], [4, 4]), {}, r"row 2 \(4 to 4 days\) has a second event whose window"),
        (([3, -4],), {}, "row 2 .* before the first"),
        (([3, 9],), {"truncated_at": 8}, "row 2 .* after the end of the data"),
        (([3, 9],), {"first_window": [1, 0]}, "row 2 .* not longer than 0"),
        (([3, 9],), {"counts": [0, 0]}, "counts"),
        (([3, 9], [4]), {}, "2 windows begin, but 1 end"),
        (([3, 9],), {"family": "cauchy"}, "no family 'cauchy'"),
    ],
)
def test_pairs_that_break_a_rule_are_refused_by_row(given, about, words):
    with pytest.raises(ValueError, match=words):
        estimate_delay(*given, **about)


def test_a_serial_interval_needs_a_pair_with_both_onsets():
    with pytest.raises(ValueError, match="both onsets"):
        estimate_serial_interval([np.nan, np.nan])
