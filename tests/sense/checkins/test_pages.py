from datetime import timedelta
from uuid import uuid4

import pytest

from epipolis.core.models import AuditEntry
from epipolis.sense.checkins import queries, services
from epipolis.sense.checkins.models import Visit

from .factories import NOW, item, person, place, record, venue

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_venues_asks_the_same_questions_for_any_number(client, staff, rows, django_assert_max_num_queries):
    client.force_login(staff("tracer"))
    for n in range(rows):
        venue(f"v{n}")
        record(item(place=f"v{n}", companions=n))

    client.get("/checkins/")  # what a process looks up once, whichever test comes first
    with django_assert_max_num_queries(24):
        page = client.get("/checkins/").content.decode()

    assert page.count('<th scope="row">') == rows


def test_a_venues_page_shows_people_by_hour_and_its_link_to_those_who_manage_it(client, staff):
    cafe = venue()
    record(item(companions=2, arrived=NOW - timedelta(minutes=10)))
    address = f"/checkins/venues/{cafe.place_id}/"

    client.force_login(staff("tracer"))
    seen = client.get(address).content.decode()
    client.force_login(staff("operator"))
    managed = client.get(address).content.decode()

    assert services.code_of(cafe) not in seen
    assert services.code_of(cafe) in managed


def test_an_operator_registers_a_venue_and_prints_its_poster(client, staff):
    client.force_login(staff("operator"))
    where = place()

    done = client.post("/checkins/register/", {"place": "cafe", "kind": "food"})
    posters = [client.get(f"/checkins/venues/{where.id}/poster-{size}.pdf") for size in ("a4", "a6", "a3")]

    assert done.headers["Location"] == f"/checkins/venues/{where.id}/"
    assert [p.status_code for p in posters] == [200, 200, 404]
    assert posters[0].content.startswith(b"%PDF")


@pytest.mark.parametrize(
    "facts",
    [
        {"place": "nowhere", "kind": "food"},
        {"place": "a\0b", "kind": "food"},
        {"place": "cafe", "kind": "spaceship"},
        {"place": "cafe", "kind": "cultural"},
        {"place": "cafe", "kind": "food", "default_stay": "99999999999"},
        {"place": "cafe", "kind": "food", "opens": "2026-05-04T10:00", "closes": "2026-05-04T12:00"},
    ],
)
def test_a_venue_that_breaks_a_rule_is_explained(client, staff, facts):
    client.force_login(staff("operator"))
    place()

    assert client.post("/checkins/register/", facts).status_code == 422
    assert queries.venues().count() == 0


def test_a_code_is_renewed_when_the_venue_is_empty_or_it_must_be_now(client, staff):
    client.force_login(staff("operator"))
    cafe = venue()
    record(item(arrived=NOW - timedelta(minutes=1)))
    address = f"/checkins/venues/{cafe.place_id}/renew/"

    client.post(address)
    kept = queries.venue(cafe.place_id).key_number
    client.post(address, {"anyway": "on"})

    assert (kept, queries.venue(cafe.place_id).key_number) == (1, 2)


def test_a_tracer_writes_a_route_down(client, staff):
    client.force_login(staff("tracer"))
    venue()
    who = person()
    address = f"/checkins/routes/{who}/"
    times = {"arrived": "09:00", "left": "10:30"}

    client.post(address, {"consent": "on", "place": "cafe", "day": "2026-05-03"} | times)
    client.post(address, {"consent": "on", "new_name": "Aunt's shop", "new_kind": "shop", "day": "2026-05-02"})
    client.post(address, {"consent": "on", "place": "cafe", "day": "2026-05-01", "arrived": "23:00", "left": "01:00"})
    page = client.get(address).content.decode()

    found = list(Visit.objects.filter(visitor=who).order_by("arrived").values_list("exact", "arrived", "left"))
    assert [exact for exact, *_ in found] == [True, False, True]
    assert found[0][2] - found[0][1] == timedelta(hours=2)
    assert "Aunt&#x27;s shop" in page
    assert "possible" in page
    assert AuditEntry.objects.filter(action="people.read", person=who).exists()


@pytest.mark.parametrize(
    "facts",
    [
        {"place": "cafe", "day": "2026-05-03"},
        {"consent": "on", "day": "2026-05-03"},
        {"consent": "on", "place": "nowhere", "day": "2026-05-03"},
        {"consent": "on", "place": "cafe"},
        {"consent": "on", "place": "cafe", "day": "9999-12-31"},
        {"consent": "on", "place": "cafe", "day": "2026-06-03"},
        {"consent": "on", "place": "cafe", "day": "2026-05-03", "arrived": "09:00"},
        {"consent": "on", "place": "cafe", "day": "2026-05-03", "companions": "99"},
    ],
)
def test_a_stop_without_consent_place_or_day_is_not_kept(client, staff, facts):
    client.force_login(staff("tracer"))
    venue()

    assert client.post(f"/checkins/routes/{person()}/", facts).status_code == 422
    assert Visit.objects.count() == 0


def test_a_phone_is_linked_by_the_code_that_it_shows_and_unlinked_again(client, staff):
    client.force_login(staff("tracer"))
    phone, who = uuid4(), person()
    address = f"/checkins/routes/{who}/"

    client.post(f"{address}link/", {"visitor": services.spell(phone)})
    linked = queries.visitors_of(who)
    client.post(f"{address}unlink/{phone}/")

    assert linked == [who, phone]
    assert queries.visitors_of(who) == [who]
    assert client.post(f"{address}unlink/{who}/").status_code == 404


def test_a_stop_is_taken_back_from_the_page(client, staff):
    client.force_login(staff("tracer"))
    cafe, who = venue(), person()
    services.tell_route(who, [services.Stop(cafe.place_id, day=NOW.date())], by="test", at=NOW)
    arrived = Visit.objects.get().arrived.isoformat()

    refused = client.post(f"/checkins/routes/{who}/forget/", {"place": "x", "arrived": arrived})
    client.post(f"/checkins/routes/{who}/forget/", {"place": str(cafe.place_id), "arrived": arrived})

    assert (refused.status_code, Visit.objects.count()) == (404, 0)


def test_names_with_markup_stay_text(client, staff):
    client.force_login(staff("tracer"))
    who = person()
    name = "<script>alert(1)</script>"
    client.post(f"/checkins/routes/{who}/", {"consent": "on", "new_name": name, "day": "2026-05-02"})

    assert name not in client.get(f"/checkins/routes/{who}/").content.decode()
    assert name not in client.get("/checkins/places/?place=script").content.decode()
