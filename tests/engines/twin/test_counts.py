"""Broken tables and files are refused in one sentence that names the row and the rule."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from epipolis.engines.twin import build_city
from epipolis.engines.twin.area_files import read_areas
from epipolis.engines.twin.areas import Areas
from tests.engines.twin.counted import USUAL, areas_of, counted, population_of, square, usual


def changed(table, row, name, value):
    values = table.column(name).to_pylist()
    values[row] = value
    kind = None if isinstance(value, float) else table.schema.field(name).type
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values, kind))


BOWTIE = json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [0.02, 0.01], [0.02, 0], [0, 0.011], [0, 0]]]})
FLAT = json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [0.02, 0], [0.01, 0], [0, 0]]]})
OPEN = json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [0.02, 0], [0.02, 0.02], [0, 0.02]]]})
METRES = json.dumps({"type": "Polygon", "coordinates": [[[300, 0], [400, 0], [400, 90], [300, 0]]]})


@pytest.mark.parametrize(
    ("row", "name", "value", "sentence"),
    [
        (2, "code", "A1", "Areas, row 3, code: A1 stands already in row 2."),
        (2, "code", None, "Areas, row 3, code: is empty."),
        (1, "district", "", "Areas, row 2, district: is empty."),
        (3, "geometry", None, "Areas, row 4 (A3), geometry: must be a GeoJSON Polygon or MultiPolygon."),
        (
            3,
            "geometry",
            '{"type": "Point", "coordinates": [1, 2]}',
            "Areas, row 4 (A3), geometry: must be a GeoJSON Polygon or MultiPolygon.",
        ),
        (
            3,
            "geometry",
            '{"type": "Polygon", "coordinates": [[["a", 2]]]}',
            "Areas, row 4 (A3), geometry: must be a GeoJSON Polygon or MultiPolygon.",
        ),
        (
            3,
            "geometry",
            '{"type": "Polygon", "coordinates": []}',
            "Areas, row 4 (A3), geometry: must be a GeoJSON Polygon or MultiPolygon.",
        ),
        (
            3,
            "geometry",
            '{"type": "Polygon", "coordinates": [[]]}',
            "Areas, row 4 (A3), geometry: must be a GeoJSON Polygon or MultiPolygon.",
        ),
        (3, "geometry", "[1, 2]", "Areas, row 4 (A3), geometry: must be a GeoJSON Polygon or MultiPolygon."),
        (0, "geometry", OPEN, "Areas, row 1 (A0), geometry: every ring must have four points or more and end where it begins."),
        (0, "geometry", BOWTIE, "Areas, row 1 (A0), geometry: crosses or overlaps itself."),
        (0, "geometry", FLAT, "Areas, row 1 (A0), geometry: encloses no area."),
        (0, "geometry", METRES, "Areas, row 1 (A0), geometry: must be in degrees: longitude -180 to 180, latitude -90 to 90."),
        (0, "geometry", square(25.0, 21.5), "Areas, row 1 (A0), geometry: lies"),
    ],
)
def test_broken_areas_are_refused_in_one_sentence(row, name, value, sentence):
    areas = usual()

    with pytest.raises(ValueError, match=r"\.$") as refused:
        build_city(seed=1, areas=Areas(changed(areas.areas, row, name, value), areas.population))

    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("row", "name", "value", "sentence"),
    [
        (5, "area", "B9", "Population, row 6, area: there is no area B9."),
        (5, "area", None, "Population, row 6, area: is empty."),
        (5, "sex", "X", "Population, row 6, sex: must be female, male or all, not X."),
        (0, "sex", "all", "Population, row 1, sex: a count of all must not stand beside counts of women and men."),
        (5, "people", -3, "Population, row 6, people: must be a whole number from 0 to 1000000000, not -3."),
        (5, "people", 2.5, "Population, row 6, people: must be a whole number from 0 to 1000000000, not 2.5."),
        (5, "people", float("nan"), "Population, row 6, people: must be a whole number from 0 to 1000000000, not nan."),
        (5, "people", None, "Population, row 6, people: is missing."),
        (5, "age_from", 130, "Population, row 6, age_from: must be a whole number from 0 to 120, not 130."),
        (1, "age_to", 3, "Population, row 2, age_to: 3 is less than age_from, 5."),
        (1, "age_to", 15, "Population, row 2, age_from: ages 5 to 15 overlap ages 5 to 14 of row 8."),
        (1, "age_from", 4, "Population, row 2, age_from: ages 4 to 14 overlap ages 0 to 4 of row 1."),
        (7, "sex", "male", "Population, row 8: counts the same people as row 2."),
    ],
)
def test_broken_counts_are_refused_in_one_sentence(row, name, value, sentence):
    areas = usual()

    with pytest.raises(ValueError, match=r"\.$") as refused:
        build_city(seed=1, areas=Areas(areas.areas, changed(areas.population, row, name, value)))

    assert str(refused.value) == sentence


def test_holes_are_refused_in_one_sentence():
    areas = usual()
    table, counts = areas.areas, areas.population

    def refusal(population, table=table):
        with pytest.raises(ValueError, match=r"\.$") as refused:
            build_city(seed=1, areas=Areas(table, population))
        return str(refused.value)

    assert refusal(counts.slice(1)) == "Population: area A0 has no row for men aged 0 to 4."
    assert refusal(counts.filter(pc.field("age_from") != 0)) == "Population: nobody is counted at ages 0 to 4."
    assert refusal(counts.filter(pc.field("age_from") != 25)) == "Population: nobody is counted at ages 25 to 44."
    assert refusal(counts.filter(pc.field("area") != "A2")) == "Population: area A2 has no people counted."
    assert refusal(counts.slice(0, 0)) == "Population has no rows."
    assert refusal(counts.drop(["sex"])) == "Population has no column sex."
    assert refusal(counts.drop(["area"])) == "Population has no column area."
    nobody = np.tile(USUAL, (4, 2, 1))
    nobody[1] = 0
    assert refusal(population_of(nobody)) == "Population: nobody lives in area A1; leave it out or give its people."
    assert refusal(population_of(nobody[:1] // 10), areas_of(1)) == "A city needs at least 500 people, not 208."
    assert refusal(counts, table.drop(["code"])) == "Areas has no column code."
    assert refusal(counts, table.drop(["geometry"])) == "Areas has neither a column geometry nor columns lon and lat."
    assert refusal(counts, table.slice(0, 0)) == "Areas has no rows."


def test_what_cannot_be_built_is_refused_in_one_sentence(city):
    with pytest.raises(ValueError, match="not both"):
        build_city(1_000, seed=1, areas=usual())
    with pytest.raises(ValueError, match=r"between 1\.2 and 5 people, not 9"):
        build_city(seed=1, areas=usual(), household_size=9)
    with pytest.raises(ValueError, match="row 1, district: there is no district West"):
        build_city(seed=1, areas=Areas(areas_of(), usual().population, city.districts))
    with pytest.raises(ValueError, match=r"Districts, row 2, code: D01 stands already in row 1\."):
        build_city(seed=1, areas=Areas(areas_of(), usual().population, changed(city.districts, 1, "code", "D01")))
    with pytest.raises(ValueError, match="80° south"):
        build_city(seed=1, areas=Areas(areas_of(1, geometry=[square(10, 84)]), usual(1).population))


@pytest.fixture
def folder(tmp_path):
    features = [
        {
            "type": "Feature",
            "properties": {"district": "West", "village": f"Mill {number}", "village_id": f"V{number}"},
            "geometry": json.loads(square(10 + number * 0.01, 50)),
        }
        for number in range(2)
    ]
    (tmp_path / "villages.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    rows = [
        f"West,Mill {number},{sex},{age},{people}"
        for number in range(2)
        for sex in "FM"
        for age, people in (("0-17", 90), ("18-64", 300), ("65+", 80))
    ]
    (tmp_path / "population.csv").write_text("\n".join(["district,village,sex,age_group,population", *rows]))
    (tmp_path / "shops.csv").write_text("code,name,kind\n1,Corner,shop\n")
    return tmp_path


def test_a_folder_of_borders_and_counts_is_read(folder):
    city = build_city(seed=1, areas=read_areas(folder))

    assert sorted(city.ground.neighbourhoods.codes) == ["V0", "V1"]
    assert city.districts.column("name").to_pylist() == ["West"]
    assert counted(city, ((0, 17), (18, 64), (65, None))).tolist() == [[[90, 300, 80]] * 2] * 2


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "population.csv",
            "Mill 1,M,65+,80",
            "Mill 9,M,65+,80",
            r"population.csv, row 12, area: there is no single area West Mill 9\.",
        ),
        ("population.csv", "18-64,300", "18-64,many", r"population.csv, row 2, people: must be a whole number, not many\."),
        ("population.csv", "18-64", "adult", r"population.csv, row 2, age: must be years such as 7, 25-34 or 85\+\."),
        ("population.csv", "18-64,300", "18-64,-300", r"Population, row 2, people: must be a whole number from 0"),
        ("villages.geojson", "FeatureCollection", "", r"villages.geojson: is not a GeoJSON FeatureCollection"),
        ("population.csv", "village", "suburb", r"holds no borders \(GeoJSON\) with people counted"),
    ],
)
def test_a_broken_folder_is_refused_in_one_sentence(folder, file, old, new, sentence):
    text = (folder / file).read_text()
    (folder / file).write_text(text.replace(old, new, 1))
    if not new:
        (folder / file).write_text("[1]")

    with pytest.raises(ValueError, match=sentence):
        build_city(seed=1, areas=read_areas(folder))
