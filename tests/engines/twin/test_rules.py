"""What the measures in force mean, and when they are: days, triggers, compliance."""

from dataclasses import replace

import numpy as np
import pytest

from epipolis.engines.twin import (
    LAYERS,
    ClosePlaces,
    Curfew,
    LimitTravel,
    Masks,
    ReduceImports,
    Schools,
    Season,
    Trigger,
    Variant,
    WorkFromHome,
    simulate,
)
from epipolis.engines.twin.measures import FIGURES
from epipolis.engines.twin.presence import REMOTE
from epipolis.engines.twin.rules import Orders, concerned, follows, rules_of
from tests.engines.twin.factories import NOTHING, begun, busy, column


def rules_on(world, *measures, day=0, figures=NOTHING, orders=None, disease=None):
    epidemic = begun(world, disease or busy(), introduced=0)
    epidemic.day = day
    return rules_of(epidemic, orders or Orders(measures), figures)


def test_the_same_people_follow_whenever_they_are_asked_and_more_where_more_do(world):
    epidemic = begun(world, introduced=0)
    some, again, more = (follows(epidemic, Masks(compliance=share)) for share in (0.3, 0.3, 0.8))

    assert np.array_equal(some, again)
    assert (more | ~some).all()
    assert some.mean() == pytest.approx(0.3, abs=0.03)
    assert more.mean() == pytest.approx(0.8, abs=0.03)
    assert not np.array_equal(some, follows(epidemic, WorkFromHome(compliance=0.3)))


def test_ages_and_areas_follow_in_their_own_way(world):
    epidemic = begun(world, introduced=0)
    area = world.area_codes[1]
    mixed = follows(epidemic, Masks(compliance=0.5, compliance_by_age={"0-17": 0.0}, compliance_by_area={area: 1.0}))

    assert not mixed[world.age < 18].any()
    assert mixed[(world.area == 1) & (world.age >= 18)].all()
    assert mixed[(world.area != 1) & (world.age >= 18)].mean() == pytest.approx(0.5, abs=0.04)


def test_masks_leave_their_share_in_their_layers_and_a_short_supply_less(world):
    epidemic = begun(world, introduced=0)
    orders = Orders((Masks(effect=0.64, layers=("team", "care")),))
    masks = rules_of(epidemic, orders, NOTHING).today.masks
    masked = [LAYERS.index("team"), LAYERS.index("care")]

    assert masks[masked, 1] == pytest.approx([0.6, 0.6])  # on one side; 0.36 on both
    assert (np.delete(masks, masked, axis=0) == 1).all()
    assert (masks[:, 0] == 1).all()
    assert (epidemic.bodies["wears"] == 1).all()
    rules_of(epidemic, Orders((Masks(supply_per_person_week=3.5),)), NOTHING)
    assert epidemic.bodies["wears"].mean() == pytest.approx(0.5, abs=0.03)


def test_two_orders_of_masks_add_their_effects_for_those_who_follow_both(world):
    orders = Orders((Masks(effect=0.5, layers=("team",)), Masks(effect=0.5, layers=("team", "place"))))
    masks = rules_on(world, orders=orders).today.masks

    assert masks[LAYERS.index("team"), [0, 1, 2, 3]] == pytest.approx([1, 0.5**0.5, 0.5**0.5, 0.5])
    assert masks[LAYERS.index("place"), [1, 2, 3]] == pytest.approx([1, 0.5**0.5, 0.5**0.5])


def test_imports_fall_by_what_is_kept_out(world):
    assert rules_on(world).imports == 1
    assert rules_on(world, ReduceImports(share=0.5, compliance=0.8)).imports == pytest.approx(0.6)
    assert rules_on(world, ReduceImports(share=0.5), ReduceImports(share=0.5)).imports == pytest.approx(0.25)


def test_the_earliest_curfew_and_the_strictest_school_order_count(world):
    assert rules_on(world).today.curfew == 24 * 60
    assert rules_on(world, Curfew(from_hour=22), Curfew(from_hour=20.5)).today.curfew == 20.5 * 60
    shut = rules_on(world, Schools(mode="half_classes", last_day=3), day=1).today.shut
    assert set(shut[np.isin(world.kinds, [1, 2])]) == {2}
    assert set(rules_on(world, Schools(mode="half_classes", last_day=3), day=4).today.shut) == {0}
    assert rules_on(world, LimitTravel(share=0.25)).today.far_rate == pytest.approx(0.75)


def test_care_homes_are_never_closed(world):
    assert not rules_on(world, ClosePlaces(places=("care_home",))).today.shut.any()


def test_transmission_follows_the_season_and_the_variant(world):
    variants = (Variant("b", 1.5, 1.0, 0.0, 4, 10), Variant("c", 2.0, 1.0, 0.0, 8, 10))
    disease = busy(season=Season(0.2, 5.0), variants=variants, transmissibility=0.5)

    first = rules_on(world, disease=disease)  # 5 January
    assert first.strength == pytest.approx([0.6, 0.9, 1.2])
    half = rules_on(world, disease=disease, day=183)
    assert half.strength[0] == pytest.approx(0.4, abs=1e-3)
    assert [rules_on(world, disease=disease, day=day).leading_variant for day in (4, 5, 8, 9)] == [0, 1, 1, 2]


def test_a_measure_that_ends_leaves_nothing_behind(world):
    epidemic = begun(world, introduced=0)
    orders = Orders((Masks(last_day=2), WorkFromHome(share=0.9, last_day=2), ClosePlaces(last_day=2)))
    rules_of(epidemic, orders, NOTHING)
    assert (epidemic.bodies["habits"] & REMOTE).any()
    epidemic.day = 3
    today = rules_of(epidemic, orders, NOTHING).today

    assert not (epidemic.bodies["habits"] & REMOTE).any()
    assert not epidemic.bodies["wears"].any()
    assert not today.shut.any()
    assert (today.masks == 1).all()


def test_a_trigger_switches_on_and_off(world):
    trigger = Trigger("cases", above=50, below=20)
    epidemic, orders = begun(world, introduced=0), Orders((ClosePlaces(places=("bar",), first_day=2, trigger=trigger),))
    shut, cases = [], []
    for day, figure in enumerate([60.0, 60, 60, 30, 60, 10, 30, 51, 40]):
        epidemic.day = day
        shut.append(bool(rules_of(epidemic, orders, {**NOTHING, "cases": cases}).today.shut.any()))
        cases.append(figure)

    # On a day, the figures of the days before are known; from day 2 on.
    assert shut == [False, False, True, True, True, True, False, False, True]


def test_a_trigger_in_a_run_keeps_the_figure_below_what_it_would_be(city):
    disease = busy(400)
    usual = simulate(city, disease, days=60, seed=1)
    closing = ClosePlaces(
        places=("workplace", "school", "nursery", "restaurant", "bar", "worship", "gym"),
        trigger=Trigger("in_ward", above=100),
        cost_per_day=10.0,
    )
    result = simulate(city, disease, [closing], days=60, seed=1)
    in_ward, cost = column(result.curve, "in_ward") * 100_000 / 4_000, column(result.curve, "cost")

    assert 0 < (cost > 0).sum() < 60
    assert ((cost[1:] > 0) == (in_ward[:-1] > 100)).all()  # decided by the day before
    assert column(usual.curve, "in_ward").max() > column(result.curve, "in_ward").max()
    first = int(np.flatnonzero(cost)[0])
    assert column(result.curve, "infections")[:first].tolist() == column(usual.curve, "infections")[:first].tolist()


@pytest.mark.parametrize("what", FIGURES)
def test_every_figure_of_the_curve_can_be_a_trigger(city, what):
    never = simulate(city, busy(600), [Masks(effect=0.9, trigger=Trigger(what, above=1e12))], days=12, seed=1)
    always = simulate(city, busy(600), [Masks(effect=0.9, trigger=Trigger(what, below=1e12))], days=12, seed=1)
    assert column(always.curve, "infections").sum() < column(never.curve, "infections").sum()


def test_seven_days_are_summed_for_each_hundred_thousand(city):
    disease = busy(600)
    infections = column(simulate(city, disease, days=20, seed=1).curve, "infections")
    weekly = np.array([infections[max(day - 6, 0) : day + 1].sum() for day in range(20)]) * 100_000 / 4_000
    threshold = float(np.sort(weekly)[12]) - 1e-6
    measure = Masks(effect=0.0, trigger=Trigger("infections", above=threshold), cost_per_day=1.0)
    cost = column(simulate(city, disease, [measure], days=20, seed=1).curve, "cost")

    assert cost[1:].tolist() == (weekly[:-1] > threshold).astype(float).tolist()


def test_costs_count_those_concerned(world):
    epidemic = begun(world, introduced=0)
    orders = Orders((Masks(compliance=0.4), WorkFromHome(share=0.5), Schools(mode="half_classes"), ClosePlaces()))
    rules_of(epidemic, orders, NOTHING)
    masks, remote, schools, bars = orders.measures

    assert concerned(epidemic, orders, masks) == pytest.approx(0.4 * 4_000)
    assert concerned(epidemic, orders, remote) == (epidemic.bodies["habits"] & REMOTE > 0).sum()
    assert concerned(epidemic, orders, schools) == world.is_pupil.sum() / 2
    assert concerned(epidemic, orders, bars) == world.staff[world.kinds == 8].sum()
    assert concerned(epidemic, orders, replace(schools, mode="closed")) == world.is_pupil.sum()
