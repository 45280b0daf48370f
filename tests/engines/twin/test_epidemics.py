"""Every infection has its cause, nobody dies twice, and nothing depends on how the work is divided."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from epipolis.engines.twin import Immunity, IsolateCases, Season, TraceContacts, Variant, measures, well_mixed
from epipolis.engines.twin import epidemics as module
from epipolis.engines.twin.courses import BY_NOBODY, CRITICAL, NOBODY, SEVERE
from epipolis.engines.twin.meetings import CARE, CLASS, HOUSEHOLD, PASSING, TEAM
from epipolis.engines.twin.worlds import MixingWorld
from tests.engines.twin.factories import ALL, begun, busy, column, lived, stays_on

DEADLY = {"severe": (0.25,) * 10, "critical": (0.2,) * 10, "dies": (0.15,) * 10, "symptomatic": (0.5,) * 10}
ORDERS = (measures.Testing(), IsolateCases(), TraceContacts())


@pytest.fixture(scope="module")
def outbreak(world):
    """Every day of an epidemic with much illness: infections so far, today's bodies and stays."""
    stays, days = [], []

    def see(epidemic, rules):
        stays.append(stays_on(epidemic, rules.today))

    for epidemic, *_ in lived(world, busy(1_500, **DEADLY), ORDERS, days=50, seed=2, see=see):
        days.append((epidemic.infections.copy(), epidemic.bodies.copy(), stays[-1]))
    return days


def caused(rows):
    """Infections that happened in the city, and those that caused them."""
    own = rows["infector"] != NOBODY
    return rows[own], rows[rows["infector"][own]]


def test_every_infection_has_one_cause_who_was_infectious_on_that_day(outbreak):
    rows = outbreak[-1][0]
    infected, infector = caused(rows)

    assert len(infected) > 500
    assert (infector["sheds"] <= infected["day"]).all()
    assert (infected["day"] <= infector["shed"]).all()
    assert (infector["day"] < infected["day"]).all()
    assert (infector["person"] != infected["person"]).all()
    assert (infector["variant"] == infected["variant"]).all()


def test_nobody_brought_it_in_but_those_who_were_brought_in(outbreak):
    rows = outbreak[-1][0]
    abroad = rows["layer"] == BY_NOBODY

    assert np.array_equal(abroad, rows["infector"] == NOBODY)
    assert abroad.sum() > 20
    assert (rows["place"][abroad] == -1).all()


def test_infector_and_infected_share_what_the_layer_says(world, outbreak):
    infected, infector = caused(outbreak[-1][0])
    people = world.layout.people
    one, other, layer = people[infected["person"]], people[infector["person"]], infected["layer"]

    for of, name in ((HOUSEHOLD, "household"), (CLASS, "team"), (TEAM, "team")):
        assert (layer == of).sum() > 20
        assert (one[name] == other[name])[layer == of].all()
    assert ((infected["place"] == -1) == np.isin(layer, [HOUSEHOLD, PASSING])).all()
    in_group = np.isin(layer, [CLASS, TEAM, CARE])
    assert (other["duty"] == infected["place"])[in_group & (layer != CARE)].all()


def test_both_were_in_the_place_on_that_day(world, outbreak):
    duty, checked = world.layout.people["duty"], 0
    for day, (rows, _, stays) in enumerate(outbreak):
        infected, infector = caused_on(rows, day)
        at = {}
        names = ("visitor", "place", "arrived", "left")
        for person, place, arrived, left in zip(*(column(stays, name).tolist() for name in names), strict=True):
            at.setdefault((person, place), []).append((arrived, left))
        for target, source in zip(infected.tolist(), infector.tolist(), strict=True):
            place = target[2]
            if place < 0:
                continue
            checked += 1
            here, there = at[source[0], place], at[target[0], place]
            together = any(a < d and c < b for a, b in here for c, d in there)
            assert together or duty[source[0]] == duty[target[0]] == place
    assert checked > 300


def caused_on(rows, day):
    infected, infector = caused(rows)
    today = infected["day"] == day
    return infected[today], infector[today]


def test_infections_stand_in_order_of_their_day_and_are_never_rewritten(outbreak):
    for (earlier, *_), (later, *_) in pairwise(outbreak):
        assert (np.diff(later["day"][len(earlier) :]) == 0).all()
        for name in ("person", "infector", "place", "day", "onset", "over_on", "course", "dies"):
            assert np.array_equal(later[name][: len(earlier)], earlier[name])


def test_the_dead_are_nowhere_and_neither_infect_nor_are_infected_again(outbreak):
    rows, bodies, _ = outbreak[-1]
    dead = rows[rows["dies"] & (rows["over_on"] < 50)]
    infected, infector = caused(rows)

    assert len(dead) > 20
    assert len(np.unique(dead["person"])) == len(dead)
    assert set(np.flatnonzero(bodies["away_until"] == 32_767)) == set(dead["person"])
    died_on = dict(zip(dead["person"].tolist(), dead["over_on"].tolist(), strict=True))
    assert all(day < died_on.get(person, 999) for person, day in infector_days(infected, infector))
    assert all(day < died_on.get(person, 999) for person, day in zip(rows["person"], rows["day"], strict=True))
    for day, (_, _, stays) in enumerate(outbreak):
        gone = [person for person, died in died_on.items() if died <= day]
        assert not np.isin(column(stays, "visitor"), gone).any()


def infector_days(infected, infector):
    return zip(infector["person"].tolist(), infected["day"].tolist(), strict=True)


def test_people_in_hospital_visit_nobody_and_infect_nobody(outbreak):
    rows, checked = outbreak[-1][0], 0
    severe = rows[rows["course"] >= SEVERE]
    infected, infector = caused(rows)
    in_hospital = (infector["course"] >= SEVERE) & (infector["severe_on"] <= infected["day"])
    for day, (_, _, stays) in enumerate(outbreak):
        inside = severe["person"][(severe["severe_on"] <= day) & (day < severe["over_on"])]
        checked += len(inside)
        assert not np.isin(column(stays, "visitor"), inside).any()

    assert checked > 200
    assert not in_hospital.any()


def test_who_has_recovered_goes_out_again(outbreak):
    rows, bodies, stays = outbreak[-1]
    back = rows[(rows["course"] == CRITICAL) & ~rows["dies"] & (rows["over_on"] < 45)]

    assert len(back) > 3
    assert (bodies["away_until"][back["person"]] < 50).all()
    assert np.isin(back["person"], column(stays, "visitor")).any()


def test_some_of_the_ill_stay_at_home_by_themselves(world):
    def out_when_ill(share):
        stays = []

        def see(epidemic, rules):
            stays.append(stays_on(epidemic, rules.today))

        for epidemic, *_ in lived(world, busy(4_000, isolates_when_ill=share), days=8, seed=1, see=see):
            rows = epidemic.infections
        ill = rows["person"][(rows["course"] == 1) & (rows["onset"] <= 7) & (rows["over_on"] > 7) & (rows["onset"] > 2)]
        return np.isin(ill, column(stays[-1], "visitor")).mean()

    assert out_when_ill(1.0) == 0
    assert out_when_ill(0.0) > 0.7
    assert out_when_ill(0.5) == pytest.approx(out_when_ill(0.0) / 2, abs=0.12)


def rows_after(world, disease, days, **more):
    for epidemic, *_ in lived(world, disease, days=days, **more):
        last = epidemic
    return last.infections


def test_one_thread_two_and_three_give_the_same_epidemic(world, monkeypatch):
    monkeypatch.setattr(module, "_FEWEST_AT_ONCE", 1)
    runs = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(module, "_THREADS", threads)
        runs.append(rows_after(world, busy(1_000), 25))

    assert len(runs[0]) > 500
    assert np.array_equal(runs[0], runs[1])
    assert np.array_equal(runs[0], runs[2])


def test_exactly_so_many_are_introduced_as_were_asked_for(world):
    epidemic = begun(world, introduced=37)

    assert epidemic.count == 37
    assert set(epidemic.infections["day"]) == {0}
    assert len(np.unique(epidemic.infections["person"])) == 37
    more = begun(world, introduced=80).infections["person"]
    assert set(epidemic.infections["person"]) < set(more)


def test_introductions_come_in_the_week_before_by_the_share_of_the_disease(world):
    rows = begun(world, busy(10_000)).infections

    assert len(rows) == pytest.approx(400, abs=4 * np.sqrt(400))
    assert set(rows["day"]) == set(range(-6, 1))


def test_imports_go_on_and_fewer_come_when_they_are_reduced(world):
    disease = busy(0, imported_per_100k_daily=100.0, transmissibility=1e-9)
    rows = rows_after(world, disease, 60)

    assert len(rows) == pytest.approx(60 * 4, abs=4 * np.sqrt(240))
    assert set(rows["layer"]) == {BY_NOBODY}
    assert len(np.unique(rows["day"])) == 60


def test_nothing_comes_of_nothing(world):
    assert len(rows_after(world, busy(0, imported_per_100k_daily=0.0), 20)) == 0


def test_a_variant_arrives_on_its_day_and_takes_over(world):
    variant = Variant("faster", transmissibility=3.0, severity=1.0, escape=0.0, arrives_day=5, introduced_per_100k=1_000)
    rows = rows_after(world, busy(1_000, variants=(variant,)), 30)
    later = rows["variant"] == 1

    assert rows["day"][later].min() == 5
    assert (later & (rows["layer"] == BY_NOBODY) & (rows["day"] == 5)).sum() == pytest.approx(40, abs=25)
    share = [later[rows["day"] // 5 == week].mean() for week in range(2, 6)]
    assert share[-1] > max(share[0], 0.7)


def test_winter_spreads_faster_than_summer(world):
    winter, summer = (len(rows_after(world, busy(1_000, season=Season(0.5, peak)), 20)) for peak in (5.0, 187.0))

    assert winter > 1.5 * summer


def test_more_infectious_diseases_infect_more(world):
    sizes = [len(rows_after(world, busy(1_000, transmissibility=value), 25)) for value in (0.1, 0.3, 0.9)]

    assert sizes == sorted(sizes)
    assert sizes[2] > 3 * sizes[0]


def test_a_few_infect_most_others(world):
    rows = rows_after(world, busy(1_000), 25)
    early = np.flatnonzero(rows["day"] <= 6)
    by = np.bincount(rows["infector"][rows["infector"] >= 0], minlength=len(rows))[early]
    top = np.sort(by)[::-1][: len(by) // 5].sum()

    assert top / by.sum() > 0.6
    assert (by == 0).mean() > 0.35


def test_room_for_more_infections_is_found(world):
    # More infections than the room that was made: an eighth of the people, at least 1,024.
    rows = rows_after(world, busy(30_000, immunity=Immunity(1.0, 5.0), susceptibility=ALL, transmissibility=2.0), 40)

    assert len(rows) > 4_096
    assert (rows["over_on"] > rows["day"]).all()


def test_plain_contacts_know_the_same_bookkeeping():
    world = MixingWorld(well_mixed(1_000, 1))
    rows = rows_after(world, busy(5_000, transmissibility=3.0, **DEADLY), 40)
    infected, infector = caused(rows)

    assert len(infected) > 50
    assert (infector["sheds"] <= infected["day"]).all()
    assert (infected["day"] <= infector["shed"]).all()


def test_the_dead_of_plain_contacts_die_once():
    disease = replace(busy(5_000, transmissibility=3.0, immunity=Immunity(0.0)), **DEADLY)
    rows = rows_after(MixingWorld(well_mixed(1_000, 1)), disease, 60)
    dead = rows["person"][rows["dies"] & (rows["over_on"] < 60)]

    assert len(dead) > 5
    assert len(np.unique(dead)) == len(dead)
