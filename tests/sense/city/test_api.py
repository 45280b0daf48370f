import gzip
import json

import pytest

from .factories import SOUTH, WEST, district, load, place

pytestmark = pytest.mark.django_db
LAYERS = ("districts", "neighbourhoods", "places")


@pytest.fixture
def viewer(client, staff):
    client.force_login(staff("epidemiologist"))
    return client


def test_lists_give_areas_and_places(viewer, tmp_path):
    load(tmp_path, places="code,name,kind,lon,lat\nP1,A,shop,-19.99,30.01\n")

    found = {name: viewer.get(f"/api/v1/city/{name}").json() for name in LAYERS}

    assert {name: [item["code"] for item in page["items"]] for name, page in found.items()} == {
        "districts": ["D1", "D2"],
        "neighbourhoods": ["N1", "N2", "N3"],
        "places": ["P1"],
    }
    assert {page["next"] for page in found.values()} == {None}


def test_a_list_comes_in_pieces(viewer, tmp_path):
    load(tmp_path)

    first = viewer.get("/api/v1/city/neighbourhoods", {"limit": 2}).json()
    second = viewer.get("/api/v1/city/neighbourhoods", {"limit": 2, "cursor": first["next"]}).json()

    assert [item["code"] for page in (first, second) for item in page["items"]] == ["N1", "N2", "N3"]
    assert second["next"] is None


def test_one_of_each_is_given_by_id(viewer):
    made, area = place(), district()

    assert viewer.get(f"/api/v1/city/places/{made.id}").json()["name"] == "Blue Café"
    assert viewer.get(f"/api/v1/city/districts/{area.id}").json()["full_name"] == "Demo Harbour"
    assert viewer.get("/api/v1/city/neighbourhoods/1000000").status_code == 404


def test_a_point_tells_its_area(viewer, tmp_path):
    load(tmp_path)

    inside = viewer.get("/api/v1/city/at", {"lon": WEST + 0.01, "lat": SOUTH + 0.01}).json()
    outside = viewer.get("/api/v1/city/at", {"lon": 0, "lat": 0}).json()

    assert (inside["neighbourhood"], inside["district"]) == ("Docks", "Harbour")
    assert set(outside.values()) == {None}


@pytest.mark.parametrize("level", LAYERS)
def test_a_layer_is_sent_once_and_then_only_confirmed(viewer, tmp_path, level):
    load(tmp_path)
    first = viewer.get(f"/api/v1/city/{level}.geojson")

    again = viewer.get(f"/api/v1/city/{level}.geojson", headers={"If-None-Match": first["ETag"]})
    load(tmp_path, places="code,name,kind\nP1,A,shop\n", population="district,sex,age,population\nHill,,0,5\n")
    changed = viewer.get(f"/api/v1/city/{level}.geojson", headers={"If-None-Match": first["ETag"]})

    assert (first.status_code, first["Content-Type"], json.loads(first.content)["type"]) == (
        200,
        "application/geo+json",
        "FeatureCollection",
    )
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert changed.status_code == 200


def test_a_layer_is_packed_for_those_who_can_unpack(viewer, tmp_path):
    load(tmp_path)

    packed = viewer.get("/api/v1/city/districts.geojson", headers={"Accept-Encoding": "gzip, br"})
    plain = viewer.get("/api/v1/city/districts.geojson")

    assert gzip.decompress(packed.content) == plain.content


@pytest.mark.parametrize("path", [*LAYERS, *(f"{name}.geojson" for name in LAYERS), "at?lon=1&lat=1", "places/1"])
def test_the_city_is_for_people_with_the_permission(client, staff, path):
    assert client.get(f"/api/v1/city/{path}").status_code == 401
    client.force_login(staff("kiosk"))
    assert client.get(f"/api/v1/city/{path}").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "districts?limit=0",
        "districts?limit=2147483648",
        "districts?limit=9223372036854775808",
        "districts?cursor=nonsense",
        "places?q=a%00b",
        "places?kind=a%00b",
        "places?district=9223372036854775808",
        "places?q=" + "x" * 201,
        "neighbourhoods?district=0",
        "places/9223372036854775808",
        "districts/x",
        "at?lon=181&lat=0",
        "at?lon=nan&lat=0",
        "at?lon=inf&lat=0",
        "at?lon=1",
        "at?lon=%00&lat=0",
    ],
)
def test_bad_input_is_refused_with_the_field_and_the_rule(viewer, path):
    response = viewer.get(f"/api/v1/city/{path}")

    assert response.status_code == 422
    assert response.json()["code"] in ("invalid", "bad_cursor")
