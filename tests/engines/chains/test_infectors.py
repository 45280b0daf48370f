import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epipolis.engines.chains import Lags, infectors, likeliest
from epipolis.engines.epidemic import cohort_r, discretise

LAGS = Lags(np.array([0.0, 0.2, 0.5, 0.3]))


def pairs_of(*rows):
    infectee, infector, strength = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {"infectee": pa.array(infectee, pa.int64()), "infector": pa.array(infector, pa.int64()), "strength": strength}
    )


def test_of_two_the_one_whose_days_fit_better_is_the_likelier():
    links = infectors([0.0, 1.0, 3.0], pairs_of((2, 0, 1.0), (2, 1, 1.0)), LAGS, unseen=0)
    assert links["infector"].to_pylist() == [1, 0]
    assert links["probability"].to_pylist() == pytest.approx([0.5 / 0.8, 0.3 / 0.8])
    assert links["days"].to_pylist() == [2.0, 3.0]


def test_the_stronger_meeting_weighs_more():
    links = infectors([0.0, 0.0, 2.0], pairs_of((2, 0, 3.0), (2, 1, 1.0)), LAGS, unseen=0)
    assert links["probability"].to_pylist() == pytest.approx([0.75, 0.25])


def test_a_source_that_nobody_saw_takes_its_share():
    links = infectors([0.0, 2.0], pairs_of((1, 0, 1.0)), LAGS, unseen=1.0)
    unseen = float((LAGS.weights**2).sum())
    assert links["probability"].to_pylist() == pytest.approx([0.5 / (0.5 + unseen)])


def test_who_fell_ill_too_late_is_no_infector():
    assert infectors([5.0, 2.0], pairs_of((1, 0, 1.0)), LAGS).num_rows == 0


def test_an_unknown_onset_leaves_the_pair_possible_and_marked():
    links = infectors([np.nan, 2.0], pairs_of((1, 0, 1.0)), LAGS)
    assert links["days"].to_pylist() == [None]
    assert 0 < links["probability"][0].as_py() < 1


def test_a_source_that_somebody_named_stays_whatever_the_days_say():
    pairs = pairs_of((1, 0, 4.0)).append_column("by_days", pa.array([False]))
    links = infectors([5.0, 2.0], pairs, LAGS, unseen=1.0)
    assert links["probability"].to_pylist() == pytest.approx([0.8])
    assert links["days"].to_pylist() == [-3.0]


def test_some_fall_ill_before_those_who_infected_them():
    early = Lags(np.array([0.1, 0.4, 0.5]), first=-1)
    assert infectors([3.0, 2.0], pairs_of((1, 0, 1.0)), early).num_rows == 1


def test_without_meetings_the_days_alone_give_the_cohort_numbers_of_wallinga_and_teunis():
    counts = np.array([3, 1, 4, 2, 5, 3])
    interval = discretise(2.5, 1.2, longest=6)
    interval /= interval.sum()
    onsets = np.repeat(np.arange(counts.size, dtype=float), counts)
    every = [(j, i, 1.0) for j in range(onsets.size) for i in range(onsets.size) if onsets[i] < onsets[j]]
    links = infectors(onsets, pairs_of(*every), Lags(interval), unseen=0)
    infected = np.bincount(np.asarray(links["infector"]), np.asarray(links["probability"]), onsets.size)
    by_day = np.bincount(onsets.astype(int), infected, counts.size) / counts
    days = np.arange(1, counts.size)
    assert by_day[1:] == pytest.approx(cohort_r(counts, interval, windows=(days, days)).mean[0])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((0, 9, 1.0), "row 1: infector: there is no case 9"),
        ((-1, 0, 1.0), "row 1: infectee: there is no case -1"),
        ((1, 1, 1.0), "row 1: nobody infects themselves"),
        ((1, 0, 0.0), "row 1: strength"),
        ((1, 0, float("nan")), "row 1: strength"),
    ],
)
def test_a_bad_pair_is_named(row, words):
    with pytest.raises(ValueError, match=words):
        infectors([0.0, 1.0], pairs_of(row), LAGS)


def test_bad_weights_and_a_missing_column_are_named():
    with pytest.raises(ValueError, match="weights"):
        Lags(np.array([0.5, -0.1]))
    with pytest.raises(ValueError, match="no column strength"):
        infectors([0.0], pa.table({"infectee": [0], "infector": [0]}), LAGS)


@given(
    st.lists(st.one_of(st.just(float("nan")), st.floats(0, 30)), min_size=2, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.floats(0.01, 10)), max_size=40),
    st.floats(0, 2),
)
def test_probabilities_of_a_case_never_exceed_one_and_the_first_is_the_largest(onsets, rows, unseen):
    rows = [(j % len(onsets), i % len(onsets), w) for j, i, w in rows if j % len(onsets) != i % len(onsets)]
    links = infectors(onsets, pairs_of(*rows), LAGS, unseen=unseen)
    sums = np.bincount(np.asarray(links["infectee"], int), np.asarray(links["probability"]), len(onsets))
    assert (sums <= 1 + 1e-9).all()
    best = likeliest(links)
    assert best["infectee"].to_pylist() == sorted(set(links["infectee"].to_pylist()))
    for one in best.to_pylist():
        others = [row["probability"] for row in links.to_pylist() if row["infectee"] == one["infectee"]]
        assert one["probability"] == max(others)
