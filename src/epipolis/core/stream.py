"""The live stream `/live/`: one server-sent event for each thing that changed, for staff who are signed in.

A message holds a topic and identifiers, never a name or a figure: the page asks for its own part again and meets the
ordinary permissions there. The session is looked at again every few seconds, so a stream ends with its session.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from epipolis.core.access import account_of_session
from epipolis.core.live import hub

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PERMISSION = "core.live"
_TRUST = 5.0  # seconds for which a session that was looked at may be trusted
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
_checks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live-sessions")


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one browser's EventSource until it leaves or its session ends."""
    if scope.get("method") != "GET":
        return await _refuse(send, 405)
    key = session_key(scope)
    may = await _may_listen(key)
    if not may:
        return await _refuse(send, 503 if may is None else 403)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send(_body(b": connected\n\n"))
    telling = asyncio.create_task(_tell(key, send))
    leaving = asyncio.create_task(_left(receive))
    try:
        await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:  # the server stops; the page comes back by itself
        await send(_body(b"", more=False))
    finally:
        telling.cancel()
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(telling, leaving, return_exceptions=True)


async def _tell(key: str, send: Send) -> None:
    loop = asyncio.get_running_loop()
    trusted_until = loop.time() + _TRUST
    async for message in hub.messages():
        if loop.time() > trusted_until:
            if await _may_listen(key) is False:
                await send(_body(b'data: {"topic": "bye"}\n\n', more=False))
                return
            trusted_until = loop.time() + _TRUST
        text = f"data: {json.dumps(message)}\n\n" if message is not None else ": still here\n\n"
        await send(_body(text.encode()))


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _may_listen(key: str) -> bool | None:
    """Whether this session may hear; None while the database is away and nobody can know."""
    return await asyncio.get_running_loop().run_in_executor(_checks, _check, key)


def _check(key: str) -> bool | None:
    """Runs on a thread of its own, which keeps one database connection."""
    if not key:
        return False
    close_old_connections()
    try:
        user = account_of_session(key)
        return user is not None and user.has_perm(PERMISSION)
    except DatabaseError:
        return None


def session_key(scope: Scope) -> str:
    """The session that a request's cookies name; empty when there is none."""
    for name, value in scope.get("headers", ()):
        if name == b"cookie":
            try:
                found = SimpleCookie(value.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
            except CookieError:
                return ""
            if found is not None:
                return found.value
    return ""


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send(_body(b"", more=False))


def _body(content: bytes, *, more: bool = True) -> MutableMapping[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}
