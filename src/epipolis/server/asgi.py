"""One process: high-rate intake and live streams natively, pages and API through Django on a few lasting threads.

Django under ASGI opens a database connection for every request; on WSGI threads the connections stay open.
"""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "epipolis.server.settings")
django.setup()

from a2wsgi import WSGIMiddleware  # noqa: E402 -- Django must be set up first
from django.core.wsgi import get_wsgi_application  # noqa: E402 -- Django must be set up first

pages: Any = WSGIMiddleware(get_wsgi_application(), workers=4)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Send each connection down its road."""
    if scope["type"] == "lifespan":
        return
    await pages(scope, receive, send)
