import numpy as np

from epipolis.engines.twin.draws import pick, spans, uniform


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


def test_pick_follows_the_weights():
    chosen = pick(np.array([1.0, 0.0, 3.0]), np.array([0.0, 0.2499, 0.25, 0.9999]))

    assert chosen.tolist() == [0, 0, 2, 2]


def test_spans_list_every_index_with_its_owner():
    index, owner = spans(np.array([5, 0, 10]), np.array([2, 0, 3]))

    assert index.tolist() == [5, 6, 10, 11, 12]
    assert owner.tolist() == [0, 0, 2, 2, 2]
