import numpy as np
import pytest

from epipolis.engines.twin import build_city
from epipolis.engines.twin import week as weeks
from epipolis.engines.twin.layout import lay_out
from epipolis.engines.twin.places import CODES
from epipolis.engines.twin.week import LUNCH, PARTS, RIDE_BACK, RIDE_OUT, SLOTS, duty_hours, typical_week


@pytest.fixture(scope="module")
def week(world):
    return world.week


@pytest.fixture(scope="module")
def outings(world, week):
    """Columns of all outings: person, place, weekday, part, arrived, left."""
    at = week.outings["at"]
    return week.outings["person"], at // SLOTS, at % SLOTS // PARTS, at % PARTS, week.outings["arrived"], week.outings["left"]


@pytest.fixture(scope="module")
def duties(world):
    """(people, 7, 2): from when to when each is at work, in class or in the common rooms."""
    people = range(len(world.layout.people))
    return np.array([[duty_hours(world.layout, world.week_keys, person, day) for day in range(7)] for person in people])


def test_outings_are_in_order_of_place_slot_and_arrival(week):
    at, arrived = week.outings["at"], week.outings["arrived"]

    assert (np.lexsort((arrived, at)) == np.arange(len(at))).all()


def test_everyone_finds_their_own_outings_in_order(week):
    person, slot = week.outings["person"][week.mine], week.outings["at"][week.mine] % SLOTS

    assert np.array_equal(np.sort(week.mine), np.arange(len(week.outings)))
    assert np.array_equal(slot, week.slots)
    assert np.array_equal(person, np.repeat(np.arange(len(week.mine_from) - 1), np.diff(week.mine_from)))
    assert (np.diff(person * SLOTS + slot) > 0).all()  # one outing in each slot at most


def test_nobody_is_asked_to_be_in_two_places(outings, duties, world):
    person, _, weekday, part, arrived, left = outings
    begin, end = duties[person, weekday].T
    is_lunch = part == LUNCH
    order = np.lexsort((arrived, weekday, person))
    same = (np.diff(person[order]) == 0) & (np.diff(weekday[order]) == 0)

    assert (arrived[order][1:] >= left[order][:-1])[same].all()
    busy = end > 0
    assert ((left <= begin) | (arrived >= end))[busy & ~is_lunch].all()
    assert ((begin < arrived) & (left < end))[is_lunch].all()
    assert is_lunch.sum() > 100


def test_outings_last_and_happen_while_the_place_is_open(outings, world):
    _, place, weekday, _, arrived, left = outings
    places = world.layout.places[place]

    assert (left - arrived >= 5).all()
    assert (arrived >= places["opens"]).all()
    assert (left <= places["closes"]).all()
    assert places["open_weekends"][weekday >= 5].all()


def test_work_and_class_happen_while_the_place_is_open(duties, world):
    duty = world.layout.people["duty"]
    begin, end = duties[..., 0], duties[..., 1]
    at_work = end > 0
    places = world.layout.places[duty]

    assert not at_work[duty < 0].any()
    assert (end > begin)[at_work].all()
    assert (begin >= places["opens"][:, None])[at_work].all()
    assert (end <= places["closes"][:, None])[at_work].all()
    assert not at_work[~places["open_weekends"], 5:].any()
    daily = places["open_weekends"] & (duty >= 0) & ~world.is_resident
    assert set(at_work[daily].sum(axis=1)) == {5}  # two days off


def test_nobody_under_eighteen_goes_to_a_bar(outings, world):
    person, place, *_ = outings
    in_bar = world.kinds[place] == CODES["bar"]

    assert in_bar.sum() > 50
    assert world.age[person[in_bar]].min() >= 18


def test_children_go_where_their_guardian_goes(week, world):
    people = world.layout.people
    own = {tuple(row) for row in week.outings.tolist()}
    children = [row for row in week.outings.tolist() if people["age"][row[0]] < 12]

    assert len(children) > 300
    assert all((int(people["guardian"][child]), *rest) in own for child, *rest in children)
    assert all(rest[0] % PARTS not in (RIDE_OUT, LUNCH, RIDE_BACK) for _, *rest in children)


def test_people_in_care_homes_do_not_go_out(week, world):
    going_out = np.diff(week.mine_from) > 0

    assert world.is_resident.sum() > 5
    assert not going_out[world.is_resident].any()
    assert going_out[~world.is_resident].mean() > 0.9


def test_commuters_ride_there_before_work_and_back_after(outings, duties, world):
    person, place, weekday, part, arrived, left = outings
    out, back = part == RIDE_OUT, part == RIDE_BACK
    hub = world.layout.people["hub"]

    assert out.sum() > 200
    assert (place == hub[person])[out | back].all()
    assert (left <= duties[person, weekday, 0])[out].all()
    assert (arrived >= duties[person, weekday, 1])[back].all()


def test_people_shop_near_where_they_live():
    town = build_city(60_000, seed=1)
    layout, pulls = lay_out(town)
    outings = typical_week(layout, pulls, 1).outings
    shops = layout.places["kind"] == CODES["shop"]
    place, home = outings["at"] // SLOTS, layout.people["neighbourhood"][outings["person"]]
    shopping = shops[place] & (outings["at"] % PARTS != LUNCH)
    gone = np.linalg.norm(town.sites.metres[place[shopping]] - town.ground.centres[home[shopping]], axis=1)
    anywhere = np.linalg.norm(town.sites.metres[shops][None] - town.ground.centres[:, None], axis=2)

    assert gone.mean() < 0.75 * anywhere.mean()


def test_a_week_is_the_same_however_the_work_is_divided(city, week, monkeypatch):
    layout, pulls = lay_out(city)
    monkeypatch.setattr(weeks, "_PARTS_AT_ONCE", 3)

    again = typical_week(layout, pulls, city.seed)

    assert all(np.array_equal(one, other) for one, other in zip(week, again, strict=True))
    assert not np.array_equal(typical_week(layout, pulls, city.seed + 1).outings, week.outings)
