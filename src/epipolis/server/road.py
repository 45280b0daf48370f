"""The fast road: intake endpoints as native ASGI, beside Django, in the same process.

A request is checked (token, scope, size, every field), queued, and answered when the transaction that holds its item
has committed. What the road does not take (another method, a browser's session) goes on to the same endpoint in Django.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from django.db import InterfaceError, OperationalError, connection

from epipolis.core import clock
from epipolis.core.access import device_of
from epipolis.core.audit import actor_name
from epipolis.core.intake import AWAY, BROKEN, FULL, Intake, Lane, Outcome, failure_of, log
from epipolis.core.models import DeviceToken
from epipolis.core.problems import problem_body

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = tuple[int, bytes]
ITEM_BYTES, BULK_BYTES, BULK_WAITING = 64 * 1024, 64 * 2**20, 3
_TOKEN_SECONDS = 3.0  # how long a token's check holds; a revoked one is refused after this at the latest
_TOKENS = 10_000
_STORED = b'{"status":"stored"}'  # a repeat gets the same answer
_KINDS = {b"application/json": "json", b"application/x-ndjson": "ndjson", b"text/csv": "csv"}


class Road:
    """Every intake of every module, by its path; started and stopped with the server."""

    def __init__(self, intakes: Mapping[str, Intake]) -> None:
        self._intakes = dict(intakes)
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            path: msgspec.json.Decoder(intake.item) for path, intake in intakes.items()
        }
        self._bulks = {f"{path}:bulk": intake for path, intake in intakes.items() if intake.bulk}
        self._lanes: dict[str, Lane] = {}
        self._tokens: dict[bytes, tuple[float, asyncio.Task[DeviceToken | None]]] = {}
        self._looking = ThreadPoolExecutor(1, "tokens")
        self._loading = ThreadPoolExecutor(2, "bulk")  # one reads while the other waits for the database
        self._bulk_waiting = 0
        self._is_stopping = False

    def start(self) -> None:
        """Open a lane for each intake; needs a running event loop."""
        loop = asyncio.get_running_loop()
        self._lanes = {path: Lane(intake.write, loop) for path, intake in self._intakes.items()}

    async def stop(self) -> None:
        """Take nothing more, store what waits, end the threads."""
        self._is_stopping = True
        for lane in self._lanes.values():
            await asyncio.to_thread(lane.stop)
        for pool in (self._looking, self._loading):
            await asyncio.get_running_loop().run_in_executor(pool, lambda: connection.close())
            pool.shutdown()

    def takes(self, scope: Scope) -> bool:
        """Whether this request is for the road: a POST by a device to an intake, or of what proves itself."""
        path = scope["path"]
        if scope["method"] != "POST" or not (path in self._intakes or path in self._bulks):
            return False
        if path in self._intakes and not self._intakes[path].needs:
            return True
        return any(name == b"authorization" for name, _ in scope["headers"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        path = scope["path"]
        if path in self._bulks:
            await _reply(send, *await self._take_bulk(self._bulks[path], headers, receive))
        else:
            await _reply(send, *await self._take_item(path, headers, receive))

    async def _take_item(self, path: str, headers: Mapping[bytes, bytes], receive: Receive) -> Answer:
        intake = self._intakes[path]
        device = await self._admit(headers, intake.needs) if intake.needs else None
        if isinstance(device, tuple):
            return device
        body = await _read(receive, headers, ITEM_BYTES)
        if body is None:
            return _problem(413, "too_large", f"One item is {ITEM_BYTES} bytes at most.")
        try:
            item = self._decoders[path].decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _problem(422, "invalid", "Some fields break a rule; nothing was stored.", [fault(error)])
        lane = self._lanes[path]
        if self._is_stopping or lane.is_full:
            return _problem(503, "busy", "More arrives than can be stored; send it again.")
        return _answer(await lane.put(item, actor_name(device) if device else intake.by))

    async def _take_bulk(self, intake: Intake, headers: Mapping[bytes, bytes], receive: Receive) -> Answer:
        device = await self._admit(headers, intake.needs)
        if isinstance(device, tuple):
            return device
        kind = _KINDS.get(headers.get(b"content-type", b"").split(b";")[0].strip().lower())
        if kind is None:
            return _problem(415, "kind", "Send application/json, application/x-ndjson or text/csv.")
        if self._is_stopping or self._bulk_waiting >= BULK_WAITING:
            return _problem(503, "busy", "More arrives than can be stored; send it again.")
        self._bulk_waiting += 1
        try:
            body = await _read(receive, headers, BULK_BYTES)
            if body is None:
                return _problem(413, "too_large", f"One request is {BULK_BYTES} bytes at most; send several.")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._loading, _load, intake, body, kind, actor_name(device))
        finally:
            self._bulk_waiting -= 1

    async def _admit(self, headers: Mapping[bytes, bytes], scope: str) -> DeviceToken | Answer:
        try:
            device = await self._device(headers[b"authorization"])
        except (OperationalError, InterfaceError):
            return _answer(AWAY)
        if device is None:
            return _problem(401, "bad_token", "The device token is unknown, expired or revoked.")
        if scope not in device.scopes:
            return _problem(403, "not_allowed", f"This token lacks the scope {scope}.")
        return device

    async def _device(self, header: bytes) -> DeviceToken | None:
        found = self._tokens.get(header)
        if found is None or found[0] < time.monotonic():
            if len(self._tokens) > _TOKENS:
                self._tokens.clear()
            found = time.monotonic() + _TOKEN_SECONDS, asyncio.ensure_future(self._look_up(header))
            self._tokens[header] = found
        return found[1].result() if found[1].done() else await asyncio.shield(found[1])

    async def _look_up(self, header: bytes) -> DeviceToken | None:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._looking, _find_device, header.decode("latin-1"))
        except BaseException:
            self._tokens.pop(header, None)
            raise


def _find_device(header: str) -> DeviceToken | None:
    try:
        return device_of(header, at=clock.now())
    except (OperationalError, InterfaceError):
        connection.close()
        raise


def _load(intake: Intake, body: bytes, kind: str, by: str) -> Answer:
    assert intake.bulk is not None  # noqa: S101 -- only such intakes are among the bulk paths
    try:
        return 200, msgspec.json.encode(intake.bulk(body, kind, by=by, at=clock.now()))
    except ValueError as error:
        return _problem(422, "invalid", str(error)[:500])
    except (OperationalError, InterfaceError) as error:
        connection.close()
        return _answer(failure_of(error))
    except Exception:
        log.exception("a bulk request could not be stored")
        return _answer(BROKEN)


async def _read(receive: Receive, headers: Mapping[bytes, bytes], most: int) -> bytes | None:
    """The body, or None when it is larger than allowed; what is too large is not read to its end."""
    if int(headers.get(b"content-length", b"0") or 0) > most:
        return None
    message = await receive()
    if not message.get("more_body"):
        body: bytes = message.get("body", b"")
        return body if len(body) <= most else None
    pieces, size = [message.get("body", b"")], len(message.get("body", b""))
    while message.get("more_body"):
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > most:
            return None
    return b"".join(pieces)


def fault(error: Exception) -> dict[str, str]:
    """The field and the rule in a decoder's message."""
    text, _, where = str(error).partition(" - at `$")
    return {"field": where.rstrip("`").lstrip("."), "rule": text}


def _answer(outcome: Outcome) -> Answer:
    if outcome.body:
        return outcome.status, outcome.body
    if outcome.status == 201:
        return 201, _STORED
    if outcome.status == 200:
        return 200, _STORED
    if outcome.status == 422:
        errors = [{"field": outcome.field, "rule": outcome.rule}]
        return _problem(422, "invalid", "A field breaks a rule; nothing was stored.", errors)
    code = {AWAY.status: "database", FULL.status: "disk_full"}.get(outcome.status, "refused")
    return _problem(outcome.status, code, outcome.rule)


def _problem(status: int, code: str, detail: str, errors: list[dict[str, Any]] | None = None) -> Answer:
    return status, msgspec.json.encode(problem_body(status, code, detail, errors))


_JSON, _PROBLEM = (b"content-type", b"application/json"), (b"content-type", b"application/problem+json")
_AGAIN = (b"retry-after", b"1")


async def _reply(send: Send, status: int, body: bytes) -> None:
    headers = [_JSON if status < 400 else _PROBLEM, (b"content-length", str(len(body)).encode())]
    if status in (503, 507):
        headers.append(_AGAIN)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
