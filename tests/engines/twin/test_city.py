import json

import numpy as np
import pytest
import shapely

from epipolis.engines.twin import build_city
from epipolis.engines.twin.geography import draw_ground
from tests.engines.twin.factories import column


def shapes(table):
    return np.array([shapely.geometry.shape(json.loads(text)) for text in table.column("geometry").to_pylist()])


TABLES = ("districts", "neighbourhoods", "population", "people", "places")


def test_the_same_seed_builds_the_same_tables_and_another_seed_others(city):
    again, other = build_city(4_000, seed=7), build_city(4_000, seed=8)

    for name in TABLES:
        assert getattr(again, name).equals(getattr(city, name))
        assert not getattr(other, name).equals(getattr(city, name))


@pytest.mark.parametrize("people", [500, 4_001, 12_345])
def test_a_city_has_exactly_the_people_asked_for(people):
    city = build_city(people, seed=2)

    assert city.people.num_rows == people
    assert column(city.people, "person").tolist() == list(range(people))
    assert column(city.places, "place").tolist() == list(range(city.places.num_rows))
    assert set(column(city.people, "neighbourhood")) <= set(column(city.neighbourhoods, "code"))


def test_the_population_table_counts_the_people(city):
    population = city.population.to_pylist()
    where, sex, age = (column(city.people, name) for name in ("neighbourhood", "sex", "age"))

    counted = [
        int(((where == row["neighbourhood"]) & (sex == row["sex"]) & (age >= row["age_from"]) & (age <= row["age_to"])).sum())
        for row in population
    ]

    assert counted == [row["people"] for row in population]
    assert sum(counted) == 4_000


@pytest.mark.parametrize(("people", "seed"), [(500, 1), (4_000, 7), (50_000, 1), (50_000, 2), (400_000, 3)])
def test_areas_are_valid_counter_clockwise_and_do_not_overlap(people, seed):
    ground = draw_ground(people, seed, (10.0, 55.0))
    small, large = ([shapely.from_geojson(text) for text in one.borders] for one in (ground.neighbourhoods, ground.districts))
    whole = sum(area.area for area in small)

    assert all(shapely.is_valid(small))
    assert all(shapely.is_valid(large))
    assert all(shapely.is_ccw([area.exterior for area in [*small, *large]]))
    assert shapely.union_all(small).area == pytest.approx(whole, rel=1e-9)
    assert shapely.union_all(large).area == pytest.approx(whole, rel=1e-9)
    assert sum(area.area for area in large) == pytest.approx(whole, rel=1e-9)
    assert 6 <= len(large) <= 12


def test_a_district_is_the_union_of_its_neighbourhoods(city):
    districts = dict(zip(column(city.districts, "code"), shapes(city.districts), strict=True))
    areas, parts = shapes(city.neighbourhoods), column(city.neighbourhoods, "district")

    for code, district in districts.items():
        assert shapely.union_all(areas[parts == code]).symmetric_difference(district).area < 1e-12


def test_everyone_lives_inside_their_neighbourhood(city):
    areas = dict(zip(column(city.neighbourhoods, "code"), shapes(city.neighbourhoods), strict=True))

    for table in (city.people, city.places):
        where, points = column(table, "neighbourhood"), shapely.points(column(table, "lon"), column(table, "lat"))
        for code, area in areas.items():
            assert shapely.covers(area, points[where == code]).all()


def test_stated_areas_are_those_of_the_polygons(city):
    stretch = 111_195.0**2 * np.cos(np.radians(city.centre[1]))

    for table in (city.districts, city.neighbourhoods):
        drawn = shapely.area(shapes(table)) * stretch
        assert drawn == pytest.approx(column(table, "area_m2"), rel=1e-3)


def test_households_are_plausible():
    people = build_city(20_000, seed=4).people
    household, age, home = (column(people, name) for name in ("household", "age", "residence"))
    sizes = np.bincount(household[home < 0])
    oldest = np.zeros(household.max() + 1, int)
    np.maximum.at(oldest, household, age)

    assert 2.2 < sizes[sizes > 0].mean() < 2.7
    assert sizes.max() <= 5
    assert (oldest >= 18).all()
    assert 0.15 < (age < 18).mean() < 0.28
    assert 0.12 < (age >= 65).mean() < 0.25
    assert age[home >= 0].min() >= 65
    assert 0.005 < (home >= 0).mean() < 0.009


def test_a_child_is_at_least_seventeen_years_younger_than_the_adult_who_takes_it_along(city):
    age, guardian, household = (column(city.people, name) for name in ("age", "guardian", "household"))
    child = np.flatnonzero(guardian >= 0)

    assert (age[child] < 12).all()
    assert (age[guardian[child]] - age[child] >= 17).all()
    assert (household[guardian[child]] == household[child]).all()


def test_people_of_one_household_share_home_and_language(city):
    household = column(city.people, "household")
    for name in ("neighbourhood", "lon", "lat", "address", "language"):
        values = column(city.people, name)
        first = np.searchsorted(household, household)
        assert (values == values[first]).all()


def test_children_learn_adults_work_and_nobody_has_two_duties(city):
    kinds = column(city.places, "kind")
    age, work, school, home = (column(city.people, name) for name in ("age", "workplace", "school", "residence"))

    assert ((work >= 0).astype(int) + (school >= 0) + (home >= 0)).max() == 1
    assert age[work >= 0].min() >= 18
    assert age[work >= 0].max() <= 66
    assert ((age >= 6) & (age < 18) & (school < 0)).sum() == 0
    assert set(kinds[school[school >= 0]]) == {"nursery", "school"}
    assert set(kinds[home[home >= 0]]) == {"care_home"}


def test_every_place_has_staff_and_every_class_a_size(city):
    work, school, team = (column(city.people, name) for name in ("workplace", "school", "team"))

    assert set(work[work >= 0]) == set(range(city.places.num_rows))
    classes = np.unique(team[school >= 0], return_counts=True)[1]
    assert 10 < classes.mean() < 30
    assert classes.max() <= 36


def test_birthdays_give_the_age_on_the_last_day_of_2025(city):
    age, year, month, day = (column(city.people, name) for name in ("age", "birth_year", "birth_month", "birth_day"))

    assert (year + age == 2025).all()
    assert set(month) == set(range(1, 13))
    assert day.max() == 31


def test_telephone_numbers_are_unique_and_cannot_ring(city):
    numbers = [number for number in city.people.column("phone").to_pylist() if number]

    assert len(set(numbers)) == len(numbers)
    assert all(number.startswith("+999") and len(number) == 14 for number in numbers)


def test_names_come_in_several_scripts(city):
    given = dict(zip(column(city.people, "language"), city.people.column("given_name").to_pylist(), strict=True))

    assert {"zh-Hant", "es", "en", "vi"} <= set(given)
    assert not given["zh-Hant"].isascii()


def test_codes_are_unique(city):
    for table in (city.districts, city.neighbourhoods, city.places):
        assert len(set(table.column("code").to_pylist())) == table.num_rows


def test_too_few_people_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="at least 500 people"):
        build_city(499, seed=1)


def test_too_many_people_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="at most 100000000 people"):
        build_city(10**12, seed=1)


def test_a_centre_near_the_pole_is_refused():
    with pytest.raises(ValueError, match="80° south"):
        build_city(500, seed=1, centre=(0.0, 89.0))
