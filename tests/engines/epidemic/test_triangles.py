from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.epidemic import triangle_of
from tests.engines.epidemic.reports import MONDAY, events


def test_new_and_cumulative_counts_make_the_same_triangle() -> None:
    new = triangle_of(events((0, 0, 2), (0, 1, 3), (0, 3, 1), (1, 2, 4), (3, 3, 1)))
    total = triangle_of(events((0, 0, 2), (0, 1, 5), (0, 3, 6), (1, 2, 4), (3, 3, 1)), cumulative=True)
    np.testing.assert_array_equal(new.known, total.known)
    assert (new.longest, new.first, new.last) == (3, MONDAY, MONDAY + timedelta(days=3))
    np.testing.assert_array_equal(new.known[0, 3], [1, 0, 4, 6])


def test_a_line_list_has_one_event_a_row() -> None:
    table = events((0, 1, 1), (0, 1, 1), (0, 0, 1)).drop_columns(["count"])
    np.testing.assert_array_equal(triangle_of(table).known[0], [[1, 0], [0, 3]])


def test_rows_without_a_day_are_left_out_and_counted() -> None:
    table = pa.concat_tables([events((0, 1, 2)), pa.table({"day": pa.nulls(3, pa.date32())})], promote_options="default")
    assert triangle_of(table).undated == 3


def test_as_of_a_day_nothing_later_is_seen() -> None:
    whole = triangle_of(events((0, 0, 2), (0, 4, 9), (2, 2, 5)))
    then = whole.until(MONDAY + timedelta(days=2))
    assert then.last == MONDAY + timedelta(days=2)
    assert then.known.sum() == 2 + 2 + 2 + 5
    assert np.isnan(then.final(MONDAY))
    assert whole.final(MONDAY) == [11]


def test_final_counts_are_those_whose_reporting_is_over() -> None:
    finals = triangle_of(events((0, 0, 2), (0, 1, 1), (1, 1, 4), (2, 2, 7))).finals()
    assert finals["value"].to_pylist() == [3, 4]
    assert finals["day"].to_pylist() == [MONDAY, MONDAY + timedelta(days=1)]


def test_what_comes_later_than_the_longest_delay_does_not_count() -> None:
    assert triangle_of(events((0, 0, 2), (0, 5, 9)), longest_delay=3).final(MONDAY) == [2]


def test_counts_that_shrink_are_told() -> None:
    triangle = triangle_of(events((0, 0, 5), (0, 1, 3), (0, 2, 4)), cumulative=True)
    assert triangle.shrunk == [2]


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        (events((0, 0, 1), (1, 0, 2)), "row 2: known on 2026-01-05, before 2026-01-06, when it happened"),
        (events((0, 0, 1), (0, 1, -2)), "row 2: the count -2 is negative; a correction downwards"),
        (events((0, 0, 1), (0, 1, float("nan"))), "row 2: the count nan is no number"),
        (events((0, 1, 1), (1, 1, 1), (0, 1, 2)), r"row 3: the same as row 1 \(all, 2026-01-05, 2026-01-06\)"),
        (events((0, 1, 1)).drop_columns(["known_on"]), "lack known_on; they have day, count"),
        (events((0, 1, 1)).slice(0, 0), "No event has both"),
    ],
)
def test_broken_events_are_refused_by_row_and_rule(table: pa.Table, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        triangle_of(table)


def test_days_before_the_data_and_in_the_future_are_refused() -> None:
    triangle = triangle_of(events((0, 0, 1), (1, 2, 1)))
    with pytest.raises(ValueError, match="Nothing was known on 2026-01-04: the first event was on 2026-01-05"):
        triangle.until(MONDAY - timedelta(days=1))
    with pytest.raises(ValueError, match="2026-01-08 is in the future: the last report known is of 2026-01-07"):
        triangle.until(MONDAY + timedelta(days=3))
    assert triangle_of(events((0, 0, 1)), known_until=MONDAY + timedelta(days=9)).last == MONDAY + timedelta(days=9)


def test_more_counts_than_memory_holds_are_refused_with_what_fits() -> None:
    table = pa.concat_tables([events((0, 0, 1)), events((999_999, 999_999, 1))])
    with pytest.raises(ValueError, match="ask for a longest delay of 99 days"):
        triangle_of(table, longest_delay=199)
