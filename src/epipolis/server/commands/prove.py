"""`epipolis prove`: what tracing finds of a simulated epidemic whose truth is known."""

import atexit
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from epipolis.server.commands.platform import set_up, steps_shown
from epipolis.server.commands.simulations import whole_file

_START = date(2026, 1, 5)
_HOUR = 3_600


def prove(
    people: Annotated[int, typer.Option(min=500, max=1_000_000, help="How many people live in the simulated city.")] = 100_000,
    days: Annotated[int, typer.Option(min=7, max=120, help="How many days are lived.")] = 60,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same number makes the same city and epidemic.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Also write the table as Markdown, such as docs/reference/proof.md.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print for programs.")] = False,
) -> None:
    """Feed a simulated city through the platform, in an empty database of its own, and hold tracing against the truth."""
    if out is not None and not out.absolute().parent.is_dir():
        print(f"epipolis: --out: {out.absolute().parent} is no folder", file=sys.stderr)
        raise typer.Exit(2)
    home = Path(tempfile.mkdtemp(prefix="epipolis-proof-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # after the database has stopped: it registers itself later
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # else nothing would be thrown away
    os.environ["EPIPOLIS_HOME"] = str(home)
    os.environ.pop("EPIPOLIS_DATABASE_URL", None)
    os.environ["PGOPTIONS"] = "-c synchronous_commit=off"  # what is thrown away need not survive a power cut
    set_up()
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # each of the many short workers drops its clock's query when it ends
    from epipolis.server.demonstration import history, proving  # noqa: PLC0415 -- Django must be set up first

    plan = history.Plan(people, days, seed, _START, 1.0)
    with steps_shown(quiet=as_json) as steps:
        found = proving.prove(plan, home, progress=steps)
    settings = {"people": people, "days": days, "seed": seed, "start": _START.isoformat(), "checks_in": history.UPTAKE}
    if out is not None:
        with whole_file(out) as partial:
            partial.write_text(_page(found, settings), encoding="utf-8")
    if as_json:
        print(json.dumps({"settings": settings, **asdict(found)}))
    else:
        _show(found, out)


def _show(found: Any, out: Path | None) -> None:
    console = Console()
    console.print(", ".join(f"{value:,} {name}" for name, value in found.counts.items()))
    for header, rows in ((("of the true infections", "number", "share"), _steps(found)), (_HEADER, _figures(found))):
        table = Table(*header)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    if out:
        console.print(f"written: {out}")


_HEADER = ("figure", "value", "95 % interval", "of")


def _steps(found: Any) -> list[tuple[str, str, str]]:
    whole = max(next(iter(found.steps.values()), 0), 1)
    return [(name, f"{count:,}", f"{count / whole:.1%}") for name, count in found.steps.items()]


def _figures(found: Any) -> list[tuple[str, str, str, str]]:
    return [_figure(figure) for figure in found.figures]


def _figure(figure: Any) -> tuple[str, str, str, str]:
    if figure.value is None:
        return figure.name, "none", "", "0"
    if figure.quartiles is None:
        return figure.name, f"{figure.value:.1%}", f"{figure.low:.1%} to {figure.high:.1%}", f"{figure.of:,}"
    value, low, high, first, third = (
        f"{seconds / _HOUR / 24:.1f}" for seconds in (figure.value, figure.low, figure.high, *figure.quartiles)
    )
    return figure.name, f"{value} days (median; quartiles {first} and {third})", f"{low} to {high} days", f"{figure.of:,}"


def _page(found: Any, settings: dict[str, Any]) -> str:
    command = f"epipolis prove --people {settings['people']} --days {settings['days']} --seed {settings['seed']}"
    counts = ", ".join(f"{value:,} {name}" for name, value in found.counts.items())
    return "\n".join(
        [
            "# What tracing finds",
            "",
            "A simulated city, whose truth is known, fed through the platform's imports; its tracing held against the truth.",
            "[How this is done and what the figures mean](../guides/prove.md).",
            "",
            f"`{command} --out docs/reference/proof.md`",
            "",
            f"{counts}; {settings['checks_in']:.0%} of the people check in, a quarter of them under a pseudonym only;"
            f" first day {settings['start']}.",
            "",
            *_markdown(("of the true infections", "number", "share"), _steps(found)),
            "",
            *_markdown(_HEADER, _figures(found)),
            "",
        ]
    )


def _markdown(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *rows)]
