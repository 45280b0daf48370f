"""`epipolis demo`: an invented city, sixty days into an epidemic, that goes on living while you look at it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from epipolis.server.commands.platform import set_up, steps_shown

_DAY = 86_400
_READY = 120.0


def demo(
    people: Annotated[int, typer.Option(min=500, max=5_000_000, help="How many people live in the city.")] = 50_000,
    days: Annotated[int, typer.Option(min=7, max=365, help="How many days it has lived when it opens.")] = 60,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same seed makes the same city.")] = 1,
    minutes_per_day: Annotated[float, typer.Option(min=0.1, help="How long one day of the city takes.")] = 4.0,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Throw the demonstration in EPIPOLIS_HOME away and start anew.")
    ] = False,
    build_only: Annotated[bool, typer.Option("--build-only", help="Build the city and stop.")] = False,
) -> None:
    """Build the demonstration city, open the platform, and let the city live on."""
    os.environ["EPIPOLIS_DEMO"] = "1"
    os.environ["EPIPOLIS_ADDRESS"] = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    set_up()
    from epipolis.server.demonstration import history, state  # noqa: PLC0415 -- Django must be set up first

    wanted = history.Plan(
        people, days, seed, _monday_before(datetime.now(UTC).date() - timedelta(days=days)), _DAY / (60 * minutes_per_day)
    )
    if fresh:
        state.throw_away()
    plan = state.existing() or _build(wanted)
    accounts = state.open_doors(plan)
    if build_only:
        Console().print(f"built in {time.monotonic() - began:.0f} s")
        return
    _live(plan, accounts, port, began)


def _build(plan: Any) -> Any:
    from epipolis.server.demonstration import history, state  # noqa: PLC0415 -- Django must be set up first

    state.refuse_real_data()
    with steps_shown() as steps:
        history.fill(plan, state.folder(), keep_days=state.keep_days(), progress=steps)
    state.keep(plan)
    return plan


def _live(plan: Any, accounts: list[tuple[str, str, str, str]], port: int, began: float) -> None:
    from epipolis.server.demonstration import feeding  # noqa: PLC0415 -- Django must be set up first

    server = subprocess.Popen([sys.executable, "-m", "epipolis.server", "serve", "--port", str(port)])  # noqa: S603 -- this very program

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        _wait_until_ready(port, server)
        _say_hello(plan, accounts, port, time.monotonic() - began)
        feeding.feed(plan, f"http://127.0.0.1:{port}", lambda: server.poll() is None)
    except KeyboardInterrupt:
        Console().print("closing the demonstration; `make demo` opens it again where it stands")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def _wait_until_ready(port: int, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _READY
    while time.monotonic() < until:
        if server.poll() is not None:
            raise ValueError(f"the platform did not start; is port {port} in use?")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/", timeout=2) as answer:
                if json.load(answer)["status"] == "ok":
                    return
        except OSError:
            time.sleep(0.3)
    raise ValueError("the platform did not answer in time")


def _say_hello(plan: Any, accounts: list[tuple[str, str, str, str]], port: int, seconds: float) -> None:
    console = Console()
    console.rule("[bold]epipolis demonstration: everything is simulated")
    console.print(
        f"[bold]http://127.0.0.1:{port}[/]   ready after {seconds:.0f} s; one day takes {_DAY / plan.speed / 60:.1f} minutes"
    )
    table = Table(box=None)
    for heading in ("account", "role", "password", "second factor (TOTP secret)"):
        table.add_column(heading, overflow="fold")
    for account in accounts:
        table.add_row(*account)
    console.print(table)
    console.print("On the sign-in page one button per role signs you in without typing.")
    console.print("[bold]Three things to try[/]")
    console.print(" 1. Sign in as tracer, open Whom to call, call the first contact on the list; read why they are on it.")
    console.print(" 2. Open the laboratory inbox, say what the unknown code means, and watch the message become a result.")
    console.print(" 3. Sign in as commander, open the live picture, and move the slider to see what was known last week.")
    console.print("Ctrl-C closes it.")


def _monday_before(day: date) -> date:
    return day - timedelta(days=day.weekday())
