import csv
import gzip
import json

import pytest

from epipolis.core.models import AuditEntry
from epipolis.sense.city import queries, services
from epipolis.sense.city.models import District, Neighbourhood, Place, PopulationCount

from .factories import AT, SIDE, WEST, feature, folder, load, square, three_neighbourhoods, two_districts

pytestmark = pytest.mark.django_db
POPULATION = "district,sex,age,population\nHarbour,F,0,10\nHarbour,M,0,12\nHarbour,F,100,3\nHill,,0-14,50\nHill,,15+,70\n"
PLACES = "code,name,kind,address,lon,lat,neighbourhood\nP1,Blue Café,café,1 Quay,-19.99,30.01,\nP2,School,school,,,,N3\n"


def test_taipei_is_loaded_with_every_area_and_every_person(shared_data):
    source = shared_data / "taipei_city"
    with (source / "district_population_by_age_2015_05.csv").open(encoding="utf-8") as file:
        by_district = list(csv.DictReader(file))
    with gzip.open(source / "village_population_by_age_2015_05.csv.gz", "rt", encoding="utf-8") as file:
        by_village = list(csv.DictReader(file))

    result = services.load_city(source, by="tester", at=AT)

    assert (result["districts"]["created"], result["neighbourhoods"]["created"]) == (12, 456)
    assert result["population"]["created"] == len(by_district) + len(by_village)
    assert queries.total_population() == sum(int(row["population"]) for row in by_district)
    counted = PopulationCount.objects.exclude(neighbourhood=None).values_list("people", flat=True)
    assert sum(counted) == sum(int(row["population"]) for row in by_village)
    assert result["problems"] == []
    repaired = [one["feature"] for one in result["warnings"] if one["field"] == "geometry"]
    assert repaired == ["feature 123 臺北市大同區老師里", "feature 128 臺北市內湖區寶湖里"]


def test_taipei_loaded_again_changes_nothing(shared_data):
    services.load_city(shared_data / "taipei_city", by="tester", at=AT)
    entries = AuditEntry.objects.count()

    result = services.load_city(shared_data / "taipei_city", by="tester", at=AT)

    changes = {(row["created"], row["changed"]) for name, row in result.items() if name not in ("problems", "warnings")}
    assert changes == {(0, 0)}
    assert AuditEntry.objects.count() == entries


def test_a_folder_with_all_four_files_is_loaded(tmp_path):
    result = load(tmp_path, population=POPULATION, places=PLACES)

    created = {table: row["created"] for table, row in result.items() if table not in ("problems", "warnings")}
    assert created == {"districts": 2, "neighbourhoods": 3, "population": 5, "places": 2}
    cafe, school = Place.objects.order_by("code")
    assert (cafe.neighbourhood.code, cafe.district.code) == ("N1", "D1")
    assert (school.neighbourhood.code, school.district.code) == ("N3", "D2")
    assert queries.population() == {cafe.district_id: 25, school.district_id: 120}


def test_a_changed_border_and_count_are_changed_and_nothing_else(tmp_path):
    load(tmp_path, population=POPULATION)
    moved = three_neighbourhoods()
    moved[0]["geometry"] = square(side=SIDE / 4)

    result = load(tmp_path, neighbourhoods=moved, population=POPULATION.replace("F,0,10", "F,0,11"))

    assert result["districts"] == {"created": 0, "changed": 0, "unchanged": 2}
    assert result["neighbourhoods"] == {"created": 0, "changed": 1, "unchanged": 2}
    assert result["population"] == {"created": 0, "changed": 1, "unchanged": 4}
    assert queries.neighbourhood_at(WEST + SIDE * 0.4, 30.04) is None


def test_a_count_that_the_file_no_longer_holds_is_removed(tmp_path):
    load(tmp_path, population=POPULATION)

    result = load(tmp_path, population=POPULATION.replace("Harbour,F,100,3\n", ""))

    assert result["population"]["removed"] == 1
    assert queries.total_population() == 142


def test_a_neighbourhood_without_a_district_property_goes_where_its_middle_lies(tmp_path):
    lonely = [feature(square(WEST + SIDE, side=0.02), code="N9", name="Lane")]

    load(tmp_path, neighbourhoods=lonely)

    assert Neighbourhood.objects.get().district.name == "Hill"


def test_an_area_without_its_size_gets_it_from_its_border(tmp_path):
    load(tmp_path)

    # A degree is 111.195 km on this sphere; the square's middle lies at 30.05° north.
    assert District.objects.get(code="D1").area_m2 == pytest.approx(11_119.5 * 11_119.5 * 0.86559, rel=1e-4)


def broken(geometry):
    return [feature(geometry, code="D1", name="Harbour")]


@pytest.mark.parametrize(
    ("geometry", "rule"),
    [
        (None, "must have a border of type Polygon or MultiPolygon"),
        ({"type": "Point", "coordinates": [1, 2]}, "must have a border of type Polygon or MultiPolygon"),
        ({"type": "Polygon", "coordinates": []}, "its border is empty"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "its border is not a readable polygon"),
        ({"type": "Polygon", "coordinates": [[["a", "b"]]]}, "its border is not a readable polygon"),
        ({"type": "Polygon"}, "its border is not a readable polygon"),
        (square(179.95), "its border must be in WGS84: longitude -180 to 180, latitude -90 to 90"),
        (square(300_000, 2_700_000, 100), "its border must be in WGS84: longitude -180 to 180, latitude -90 to 90"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
            "its border is broken: Self-intersection[0.5 0.5]",
        ),
    ],
)
def test_a_bad_border_is_named_with_its_feature_and_rule_and_nothing_is_stored(tmp_path, geometry, rule):
    with pytest.raises(services.CityError) as caught:
        load(tmp_path, districts=broken(geometry), neighbourhoods=[])

    expected = {"file": "districts.geojson", "feature": "feature 1 Harbour", "field": "geometry", "rule": rule}
    assert caught.value.report.problems == [expected]
    assert District.objects.count() == 0


def test_a_border_that_only_touches_itself_is_repaired_with_a_warning(tmp_path):
    side = SIDE / 2
    ring = square()["coordinates"][0]
    spike = [*ring[:2], [ring[1][0] + side, ring[1][1]], *ring[1:]]

    result = load(
        tmp_path, districts=[feature({"type": "Polygon", "coordinates": [spike]}, code="D1", name="Harbour")], neighbourhoods=[]
    )

    assert [one["feature"] for one in result["warnings"]] == ["feature 1 Harbour"]
    assert District.objects.get().area_m2 == pytest.approx(1.0703e8, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"code": "N2"}, "code", "the code N2 stands already at feature 2 Market"),
        ({"district": "Nowhere"}, "district", "there is no district Nowhere"),
        ({"district": "Harbour"}, "geometry", "lies outside its district Harbour"),
        ({"name": ""}, "name", "must have a name"),
        ({"name": "x" * 101}, "name", "must have at most 100 characters and no NUL"),
        ({"name": "a\0b"}, "name", "must have at most 100 characters and no NUL"),
        ({"area_m2": -1}, "area_m2", "must be a number of square metres above 0"),
        ({"area_m2": 2**63}, "area_m2", "must be a number of square metres above 0"),
    ],
)
def test_a_bad_neighbourhood_stops_the_whole_load(tmp_path, change, field, rule):
    areas = three_neighbourhoods()
    areas[2]["properties"] |= change

    with pytest.raises(services.CityError) as caught:
        load(tmp_path, neighbourhoods=areas)

    assert [(one["field"], one["rule"]) for one in caught.value.report.problems] == [(field, rule)]
    assert (District.objects.count(), Neighbourhood.objects.count()) == (0, 0)


def test_two_neighbourhoods_of_one_name_in_one_district_are_refused(tmp_path):
    areas = three_neighbourhoods()
    areas[1]["properties"]["name"] = "Docks"

    with pytest.raises(services.CityError, match="Harbour has this name already: feature 1 Docks"):
        load(tmp_path, neighbourhoods=areas)


def test_two_neighbourhoods_may_swap_their_names(tmp_path):
    load(tmp_path)
    areas = three_neighbourhoods()
    areas[0]["properties"]["name"], areas[1]["properties"]["name"] = "Market", "Docks"

    result = load(tmp_path, neighbourhoods=areas)

    assert result["neighbourhoods"]["changed"] == 2


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("Harbour,F,0,-1", "population"),
        ("Harbour,F,0,2147483648", "population"),
        ("Harbour,F,0,9223372036854775808", "population"),
        ("Harbour,F,0,ten", "population"),
        ("Harbour,F,0,=1+1", "population"),
        ("Harbour,F,999,1", "age"),
        ("Harbour,F,20-10,1", "age"),
        ("Harbour,Q,0,1", "sex"),
        ("Atlantis,F,0,1", "district"),
        (",F,0,1", "district"),
        ("Harbour,F,0", ""),
        ("Harbour,F,0,1,2", ""),
    ],
)
def test_a_bad_count_is_named_with_its_row(tmp_path, row, field):
    with pytest.raises(services.CityError) as caught:
        load(tmp_path, population=f"district,sex,age,population\nHill,F,3,4\n{row}\n")

    assert [(one["feature"], one["field"]) for one in caught.value.report.problems] == [("row 3", field)]
    assert PopulationCount.objects.count() == 0


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ("Hill,F,0-9,4\nHill,F,5-14,4", "overlaps the ages of row 2"),
        ("Hill,F,3,4\nHill,F,3,5", "counts the same people as row 2"),
        ("Hill,F,0,4\nHill,,0,8", "counts people of one sex beside a count of all"),
    ],
)
def test_nobody_is_counted_twice(tmp_path, rows, rule):
    with pytest.raises(services.CityError, match=rule):
        load(tmp_path, population=f"district,sex,age,population\n{rows}\n")


def test_a_bad_place_stops_the_whole_load(tmp_path):
    with pytest.raises(services.CityError, match=r"places\.csv: row 3: lat: must lie between -90 and 90"):
        load(tmp_path, places="code,name,kind,lon,lat\nP1,A,shop,-20,30\nP2,B,shop,-20,91\n")

    assert (District.objects.count(), Place.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"type": "FeatureCollection"}', b"\xff\xfe{", b'{"features": [1]}', b"[" * 100_000]
)
def test_a_file_that_is_no_geojson_is_refused_by_name(tmp_path, content):
    (tmp_path / "districts.geojson").write_bytes(content)

    with pytest.raises(ValueError, match=r"districts\.geojson: not "):
        services.load_city(tmp_path, by="tester", at=AT)


def test_an_empty_or_absent_folder_is_refused(tmp_path):
    for path, text in ((tmp_path, "holds no"), (tmp_path / "none", "no such folder")):
        with pytest.raises(ValueError, match=text):
            services.load_city(path, by="tester", at=AT)


def test_a_packed_table_that_is_cut_off_is_refused_and_stores_nothing(tmp_path):
    path = folder(tmp_path)
    whole = gzip.compress(POPULATION.encode() * 100)
    (path / "population.csv.gz").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(ValueError, match=r"population\.csv\.gz: cannot be unpacked"):
        services.load_city(path, by="tester", at=AT)

    assert District.objects.count() == 0


def test_an_unknown_table_is_left_alone_with_a_warning(tmp_path):
    (folder(tmp_path) / "weather.csv").write_text("day,rain\n2026-01-01,3\n", encoding="utf-8")

    result = services.load_city(tmp_path, by="tester", at=AT)

    assert [one["file"] for one in result["warnings"]] == ["weather.csv"]


def test_the_load_is_written_down_with_counts(tmp_path):
    load(tmp_path)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.at) == ("city.load", "tester", AT)
    assert entry.detail["counts"]["districts"]["created"] == 2


def test_a_simulated_city_says_so_in_every_row(tmp_path):
    services.load_city(folder(tmp_path, places=PLACES), by="tester", at=AT, simulated=True)

    flags = [set(model.objects.values_list("simulated", flat=True)) for model in (District, Neighbourhood, Place)]
    assert flags == [{True}, {True}, {True}]


def test_a_rule_pack_of_the_city_is_loaded_once(tmp_path):
    file = tmp_path / "own.yaml"
    parts = {"name": "own", "version": "1", "jurisdiction": "WHO", "source": "city council", "content": {"days": 3}}
    file.write_text(json.dumps(parts)[:-1] + ', "valid_from": 2026-01-01}', encoding="utf-8")

    results = [services.load_rule_file(file, by="tester", at=AT) for _ in range(2)]

    assert results[0] == results[1] == {"rules": "own WHO 1", "valid_from": "2026-01-01", "source": "city council"}


def test_districts_of_the_file_are_known_by_code_when_their_name_changes(tmp_path):
    load(tmp_path)
    renamed = two_districts()
    renamed[0]["properties"]["name"] = "Port"

    result = load(tmp_path, districts=renamed, neighbourhoods=[])

    assert (result["districts"]["changed"], District.objects.get(code="D1").name) == (1, "Port")
