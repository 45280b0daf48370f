"""`epipolis mllp`: laboratories' HL7 messages over sockets."""

import asyncio
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from epipolis.server.commands.platform import set_up
from epipolis.server.commands.serve import end_with

if TYPE_CHECKING:
    from epipolis.server.mllp import MllpServer

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def mllp(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one, which is told.")] = 2575,
    host: Annotated[str, typer.Option(help="The address to listen on; empty: as the settings say.")] = "",
    certificate: Annotated[str, typer.Option(help="The listener's certificate (PEM) for TLS.")] = "",
    key: Annotated[str, typer.Option(help="Its key (PEM).")] = "",
    clients: Annotated[str, typer.Option(help="The authority (PEM) whose certificates senders must show.")] = "",
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """Listen for HL7 messages over MLLP; each is acknowledged once it is stored."""
    if with_parent:
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    set_up()
    from epipolis.core.modules import modules  # noqa: PLC0415 -- Django must be set up first

    if "labs" not in modules():
        raise ValueError("the module labs is switched off (EPIPOLIS_WITHOUT)")
    from epipolis.sense.labs.settings import settings  # noqa: PLC0415 -- as above
    from epipolis.server.mllp import MllpServer, tls_context  # noqa: PLC0415 -- as above

    tls = tls_context(certificate or settings.tls_certificate, key or settings.tls_key, clients or settings.tls_clients)
    address = host or settings.mllp_host
    if tls is None and address not in _LOOPBACK:
        raise ValueError("messages name people: another address than this machine's own needs --certificate and --key")
    asyncio.run(_listen(MllpServer(settings, tls), address, port))


async def _listen(server: "MllpServer", host: str, port: int) -> None:
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    found = await server.start(host, port)
    sys.stdout.write(f"listening on {host}:{found}\n")
    sys.stdout.flush()
    await done.wait()
    await server.stop()
