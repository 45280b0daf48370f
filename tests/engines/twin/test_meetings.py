"""Who infects whom, held against hazards worked out by hand and against the register of the day's stays."""

import numpy as np
import pytest

from epipolis.engines.twin import LAYERS, Curfew, Masks
from epipolis.engines.twin.epidemics import _room_for
from epipolis.engines.twin.infections import Hits, infect_layer
from epipolis.engines.twin.meetings import CARE, CLASS, HOUSEHOLD, PASSING, PLACE, TEAM, TRANSIT, Sources
from epipolis.engines.twin.mixing import well_mixed
from epipolis.engines.twin.places import CODES
from epipolis.engines.twin.worlds import MixingWorld
from tests.engines.twin.factories import ALL, begun, busy, column, stays_on, today_of

TUESDAY = 1


def hits_of(epidemic, today, people, level=1.0):
    """All hits of these people on a day, as if each were infectious; `infection` is their number."""
    people = np.asarray(people, np.int32)
    sources = Sources(people, people.copy(), np.full(len(people), level))
    hits = _room_for(1_000_000)
    epidemic.world.infect(epidemic.bodies, today, sources, 0, len(people), hits)
    found = int(hits.found[0])
    assert found < 1_000_000
    return Hits(*(values[:found] for values in hits[:-1]), hits.found)


def pairs(hits):
    return set(zip(hits.infection.tolist(), hits.target.tolist(), hits.place.tolist(), hits.layer.tolist(), strict=True))


@pytest.fixture
def epidemic(world):
    return begun(world, busy(susceptibility=ALL), introduced=0)


@pytest.fixture(scope="module")
def crowd(world):
    """Everyone's hits on a Tuesday with a high hazard, and the stays of that day."""
    epidemic = begun(world, busy(susceptibility=ALL), introduced=0)
    today = today_of(epidemic, day=TUESDAY)
    return hits_of(epidemic, today, np.arange(len(world.age)), 3.0), stays_on(epidemic, today)


def stays_by_person(stays):
    found = {}
    for person, place, arrived, left, staff in zip(
        *(column(stays, name).tolist() for name in ("visitor", "place", "arrived", "left", "staff")), strict=True
    ):
        found.setdefault((person, place), []).append((arrived // 60, left // 60, staff))
    return found


def test_whoever_is_infected_in_a_place_was_there_at_the_same_time(world, crowd):
    hits, stays = crowd
    at = stays_by_person(stays)
    duty = world.layout.people["duty"]
    checked = set()
    for source, target, place, layer in pairs(hits):
        if place < 0:
            continue
        checked.add(layer)
        here, there = at[source, place], at[target, place]
        overlap = any(a < d and c < b for a, b, _ in here for c, d, _ in there)
        assert overlap or duty[source] == duty[target] == place

    assert checked == {CLASS, TEAM, PLACE, TRANSIT, CARE}


def test_each_layer_joins_those_whom_it_should(world, crowd):
    hits, _ = crowd
    people = world.layout.people
    source, target = people[hits.infection], people[hits.target]
    layer, place = hits.layer, hits.place

    def same(name, of):
        return (source[name] == target[name])[layer == of]

    assert same("household", HOUSEHOLD).all()
    assert same("team", CLASS).all()
    assert same("team", TEAM).all()
    assert np.isin(world.kinds[place[layer == CLASS]], [CODES["school"], CODES["nursery"]]).all()
    assert (world.kinds[place[layer == TRANSIT]] == CODES["transit_hub"]).all()
    assert np.isin(world.kinds[place[layer == CARE]], [CODES["care_home"], CODES["hospital"]]).all()
    in_care_home = (layer == CARE) & source["is_resident"]
    assert (source["household"] != target["household"])[in_care_home].all()
    assert set(target["is_resident"][in_care_home]) == {False, True}
    assert (place[np.isin(layer, [HOUSEHOLD, PASSING])] == -1).all()
    assert (place[~np.isin(layer, [HOUSEHOLD, PASSING])] >= 0).all()
    assert same("neighbourhood", PASSING).mean() == pytest.approx(0.75 + 0.25 / len(world.area_codes), abs=0.02)
    assert (hits.infection != hits.target).all()
    assert np.bincount(layer, minlength=len(LAYERS)).min() > 20


def test_the_hazard_at_home_is_shared_among_those_who_live_there(world, epidemic):
    level = 0.05
    sizes = np.diff(world.layout.household_start)
    for size in (2, 4):
        homes = np.flatnonzero(sizes == size)
        first = world.layout.household_start[homes]
        found = 0
        for day in range(60):
            hits = hits_of(epidemic, today_of(epidemic, day=day), first, level)
            found += (hits.layer == HOUSEHOLD).sum()
        due = len(homes) * 60 * (size - 1) * level * 4.0 / (size - 1) ** 0.4

        # Poisson: four standard deviations.
        assert abs(found - due) < 4 * np.sqrt(due), size
        assert due > 1_000


def test_the_hazard_of_a_shared_hour_is_that_of_the_place(world, epidemic):
    """All pairs of visitors of shops: hits against minutes together * closeness."""
    visits = world.week.outings[np.isin(world.kinds[world.week.outings["at"] // 42], [CODES["shop"]])]
    level, due, found = 0.5, 0.0, 0
    everyone = np.arange(len(world.age))
    for day in range(7):
        today = today_of(epidemic, day=day)
        stays = stays_on(epidemic, today)
        guests = stays.filter(~column(stays, "staff") & (world.kinds[column(stays, "place")] == CODES["shop"]))
        place, begin, end = (column(guests, name) for name in ("place", "arrived", "left"))
        begin, end = begin // 60, end // 60
        for one in np.unique(place):
            here = np.flatnonzero(place == one)
            minutes = np.minimum.outer(end[here], end[here]) - np.maximum.outer(begin[here], begin[here])
            np.fill_diagonal(minutes, 0)
            due += np.maximum(minutes, 0).sum() / 60 * level * world.groups.looseness[one]
        hits = hits_of(epidemic, today, everyone, level)
        duty = world.layout.people["duty"]
        in_shop = (hits.place >= 0) & (world.kinds[np.maximum(hits.place, 0)] == CODES["shop"])
        found += (in_shop & (duty[hits.target] != hits.place) & (duty[hits.infection] != hits.place)).sum()

    assert len(visits) > 1_000
    assert due > 200
    assert abs(found - due) < 4 * np.sqrt(due)


def test_a_mask_on_each_side_leaves_its_share_of_the_hazard(world, epidemic):
    everyone, level = np.arange(len(world.age)), 0.2
    masked_layers = ("class", "team", "place", "transit", "care")
    usual = pairs(hits_of(epidemic, today_of(epidemic, day=TUESDAY), everyone, level))
    masked = pairs(hits_of(epidemic, today_of(epidemic, Masks(effect=0.5), day=TUESDAY), everyone, level))
    half = pairs(hits_of(epidemic, today_of(epidemic, Masks(effect=0.5, compliance=0.5), day=TUESDAY), everyone, level))

    def outside(found):
        return [row for row in found if LAYERS[row[3]] in masked_layers]

    assert masked < half < usual  # the same draws: only some are prevented
    assert {row for row in usual if LAYERS[row[3]] not in masked_layers} <= masked
    assert len(outside(usual)) > 1_000
    assert len(outside(masked)) / len(outside(usual)) == pytest.approx(0.5, abs=0.04)
    # One of two has a mask: the mean of 1, 0.707 (twice) and 0.5.
    assert len(outside(half)) / len(outside(usual)) == pytest.approx((1 + 2 * 0.5**0.5 + 0.5) / 4, abs=0.05)


def test_young_targets_are_hit_by_their_susceptibility(world):
    disease = busy(susceptibility=(0.0, 0.5, *(1.0,) * 8))
    epidemic = begun(world, disease, introduced=0)
    even = begun(world, busy(susceptibility=ALL), introduced=0)
    everyone = np.arange(len(world.age))
    ages = []
    for one in (epidemic, even):
        hits = hits_of(one, today_of(one, day=TUESDAY), everyone, 0.5)
        ages.append(np.bincount(np.minimum(world.age[hits.target] // 10, 2), minlength=3))
    young, usual = ages

    assert young[0] == 0
    assert usual[0] > 200
    assert young[1] / usual[1] == pytest.approx(0.5, abs=0.06)
    assert young[2] == usual[2]


def test_who_is_away_or_cannot_be_infected_is_never_hit_and_hits_nobody(world, epidemic):
    epidemic.bodies["away_until"][:1_000] = TUESDAY
    epidemic.bodies["can"][1_000:2_000] = 0
    hits = hits_of(epidemic, today_of(epidemic, day=TUESDAY), np.arange(len(world.age)))

    assert hits.target.min() >= 2_000
    assert 1_000 <= hits.infection.min() < 1_050


def test_who_stays_at_home_meets_only_those_who_live_there_and_them_less(world, epidemic):
    everyone = np.arange(len(world.age))
    usual = hits_of(epidemic, today_of(epidemic, day=TUESDAY), everyone, 0.5)
    epidemic.bodies["home_until"][::2] = TUESDAY
    hits = hits_of(epidemic, today_of(epidemic, day=TUESDAY), everyone, 0.5)
    at_home = hits.layer == HOUSEHOLD

    assert set(hits.layer[hits.infection % 2 == 0]) == {HOUSEHOLD}
    assert set(hits.layer[hits.target % 2 == 0]) == {HOUSEHOLD}
    assert pairs(hits) < pairs(usual)
    sources = hits.infection[at_home] % 2
    before = (usual.infection % 2)[usual.layer == HOUSEHOLD]
    assert (sources == 0).sum() / (before == 0).sum() == pytest.approx(0.5, abs=0.06)
    assert (sources == 1).sum() == (before == 1).sum()


def test_nothing_happens_in_places_after_the_curfew(world, epidemic):
    today = today_of(epidemic, Curfew(from_hour=14), day=TUESDAY)
    at = stays_by_person(stays_on(epidemic, today))
    hits = hits_of(epidemic, today, np.arange(len(world.age)), 3.0)
    duty = world.layout.people["duty"]

    venues = [
        (source, target, place)
        for source, target, place, _ in pairs(hits)
        if place >= 0 and not duty[source] == duty[target] == place
    ]
    assert len(venues) > 500
    for source, target, place in venues:
        assert any(a < d and c < b for a, b, _ in at[source, place] for c, d, _ in at[target, place])


def test_the_hits_of_a_source_are_its_own(world, epidemic):
    today = today_of(epidemic, day=TUESDAY)
    together = hits_of(epidemic, today, np.arange(500))
    alone = hits_of(epidemic, today, [77])

    assert pairs(alone) == {row for row in pairs(together) if row[0] == 77}
    assert len(pairs(alone)) > 0


def test_too_little_room_says_how_much_is_needed(world, epidemic):
    today = today_of(epidemic, day=TUESDAY)
    people = np.arange(300, dtype=np.int32)
    small, large = _room_for(10), _room_for(100_000)
    for hits in (small, large):
        epidemic.world.infect(epidemic.bodies, today, Sources(people, people, np.ones(300)), 0, 300, hits)

    assert small.found[0] == large.found[0] > 10
    assert np.array_equal(small.target, large.target[:10])


def test_a_block_with_more_events_than_there_is_room_for_is_worked_out_again(world, epidemic, monkeypatch):
    today, people = today_of(epidemic, day=TUESDAY), np.arange(0, len(world.age), 5)
    expected = pairs(hits_of(epidemic, today, people, 3.0))

    monkeypatch.setattr("epipolis.engines.twin.worlds._EVENTS", 1)

    assert pairs(hits_of(epidemic, today, people, 3.0)) == expected


@pytest.mark.parametrize("contagion", ["hazard", "chance"])
def test_a_plain_layer_infects_with_the_chance_of_its_kind(contagion):
    people, level = 400, 0.3
    world = MixingWorld(well_mixed(people, 1))
    epidemic = begun(world, busy(susceptibility=ALL, contagion=contagion), introduced=0)
    layer = world.mixing.layers[0]
    found = 0
    for day in range(300):
        today = today_of(epidemic, day=day)
        hits = _room_for(10_000)
        sources = Sources(np.zeros(1, np.int32), np.zeros(1, np.int32), np.full(1, level / layer.weight / people * 20))
        groups = (world.largest[0], layer.start, layer.other, layer.group_of)
        infect_layer(0, layer.weight, *groups, epidemic.bodies, today, sources, 0, 1, hits)
        found += len(np.unique(hits.target[: int(hits.found[0])]))
    hazard = level / people * 20
    chance = 1 - np.exp(-hazard) if contagion == "hazard" else hazard
    due = 300 * chance * (np.diff(layer.start)[0] - 1)

    assert abs(found - due) < 4 * np.sqrt(due)
