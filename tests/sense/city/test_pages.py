import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from .factories import district, load, neighbourhood, people_of, place

pytestmark = pytest.mark.django_db
PAGES = ("/city/", "/city/neighbourhoods/", "/city/places/")
JUNK = [
    "\0",
    "2147483648",
    "9223372036854775808",
    "-1",
    "99999999999999999999",
    "x" * 5_000,
    "<script>alert(1)</script>",
    "' OR 1=1",
]


@pytest.fixture
def viewer(client, staff):
    client.force_login(staff("epidemiologist"))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_so_when_there_is_nothing(viewer, page):
    response = viewer.get(page)

    assert response.status_code == 200
    assert 'class="empty"' in response.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_people_with_the_permission(client, staff, page):
    assert client.get(page).status_code == 302
    client.force_login(staff("kiosk"))
    assert client.get(page).status_code == 403


def test_the_overview_shows_people_area_and_density(viewer, tmp_path):
    load(tmp_path, population="district,sex,age,population\nHarbour,F,0,10703\n")

    page = viewer.get("/city/").content.decode()

    assert ("10,703" in page, "107.02" in page, ">100<" in page) == (True, True, True)


def test_a_district_shows_its_pyramid_and_its_neighbourhoods(viewer):
    area = district()
    neighbourhood(within=area)
    for sex in "FM":
        people_of(area, 321, sex=sex, age_from=7, age_to=7)

    page = viewer.get(f"/city/districts/{area.id}/").content.decode()

    assert ("5–9" in page, "321" in page, "Docks" in page) == (True, True, True)


def test_a_district_without_counts_says_so(viewer):
    assert "No counts by age" in viewer.get(f"/city/districts/{district().id}/").content.decode()


@pytest.mark.parametrize("path", ["districts", "places"])
@pytest.mark.parametrize("number", [10**6, 2**31, 2**63, 10**30])
def test_what_does_not_exist_is_not_found(viewer, path, number):
    assert viewer.get(f"/city/{path}/{number}/").status_code == 404


def test_a_place_shows_where_it_is(viewer):
    made = place(name="<b>Bold</b> Café", address="1 Quay")

    page = viewer.get(f"/city/places/{made.id}/").content.decode()

    assert ("&lt;b&gt;Bold" in page, "1 Quay" in page, "-19.99000, 30.01000" in page) == (True, True, True)


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", {"Alpha", "Beta"}), ("q=alph", {"Alpha"}), ("kind=shop", {"Beta"}), ("q=zzz", set()), ("kind=none", set())],
)
def test_places_are_filtered(viewer, query, shown):
    place("A", "Alpha", "school")
    place("B", "Beta", "shop")

    page = viewer.get(f"/city/places/?{query}").content.decode()

    assert {name for name in ("Alpha", "Beta") if f">{name}</a>" in page} == shown


def test_places_come_in_pages_and_a_page_beyond_the_last_is_the_last(viewer):
    for number in range(55):
        place(f"P{number:02}", f"Place {number:02}")

    pages = [viewer.get(f"/city/places/?page={page}").content.decode() for page in ("1", "2", "9223372036854775808", "x")]

    assert [len(re.findall(r'href="/city/places/\d+/"', page)) for page in pages] == [50, 5, 5, 50]


@pytest.mark.parametrize("page", PAGES[1:])
@pytest.mark.parametrize("name", ["q", "kind", "district", "page"])
@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_a_search_never_breaks_the_page(viewer, page, name, junk):
    district()

    response = viewer.get(page, {name: junk})

    assert response.status_code == 200
    assert "<script>alert(1)" not in response.content.decode()


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(("page", "expected"), [("/city/", 5), ("/city/places/", 5), ("/city/neighbourhoods/", 4)])
def test_pages_need_the_same_queries_for_any_number_of_rows(viewer, rows, page, expected):
    for number in range(rows):
        area = district(f"D{number}", f"District {number}")
        people_of(neighbourhood(f"N{number}", f"Lane {number}", within=area))
        place(f"P{number}", f"Place {number}")

    with CaptureQueriesContext(connection) as caught:
        viewer.get(page)

    own = [one["sql"] for one in caught if ' FROM "city_' in one["sql"] and 'AS "simulated" FROM' not in one["sql"]]
    assert len(own) == expected
