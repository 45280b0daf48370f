from datetime import timedelta

import pyarrow as pa
import pytest

from epipolis.engines.tracing import clip_visits, find_contacts

from .tables import HOUR, rows, visits, windows

MINUTE = timedelta(minutes=1)
ANY = timedelta(0)
ALWAYS = (-(10**12), 10**12)


def test_a_shared_hour_is_found_with_place_and_times():
    seen = visits((1, 7, 0, 2 * HOUR), (2, 7, HOUR, 3 * HOUR), (3, 8, HOUR, 3 * HOUR))

    found = find_contacts(seen, windows((1, *ALWAYS)), at_least=15 * MINUTE)

    assert found.to_pylist() == [
        {"contact": 2, "case": 1, "place": 7, "starts": HOUR, "ends": 2 * HOUR, "seconds": HOUR, "certain": True}
    ]


@pytest.mark.parametrize(("arrived", "is_contact"), [(100, True), (101, False)])
def test_exactly_the_shortest_time_is_enough(arrived, is_contact):
    seen = visits((1, 7, 0, 1000), (2, 7, arrived, 5000))

    assert (find_contacts(seen, windows((1, *ALWAYS)), at_least=15 * MINUTE).num_rows == 1) is is_contact


def test_part_of_a_second_is_rounded_up():
    seen = visits((1, 7, 0, 1000), (2, 7, 100, 5000))

    assert find_contacts(seen, windows((1, *ALWAYS)), at_least=15 * MINUTE + timedelta(microseconds=1)).num_rows == 0


def test_who_arrives_when_the_case_leaves_is_no_contact():
    seen = visits((1, 7, 0, 100), (2, 7, 100, 200), (3, 7, -100, 0), (4, 7, 99, 100))

    assert rows(find_contacts(seen, windows((1, *ALWAYS)), at_least=ANY)) == [(4, 1, 7, 99, 100, 1, True)]


def test_nobody_is_a_contact_of_their_own():
    seen = visits((1, 7, 0, 100), (1, 7, 0, 100), (1, 7, 50, 150))

    assert find_contacts(seen, windows((1, *ALWAYS)), at_least=ANY).num_rows == 0


def test_cases_who_meet_are_contacts_of_each_other():
    seen = visits((1, 7, 0, 100), (2, 7, 50, 150))

    found = find_contacts(seen, windows((1, *ALWAYS), (2, *ALWAYS)), at_least=ANY)

    assert rows(found) == [(1, 2, 7, 50, 100, 50, True), (2, 1, 7, 50, 100, 50, True)]


def test_each_visit_of_the_same_pair_is_a_row():
    seen = visits((1, 7, 0, 100), (1, 7, 200, 300), (2, 7, 0, 250), (2, 7, 290, 400))

    found = find_contacts(seen, windows((1, *ALWAYS)), at_least=ANY)

    assert rows(found) == [
        (2, 1, 7, 0, 100, 100, True),
        (2, 1, 7, 200, 250, 50, True),
        (2, 1, 7, 290, 300, 10, True),
    ]


def test_the_window_cuts_the_visit_of_the_case():
    seen = visits((1, 7, 0, 1000), (2, 7, 0, 1000))

    assert rows(find_contacts(seen, windows((1, 300, 400)), at_least=ANY)) == [(2, 1, 7, 300, 400, 100, True)]
    assert find_contacts(seen, windows((1, 300, 400)), at_least=timedelta(seconds=101)).num_rows == 0


def test_windows_that_overlap_or_touch_count_once_and_separate_windows_twice():
    seen = visits((1, 7, 0, 1000), (2, 7, 0, 1000))

    found = find_contacts(seen, windows((1, 600, 700), (1, 100, 300), (1, 200, 400), (1, 400, 500)), at_least=ANY)

    assert rows(found) == [(2, 1, 7, 100, 500, 400, True), (2, 1, 7, 600, 700, 100, True)]


def test_visits_over_midnight_over_months_and_before_1970_are_exact():
    midnight = -5 * 24 * HOUR
    seen = visits(
        (1, 7, midnight - 600, midnight + 600),
        (2, 7, midnight - 100, midnight + 5000),
        (3, 7, midnight - 90 * 24 * HOUR, midnight + 400 * 24 * HOUR),
    )

    assert rows(find_contacts(seen, windows((1, *ALWAYS)), at_least=ANY)) == [
        (2, 1, 7, midnight - 100, midnight + 600, 700, True),
        (3, 1, 7, midnight - 600, midnight + 600, 1200, True),
    ]


def test_a_contact_is_only_possible_when_one_of_the_times_is_a_mere_date():
    seen = visits((1, 7, 0, 100), (2, 7, 0, 86400, 0), (3, 7, 0, 100), (1, 8, 0, 86400, 0), (4, 8, 0, 100))

    found = find_contacts(seen, windows((1, *ALWAYS)), at_least=ANY)

    assert [(row[0], row[6]) for row in rows(found)] == [(2, False), (3, True), (4, False)]


@pytest.mark.parametrize("empty", ["visits", "cases", "both"])
def test_nothing_in_gives_an_empty_table_out(empty):
    seen = visits() if empty != "cases" else visits((1, 7, 0, 100), (2, 7, 0, 100))
    cases = windows() if empty != "visits" else windows((1, *ALWAYS))

    found = find_contacts(seen, cases, at_least=ANY)

    assert found.num_rows == 0
    assert found.schema.names == ["contact", "case", "place", "starts", "ends", "seconds", "certain"]


def test_columns_without_a_type_are_accepted_when_there_are_no_rows():
    nothing = pa.table({name: pa.array([]) for name in ("visitor", "place", "arrived", "left", "exact")})

    assert find_contacts(nothing, windows((1, 0, 1)), at_least=ANY).num_rows == 0


def test_more_pairs_than_fit_the_first_room_are_all_found():
    people = 1500
    seen = visits(*((person, 7, person, 10_000 + person) for person in range(people)))

    found = find_contacts(seen, windows(*((person, *ALWAYS) for person in range(people))), at_least=ANY)

    assert found.num_rows == people * (people - 1)
    assert sum(found["seconds"].to_pylist()) == sum(2 * (10_000 - apart) * (people - apart) for apart in range(1, people))


def test_numbers_far_apart_are_told_apart():
    low, high = -(2**63), 2**63 - 1
    seen = visits((low, high, 0, 100), (high, high, 50, 150), (0, low, 0, 100), (1, high - 1, 0, 100))

    found = find_contacts(seen, windows((low, *ALWAYS), (0, *ALWAYS)), at_least=ANY)

    assert rows(found) == [(high, low, high, 50, 100, 50, True)]


def test_clipped_visits_are_the_parts_inside_the_windows():
    seen = visits((1, 7, 0, 1000, 0), (2, 7, 0, 1000), (1, 8, 350, 2000))

    parts = clip_visits(seen, windows((1, 300, 400), (1, 600, 700)), at_least=timedelta(seconds=60))

    assert rows(parts) == [(1, 7, 300, 400, False), (1, 7, 600, 700, False), (1, 8, 600, 700, True)]
