"""Recall, precision and delay, reckoned on cases small enough to do by hand."""

import math

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.twin import proofs

HOUR = 3_600


def visits(*rows):
    names = ("visitor", "place", "arrived", "left")
    return pa.table({name: pa.array(values, pa.int64()) for name, values in zip(names, zip(*rows, strict=True), strict=True)})


def integers(**columns):
    return pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()})


def test_a_share_has_wilsons_interval():
    found = proofs.share("found", 8, 10)

    assert found.value == 0.8
    assert (found.low, found.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert proofs.share("all", 5, 5).high == 1.0
    assert proofs.share("none", 0, 0).value is None


def test_times_give_median_quartiles_and_an_interval_within_the_values():
    found = proofs.times("delay", np.arange(101.0))

    assert (found.value, found.quartiles, found.of) == (50.0, (25.0, 75.0), 101)
    assert (found.low, found.high) == (40.0, 60.0)
    assert proofs.times("none", np.zeros(0)).value is None
    assert proofs.times("one", np.array([7.0])).low == 7.0


def test_the_meeting_behind_an_infection_is_the_longest_that_both_shared():
    infections = integers(person=[2, 3, 4, 5], infector=[1, 1, None, 1], place=[9, 9, 9, None])
    lived = visits((1, 9, 0, 100), (1, 9, 500, 900), (2, 9, 50, 80), (2, 9, 600, 1_000), (3, 8, 0, 900))

    found = proofs.meetings_behind(infections, lived, np.array([True, True, True, False, True]))

    assert found.to_pylist() == [
        {"person": 2, "infector": 1, "place": 9, "met_from": 600, "met_until": 900, "checked_in": False},
        {"person": 3, "infector": 1, "place": 9, "met_from": None, "met_until": None, "checked_in": False},
    ]


def behind(*rows):
    names = ("person", "infector", "place", "met_from", "met_until")
    columns = {name: pa.array([row[i] for row in rows], pa.int64()) for i, name in enumerate(names)}
    return pa.table({**columns, "checked_in": pa.array([row[5] for row in rows])})


def test_each_infection_comes_as_far_as_its_facts_let_it():
    meetings = behind(
        (10, 1, None, None, None, False),  # at home
        (11, 1, 9, 0, HOUR, False),  # one of them does not check in
        (12, 7, 9, 0, HOUR, True),  # the infector was never found
        (13, 2, 9, 0, HOUR, True),  # the infector's check-ins carry no name
        (14, 1, 9, 9 * HOUR, 10 * HOUR, True),  # after the window
        (15, 1, 9, 0, 600, True),  # too short
        (16, 1, 9, 0, HOUR, True),  # should have been listed
        (17, 1, 9, HOUR, 2 * HOUR, True),  # was listed
    )
    cases = integers(person=[2, 1], window_from=[0, 0], window_until=[8 * HOUR, 8 * HOUR], linked=[0, 1])
    listed = integers(case=[1, 3], contact=[17, 16], found=[5 * HOUR, 5 * HOUR])

    reach, delay = proofs.reach_of(meetings, cases, listed, shortest=900)

    assert [flags.tolist() for flags in reach[:-1]] == [
        [False, True, True, True, True, True, True, True],
        [False, False, True, True, True, True, True, True],
        [False, False, False, True, True, True, True, True],
        [False, False, False, False, True, True, True, True],
        [False, False, False, False, False, True, True, True],
        [False, False, False, False, False, False, True, True],
    ]
    assert reach.listed.tolist() == [False] * 7 + [True]
    assert delay[-1] == 3.5 * HOUR
    assert all(math.isnan(seconds) for seconds in delay[:-1])


def test_without_cases_and_contacts_nothing_was_found():
    meetings = behind((10, 1, 9, 0, HOUR, True))
    cases = integers(person=[], window_from=[], window_until=[], linked=[])

    reach, delay = proofs.reach_of(meetings, cases, integers(case=[], contact=[], found=[]), shortest=900)

    assert [flags.tolist() for flags in reach] == [[True], [True], [False], [False], [False], [False], [False]]
    assert math.isnan(delay[0])


def test_only_who_was_there_long_enough_at_the_same_time_has_met():
    stays = visits((1, 9, 0, HOUR), (2, 9, 1_800, HOUR), (3, 9, 3_000, HOUR), (4, 8, 0, HOUR), (5, 9, 0, HOUR))
    pairs = integers(case=[1, 1, 1, 1, 1], contact=[2, 3, 4, 5, 6], since=[0, 0, 0, 3_000, 0], until=[HOUR * 2] * 5)

    assert proofs.have_met(stays, pairs, shortest=900).tolist() == [True, False, False, False, False]


def test_a_case_was_known_only_when_it_was_listed_before_and_not_too_long_ago():
    listed = integers(case=[1, 2, 3], contact=[10, 10, 11], found=[500, 300, 900])
    people = np.array([10, 10, 11, 12, 10, 10, 10])
    moments = np.array([301.0, 300.0, 901.0, 999.0, np.nan, 600.0, 601.0])

    known = proofs.known_before(listed, people, moments, within=100)

    assert known.tolist() == [True, False, True, False, False, True, False]


def test_anybody_is_on_the_list_as_often_as_the_list_is_long():
    day = 86_400
    listed = integers(case=[1, 2, 3], contact=[10, 10, 11], found=[100 * day, 101 * day, 90 * day])
    moments = np.array([101.7, 101.2, 101.9, np.nan, 300.0]) * day

    assert proofs.listed_share(listed, moments, 4, within=14 * day) == pytest.approx((2 * 3 + 0 * 1) / 4 / 4)
    assert proofs.listed_share(integers(contact=[], found=[]), moments, 4, within=day) == 0.0
