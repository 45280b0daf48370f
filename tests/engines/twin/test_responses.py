"""Tests, isolation, tracing and vaccination: each limit is kept and each order reaches those it should."""

from dataclasses import replace

import numpy as np
import pytest

from epipolis.engines.twin import CheckFence, QuarantineHouseholds, TraceByBluetooth, TraceContacts, Vaccinate, simulate
from epipolis.engines.twin.courses import ASYMPTOMATIC, NEVER
from epipolis.engines.twin.measures import IsolateCases
from epipolis.engines.twin.measures import Testing as Sampling
from epipolis.engines.twin.places import CODES
from epipolis.engines.twin.presence import HAS_APP
from tests.engines.twin.factories import busy, column, lived, stays_on

ILL = busy(2_000, symptomatic=(0.9,) * 10, isolates_when_ill=0.0)
FAST = {"symptomatic": 1.0, "days_to_sample": 0.0, "days_to_result": 0.0, "sensitivity": 1.0}


def last(world, orders, *, days=20, disease=ILL, **more):
    for epidemic, _, response in lived(world, disease, orders, days=days, **more):
        found = epidemic, response
    return found


def test_a_test_that_finds_nothing_makes_no_case(world):
    epidemic, _ = last(world, [Sampling(symptomatic=1.0, sensitivity=0.0)])
    rows = epidemic.infections

    assert (rows["sampled_on"] < NEVER).sum() > 50
    assert (rows["confirmed_on"] == NEVER).all()


def test_of_those_sampled_the_sensitive_share_is_found(world):
    epidemic, _ = last(world, [Sampling(**(FAST | {"sensitivity": 0.7}))], days=25)
    rows = epidemic.infections
    once = rows[(rows["sampled_on"] < NEVER) & (rows["first_sampled_on"] == rows["sampled_on"]) & (rows["result_on"] < 25)]
    found = once["confirmed_on"] < NEVER

    assert len(once) > 300
    assert found.mean() == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / len(once)))


def test_only_the_ill_seek_a_test_and_as_many_of_them_as_is_said(world):
    epidemic, _ = last(world, [Sampling(**(FAST | {"symptomatic": 0.5}))])
    rows = epidemic.infections
    ill = (rows["course"] != ASYMPTOMATIC) & (rows["onset"] >= 0) & (rows["onset"] < 15) & (rows["severe_on"] > 20)

    assert (rows["sampled_on"][rows["course"] == ASYMPTOMATIC] == NEVER).all()
    assert (rows["sampled_on"][ill] < NEVER).mean() == pytest.approx(0.5, abs=0.07)
    assert (rows["sampled_on"][ill] >= rows["onset"][ill]).all()


def test_results_wait_and_some_of_them_for_monday(world):
    fast, slow = (
        last(world, [Sampling(**(FAST | delays))], days=25)[0].infections
        for delays in ({}, {"days_to_sample": 2.0, "days_to_result": 1.5})
    )

    def waits(rows):
        rows = rows[(rows["confirmed_on"] < 25) & (rows["onset"] >= 0) & (rows["onset"] < 14)]
        return (rows["confirmed_on"] - rows["onset"]).mean()

    assert waits(slow) - waits(fast) == pytest.approx(3.5, abs=0.7)
    weekday = np.bincount(fast["confirmed_on"][fast["confirmed_on"] < 21] % 7, minlength=7)
    assert weekday[5:].mean() < 0.8 * weekday[:5].mean()


@pytest.mark.parametrize("capacity", [0, 100, 900])
def test_no_more_tests_are_done_than_can_be(city, capacity):
    orders = [
        *(Sampling(symptomatic=1.0, contacts=1.0, screening=0.01, capacity_per_100k=capacity),),
        *(TraceContacts(), QuarantineHouseholds()),
    ]
    curve = simulate(city, ILL, orders, days=25, seed=1).curve
    tests = column(curve, "tests")

    assert tests.max() <= capacity * 4_000 / 100_000
    assert capacity == 0 or tests[5:].min() == int(capacity * 4_000 / 100_000)
    unlimited = simulate(city, ILL, [replace(orders[0], capacity_per_100k=None), *orders[1:]], days=25, seed=1).curve
    assert column(unlimited, "tests").max() > 100
    assert column(curve, "cases").sum() < column(unlimited, "cases").sum()


def test_who_waits_for_a_test_gets_it_later(world):
    epidemic, _ = last(
        world, [Sampling(**FAST, capacity_per_100k=300)], days=40, disease=replace(ILL, introduced_per_100k=4_000)
    )
    rows = epidemic.infections
    sampled = rows[(rows["sampled_on"] < NEVER) & (rows["onset"] >= 0)]

    assert (sampled["sampled_on"] - sampled["onset"]).max() > 7
    assert len(sampled) > 50


def test_confirmed_cases_stay_at_home_for_their_days(world):
    stays = []

    def see(epidemic, rules):
        stays.append(set(column(stays_on(epidemic, rules.today), "visitor")))

    disease = replace(ILL, severe=(0.0,) * 10, critical=(0.0,) * 10, dies=(0.0,) * 10)
    for epidemic, *_ in lived(world, disease, [Sampling(**FAST), IsolateCases(days=6)], days=20, see=see):
        rows = epidemic.infections
    cases = rows[rows["confirmed_on"] < 10]
    for day in range(20):
        isolated = cases["person"][(cases["confirmed_on"] < day) & (day <= cases["confirmed_on"] + 6)]
        assert not set(isolated.tolist()) & stays[day]
    free = cases["person"][cases["confirmed_on"] + 6 < 18]
    assert len(free) > 30
    assert len(set(free.tolist()) & (stays[18] | stays[19])) > 0.8 * len(free)


def test_people_at_home_by_order_are_counted_and_come_back(city):
    disease = replace(ILL, imported_per_100k_daily=0.0)
    orders = [
        Sampling(**FAST, last_day=25),
        *(IsolateCases(days=7, last_day=25), QuarantineHouseholds(days=9, last_day=25), TraceContacts(last_day=25)),
    ]
    curve = simulate(city, disease, orders, days=60, seed=1).curve
    isolated, quarantined = column(curve, "isolated"), column(curve, "quarantined")

    assert isolated.min() >= 0
    assert quarantined.min() >= 0
    assert isolated.max() > 20
    assert quarantined.max() > 100
    assert isolated[25 + 7 + 1 :].sum() == 0
    assert quarantined[25 + 14 + 1 :].sum() == 0
    assert isolated[0] == quarantined[0] == 0


def test_days_in_isolation_are_those_of_the_cases(city):
    disease = replace(ILL, severe=(0.0,) * 10, critical=(0.0,) * 10, dies=(0.0,) * 10)
    result = simulate(city, disease, [Sampling(**FAST), IsolateCases(days=5)], days=30, seed=1)
    confirmed = column(result.truth.filter(result.truth.column("confirmed_day").is_valid()), "confirmed_day")

    due = np.minimum(confirmed + 5, 29) - confirmed
    assert column(result.curve, "isolated").sum() == due.sum() > 500


def test_households_of_cases_are_told_to_stay(world):
    told = {}

    def see(epidemic, rules):
        told[epidemic.day] = epidemic.bodies["home_until"].copy()

    for epidemic, *_ in lived(world, ILL, [Sampling(**FAST), QuarantineHouseholds(days=8)], days=12, see=see):
        rows = epidemic.infections
    household = world.layout.people["household"]
    cases = rows[rows["confirmed_on"] == 6]
    members = np.setdiff1d(np.flatnonzero(np.isin(household, household[cases["person"]])), cases["person"])
    quarantined = epidemic.bodies["home_until"] >= 14

    assert len(members) > 10
    assert quarantined[members].all()
    assert set(household[np.flatnonzero(epidemic.bodies["home_until"] >= 0)]) <= set(
        household[rows["person"][rows["confirmed_on"] < 12]]
    )


def homebound(world, orders, **more):
    epidemic, _ = last(world, orders, days=14, **more)
    return epidemic, set(np.flatnonzero(epidemic.bodies["home_until"] >= 0).tolist())


def test_tracing_finds_households_and_classes_and_only_what_it_looks_for(world):
    people = world.layout.people
    one = TraceContacts(layers={"household": 1.0}, delay_days=0)
    epidemic, at_home = homebound(world, [Sampling(**FAST), one])
    rows = epidemic.infections
    cases = rows["person"][rows["confirmed_on"] < 14]
    homes = np.isin(people["household"], people["household"][cases])
    assert at_home <= set(np.flatnonzero(homes).tolist())
    assert len(at_home) > 50

    epidemic, at_home = homebound(world, [Sampling(**FAST), replace(one, layers={"class": 1.0})])
    rows = epidemic.infections
    cases = rows["person"][(rows["confirmed_on"] < 14) & np.isin(rows["person"], np.flatnonzero(world.is_pupil))]
    classes = np.isin(people["team"], people["team"][cases])
    in_school = np.isin(world.kinds[people["duty"]], [CODES["school"], CODES["nursery"]]) & (people["duty"] >= 0)
    assert at_home <= set(np.flatnonzero(in_school).tolist())
    assert len(at_home & set(np.flatnonzero(classes).tolist())) > 50


def test_tracers_take_no_more_cases_than_they_can(city):
    few, many = (
        simulate(city, ILL, [Sampling(**FAST), TraceContacts(capacity_per_100k=capacity)], days=20, seed=1).summary()["traced"]
        for capacity in (25, None)
    )
    none = simulate(city, ILL, [Sampling(**FAST), TraceContacts(capacity_per_100k=0)], days=20, seed=1).summary()["traced"]

    assert none == 0
    assert 0 < few < 0.5 * many


def test_telephones_warn_only_those_who_have_the_app(world):
    epidemic, at_home = homebound(world, [Sampling(**FAST), TraceByBluetooth(uptake=0.5, follows=1.0)])
    has_app = set(np.flatnonzero(epidemic.bodies["habits"] & HAS_APP).tolist())
    everyone = len(epidemic.bodies)

    assert at_home <= has_app
    assert len(at_home) > 50
    assert len(has_app) / everyone == pytest.approx(0.5, abs=0.04)
    _, half = homebound(world, [Sampling(**FAST), TraceByBluetooth(uptake=0.5, follows=0.4)])
    assert 0 < len(half) < 0.7 * len(at_home)
    assert homebound(world, [Sampling(**FAST), TraceByBluetooth(uptake=0.0)])[1] == set()


def test_a_checked_fence_keeps_more_of_them_at_home(world):
    loose = [Sampling(**FAST), IsolateCases(compliance=0.2)]
    _, few = homebound(world, loose)
    epidemic, many = homebound(world, [*loose, CheckFence(raises_compliance_to=0.95)])
    rows = epidemic.infections
    cases = set(rows["person"][rows["confirmed_on"] < 14].tolist())

    assert len(few) < 0.4 * len(many)
    assert len(many & cases) / len(cases) == pytest.approx(0.95, abs=0.04)


def test_doses_go_to_those_who_come_first_and_never_beyond_those_who_accept(world):
    order = Vaccinate(vaccine="mRNA", per_day=40, priority=("80+", "care", "staff", "60-79"), acceptance=0.7)
    given, firsts, seen = [], [], 0
    for epidemic, _, response in lived(world, busy(0), [order], days=45):
        new = np.flatnonzero(epidemic.vaccinated_on < NEVER)
        firsts.append(response.vaccinated)
        given.append(set(new.tolist()))
        seen += response.vaccinated
        assert len(new) == seen
    first_dose = np.array(firsts)
    second = np.concatenate([np.zeros(21, int), first_dose[:-21]])

    assert (first_dose + second <= 40).all()
    assert (first_dose[:10] == 40).all()
    oldest = np.flatnonzero(world.age >= 80)
    assert len(given[0] & set(oldest.tolist())) == min(40, len(given[0]))
    eligible = (world.age >= 60) | world.is_resident | world.is_carer
    assert set(np.flatnonzero(~eligible).tolist()).isdisjoint(given[-1])
    assert len(given[-1]) / eligible.sum() == pytest.approx(0.7, abs=0.05)
    young = [one for one in given[-1] if world.age[one] < 80 and not world.is_resident[one] and not world.is_carer[one]]
    began = {one: day for day in range(44, -1, -1) for one in given[day]}
    assert min(began[one] for one in young) >= max(began[one] for one in oldest.tolist() if one in began)


def test_nobody_is_vaccinated_twice_by_two_campaigns(world):
    orders = [
        Vaccinate(vaccine="vector", per_day=200, last_day=9),
        Vaccinate(vaccine="mRNA", per_day=300, first_day=10),
    ]
    total, first = 0, None
    for epidemic, _, response in lived(world, busy(0), orders, days=30):
        total += response.vaccinated
        if epidemic.day == 10:
            first = epidemic.vaccinated_on.copy()

    before = first < NEVER
    assert before.sum() == 2_000
    assert np.array_equal(epidemic.vaccinated_on[before], first[before])
    assert total == (epidemic.vaccinated_on < NEVER).sum()
    assert total / 4_000 == pytest.approx(0.8, abs=0.03)


def test_a_vaccine_in_time_prevents_infections_and_one_too_late_does_not(city):
    disease = busy(500, vaccines=(replace(busy().vaccines[0], doses=1, interval_days=0, days_to_protect=5),))
    usual = simulate(city, disease, days=40, seed=1).truth.num_rows
    early = simulate(city, disease, [Vaccinate(vaccine="mRNA", per_day=4_000, acceptance=1.0)], days=40, seed=1)
    late = simulate(city, disease, [Vaccinate(vaccine="mRNA", per_day=4_000, first_day=35)], days=40, seed=1)

    assert early.truth.num_rows < 0.5 * usual
    assert late.truth.num_rows == usual


def test_who_waits_for_a_sample_when_testing_ends_still_gets_it(world):
    testing = Sampling(symptomatic=1.0, days_to_sample=3.0, days_to_result=0.0, sensitivity=1.0, last_day=14)
    tests = [(epidemic.day - 1, response.tests) for epidemic, _, response in lived(world, busy(2_000), [testing], days=40)]

    assert all(count for day, count in tests if 5 <= day <= 14)
    assert sum(count for day, count in tests if 15 <= day <= 24) > 10
    assert not any(count for day, count in tests if day > 32)
