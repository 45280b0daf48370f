"""A broker inside the tests, on this machine's own address, and a listener beside it."""

import asyncio
import json
import socket
import threading
import warnings
from contextlib import contextmanager

from epipolis.server.mqtt import ROOT, Broker, DeviceListener

from .devices import signed

_CONFIG = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": False}}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class InTests:
    """An MQTT broker in a thread of its own; it can be stopped and started again on the same port, and forgets then."""

    def __init__(self):
        self.port = free_port()
        self.address = f"mqtt://tests:secret@127.0.0.1:{self.port}"  # it keeps no messages for those without a name
        self.broker = Broker("127.0.0.1", self.port, "tests", "secret")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = None

    def start(self):
        self._do(self._start())

    def stop(self):
        self._do(self._server.shutdown())

    def close(self):
        self.stop()
        self._do(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from amqtt.broker import Broker as Server

            listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}}
            self._server = Server({"listeners": listeners, "plugins": _CONFIG})
        await self._server.start()

    def _do(self, what):
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)


@contextmanager
def listening(broker, name="tests"):
    """A listener in a thread of its own, from its first subscription to its end."""
    ready, ended = threading.Event(), threading.Event()
    hold = {}

    async def run():
        hold["loop"], hold["done"] = asyncio.get_running_loop(), asyncio.Event()
        await DeviceListener(broker, name=name, wait=0.1).run(hold["done"], ready.set)

    def live():
        asyncio.run(run())
        ended.set()

    thread = threading.Thread(target=live)
    thread.start()
    assert ready.wait(20)
    try:
        yield ready
    finally:
        hold["loop"].call_soon_threadsafe(hold["done"].set)
        thread.join(20)
        assert ended.is_set()


async def talk(broker, serial, *sent, receipts=None, kind="readings", qos=1, retain=False):
    """Publish as a device, and wait for as many receipts."""
    wanted = len(sent) if receipts is None else receipts
    told = []
    async with broker.client(identifier=f"{serial}-device") as client:
        await client.subscribe(f"{ROOT}/{serial}/receipts", qos=1)
        for raw in sent:
            await client.publish(f"{ROOT}/{serial}/{kind}", raw, qos=qos, retain=retain)
        while len(told) < wanted:
            message = await asyncio.wait_for(anext(aiter(client.messages)), 20)
            if str(message.topic).endswith("/receipts"):  # this broker also hands out what was retained under other topics
                told.append(json.loads(bytes(message.payload)))
    return told


class OverMqtt:
    """Readings over the broker, as a device signs and publishes them."""

    def __init__(self, broker, serial, token):
        self.broker, self.serial, self.token = broker, serial, token

    def __call__(self, body):
        return asyncio.run(talk(self.broker, self.serial, signed(body, self.serial, self.token)))[0]
