"""Phones' own posts on the fast road: many in one transaction, each with the answer that Django gives, proven by a secret."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from epipolis.act.quarantine.models import Alarm, Transition
from epipolis.act.quarantine.module import MODULE
from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.server.road import Road
from tests.act.quarantine.factories import NOW, drafted, issued
from tests.act.quarantine.fences import AWAY, HOME, enrolled, watched

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/quarantine/phones/positions"


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW + timedelta(hours=1)):
        yield


@asynccontextmanager
async def opened():
    road = Road({f"/api/v1/{intake.path}": intake for intake in MODULE.intakes})
    road.start()
    try:
        yield road
    finally:
        await road.stop()


async def post(road, body, path=PATH):
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": [(b"content-type", b"application/json")]}
    assert road.takes(scope)
    await road(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


def word(phone, minute, place=HOME, **facts):
    facts = {"phone": phone, "time": int(NOW.timestamp()) + 60 * (60 + minute), "lon": place[0], "lat": place[1]} | facts
    return facts | {"accuracy": 10.0}


def test_posts_at_once_are_followed_together_and_answered_each():
    _, first = enrolled()
    _, second = enrolled(watched(issued(drafted())))

    async def run():
        async with opened() as road:
            tasks = [post(road, [word(first, -30), word(first, -25)]), post(road, [word(second, -30)])]
            tasks += [post(road, [word("epf_nobody_knows_this", -30)]), post(road, [word(first, 90)])]
            return await asyncio.gather(*tasks)

    good, other, unknown, future = asyncio.run(run())
    assert (good[0], good[1]["accepted"], good[1]["transitions"]) == (200, 2, 1)
    assert (other[0], other[1]["accepted"]) == (200, 1)
    assert (unknown[0], unknown[1]["code"], unknown[1]["errors"][0]["field"]) == (403, "bad_phone", "phone")
    assert (future[0], future[1]["errors"][0]["field"]) == (422, "time")
    assert "1 hour 30 minutes ahead" in future[1]["detail"]
    assert Transition.objects.count() == 2
    assert AuditEntry.objects.filter(action="quarantine.positions", actor="phone").exists()


def test_the_road_answers_as_django_does(client):
    _, phone = enrolled()
    bodies = [
        [word(phone, -30)],
        [word(phone, -30), word(phone, -40), word(phone, -20)],
        [word("epf_nobody_knows_this", -30)],
        [word("epf_nobody_knows_this", -30), word(phone, -10)],
        [word(phone, 90)],
        [word(phone, -1, lon=0.0, lat=0.0)],
    ]

    async def run():
        async with opened() as road:
            return [await post(road, body) for body in bodies]

    fast = asyncio.run(run())
    _, phone_again = enrolled(watched(issued(drafted())))
    for (status, told), body in zip(fast, bodies, strict=True):
        own = json.loads(json.dumps(body).replace(phone, phone_again))
        slow = client.post(PATH, own, content_type="application/json")
        assert (slow.status_code, slow.json()) == (status, told)


@pytest.mark.parametrize("body", [[], {}, [{"phone": "short", "time": 1}], [{"time": 1}], [word("epf_x" * 4, 1)] * 201, "x"])
def test_what_is_no_post_is_refused_and_nothing_happens(body):
    _, _phone = enrolled()

    async def run():
        async with opened() as road:
            return await post(road, body)

    status, told = asyncio.run(run())
    assert (status, told["code"]) == (422, "invalid")
    assert not Transition.objects.exists()


def test_a_post_without_a_token_reaches_no_other_intake():
    scope = {"type": "http", "method": "POST", "path": "/api/v1/quarantine/positions", "headers": []}

    async def run():
        async with opened() as road:
            bulk = scope | {"path": f"{PATH}:bulk"}
            return road.takes(scope), road.takes(bulk), road.takes(scope | {"method": "GET", "path": PATH})

    assert asyncio.run(run()) == (False, False, False)


def test_who_leaves_raises_one_alarm_also_by_posts_that_come_together():
    _, phone = enrolled()

    async def run():
        async with opened() as road:
            for minutes in ((-60, -55), (-50, -45, -40), (-50, -45, -40), (-35,)):
                await asyncio.gather(*(post(road, [word(phone, one, HOME if one < -52 else AWAY)]) for one in minutes))
                await post(road, [word(phone, one, HOME if one < -52 else AWAY) for one in minutes])

    asyncio.run(run())
    assert Alarm.objects.filter(kind="left").count() == 1
