import numba
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from epipolis.engines.twin.draws import key, mixed, pick, spans, stream, uniform, unit

counters = st.integers(-(2**63), 2**63 - 1)


def test_a_draw_does_not_depend_on_who_else_is_asked():
    everyone = uniform(1, "meeting", np.arange(1000), 5)

    assert everyone[[3, 800]].tolist() == uniform(1, "meeting", np.array([3, 800]), 5).tolist()


def test_seed_purpose_and_each_counter_change_the_draw():
    draws = [
        uniform(1, "a", np.array([1]), 2),
        uniform(2, "a", np.array([1]), 2),
        uniform(1, "b", np.array([1]), 2),
        uniform(1, "a", np.array([2]), 2),
        uniform(1, "a", np.array([1]), 3),
        uniform(1, "a", np.array([2]), 1),
        uniform(-1, "a", np.array([1]), 2),
    ]

    assert len(np.unique(np.concatenate(draws))) == len(draws)


def test_draws_are_even_and_uncorrelated_between_days():
    today, tomorrow = (uniform(9, "even", np.arange(200_000), day) for day in (1, 2))

    counts = np.bincount((today * 20).astype(int), minlength=20)
    assert today.min() >= 0
    assert today.max() < 1
    # Chi-square with 19 degrees of freedom: 43.8 is exceeded once in a thousand seeds.
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 43.8
    assert abs(np.corrcoef(today, tomorrow)[0, 1]) < 0.01


@numba.njit
def _compiled_draws(first, persons, place):
    out = np.empty(len(persons))
    for row in range(len(persons)):
        out[row] = unit(mixed(mixed(first, persons[row]), place))
    return out


@settings(deadline=None)  # the first call compiles
@given(seed=counters, day=counters, persons=st.lists(counters, min_size=1, max_size=20), place=counters)
def test_compiled_loops_draw_the_same_numbers(seed, day, persons, place):
    persons = np.array(persons, np.int64)

    assert np.array_equal(_compiled_draws(key(seed, "rest", day), persons, place), uniform(seed, "rest", day, persons, place))


@settings(deadline=None)  # the first call compiles
@given(seed=counters, numbers=st.lists(counters, max_size=3))
def test_a_key_goes_on_where_another_ended(seed, numbers):
    state = key(seed, "rest")
    for number in numbers:
        state = np.uint64(mixed(state, np.int64(number)))

    assert state == key(seed, "rest", *numbers)


def test_purposes_have_generators_of_their_own():
    one, again, other = stream(3, "homes"), stream(3, "homes"), stream(3, "places")
    first = one.random(4)

    assert first.tolist() == again.random(4).tolist()
    assert first.tolist() != other.random(4).tolist()


def test_pick_follows_the_weights():
    chosen = pick(np.array([1.0, 0.0, 3.0]), np.array([0.0, 0.2499, 0.25, 0.9999]))

    assert chosen.tolist() == [0, 0, 2, 2]


@given(
    weights=st.lists(st.floats(0, 100), min_size=1, max_size=8).filter(lambda values: sum(values) > 1e-6),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_pick_never_chooses_what_has_no_weight(weights, chance):
    (chosen,) = pick(np.array(weights), np.array([chance]))
    edges = np.cumsum(np.array(weights) / sum(weights))

    assert 0 <= chosen < len(weights)
    assert chance <= edges[chosen] or chosen == len(weights) - 1
    assert chosen == 0 or chance >= edges[chosen - 1]


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 6)), max_size=12))
def test_spans_list_every_index_with_its_owner(ranges):
    starts = np.array([start for start, _ in ranges], np.int64)
    lengths = np.array([length for _, length in ranges], np.int64)

    index, owner = spans(starts, lengths)

    due = [(start + number, row) for row, (start, length) in enumerate(ranges) for number in range(length)]
    assert list(zip(index.tolist(), owner.tolist(), strict=True)) == due
