from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.epidemic import History
from tests.engines.epidemic.forecasts.seasons import counts, day, rows, table

SATURDAY, NEXT, LATER = date(2024, 1, 6), date(2024, 1, 13), date(2024, 1, 20)


def test_rows_in_any_order_become_areas_by_weeks():
    history = History(rows(("b", NEXT, 4.0), ("a", LATER, 3.0), ("b", SATURDAY, 5.0), ("a", SATURDAY, 1.0)))
    assert history.areas == ("a", "b")
    assert history.step == 7
    assert history.days.tolist() == [SATURDAY, NEXT, LATER]
    np.testing.assert_array_equal(history.values, [[1, np.nan, 3], [5, 4, np.nan]])
    assert not history.has_vintages


def test_days_that_follow_each_other_are_steps_of_a_day():
    assert History(table(np.ones((1, 9)), step=1)).step == 1


def test_of_several_vintages_the_last_one_published_by_the_day_counts():
    history = History(
        rows(
            ("a", SATURDAY, 10.0, date(2024, 1, 10)),
            ("a", SATURDAY, 14.0, date(2024, 1, 17)),
            ("a", NEXT, 20.0, date(2024, 1, 17)),
            ("a", SATURDAY, 15.0, date(2024, 2, 1)),
        )
    )
    assert history.has_vintages
    assert history.values.tolist() == [[15.0, 20.0]]
    assert history.as_of(date(2024, 1, 12)).values.tolist() == [[10.0]]
    assert history.as_of(date(2024, 1, 17)).values.tolist() == [[14.0, 20.0]]
    assert history.as_of(date(2024, 1, 31)).values.tolist() == [[14.0, 20.0]]


def test_what_was_published_later_never_shows_even_in_the_vintages():
    published = rows(("a", SATURDAY, 10.0, date(2024, 1, 10)), ("a", SATURDAY, 99.0, date(2024, 3, 1)))
    past = History(published).as_of(date(2024, 1, 15))
    assert past.as_of(date(2024, 1, 15)).values.tolist() == [[10.0]]
    assert 99.0 not in past._published["value"].value


def test_a_release_named_after_the_week_it_holds_came_out_the_day_after():
    published = rows(("a", SATURDAY, 1.0, SATURDAY), ("a", SATURDAY, 2.0, NEXT), ("a", NEXT, 5.0, NEXT))
    history = History(published)
    assert history.as_of(NEXT).values.tolist() == [[1.0]]
    assert history.as_of(date(2024, 1, 14)).values.tolist() == [[2.0, 5.0]]


def test_values_without_a_day_of_publication_serve_only_before_vintages_begin():
    published = rows(
        ("a", SATURDAY, 1.0, None),
        ("a", NEXT, 100.0, None),
        ("a", NEXT, 7.0, date(2024, 1, 18)),
        ("a", NEXT, 8.0, date(2024, 1, 25)),
    )
    assert History(published).as_of(LATER).values.tolist() == [[1.0, 7.0]]


def test_without_vintages_only_weeks_that_were_over_are_known():
    history = History(table(np.arange(5.0)[None]))
    assert history.as_of(day(3)).values.tolist() == [[0, 1, 2]]
    assert history.as_of(date.fromordinal(day(3).toordinal() + 1)).values.tolist() == [[0, 1, 2, 3]]


def test_one_day_of_publication_for_all_says_nothing_of_when_values_were_known():
    published = table(np.arange(5.0)[None]).append_column("known_on", pa.array([date(2026, 1, 1)] * 5, pa.date32()))
    history = History(published)
    assert not history.has_vintages
    assert history.as_of(day(3)).values.tolist() == [[0, 1, 2]]


def test_before_all_data_is_an_error_that_tells_the_first_day():
    with pytest.raises(ValueError, match="On 2020-01-01 nothing was known yet: the first value is of 2021-01-02"):
        History(table(np.ones((1, 3)))).as_of(date(2020, 1, 1))


def test_negative_and_infinite_counts_are_missing_and_noted():
    values = np.array([[1.0, -3.0, 4.0, np.inf], [1.0, 2.0, 3.0, 4.0]])
    history = History(table(values))
    np.testing.assert_array_equal(history.values[0], [1, np.nan, 4, np.nan])
    assert history.notes == (("area 00", "2 negative or infinite, taken as missing"),)
    assert history.as_of(day(3)).notes == (("area 00", "1 negative or infinite, taken as missing"),)
    assert history.as_of(day(1)).notes == ()


def test_a_day_told_twice_takes_the_later_row_and_is_noted():
    history = History(rows(("a", SATURDAY, 1.0), ("a", NEXT, 2.0), ("a", NEXT, 3.0), ("a", SATURDAY, 1.0)))
    assert history.values.tolist() == [[1.0, 3.0]]
    assert history.notes == (("a", "1 told twice with different values, the later row counts"),)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (pa.table({"area": ["a"], "value": [1.0]}), "needs a column 'day'"),
        (rows(("a", SATURDAY, 1.0)).slice(0, 0), "at least one row"),
        (rows(("a", SATURDAY, 1.0), (None, NEXT, 2.0)), "Row 2 of the series has no area"),
        (rows(("a", SATURDAY, 1.0), ("a", None, 2.0)), "Row 2 of the series has no day"),
        (rows(("a", date(1900, 1, 1), 1.0), ("a", date(2024, 1, 1), 2.0), ("a", date(2024, 1, 2), 2.0)), "20,000 steps"),
        (pa.table({"area": ["a"], "day": ["soon"], "value": [1.0]}), "must hold days"),
        (pa.table({"area": ["a"], "day": pa.array([SATURDAY]), "value": ["many"]}), "must hold numbers"),
    ],
)
def test_what_is_no_series_is_told_by_row_and_rule(wrong, says):
    with pytest.raises(ValueError, match=says):
        History(wrong)


def test_a_day_between_the_weeks_is_told_by_its_row():
    days = [day(number) for number in range(20)]
    days[7] = date(2021, 2, 18)
    with pytest.raises(ValueError, match="Row 8 of the series is of 2021-02-18"):
        History(rows(*(("a", one, 1.0) for one in days)))


def test_ten_thousand_areas_are_read_without_a_loop_over_rows():
    values = counts(areas=10_000, weeks=6)
    history = History(table(values, names=[f"{number:05d}" for number in range(10_000)]))
    np.testing.assert_array_equal(history.values, values)


def test_further_columns_become_signals_as_they_were_known():
    values = np.arange(6.0)[None]
    history = History(table(values, positivity=values / 10), signals=["positivity"])
    np.testing.assert_allclose(history.as_of(day(4)).signals["positivity"], values[:, :4] / 10)


def test_revisions_tell_first_and_settled_value_by_age():
    published = [("a", day(step), float(100 + 10 * age), day(step + age + 1)) for step in range(8) for age in range(6)]
    found = History(rows(*published)).revisions(ages=2, settled=4)
    assert set(map(tuple, found.tolist())) == {(100.0, 150.0, 0.0), (110.0, 150.0, 1.0)}


def test_blocks_of_days_end_with_the_newest_and_miss_what_is_hardly_known():
    values = np.ones((1, 16))
    values[0, 2:7] = np.nan
    weekly = History(table(values, step=1)).in_blocks(7, fewest=4)
    assert weekly.days.tolist() == [day(8, step=1), day(15, step=1)]
    np.testing.assert_array_equal(weekly.values, [[np.nan, 7.0]])
