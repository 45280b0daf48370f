"""The phone's page: no account, no name, no script."""

import re
from datetime import timedelta

import pytest

from epipolis.core import clock
from epipolis.sense.checkins import services
from epipolis.sense.checkins.models import Visit

from .factories import NOW, hours, venue

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]


def door(code: str) -> str:
    return f"/checkins/in/{code}/"


def open_code(client, found) -> str:
    return door(services.code_of(found))


def test_one_tap_checks_in_and_the_page_says_until_when(client):
    cafe = venue()

    page = client.get(open_code(client, cafe))
    done = client.post(open_code(client, cafe), {"companions": "2"}, follow=True)

    assert page.status_code == 200
    assert "Place cafe" in page.content.decode()
    assert "You are checked in" in done.content.decode()
    assert "21:30" in done.content.decode()  # half past one in the afternoon UTC, in the city's time
    assert list(Visit.objects.values_list("place_id", "companions", "is_open")) == [(cafe.place_id, 2, True)]


def test_the_pages_need_no_script_and_load_nothing(client):
    page = client.get(open_code(client, venue())).content.decode()

    assert re.findall(r"<script|<link|src=", page) == []


def test_looking_leaves_no_cookie_but_the_forms_own(client):
    client.get(open_code(client, venue()))

    assert "visitor" not in client.cookies


def test_the_pseudonym_is_signed_hidden_from_scripts_and_ends(client):
    client.post(open_code(client, venue()))

    cookie = client.cookies["visitor"]
    assert (cookie["httponly"], cookie["max-age"], cookie["path"], cookie["samesite"]) == (
        True,
        28 * 86_400,
        "/checkins/in/",
        "Lax",
    )
    client.cookies["visitor"] = "00000000-0000-4000-8000-000000000001:forged:signature"
    assert "no code yet" in client.get("/checkins/in/mine/").content.decode()


def test_the_same_phone_is_the_same_visitor_elsewhere_and_leaves_the_first_place(client):
    first, second = venue(), venue("shop", "retail")
    client.post(open_code(client, first))

    with clock.fixed(NOW + timedelta(minutes=10)):
        client.post(open_code(client, second))

    assert len(set(Visit.objects.values_list("visitor", flat=True))) == 1
    assert Visit.objects.get(place_id=first.place_id).left == NOW + timedelta(minutes=10)


def test_a_second_tap_stores_nothing_more(client):
    cafe = venue()

    for _ in range(3):
        assert client.post(open_code(client, cafe)).status_code == 302

    assert Visit.objects.count() == 1


def test_checking_out_ends_the_visit(client):
    client.post(open_code(client, venue()))

    with clock.fixed(NOW + timedelta(minutes=20)):
        page = client.post("/checkins/in/leave/", follow=True).content.decode()

    assert "You are not checked in" in page
    assert Visit.objects.get().left == NOW + timedelta(minutes=20)


def test_forget_me_gives_the_phone_a_new_pseudonym(client):
    cafe, bar = venue(), venue("bar")
    client.post(open_code(client, cafe))

    client.post("/checkins/in/forget-me/")
    client.post(open_code(client, bar))

    assert len(set(Visit.objects.values_list("visitor", flat=True))) == 2


def test_a_phone_shows_its_code_for_the_interview(client):
    client.post(open_code(client, venue()))

    page = client.get("/checkins/in/mine/").content.decode()

    spelled = re.search(r"<code>(.*?)</code>", page)[1]
    assert services.unspell(spelled) == Visit.objects.get().visitor


def test_a_phone_checks_in_at_most_twenty_times_a_day(client):
    doors = [open_code(client, venue(f"v{n}")) for n in range(21)]

    statuses = []
    for n, address in enumerate(doors):
        with clock.fixed(NOW + timedelta(minutes=n)):
            statuses.append(client.post(address).status_code)

    assert statuses == [302] * 20 + [429]


def test_one_network_address_cannot_flood_the_city(client):
    address = open_code(client, venue())
    statuses = []

    for _ in range(122):
        client.cookies.clear()
        statuses.append(client.post(address).status_code)

    assert statuses == [302] * 120 + [429] * 2


@pytest.mark.parametrize("code", ["x", "AAAA", "%00", "A" * 500, "<script>alert(1)<", "é", "../../etc"])
def test_a_forged_code_leads_to_a_clear_page(client, code):
    page = client.get(door(code))

    assert page.status_code == 404
    assert "<script>alert" not in page.content.decode()


def test_a_renewed_code_says_that_the_poster_is_old(client):
    cafe = venue()
    old = open_code(client, cafe)
    services.renew_code(cafe, by="test", at=NOW)

    page = client.post(old)

    assert (page.status_code, Visit.objects.count()) == (410, 0)
    assert "out of date" in page.content.decode()


@pytest.mark.parametrize(("minutes", "status"), [(-1, 403), (1, 200), (61, 410)])
def test_an_events_code_works_while_it_lasts(client, minutes, status):
    fair = venue("fair", "cultural", opens=NOW, closes=NOW + hours(1))

    with clock.fixed(NOW + timedelta(minutes=minutes)):
        assert client.get(open_code(client, fair)).status_code == status


def test_a_closed_venue_says_so(client):
    cafe = venue()
    services.close_venue(cafe, by="test", at=NOW)

    assert client.get(open_code(client, cafe)).status_code == 410


@pytest.mark.parametrize("companions", ["-1", "21", "x", "99999999999999999999", "1e9", "\0"])
def test_odd_numbers_of_companions_are_refused(client, companions):
    page = client.post(open_code(client, venue()), {"companions": companions})

    assert (page.status_code, Visit.objects.count()) == (422, 0)


def test_a_post_from_another_site_is_refused(client):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)

    assert strict.post(open_code(client, venue())).status_code == 403
