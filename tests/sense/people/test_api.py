import json

import pytest

from epipolis.core import access, clock
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import Person
from epipolis.sense.people.settings import settings
from tests.sense.city.factories import neighbourhood

from .factories import AT, NOBODY, ana

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fixed_time():
    with clock.fixed(AT):
        yield


@pytest.fixture
def tracer(client, staff):
    client.force_login(staff("tracer"))
    return client


def post(client, path, body, **headers):
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(f"/api/v1/people/{path}", content, content_type="application/json", headers=headers)


def test_a_person_is_registered_once_by_number(tracer):
    body = {"identifiers": [{"kind": "lab", "value": "7"}], "given_name": "Ana", "birth_year": 1980, "birth_month": 5}

    first, second = post(tracer, "", body), post(tracer, "", body)

    assert (first.status_code, first.json()["created"]) == (201, True)
    again = {"id": first.json()["id"], "holder": first.json()["id"], "created": False, "band": "linked", "question": None}
    assert (second.status_code, second.json()) == (200, again)


def test_a_person_of_whom_nothing_is_known_is_registered(tracer):
    assert post(tracer, "", {}).status_code == 201


def test_a_request_sent_twice_registers_one_person(tracer):
    answers = [post(tracer, "", {"given_name": "Ana"}, **{"Idempotency-Key": "once"}).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert Person.objects.count() == 1


def test_a_record_is_given_masked_and_the_read_written_down(tracer):
    home = neighbourhood()
    made = ana(neighbourhood=home)

    record = tracer.get(f"/api/v1/people/{made.id}").json()

    assert (record["family_name"], record["birth_day"], record["neighbourhood_id"]) == ("Torres", 17, home.id)
    assert record["identifiers"] == [{"kind": "national_id", "masked": "•••••••789"}]
    assert [entry.detail["why"] for entry in queries.reads_of(made.id)] == ["api"]


def test_a_search_gives_names_and_writes_each_down(tracer):
    made = ana()

    found = post(tracer, "search", {"text": "+999 (12) 345678"}).json()

    assert found == [{"id": str(made.id), "name": "Ana Torres", "birth_year": 1980, "sex": "F", "simulated": False}]
    assert [entry.detail["why"] for entry in queries.reads_of(made.id)] == ["search"]


def test_nobody_is_not_found(tracer):
    assert tracer.get(f"/api/v1/people/{NOBODY}").json()["code"] == "not_found"


def test_a_citizen_reads_the_own_record_with_a_code(client):
    made = ana()
    queries.record_of(made.id, by="t.chen", at=AT, why="person")
    code = services.issue_return_code(made.id, by="registrar", at=AT)

    answer = client.get("/api/v1/people/mine", headers={"X-Return-Code": code}).json()

    assert (answer["held"]["given_name"], [look["why"] for look in answer["looked"]]) == ("Ana", ["opened your record"])


def test_wrong_codes_are_refused_and_then_locked(client):
    code = services.issue_return_code(ana().id, by="registrar", at=AT)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "2")

    def ask(text):
        answer = client.get("/api/v1/people/mine", headers={"X-Return-Code": text})
        return answer.status_code, answer.json()["code"]

    assert {ask(wrong) for _ in range(settings.code_failures)} == {(403, "bad_code")}
    assert ask(code) == (429, "locked")
    assert client.get("/api/v1/people/mine").status_code == 422


@pytest.mark.parametrize("role", ["epidemiologist", "commander", "operator", "auditor", "kiosk", "partner"])
def test_other_roles_neither_see_nor_register(client, staff, role):
    made = ana()
    assert client.get(f"/api/v1/people/{made.id}").status_code == 401
    client.force_login(staff(role))

    statuses = [post(client, "", {}), post(client, "search", {"text": "Ana"}), client.get(f"/api/v1/people/{made.id}")]

    assert {answer.status_code for answer in statuses} == {403}
    assert queries.reads_of(made.id).count() == 0


def test_a_device_reads_only_with_the_scope_and_under_its_name(client):
    made = ana()
    tokens = [
        access.issue_token(name, [scope], by=None, at=AT)[1]
        for name, scope in (("lab", "people.view_names"), ("gate", "city.view"))
    ]

    statuses = [
        client.get(f"/api/v1/people/{made.id}", headers={"Authorization": f"Bearer {token}"}).status_code for token in tokens
    ]

    assert statuses == [200, 403]
    assert [entry.actor for entry in queries.reads_of(made.id)] == ["device:lab"]


@pytest.mark.parametrize(
    "body",
    [
        {"birth_year": 2**31},
        {"birth_year": 2**63},
        {"birth_year": 9999},
        {"birth_year": 2027},
        {"birth_year": "x"},
        {"birth_month": 13},
        {"birth_year": 1981, "birth_month": 2, "birth_day": 29},
        {"sex": "female"},
        {"given_name": "a\0b"},
        {"given_name": "x" * 151},
        {"address": "x" * 301},
        {"language": "x" * 11},
        {"language": "a\0"},
        {"phones": ["x" * 201]},
        {"phones": ["nonsense"]},
        {"phones": ["1234"] * 11},
        {"emails": ["nonsense"]},
        {"neighbourhood_id": 0},
        {"neighbourhood_id": 2**63},
        {"neighbourhood_id": 2**63 - 1},
        {"identifiers": [{"kind": "", "value": "1"}]},
        {"identifiers": [{"kind": "lab", "value": "a\0"}]},
        {"identifiers": [{"kind": "lab", "value": " "}]},
        {"identifiers": [{"kind": "lab", "value": "1"}] * 21},
        {"identifiers": "lab"},
        [],
        "text",
        b"{",
        b"\xff\xfe",
    ],
)
def test_bad_input_is_refused_with_a_field_and_a_rule_and_nothing_is_stored(tracer, body):
    answer = post(tracer, "", body if not isinstance(body, str) else json.dumps(body))

    assert (answer.status_code in (400, 422), Person.objects.count()) == (True, 0)
    assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize("text", ["", "a\0", "x" * 201, None, 7, ["a"]])
def test_a_search_for_junk_is_refused(tracer, text):
    assert post(tracer, "search", {"text": text}).status_code == 422


@pytest.mark.parametrize("key", ["1", "x" * 500, f"{NOBODY}0", "%00"])
def test_an_id_that_is_none_is_not_found(tracer, key):
    assert tracer.get(f"/api/v1/people/{key}").status_code in (404, 405, 422)
