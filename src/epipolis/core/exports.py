"""Export: any table of the platform as CSV, JSON or Parquet, streamed, and safe to open in a spreadsheet."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.http import HttpResponseBase, StreamingHttpResponse

FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json", "parquet": "application/vnd.apache.parquet"}
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full-width signs are run by spreadsheets too
_BATCH = 20_000


@dataclass(frozen=True)
class Exporter:
    """`epipolis export NAME FILE`, and the same as a download: `rows(at)` yields one mapping a row."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Callable[[datetime], Iterable[Mapping[str, Any]]]
    needs: str
    allowed_for: str = ""


def write_file(exporter: Exporter, path: Path, *, at: datetime) -> int:
    """Write the whole table in the format that the file's name says; return the number of rows.

    Raises:
        ValueError: the name ends in no known format.
    """
    kind = path.suffix.lstrip(".").lower()
    if kind not in FORMATS:
        raise ValueError(f"{path.name}: the name must end in one of {', '.join('.' + name for name in FORMATS)}")
    count = 0

    def counted() -> Iterator[Mapping[str, Any]]:
        nonlocal count
        for row in exporter.rows(at):
            count += 1
            yield row

    with path.open("wb") as out:
        for piece in encode(kind, exporter.columns, counted()):
            out.write(piece)
    return count


def download(name: str, kind: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> HttpResponseBase:
    """A table as a file for the browser."""
    response = StreamingHttpResponse(encode(kind, columns, rows), content_type=FORMATS[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def encode(kind: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The table's bytes, piece by piece."""
    return {"csv": _csv, "json": _json, "parquet": _parquet}[kind](columns, rows)


def safe_cell(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe; `bare_cell` takes it away again."""
    return f"'{value}" if isinstance(value, str) and value.lstrip("'").startswith(_RISKY) else value


def bare_cell(text: str) -> str:
    """The text that `safe_cell` made safe."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_RISKY) else text


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow([safe_cell(_plain(row.get(name))) for name in columns])
        if number % 1_000 == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _json(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    yield b"["
    for number, row in enumerate(rows):
        text = json.dumps({name: _plain(row.get(name)) for name in columns}, ensure_ascii=False)
        yield (("," if number else "") + "\n" + text).encode()
    yield b"\n]\n"


def _parquet(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    sink = io.BytesIO()
    schema = pa.schema([(name, pa.string()) for name in columns])
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        left = iter(rows)
        while batch := list(islice(left, _BATCH)):
            texts = {c: [None if r.get(c) is None else str(_plain(r[c])) for r in batch] for c in columns}
            writer.write_table(pa.table(texts, schema=schema))
    yield sink.getvalue()


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
