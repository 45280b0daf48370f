"""From counts back to the day of infection."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.epidemic import deconvolve, discretise, estimate_r, shift_to_infection
from tests.engines.epidemic.outbreaks import grown

INTERVAL, DELAY = discretise(5.0, 2.5), discretise(8.0, 3.5, shift=0.0)


def reported(rng, infections):
    counts = np.zeros(infections.size)
    for day, number in enumerate(infections):
        for lag, some in enumerate(rng.multinomial(int(number), DELAY / DELAY.sum())):
            if day + lag < counts.size:
                counts[day + lag] += some
    return counts


@pytest.fixture(scope="module")
def outbreak():
    rng = np.random.default_rng(2)
    truth = np.where(np.arange(150) < 60, 1.5, np.where(np.arange(150) < 100, 0.7, 1.25))
    infections = grown(rng, truth, INTERVAL)[0]
    return infections, reported(rng, infections)


def test_reports_brought_back_give_the_r_of_the_infections(outbreak):
    infections, reports = outbreak
    back, complete = deconvolve(reports, DELAY)
    known = np.flatnonzero(np.isfinite(back[0]))
    assert known.tolist() == np.flatnonzero(complete >= 0.5).tolist()
    right = estimate_r(infections, INTERVAL).mean[0]
    found = estimate_r(back, INTERVAL)
    whole = (found.starts >= 20) & (found.ends <= known[-1])
    as_reported = estimate_r(reports, INTERVAL).mean[0]
    ours, uncorrected = (np.abs(one - right)[whole].mean() for one in (found.mean[0], as_reported))
    assert ours < 0.04
    assert ours < 0.4 * uncorrected
    assert np.abs(back[0, 20:140] / infections[20:140] - 1).mean() < 0.12


def test_what_is_still_to_be_reported_is_made_up_for_and_marked(outbreak):
    infections, reports = outbreak
    days = [date(2020, 3, 1) + timedelta(days=number) for number in range(150)]
    series = pa.table({"area": ["x"] * 150, "day": pa.array(days, pa.date32()), "value": reports})
    table = shift_to_infection(series, DELAY)
    assert table.column_names == ["area", "day", "value", "complete", "marked"]
    marked = table.column("marked").to_pylist()
    assert marked[100] is None
    assert marked[140] == "partly still to be reported"
    assert marked[149] == "too few of them are reported yet"
    assert table.column("value").to_pylist()[149] is None
    assert table.column("value").to_pylist()[138] == pytest.approx(infections[138], rel=0.2)
    assert np.nansum(table.column("value").to_numpy()[:130]) == pytest.approx(infections[:130].sum(), rel=0.05)


def test_zeros_stay_zero_and_gaps_are_bridged():
    counts = np.stack([np.zeros(60), np.full(60, 40.0)])
    counts[1, 30:32] = np.nan
    back, _ = deconvolve(counts, DELAY)
    assert np.nansum(back[0]) == 0
    assert np.isfinite(back[:, :50]).all()
    assert back[1, 10:45] == pytest.approx(np.full(35, 40.0), rel=0.1)


@pytest.mark.parametrize(("delay", "words"), [([0.5, 0.4], "sums to 0.9"), ([1.5, -0.5], "negative"), ([], "list")])
def test_a_delay_that_is_no_distribution_is_refused(delay, words):
    with pytest.raises(ValueError, match=words):
        deconvolve(np.ones(20), delay)


def test_a_series_with_a_day_twice_or_a_negative_count_is_refused_with_its_place():
    day = [date(2020, 3, 1), date(2020, 3, 2), date(2020, 3, 2)]
    with pytest.raises(ValueError, match="row 3: area x has 2020-03-02 twice"):
        shift_to_infection(pa.table({"area": ["x"] * 3, "day": pa.array(day, pa.date32()), "value": [1.0, 2, 3]}), DELAY)
    other = pa.table({"area": ["x", "y"], "day": pa.array(day[:2], pa.date32()), "value": [1.0, -2]})
    with pytest.raises(ValueError, match="area y, 2020-03-02: -2"):
        shift_to_infection(other, DELAY)
