"""The listener for HL7 over sockets (MLLP): each message is acknowledged when the transaction that holds it has committed.

AA: it is stored, now or before. AR: it is stored, but cannot be read, and the same bytes again would not be read either.
AE: it is not stored, because the database or the disk is away or too much waits; the sender repeats it.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from epipolis.core.intake import Lane, Outcome
from epipolis.engines.messages import Frame, Frames, acknowledge, frame
from epipolis.sense.labs.services import Incoming, receive_batch
from epipolis.sense.labs.settings import Settings

log = logging.getLogger(__name__)
_READ = 64 * 1024
_BUSY = Outcome(503, rule="More arrives than can be stored; send it again.")
_GRACE = 5.0  # seconds in which open connections may end when the listener stops


def tls_context(certificate: str, key: str, clients: str) -> ssl.SSLContext | None:
    """TLS with the listener's certificate, and with clients' certificates where their authority is given; None without.

    Raises:
        ValueError: a part is missing, or a file is no certificate or key.
    """
    if not certificate:
        if key or clients:
            raise ValueError("TLS needs the listener's own certificate and key")
        return None
    if not key:
        raise ValueError("a certificate needs its key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if clients:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"the certificate cannot be used: {error}") from error
    return context


class MllpServer:
    """Many connections on one event loop, and one lane that stores what waits together."""

    def __init__(self, settings: Settings, tls: ssl.SSLContext | None = None) -> None:
        self._settings, self._tls = settings, tls
        self._open: set[asyncio.Task[None]] = set()
        self._lane: Lane | None = None
        self._server: asyncio.Server | None = None
        self._is_stopping = False

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port, which the system chooses for port 0."""
        self._lane = Lane(receive_batch, asyncio.get_running_loop())
        self._server = await asyncio.start_server(self._serve, host, port, ssl=self._tls, limit=_READ)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Take no more, store and acknowledge what has arrived, close."""
        assert self._server is not None  # noqa: S101 -- started before
        assert self._lane is not None  # noqa: S101 -- started before
        self._is_stopping = True
        self._server.close()
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(self._open, timeout=_GRACE)
        await asyncio.to_thread(self._lane.stop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- a handler runs in a task
        self._open.add(task)
        try:
            if len(self._open) <= self._settings.connections:
                await self._listen(reader, writer)
            else:
                log.warning("more than %s connections; one was closed", self._settings.connections)
        except (OSError, ssl.SSLError, TimeoutError):  # the sender hung up or fell silent
            pass
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
        finally:
            self._open.discard(task)
            writer.close()
            with suppress(OSError, ssl.SSLError, TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(writer.wait_closed(), _GRACE)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames(self._settings.message_bytes)
        name = _name_in(writer.get_extra_info("peercert"))
        actor = f"mllp:{name or (writer.get_extra_info('peername') or ('?',))[0]}"
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settings.idle_seconds
        while True:
            async with asyncio.timeout_at(until):  # bytes alone keep no connection open, whole messages do
                data = await reader.read(_READ)
            found = frames.feed(data) if data else frames.close()
            if any(one.fault == "outside a frame" for one in found):
                return
            if found:
                await self._take(found, name, actor, writer)
                until = loop.time() + self._settings.idle_seconds
            if not data:
                return

    async def _take(self, found: Sequence[Frame], name: str, actor: str, writer: asyncio.StreamWriter) -> None:
        """Store frames together, then acknowledge each in its turn."""
        assert self._lane is not None  # noqa: S101 -- started before
        if self._lane.is_full:
            outcomes = [_BUSY] * len(found)
        else:
            items = [Incoming(one.raw, "hl7", "mllp", certificate=name, fault=one.fault) for one in found]
            outcomes = await asyncio.shield(asyncio.gather(*(self._lane.put(item, actor) for item in items)))
        at = datetime.now(UTC)  # between machines: real time, and the platform's clock may ask the database
        for one, outcome in zip(found, outcomes, strict=True):
            writer.write(frame(answer(one.raw, outcome, at)))
        await asyncio.wait_for(writer.drain(), self._settings.idle_seconds)


def answer(raw: bytes, outcome: Outcome, at: datetime) -> bytes:
    """The acknowledgement of a message."""
    if outcome.status < 300:
        return acknowledge(raw, "AA", at=at)
    if outcome.status == 422:
        return acknowledge(raw, "AR", outcome.rule, at=at, where=outcome.field)
    return acknowledge(raw, "AE", outcome.rule, at=at, kind="internal")


def _name_in(certificate: Any) -> str:
    """The common name in a client's certificate that was verified; empty without one."""
    subject = certificate.get("subject", ()) if certificate else ()
    return next((value for part in subject for key, value in part if key == "commonName"), "")
