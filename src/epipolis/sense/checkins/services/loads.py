"""Loads: many check-ins in one request, with a report for each row that was not taken."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from epipolis.core import audit
from epipolis.sense.checkins.models import Source
from epipolis.sense.checkins.settings import settings

from .drafts import Drafts, judge
from .storing import store
from .tables import FIELDS, read_table
from .visits import CheckIn, draft

_SHOWN = 1_000
_many = msgspec.json.Decoder(list[CheckIn])
_lines = msgspec.json.Decoder(CheckIn)
_raws = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass
class LoadReport:
    """What became of the rows of one request; the first row is 1. `rejected` lists the first thousand."""

    accepted: int = 0
    duplicates: int = 0
    rejected_rows: int = 0
    flagged: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, row: int, name: str, rule: str) -> None:
        self.rejected_rows += 1
        if len(self.rejected) < _SHOWN:
            self.rejected.append({"row": row, "field": name, "rule": rule})

    def add(self, other: "LoadReport") -> None:
        self.accepted += other.accepted
        self.duplicates += other.duplicates
        self.rejected_rows += other.rejected_rows
        self.flagged += other.flagged
        self.rejected += other.rejected[: max(0, _SHOWN - len(self.rejected))]


def load_visits(body: bytes, kind: str, *, by: audit.Actor, at: datetime) -> dict[str, Any]:
    """Store the rows of a JSON array, NDJSON or CSV body in batches; answer once all are committed.

    Raises:
        ValueError: the body is not of that kind at all, or holds more rows than one request may.
    """
    report = LoadReport()
    numbered = _read_csv(body, at) if kind == "csv" else _read_json(body, kind, report, at)
    for rows, drafts in numbered:
        store_drafts(drafts, rows, report, by=by, at=at)
    report.rejected.sort(key=lambda problem: problem["row"])
    return msgspec.to_builtins(report)  # type: ignore[no-any-return]  # -- a dataclass becomes a dictionary


def store_drafts(
    drafts: Drafts, rows: np.ndarray, report: LoadReport, *, by: audit.Actor, at: datetime, simulated: bool = False
) -> None:
    """Judge and store one batch and add what became of it to the report; `rows` are the numbers of its rows."""
    verdict = judge(drafts, at=at)
    added, _ = store(drafts, verdict, by=by, at=at, simulated=simulated)
    report.accepted += added
    report.duplicates += len(verdict.rows) - added
    report.flagged += int(verdict.flagged.sum())
    for row in np.flatnonzero(verdict.bad).tolist():
        report.reject(int(rows[row]), *verdict.rule(row))


def _read_json(body: bytes, kind: str, report: LoadReport, at: datetime) -> Iterator[tuple[np.ndarray, Drafts]]:
    try:
        items, numbers = _decode(body, kind, report)
    except RecursionError as error:
        raise ValueError("the body is nested too deeply") from error
    if len(items) > settings.bulk_rows:
        raise ValueError(f"one request holds {settings.bulk_rows} rows at most; send several")
    for start in range(0, len(items), settings.rows_a_batch):
        part = slice(start, start + settings.rows_a_batch)
        yield numbers[part], draft(items[part], at=at)


def _decode(body: bytes, kind: str, report: LoadReport) -> tuple[list[CheckIn], np.ndarray]:
    try:
        items = _many.decode(body) if kind == "json" else _lines.decode_lines(body)
        return items, np.arange(1, len(items) + 1)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return _read_one_by_one(body, kind, report)
    except msgspec.DecodeError as error:
        if kind == "json":
            raise ValueError(f"the body is no JSON array: {error}") from error
        return _read_one_by_one(body, kind, report)


def _read_one_by_one(body: bytes, kind: str, report: LoadReport) -> tuple[list[CheckIn], np.ndarray]:
    pieces = _raws.decode(body) if kind == "json" else body.splitlines()
    items, numbers = [], []
    for number, piece in enumerate(pieces, start=1):
        if kind != "json" and not piece.strip():
            continue
        try:
            items.append(_lines.decode(piece))
            numbers.append(number)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            text, _, where = str(error).partition(" - at `$")
            report.reject(number, where.rstrip("`").lstrip("."), text)
    return items, np.array(numbers, np.int64)


def _read_csv(body: bytes, at: datetime) -> Iterator[tuple[np.ndarray, Drafts]]:
    types = pacsv.ConvertOptions(column_types=dict.fromkeys(FIELDS, pa.string()), strings_can_be_null=False)
    try:
        table = pacsv.read_csv(BytesIO(body), convert_options=types)
    except pa.ArrowInvalid as error:
        raise ValueError(f"the body is no CSV table: {error}") from error
    if "visitor" not in table.column_names or "arrived" not in table.column_names:
        raise ValueError("the first line must name the columns, visitor and arrived among them")
    if table.num_rows > settings.bulk_rows:
        raise ValueError(f"one request holds {settings.bulk_rows} rows at most; send several")
    for start in range(0, table.num_rows, settings.rows_a_batch):
        part = table.slice(start, settings.rows_a_batch)
        yield np.arange(start + 1, start + 1 + part.num_rows), read_table(part, at=at, source=Source.DEVICE)
