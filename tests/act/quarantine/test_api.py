"""Orders for programs."""

from datetime import date

import pytest

from epipolis.act.quarantine.models import Need, Order

from .factories import NOW, again, drafted, issued

pytestmark = pytest.mark.django_db
API = "/api/v1/quarantine"
ISSUE = {
    "how": "written",
    "told_at": NOW.isoformat(),
    "address": "1 Heping East Road",
    "legal_basis": "the law",
    "purpose": "to protect others",
}


@pytest.fixture
def officer(client, staff):
    client.force_login(staff("tracer", name="tina"))
    return client


def send(client, path, data, **headers):
    return client.post(f"{API}{path}", data, content_type="application/json", headers=headers)


def test_an_order_goes_from_draft_to_its_end_without_a_name_or_an_address(officer):
    row = drafted()
    assert officer.get(f"{API}/").json()["items"][0]["number"] == row.number
    made = send(officer, f"/{row.id}/issue", ISSUE).json()
    assert (made["asks"], made["order"]["state"], made["order"]["ends_at"]) == ("", "issued", "2021-03-29T16:00:00Z")
    longer = send(officer, f"/{row.id}/days", {"until": "2021-04-02", "reason": "met again"}).json()
    assert (longer["asks"], longer["order"]["is_extended"]) == ("follow_up", True)
    lifted = send(officer, f"/{row.id}/lift", {"reason": "wrong person"})

    assert lifted.json()["order"]["end_reasons"] == ["Decided by a person: wrong person"]
    assert "Heping" not in lifted.content.decode() + officer.get(f"{API}/{row.id}").content.decode()


@pytest.mark.parametrize(
    ("path", "data", "field"),
    [
        ("issue", {}, None),
        ("issue", ISSUE | {"until": "2021-04-09"}, "reason"),
        ("issue", ISSUE | {"lat": 0, "lon": 0}, "lat"),
        ("issue", ISSUE | {"legal_basis": "x" * 600}, "legal_basis"),
        ("issue", ISSUE | {"address": "a\0"}, None),
        ("days", {"until": "2021-04-09", "reason": "x"}, "state"),
        ("lift", {"reason": ""}, None),
        ("withdraw", {"reason": " "}, "reason"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(officer, path, data, field):
    row = drafted()
    answer = send(officer, f"/{row.id}/{path}", data)

    assert (answer.status_code, again(row).state) == (422, "draft")
    if field:
        assert answer.json()["errors"][0]["field"] == field


def test_a_request_that_is_sent_twice_is_done_once(officer):
    row = drafted()
    answers = [send(officer, f"/{row.id}/issue", ISSUE, **{"Idempotency-Key": "once"}) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 200]
    assert Order.objects.get().changes.filter(kind="issued").count() == 1


def test_needs_are_told_and_read(officer):
    row = issued()
    told = {"needs": [{"kind": "food", "text": "rice", "urgent": True}]}
    assert [one["kind"] for one in send(officer, f"/{row.id}/needs", told).json()] == ["food"]
    answer = officer.get(f"{API}/{row.id}/needs")

    assert (answer.json()[0]["urgent"], "rice" in answer.content.decode(), Need.objects.count()) == (True, False, 1)


@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        ("registrar", "get", "/"),
        ("epidemiologist", "post", "/{}/issue"),
        ("epidemiologist", "post", "/{}/lift"),
        ("epidemiologist", "get", "/{}/needs"),
        ("operator", "get", "/{}"),
    ],
)
def test_who_may_not_is_refused(client, staff, role, method, path):
    row = drafted()
    client.force_login(staff(role))
    address = API + path.format(row.id)
    answer = client.get(address) if method == "get" else send(client, path.format(row.id), ISSUE)

    assert (answer.status_code, again(row).state) == (403, "draft")


def test_lists_are_paged_and_filtered(officer):
    rows = [drafted() for _ in range(3)]
    issued(rows[0])

    first = officer.get(f"{API}/?limit=1").json()
    assert (first["has_more"], first["counts"]["drafts"], first["counts"]["in_force"]) == (True, 2, 1)
    assert [one["id"] for one in officer.get(f"{API}/?view=in_force").json()["items"]] == [rows[0].id]
    assert officer.get(f"{API}/?view=all&ends_by={date(2021, 3, 1)}").json()["items"] == []
    assert officer.get(f"{API}/999999").status_code == 404
