"""How unequally people infect."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from epipolis.engines.epidemic import estimate_dispersion
from tests.engines.epidemic.outbreaks import rows_of


def test_hong_kongs_published_dispersion_is_found_again(shared_data):
    folder = shared_data / "contact_tracing_hongkong"
    pairs = rows_of(folder / "transmission_pairs.csv")
    caused = Counter(row["infector_case"] for row in pairs)
    nobody = len({row["infectee_case"] for row in pairs} - set(caused))
    sporadic = sum(row["cluster_category"] == "Sporadic local" for row in rows_of(folder / "cases.csv"))
    found = estimate_dispersion(list(caused.values()), zeros=nobody + sporadic)
    # Adam et al. 2020 (Nature Medicine 26:1714): R 0.58 (0.45 to 0.71), k 0.43 (0.29 to 0.67), 19 % cause 80 %.
    assert found.r == pytest.approx(0.58, abs=0.005)
    assert found.k == pytest.approx(0.43, abs=0.005)
    assert (found.lower, found.upper) == pytest.approx((0.29, 0.67), abs=0.03)
    assert found.share_causing(0.8) == pytest.approx(0.19, abs=0.005)


def test_mers_in_korea_was_carried_by_very_few(shared_data):
    caused = Counter(row["from"] for row in rows_of(shared_data / "linelists" / "mers_korea_2015_contacts.csv"))
    found = estimate_dispersion(list(caused.values()), zeros=162 - len(caused))
    assert found.upper < 0.1
    assert found.share_causing(0.8) < 0.05


@pytest.mark.parametrize("k", [0.2, 1.0])
def test_intervals_contain_the_true_dispersion_as_often_as_they_say(k):
    rng = np.random.default_rng(7)
    inside = []
    for _ in range(150):
        found = estimate_dispersion(rng.negative_binomial(k, k / (k + 1.2), 200))
        inside.append(found.lower <= k <= found.upper)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.045)


def test_counts_no_more_unequal_than_chance_have_no_upper_limit():
    found = estimate_dispersion([1] * 60 + [0] * 40)
    assert found.k == np.inf
    assert found.upper == np.inf
    assert np.isfinite(found.lower)
    assert 0 < found.share_causing(0.8) < 0.6


def test_zeros_given_as_counts_or_as_a_number_are_the_same():
    assert estimate_dispersion([3, 1, 7, 0, 0, 0]) == estimate_dispersion([3, 1, 7], zeros=3)


def test_the_share_that_causes_most_is_that_of_counts_sorted_by_size():
    found = estimate_dispersion(np.random.default_rng(1).negative_binomial(0.3, 0.3 / 2.3, 5_000))
    many = np.sort(stats.nbinom.rvs(found.k, found.k / (found.k + found.r), size=400_000, random_state=1))[::-1]
    needed = np.searchsorted(np.cumsum(many), 0.8 * many.sum()) / many.size
    assert found.share_causing(0.8) == pytest.approx(needed, abs=0.003)


@pytest.mark.parametrize(
    ("counts", "about", "words"),
    [
        ([1, -1], {}, "row 2 has -1"),
        ([1, 2.5], {}, "row 2 has 2.5"),
        ([1, np.nan], {}, "row 2 has nan"),
        ([0, 0, 0], {}, "3 people with 0 secondary cases"),
        ([], {}, "0 people"),
        ([4], {}, "1 people with 4"),
        ([1, 2], {"zeros": -1}, "fewer than none"),
    ],
)
def test_counts_that_say_nothing_are_refused(counts, about, words):
    with pytest.raises(ValueError, match=words):
        estimate_dispersion(counts, **about)
    with pytest.raises(ValueError, match="share is 1"):
        estimate_dispersion([1, 2, 0]).share_causing(1.0)
