import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epipolis.engines.disclosure import protect_row, protect_table, round_total

rows = st.lists(st.integers(0, 40), min_size=2, max_size=12)
tables = st.integers(2, 6).flatmap(
    lambda m: st.lists(st.lists(st.integers(0, 12), min_size=m, max_size=m), min_size=2, max_size=6)
)


def test_a_single_small_cell_takes_the_next_smallest_with_it():
    assert protect_row([50, 3, 20, 0]).tolist() == [False, True, True, False]


def test_two_small_cells_that_hold_enough_together_protect_each_other():
    assert protect_row([4, 3, 20]).tolist() == [True, True, False]


def test_zeros_are_shown_when_nothing_is_small():
    assert not protect_row([0, 0, 9]).any()


def test_a_lone_person_hides_behind_a_zero_when_there_is_nothing_else():
    assert protect_row([1, 0, 0]).sum() >= 2


@given(rows)
def test_no_hidden_cell_of_a_row_follows_from_its_total(counts):
    hidden = protect_row(counts)

    shown = np.asarray(counts)[~hidden]
    assert not ((shown > 0) & (shown < 5)).any()
    assert hidden.sum() != 1


@given(tables)
def test_no_line_of_a_table_has_exactly_one_hidden_cell(counts):
    hidden = protect_table(counts)

    assert not (hidden.sum(axis=0) == 1).any()
    assert not (hidden.sum(axis=1) == 1).any()
    shown = np.asarray(counts)[~hidden]
    assert not ((shown > 0) & (shown < 5)).any()


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="negative"):
        protect_row([3, -1])


def test_totals_round_to_the_nearest_five():
    assert [round_total(n) for n in (0, 2, 3, 7, 8, 1002)] == [0, 0, 5, 5, 10, 1000]
