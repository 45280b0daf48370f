"""The listener for test devices over a broker (MQTT 3.1.1): a reading is acknowledged when it is committed.

Devices publish under `epipolis/devices/<serial>/`: `readings` (QoS 1), `about` (QoS 1, retained: what the device is) and
`status` (QoS 0: that it is there, and what its clock says). The platform answers under `receipts`. A broker proves nobody, so
what a device says is signed with its token, which itself never passes the broker.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from epipolis.core import clock
from epipolis.sense.labs import services

log = logging.getLogger(__name__)
ROOT = "epipolis/devices"
READINGS, ABOUT, STATUS, RECEIPTS = "readings", "about", "status", "receipts"
NAME = "epipolis-devices"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LONGEST_WAIT = 30.0  # seconds between two tries to reach the broker or the database
_FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, and how it is entered."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    is_encrypted: bool = False

    def client(self, **known: Any) -> aiomqtt.Client:
        """A client of this broker, not yet connected."""
        tls = ssl.create_default_context() if self.is_encrypted else None
        return aiomqtt.Client(
            self.host, self.port, username=self.username, password=self.password, tls_context=tls, keepalive=20, **known
        )


def broker_at(address: str) -> Broker:
    """The broker at `mqtt://` or `mqtts://[user:password@]host[:port]`.

    Raises:
        ValueError: it is no such address, or an open road to another machine.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError("a broker's address is mqtt://host:port or mqtts://host:port")
    is_encrypted = parts.scheme == "mqtts"
    if not is_encrypted and parts.hostname not in _LOOPBACK:
        raise ValueError("readings are about people's health: to another machine use mqtts://")
    port = parts.port or (8883 if is_encrypted else 1883)
    name, password = (unquote(one) if one is not None else None for one in (parts.username, parts.password))
    return Broker(parts.hostname, port, name, password, is_encrypted)


class DeviceListener:
    """One session with the broker, which keeps for it what comes while it is away; everything is written in one thread."""

    def __init__(self, broker: Broker, *, name: str = NAME, wait: float = 1.0) -> None:
        self._broker, self._name, self._wait = broker, name, wait
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="devices")

    async def run(self, done: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Listen until `done`; when the broker is away, try again. `ready` is called each time it listens."""
        wait = self._wait
        try:
            while not done.is_set():
                task = asyncio.create_task(self._listen(ready))
                stop = asyncio.create_task(done.wait())
                await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
                stop.cancel()
                if not task.done():
                    task.cancel()
                heard = False
                with suppress(asyncio.CancelledError):
                    heard = await task
                wait = self._wait if heard else min(2 * wait, _LONGEST_WAIT)
                with suppress(TimeoutError):
                    await asyncio.wait_for(done.wait(), wait)
        finally:
            await asyncio.get_running_loop().run_in_executor(self._thread, connections.close_all)
            self._thread.shutdown(wait=True)

    async def _listen(self, ready: Callable[[], None]) -> bool:
        """One connection, to its end; whether it was made."""
        client = self._broker.client(identifier=self._name, clean_session=False)
        client._client.manual_ack_set(True)  # else a reading is acknowledged before it is stored
        subscribed = asyncio.Event()
        try:
            # A broker may send what waits before it has confirmed the subscription, and wait for its acknowledgement.
            async with client, asyncio.TaskGroup() as both:
                both.create_task(self._subscribe(client, subscribed, ready))
                both.create_task(self._take_all(client))
        except* aiomqtt.MqttError as errors:
            log.warning("the broker is away: %s", errors.exceptions[0])
        return subscribed.is_set()

    async def _subscribe(self, client: aiomqtt.Client, subscribed: asyncio.Event, ready: Callable[[], None]) -> None:
        for kind, level in ((READINGS, 1), (ABOUT, 1), (STATUS, 0)):
            await client.subscribe(f"{ROOT}/+/{kind}", qos=level)
        subscribed.set()
        ready()

    async def _take_all(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            await self._take(client, message)

    async def _take(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        serial, kind = [*str(message.topic).split("/"), "", ""][2:4]
        # What a device is may have waited at the broker; only a status, which brokers do not keep, tells of now.
        receipt = await self._stored(serial, kind, _bytes(message.payload), is_kept=kind == ABOUT)
        client._client.ack(message.mid, message.qos)  # it is committed now
        if kind == READINGS or not message.retain:
            await client.publish(f"{ROOT}/{serial}/{RECEIPTS}", json.dumps(receipt), qos=1)

    async def _stored(self, serial: str, kind: str, raw: bytes, *, is_kept: bool) -> dict[str, Any]:
        """The receipt of what came. While the database is away it waits, unacknowledged."""
        wait = self._wait
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, take, serial, kind, raw, is_kept)
            except (OperationalError, InterfaceError) as error:
                log.warning("the database is away: %s", type(error).__name__)
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            except Exception:
                # The device keeps a reading until it hears that it is stored, and must not block those of others meanwhile.
                log.exception("a device's message under %s", kind)
                return {"status": _FAILED}


def take(serial: str, kind: str, raw: bytes, is_kept: bool) -> dict[str, Any]:
    """Store what a device published; the receipt says what became of it, and never whose the sample is."""
    close_old_connections()
    at = clock.now()
    if kind == READINGS:
        taken = services.take_over_mqtt(raw, serial, at=at)
    else:
        taken = services.hear_over_mqtt(raw, serial, at=at, is_kept=is_kept)
    return taken._asdict() | {"time": at.isoformat()}


def _bytes(payload: Any) -> bytes:
    return payload if isinstance(payload, bytes) else str(payload or "").encode()
