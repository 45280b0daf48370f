"""One process: high-rate intake and live streams natively, pages and API through Django on a few lasting threads.

Django under ASGI opens a database connection for every request; on WSGI threads the connections stay open.
"""

import gc
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "epipolis.server.settings")
django.setup()

from a2wsgi import WSGIMiddleware  # noqa: E402 -- Django must be set up first
from django.core.wsgi import get_wsgi_application  # noqa: E402 -- Django must be set up first

from epipolis.core.modules import modules  # noqa: E402 -- Django must be set up first
from epipolis.core.stream import stream  # noqa: E402 -- Django must be set up first
from epipolis.server.road import Road  # noqa: E402 -- Django must be set up first

sys.setswitchinterval(0.001)  # the writer thread is soon back from the database, however busy the event loop is
pages: Any = WSGIMiddleware(get_wsgi_application(), workers=4)
road = Road({f"/api/v1/{intake.path}": intake for module in modules().values() for intake in module.intakes})


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Send each connection down its road."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] != "http":
        await send({"type": "websocket.close"})
    elif road.takes(scope):
        await road(scope, receive, send)
    elif scope["path"].startswith("/live/"):
        await stream(scope, receive, send)
    else:
        await pages(scope, receive, send)


async def _live(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            road.start()
            gc.collect()
            gc.freeze()  # what startup made lasts; searching it again would hold every request up for 70 ms each second
            await send({"type": "lifespan.startup.complete"})
        else:
            await road.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
