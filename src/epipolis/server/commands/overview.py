"""`epipolis modules` and `epipolis flow`: what this platform is made of, from the declarations themselves."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from epipolis.server.commands.platform import set_up

AsJson = Annotated[bool, typer.Option("--json", help="Print for programs.")]


def modules(as_json: AsJson = False) -> None:
    """List the modules in the order of the flow, and what each adds."""
    set_up(migrated=False)
    from epipolis.core.modules import modules as found  # noqa: PLC0415 -- Django must be set up first
    from epipolis.core.modules import wing_of  # noqa: PLC0415 -- Django must be set up first

    rows: list[dict[str, object]] = [
        {
            "wing": wing_of(name),
            "module": name,
            "title": module.title,
            "pages": len(module.menu),
            "tiles": len(module.tiles),
            "importers": [importer.name for importer in module.importers],
            "permissions": sorted(module.permissions),
        }
        for name, module in found().items()
    ]
    _show(rows, as_json)


def flow(as_json: AsJson = False) -> None:
    """Show who announces what, and who listens."""
    set_up(migrated=False)
    from epipolis.core.events import listeners  # noqa: PLC0415 -- Django must be set up first

    rows: list[dict[str, object]] = [
        {
            "event": event.__name__,
            "announced by": event.__module__.removeprefix("epipolis.").removesuffix(".events"),
            "heard by": [f"{one.__module__.removeprefix('epipolis.')}.{one.__name__}" for one in heard],
        }
        for event, heard in listeners().items()
    ]
    _show(rows, as_json)


def _show(rows: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    table = Table(*(rows[0] if rows else ["nothing"]))
    for row in rows:
        table.add_row(*(", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in row.values()))
    Console().print(table)
