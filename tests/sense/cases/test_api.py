import json
from datetime import date, timedelta
from uuid import uuid4

import pytest

from epipolis.core import access, clock
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import Case, CaseRevision

from .factories import AT, LATER, case

pytestmark = pytest.mark.django_db
API = "/api/v1/cases/"
NOBODY = "00000000-0000-4000-8000-000000000000"
ALL = ["cases.view", "cases.report", "cases.revise", "cases.confirm", "cases.import"]


@pytest.fixture(autouse=True)
def at_noon():
    with clock.fixed(LATER):
        yield


@pytest.fixture
def api(client):
    """A partner's system with every permission of this module."""

    def call(method, path="", body=None, scopes=ALL, kind="application/json", **headers):
        _device, token = access.issue_token(f"lab {uuid4()}", scopes, by=None, at=AT)
        data = body if isinstance(body, bytes) else json.dumps(body) if body is not None else ""
        headers = {"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "get":
            return client.get(f"{API}{path}", headers=headers)
        return getattr(client, method)(f"{API}{path}", data, content_type=kind, headers=headers)

    return call


@pytest.fixture
def get(client):
    _device, token = access.issue_token("reader", ["cases.view"], by=None, at=AT)

    def ask(path="", **question):
        return client.get(f"{API}{path}", question, headers={"Authorization": f"Bearer {token}"})

    return ask


def codes(response):
    body = response.json()
    return response.status_code, body["code"], [one["field"].split(".")[-1] for one in body.get("errors", [])]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("get", NOBODY),
        ("get", f"{NOBODY}/history"),
        ("post", ""),
        ("patch", NOBODY),
        ("post", f"{NOBODY}/confirm"),
        ("post", "import"),
    ],
)
def test_every_endpoint_wants_its_permission(client, api, method, path):
    assert getattr(client, method)(f"{API}{path}").status_code == 401
    assert api(method, path, {}, scopes=["checkins.record"]).status_code == 403


def test_a_case_is_reported_read_and_listed(api, get):
    sent = {"source": "lab", "source_key": "7", "classification": "confirmed", "sampled": "2026-03-08", "age_from": 30}

    response = api("post", "", sent)
    made = response.json()

    assert (response.status_code, response["ETag"], made["classification"], made["sampled"]) == (
        201,
        '"1"',
        "confirmed",
        "2026-03-08",
    )
    assert get(made["id"]).json() == made
    assert get().json() == {"items": [made], "next": None}


def test_whoever_reads_a_case_learns_which_office_owns_it(api, get):
    made = api("post", "", {"source": "lab", "source_key": "7"}).json()
    services.set_owner(made["id"], "Southport", by="test", at=AT)

    assert (made["owner"], get(made["id"]).json()["owner"]) == ("", "Southport")
    assert [row["owner"] for row in get(f"{made['id']}/history").json()] == ["Southport"]


def test_a_report_sent_twice_with_its_key_is_one_case(api, client):
    _device, token = access.issue_token("lab", ALL, by=None, at=AT)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
    answers = [
        client.post(API, {"source": "lab", "source_key": "7"}, content_type="application/json", headers=headers)
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Case.objects.count() == 1


def test_a_number_reported_before_is_refused_and_names_the_case(api):
    known = case(source="lab", source_key="7")

    response = api("post", "", {"source": "lab", "source_key": "7"})

    assert codes(response) == (409, "known", [])
    assert str(known.id) in response.json()["detail"]


def test_the_same_identifier_is_the_same_person(api):
    for key in ("7", "8"):
        sent = {"source": "lab", "source_key": key, "identifiers": [{"kind": "national_id", "value": "A123"}]}
        assert api("post", "", sent).status_code == 201

    assert len(set(Case.objects.values_list("person", flat=True))) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"onset": "2026-03-12"}, "onset"),
        ({"onset": "9999-12-31"}, "onset"),
        ({"onset": "soon"}, "onset"),
        ({"age_from": 2**31}, "age_from"),
        ({"age_from": 2**63}, "age_from"),
        ({"age_from": -1}, "age_from"),
        ({"district_id": 2**63}, "district_id"),
        ({"district_id": 4_711}, "district_id"),
        ({"neighbourhood_id": 4_711}, "neighbourhood_id"),
        ({"note": "a\0b"}, "note"),
        ({"note": "x" * 4_001}, "note"),
        ({"region": "x" * 201}, "region"),
        ({"source_key": "x" * 101}, "source_key"),
        ({"source": ""}, "source"),
        ({"classification": "perhaps"}, "classification"),
        ({"infected_by": "me"}, "infected_by"),
        ({"age_from": 50, "age_to": 40}, "age_from"),
        ({"outcome": "died", "onset": "2026-03-08", "ended": "2026-03-07"}, "onset"),
    ],
)
def test_what_cannot_be_true_or_stored_is_refused_by_its_field(api, changes, field):
    response = api("post", "", {"source": "lab", "source_key": "7"} | changes)

    status, _code, fields = codes(response)
    assert (status, fields, Case.objects.count()) == (422, [field], 0)


def test_a_change_needs_the_revision_that_was_read(api):
    made = case()

    assert codes(api("patch", f"{made.id}", {"note": "x"})) == (428, "if_match", [])
    assert codes(api("patch", f"{made.id}", {"note": "x"}, If_Match='"nine"')) == (412, "stale", [])
    assert codes(api("patch", f"{made.id}", {"note": "x"}, If_Match='"2"')) == (412, "stale", [])
    done = api("patch", f"{made.id}", {"note": "x"}, If_Match='"1"')
    assert (done.status_code, done["ETag"], done.json()["note"]) == (200, '"2"', "x")


def test_a_change_touches_only_what_is_sent_and_null_takes_back(api):
    made = case(note="old", region="North", onset=date(2026, 3, 5))

    api("patch", f"{made.id}", {"onset": None, "region": None, "classification": None}, If_Match="1")

    found = queries.case(made.id)
    assert (found.onset, found.region, found.note, found.classification) == (None, "", "old", "suspected")


def test_an_impossible_change_names_the_field(api):
    made = case(onset=date(2026, 3, 5))

    answer = api("patch", f"{made.id}", {"outcome": "died", "ended": "2026-03-04"}, If_Match="1")

    assert codes(answer) == (422, "impossible", ["onset"])


def test_a_case_is_confirmed_once(api):
    made = case()

    answers = [api("post", f"{made.id}/confirm", {"sampled": "2026-03-08"}) for _ in range(2)]

    assert [answer.json()["revision"] for answer in answers] == [2, 2]
    assert answers[0].json()["confirmed"] == "2026-03-10"


def test_unknown_cases_are_not_found(api, get):
    nobody = str(uuid4())
    answers = [
        get(nobody),
        get(f"{nobody}/history"),
        api("patch", nobody, {}, If_Match="1"),
        api("post", f"{nobody}/confirm", {}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


def test_the_list_and_a_case_are_given_as_known_at_a_moment(get):
    made = case()
    services.confirm_case(made.id, by="x", at=LATER)
    before, between = (AT - timedelta(seconds=1)).isoformat(), (AT + timedelta(seconds=1)).isoformat()

    assert get(as_known_at=before).json()["items"] == []
    assert [row["classification"] for row in get(as_known_at=between).json()["items"]] == ["suspected"]
    assert [row["classification"] for row in get().json()["items"]] == ["confirmed"]
    assert get(f"{made.id}", as_known_at=between).json()["revision"] == 1
    assert get(f"{made.id}", as_known_at=before).status_code == 404


def test_the_history_tells_who_changed_what(get):
    made = case(note="a")
    services.revise_case(made.id, {"note": "b"}, by="officer", at=LATER)

    rows = get(f"{made.id}/history").json()

    assert [(row["revision"], row["note"], row["by"], row["changed"]) for row in rows] == [
        (2, "b", "officer", ["note"]),
        (1, "a", "test", ["classification", "note", "reported"]),
    ]
    assert rows[1]["superseded_at"] == rows[0]["revised_at"]


def test_the_list_comes_in_pieces_that_hold_every_case_once(get):
    made = [case(at=AT + timedelta(seconds=second)) for second in range(7)]

    found, cursor = [], ""
    for _ in range(4):
        page = get(limit=2, cursor=cursor).json()
        found += [row["id"] for row in page["items"]]
        cursor = page["next"]

    assert (found, cursor) == ([str(one.id) for one in made], None)


@pytest.mark.parametrize(
    "question",
    [
        {"limit": 2**31},
        {"limit": 0},
        {"district": 2**63},
        {"district": -1},
        {"q": "a\0b"},
        {"since": "9999-12-31"},
        {"as_known_at": "2026-03-10T12:00:00"},
        {"as_known_at": "9999-12-31T23:59:59-12:00"},
        {"cursor": "made up"},
        {"classification": "perhaps"},
    ],
)
def test_a_question_outside_the_bounds_is_refused(get, question):
    assert get(**question).status_code == 422


def test_the_list_is_filtered(get):
    case(source_key="A1", classification="confirmed", reported=date(2026, 3, 4))
    case(source_key="B2", outcome="ill", disease="dengue")

    def found(**question):
        return [row["source_key"] for row in get(**question).json()["items"]]

    assert found(classification="confirmed") == ["A1"]
    assert found(outcome="ill") == ["B2"]
    assert found(disease="dengue") == ["B2"]
    assert found(since="2026-03-05") == ["B2"]
    assert found(until="2026-03-05") == ["A1"]
    assert found(q="a1") == ["A1"]


def test_a_whole_file_is_taken_and_each_bad_row_named(api):
    rows = [{"case_id": "1", "onset": "2026-03-05"}, {"case_id": "2", "onset": "2027-01-01"}, {"onset": "2026-03-05"}]
    body = "\n".join(json.dumps(row) for row in rows).encode()

    first = api("post", "import?source=lab", body, kind="application/x-ndjson").json()
    again = api("post", "import?source=lab", body, kind="application/x-ndjson").json()

    assert (first["created"], first["rejected"], again["unchanged"]) == (1, 2, 1)
    assert [(one["row"], one["field"]) for one in first["problems"]] == [(2, "onset"), (3, "source_key")]
    assert CaseRevision.objects.count() == 1


def test_a_file_is_tried_without_storing_it(api):
    answer = api("post", "import?dry_run=true", b"case_id,sex\n1,F\n", kind="text/csv").json()

    assert (answer["created"], answer["dry_run"], answer["mapping"]) == (1, True, {"case_id": "source_key", "sex": "sex"})
    assert Case.objects.count() == 0


@pytest.mark.parametrize(
    ("path", "body", "kind", "status"),
    [
        ("import", b"\n", "text/csv", 422),
        ("import", b"a,b\n1,2\n", "application/pdf", 415),
        ("import?mapping=none", b"case_id\n1\n", "text/csv", 422),
        ("import?mapping=korea_ds4c", b"case_id\n1\n", "text/csv", 422),
        ("import?source=../../etc", b"case_id\n1\n", "text/csv", 200),
        ("import?source=a%00b", b"case_id\n1\n", "text/csv", 422),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(api, path, body, kind, status):
    assert api("post", path, body, kind=kind).status_code == status
