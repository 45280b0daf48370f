import json
from datetime import date
from uuid import uuid4

import pytest

from epipolis.core import access, clock
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import CaseTest, Replay
from epipolis.sense.people.events import PeopleMerged

from .factories import AT, LATER, merged, open_case, somebody

pytestmark = pytest.mark.django_db
API = "/api/v1/cases/"
NOBODY = "00000000-0000-4000-8000-000000000000"
SCOPES = ["cases.view", "cases.revise", "cases.note_tests", "cases.classify", "cases.replay", "cases.apply", "cases.report"]
SMELL = {"symptoms": {"anosmia": "yes"}}
POSITIVE = {"source": "Lab", "source_ref": "7", "kind": "pcr", "result": "positive"}


@pytest.fixture(autouse=True)
def at_noon():
    with clock.fixed(LATER):
        yield


@pytest.fixture
def api(client):
    def call(method, path="", body=None, scopes=SCOPES, **headers):
        _device, token = access.issue_token(f"lab {uuid4()}", scopes, by=None, at=AT)
        headers = {"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "get":
            return client.get(f"{API}{path}", headers=headers)
        data = json.dumps(body) if body is not None else ""
        return getattr(client, method)(f"{API}{path}", data, content_type="application/json", headers=headers)

    return call


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", f"{NOBODY}/tests"),
        ("post", f"{NOBODY}/tests"),
        ("get", f"{NOBODY}/classification"),
        ("put", f"{NOBODY}/classification"),
        ("delete", f"{NOBODY}/classification"),
        ("put", f"{NOBODY}/same"),
        ("delete", f"{NOBODY}/same"),
        ("get", "duplicates"),
        ("post", "duplicates/1"),
        ("post", "replays"),
        ("get", "replays/1"),
        ("post", "replays/1/apply"),
    ],
)
def test_every_endpoint_wants_its_permission(client, api, method, path):
    assert getattr(client, method)(f"{API}{path}").status_code == 401
    assert api(method, path, {}, scopes=["cases.confirm"]).status_code == 403


def test_a_reported_case_carries_its_answers_and_is_judged(api):
    body = {"source": "clinic", "source_key": "1", "disease": "covid", **SMELL, "circumstances": {"cluster": "no"}}

    made = api("post", "", body).json()

    assert (made["classification"], made["classified"], made["symptoms"]) == ("probable", "automatic", {"anosmia": "yes"})
    assert api("post", "", body | {"source_key": "2", "symptoms": {"hiccups": "yes"}}).status_code == 422
    assert api("post", "", body | {"source_key": "3", "symptoms": {"anosmia": "perhaps"}}).status_code == 422
    found = api("get", "?symptom=anosmia&classified=automatic").json()["items"]
    assert [row["id"] for row in found] == [made["id"]]


def test_a_finding_is_noted_once_and_corrected(api):
    made = open_case()

    first = api("post", f"{made.id}/tests", POSITIVE)
    again = api("post", f"{made.id}/tests", POSITIVE)
    api("post", f"{made.id}/tests", POSITIVE | {"result": "negative", "status": "corrected"})

    assert (first.status_code, first.json()["id"]) == (201, again.json()["id"])
    rows = api("get", f"{made.id}/tests").json()
    assert {(row["result"], row["superseded_by"] is None) for row in rows} == {("positive", False), ("negative", True)}
    assert queries.case(made.id).classification == "suspected"


@pytest.mark.parametrize(
    "change", [{"kind": "guess"}, {"source_ref": ""}, {"sampled_at": "2030-01-01T00:00:00Z"}, {"sampled_at": "2026-03-01"}]
)
def test_a_finding_that_cannot_be_is_refused(api, change):
    made = open_case()

    assert api("post", f"{made.id}/tests", POSITIVE | change).status_code == 422
    assert api("post", f"{NOBODY}/tests", POSITIVE).status_code == 404
    assert CaseTest.objects.count() == 0


def test_the_classification_is_explained_overridden_and_given_back(api):
    made = open_case(**SMELL)
    told = api("get", f"{made.id}/classification").json()
    assert (told["rules_say"], told["conflict"], told["rule"]) == ("probable", False, "case_definition WHO 2020-12-16")
    assert told["inputs"]["symptoms.anosmia"] is True
    against = {"classification": "not_a_case", "reason": "allergy"}

    assert api("put", f"{made.id}/classification", against).status_code == 428
    assert api("put", f"{made.id}/classification", against, If_Match='"1"').status_code == 412
    done = api("put", f"{made.id}/classification", against, If_Match='"2"')
    assert (done.json()["classification"], done.json()["classified"], done.headers["ETag"]) == ("not_a_case", "manual", '"3"')
    assert api("get", f"{made.id}/classification").json()["conflict"] is True
    assert [row["id"] for row in api("get", "?conflict=true").json()["items"]] == [str(made.id)]
    back = api("delete", f"{made.id}/classification", If_Match='"3"').json()

    assert (back["classification"], back["classified"]) == ("probable", "automatic")
    assert api("put", f"{made.id}/classification", against | {"reason": ""}, If_Match='"4"').status_code == 422


def test_two_cases_are_one_illness_and_two_again(api):
    one, other = somebody(), somebody()
    first, second = open_case(person=one, onset=date(2026, 3, 1)), open_case(person=other, onset=date(2026, 3, 4))
    assert api("put", f"{second.id}/same", {"case": str(first.id)}).status_code == 409
    merged(one, other)
    services.on_people_merged(PeopleMerged(one.id, other.id))
    [question] = api("get", "duplicates").json()
    assert question["days_apart"] == 3

    assert api("post", f"duplicates/{question['id']}", {"same": True}).status_code == 204

    duplicate, main = question["candidate"], question["case"]
    assert api("get", duplicate).json()["same_as"] == main
    assert len(api("get", "").json()["items"]) == 1
    assert [row["id"] for row in api("get", "?duplicates=true").json()["items"]] == [duplicate]
    assert api("delete", f"{duplicate}/same").json()["same_as"] is None
    assert api("put", f"{duplicate}/same", {"case": main}).json()["same_as"] == main
    assert api("post", "duplicates/99999", {"same": True}).status_code == 404


def test_a_definition_is_tried_and_applied(api, deliver_events):
    made = open_case(**SMELL)
    assert api("post", "replays", {"definition": "nothing"}).status_code == 422
    assert api("post", "replays", {"definition": "case_definition WHO 2020-12-16", "as_of": "2030-01-01"}).status_code == 422

    begun = api("post", "replays", {"definition": "case_definition SORMAS 2020-11-06"})
    number = begun.json()["id"]
    assert (begun.status_code, begun.json()["state"]) == (201, "waiting")
    assert api("post", f"replays/{number}/apply").status_code == 409
    deliver_events()
    assert api("get", f"replays/{number}").json()["counts"] == [["probable", "suspected", 1, 0]]
    assert api("post", f"replays/{number}/apply").status_code == 202
    deliver_events()

    assert queries.case(made.id).classification == "suspected"
    assert Replay.objects.get().state == "applied"
    assert api("get", "replays/99999").status_code == api("post", "replays/99999/apply").status_code == 404
