import numpy as np
import pytest

from epipolis.engines.twin.mixing import hybrid_population, mean_contacts, well_mixed


@pytest.fixture(scope="module")
def hybrid():
    return hybrid_population(20_000, seed=1)


def test_contacts_a_day_are_those_published(hybrid):
    household, community, school, work = mean_contacts(hybrid)
    pupils = ((hybrid.age >= 6) & (hybrid.age < 22)).mean()
    staff = ((hybrid.age >= 22) & (hybrid.age < 65)).mean()

    assert household == pytest.approx(2, rel=0.03)
    assert community == pytest.approx(20, rel=0.02)
    assert school / pupils == pytest.approx(20, rel=0.03)
    assert work / staff == pytest.approx(16, rel=0.03)


def test_everyone_lives_in_one_household(hybrid):
    household = hybrid.layers[0]
    sizes = np.diff(household.start)

    assert (np.sort(household.other) == np.arange(20_000)).all()
    assert (household.group_of[household.other] == np.repeat(np.arange(len(sizes)), sizes)).all()
    assert sizes.min() == 1


def test_every_pair_is_known_to_both(hybrid):
    for layer in hybrid.layers[1:]:
        one = np.repeat(np.arange(20_000), np.diff(layer.start))
        there = np.sort(one * 20_000 + layer.other)
        back = np.sort(layer.other.astype(np.int64) * 20_000 + one)
        assert (there == back).all()


@pytest.mark.parametrize(("number", "first", "last"), [(2, 6, 21), (3, 22, 64)])
def test_school_and_work_are_for_their_ages(hybrid, number, first, last):
    ages = hybrid.age[hybrid.layers[number].other]
    assert ages.min() == first
    assert ages.max() == last


def test_the_seed_alone_decides():
    one, same, other = (hybrid_population(3_000, seed=seed) for seed in (5, 5, 6))

    for layer, twin, stranger in zip(one.layers, same.layers, other.layers, strict=True):
        assert (layer.other == twin.other).all()
        assert (layer.start == twin.start).all()
        assert len(layer.start) != len(stranger.start) or (layer.start != stranger.start).any()


def test_in_the_mixed_population_everyone_meets_everyone():
    mixing = well_mixed(500, seed=1)

    assert mean_contacts(mixing) == [499]
    assert mixing.layers[0].weight * 499 == pytest.approx(1)


@pytest.mark.parametrize("make", [hybrid_population, well_mixed])
def test_one_person_has_nobody_to_meet(make):
    with pytest.raises(ValueError, match="two people at least, not 1"):
        make(1, seed=1)
