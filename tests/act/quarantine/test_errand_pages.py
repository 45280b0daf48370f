"""Errands on the pages: who agrees them, what the order, the desk and the person's own page show, and who may not."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from epipolis.act.notices.models import Notice
from epipolis.act.quarantine import services
from epipolis.act.quarantine.models import Errand, OrderLink
from epipolis.core import clock

from .factories import NOW, again, issued
from .fences import AWAY, enrolled, walk

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def officer(client, staff):
    client.force_login(staff("tracer", name="tina"))
    return client


def local(minutes):
    return f"{(NOW + minutes * MINUTE).astimezone(clock.zone()):%Y-%m-%dT%H:%M}"


def asked(begins, until, **more):
    return {"reason": "doctor", "begins": local(begins), "until": local(until), "text": "Dr Lin"} | more


def url(name, row, *more):
    return reverse(f"quarantine:{name}", args=[row.id, *more])


def page(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def mine(row):
    return reverse("quarantine:mine", args=[services.token_of(OrderLink.objects.get(order=row, revoked=None))])


def test_an_errand_is_agreed_on_the_page_of_the_order_and_the_person_reads_it(officer):
    row, phone = enrolled()
    assert officer.post(url("errand", row), asked(10, 60)).status_code == 302

    one = Errand.objects.get()
    assert (one.reason, one.by, one.begins, one.until) == ("doctor", "tina", NOW + 10 * MINUTE, NOW + 60 * MINUTE)
    with clock.fixed(NOW + 20 * MINUTE):
        services.record_positions(walk(phone, (11, 16, 19), AWAY), by="test", at=clock.now())
        for address in (url("order", row), url("fence", row), mine(row)):
            shown = page(officer, address)
            assert "a doctor or a hospital" in shown
            assert "Dr Lin" in shown
        assert "agreed errand until 13:00" in page(officer, reverse("quarantine:desk"))
    assert "agreed errand" not in page(officer, reverse("quarantine:desk"))  # it has not begun yet
    assert "a doctor or a hospital" in page(officer, reverse("quarantine:false_alarms"))
    told = [notice for notice in Notice.objects.all() if notice.dedupe_key == f"errand:{one.id}:True"]
    assert len(told) == 1


def test_it_is_taken_back_on_the_page_and_the_person_reads_that_too(officer):
    row, _ = enrolled()
    officer.post(url("errand", row), asked(10, 60))
    one = Errand.objects.get()

    assert officer.post(url("end_errand", row, one.id)).status_code == 302

    assert again(one).ended_by == "tina"
    assert "taken back" in page(officer, mine(row))
    assert "Take back" not in page(officer, url("order", row)).split('id="errands"')[1].split("</section>")[0]


@pytest.mark.parametrize(
    "wrong", [{"begins": ""}, {"until": "soon"}, {"reason": "shopping"}, {"until": "2021-03-20T11:00"}, {"text": "\x00"}]
)
def test_what_cannot_be_agreed_is_said_at_its_field_and_stored_nowhere(officer, wrong):
    row = issued()

    answer = officer.post(url("errand", row), asked(10, 60) | wrong)

    assert answer.status_code == 422
    assert "invalid-feedback" in answer.content.decode()
    assert not Errand.objects.exists()


def test_an_hour_that_the_clock_leaves_out_is_refused_and_one_after_it_is_the_right_moment(officer, settings):
    settings.EPIPOLIS_ZONE = "Europe/Prague"
    row = issued()

    left_out = {"begins": "2021-03-28T02:30", "until": "2021-03-28T04:00"}
    over_it = {"begins": "2021-03-28T01:30", "until": "2021-03-28T03:30"}

    with timezone.override("Europe/Prague"):
        assert officer.post(url("errand", row), asked(0, 60) | left_out).status_code == 422
        assert officer.post(url("errand", row), asked(0, 60) | over_it).status_code == 302
    one = Errand.objects.get()
    assert (one.begins, one.until) == (datetime(2021, 3, 28, 0, 30, tzinfo=UTC), datetime(2021, 3, 28, 1, 30, tzinfo=UTC))


@pytest.mark.parametrize("role", ["epidemiologist", "registrar", "operator", "auditor", "partner"])
def test_whoever_may_not_agree_errands_is_refused_and_nothing_happens(client, staff, role):
    row, _ = enrolled()
    one = services.agree_errand(
        row.id, reason="test", begins=NOW, until=NOW + 60 * MINUTE, by="otto", at=NOW
    )  # fmt: skip
    client.force_login(staff(role))

    assert client.post(url("errand", row), asked(70, 90)).status_code == 403
    assert client.post(url("end_errand", row, one.id)).status_code == 403
    client.logout()
    assert client.post(url("end_errand", row, one.id)).status_code in (302, 403)
    assert Errand.objects.filter(ended=None).count() == 1


def test_an_errand_of_another_order_is_not_reached_through_this_one(officer):
    row, other = issued(), issued()
    one = services.agree_errand(other.id, reason="test", begins=NOW, until=NOW + 60 * MINUTE, by="otto", at=NOW)

    assert officer.post(url("end_errand", row, one.id)).status_code == 404
    assert officer.post(url("end_errand", row, 2**63)).status_code == 404
    assert Errand.objects.get().ended is None


def test_errands_go_with_their_order():
    row, _ = enrolled()
    services.agree_errand(row.id, reason="test", begins=NOW, until=NOW + 60 * MINUTE, by="otto", at=NOW)
    services.lift_order(row.id, reason="x", by="otto", at=NOW)
    services.sync_watch(row.id, at=NOW)

    services.forget_orders(NOW + timedelta(days=1), NOW + timedelta(days=999))

    assert not Errand.objects.exists()
    assert date(2021, 3, 20) == clock.local_day(NOW)
