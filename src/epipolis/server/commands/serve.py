"""`epipolis serve` and `epipolis worker`: the web process and the background process."""

import os
from typing import Annotated, Any

import typer

from epipolis.server.commands.platform import set_up


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    with_worker: Annotated[bool, typer.Option(help="Do the background work in this process's own child.")] = True,
) -> None:
    """Start the platform: pages, API, intake and live streams, and a worker beside them."""
    os.environ.setdefault("EPIPOLIS_ADDRESS", f"http://{host}:{port}")
    set_up()
    import uvicorn  # noqa: PLC0415 -- only this command needs it

    uvicorn.run(
        "epipolis.server.asgi:application",
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        lifespan="on",
    )


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="Pieces of work at the same time.")] = 2,
) -> None:
    """Do background work: events, tasks and jobs."""
    set_up()
    from procrastinate.contrib.django import app  # noqa: PLC0415 -- Django must be set up first

    connector: Any = app.connector
    with app.replace_connector(connector.get_worker_connector()) as ready:
        ready.run_worker(concurrency=concurrency)
