"""Messages for programs, and the reports of providers: forged, replayed, twice, out of order, early and late."""

import hmac
import json
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

import pytest

from epipolis.act.notices import services
from epipolis.act.notices.models import Broadcast, DeliveryEvent, Inbound, Notice
from epipolis.act.notices.services.channels import SIGNATURE, simulated_secret
from epipolis.act.notices.services.channels.signatures import signed
from epipolis.core import clock
from epipolis.core.access import issue_token
from epipolis.core.models import AuditEntry

from .factories import NOW, notice, person
from .test_broadcasts import HEADS, TEXTS, areas  # noqa: F401 -- a fixture
from .test_pages import as_role  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db
API = "/api/v1/notices"


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


def sent(**values) -> Notice:
    """A message that the simulated provider has and of which it has told nothing yet."""
    row = notice(person(phones=["0912 555 100"]), **values)
    services.send_waiting(NOW)
    row.refresh_from_db()
    assert row.state == "sent"
    return row


def event(row: Notice, state: str, number: str = "", **more) -> dict:
    return {"id": number or f"{row.id} {row.step} {state}", "reference": f"{row.id}-{row.step}", "state": state} | more


def report(client, *events, messages=(), secret="", provider="simulated"):
    body = json.dumps({"events": list(events), "messages": list(messages)}).encode()
    header = signed(secret or simulated_secret(), body, time=int(NOW.timestamp()))
    return client.post(f"{API}/reports/{provider}", body, content_type="application/json", headers={SIGNATURE: header})


def state_of(row: Notice) -> str:
    row.refresh_from_db()
    return row.state


def test_a_signed_report_moves_a_message_on_and_its_repeat_changes_nothing(client):
    row = sent()

    assert report(client, event(row, "delivered")).json() == {"taken": 1}
    assert report(client, event(row, "delivered")).json() == {"taken": 0}
    assert state_of(row) == "delivered"
    assert row.events.filter(state="delivered").count() == 1


def test_a_forged_report_is_not_believed_and_leaves_nothing(client):
    row = sent()
    before = DeliveryEvent.objects.count()

    for answer in (
        report(client, event(row, "delivered"), secret="guessed"),
        report(client, event(row, "delivered"), provider="sms"),
        report(client, event(row, "delivered"), provider="whatsapp"),
        client.post(f"{API}/reports/simulated", b"{}", content_type="application/json"),
    ):
        assert answer.status_code == 400
        assert answer.json()["code"] == "not_signed"
    assert client.post(f"{API}/reports/other", b"{}", content_type="application/json").status_code == 422
    assert (state_of(row), DeliveryEvent.objects.count()) == ("sent", before)


def test_a_report_that_is_signed_and_no_report_says_so(client):
    body = b'{"events": 5}'
    header = {SIGNATURE: signed(simulated_secret(), body, time=1)}
    answer = client.post(f"{API}/reports/simulated", body, content_type="application/json", headers=header)

    assert answer.status_code == 422
    assert "cannot be read" in answer.json()["detail"]
    assert report(client, {"id": "", "state": "sent"}).status_code == 422


def test_reports_in_any_order_end_in_the_same_state(client):
    row = sent()
    report(client, event(row, "read"))
    report(client, event(row, "delivered"))
    report(client, event(row, "sent"))
    report(client, event(row, "failed"))

    assert state_of(row) == "read"


def test_all_in_one_request_and_backwards_is_the_same(client):
    row = sent()
    report(client, event(row, "failed"), event(row, "read"), event(row, "delivered"), event(row, "sent"))

    assert state_of(row) in ("read", "delivered")


def test_a_report_that_overtakes_our_own_note_is_not_overwritten(client):
    """The worker has handed it over and not stored that yet; the provider has told already."""
    row = notice(person(phones=["0912 555 100"]))
    Notice.objects.filter(id=row.id).update(state="sending", claim=99)
    from epipolis.act.notices.services.channels import Outcome
    from epipolis.act.notices.services.handing import finish

    row.refresh_from_db()
    report(client, event(row, "delivered"))
    finish([(row, Outcome("accepted", ref="late-ref"), "simulated")], claim=99, at=NOW)

    assert state_of(row) == "delivered"
    assert row.provider_ref == "late-ref"


def test_a_failure_that_overtakes_our_own_note_still_takes_the_next_way(client):
    row = notice(person(phones=["0912 555 100"], emails=["ana@example.org"]))
    Notice.objects.filter(id=row.id).update(state="sending", claim=98)
    from epipolis.act.notices.services.channels import Outcome
    from epipolis.act.notices.services.handing import finish

    row.refresh_from_db()
    report(client, event(row, "failed"))
    finish([(row, Outcome("accepted", ref="old-ref"), "simulated")], claim=98, at=NOW)

    assert (state_of(row), row.channel, row.provider_ref) == ("waiting", "email", "")


def test_a_late_delivery_by_the_first_way_ends_the_second(client):
    row = notice(person(phones=["0912 555 100"], emails=["ana@example.org"]))
    services.send_waiting(NOW)
    row.refresh_from_db()
    first = event(row, "delivered")
    report(client, event(row, "failed"))
    assert state_of(row) == "waiting"

    report(client, first)

    assert state_of(row) == "delivered"
    assert services.send_waiting(NOW) == 0


def test_a_report_without_our_key_finds_its_message_by_the_providers_number_even_when_it_comes_first(client):
    row = notice(person(phones=["0912 555 100"]))
    told = {"id": "e-1", "message": "their-1", "state": "delivered"}
    assert report(client, told).json() == {"taken": 1}
    Notice.objects.filter(id=row.id).update(provider="simulated", provider_ref="their-1", state="sent")

    assert services.match_reports(NOW) == 1
    assert services.match_reports(NOW) == 0
    assert state_of(row) == "delivered"


def test_reports_about_nothing_known_are_kept_and_harm_nothing(client):
    told = [{"id": "a", "reference": "nonsense", "state": "failed"}, {"id": "b", "reference": f"{'0' * 8}-0", "state": "sent"}]

    assert report(client, *told, {"id": "c", "state": "exploded", "message": "x"}).json() == {"taken": 3}
    assert sorted(DeliveryEvent.objects.filter(notice=None).values_list("state", flat=True)) == ["failed", "sent", "unknown"]
    assert services.match_reports(NOW) == 0


def test_an_answer_is_heard_once(client):
    row = sent()
    told = {"id": "m-1", "from": "0912 555 100", "text": "I am well \x00 thank you"}
    report(client, messages=[told])
    report(client, messages=[told])

    assert Inbound.objects.get().person_id == row.person_id


def test_a_failed_message_of_whatsapp_with_its_own_signature(client, monkeypatch):
    from epipolis.act.notices.services import channels

    own = channels.WhatsApp("http://127.0.0.1", number="1", token="t", secret="app")
    monkeypatch.setattr("epipolis.act.notices.services.reporting.reporter_of", lambda name: own)
    row = sent()
    status = {"id": "w", "status": "read", "timestamp": "1773115200", "biz_opaque_callback_data": f"{row.id}-{row.step}"}
    body = json.dumps({"entry": [{"changes": [{"value": {"statuses": [status]}}]}]}).encode()
    header = {"X-Hub-Signature-256": "sha256=" + hmac.digest(b"app", body, sha256).hex()}

    assert client.post(f"{API}/reports/whatsapp", body, content_type="application/json", headers=header).status_code == 200
    assert state_of(row) == "read"


def test_the_address_for_reports_is_confirmed_only_with_the_agreed_word(client):
    asked = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "42"}

    assert client.get(f"{API}/reports/whatsapp", asked).status_code == 400


def test_a_program_writes_a_message_once(as_role):  # noqa: F811 -- the fixture
    client, ana = as_role("tracer"), person()
    body = {
        "person": str(ana), "template": "message", "values": {"text": "Hello."}, "dedupe_key": "k1", "about_kind": "order",
        "about_id": "7",
    }  # fmt: skip
    first = client.post(f"{API}/", body, content_type="application/json")
    again = client.post(f"{API}/", body, content_type="application/json")

    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert not [word for word in ("Hello", "0912", "Torres") if word in first.content.decode()]
    assert client.get(f"{API}/?about_kind=order&about_id=7").json()["items"][0]["id"] == first.json()["id"]
    refused = client.post(f"{API}/", body | {"dedupe_key": "k2", "values": {}}, content_type="application/json")
    assert (refused.status_code, refused.json()["detail"]) == (409, "The message message lacks: text")
    nobody = body | {"dedupe_key": "k3", "person": str(uuid4())}
    unknown = client.post(f"{API}/", nobody, content_type="application/json")
    assert unknown.status_code == 404
    assert client.post(f"{API}/{first.json()['id']}/cancel").json()["state"] == "stopped"
    assert client.post(f"{API}/{first.json()['id']}/cancel").status_code == 409


def test_opening_by_a_program_is_written_down(as_role):  # noqa: F811 -- the fixture
    row, client = sent(), as_role("tracer")
    told = client.post(f"{API}/{row.id}/open").json()

    assert (told["to"], told["body"]) == ("0912 555 100", "Demo City health office: Hello.")
    assert [one["state"] for one in told["events"]] == ["accepted"]
    assert AuditEntry.objects.filter(action="people.read", actor__startswith="tracer", person=row.person_id).exists()


def test_who_may_see_may_not_write_open_or_warn(as_role):  # noqa: F811 -- the fixture
    row, client = sent(), as_role("operator")

    assert client.get(f"{API}/{row.id}").status_code == 200
    for path in ("/", f"/{row.id}/open", f"/{row.id}/cancel", "/broadcasts", f"/broadcasts/{row.id}/approve"):
        assert client.post(f"{API}{path}", {}, content_type="application/json").status_code == 403
    assert client.put(f"{API}/people/{row.person_id}/preference", {}, content_type="application/json").status_code == 403


def test_a_preference_is_set(as_role):  # noqa: F811 -- the fixture
    client, ana = as_role("tracer"), person()
    told = client.put(
        f"{API}/people/{ana}/preference", {"channels": ["email", "sms"], "stopped": ["sms"]}, content_type="application/json"
    ).json()

    assert (told["channels"], told["stopped"]) == (["email"], ["sms"])
    own = client.put(f"{API}/people/{ana}/preference", {"stopped": ["in_app"]}, content_type="application/json")
    assert (own.status_code, own.json()["detail"]) == (409, "The own page shows every message and cannot be stopped.")
    wrong = client.put(f"{API}/people/{ana}/preference", {"language": "xx"}, content_type="application/json")
    assert wrong.status_code == 409


def test_a_device_is_neither_of_the_two_people_of_a_warning(client, areas, as_role):  # noqa: F811 -- the fixtures
    body = {
        "event": "Water", "headlines": HEADS, "texts": TEXTS, "severity": "Severe", "urgency": "Expected",
        "certainty": "Likely", "expires": (NOW + timedelta(hours=3)).isoformat(), "districts": [areas[0][0].id],
    }  # fmt: skip
    _device, token = issue_token("siren", ["notices.warn", "notices.release"], by=None, at=NOW)
    header = {"Authorization": f"Bearer {token}"}
    refused = client.post(f"{API}/broadcasts", body, content_type="application/json", headers=header)
    assert (refused.status_code, refused.json()["code"]) == (409, "person_needed")

    person_one = as_role("commander", name="one")
    made = person_one.post(f"{API}/broadcasts", body, content_type="application/json").json()
    assert client.post(f"{API}/broadcasts/{made['id']}/approve", headers=header).status_code == 409
    assert person_one.post(f"{API}/broadcasts/{made['id']}/approve").status_code == 409
    two = as_role("commander", name="two")
    assert two.post(f"{API}/broadcasts/{made['id']}/approve").json()["state"] == "approved"
    gone = two.post(f"{API}/broadcasts/{made['id']}/cancel", {"reason": "over"}, content_type="application/json").json()
    assert (gone["state"], Broadcast.objects.get().reason) == ("cancelled", "over")
