from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.compute as pc
import pytest

from epipolis.engines.twin import checked_in
from epipolis.engines.twin.visits import epoch_of
from tests.engines.twin.factories import MONDAY, begun, column, stays_on, today_of


@pytest.fixture(scope="module")
def fortnight(month):
    return month[1][:14]


def local_seconds(city, day, name):
    midnight = datetime.combine(day.date, datetime.min.time(), UTC) - city.utc_offset
    return column(day.visits, name) - int(midnight.timestamp())


def test_visits_take_time_and_stay_within_the_day_and_the_opening_hours(city, fortnight):
    opens, closes, weekends = (column(city.places, name) for name in ("opens", "closes", "open_weekends"))

    for day in fortnight:
        place = column(day.visits, "place")
        arrived, left = local_seconds(city, day, "arrived"), local_seconds(city, day, "left")
        assert (left > arrived).all()
        # The seconds within a minute are drawn.
        assert (arrived >= opens[place].astype(int) * 3_600).all()
        assert (left < closes[place].astype(int) * 3_600 + 60).all()
        if day.date.weekday() >= 5:
            assert weekends[place].all()


def test_nobody_is_in_two_places_at_once(fortnight):
    for day in fortnight:
        visitor, arrived, left = (column(day.visits, name) for name in ("visitor", "arrived", "left"))
        order = np.lexsort((arrived, visitor))
        same = visitor[order][1:] == visitor[order][:-1]
        assert (arrived[order][1:] >= left[order][:-1])[same].all()
        assert same.any()


def test_visits_come_in_order_of_place_and_arrival(fortnight):
    visits = fortnight[3].visits
    place, arrived = column(visits, "place"), column(visits, "arrived")

    assert (np.lexsort((arrived, place)) == np.arange(len(place))).all()


def test_staff_are_where_they_work_and_pupils_where_they_learn(city, fortnight):
    visits = fortnight[1].visits
    visitor, place, staff = (column(visits, name) for name in ("visitor", "place", "staff"))
    work, school = column(city.people, "workplace"), column(city.people, "school")
    kinds = column(city.places, "kind")

    assert staff.sum() > 1_000
    assert (work[visitor[staff]] == place[staff]).all()
    pupils = ~staff & np.isin(kinds[place], ["school", "nursery"])
    assert pupils.sum() > 300
    assert (school[visitor[pupils]] == place[pupils]).all()


def test_offices_and_schools_rest_at_the_weekend_and_outings_grow(city, fortnight):
    kinds = column(city.places, "kind")
    tuesday, saturday = (np.unique(kinds[column(fortnight[number].visits, "place")], return_counts=True) for number in (1, 5))
    tuesday, saturday = (dict(zip(*counted, strict=True)) for counted in (tuesday, saturday))

    assert {"workplace", "school", "nursery", "clinic"}.isdisjoint(saturday)
    assert tuesday["workplace"] > 1_000
    assert saturday["cinema"] > tuesday["cinema"]


def test_children_go_out_with_their_guardian_alone(city, fortnight):
    guardian, age = column(city.people, "guardian"), city.homes.age
    for day in fortnight[:7]:
        rows = day.visits.filter((pc.field("companions") > 0) | pc.field("accompanied")).to_pylist()
        children = {}
        for row in rows:
            if row["accompanied"]:
                assert age[row["visitor"]] < 12
                key = (int(guardian[row["visitor"]]), row["place"], row["arrived"] // 60, row["left"] // 60)
                children[key] = children.get(key, 0) + 1
        counted = {
            (row["visitor"], row["place"], row["arrived"] // 60, row["left"] // 60): row["companions"]
            for row in rows
            if row["companions"]
        }
        assert counted == children
        assert len(children) > 20
        alone = (age[column(day.visits, "visitor")] < 12) & ~column(day.visits, "accompanied")
        assert set(column(city.places, "kind")[column(day.visits, "place")[alone]]) <= {"school", "nursery"}


def test_people_in_care_homes_stay_there(city, fortnight):
    resident = city.duties.is_resident

    inside = [resident[column(day.visits, "visitor")] for day in fortnight]
    assert all(flags.sum() > 5 for flags in inside)
    for day, flags in zip(fortnight, inside, strict=True):
        assert (column(day.visits, "place")[flags] == city.duties.place[column(day.visits, "visitor")[flags]]).all()


def test_a_lunch_out_interrupts_the_work(city, fortnight):
    kinds = column(city.places, "kind")
    visits = fortnight[1].visits.filter(pc.field("staff"))
    visitor = column(visits, "visitor")[kinds[column(visits, "place")] == "workplace"]
    stays = np.bincount(visitor)

    assert set(stays) == {0, 1, 2}
    assert 0.1 < (stays == 2).sum() / (stays > 0).sum() < 0.3


def test_a_register_tells_minutes_wherever_it_is_kept(city, fortnight):
    assert all(column(day.visits, "exact").mean() == pytest.approx(0.9, abs=0.02) for day in fortnight)
    assert fortnight[0].visits.column("arrived").to_pylist()[0] >= epoch_of(MONDAY, 0, city.utc_offset)
    assert epoch_of(MONDAY, 3, timedelta(hours=8)) == int(datetime(2026, 1, 7, 16, tzinfo=UTC).timestamp())


def test_the_dead_and_those_in_hospital_or_at_home_are_nowhere(world):
    epidemic = begun(world)
    today = today_of(epidemic, day=2)
    usual = stays_on(epidemic, today)
    epidemic.bodies["away_until"][:1_000] = 32_767
    epidemic.bodies["away_until"][1_000:1_500] = 2
    epidemic.bodies["home_until"][1_500:2_000] = 2
    epidemic.bodies["home_until"][2_000:2_500] = 1

    visitors = set(column(stays_on(epidemic, today), "visitor"))

    assert min(visitors) >= 2_000
    assert visitors & set(range(2_000, 2_500))
    assert len(set(column(usual, "visitor")) & set(range(2_000))) > 1_000


def test_check_ins_thin_whole_persons(month):
    visits = month[1][2].visits

    thinned = checked_in(visits, uptake=0.3, seed=5)

    taking_part = set(column(thinned, "visitor"))
    own = column(visits, "visitor")[~column(visits, "accompanied")]
    assert 0.25 < len(taking_part) / len(set(own)) < 0.35
    assert np.isin(own, list(taking_part)).sum() == thinned.num_rows
    assert thinned.equals(checked_in(visits, uptake=0.3, seed=5))
    assert taking_part < set(column(checked_in(visits, uptake=0.6, seed=5), "visitor"))


@pytest.mark.parametrize("uptake", [1.01, -0.1])
def test_everyone_or_nobody_checks_in_at_the_ends_of_the_scale(month, uptake):
    visits = month[1][2].visits

    assert checked_in(visits, uptake=0, seed=1).num_rows == 0
    assert checked_in(visits, uptake=1, seed=1).num_rows == (~column(visits, "accompanied")).sum()
    with pytest.raises(ValueError, match="between 0 and 1"):
        checked_in(visits, uptake=uptake, seed=1)
