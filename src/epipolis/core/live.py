"""Live updates: pages hear within a second that something changed, and fetch what they may see.

`tell` sends a NOTIFY in the caller's transaction, so pages hear of it when it is committed and never before. The message
names a topic and identifiers only; each page asks for its own part again, through the ordinary permissions.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import psycopg
from django.db import connection

CHANNEL = "epipolis_live"
_HEARTBEAT = 15.0  # seconds; keeps proxies from closing a quiet stream
_QUEUE = 200  # messages a slow reader may fall behind before it is told to reload


def tell(topic: str, **identifiers: str | int) -> None:
    """Say to every open page that something of this topic changed, when the current transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, message(topic, **identifiers)])


def message(topic: str, **identifiers: str | int) -> str:
    """What is told on the channel, for a service that sends several statements in one exchange."""
    return json.dumps({"topic": topic, **identifiers})


class Hub:
    """One listening connection a process, shared by all its streams."""

    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[dict[str, Any]]] = set()
        self._task: asyncio.Task[None] | None = None

    async def messages(self) -> AsyncIterator[dict[str, Any] | None]:
        """Each message as it comes; None now and then when there is nothing to say."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_QUEUE)
        self._readers.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        try:
            while True:
                try:
                    yield await asyncio.wait_for(queue.get(), _HEARTBEAT)
                except TimeoutError:
                    yield None
        finally:
            self._readers.discard(queue)

    async def _listen(self) -> None:
        while self._readers:
            try:
                async with await psycopg.AsyncConnection.connect(_dsn(), autocommit=True) as conn:
                    await conn.execute(f"LISTEN {CHANNEL}")
                    async for note in conn.notifies(timeout=_HEARTBEAT):
                        self._pass_on(json.loads(note.payload))
            except psycopg.OperationalError:  # the database restarts: pages reload once it is back
                await asyncio.sleep(1)
                self._pass_on({"topic": "reload"})

    def _pass_on(self, message: dict[str, Any]) -> None:
        for queue in self._readers:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait({"topic": "reload"})
            else:
                queue.put_nowait(message)


hub = Hub()


def _dsn() -> str:
    from django.conf import settings  # noqa: PLC0415 -- tests swap the database after import

    found = settings.DATABASES["default"]
    parts = {"dbname": found["NAME"], "user": found["USER"], "password": found["PASSWORD"], "host": found["HOST"]}
    return psycopg.conninfo.make_conninfo(**{k: v for k, v in parts.items() if v}, port=found["PORT"] or None)
