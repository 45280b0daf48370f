"""What a run promises whatever is simulated: the same for the same seed, no measure that does harm, refusals."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.twin import (
    MEASURES,
    CheckFence,
    ClosePlaces,
    Curfew,
    FewerOutings,
    Immunity,
    IsolateCases,
    LimitCapacity,
    LimitTravel,
    Masks,
    QuarantineHouseholds,
    ReduceImports,
    Schools,
    TraceByBluetooth,
    TraceContacts,
    Vaccinate,
    WorkFromHome,
    build_city,
    simulate,
    simulate_many,
    well_mixed,
)
from epipolis.engines.twin import measures as kinds
from tests.engines.twin.factories import MONDAY, begun, busy, column, stays_on, today_of

TABLES = ("curve", "by_area", "by_age", "by_place", "costs", "truth")
LIFELONG = busy(600, immunity=Immunity(1.0, None))
FINDS = kinds.Testing(symptomatic=1.0, contacts=1.0, screening=0.05, days_to_sample=0.0, days_to_result=0.0)


def same(one, other):
    return all(getattr(one, name).equals(getattr(other, name)) for name in TABLES)


@pytest.fixture(scope="module")
def town():
    return build_city(3_000, seed=5)


def test_the_same_seed_gives_the_same_tables_beside_other_runs_too(town):
    orders = [FINDS, IsolateCases(), TraceContacts(), Masks(cost_per_unit=1), Schools(mode="half_classes")]
    alone = [simulate(town, LIFELONG, orders, days=30, seed=seed) for seed in (1, 2, 3)]
    together = simulate_many(town, LIFELONG, orders, days=30, seeds=(1, 2, 3))
    with ThreadPoolExecutor(3) as pool:
        crowded = list(pool.map(lambda seed: simulate(town, LIFELONG, orders, days=30, seed=seed), (1, 2, 3)))

    for one, other, third in zip(alone, together, crowded, strict=True):
        assert same(one, other)
        assert same(one, third)
        assert one.truth.num_rows > 60
    assert not same(alone[0], alone[1])


def test_a_run_goes_through_the_same_days_however_long_it_is(town):
    short, long = (simulate(town, LIFELONG, [FINDS, IsolateCases()], days=days, seed=1) for days in (15, 30))

    assert (
        long.curve.slice(0, 15)
        .select(["infections", "tests", "isolated"])
        .equals(short.curve.select(["infections", "tests", "isolated"]))
    )


def test_progress_is_told_after_each_day(town):
    told = []
    simulate(town, LIFELONG, days=5, progress=lambda done, total: told.append((done, total)))
    several = []
    simulate_many(town, LIFELONG, days=4, seeds=(1, 2, 3), progress=lambda done, total: several.append((done, total)))

    assert told == [(day, 5) for day in range(1, 6)]
    assert several == [(day, 12) for day in range(1, 13)]


SINGLE = {
    "testing": (FINDS,),
    "isolate_cases": (FINDS, IsolateCases()),
    "quarantine_households": (FINDS, QuarantineHouseholds()),
    "trace_contacts": (FINDS, TraceContacts(delay_days=0)),
    "trace_by_bluetooth": (FINDS, TraceByBluetooth(uptake=0.8, follows=1.0)),
    "check_fence": (FINDS, IsolateCases(compliance=0.2), CheckFence(raises_compliance_to=1.0)),
    "masks": (Masks(effect=0.6),),
    "close_places": (ClosePlaces(places=("restaurant", "bar", "worship", "gym")),),
    "limit_capacity": (LimitCapacity(places=("restaurant", "bar", "worship", "gym"), share=0.2),),
    "curfew": (Curfew(from_hour=17),),
    "schools": (Schools(mode="closed"),),
    "limit_travel": (LimitTravel(share=1.0),),
    "fewer_outings": (FewerOutings(share=0.7),),
    "work_from_home": (WorkFromHome(share=0.8),),
    "vaccinate": (Vaccinate(vaccine="mRNA", per_day=600),),
    "reduce_imports": (ReduceImports(share=1.0),),
}
SEEDS = range(6)
IMPORTING = replace(
    LIFELONG,
    imported_per_100k_daily=60.0,
    vaccines=(replace(LIFELONG.vaccines[0], doses=1, interval_days=0.0, days_to_protect=3.0),),
)


def sizes(town, orders, days=28):
    return np.array([run.truth.num_rows for run in simulate_many(town, IMPORTING, orders, days=days, seeds=SEEDS)])


@pytest.fixture(scope="module")
def unmitigated(town):
    return sizes(town, ())


def test_every_kind_of_measure_is_held_to_this():
    assert set(SINGLE) == {kind.kind() for kind in MEASURES}


@pytest.mark.parametrize("name", SINGLE)
def test_no_measure_raises_the_number_of_infections(town, unmitigated, name):
    without = sizes(town, SINGLE[name][:-1]) if len(SINGLE[name]) > 1 else unmitigated
    change = sizes(town, SINGLE[name]) - without
    # Runs of one seed are compared, so that what is left of chance is the spread of the differences.
    error = change.std(ddof=1) / np.sqrt(len(change))

    if name == "testing":  # a test alone keeps nobody at home
        assert (change == 0).all()
        return
    assert change.mean() <= 2 * error
    assert change.mean() < 0 or name == "limit_travel"  # in so small a town the next district is around the corner


@pytest.mark.parametrize(
    "order",
    [
        *(Masks(effect=0.7), FewerOutings(share=0.9), WorkFromHome(share=1.0), Schools(mode="closed"), Curfew(from_hour=12)),
        ClosePlaces(places=("workplace", "school", "nursery", "restaurant")),
        LimitCapacity(places=("restaurant", "worship", "shop", "bar", "gym", "market"), share=0.0),
        Vaccinate(vaccine="mRNA", per_day=1_500, acceptance=1.0),
    ],
    ids=lambda order: order.kind(),
)
def test_the_more_follow_the_fewer_are_infected(town, unmitigated, order):
    half, whole = (sizes(town, [replace(order, compliance=share)]).mean() for share in (0.5, 1.0))

    assert np.array_equal(sizes(town, [replace(order, compliance=0.0)]), unmitigated)
    assert whole < half < unmitigated.mean()


@pytest.mark.parametrize("place", ["restaurant", "worship", "workplace", "transit_hub", "shop"])
def test_nobody_is_infected_where_it_is_closed(town, place):
    def infected(orders):
        runs = simulate_many(town, LIFELONG, orders, days=20, seeds=(1, 2))
        return sum(row["infections"] for run in runs for row in run.by_place.to_pylist() if row["setting"] == place)

    assert infected([]) > 0
    assert infected([ClosePlaces(places=(place,))]) == 0


def test_nobody_is_infected_in_closed_schools_and_fewer_in_half_classes(town):
    def infected(orders):
        counts = {"school": 0, "nursery": 0}
        for run in simulate_many(town, LIFELONG, orders, days=25, seeds=(1, 2, 3)):
            for row in run.by_place.to_pylist():
                if row["setting"] in counts:
                    counts[row["setting"]] += row["infections"]
        return counts

    usual, half, closed = (infected(orders) for orders in ([], [Schools(mode="half_classes")], [Schools(mode="closed")]))
    assert closed == {"school": 0, "nursery": 0}
    assert half["school"] < 0.8 * usual["school"]


def test_what_one_area_follows_changes_the_visits_of_that_area_alone(city, world):
    area = world.area_codes[0]
    own = world.area == 0
    for order in (FewerOutings(share=1.0), Curfew(from_hour=15), WorkFromHome(share=1.0), LimitTravel(share=1.0)):
        usual, limited = begun(world), begun(world)
        before = stays_on(usual, today_of(usual, day=1))
        limited_to = replace(order, compliance=0.0, compliance_by_area={area: 1.0})
        after = stays_on(limited, today_of(limited, limited_to, day=1))
        # Children go with their guardian, who lives in the same area.
        inside = [own[column(stays, "visitor")] for stays in (before, after)]
        assert (
            after.filter(pa.array(~inside[1]))
            .drop_columns(["companions"])
            .equals(before.filter(pa.array(~inside[0])).drop_columns(["companions"]))
        )
        assert not after.filter(pa.array(inside[1])).equals(before.filter(pa.array(inside[0])))


def test_closing_the_bars_of_one_area_leaves_the_others_open(world):
    area = int(world.place_area[world.kinds == 4][0])
    order = ClosePlaces(places=("restaurant",), compliance=0.0, compliance_by_area={world.area_codes[area]: 1.0})
    shut = today_of(begun(world), order).shut

    assert np.array_equal(shut == 1, (world.kinds == 4) & (world.place_area == area))


def test_measures_hold_on_their_days_alone(town):
    usual = simulate(town, LIFELONG, days=20, seed=1)
    later = simulate(town, LIFELONG, [Masks(effect=1.0, first_day=10)], days=20, seed=1)
    before = column(usual.curve, "infections")[:10]

    assert column(later.curve, "infections")[:10].tolist() == before.tolist()
    assert column(later.curve, "infections")[10:].sum() < column(usual.curve, "infections")[10:].sum()
    assert same(simulate(town, LIFELONG, [Masks(first_day=25)], days=20, seed=1), usual)


@pytest.mark.parametrize("days", [0, -3, 3_651, 4_000])
def test_a_run_of_no_days_or_of_ten_years_is_refused(town, days):
    for run in (simulate, simulate_many):
        with pytest.raises(ValueError, match=r"^A run takes between 1 and 3650 days, not -?\d+\.$"):
            run(town, LIFELONG, days=days)


@pytest.mark.parametrize(
    ("orders", "sentence"),
    [
        ([Vaccinate(vaccine="sugar", per_day=5)], "has no vaccine called 'sugar'"),
        ([Schools(mode="closed"), Schools(mode="half_classes")], "both closed and in half classes"),
        ([Masks(compliance_by_area={"Atlantis": 0.4})], "no area of the city"),
        ([FINDS, FINDS], "stands twice"),
    ],
)
def test_measures_that_contradict_each_other_are_refused(town, orders, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(town, LIFELONG, orders, days=5)


def test_plain_contacts_can_be_simulated_as_well():
    result = simulate(well_mixed(1_000, 1), busy(5_000, transmissibility=3.0), [Masks(layers=("place",))], days=10)

    assert result.people == 1_000
    assert result.city == "contacts"
    assert set(result.by_place.column("setting").to_pylist()) == {"contacts", "abroad"}
    assert result.curve.column("date").to_pylist() == [MONDAY + timedelta(days=day) for day in range(10)]
