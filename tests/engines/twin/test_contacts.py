"""Whom tracers and telephones find, held against the register of the days asked for."""

from itertools import combinations

import numpy as np
import pytest

from epipolis.engines.twin import LAYERS
from epipolis.engines.twin.contacts import Asked
from epipolis.engines.twin.draws import key
from epipolis.engines.twin.places import CARE_HOME, CODES, NURSERY, SCHOOL
from epipolis.engines.twin.presence import HAS_APP
from tests.engines.twin.factories import begun, column, stays_on, today_of

DAYS = (4, 5)


def asked(epidemic, days=DAYS, minutes=15, by_app=False):
    numbers = np.array(days)
    keys = np.array([key(epidemic.seed, "keeps", day) for day in days], np.uint64)
    return Asked(1, key(epidemic.seed, "traced"), numbers, numbers % 7, keys, minutes, by_app)


def shares(**found):
    return np.array([found.get(layer, 0.0) for layer in LAYERS])


def found(epidemic, people, question=None, **by_layer):
    """Pairs of each of `people` with those found for them alone."""
    question, seen, pairs = question or asked(epidemic), np.zeros(len(epidemic.bodies), np.int32), set()
    for number, person in enumerate(people, start=1):
        one = question._replace(number=number)
        met = epidemic.world.contacts_of(epidemic.bodies, one, np.array([person]), shares(**by_layer), seen)
        assert len(np.unique(met)) == len(met)
        pairs |= {(int(person), other) for other in met.tolist()}
    return pairs


@pytest.fixture(scope="module")
def epidemic(world):
    epidemic = begun(world, introduced=0)
    today_of(epidemic)  # puts the usual habits in force
    return epidemic


@pytest.fixture(scope="module")
def together(world, epidemic):
    """Pairs of guests and the longest time they shared in one place: anywhere, and where parts of the day do not overlap.

    Guests of noon and of the morning do not see each other in restaurants, nor those riding out and back at hubs.
    """
    anywhere, surely = {}, {}
    overlapping = [CODES["restaurant"], CODES["transit_hub"]]
    for day in DAYS:
        stays = stays_on(epidemic, today_of(epidemic, day=day))
        place = column(stays, "place")
        guests = ~column(stays, "staff") & ~np.isin(world.kinds[place], [SCHOOL, NURSERY, CARE_HOME])
        visitor, place = column(stays, "visitor")[guests].tolist(), place[guests]
        begin, end = ((column(stays, name) // 60)[guests].tolist() for name in ("arrived", "left"))
        for one in np.unique(place):
            for first, other in combinations(np.flatnonzero(place == one).tolist(), 2):
                shared = min(end[first], end[other]) - max(begin[first], begin[other])
                for pair in ((visitor[first], visitor[other]), (visitor[other], visitor[first])):
                    anywhere[pair] = max(anywhere.get(pair, 0), shared)
                    if world.kinds[one] not in overlapping:
                        surely[pair] = max(surely.get(pair, 0), shared)
    epidemic.day = 0
    return anywhere, surely


def groups_of(values, people):
    return {(one, int(other)) for one in people for other in np.flatnonzero(values == values[one]) if other != one}


@pytest.mark.parametrize("minutes", [1, 15, 60])
def test_venues_give_all_who_were_there_long_enough(epidemic, together, minutes):
    everyone = range(len(epidemic.bodies))
    pairs = found(epidemic, everyone, asked(epidemic, minutes=minutes), place=1.0, transit=1.0)

    assert len(pairs) > 500
    at_most, at_least = ({pair for pair, shared in pairs.items() if shared >= minutes} for pairs in together)
    assert at_least <= pairs <= at_most
    assert len(pairs) > 0.97 * len(at_most)


def test_homes_and_classes_give_everyone_in_them(world, epidemic):
    people = world.layout.people
    pupils = np.flatnonzero(people["is_pupil"])[:40].tolist()

    assert found(epidemic, pupils, household=1.0) == groups_of(people["household"], pupils)
    assert found(epidemic, pupils, **{"class": 1.0}) == groups_of(people["team"], pupils)
    assert found(epidemic, pupils, team=1.0) == set()


def test_firms_give_the_team(world, epidemic):
    people = world.layout.people
    workers = np.flatnonzero((people["team"] >= 0) & ~people["is_pupil"] & (world.kinds[people["duty"]] == 0))[:40].tolist()

    assert found(epidemic, workers, team=1.0) == groups_of(people["team"], workers)
    assert found(epidemic, workers, **{"class": 1.0}) == set()


def test_a_share_finds_that_share_and_a_larger_one_more_of_them(epidemic):
    everyone = range(len(epidemic.bodies))
    whole, half, less = (found(epidemic, everyone, place=share) for share in (1.0, 0.5, 0.2))

    assert less < half < whole
    assert len(half) / len(whole) == pytest.approx(0.5, abs=0.03)
    assert len(less) / len(whole) == pytest.approx(0.2, abs=0.03)


def test_nobody_is_found_where_nobody_is_looked_for(epidemic):
    assert found(epidemic, range(500)) == set()


def test_telephones_meet_only_telephones(world, epidemic):
    everyone = range(len(epidemic.bodies))
    has_app = np.zeros(len(epidemic.bodies), bool)
    has_app[::3] = True
    before = epidemic.bodies["habits"].copy()
    epidemic.bodies["habits"] = np.where(has_app, HAS_APP, 0)
    by_app = found(epidemic, everyone, asked(epidemic, by_app=True), household=1.0, place=1.0, team=1.0)
    anybody = found(epidemic, everyone, household=1.0, place=1.0, team=1.0)
    epidemic.bodies["habits"] = before

    assert by_app == {(one, other) for one, other in anybody if has_app[one] and has_app[other]}
    assert len(by_app) > 100


def test_several_cases_together_have_the_contacts_of_each(epidemic):
    people, seen = np.arange(100, 160), np.zeros(len(epidemic.bodies), np.int32)
    met = epidemic.world.contacts_of(epidemic.bodies, asked(epidemic), people, shares(household=1.0, place=0.5), seen)

    assert sorted(met.tolist()) == sorted({other for _, other in found(epidemic, people, household=1.0, place=0.5)})
    assert set(np.flatnonzero(seen)) == set(met)
