"""`epipolis classify`: what a case definition would change, and the change itself."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from epipolis.server.commands.platform import set_up
from epipolis.server.commands.tables import _bar

AsJson = Annotated[bool, typer.Option("--json", help="Print for programs.")]
_SHOWN = 40


def classify(
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Cases as known then. Default: today.")] = None,
    pack: Annotated[Path | None, typer.Option(help="A case definition, YAML. Default: the one in force on that day.")] = None,
    disease: Annotated[str, typer.Option(help="Without --pack: the disease whose definition is meant.")] = "",
    apply: Annotated[
        bool, typer.Option("--apply", help="Put it in force and classify; people's and sources' words stay.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the cases that would change to .csv, .json or .parquet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try a case definition on all cases and say what it would change; with --apply do it."""
    set_up()
    from epipolis.core import clock  # noqa: PLC0415 -- Django must be set up first
    from epipolis.sense.cases import queries, services  # noqa: PLC0415 -- Django must be set up first

    at = clock.now()
    day = as_of.date() if as_of else clock.local_day(at)
    if apply and day != clock.local_day(at):
        raise ValueError("what was believed on a past day stays: leave --as-of away to apply")
    made = services.ask_replay(_definition(pack, disease, day), day, by="command line", at=at)
    with _bar(as_json) as progress:
        services.try_definition(progress, made.id)
    if out:
        from epipolis.server.commands.trace import _write  # noqa: PLC0415 -- only who writes a file needs it

        _write(out, queries.CHANGES, queries.change_rows(made.id))
    result: dict[str, Any] | None = None
    if apply:
        with _bar(as_json) as progress:
            result = services.apply_definition(progress, made.id, by="command line")
    made.refresh_from_db()
    _print(made, result, out, as_json)


def _definition(pack: Path | None, disease: str, day: date) -> Any:
    from epipolis.core import rules  # noqa: PLC0415 -- Django must be set up first
    from epipolis.sense.cases import queries  # noqa: PLC0415 -- Django must be set up first
    from epipolis.sense.cases.settings import settings  # noqa: PLC0415 -- Django must be set up first

    if pack is not None:
        return rules.read_pack(pack.read_text(encoding="utf-8"), where=pack.name)
    found = queries.definition_for(disease or settings.disease, day)
    if found is None:
        raise LookupError(f"no case definition for {disease or settings.disease} is in force on {day}; name one with --pack")
    return found


def _print(made: Any, result: dict[str, Any] | None, out: Path | None, as_json: bool) -> None:
    if as_json:
        counts = [dict(zip(("from", "to", "cases", "kept"), row, strict=True)) for row in made.counts]
        body = {"replay": made.id, "rule": made.name, "as_of": made.as_of.isoformat(), "cases": made.cases, "changes": counts}
        print(json.dumps(body | {"applied": result}, ensure_ascii=False))
        return
    print(f"{made.name}, {made.cases} cases as known on {made.as_of}")
    if not made.counts:
        print("no case would be classified in another way")
    else:
        table = Table("from", "to", "cases", "of which a person's or a source's word stands")
        for row in made.counts[:_SHOWN]:
            table.add_row(*map(str, row))
        Console().print(table)
    if out:
        print(f"written to {out}")
    if result:
        print(f"applied: {result['changed']} classifications changed; {result['rule']} is in force")
