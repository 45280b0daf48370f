"""Cities built from counted areas: every count is met exactly, homes are plausible, and bad tables are refused."""

import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from epipolis.engines.twin import build_city
from epipolis.engines.twin.area_files import read_areas
from epipolis.engines.twin.areas import Areas, check_areas
from epipolis.engines.twin.places import CODES
from tests.engines.twin.counted import GROUPS, USUAL, areas_of, counted, population_of, square, usual
from tests.engines.twin.factories import column

TAIPEI = Path(__file__).parents[4] / "shared" / "data" / "taipei_city"


def has_whole_households(city):
    homes = city.homes
    sizes = np.diff(homes.household_start)
    first = homes.household_start[:-1]
    assert (sizes > 0).all()
    assert (homes.household == np.repeat(np.arange(len(sizes)), sizes)).all()
    for values in (homes.neighbourhood, homes.care_home):
        assert (values == np.repeat(values[first], sizes)).all()
    oldest = np.maximum.reduceat(homes.age, first)
    assert (oldest[homes.care_home[first] < 0] >= 18).all()


@st.composite
def tables(draw):
    areas, groups = draw(st.integers(1, 5)), draw(st.sampled_from([GROUPS, ((0, 17), (18, None)), ((0, 120),)]))
    sexes = draw(st.sampled_from([1, 2]))
    counts = [draw(st.integers(0, 400)) for _ in range(areas * sexes * len(groups))]
    counts = np.array(counts).reshape(areas, sexes, len(groups))
    counts[:, :, -1] += draw(st.integers(1, 50))
    counts[0, 0, -1] += 500
    return counts, groups


@settings(deadline=None, max_examples=60)
@given(tables(), st.integers(0, 5), st.sampled_from([1.3, 2.4, 4.0]))
def test_every_count_is_met_exactly_whatever_the_table(table, seed, household_size):
    counts, groups = table

    city = build_city(
        seed=seed, areas=Areas(areas_of(len(counts)), population_of(counts, groups)), household_size=household_size
    )

    met = counted(city, groups)
    assert (met.sum(axis=1) == counts.sum(axis=1)).all()
    assert counts.shape[1] == 1 or (met == counts).all()
    has_whole_households(city)


@pytest.fixture(scope="module")
def town():
    return build_city(seed=3, areas=usual(12))


def test_the_same_seed_builds_the_same_city_in_whatever_order_the_areas_stand(town):
    areas = usual(12)
    turned = Areas(areas.areas.take(list(range(11, -1, -1))), areas.population)
    again, other = build_city(seed=3, areas=turned), build_city(seed=4, areas=areas)

    assert again.people.equals(town.people)
    assert again.places.equals(town.places)
    assert not np.array_equal(other.homes.age, town.homes.age)


def test_names_and_coordinates_are_made_only_when_asked_for():
    city = build_city(seed=3, areas=usual(1))

    assert not {"people", "places", "neighbourhoods", "districts", "population"} & set(vars(city))
    assert city.people is city.people


def test_a_city_can_be_rebuilt_from_its_own_tables(city):
    again = build_city(seed=1, areas=Areas(city.neighbourhoods, city.population, city.districts))

    keys = [(name, "ascending") for name in ("neighbourhood", "sex", "age_from")]
    assert again.population.sort_by(keys).equals(city.population.sort_by(keys))
    for level in ("neighbourhoods", "districts"):
        was, now = (getattr(one, level).sort_by("code") for one in (city, again))
        assert now.select(["code", "name", "geometry"]).equals(was.select(["code", "name", "geometry"]))
        assert column(now, "area_m2") == pytest.approx(column(was, "area_m2"))


def test_households_are_plausible(town):
    homes, age = town.homes, town.homes.age.astype(int)
    sizes, first = np.diff(homes.household_start), homes.household_start[:-1]
    private = homes.care_home[first] < 0
    child = np.flatnonzero(homes.role == ord("C"))
    gap = age[homes.household_start[homes.household[child]]] - age[child]
    second = np.flatnonzero(homes.role == ord("B"))

    assert sizes[private].mean() == pytest.approx(2.4, abs=0.1)
    assert sizes[private].max() <= 7
    assert ((age < 18) == np.isin(homes.role, [ord("C")])).all()
    assert gap.min() >= 18
    assert np.percentile(gap, [5, 50, 95]) == pytest.approx([22, 30, 39], abs=2)
    assert np.percentile(abs(age[second] - age[second - 1]), 90) <= 8
    assert (homes.guardian[age < 12] >= 0).all()
    assert (homes.household[homes.guardian[age < 12]] == homes.household[age < 12]).all()
    assert (sizes[private] == 1).mean() == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize("wanted", [1.9, 2.4, 2.8])
def test_the_mean_household_is_the_one_asked_for(wanted):
    homes = build_city(seed=1, areas=usual(6), household_size=wanted).homes
    private = homes.care_home[homes.household_start[:-1]] < 0

    assert np.diff(homes.household_start)[private].mean() == pytest.approx(wanted, abs=0.12)


def test_some_of_the_oldest_live_in_care(town):
    homes, duties = town.homes, town.duties
    old = build_city(seed=1, areas=Areas(areas_of(), population_of(np.tile((20, 30, 40, 90, 90, 900), (4, 2, 1))))).homes

    assert homes.age[homes.care_home >= 0].min() >= 65
    assert (old.care_home >= 0).mean() > (homes.care_home >= 0).mean() > 0
    assert (duties.is_resident == (homes.care_home >= 0)).all()
    assert set(town.sites.kind[duties.place[duties.is_resident]]) == {CODES["care_home"]}


def test_children_without_any_adult_near_live_in_a_home():
    counts = np.tile(USUAL, (4, 2, 1))
    counts[2] = 0
    counts[2, :, 1] = 30

    homes = build_city(seed=1, areas=Areas(areas_of(), population_of(counts))).homes

    alone = homes.age[homes.care_home >= 0] < 18
    assert alone.sum() == 60


def test_ages_within_a_group_fall_off_with_survival():
    age = build_city(seed=1, areas=Areas(areas_of(), population_of(np.full((4, 2, 2), 4_000), ((0, 49), (50, None))))).homes.age
    years = np.bincount(age, minlength=121)

    assert years[:50].max() - years[:50].min() < 40
    assert (np.diff(years[60:100:10]) < 0).all()
    assert years[110:].sum() < 5


def test_everyone_has_one_duty_and_classes_are_of_one_school(town):
    homes, duties, sites = town.homes, town.duties, town.sites
    work, school = duties.is_staff, duties.is_pupil

    assert (work.astype(int) + school + duties.is_resident == (duties.place >= 0)).all()
    assert school[(homes.age >= 6) & (homes.age < 18)].all()
    assert homes.age[work].min() >= 18
    teamed = np.flatnonzero(duties.team >= 0)
    order = teamed[np.argsort(duties.team[teamed], kind="stable")]
    same = np.diff(duties.team[order]) == 0
    assert (np.diff(duties.place[order])[same] == 0).all()
    assert np.bincount(duties.team[school]).max() <= 36
    assert (np.bincount(duties.place[duties.place >= 0], minlength=len(sites.kind)) <= sites.capacity).all()


def grid_of(side):
    """Square kilometres, 50 degrees north."""
    step = 1 / 111.195
    wide = step / np.cos(np.radians(50))
    corners = [(10 + x * wide, 50 + y * step) for x in range(side) for y in range(side)]
    return areas_of(side**2, geometry=[square(*corner, step) for corner in corners], district=["One"] * side**2)


def test_jobs_gather_in_the_middle_and_people_work_near_home():
    side = 12
    city = build_city(seed=5, areas=Areas(grid_of(side), population_of(np.tile(USUAL, (side**2, 2, 1)) // 4)))
    duties, sites, centres = city.duties, city.sites, city.ground.centres
    works = sites.neighbourhood[duties.place[duties.is_staff]]
    lives = city.homes.neighbourhood[duties.is_staff]
    out = np.argsort(np.hypot(*centres.T))
    jobs = np.bincount(works, minlength=side**2)
    kilometres = np.hypot(*(centres[works] - centres[lives]).T) / 1000
    at_random = np.hypot(*(np.random.default_rng(1).permutation(centres[works]) - centres[lives]).T) / 1000

    assert jobs[out[:48]].sum() > 1.25 * jobs[out[-48:]].sum()
    assert np.median(kilometres) < 0.7 * np.median(at_random)


def test_homes_and_places_lie_inside_borders_of_every_shape():
    hole = [
        [[0, 0], [0.02, 0], [0.02, 0.02], [0, 0.02], [0, 0]],
        [[0.001, 0.001], [0.001, 0.019], [0.019, 0.019], [0.019, 0.001], [0.001, 0.001]],
    ]
    islands = [[[[0.05, 0], [0.06, 0], [0.06, 0.01], [0.05, 0]]], [[[0.3, 0.1], [0.301, 0.1], [0.301, 0.101], [0.3, 0.1]]]]
    thin = [[[0, 0.1], [0.2, 0.3], [0.2, 0.30001], [0, 0.10001], [0, 0.1]]]
    shapes = [
        {"type": "Polygon", "coordinates": hole},
        {"type": "MultiPolygon", "coordinates": islands},
        {"type": "Polygon", "coordinates": thin},
    ]
    table = areas_of(3, geometry=[json.dumps(shape) for shape in shapes])
    city = build_city(seed=1, areas=Areas(table, population_of(np.tile(USUAL, (3, 2, 1)))))
    drawn = {f"A{number}": shapely.geometry.shape(shape) for number, shape in enumerate(shapes)}

    for table in (city.people, city.places):
        points = shapely.points(column(table, "lon"), column(table, "lat"))
        where = column(table, "neighbourhood")
        assert set(where) == set(drawn)
        for code, shape in drawn.items():
            assert (shapely.distance(shape, points[where == code]) < 1e-6).all()
    assert column(city.neighbourhoods, "area_m2") == pytest.approx(
        [drawn[code].area * 111_195**2 for code in column(city.neighbourhoods, "code")], rel=1e-3
    )


def test_areas_may_be_given_by_their_middles():
    table = areas_of(
        3, geometry=None, district=None, lon=[-3.7, -3.68, -3.66], lat=[40.4, 40.41, 40.42], area_m2=[9e5, None, 4e6]
    )
    city = build_city(seed=1, areas=Areas(table, population_of(np.tile(USUAL, (3, 2, 1)))))

    rows = {row["code"]: row for row in city.neighbourhoods.to_pylist()}
    borders = {code: shapely.from_geojson(row["geometry"]) for code, row in rows.items()}
    where = column(city.people, "neighbourhood")
    assert [rows[f"A{number}"]["area_m2"] for number in range(3)] == pytest.approx([9e5, 2_080 / 8_000 * 1e6, 4e6])
    assert city.districts.column("code").to_pylist() == ["City"]
    for code, border in borders.items():
        own = shapely.points(*(column(city.people, name)[where == code] for name in ("lon", "lat")))
        assert (shapely.distance(border, own) < 1e-6).all()
        assert border.area * 111_195**2 * np.cos(np.radians(40.4)) == pytest.approx(rows[code]["area_m2"], rel=2e-3)


def test_neighbours_stand_near_each_other_in_order():
    ground = check_areas(Areas(grid_of(16), population_of(np.ones((256, 1, 1), int), ((0, None),)))).ground
    steps = np.hypot(*np.diff(ground.centres, axis=0).T)

    assert steps == pytest.approx(1_000, rel=0.01)


@pytest.mark.skipif(not TAIPEI.is_dir(), reason="the reference data of Taipei are not here")
def test_all_of_taipei_is_built_as_counted():
    areas = read_areas(TAIPEI)
    city = build_city(seed=1, areas=areas)

    assert len(city.homes.age) == 2_705_921
    keys = ["area", "sex", "age_from"]
    given = areas.population.set_column(
        1, "sex", pc.replace_substring(pc.replace_substring(areas.population["sex"], "F", "female"), "M", "male")
    )
    built = (
        city.population.rename_columns({"neighbourhood": "area"})
        .select([*keys, "people"])
        .sort_by([(key, "ascending") for key in keys])
    )
    assert built.equals(given.select([*keys, "people"]).sort_by([(key, "ascending") for key in keys]).cast(built.schema))
    assert city.neighbourhoods.num_rows == 456
    assert sorted(city.ground.districts.names)[0] == "中山區"
    has_whole_households(city)
    homes = city.homes
    private = homes.care_home[homes.household_start[:-1]] < 0
    assert np.diff(homes.household_start)[private].mean() == pytest.approx(2.4, abs=0.05)
    assert (homes.guardian[(homes.age < 12) & (homes.care_home < 0)] >= 0).all()
