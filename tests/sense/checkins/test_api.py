import json
from datetime import timedelta
from uuid import uuid4

import pytest

from epipolis.core.models import AuditEntry
from epipolis.sense.checkins import queries, services
from epipolis.sense.checkins.models import Visit

from .factories import NOW, hours, item, person, place, record, token, venue

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]


def send(client, path, body, *, key=None, kind="application/json"):
    headers = {"Authorization": f"Bearer {key or token('checkins.record', at=NOW)}"}
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(f"/api/v1/checkins/{path}", content, content_type=kind, headers=headers)


def one(**facts):
    return {"visitor": str(uuid4()), "place": "cafe", "arrived": NOW.isoformat()} | facts


def test_a_device_records_a_visit_and_its_repeat_is_the_same_answer(client):
    venue()
    body, key = one(), token(at=NOW)

    first, second = send(client, "visits", body, key=key), send(client, "visits", body, key=key)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json() == {"status": "stored"}
    assert Visit.objects.count() == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"visitor": "nobody"},
        {"arrived": "2026-05-04T12:00:00"},
        {"arrived": "9999-12-31T23:59:59-12:00"},
        {"arrived": "0001-01-01T00:00:00+12:00"},
        {"arrived": 2**63},
        {"place": "a\0b"},
        {"place": "x" * 61},
        {"companions": 2**31},
        {"companions": 2**63},
        {"companions": -1},
        {"stay_minutes": 0},
        {"stay_minutes": 2**63},
        {"left": "9999-12-31T23:59:59-12:00"},
        {"venue": "=1+1"},
        {"sent": "2026-05-04T12:00:00"},
    ],
)
def test_values_out_of_bounds_are_refused_by_name(client, facts):
    venue()

    answer = send(client, "visits", one(**facts))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"]
    assert Visit.objects.count() == 0


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson", "text/csv"])
def test_bulk_takes_what_is_right_and_lists_the_rest_by_row(client, kind):
    venue()
    known = one()
    send(client, "visits", known)
    rows = [one(), known, one(place="nowhere"), one(arrived="2026-05-04T12:00:00"), one(visitor="x"), one(companions=21), one()]
    rows[-1]["arrived"] = (NOW + timedelta(minutes=5)).isoformat()
    names = ["visitor", "place", "arrived", "companions"]
    body = {
        "application/json": json.dumps(rows),
        "application/x-ndjson": "\n".join(json.dumps(row) for row in rows),
        "text/csv": "\n".join([",".join(names), *(",".join(str(row.get(n, "")) for n in names) for row in rows)]),
    }[kind]

    report = send(client, "visits:bulk", body, kind=kind).json()

    assert (report["accepted"], report["duplicates"], report["rejected_rows"], report["flagged"]) == (2, 1, 4, 1)
    assert [(p["row"], p["field"]) for p in report["rejected"]] == [
        (3, "place"),
        (4, "arrived"),
        (5, "visitor"),
        (6, "companions"),
    ]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", "application/json", 422),
        ("{}", "application/json", 422),
        ("\n", "text/csv", 422),
        ("a,b\n1,2", "text/csv", 422),
        ("[]", "text/plain", 415),
    ],
)
def test_a_bulk_body_that_cannot_be_read_is_refused(client, body, kind, status):
    assert send(client, "visits:bulk", body, kind=kind).status_code == status


def test_bulk_stores_more_than_one_batch_and_repeats_change_nothing(client):
    venue()
    body = json.dumps([one() for _ in range(3_000)])

    first, second = (send(client, "visits:bulk", body).json() for _ in range(2))

    assert (first["accepted"], first["duplicates"]) == (3_000, 0)
    assert (second["accepted"], second["duplicates"]) == (0, 3_000)


def test_a_bulk_of_which_some_are_known_ends_open_visits_too(client):
    cafe, shop = venue(), venue("shop", "retail")
    who = uuid4()
    record(item(who, arrived=NOW - hours(1)))
    rows = [one() for _ in range(1_500)]
    rows += [one(visitor=str(who), arrived=(NOW - hours(1)).isoformat()), one(visitor=str(who), place="shop")]

    assert send(client, "visits:bulk", rows).json()["duplicates"] == 1

    assert list(Visit.objects.filter(visitor=who).order_by("arrived").values_list("place_id", "left")) == [
        (cafe.place_id, NOW),
        (shop.place_id, NOW + timedelta(minutes=45)),
    ]


def test_a_kiosk_checks_a_visitor_out(client):
    venue()
    who, key = uuid4(), token(at=NOW)
    record(item(who, arrived=NOW - hours(1)))

    assert send(client, "checkouts", {"visitor": str(who)}, key=key).status_code == 200
    assert send(client, "checkouts", {"visitor": str(who)}, key=key).status_code == 404


def test_a_token_without_the_scope_records_nothing(client):
    venue()

    assert send(client, "visits", one(), key=token("checkins.view", at=NOW)).status_code == 403
    assert send(client, "visits:bulk", [], key=token("checkins.view", at=NOW)).status_code == 403
    assert send(client, "visits", one(), key="wrong").status_code == 401


def test_an_operator_registers_a_venue_closes_and_opens_it(client, staff):
    client.force_login(staff("operator"))
    place()
    post = lambda path, body: client.post(f"/api/v1/checkins/{path}", body, content_type="application/json")  # noqa: E731 -- short

    made = post("venues", {"place": "cafe", "kind": "food"})
    number = made.json()["place_id"]

    assert (made.status_code, made.json()["default_stay"]) == (201, 90)
    assert post("venues", {"place": "cafe", "kind": "food"}).status_code == 200
    assert post("venues", {"place": "nowhere", "kind": "food"}).status_code == 422
    assert post("venues", {"place": "cafe", "kind": "cultural"}).status_code == 422
    assert post(f"venues/{number}/close", {}).json()["closed"] is not None
    assert post(f"venues/{number}/reopen", {}).json()["closed"] is None
    assert post(f"venues/{number}/renew", {}).json()["key_number"] == 2
    code = client.get(f"/api/v1/checkins/venues/{number}/code").json()["code"]
    assert services.read_code(code) == (number, 2)
    assert [v["place"] for v in client.get("/api/v1/checkins/venues").json()["items"]] == ["cafe"]


def test_the_map_layer_counts_people_at_venues(client, staff):
    client.force_login(staff("operator"))
    venue()
    record(item(companions=1))

    layer = client.get("/api/v1/checkins/venues.geojson").json()

    assert [f["properties"]["here"] for f in layer["features"]] == [2]


def test_a_tracer_tells_a_route_with_consent_and_reads_it_back_with_a_trace(client, staff):
    client.force_login(staff("tracer"))
    venue()
    who = person()
    stops = [
        {"place": "cafe", "day": "2026-05-01"},
        {"place": "cafe", "arrived": (NOW - hours(3)).isoformat(), "left": (NOW - hours(2)).isoformat()},
        {"place": "nowhere", "day": "2026-05-01"},
        {"place": "cafe"},
    ]
    address = f"/api/v1/checkins/routes/{who}"
    post = lambda consent: client.post(address, {"consent": consent, "stops": stops}, content_type="application/json")  # noqa: E731 -- short

    assert post(False).status_code == 422
    told = post(True).json()
    period = {"since": "2026-04-20T00:00:00Z", "until": "2026-05-05T00:00:00Z"}
    read = client.get(address, period).json()

    assert (told["stored"], [p["row"] for p in told["rejected"]]) == (2, [3, 4])
    assert [stop["exact"] for stop in read] == [False, True]
    assert AuditEntry.objects.filter(action="people.read", person=who).count() == 1


def test_a_tracer_links_a_phone(client, staff):
    client.force_login(staff("tracer"))
    phone, who = uuid4(), person()
    body = {"visitor": str(phone), "person": str(who)}
    post = lambda b: client.post("/api/v1/checkins/links", b, content_type="application/json").status_code  # noqa: E731 -- short

    assert (post(body), post(body), post(body | {"person": str(person("B2"))})) == (201, 200, 409)
    assert queries.person_of([phone]) == {phone: who}
