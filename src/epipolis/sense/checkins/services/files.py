"""Files: visits and venues from CSV, Excel, NDJSON or Parquet; the plain format a column at a time, the rest row by row."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import yaml
from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.core.imports import ImportOptions, ImportReport, batches, read_rows
from epipolis.sense.checkins.models import Source
from epipolis.sense.checkins.settings import settings

from .drafts import judge
from .storing import store
from .tables import FIELDS, read_table
from .told import import_told

VISIT_FIELDS = {
    "visitor": gettext_noop("the pseudonym, a UUID; this or `person`"),
    "person": gettext_noop("a person's number in the file's source"),
    "source": gettext_noop("whose number `person` is, where rows come from several sources"),
    "place": gettext_noop("the place's code; this, or lon, lat and kind"),
    "venue": gettext_noop("the code from a poster, instead of the place's"),
    "arrived": gettext_noop("when the visit began: seconds since 1970, or ISO with a time zone"),
    "left": gettext_noop("when it ended; empty for the usual stay"),
    "day": gettext_noop("the date, where no more is known: the visit is then possible, never certain"),
    "stay_minutes": gettext_noop("how long, where `left` is empty"),
    "companions": gettext_noop("how many came along"),
    "staff": gettext_noop("1 for a shift of somebody who works there"),
    "lon": gettext_noop("longitude in degrees, WGS84"),
    "lat": gettext_noop("latitude in degrees, WGS84"),
    "kind": gettext_noop("what the place is: shop, school, hospital"),
    "area": gettext_noop("where the place is, for its name"),
}
_BY_ROW = {"person", "day", "lon", "lat"}
_BLOCK = 8 * 2**20


@dataclass(frozen=True)
class VisitMapping:
    """Column → field, and the source that tells equal person numbers apart."""

    columns: Mapping[str, str]
    source: str = ""


def mapping_names() -> tuple[str, ...]:
    """The ready mappings that ship with the module."""
    return tuple(sorted(item.name.removesuffix(".yaml") for item in _folder().iterdir() if item.name.endswith(".yaml")))


def _folder() -> Any:
    return files("epipolis.sense.checkins").joinpath("mappings")


def import_visits(path: Path, options: ImportOptions) -> ImportReport:
    """Take a file of visits: good rows stored, bad ones reported with row, field and rule, repeats unchanged.

    Raises:
        ValueError: the file cannot be read as a table, or its columns say neither who, where nor when.
    """
    report = ImportReport(dry_run=options.dry_run)
    with transaction.atomic() if options.dry_run else _each_batch_by_itself():
        tables = _tables(path, report)
        first = next(tables, None)
        if first is None:
            return report
        mapping = _choose(first[1].column_names, options)
        report.mapping = dict(mapping.columns)
        is_plain = not _BY_ROW & set(mapping.columns.values())
        for numbers, table in _again(first, tables):
            if is_plain:
                _import_plain(numbers, _renamed(table, mapping.columns), report, options)
            else:
                import_told(numbers, table, mapping.columns, options.source or mapping.source, report, options)
            options.progress(report.accepted + report.rejected, report.accepted + report.rejected, "visits")
        if options.dry_run:
            transaction.set_rollback(True)
    return report


class _each_batch_by_itself:  # noqa: N801 -- reads as the words they are, like transaction.atomic beside it
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def _again(
    first: tuple[np.ndarray, pa.Table], rest: Iterator[tuple[np.ndarray, pa.Table]]
) -> Iterator[tuple[np.ndarray, pa.Table]]:
    yield first
    yield from rest


def _import_plain(numbers: np.ndarray, table: pa.Table, report: ImportReport, options: ImportOptions) -> None:
    drafts = read_table(table, at=options.at, source=Source.FILE)
    verdict = judge(drafts, at=options.at)
    added, _ = store(drafts, verdict, by=options.by, at=options.at, simulated=options.simulated)
    report.accepted += len(verdict.rows)
    report.created += added
    report.unchanged += len(verdict.rows) - added
    for row in np.flatnonzero(verdict.bad).tolist():
        field, rule = verdict.rule(row)
        value = table.column(field)[row].as_py() if field in table.column_names else ""
        report.reject(int(numbers[row]), field, rule, value)
    for row in np.flatnonzero(verdict.flagged).tolist()[:100]:
        report.warn(int(numbers[row]), "arrived", "is ahead of the platform's clock, within the tolerance")


def _choose(columns: list[str], options: ImportOptions) -> VisitMapping:
    """The mapping that was named or given; else the plain one, else the ready one whose columns are all there."""
    if isinstance(options.mapping, Mapping):
        found = VisitMapping({column: field for column, field in options.mapping.items() if column in columns})
    elif options.mapping:
        if options.mapping not in mapping_names():
            raise ValueError(f"{options.mapping!r} is not one of the mappings: {', '.join(mapping_names())}")
        found = _ready(options.mapping)
    else:
        plain = {column: column.strip().lower() for column in columns if column.strip().lower() in VISIT_FIELDS}
        ready = [m for m in map(_ready, mapping_names()) if set(m.columns) <= set(columns)]
        found = next(iter(ready), VisitMapping(plain))
    fields = set(found.columns.values())
    if not ({"visitor", "person"} & fields and {"arrived", "day"} & fields and {"place", "venue", "lon"} & fields):
        raise ValueError(f"the columns {', '.join(columns[:20])} do not say who was where when; give a mapping")
    return found


def _ready(name: str) -> VisitMapping:
    content = yaml.safe_load(_folder().joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    return VisitMapping(content["columns"], content.get("source", ""))


def _renamed(table: pa.Table, columns: Mapping[str, str]) -> pa.Table:
    return pa.table({field: table.column(column) for column, field in columns.items() if field in FIELDS})


def _tables(path: Path, report: ImportReport) -> Iterator[tuple[np.ndarray, pa.Table]]:
    """The file in tables of text, with the file's row numbers (the header is row 1)."""
    kind = path.suffix.lower()
    if path.is_file() and path.stat().st_size and kind == ".parquet":
        yield from _parquet(path)
    elif path.is_file() and path.stat().st_size and kind in (".csv", ".txt", "") and _is_plain_csv(path):
        yield from _csv(path, report)
    else:
        for batch in batches(read_rows(path), settings.rows_a_batch):
            names = list(dict.fromkeys(name for _, row in batch for name in row))
            columns = {name: pa.array([row.get(name, "") for _, row in batch], pa.string()) for name in names}
            yield np.array([number for number, _ in batch]), pa.table(columns)


def _parquet(path: Path) -> Iterator[tuple[np.ndarray, pa.Table]]:
    try:
        file = pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: not a readable Parquet file") from error
    start = 2
    for batch in file.iter_batches(settings.rows_a_batch):
        yield np.arange(start, start + batch.num_rows), pa.table(batch)
        start += batch.num_rows


def _is_plain_csv(path: Path) -> bool:
    """UTF-8 with commas: what the fast reader takes; anything else goes the patient way."""
    with path.open("rb") as raw:
        head = raw.read(1 << 16)
    try:
        text = head[: head.rfind(b"\n") + 1].decode("utf-8-sig") or head.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    first = text.partition("\n")[0]
    return "," in first and ";" not in first and "\t" not in first and "\0" not in text


def _csv(path: Path, report: ImportReport) -> Iterator[tuple[np.ndarray, pa.Table]]:
    skipped: list[int] = []

    def note(row: pacsv.InvalidRow) -> str:
        skipped.append(row.number)
        if row.text.strip():
            report.reject(row.number, "", f"has {row.actual_columns} cells instead of {row.expected_columns}", row.text)
        return "skip"

    with path.open(encoding="utf-8-sig", newline="") as lines:
        names = next(csv.reader(lines), [])
    reader = pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK),
        parse_options=pacsv.ParseOptions(invalid_row_handler=note, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
        ),
    )
    start = 2
    for batch in reader:
        gone = [number for number in skipped if number >= start]
        numbers = np.arange(start, start + batch.num_rows + len(gone))
        numbers = np.setdiff1d(numbers, gone)[: batch.num_rows] if gone else numbers
        last = int(numbers[-1]) if batch.num_rows else start - 1
        numbers, whole = _without_empty(numbers, pa.table(batch))
        for first in range(0, whole.num_rows, settings.rows_a_batch):
            part = slice(first, first + settings.rows_a_batch)
            yield numbers[part], whole.slice(first, settings.rows_a_batch)
        start = last + 1


def _without_empty(numbers: np.ndarray, table: pa.Table) -> tuple[np.ndarray, pa.Table]:
    """Lines with nothing on them are no rows."""
    if not pc.any(pc.equal(table.column(0), "")).as_py():
        return numbers, table
    filled = np.zeros(table.num_rows, bool)
    for column in table.columns:
        filled |= np.asarray(pc.not_equal(column, ""))
    return numbers[filled], table.filter(pa.array(filled))
