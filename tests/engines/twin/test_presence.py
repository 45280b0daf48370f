import numpy as np
import pytest

from epipolis.engines.twin import ClosePlaces, Curfew, FewerOutings, LimitCapacity, LimitTravel, Schools, WorkFromHome
from epipolis.engines.twin.places import CODES
from tests.engines.twin.factories import begun, column, stays_on, today_of

TUESDAY = 1


def rows_of(stays):
    return {tuple(row.values()) for row in stays.select(["visitor", "place", "arrived", "left"]).to_pylist()}


@pytest.fixture(scope="module")
def usual(world):
    epidemic = begun(world)
    return stays_on(epidemic, today_of(epidemic, day=TUESDAY))


def with_measures(world, *measures, day=TUESDAY):
    epidemic = begun(world)
    today = today_of(epidemic, *measures, day=day)
    return epidemic, stays_on(epidemic, today)


def by_kind(world, stays):
    return np.bincount(world.kinds[column(stays, "place")], minlength=15)


def guests(stays):
    return stays.filter(~np.asarray(stays.column("staff")))


def outings(world, stays):
    """Without those at work, in class or in the common rooms."""
    visitor, place = column(stays, "visitor"), column(stays, "place")
    return stays.filter(world.layout.people["duty"][visitor] != place)


def test_most_but_not_all_come_to_work_and_class_on_a_day(world, usual):
    people = world.layout.people
    present = np.zeros(len(people), bool)
    visitor, place = column(usual, "visitor"), column(usual, "place")
    present[visitor[people["duty"][visitor] == place]] = True
    offices = (people["duty"] >= 0) & (world.kinds[people["duty"]] == CODES["workplace"])

    assert present[people["is_pupil"]].mean() == pytest.approx(0.96, abs=0.02)
    assert present[offices].mean() == pytest.approx(0.93, abs=0.02)
    assert present[people["is_resident"]].all()


def test_four_outings_of_five_take_place(world, usual):
    week = world.week
    typical = (week.slots // 6 == TUESDAY).sum()

    assert outings(world, usual).num_rows / typical == pytest.approx(0.8, abs=0.02)


def test_closed_kinds_are_empty_and_the_others_as_usual(world, usual):
    _, closed = with_measures(world, ClosePlaces(places=("restaurant", "workplace")))
    before, after = by_kind(world, usual), by_kind(world, closed)
    shut = [CODES["restaurant"], CODES["workplace"]]

    assert before[shut].min() > 100
    assert after[shut].tolist() == [0, 0]
    others = np.setdiff1d(np.arange(15), shut)
    assert np.array_equal(before[others], after[others])


def test_some_places_stay_open_where_not_all_obey(world, usual):
    _, half = with_measures(world, ClosePlaces(places=("workplace",), compliance=0.5))
    place = column(half, "place")
    open_ones = np.unique(place[world.kinds[place] == CODES["workplace"]])
    everywhere = np.unique(column(usual, "place")[world.kinds[column(usual, "place")] == CODES["workplace"]])

    assert 0.25 < len(open_ones) / len(everywhere) < 0.75
    assert rows_of(half) < rows_of(usual)


def test_limited_places_have_that_share_of_their_guests_and_all_of_their_staff(world, usual):
    _, limited = with_measures(world, LimitCapacity(places=("shop",), share=0.5))

    def shop(stays, is_staff):
        chosen = column(stays, "staff") == is_staff
        return (world.kinds[column(stays, "place")[chosen]] == CODES["shop"]).sum()

    assert shop(limited, False) / shop(usual, False) == pytest.approx(0.5, abs=0.06)
    assert shop(limited, True) == shop(usual, True)
    assert rows_of(limited) < rows_of(usual)


def test_nobody_is_out_after_the_curfew_but_those_at_work(world, usual):
    _, curfewed = with_measures(world, Curfew(from_hour=19))
    late = column(outings(world, curfewed), "left")

    assert late.max() < 19 * 3_600 + 60
    assert (column(outings(world, usual), "left") > 20 * 3_600).sum() > 50
    early = {row[:3] for row in rows_of(outings(world, usual)) if row[2] < 19 * 3_600}
    assert {row[:3] for row in rows_of(outings(world, curfewed))} == early


def test_closed_schools_have_nobody_in_them(world, usual):
    _, closed = with_measures(world, Schools(mode="closed"))
    schools = [CODES["school"], CODES["nursery"]]

    assert by_kind(world, usual)[schools].sum() > 300
    assert by_kind(world, closed)[schools].sum() == 0
    assert by_kind(world, closed)[CODES["workplace"]] == by_kind(world, usual)[CODES["workplace"]]


def test_half_of_a_class_comes_on_one_day_and_the_other_on_the_next(world):
    came = []
    for day in (1, 2, 3):
        _, stays = with_measures(world, Schools(mode="half_classes"), day=day)
        visitor = column(stays, "visitor")
        in_class = world.is_pupil[visitor] & (world.layout.people["duty"][visitor] == column(stays, "place"))
        came.append(set(visitor[in_class]))

    assert not came[0] & came[1]
    assert not came[1] & came[2]
    assert len(came[0] & came[2]) > 0.85 * len(came[0])
    assert len(came[0] | came[1]) / world.is_pupil.sum() == pytest.approx(0.96, abs=0.02)
    teams = world.layout.people["team"]
    classes = np.unique(teams[world.is_pupil])
    assert 0.9 < np.mean([len(set(np.flatnonzero(teams == one)) & came[0]) > 0 for one in classes]) <= 1


def test_trips_out_of_the_own_district_are_those_not_made(world, usual):
    _, limited = with_measures(world, LimitTravel(share=1.0))

    def is_far(stays):
        visitor, place = column(stays, "visitor"), column(stays, "place")
        return world.layout.districts[world.area[visitor]] != world.layout.places["district"][place]

    assert is_far(outings(world, usual)).sum() > 100
    assert is_far(outings(world, limited)).sum() == 0
    near = outings(world, usual)
    assert outings(world, limited).num_rows == (~is_far(near)).sum()


def test_fewer_outings_are_a_selection_of_the_usual_ones(world, usual):
    _, fewer = with_measures(world, FewerOutings(share=0.5))
    _, fewest = with_measures(world, FewerOutings(share=0.9))

    assert rows_of(outings(world, fewest)) < rows_of(outings(world, fewer)) < rows_of(outings(world, usual))
    assert outings(world, fewer).num_rows / outings(world, usual).num_rows == pytest.approx(0.5, abs=0.03)


def test_working_from_home_empties_the_offices_by_that_share(world, usual):
    _, remote = with_measures(world, WorkFromHome(share=0.5))

    def staff(stays, name):
        return len(np.unique(column(stays, "visitor")[world.kinds[column(stays, "place")] == CODES[name]]))

    assert staff(remote, "workplace") / staff(usual, "workplace") == pytest.approx(0.5, abs=0.05)
    assert by_kind(world, remote)[CODES["school"]] == by_kind(world, usual)[CODES["school"]]


def test_a_child_stays_when_its_guardian_does(world, usual):
    epidemic = begun(world)
    guardian = world.layout.people["guardian"]
    children = np.flatnonzero(world.age < 12)
    epidemic.bodies["home_until"][np.unique(guardian[children])] = TUESDAY
    stays = outings(world, stays_on(epidemic, today_of(epidemic, day=TUESDAY)))

    assert np.isin(column(outings(world, usual), "visitor"), children).sum() > 20
    assert not np.isin(column(stays, "visitor"), children).any()
