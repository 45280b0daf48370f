"""Positions over a broker: acknowledged once they are followed, refused by row, the same twice."""

import asyncio
import json

import pytest

from epipolis.act.quarantine.models import Transition
from epipolis.core import clock
from epipolis.server.mqtt import broker_at
from epipolis.server.mqtt_positions import ROOT, PositionListener
from tests.act.quarantine.factories import NOW
from tests.act.quarantine.fences import HOME, enrolled
from tests.sense.labs.brokers import InTests

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker():
    one = InTests()
    one.start()
    yield one
    one.close()


async def _talk(address, bodies):
    """Publish each body and wait for its receipt."""
    done, ready, found = asyncio.Event(), asyncio.Event(), []
    listening = asyncio.create_task(PositionListener(broker_at(address)).run(done, ready.set))
    await asyncio.wait_for(ready.wait(), 20)
    async with broker_at(address).client(identifier="gateway") as client:
        await client.subscribe(f"{ROOT}/gateway/receipts", qos=1)
        for body in bodies:
            await client.publish(f"{ROOT}/gateway/positions", body, qos=1)
            message = await asyncio.wait_for(anext(aiter(client.messages)), 20)
            found.append(json.loads(message.payload))
    done.set()
    await asyncio.wait_for(listening, 20)
    return found


def test_positions_over_a_broker_are_followed_once_and_bad_ones_told(broker):
    with clock.fixed(NOW):
        _, phone = enrolled()
        rows = [{"phone": phone, "time": int(NOW.timestamp()), "lon": HOME[0], "lat": HOME[1], "accuracy": 10}]
        forged = [{**rows[0], "phone": "epf_nobodys_secret"}]
        told = asyncio.run(_talk(broker.address, [json.dumps(rows), json.dumps(rows[0]), json.dumps(forged), "nonsense"]))

    assert [(one["status"], one.get("accepted"), one.get("rejected_rows")) for one in told] == [
        ("taken", 1, 0), ("taken", 0, 0), ("taken", 0, 1), ("taken", 0, 1),
    ]  # fmt: skip
    assert Transition.objects.count() == 1
