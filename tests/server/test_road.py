"""The fast road answers as the same endpoint in Django does."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from epipolis.core import access
from epipolis.core.models import AuditEntry, DeviceToken
from epipolis.sense.checkins.models import Visit
from epipolis.sense.checkins.module import MODULE
from epipolis.sense.checkins.services import doors
from epipolis.server import road as roads
from epipolis.server.road import Road
from tests.sense.checkins.factories import token, venue

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/checkins/visits"


@pytest.fixture(autouse=True)
def nothing_remembered():
    doors.forget_doors()


@asynccontextmanager
async def opened():
    road = Road({f"/api/v1/{intake.path}": intake for intake in MODULE.intakes})
    road.start()
    try:
        yield road
    finally:
        await road.stop()


def one(**facts):
    return {"visitor": str(uuid4()), "place": "cafe", "arrived": datetime.now(UTC).isoformat()} | facts


async def ask(road, body, key, *, path=PATH, kind="application/json", pieces=1):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    size = -(-len(raw) // pieces) or 1
    parts = [raw[n : n + size] for n in range(0, len(raw), size)] or [b""]
    messages = [{"type": "http.request", "body": part, "more_body": n < len(parts) - 1} for n, part in enumerate(parts)]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", f"Bearer {key}".encode()), (b"content-type", kind.encode())]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    assert road.takes(scope)
    await road(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"]), dict(sent[0]["headers"])


def asked(*bodies, key=None, **how):
    """Ask one after the other and give each status and body."""

    async def inside():
        async with opened() as road:
            return [await ask(road, body, key or own, **how) for body in bodies]

    own = key or token()
    return asyncio.run(inside())


def test_a_check_in_is_stored_when_it_is_answered_and_its_repeat_answered_the_same():
    venue(at=datetime.now(UTC))
    body = one()

    first, again = asked(body, body)

    assert (first[0], again[0]) == (201, 200)
    assert first[1] == again[1] == {"status": "stored"}
    assert Visit.objects.count() == 1
    assert {e.actor for e in AuditEntry.objects.filter(action="checkins.record")} == {"device:kiosk"}


def test_many_at_once_become_few_transactions():
    venue(at=datetime.now(UTC))
    key = token()

    async def inside():
        async with opened() as road:
            return await asyncio.gather(*(ask(road, one(), key) for _ in range(200)))

    answers = asyncio.run(inside())

    assert {status for status, *_ in answers} == {201}
    assert Visit.objects.count() == 200
    assert AuditEntry.objects.filter(action="checkins.record").count() < 50


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", ""),
        (b"\xff\xfe", ""),
        (one(visitor="nobody"), "visitor"),
        (one(arrived="2026-05-04T12:00:00"), "arrived"),
        (one(arrived="9999-12-31T23:59:59-12:00"), "arrived"),
        (one(arrived="0001-01-01T00:00:00+12:00"), "arrived"),
        (one(left="9999-12-31T23:59:59-12:00"), "left"),
        (one(companions=2**31), "companions"),
        (one(companions=2**63), "companions"),
        (one(stay_minutes=2**64), "stay_minutes"),
        (one(place="a\0b"), "place"),
        (one(place="x" * 61), "place"),
        (one(venue="forged"), "place"),
        (one(unknown=1), ""),
        (one(sent=(datetime.now(UTC) - timedelta(hours=1)).isoformat()), "sent"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name_and_the_lane_goes_on(body, field):
    venue(at=datetime.now(UTC))

    bad, good = asked(body, one())

    assert (bad[0], good[0]) == (422, 201)
    assert bad[1]["errors"][0]["field"] == field
    assert bad[2][b"content-type"] == b"application/problem+json"


def test_tokens_are_checked_and_a_revoked_one_is_refused_soon(monkeypatch, admin_user):
    venue(at=datetime.now(UTC))
    key = token()
    monkeypatch.setattr(roads, "_TOKEN_SECONDS", 0.05)

    async def inside():
        async with opened() as road:
            before = await ask(road, one(), key)
            await asyncio.to_thread(_revoke, admin_user)
            await asyncio.sleep(0.1)
            return before[0], (await ask(road, one(), key))[0]

    assert asyncio.run(inside()) == (201, 401)
    assert asked(one(), key="wrong")[0][0] == 401
    assert asked(one(), key=token("checkins.view"))[0][0] == 403


def _revoke(by):
    from django.db import connection

    access.revoke_token(DeviceToken.objects.latest("id"), by=by, at=datetime.now(UTC))
    connection.close()


def test_a_body_in_pieces_is_read_whole_and_one_too_large_is_refused():
    venue(at=datetime.now(UTC))

    assert asked(one(), pieces=7)[0][0] == 201
    assert asked(b"x" * (roads.ITEM_BYTES + 1), pieces=3)[0][0] == 413
    assert asked(b"x" * (roads.ITEM_BYTES + 1))[0][0] == 413


def test_bulk_reports_by_row():
    venue(at=datetime.now(UTC))
    rows = [one(), one(place="nowhere"), one()]

    answer = asked(rows, path=f"{PATH}:bulk")[0]

    assert (answer[0], answer[1]["accepted"], [p["row"] for p in answer[1]["rejected"]]) == (200, 2, [2])
    assert asked(rows, path=f"{PATH}:bulk", kind="text/plain")[0][0] == 415
    assert asked(b"[", path=f"{PATH}:bulk")[0][0] == 422


def test_a_body_nested_ever_deeper_is_refused():
    assert asked(b'{"x":' + b"[" * 60_000)[0][0] == 422
    assert asked(b"[" * 60_000, path=f"{PATH}:bulk")[0][0] == 422
    lines = asked(b'{"x":' + b"[" * 60_000, path=f"{PATH}:bulk", kind="application/x-ndjson")[0]
    assert (lines[0], lines[1]["accepted"], len(lines[1]["rejected"])) == (200, 0, 1)


def test_a_full_lane_asks_to_come_again(monkeypatch):
    monkeypatch.setattr("epipolis.core.intake.Lane.is_full", True)

    status, _, headers = asked(one())[0]

    assert (status, headers[b"retry-after"]) == (503, b"1")


def test_the_road_takes_only_posts_of_devices():
    road = Road({f"/api/v1/{intake.path}": intake for intake in MODULE.intakes})
    device = [(b"authorization", b"Bearer x")]

    takes = [
        road.takes({"method": method, "path": path, "headers": headers})
        for method, path, headers in (
            ("POST", PATH, device),
            ("POST", f"{PATH}:bulk", device),
            ("GET", PATH, device),
            ("POST", PATH, []),
            ("POST", "/api/v1/checkins/venues", device),
        )
    ]

    assert takes == [True, True, False, False, False]
