from datetime import timedelta

import pyarrow as pa

from epipolis.engines.tracing import accumulate, find_clusters, find_contacts

from .tables import HOUR, rows, visits, windows

DAY = timedelta(hours=24)


def test_short_meetings_within_a_day_add_up():
    seen = visits((1, 7, 0, 10 * HOUR), (2, 7, 0, 300), (2, 7, 5000, 5300), (2, 7, 9000, 9301), (3, 7, 0, 300))

    found = find_contacts(seen, windows((1, 0, 30 * HOUR)), at_least=timedelta(0))
    summed = accumulate(found, within=DAY, at_least=timedelta(minutes=15))

    assert summed.to_pylist() == [
        {"contact": 2, "case": 1, "meetings": 3, "starts": 0, "ends": 9301, "seconds": 901, "certain_seconds": 901}
    ]


def test_time_further_apart_than_the_period_does_not_add_up():
    meetings = _contacts((2, 1, 0, 600), (2, 1, 24 * HOUR, 24 * HOUR + 700))

    assert accumulate(meetings, within=DAY)["seconds"].to_pylist() == [700]
    assert accumulate(meetings, within=DAY + timedelta(seconds=200))["seconds"].to_pylist() == [800]


def test_the_best_period_may_end_with_a_meeting():
    meetings = _contacts((2, 1, 0, 100), (2, 1, 150, 250))

    assert accumulate(meetings, within=timedelta(seconds=160))["seconds"].to_pylist() == [110]


def test_time_covered_by_two_visits_counts_once():
    meetings = _contacts((2, 1, 0, 600), (2, 1, 300, 900), (2, 1, 300, 400))

    assert accumulate(meetings, within=DAY)["seconds"].to_pylist() == [900]


def test_certain_seconds_leave_out_possible_meetings():
    meetings = _contacts((2, 1, 0, 600), (2, 1, 700, 800), (3, 1, 0, 5)).append_column(
        "certain", pa.array([False, True, False])
    )

    summed = accumulate(meetings, within=DAY)

    assert summed["seconds"].to_pylist() == [700, 5]
    assert summed["certain_seconds"].to_pylist() == [100, 0]


def test_no_meetings_sum_to_an_empty_table():
    assert accumulate(_contacts(), within=DAY).num_rows == 0


def test_cases_in_one_place_at_one_time_are_a_cluster():
    seen = visits((1, 7, 0, 100), (2, 7, 99, 200), (3, 7, 150, 300), (4, 7, 300, 400), (5, 8, 0, 100), (5, 8, 50, 150))

    assert rows(find_clusters(seen)) == [(7, 0, 300, 3, 3, True)]
    assert rows(find_clusters(seen, at_least_cases=4, gap=timedelta(seconds=1))) == [(7, 0, 400, 4, 4, True)]
    assert rows(find_clusters(seen, at_least_cases=1)) == [
        (7, 0, 300, 3, 3, True),
        (7, 300, 400, 1, 1, True),
        (8, 0, 150, 1, 2, True),
    ]


def test_the_largest_cluster_comes_first():
    seen = visits((1, 7, 0, 9), (2, 7, 0, 9), (3, 8, 5, 9), (4, 8, 5, 9), (5, 8, 5, 9, 0), (6, 6, 0, 9), (7, 6, 0, 9))

    assert find_clusters(seen)["place"].to_pylist() == [8, 6, 7]
    assert find_clusters(seen)["certain"].to_pylist() == [False, True, True]


def test_a_long_visit_holds_a_cluster_together():
    seen = visits((1, 7, 0, 1000), (2, 7, 10, 20), (3, 7, 900, 2000))

    assert rows(find_clusters(seen)) == [(7, 0, 2000, 3, 3, True)]


def test_no_visits_are_no_cluster():
    assert find_clusters(visits()).num_rows == 0


def _contacts(*meetings: tuple[int, int, int, int]) -> pa.Table:
    columns = [pa.array([row[column] for row in meetings], pa.int64()) for column in range(4)]
    return pa.table(columns, ["contact", "case", "starts", "ends"])
