"""Signals for programs, and what is refused."""

from uuid import uuid4

import pytest

from epipolis.core import access, clock
from epipolis.understand.signals import services
from epipolis.understand.signals.models import Judgement, Look, Signal

from .factories import NOW, TODAY, town, usual
from .test_judging import signal
from .test_views import spot

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client, staff):
    client.force_login(staff("epidemiologist", name="ana"))

    def call(method, path, data=None, status=200, **headers):
        with clock.fixed(NOW):
            answer = getattr(client, method)(f"/api/v1/signals{path}", data, content_type="application/json", headers=headers)
        assert answer.status_code == status, answer.content
        return answer.json()

    return call


def test_a_program_reads_judges_and_takes_back(api):
    one = signal(course=[["2026-03-29", 20.0, 4.0, 9.0]])

    found = api("get", f"/{one.id}")
    assert found["why"][0].endswith("20 (confirmed cases by day of report).")
    assert "a year in each place" in found["how_often"]
    judged = api("post", f"/{one.id}/judge", {"state": "false_alarm", "reason": "backlog", "seen": "open"})
    assert (judged["state"], judged["judgements"][0]["reason"]) == ("false_alarm", "backlog")
    undone = api("post", f"/judgements/{judged['judgements'][0]['id']}/undo", {})
    assert (undone["after"], undone["is_undo"]) == ("open", True)
    api("post", f"/judgements/{judged['judgements'][0]['id']}/undo", {}, 409)
    assert Signal.objects.get().state == "open"


def test_the_list_comes_in_pieces_and_is_narrowed(api):
    for n in range(5):
        signal(day=TODAY.replace(day=n + 1), state="open" if n else "explained")
    spot()

    first = api("get", "/?limit=4")
    rest = api("get", f"/?limit=4&cursor={first['next']}")

    assert len({one["id"] for one in first["items"] + rest["items"]}) == 6
    assert len(api("get", "/?state=explained")["items"]) == 1
    assert len(api("get", "/?state=")["items"]) == 5
    assert api("get", "/?method=scan")["items"][0]["hot_spot"]["areas"] == ["D1", "D2"]
    assert len(api("get", "/hot-spots")["items"]) == 1
    assert api("get", "/record")[0]["raised"] == 5


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({}, "state"),
        ({"state": "solved"}, "state"),
        ({"state": "explained"}, "Say why"),
        ({"state": "explained", "reason": "x" * 501}, "at most 500"),
        ({"state": "explained", "reason": "x" * 5_000}, "reason"),
        ({"state": "looked_at", "seen": "explained"}, "Somebody else"),
        ({"state": 7}, "state"),
    ],
)
def test_a_bad_word_is_refused(api, sent, why):
    one = signal()

    found = api("post", f"/{one.id}/judge", sent, 422)

    assert why in found["detail"] + str(found.get("errors"))
    assert not Judgement.objects.exists()


def test_what_is_not_there_is_not_found(api):
    assert api("get", f"/{uuid4()}", status=404)["code"] == "not_found"
    assert api("post", f"/{uuid4()}/judge", {"state": "open"}, 404)["code"] == "not_found"
    api("post", "/judgements/99/undo", {}, 404)
    api("post", f"/judgements/{10**30}/undo", {}, 422)
    for query in ("/?limit=0", "/?state=nothing", "/?cursor=!!", "/?method=guess", "/?area=" + "x" * 100):
        api("get", query, status=422)


def test_a_look_is_queued_and_its_problems_are_read(api, deliver_events):
    usual(town(), days=20)
    api("post", "/looks", {}, 202)
    with clock.fixed(NOW):
        deliver_events()

    (found,) = api("get", "/looks")["items"]

    assert (found["kind"], found["problems"], found["judged"]["cases"]) == ("asked", [], 5)
    assert api("post", "/looks/past", {"since": "2026-03-20", "until": "2026-04-20"}, 422)["code"] == "invalid"
    api("post", "/looks/past", {"since": "2026-03-20", "until": "0001-01-01"}, 422)
    api("post", "/looks/past", {"since": "2026-03-28", "until": "2026-03-29"}, 202)
    with clock.fixed(NOW):
        deliver_events()
    assert Look.objects.filter(kind="past").count() == 2


def test_the_same_key_judges_once(api):
    one = signal()
    for _ in range(2):
        api("post", f"/{one.id}/judge", {"state": "looked_at"}, 200, **{"Idempotency-Key": "k1"})

    assert Judgement.objects.count() == 1


@pytest.mark.parametrize(("role", "status"), [("tracer", 403), ("kiosk", 403), ("registrar", 403), ("partner", 403)])
def test_who_may_not_judge_or_run_does_neither(client, staff, role, status):
    one = signal()
    made = services.judge_signal(one.id, "looked_at", by="ana", at=NOW)
    client.force_login(staff(role))

    for path in (f"/{one.id}/judge", f"/judgements/{made.id}/undo", "/looks", "/looks/past"):
        body = {"state": "explained", "reason": "x", "since": "2026-03-01", "until": "2026-03-02"}
        answer = client.post(f"/api/v1/signals{path}", body, content_type="application/json")
        assert answer.status_code == status, path
    one.refresh_from_db()
    assert one.state == "looked_at"
    assert Judgement.objects.count() == 1


def test_nobody_and_a_device_with_another_scope_see_nothing(client):
    one = signal()
    _device, token = access.issue_token("kiosk", ["checkins.record"], by=None, at=NOW, days=10_000)

    for path in ("/", f"/{one.id}", "/hot-spots", "/record", "/looks"):
        assert client.get(f"/api/v1/signals{path}").status_code == 401
        refused = client.get(f"/api/v1/signals{path}", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code in (401, 403)


def test_a_device_may_judge_with_its_scope_and_is_named(client):
    one = signal()
    _device, token = access.issue_token("desk", ["signals.judge"], by=None, at=clock.now(), days=1)

    answer = client.post(
        f"/api/v1/signals/{one.id}/judge", {"state": "looked_at"}, content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip

    assert answer.status_code == 200, answer.content
    assert Judgement.objects.get().by_name == "device:desk"
