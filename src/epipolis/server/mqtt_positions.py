"""The listener for positions over a broker (MQTT 3.1.1): a message is acknowledged when what follows from it is committed.

Phones and gateways publish under `epipolis/fence/<any name>/positions` (QoS 1): one position as JSON, an array, or one a
line. A broker proves nobody: the secret in each row does, so use a broker that encrypts. What became of the rows is told under
`receipts` of the same name.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import aiomqtt
from django.db import InterfaceError, OperationalError, close_old_connections

from epipolis.act.quarantine import services
from epipolis.core import clock
from epipolis.server.mqtt import Broker, DeviceListener

log = logging.getLogger(__name__)
ROOT = "epipolis/fence"
POSITIONS, RECEIPTS, NAME = "positions", "receipts", "epipolis-fence"


class PositionListener(DeviceListener):
    """One session with the broker, which keeps for it what comes while it is away."""

    def __init__(self, broker: Broker, *, name: str = NAME, wait: float = 1.0) -> None:
        super().__init__(broker, name=name, wait=wait)

    async def _subscribe(self, client: aiomqtt.Client, subscribed: asyncio.Event, ready: Callable[[], None]) -> None:
        await client.subscribe(f"{ROOT}/+/{POSITIONS}", qos=1)
        subscribed.set()
        ready()

    async def _take(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        sender = [*str(message.topic).split("/"), "", ""][2]
        payload = message.payload
        receipt = await self._followed(payload if isinstance(payload, bytes) else str(payload or "").encode())
        client._client.ack(message.mid, message.qos)  # it is committed now
        await client.publish(f"{ROOT}/{sender}/{RECEIPTS}", json.dumps(receipt), qos=1)

    async def _followed(self, raw: bytes) -> dict[str, Any]:
        """What became of the rows. While the database is away they wait, unacknowledged."""
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, take, raw)
            except (OperationalError, InterfaceError) as error:
                log.warning("the database is away: %s", type(error).__name__)
                await asyncio.sleep(self._wait)
            except Exception:
                log.exception("positions over the broker")
                return {"status": "failed"}


def take(raw: bytes) -> dict[str, Any]:
    """Follow what was published; the report says which rows were refused, and never whose they are."""
    close_old_connections()
    kind = "json" if raw.lstrip()[:1] == b"[" else "ndjson"
    try:
        return {"status": "taken"} | services.load_positions(raw, kind, by="broker", at=clock.now())
    except ValueError as error:
        return {"status": "refused", "rule": str(error)[:200]}
