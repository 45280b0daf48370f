"""Tracing for programs: bounded inputs, problems in one shape, pseudonyms only."""

import json
from uuid import uuid4

import pytest

from epipolis.core import clock
from epipolis.understand.tracing import services
from epipolis.understand.tracing.models import Contact

from .factories import NOW, case, local, meeting, place, visit

pytestmark = pytest.mark.django_db
API = "/api/v1/tracing"


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def tracer(client, staff):
    client.force_login(staff("tracer", name="tina"))
    return client


def trace(of):
    return services.trace_case(of.id, by="test", at=NOW)


def post(client, path, body=None, **headers):
    return client.post(f"{API}{path}", json.dumps(body or {}), content_type="application/json", headers=headers)


def test_contacts_of_a_case_come_with_their_reasons(tracer):
    ill, met, where = meeting(20)
    trace(ill)

    (found,) = tracer.get(f"{API}/cases/{ill.id}/contacts").json()["items"]

    assert {name: found[name] for name in ("contact", "risk", "minutes", "certain", "place", "state", "registered")} == {
        "contact": str(met),
        "risk": "medium",
        "minutes": 20,
        "certain": True,
        "place": where.name,
        "state": "open",
        "registered": False,
    }
    assert found["reasons"] == ["They were at the same place for 20 minutes."]


def test_the_work_list_comes_in_pieces_that_do_not_overlap(tracer):
    ill, where = case(), place()
    visit(ill.person_id, where, local(10, 12), 60)
    for minutes in (60, 50, 40, 30, 20):
        visit(uuid4(), where, local(10, 12), minutes)
    trace(ill)

    seen, cursor = [], ""
    while cursor is not None:
        piece = tracer.get(f"{API}/contacts", {"limit": 2, "cursor": cursor}).json()
        seen += [item["minutes"] for item in piece["items"]]
        cursor = piece["next"]

    assert seen == [60, 50, 40, 30, 20]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=2147483648", "limit=9223372036854775808", "place=9223372036854775808", "place=0",
     "district=-1", "risk=great", "state=done", "cursor=x", "certain=perhaps", "risk=%00"],
)  # fmt: skip
def test_values_outside_their_bounds_are_refused(tracer, query):
    answer = tracer.get(f"{API}/contacts?{query}")

    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("query", ["days=0", "days=61", "limit=0", "district=9223372036854775808"])
def test_cluster_bounds_hold(tracer, query):
    assert tracer.get(f"{API}/clusters?{query}").status_code == 422


def test_a_call_is_noted_once_however_often_it_is_sent(tracer):
    ill, _met, _where = meeting()
    trace(ill)
    number = Contact.objects.get().id

    first = post(tracer, f"/contacts/{number}/work", {"state": "tried", "note": "no answer"}, **{"Idempotency-Key": "a"})
    again = post(tracer, f"/contacts/{number}/work", {"state": "tried", "note": "no answer"}, **{"Idempotency-Key": "a"})

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert (Contact.objects.get().state, Contact.objects.get().note) == ("tried", "no answer")


@pytest.mark.parametrize(
    "body", [{}, {"state": "done"}, {"state": "open", "note": "a\0b"}, {"state": "open", "note": "x" * 4_001}]
)
def test_bad_notes_are_refused(tracer, body):
    ill, _met, _where = meeting()
    trace(ill)

    assert post(tracer, f"/contacts/{Contact.objects.get().id}/work", body).status_code == 422


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
def test_contacts_that_do_not_exist_are_not_found(tracer, number):
    assert post(tracer, f"/contacts/{number}/work", {"state": "open"}).status_code in (404, 422)
    assert tracer.get(f"{API}/contacts/{number}/contacts").status_code in (404, 422)


@pytest.mark.parametrize("path", ["contacts", "trace", "sources", "network"])
def test_cases_that_do_not_exist_are_not_found(tracer, path):
    assert tracer.get(f"{API}/cases/{uuid4()}/{path}").status_code == 404
    assert tracer.get(f"{API}/cases/x/{path}").status_code == 404


def test_a_trace_can_be_asked_for_and_read(tracer):
    ill, _met, _where = meeting()
    assert tracer.get(f"{API}/cases/{ill.id}/trace").json()["code"] == "not_traced"

    made = post(tracer, f"/cases/{ill.id}/trace")

    assert (made.status_code, made.json()["found"], made.json()["rule"]) == (200, 1, "infectious_window WHO 2020-12-16")
    assert tracer.get(f"{API}/cases/{ill.id}/trace").json() == made.json()


def test_sources_network_clusters_and_onward_contacts_answer(tracer):
    ill, _met, where = meeting()
    second = case(infected_by=ill.id, onset=local(14).date())
    visit(second.person_id, where, local(10, 12), 60)
    trace(ill)
    trace(second)

    (source,) = tracer.get(f"{API}/cases/{second.id}/sources").json()
    assert (source["case"], source["named"], source["likelihood"]) == (str(ill.id), True, 1.0)
    assert len(tracer.get(f"{API}/cases/{ill.id}/network").json()["nodes"]) == 3
    assert len(tracer.get(f"{API}/network").json()["nodes"]) >= 2
    assert tracer.get(f"{API}/clusters").json() == []
    number = Contact.objects.filter(case=ill).first().id
    assert tracer.get(f"{API}/contacts/{number}/contacts").status_code == 200


@pytest.mark.parametrize("role", ["registrar", "operator", "auditor", "kiosk", "partner"])
def test_other_roles_get_nothing(client, staff, role):
    ill, _met, _where = meeting()
    trace(ill)
    client.force_login(staff(role))
    paths = [
        "/contacts",
        "/clusters",
        "/network",
        *(f"/cases/{ill.id}/{x}" for x in ("contacts", "trace", "sources", "network")),
    ]

    assert {client.get(f"{API}{path}").status_code for path in paths} == {403}
    assert post(client, f"/cases/{ill.id}/trace").status_code == 403


def test_nobody_gets_nothing(client):
    assert client.get(f"{API}/contacts").status_code == 401
