"""Bulk import: any table file in, a report for every row out. Bad rows are named, good ones kept, repeats change nothing."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq
from charset_normalizer import from_bytes
from python_calamine import CalamineError, CalamineWorkbook

from epipolis.core.audit import Actor
from epipolis.core.work import Progress, silent

Row = dict[str, str]
_SAMPLE = 1 << 18  # bytes from which encoding and separator are guessed
_SHOWN = 1_000  # problems that a report lists one by one; the rest are counted
csv.field_size_limit(1 << 20)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one row: the file's row number (the header is row 1), the field, and the rule it breaks."""

    row: int
    field: str
    rule: str
    value: str = ""


@dataclass
class ImportReport:
    """What became of each row. `accepted` = `created` + `changed` + `unchanged`; `rejected` rows are not stored."""

    accepted: int = 0
    rejected: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    warnings: int = 0
    dry_run: bool = False
    mapping: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _last_rejected: int = -1

    def reject(self, row: int, name: str, rule: str, value: object = "") -> None:
        """Note a row that is not stored; one row may break several rules but counts once."""
        if row != self._last_rejected:
            self.rejected, self._last_rejected = self.rejected + 1, row
        self._note(Problem(row, name, rule, str(value)[:100]))

    def warn(self, row: int, name: str, rule: str, value: object = "") -> None:
        """Note something odd about a row that is stored all the same."""
        self.warnings += 1
        self._note(Problem(row, name, rule, str(value)[:100]))

    def _note(self, problem: Problem) -> None:
        if len(self.problems) < _SHOWN:
            self.problems.append(problem)

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if not key.startswith("_")}


@dataclass(frozen=True)
class ImportOptions:
    """How a file is to be taken: whose, when, by which mapping (a ready mapping's name, or column → field)."""

    by: Actor
    at: datetime
    mapping: str | Mapping[str, str] | None = None
    dry_run: bool = False
    simulated: bool = False
    source: str = ""
    progress: Progress = field(default_factory=silent)


@dataclass(frozen=True)
class Importer:
    """`epipolis import NAME FILE`, and the same on a page and over the API."""

    name: str
    title: str
    run: Callable[[Path, ImportOptions], ImportReport]
    needs: str
    fields: Mapping[str, str] = field(default_factory=dict)
    mappings: tuple[str, ...] = ()


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Every data row of a CSV, TSV, Excel, NDJSON or Parquet file as text by column, with its row number in the file.

    Reads as a stream; a file larger than memory is fine (Excel excepted, whose format forbids it).

    Raises:
        ValueError: the file is empty, or is none of these kinds; the message says which.
    """
    kind = path.suffix.lower()
    if not path.is_file():
        raise ValueError(f"{path.name}: there is no such file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name}: the file is empty")
    if kind in (".xlsx", ".xlsm", ".xls", ".ods"):
        return _read_sheet(path)
    if kind == ".parquet":
        return _read_parquet(path)
    if kind in (".ndjson", ".jsonl"):
        return _read_ndjson(path)
    return _read_text(path)


def batches(rows: Iterator[tuple[int, Row]], size: int) -> Iterator[list[tuple[int, Row]]]:
    """The rows in lists of at most `size`."""
    while batch := list(islice(rows, size)):
        yield batch


def _read_text(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open("rb") as raw:
        encoding, sample = _encoding(raw)
        try:
            dialect: Any = csv.Sniffer().sniff(sample.splitlines()[0] if sample else ",", delimiters=",;\t|")
        except csv.Error:
            dialect = csv.excel
        raw.seek(0)
        text = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
        reader = csv.reader((line.replace("\0", "") for line in text), delimiter=dialect.delimiter)
        header = _header(next(reader, []), path)
        for values in reader:
            if any(values):
                yield reader.line_num, dict(zip(header, (v.strip() for v in values), strict=False))


def _encoding(raw: BinaryIO) -> tuple[str, str]:
    head = raw.read(_SAMPLE)
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", head.decode("utf-8-sig", errors="replace")
    try:
        cut = head[: head.rfind(b"\n") + 1] or head
        return "utf-8", cut.decode("utf-8")
    except UnicodeDecodeError:
        best = from_bytes(head).best()
        encoding = best.encoding if best else "latin-1"
        return encoding, head.decode(encoding, errors="replace")


def _read_sheet(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        rows = iter(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False))
    except CalamineError as error:
        raise ValueError(f"{path.name}: not a readable workbook") from error
    header = _header([_text(v) for v in next(rows, [])], path)
    for number, values in enumerate(rows, start=2):
        if any(v not in ("", None) for v in values):
            yield number, dict(zip(header, (_text(v) for v in values), strict=False))


def _read_parquet(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        file = pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: not a readable Parquet file") from error
    number = 1
    for batch in file.iter_batches():
        for values in batch.to_pylist():
            number += 1
            yield number, {key: _text(value) for key, value in values.items()}


def _read_ndjson(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield number, {str(k): _text(v) for k, v in json.loads(line).items()}
                except (json.JSONDecodeError, AttributeError):
                    yield number, {"": line[:100]}


def _header(names: list[str], path: Path) -> list[str]:
    header = [name.strip() for name in names]
    if not any(header):
        raise ValueError(f"{path.name}: the first row holds no column names")
    return header


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return (value.isoformat() if hasattr(value, "isoformat") else str(value)).replace("\0", "").strip()
