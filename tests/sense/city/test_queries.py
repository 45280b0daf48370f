import json
import math

import pytest

from epipolis.sense.city import queries, services
from epipolis.sense.city.models import District

from .factories import AT, SIDE, SOUTH, WEST, district, load, neighbourhood, people_of, place

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["Harbour", "harbour", " HARBOUR ", "Ｈａｒｂｏｕｒ", "Demo Harbour", "demoharbour", "d1"])
def test_a_district_is_found_by_name_full_name_and_code(text):
    found = district()

    assert queries.district_named(text) == found


@pytest.mark.parametrize("text", ["", "Harb", "Nowhere", "\0", "x" * 100_000, "D1'; DROP TABLE city_district; --"])
def test_a_text_that_names_no_district_finds_none(text):
    district()

    assert queries.district_named(text) is None


def test_a_name_that_two_districts_share_finds_neither_and_their_codes_find_each():
    one, other = district("D1", "Centre"), district("D2", "Centre", west=WEST + SIDE, full_name="Other Centre")

    assert queries.district_named("Centre") is None
    assert [queries.district_named(code) for code in ("D1", "D2")] == [one, other]


def test_both_ways_to_write_tai_name_the_same_district():
    found = district("63", "臺西區", full_name="臺北市臺西區")

    assert [queries.district_named(text) for text in ("台西區", "台北市臺西區")] == [found, found]


def test_a_district_is_remembered_over_many_rows(django_assert_num_queries):
    found = district()

    with django_assert_num_queries(2):  # the stamp, the districts
        answers = {queries.district_named("Harbour") for _ in range(1_000)}

    assert answers == {found}


def test_a_neighbourhood_of_a_shared_name_is_found_with_its_district(tmp_path):
    load(tmp_path)

    assert queries.neighbourhood_named("Docks") is None
    assert queries.neighbourhood_named("docks", queries.district_named("Hill")).code == "N3"
    assert queries.neighbourhood_named("n1").code == "N1"


def test_a_point_is_in_the_neighbourhood_around_it(tmp_path):
    load(tmp_path)
    inside, far = (WEST + 0.06, SOUTH + 0.01), (0.0, 0.0)

    assert queries.neighbourhood_at(*inside).code == "N2"
    assert queries.neighbourhood_at(*far) is None


def test_a_point_on_a_shared_border_belongs_to_the_first_neighbourhood(tmp_path):
    load(tmp_path)

    assert queries.neighbourhood_at(WEST + SIDE / 2, SOUTH + 0.01).code == "N1"


def test_many_points_are_answered_like_single_ones(shared_data):
    services.load_city(shared_data / "taipei_city", by="tester", at=AT)
    lons = [121.45 + 0.01 * step for step in range(20)] * 2
    lats = [25.02] * 20 + [25.08] * 20

    bulk = queries.neighbourhoods_at(lons, lats)

    assert bulk == [queries.neighbourhood_at(lon, lat) for lon, lat in zip(lons, lats, strict=True)]
    assert queries.neighbourhood_at(121.5645, 25.0375).full_name == "臺北市信義區西村里"
    assert sum(area is not None for area in bulk) > 15


def test_no_point_and_no_points_find_nothing():
    neighbourhood()

    assert queries.neighbourhoods_at([math.nan, WEST], [math.nan, math.nan]) == [None, None]
    assert queries.neighbourhoods_at([], []) == []


def test_without_neighbourhoods_every_point_is_outside():
    assert queries.neighbourhood_at(1.0, 1.0) is None


def test_a_new_neighbourhood_is_noticed(tmp_path):
    assert queries.neighbourhood_at(WEST + 0.01, SOUTH + 0.01) is None

    load(tmp_path)

    assert queries.neighbourhood_at(WEST + 0.01, SOUTH + 0.01).code == "N1"


def test_people_of_a_district_are_its_own_count_or_else_that_of_its_parts():
    counted, summed = district(), district("D2", "Hill", west=WEST + SIDE)
    people_of(counted, 100)
    people_of(neighbourhood(within=counted), 30)
    people_of(neighbourhood("N2", "Top", within=summed), 7)

    assert queries.population() == {counted.id: 100, summed.id: 7}
    assert queries.total_population() == 107


def test_age_bands_share_a_counted_band_by_its_years():
    area = district()
    people_of(area, 100, age_from=0, age_to=9)
    people_of(area, 40, age_from=10, age_to=None)

    bands = queries.population_by_age([(0, 4), (5, 11), (12, None)])

    assert bands == {area.id: {(0, 4): 50, (5, 11): 90, (12, None): 0}}


def test_age_bands_of_taipei_hold_everybody(shared_data):
    services.load_city(shared_data / "taipei_city", by="tester", at=AT)

    bands = queries.population_by_age([(0, 17), (18, 64), (65, None)])

    assert {key: sum(row.values()) for key, row in bands.items()} == queries.population()


def test_places_are_found_by_id_and_by_code():
    made = place()

    assert queries.places_by_id([made.id, made.id, 10**12]) == {made.id: made}
    assert queries.place_coded("P1") == made
    assert [queries.place_coded(code) for code in ("p9", "", "a\0")] == [None, None, None]


@pytest.mark.parametrize("text", ["blue", "BLUE CAF", "p1", "quay"])
def test_a_place_is_found_by_a_part_of_its_name_or_address(text):
    made = place(address="1 Quay")
    place("P2", "School", "school")

    assert list(queries.matching_places(text)) == [made]


def test_layers_hold_each_area_with_its_figures(tmp_path):
    load(
        tmp_path,
        population="district,sex,age,population\nHarbour,,0,1070\n",
        places="code,name,kind,lon,lat\nP1,A,shop,-20,30\n",
    )

    drawn = {level: json.loads(queries.layer(level).body)["features"] for level in ("districts", "neighbourhoods", "places")}

    assert {level: len(features) for level, features in drawn.items()} == {"districts": 2, "neighbourhoods": 3, "places": 1}
    assert drawn["districts"][0]["properties"] == {"code": "D1", "name": "Harbour", "people": 1070, "density": 10}
    assert drawn["places"][0]["geometry"] == {"type": "Point", "coordinates": [-20.0, 30.0]}


def test_a_layer_gets_a_new_tag_when_something_changes_and_keeps_it_otherwise():
    place()
    first = queries.layer("places").tag

    same = queries.layer("places").tag
    place("P2", "School", "school")

    assert same == first
    assert queries.layer("places").tag != first


def test_an_overview_is_much_smaller_than_the_borders(shared_data):
    services.load_city(shared_data / "taipei_city", by="tester", at=AT)

    stored = sum(len(json.dumps(border)) for border in District.objects.values_list("border", flat=True))
    assert len(queries.layer("districts").body) < stored / 2


def test_there_is_no_other_layer():
    with pytest.raises(LookupError):
        queries.layer("streets")
