"""The raster answers as an exact test of every position against every border does."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from epipolis.engines.fence.areas import Areas, membership

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]


def wheel(seed, corners, parts):
    """Slices of a ragged disc that share their borders."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, corners * parts, endpoint=False)
    rim = np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(0.5, 1.5, corners * parts)[:, None]
    rim = np.vstack([rim, rim[:1]])
    return [[[(0.0, 0.0), *rim[part * corners : (part + 1) * corners + 1].tolist()]] for part in range(parts)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(2, 7), st.sampled_from([3, 17, 64, 200]))
def test_the_raster_agrees_with_shapely(seed, corners, parts, cells):
    polygons = wheel(seed, corners, parts)
    areas = Areas.from_polygons(polygons, cells=cells)
    x, y = np.random.default_rng(seed).uniform(-1.6, 1.6, (2, 2_000))
    held = np.array([shapely.contains_xy(shapely.Polygon(own[0]), x, y) for own in polygons])

    assert membership(areas, x, y).tolist() == np.where(held.any(0), held.argmax(0), -1).tolist()


def test_a_hole_and_a_second_part_count():
    hole, island = [(4, 4), (6, 4), (6, 6), (4, 6)], [(20, 0), (22, 0), (22, 2), (20, 2)]
    areas = Areas.from_polygons({"one": [SQUARE, hole, island]})

    assert membership(areas, [1, 5, 21, 15], [1, 5, 1, 1]).tolist() == [0, -1, 0, -1]


def test_a_point_on_a_shared_border_lies_in_exactly_one_area():
    east = [(10, 0), (20, 0), (20, 10), (10, 10)]
    north = [(0, 10), (20, 10), (20, 20), (0, 20)]
    single = [Areas.from_polygons([[ring]], cells=50) for ring in (SQUARE, east, north)]
    for x, y in [(10, 5), (5, 10), (15, 10), (10, 10), (10, 0.1)]:
        alone = [0 if membership(one, [x], [y])[0] == 0 else 1 for one in single]
        assert alone.count(0) == 1


def test_level_borders_inside_a_cell_are_seen():
    south, north = [(0, 0), (80, 0), (80, 40.3), (0, 40.3)], [(0, 40.3), (80, 40.3), (80, 80), (0, 80)]
    areas = Areas.from_polygons([[south], [north]], cells=10)

    assert membership(areas, [44, 44], [40.2, 40.4]).tolist() == [0, 1]


def test_where_areas_overlap_the_first_counts():
    small = [(2, 2), (3, 2), (3, 3), (2, 3)]

    assert membership(Areas.from_polygons([[small], [SQUARE]]), [2.5, 5], [2.5, 5]).tolist() == [0, 1]
    assert membership(Areas.from_polygons([[SQUARE], [small]]), [2.5, 5], [2.5, 5]).tolist() == [0, 0]


def test_no_place_lies_nowhere():
    areas = Areas.from_polygons([[SQUARE]])

    assert membership(areas, [np.nan, 5, np.inf, -1e300, 5], [5, np.nan, 5, 5, 1e300]).tolist() == [-1] * 5
    assert membership(areas, [], []).tolist() == []


def test_two_threads_find_what_one_finds():
    areas = Areas.from_polygons(wheel(1, 9, 5))
    x, y = np.random.default_rng(1).uniform(-1.6, 1.6, (2, 60_001))

    assert np.array_equal(membership(areas, x, y, threads=1), membership(areas, x, y, threads=2))


@pytest.mark.parametrize(
    ("polygons", "words"),
    [
        ({}, "between 1 and 32,767"),
        ({"a": [[(0, 0), (1, 1)]]}, "areas, a: a ring needs at least three"),
        ({"a": []}, "areas, a: has no border"),
        ({"a": [[(0, 0), (1, 0), (2, 0)]]}, "areas, a: has no border"),
        ({"a": [[(0, 0), (1, 99), (2, 0)]]}, "areas, a: a corner is not on the globe"),
    ],
)
def test_an_area_that_cannot_be_is_named(polygons, words):
    with pytest.raises(ValueError, match=words):
        Areas.from_polygons(polygons)


def test_the_districts_of_a_real_city(shared_data):
    collection = json.loads((shared_data / "taipei_city" / "districts.geojson").read_text(encoding="utf-8"))
    name = next(key for key, value in collection["features"][0]["properties"].items() if isinstance(value, str))
    areas = Areas.from_geojson(collection, name)
    x, y = np.random.default_rng(2).uniform([[121.4], [24.95]], [[121.7], [25.25]], (2, 20_000))
    shapes = [shape(feature["geometry"]) for feature in collection["features"]]
    held = np.array([shapely.contains_xy(one, x, y) for one in shapes])
    found = membership(areas, x, y)

    assert len(areas.names) == len(shapes)
    assert found.tolist() == np.where(held.any(0), held.argmax(0), -1).tolist()
    with pytest.raises(ValueError, match="feature 0: has no property 'nothing'"):
        Areas.from_geojson(collection, "nothing")
