"""`epipolis load`, `import` and `export`: tables in and out, for every module that declares them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from epipolis.server.commands.platform import set_up

AsJson = Annotated[bool, typer.Option("--json", help="Print for programs.")]
Simulated = Annotated[bool, typer.Option(help="Mark every row as simulated.")]


def load(
    name: Annotated[str, typer.Argument(help="What to load: city, rules, …")],
    path: Annotated[Path, typer.Argument(help="A file or a folder.")],
    simulated: Simulated = False,
    as_json: AsJson = False,
) -> None:
    """Load reference data of the city: its areas, people counts, places, rules."""
    set_up()
    from epipolis.core import clock  # noqa: PLC0415 -- Django must be set up first

    loader = _find("loaders", name)
    with _bar(as_json) as progress:
        result = loader.run(path, by="command line", at=clock.now(), simulated=simulated, progress=progress)
    print(json.dumps(result) if as_json else "\n".join(f"{key}: {value}" for key, value in result.items()))


def import_(
    name: Annotated[str, typer.Argument(help="What the rows are: cases, people, visits, …")],
    path: Annotated[Path, typer.Argument(help="CSV, Excel, NDJSON or Parquet.")],
    mapping: Annotated[str, typer.Option(help="A ready mapping's name, or a YAML file: column → field.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", "--check", help="Report what would happen; store nothing.")] = False,
    simulated: Simulated = False,
    source: Annotated[str, typer.Option(help="Where the file is from; tells equal numbers apart.")] = "",
    match: Annotated[bool, typer.Option(help="Find out who people are by all that a row says, not by numbers alone.")] = True,
    tell: Annotated[bool, typer.Option("--tell", help="Also tell the people concerned, where an import can.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import rows about people, cases or visits. Bad rows are listed, good ones kept, repeats change nothing."""
    set_up()
    from epipolis.core import clock  # noqa: PLC0415 -- Django must be set up first
    from epipolis.core.imports import ImportOptions  # noqa: PLC0415 -- Django must be set up first

    importer = _find("importers", name)
    if tell and not importer.tells:
        raise ValueError(f"the import of {name} sends messages to nobody")
    with _bar(as_json) as progress:
        options = ImportOptions(
            by="command line",
            at=clock.now(),
            mapping=_mapping(mapping),
            dry_run=dry_run,
            simulated=simulated,
            source=source,
            match=match,
            tell=tell,
            progress=progress,
        )
        report = importer.run(path, options)
    if as_json:
        print(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        _print_report(report)


def export(
    name: Annotated[str, typer.Argument(help="What to export: cases, contacts, …")],
    path: Annotated[Path, typer.Argument(help="A file that ends in .csv, .json or .parquet.")],
    as_json: AsJson = False,
) -> None:
    """Write a whole table to a file."""
    set_up()
    from epipolis.core import audit, clock  # noqa: PLC0415 -- Django must be set up first
    from epipolis.core.exports import write_file  # noqa: PLC0415 -- Django must be set up first

    at: datetime = clock.now()
    exporter = _find("exporters", name)
    rows = write_file(exporter, path, at=at)
    audit.record("export", by="command line", at=at, subject=name, rows=rows)
    print(json.dumps({"rows": rows}) if as_json else f"{rows} rows written to {path}")


def _find(kind: str, name: str) -> Any:
    from epipolis.core.modules import modules  # noqa: PLC0415 -- Django must be set up first

    found = {item.name: item for module in modules().values() for item in getattr(module, kind)}
    if name not in found:
        raise LookupError(f"{name!r} is not one of: {', '.join(sorted(found))}")
    return found[name]


def _mapping(mapping: str) -> str | dict[str, Any] | None:
    import yaml  # noqa: PLC0415 -- only this option needs it

    if mapping.endswith((".yaml", ".yml")):
        found = yaml.safe_load(Path(mapping).read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"{mapping}: must map column names to fields")
        # A whole mapping also declares words in cells and the order of days; the importer reads its parts.
        return found if "columns" in found else {str(column): str(field) for column, field in found.items()}
    return mapping or None


def _bar(quiet: bool) -> Any:
    from epipolis.core.work import Progress as Steps  # noqa: PLC0415 -- Django must be set up first

    class Bar:
        def __enter__(self) -> Steps:
            columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
            self.shown = Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True)
            self.shown.start()
            row = self.shown.add_task("", total=None)
            return Steps(lambda done, total, note: self.shown.update(row, completed=done, total=total, description=note))

        def __exit__(self, *_: object) -> None:
            self.shown.stop()

    return Bar()


def _print_report(report: Any) -> None:
    console = Console()
    console.print(
        f"accepted {report.accepted} (created {report.created}, changed {report.changed}, "
        f"unchanged {report.unchanged}), rejected {report.rejected}, warnings {report.warnings}"
        + (f", linked {report.linked}, asked {report.asked}" if report.linked or report.asked else "")
        + (", nothing stored: dry run" if report.dry_run else "")
    )
    if report.problems:
        table = Table("row", "field", "rule", "value")
        for problem in report.problems[:50]:
            table.add_row(str(problem.row), problem.field, problem.rule, problem.value)
        console.print(table)
        if len(report.problems) > 50:
            console.print(f"… and {len(report.problems) - 50} more; --json prints all")
