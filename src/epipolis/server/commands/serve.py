"""`epipolis serve` and `epipolis worker`: the web process and the background process."""

import os
import signal
import sys
import threading
import time
from typing import Annotated

import typer

from epipolis.core import database
from epipolis.server.commands.platform import set_up

_STREAMS_MAY_TAKE = 5  # seconds that open live streams get when the server stops


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    with_worker: Annotated[bool, typer.Option(help="Do the background work in this process's own child.")] = True,
    mllp: Annotated[int | None, typer.Option(min=1, max=65535, help="Take laboratories' HL7 messages at this port.")] = None,
) -> None:
    """Start the platform: pages, API, intake and live streams, and a worker beside them."""
    os.environ.setdefault("EPIPOLIS_ADDRESS", f"http://{host}:{port}")
    set_up()
    import uvicorn  # noqa: PLC0415 -- only this command needs it

    from epipolis.server.keepers import ChildKeeper, DatabaseKeeper, Keeper  # noqa: PLC0415 -- as above

    keepers: list[Keeper] = [ChildKeeper("worker")] if with_worker else []
    if mllp is not None:
        keepers.append(ChildKeeper("mllp", "--port", str(mllp)))
    if database.is_embedded():
        keepers.insert(0, DatabaseKeeper())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the server re-raises it when it has stopped
    for keeper in keepers:
        keeper.start()
    try:
        uvicorn.run(
            "epipolis.server.asgi:application",
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            log_level="warning",
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=_STREAMS_MAY_TAKE,
        )
    except KeyboardInterrupt:
        pass
    finally:
        for keeper in reversed(keepers):
            keeper.stop()


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="Pieces of work at the same time.")] = 2,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """Do background work: events, tasks and jobs."""
    if with_parent:
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    set_up()
    from epipolis.core.work import DEAD_AFTER, HEARTBEAT, worker_app  # noqa: PLC0415 -- Django must be set up first

    with worker_app() as ready:
        ready.run_worker(
            concurrency=concurrency,
            delete_jobs="successful",
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=DEAD_AFTER,
        )


def end_with(parent: int) -> None:
    """Ask this process to stop when its parent is gone, so that a killed server leaves no worker behind."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
