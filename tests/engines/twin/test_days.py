from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.compute as pc
import pytest

from epipolis.engines.twin import COVID_19_ANCESTRAL, Measure, checked_in, start_run, step
from tests.engines.twin.factories import MONDAY, column


def local_seconds(city, day, name):
    midnight = datetime.combine(day.date, datetime.min.time(), UTC) - city.utc_offset
    return column(day.visits, name) - int(midnight.timestamp())


def test_visits_take_time_and_stay_within_the_day_and_the_opening_hours(city, month):
    opens, closes, weekends = (column(city.places, name) for name in ("opens", "closes", "open_weekends"))

    for day in month[1][:14]:
        place = column(day.visits, "place")
        arrived, left = local_seconds(city, day, "arrived"), local_seconds(city, day, "left")
        assert (left > arrived).all()
        assert (arrived >= opens[place] * 3600).all()
        assert (left <= closes[place] * 3600).all()
        if day.date.weekday() >= 5:
            assert (weekends[place] | (column(city.places, "kind")[place] == "care_home")).all()


def test_nobody_is_in_two_places_at_once(month):
    for day in month[1][:14]:
        visitor, arrived, left = (column(day.visits, name) for name in ("visitor", "arrived", "left"))
        order = np.lexsort((arrived, visitor))
        same = visitor[order][1:] == visitor[order][:-1]
        assert (arrived[order][1:] >= left[order][:-1])[same].all()


def test_visits_come_in_order_of_place_and_arrival(month):
    visits = month[1][3].visits
    place, arrived = column(visits, "place"), column(visits, "arrived")

    assert (np.lexsort((arrived, place)) == np.arange(len(place))).all()


def test_staff_are_where_they_work_and_pupils_where_they_learn(city, month):
    visits = month[1][1].visits
    visitor, place, staff = (column(visits, name) for name in ("visitor", "place", "staff"))
    work, school = column(city.people, "workplace"), column(city.people, "school")
    kinds = column(city.places, "kind")

    assert (work[visitor[staff]] == place[staff]).all()
    pupils = ~staff & np.isin(kinds[place], ["school", "nursery"])
    assert pupils.any()
    assert (school[visitor[pupils]] == place[pupils]).all()


def test_offices_and_schools_rest_at_the_weekend_and_outings_grow(city, month):
    kinds = column(city.places, "kind")
    tuesday, saturday = (kinds[column(month[1][number].visits, "place")] for number in (1, 5))

    assert (saturday == "workplace").sum() == (saturday == "school").sum() == 0
    assert (tuesday == "workplace").sum() > 1_000
    assert (saturday == "restaurant").sum() > (tuesday == "restaurant").sum()


def test_people_return_to_their_favourite_places(city, month):
    kinds = column(city.places, "kind")
    shops = {}
    for day in month[1]:
        place, visitor = column(day.visits, "place"), column(day.visits, "visitor")
        is_shop = kinds[place] == "shop"
        for person, where in zip(visitor[is_shop].tolist(), place[is_shop].tolist(), strict=True):
            shops.setdefault(person, []).append(where)
    often = [visits for visits in shops.values() if len(visits) >= 8]

    shares = [np.unique(visits, return_counts=True)[1].max() / len(visits) for visits in often]
    assert len(often) > 50
    assert 0.45 < np.mean(shares) < 0.85


def test_companions_are_the_children_who_came_along(city, month):
    guardian = column(city.people, "guardian")
    for day in month[1][:7]:
        rows = day.visits.filter((pc.field("companions") > 0) | pc.field("accompanied")).to_pylist()
        children = {}
        for row in rows:
            if row["accompanied"]:
                key = (int(guardian[row["visitor"]]), row["place"], row["arrived"], row["left"])
                children[key] = children.get(key, 0) + 1
        counted = {
            (row["visitor"], row["place"], row["arrived"], row["left"]): row["companions"]
            for row in rows
            if row["companions"] and not row["accompanied"]
        }
        assert counted == children
        assert children


def test_those_ordered_home_make_no_visits(city):
    run = start_run(city, COVID_19_ANCESTRAL, seed=1, start=MONDAY)
    home = np.arange(0, 4_000, 2)

    _, day = step(run, at_home=home)

    assert day.visits.num_rows > 1_000
    assert set(column(day.visits, "visitor") % 2) == {1}


def test_strangers_cannot_be_ordered_home(city):
    run = start_run(city, COVID_19_ANCESTRAL, seed=1, start=MONDAY)

    with pytest.raises(ValueError, match="people of the city"):
        step(run, at_home=np.array([4_000]))


def first_visits(city, *measures):
    run = start_run(city, COVID_19_ANCESTRAL, measures, seed=1, start=MONDAY)
    return step(run)[1].visits


def test_a_closure_empties_the_kind_and_nothing_else(city):
    kinds = column(city.places, "kind")
    usual = kinds[column(first_visits(city), "place")]
    closed = kinds[column(first_visits(city, Measure("close", places=("restaurant",))), "place")]

    assert (usual == "restaurant").sum() > 100
    assert (closed == "restaurant").sum() == 0
    assert (closed == "school").sum() == (usual == "school").sum()


def test_fewer_outings_are_a_selection_of_the_usual_ones(city):
    usual = {tuple(row.values()) for row in first_visits(city).select(["visitor", "place", "arrived"]).to_pylist()}
    fewer = first_visits(city, Measure("fewer_outings", effect=1.0))

    assert {tuple(row.values()) for row in fewer.select(["visitor", "place"]).to_pylist()} <= {row[:2] for row in usual}
    assert 0.4 * len(usual) < fewer.num_rows < 0.9 * len(usual)


def test_working_from_home_empties_the_offices_by_that_share(city):
    kinds = column(city.places, "kind")
    usual = first_visits(city)
    remote = first_visits(city, Measure("work_from_home", compliance=0.5))

    staff = [len(np.unique(column(v, "visitor")[kinds[column(v, "place")] == "workplace"])) for v in (usual, remote)]
    assert 0.42 < staff[1] / staff[0] < 0.58


def test_check_ins_thin_whole_persons(month):
    visits = month[1][2].visits

    thinned = checked_in(visits, uptake=0.3, seed=5)

    taking_part = set(column(thinned, "visitor"))
    own = column(visits, "visitor")[~column(visits, "accompanied")]
    assert 0.25 < len(taking_part) / len(set(own)) < 0.35
    assert np.isin(own, list(taking_part)).sum() == thinned.num_rows
    assert thinned.equals(checked_in(visits, uptake=0.3, seed=5))
    more = set(column(checked_in(visits, uptake=0.6, seed=5), "visitor"))
    assert taking_part < more


def test_everyone_or_nobody_checks_in_at_the_ends_of_the_scale(month):
    visits = month[1][2].visits

    assert checked_in(visits, uptake=0, seed=1).num_rows == 0
    assert checked_in(visits, uptake=1, seed=1).num_rows == (~column(visits, "accompanied")).sum()
    with pytest.raises(ValueError, match="between 0 and 1"):
        checked_in(visits, uptake=1.01, seed=1)


def test_days_follow_the_calendar(month):
    assert [day.date for day in month[1]] == [MONDAY + timedelta(days=number) for number in range(35)]
    assert [day.number for day in month[1]] == list(range(35))
