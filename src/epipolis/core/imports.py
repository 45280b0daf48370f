"""Bulk import: any table file in, a report for every row out. Bad rows are named, good ones kept, repeats change nothing."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import pyarrow.parquet as pq
from charset_normalizer import from_bytes
from python_calamine import CalamineError, CalamineWorkbook

from epipolis.core.audit import Actor
from epipolis.core.exports import bare_cell
from epipolis.core.work import Progress, silent

Row = dict[str, str]
T = TypeVar("T")
_SAMPLE = 1 << 18  # bytes from which encoding and separator are guessed
_LINE = 1 << 20  # characters of a line that are taken at once, so that a file without line ends stays bounded
_SHEET = 1 << 30  # bytes that a workbook may unpack to; its format must be read whole
_SHOWN = 1_000  # problems that a report lists one by one; the rest are counted
_SHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
csv.field_size_limit(1 << 17)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one row: the file's row number (the header is row 1), the field, and the rule it breaks."""

    row: int
    field: str
    rule: str
    value: str = ""


@dataclass
class ImportReport:
    """What became of each row. `accepted` = `created` + `changed` + `unchanged`; `rejected` rows are not stored.

    Of the accepted, `linked` were found to be about somebody who was known, and `asked` wait for an answer whether they are.
    """

    accepted: int = 0
    rejected: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    warnings: int = 0
    linked: int = 0
    asked: int = 0
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

    def mark(self) -> tuple[Any, ...]:
        """Where the report stands, for `go_back`."""
        return (*(getattr(self, name) for name in _COUNTS), len(self.problems), self._last_rejected)

    def go_back(self, mark: tuple[Any, ...]) -> None:
        """Forget what was noted since: the work it told of was rolled back and will be done again."""
        *counts, problems, self._last_rejected = mark
        for name, count in zip(_COUNTS, counts, strict=True):
            setattr(self, name, count)
        del self.problems[problems:]

    def _note(self, problem: Problem) -> None:
        if len(self.problems) < _SHOWN:
            self.problems.append(problem)

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if not key.startswith("_")}


_COUNTS = ("accepted", "rejected", "created", "changed", "unchanged", "warnings", "linked", "asked")


@dataclass(frozen=True)
class ImportOptions:
    """How a file is to be taken: whose, when, by which mapping (a ready mapping's name, or column → field)."""

    by: Actor
    at: datetime
    mapping: str | Mapping[str, Any] | None = None
    dry_run: bool = False
    simulated: bool = False
    source: str = ""
    match: bool = True  # find out who rows are about by all that they say, not by their numbers alone
    tell: bool = False  # send messages to the people whom rows are about, where the importer can (`Importer.tells`)
    progress: Progress = field(default_factory=silent)


@dataclass(frozen=True)
class Importer:
    """`epipolis import NAME FILE`, and the same on a page and over the API. `tells` says whom an import may send messages to,
    if it is asked to; empty: it tells nobody."""

    name: str
    title: str
    run: Callable[[Path, ImportOptions], ImportReport]
    needs: str
    fields: Mapping[str, str] = field(default_factory=dict)
    mappings: tuple[str, ...] = ()
    tells: str = ""


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Every data row of a CSV, TSV, Excel, NDJSON, JSON or Parquet file as text by column, with its row number in the file.

    Reads as a stream; a file larger than memory is fine (Excel and JSON excepted, whose formats forbid it). A row that
    does not fit the header has one more column, named "": what was left over, or nothing where cells were missing. A row
    that cannot be read at all has only that column.

    Raises:
        ValueError: the file is empty, or is none of these kinds; the message says which.
    """
    return _tables(path)[1]


def match_columns(columns: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Which column holds which field, each field once; `names` in small letters with underscores for spaces."""
    found: dict[str, str] = {}
    for column in columns:
        key = names.get("_".join(column.casefold().split()))
        if key and key not in found.values():
            found[column] = key
    return found


def read_columns(path: Path) -> list[str]:
    """The names of a file's columns, also when it has no rows. Of NDJSON and JSON, those of the first row."""
    return _tables(path)[0]


def row_count(path: Path) -> int:
    """About how many rows a file has, for showing progress: its lines, quickly counted; 0 where that says nothing."""
    if path.suffix.lower() == ".parquet":
        return int(pq.ParquetFile(path).metadata.num_rows)
    if path.suffix.lower() in _SHEETS:
        return 0
    with path.open("rb") as raw:
        return sum(block.count(b"\n") for block in iter(partial(raw.read, _LINE), b""))


def batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """The rows in lists of at most `size`."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


def _tables(path: Path) -> tuple[list[str], Iterator[tuple[int, Row]]]:
    kind = path.suffix.lower()
    if not path.is_file():
        raise ValueError(f"{path.name}: there is no such file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name}: the file is empty")
    if kind in _SHEETS:
        return _read_sheet(path)
    if kind == ".parquet":
        return _read_parquet(path)
    if kind in (".ndjson", ".jsonl"):
        return _first_columns(_read_ndjson(path))
    if kind == ".json":
        return _first_columns(_read_json(path))
    return _read_text(path)


def _read_text(path: Path) -> tuple[list[str], Iterator[tuple[int, Row]]]:
    encoding = _encoding_of(path)
    with _open_text(path, encoding) as text:
        first = text.readline(_LINE).replace("\0", "")
        delimiter = max(",;\t|", key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
        header = _header(next(csv.reader(chain([first], text), delimiter=delimiter), []), path)
    return header, _text_rows(path, encoding, delimiter)


def _text_rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, Row]]:
    with _open_text(path, encoding) as text:
        pieces = iter(partial(text.readline, _LINE), "")
        reader = csv.reader((piece.replace("\0", "") for piece in pieces), delimiter=delimiter)
        header = _header(next(reader, []), path)
        width, number = len(header), 1
        while True:
            number += 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:  # a quote that is never closed swallows what follows
                yield number, {"": str(error)}
                continue
            if any(values):
                cells = [bare_cell(value.strip()) if value[:1] == "'" else value.strip() for value in values]
                if len(cells) == width:
                    yield number, dict(zip(header, cells, strict=True))
                else:
                    rest = delimiter.join(cells[width:]) if any(cells[width:]) else ""
                    if rest or len(cells) < width:
                        cells += [""] * (width - len(cells))
                        yield number, dict(zip(header, cells, strict=False)) | {"": rest}
                    else:  # only empty cells too many
                        yield number, dict(zip(header, cells, strict=False))


def _open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    return path.open(encoding=encoding, errors="replace", newline="")


def _encoding_of(path: Path) -> str:
    """The encoding of a text file, judged where it first leaves plain ASCII."""
    with path.open("rb") as raw:
        head = raw.read(_SAMPLE)
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                return encoding
        if b"\0" in head[:2_000]:
            odd, even = head[1:2_000:2].count(0), head[0:2_000:2].count(0)
            if max(odd, even) > len(head[:2_000]) // 8:
                return "utf-16-le" if odd > even else "utf-16-be"
        telling = _telling(raw, head)
    try:
        telling.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return _old_encoding(telling)


def _telling(raw: BinaryIO, head: bytes) -> bytes:
    """Whole lines around the first byte that is not ASCII."""
    block = head
    while block.isascii():
        more = raw.read(_SAMPLE)
        if not more:
            return b""
        block = block[block.rfind(b"\n") + 1 :][-_SAMPLE:] + more
    return (block + raw.readline(_LINE)) if not block.endswith(b"\n") else block


def _old_encoding(sample: bytes) -> str:
    """Which encoding from before Unicode gives the most characters that its readers use every day."""
    scores = {name: _everyday(sample, name, claim) for name, claim in _EVERYDAY.items()}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] >= 0.8:
        return {"euc_kr": "cp949", "big5": "big5hkscs"}.get(best, best)
    found = from_bytes(sample).best()
    return found.encoding if found else "latin-1"


def _everyday(sample: bytes, encoding: str, claim: Callable[[str], bool]) -> float:
    try:
        letters = [letter for letter in sample.decode(encoding) if letter > "\x7f"]
    except UnicodeDecodeError:
        return 0.0
    return sum(map(claim, letters)) / len(letters) if letters else 0.0


def _is_lead(letter: str, encoding: str, first: int, last: int) -> bool:
    return first <= letter.encode(encoding)[0] <= last


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LATIN = frozenset("áéíóúüñàèìòùâêîôûäöëïçãõßÁÉÍÓÚÜÑÀÈÌÒÙÂÊÎÔÛÄÖËÏÇÃÕåøæÅØÆ¿¡ºª°«»–—’‘“”€")
# In this order, for equal scores: a text that is wholly Korean in one reading is it, though it has a Chinese reading too.
_EVERYDAY: dict[str, Callable[[str], bool]] = {
    "euc_kr": lambda letter: "가" <= letter <= "힣",
    "cp1252": lambda letter: letter in _LATIN,
    "big5": lambda letter: "一" <= letter <= "鿿" and _is_lead(letter, "big5", 0xA4, 0xC6),
    "gb18030": lambda letter: "一" <= letter <= "鿿" and _is_lead(letter, "gb18030", 0xB0, 0xD7),
    "shift_jis": lambda letter: "ぁ" <= letter <= "ヿ" or "一" <= letter <= "鿿",
}


def _read_sheet(path: Path) -> tuple[list[str], Iterator[tuple[int, Row]]]:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as parts:
                if sum(part.file_size for part in parts.infolist()) > _SHEET:
                    raise ValueError(f"{path.name}: the workbook is too large to be read; save it as CSV")
        rows = iter(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False))
    except (CalamineError, zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{path.name}: not a readable workbook") from error
    header = _header([_text(v) for v in next(rows, [])], path)
    found = (
        (number, dict(zip(header, (_text(v) for v in values), strict=False)))
        for number, values in enumerate(rows, start=2)
        if any(v not in ("", None) for v in values)
    )
    return header, found


def _read_parquet(path: Path) -> tuple[list[str], Iterator[tuple[int, Row]]]:
    try:
        file = pq.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: not a readable Parquet file") from error
    return _header(list(file.schema_arrow.names), path), _parquet_rows(path, file)


def _parquet_rows(path: Path, file: pq.ParquetFile) -> Iterator[tuple[int, Row]]:
    number = 1
    try:
        for batch in file.iter_batches(batch_size=5_000):
            for values in batch.to_pylist():
                number += 1
                yield number, {key: _text(value) for key, value in values.items()}
    except OSError as error:
        raise ValueError(f"{path.name}: the file is damaged after row {number}") from error


def _first_columns(rows: Iterator[tuple[int, Row]]) -> tuple[list[str], Iterator[tuple[int, Row]]]:
    first = list(islice(rows, 1))
    return [name for _, row in first for name in row if name], chain(first, rows)


def _read_ndjson(path: Path) -> Iterator[tuple[int, Row]]:
    with _open_text(path, _encoding_of(path)) as lines:
        for number, line in enumerate(iter(partial(lines.readline, _LINE), ""), start=1):
            if line.strip():
                try:
                    yield number, _record(json.loads(line))
                except (ValueError, RecursionError):
                    yield number, {"": line[:100]}


def _read_json(path: Path) -> Iterator[tuple[int, Row]]:
    if path.stat().st_size > _SHEET // 8:
        raise ValueError(f"{path.name}: too large for JSON, which must be read whole; send NDJSON, one object a line")
    try:
        items = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: not readable as JSON") from error
    if not isinstance(items, list):
        raise ValueError(f"{path.name}: must hold a list of objects")
    for number, item in enumerate(items, start=1):
        try:
            yield number, _record(item)
        except ValueError:
            yield number, {"": str(item)[:100]}


def _record(item: Any) -> Row:
    if not isinstance(item, dict) or not item:
        raise ValueError("not an object with values")
    # A lone half of a surrogate pair is valid JSON and no valid text.
    return {key.encode("utf-8", "replace").decode(): _text(v).encode("utf-8", "replace").decode() for key, v in item.items()}


def _header(names: list[str], path: Path) -> list[str]:
    header: list[str] = []
    for position, name in enumerate((name.replace("\0", "").strip() for name in names), start=1):
        plain = name or f"column {position}"
        header.append(plain if plain not in header else f"{plain} ({position})")
    if not any(name.strip() for name in names):
        raise ValueError(f"{path.name}: the first row holds no column names")
    return header


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | tuple):
        return "; ".join(map(_text, value))
    return (value.isoformat() if hasattr(value, "isoformat") else str(value)).replace("\0", "").strip()
