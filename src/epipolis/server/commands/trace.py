"""`epipolis trace`: who met a case, or every case of the city in one pass."""

import json
import time
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from epipolis.server.commands.platform import set_up

AsJson = Annotated[bool, typer.Option("--json", help="Print for programs.")]
_SHOWN = 40


def trace(
    case: Annotated[str, typer.Argument(help="A case by its id or its number in the source; or use --all.")] = "",
    everyone: Annotated[bool, typer.Option("--all", help="Every confirmed case in one pass; nothing is stored.")] = False,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="With --all: cases from this day on.")] = None,
    minutes: Annotated[
        int | None, typer.Option(min=0, max=100_000, help="With --all: shortest shared stay, in place of the rules in force.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="With --all: also write the pairs to .csv, .json or .parquet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find who met a case by the rules in force, and why; with --all over the whole city."""
    if bool(case) == everyone:
        raise ValueError("name one case, or say --all")
    set_up()
    if everyone:
        _trace_all(since.date() if since else None, minutes, out, as_json)
    else:
        _trace_one(case, as_json)


def _trace_one(wanted: str, as_json: bool) -> None:
    from epipolis.core import clock, rules  # noqa: PLC0415 -- Django must be set up first
    from epipolis.understand.tracing import queries, services  # noqa: PLC0415 -- Django must be set up first

    found = _find_case(wanted)
    began = time.perf_counter()
    made = services.trace_case(found.id, by="command line", at=clock.now())
    seconds = round(time.perf_counter() - began, 4)
    names = ("found", "added", "gone", "changed", "visits")
    contacts = [
        {
            "contact": str(one.visitor),
            "risk": one.risk,
            "certain": one.certain,
            "minutes": one.minutes,
            "last_met": one.last_met.isoformat(),
            "place": one.place_name,
            "state": one.state,
        }
        for one in queries.contacts_of(found.id)
    ]
    if as_json:
        body = {"case": str(found.id), "case_number": found.source_key, "seconds": seconds, "decision": made.decision}
        print(json.dumps(body | {name: getattr(made, name) for name in names} | {"contacts": contacts}, ensure_ascii=False))
        return
    print("\n".join([f"case {found.source_key}", *(f"  {reason}" for reason in rules.explain(made.decision))]))
    print(", ".join(f"{name} {getattr(made, name)}" for name in names) + f" ({seconds} s)")
    _table(contacts)


def _find_case(wanted: str) -> Any:
    from epipolis.sense.cases import queries as cases  # noqa: PLC0415 -- Django must be set up first

    try:
        found = list(cases.cases_by_id([UUID(wanted)]).values())
    except ValueError:
        found = [] if "\0" in wanted else list(cases.line_list().filter(source_key=wanted)[:2])
    if not found:
        raise LookupError(f"no case {wanted!r}")
    if len(found) > 1:
        raise LookupError(f"more than one source has a case {wanted!r}; give its id")
    return found[0]


def _trace_all(since: date | None, minutes: int | None, out: Path | None, as_json: bool) -> None:
    from epipolis.core import audit, clock  # noqa: PLC0415 -- Django must be set up first
    from epipolis.server.commands.tables import _bar  # noqa: PLC0415 -- it reads the platform too
    from epipolis.understand.tracing import queries  # noqa: PLC0415 -- Django must be set up first

    at, began = clock.now(), time.perf_counter()
    least = None if minutes is None else timedelta(minutes=minutes)
    with _bar(as_json) as progress:
        found = queries.everyone(at=at, since=since, at_least=least, progress=progress)
    seconds = round(time.perf_counter() - began, 3)
    counts = {"cases": found.cases, "contacts": found.contacts, "meetings": found.pairs.num_rows, "seconds": seconds}
    audit.record("tracing.trace_all", by="command line", at=at, cases=found.cases, meetings=found.pairs.num_rows)
    if out:
        _write(out, queries.COLUMNS, queries.pair_rows(found.pairs))
    if as_json:
        print(json.dumps(counts | {"pairs": [_plain(row) for row in queries.pair_rows(found.pairs)]}, ensure_ascii=False))
        return
    print(", ".join(f"{name} {value}" for name, value in counts.items()) + (f"; written to {out}" if out else ""))
    _table(list(queries.pair_rows(found.pairs.slice(0, _SHOWN))))
    if found.pairs.num_rows > _SHOWN:
        print(f"… and {found.pairs.num_rows - _SHOWN} more; --out writes all, --json prints all")


def _write(out: Path, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    from epipolis.core import exports  # noqa: PLC0415 -- Django must be set up first

    kind = out.suffix.lstrip(".").lower()
    if kind not in exports.FORMATS:
        raise ValueError(f"{out.name}: the name must end in .csv, .json or .parquet")
    with out.open("wb") as file:
        for piece in exports.encode(kind, list(columns), rows):
            file.write(piece)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _table(rows: list[dict[str, Any]]) -> None:
    if not rows:
        print("nobody")
        return
    table = Table(*rows[0])
    for row in rows[:_SHOWN]:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)
