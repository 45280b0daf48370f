"""What the commands on series have in common: tables read as they are, their columns found, days × areas, tables shown."""

import gzip
import json
import zlib
from collections.abc import Sequence
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Annotated, Any
from unicodedata import east_asian_width

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import typer
from numpy.typing import NDArray

from epipolis.server.commands.simulations import PICTURES, whole_file

TableOut = Annotated[Path | None, typer.Option("--out", help="Write the whole table to this file, .csv or .parquet.")]
TABLES = (".csv", ".parquet")
AREAS = (
    *("area", "location_name", "location", "region", "district", "municipality", "county", "province", "state"),
    *("country", "city", "place", "stratum", "nhs_region", "snapshot", "site_type"),
)
DAYS = (
    *("day", "date", "dates", "target_end_date", "week_end", "date_of_onset", "onset_date", "dx_date"),
    *("reference_date", "datum", "fecha", "data"),
)
VALUES = (
    *("value", "i", "incidence", "confirm", "new_cases", "new_confirmed", "cases", "count", "counts", "observed"),
    *("admissions", "icu_admissions", "onset_cases_nowcast", "onset", "confirmed", "casos_14dias"),
)
KNOWN = ("known_on", "as_of", "report_date", "published", "issue")
_TEXT = {*AREAS, "fips", "code", "model", "target", "unit", "output_type_id", "id"} - {"snapshot"}
_MOST = 1e15  # more is a mistake, and sums of squares of it no longer have digits
_WIDER = {"district": ("city",), "municipality": (), "county": ("state",)}  # the same name is used in several of these


def read_table(path: Path) -> pa.Table:
    """A table from CSV (also ; and tab, also gzipped) or Parquet, as it is.

    Names of places stay text ("01" is not 1). Days written as 2020-03-01 become days, empty fields are missing.

    Raises:
        ValueError: it cannot be read; the sentence begins with the file's name.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    try:
        if path.suffix.lower() == ".parquet":
            return pq.read_table(path)
        content = path.read_bytes()
        if path.suffix.lower() == ".gz":
            content = gzip.decompress(content)
    except (pa.ArrowInvalid, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: is damaged or of another kind than its name says") from error
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or 'cannot be read'}") from error
    return _read_csv(path, content)


def _read_csv(path: Path, content: bytes) -> pa.Table:
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise ValueError(f"{path}: line {line} holds a NUL character; save the table as CSV in UTF-8")
    first = content.split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip("\r")
    if not first.strip():
        raise ValueError(f"{path}: is empty; its first line must name the columns")
    mark = max(",;\t", key=first.count)
    names = [name.strip().strip('"') for name in first.split(mark)]
    kinds = {name: pa.string() for name in names if name.lower() in _TEXT}
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{path}: has more than one column {doubled[0]!r}")
    whole = min(len(content) + 1, 2**31 - 1)  # kinds are told from the whole file, not from its first part
    try:
        table = pcsv.read_csv(
            pa.BufferReader(content),
            read_options=pcsv.ReadOptions(block_size=whole, column_names=names, skip_rows=1),
            parse_options=pcsv.ParseOptions(delimiter=mark),
            convert_options=pcsv.ConvertOptions(column_types=kinds),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise ValueError(f"{path}: {error}") from error
        table = pa.table({name: pa.array([], kinds.get(name, pa.string())) for name in names})
    if not table.num_rows:
        raise ValueError(f"{path}: names {len(names)} columns, but has no rows")
    return table


def column_of(table: pa.Table, *names: str, given: str | None = None, what: str = "a column", file: str = "the table") -> str:
    """The name of the column that was `given`, or of the first of the usual `names` that there is, in any case.

    Raises:
        ValueError: there is none; the sentence says what was looked for and what there is.
    """
    there = {name.lower(): name for name in reversed(table.column_names)}
    if given is not None:
        if given.lower() in there:
            return given if given in table.column_names else there[given.lower()]
        if "+" in given and all(part.strip().lower() in there for part in given.split("+")):
            return given
        raise ValueError(f"{file}: has no column {given!r}; its columns are {', '.join(table.column_names)}")
    for name in names:
        if name.lower() in there:
            return there[name.lower()]
    raise ValueError(
        f"{file}: no column for {what} was found; looked for {', '.join(names[:8])}; "
        f"its columns are {', '.join(table.column_names)}. Name the right one with the option"
    )


def has_column(table: pa.Table, *names: str) -> str | None:
    """As `column_of`, but None where there is none."""
    there = {name.lower(): name for name in reversed(table.column_names)}
    return next((there[name.lower()] for name in names if name.lower() in there), None)


def days_of(table: pa.Table, column: str, *, file: str = "the table") -> pa.Array:
    """A column as days (date32).

    Raises:
        ValueError: a row has no day, or none that can be read; the sentence names the row.
    """
    values = table.column(column).combine_chunks()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type) or pa.types.is_dictionary(values.type):
        texts = values.cast(pa.string()).to_pylist()
        return pa.array([_day(text, row, column, file) for row, text in enumerate(texts)], pa.date32())
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        if values.null_count:
            row = pc.index(values.is_null(), value=True).as_py()
            raise ValueError(f"{file}: row {row + 1} has no day in {column!r}")
        return values.cast(pa.date32(), safe=False)
    raise ValueError(f"{file}: column {column!r} holds {values.type}, but must hold days such as 2026-01-05")


def _day(text: str | None, row: int, column: str, file: str) -> date:
    try:
        return date.fromisoformat((text or "").strip()[:10])
    except ValueError as error:
        raise ValueError(f"{file}: row {row + 1} has {text!r} in {column!r}, but must have a day such as 2026-01-05") from error


def typed_day(text: str, option: str) -> date:
    """The day that was typed for an option.

    Raises:
        ValueError: it is none.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"{option} is {text!r}, but must be a day such as 2026-01-05") from error


def numbers_of(table: pa.Table, column: str, *, file: str = "the table") -> NDArray[np.float64]:
    """A column as numbers, NaN where a value is missing; "a+b" is the sum of two columns.

    Raises:
        ValueError: a row holds something else; the sentence names the row.
    """
    if "+" in column and column not in table.column_names:
        parts = [column_of(table, given=part.strip(), file=file) for part in column.split("+")]
        return np.sum([numbers_of(table, part, file=file) for part in parts], axis=0)
    values = table.column(column).combine_chunks()
    if pa.types.is_null(values.type):
        return np.full(len(values), np.nan)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        for row, text in enumerate(values.to_pylist()):
            if text and not _is_number(text):
                raise ValueError(f"{file}: row {row + 1} has {text!r} in {column!r}, but must have a number")
        values = pa.array([float(text) if text else None for text in values.to_pylist()], pa.float64())
    try:
        numbers: NDArray[np.float64] = np.array(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
    except pa.ArrowException as error:
        raise ValueError(f"{file}: column {column!r} holds {values.type}, but must hold numbers") from error
    if (beyond := np.flatnonzero(np.abs(numbers) > _MOST)).size:
        row = int(beyond[0])
        raise ValueError(f"{file}: row {row + 1} has {numbers[row]:g} in {column!r}, but must have a number up to {_MOST:g}")
    return numbers


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def areas_of(table: pa.Table, given: str | None = None, *, file: str = "the table") -> pa.Array | None:
    """The place of each row as text; None when there is no such column. `given` may name several: "city,district"."""
    if given is not None:
        columns = [column_of(table, given=name.strip(), file=file) for name in given.split(",")]
    else:
        found = has_column(table, *(name for name in AREAS if not _is_measured(table, name)))
        if found is None:
            return None
        wider = [name for name in _WIDER.get(found.lower(), ()) if has_column(table, name)]
        columns = [has_column(table, name) or name for name in wider] + [found]
    parts = [pc.fill_null(table.column(name).combine_chunks().cast(pa.string()), "") for name in columns]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, " ")


def _is_measured(table: pa.Table, name: str) -> bool:
    """Whether the column is a size: an area in km² is no place."""
    found = has_column(table, name)
    if found is None or pa.types.is_floating(table.schema.field(found).type):
        return True
    texts = [text for text in table.column(found).slice(0, 100).to_pylist() if text]
    return name == "area" and any("." in str(text) for text in texts) and all(_is_number(str(text)) for text in texts)


def read_series(
    path: Path, *, value: str | None = None, day: str | None = None, area: str | None = None, known_on: str | None = None
) -> pa.Table:
    """A file as a series: area, day, value (null = missing) and, where the file has it, known_on.

    Raises:
        ValueError: a column is missing or cannot be read; the sentence begins with the file's name.
    """
    table, file = read_table(path), str(path)
    columns: dict[str, Any] = {}
    places = areas_of(table, area, file=file)
    columns["area"] = pa.array(["all"] * table.num_rows) if places is None else places
    columns["day"] = days_of(table, column_of(table, *DAYS, given=day, what="the day", file=file), file=file)
    found = column_of(table, *VALUES, given=value, what="the value", file=file)
    columns["value"] = pa.array(numbers_of(table, found, file=file), from_pandas=True)
    known = known_on or has_column(table, *KNOWN)
    if known:
        columns["known_on"] = days_of(table, column_of(table, given=known, file=file), file=file)
    return pa.table(columns)


def matrix_of(
    series: pa.Table, column: str = "value", *, step: int = 1, file: str = "the table"
) -> tuple[list[str], list[date], NDArray[np.float64]]:
    """Areas (sorted), every `step`th day from the first to the last, and the values [areas, days], NaN where missing.

    Raises:
        ValueError: an area has a day twice, or a day is none of the steps; the sentence names the row.
    """
    areas, place = np.unique(np.array(series.column("area").to_pylist(), dtype=object).astype(str), return_inverse=True)
    numbers = series.column("day").combine_chunks().cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
    position = numbers - numbers.min()
    if (position % step).any():
        row = int(np.flatnonzero(position % step)[0])
        raise ValueError(
            f"{file}: row {row + 1} ({series.column('day')[row]}) is not a multiple of {step} days after the first"
        )
    position //= step
    length = int(position.max()) + 1
    cell = place * length + position
    order = np.argsort(cell, kind="stable")
    twice = np.flatnonzero(np.diff(cell[order]) == 0)
    if twice.size:
        first, second = int(order[twice[0]]), int(order[twice[0] + 1])
        raise ValueError(
            f"{file}: {areas[place[first]]} has {series.column('day')[first]} twice, in rows {first + 1} and {second + 1}"
        )
    values = np.full((areas.size, length), np.nan)
    values.flat[cell] = series.column(column).to_numpy()
    start = int(numbers.min())
    days = pa.array(np.arange(start, start + length * step, step, dtype=np.int32)).cast(pa.date32()).to_pylist()
    return areas.tolist(), days, values


def check_files(out: Path | None, plot: Path | None) -> None:
    """Refuse files that cannot be written, before any work.

    Raises:
        ValueError: one sentence.
    """
    if out is not None and out.suffix.lower() not in TABLES:
        raise ValueError(f"--out: {out.name} must end in {' or '.join(TABLES)}")
    if plot is not None and plot.suffix.lower() not in PICTURES:
        raise ValueError(f"--plot: {plot.name} must end in {' or '.join(PICTURES)}")
    for path in (out, plot):
        if path is not None and not path.absolute().parent.is_dir():
            raise ValueError(f"{path.absolute().parent} is no folder")


def write_table(table: pa.Table, path: Path) -> None:
    """Write CSV or Parquet; the file is there whole or not at all."""
    with whole_file(path) as partial:
        if path.suffix.lower() == ".parquet":
            pq.write_table(table, partial, compression="zstd")
        else:
            pcsv.write_csv(table, partial)


def as_json(table: pa.Table, **told: Any) -> str:
    """The table as rows, behind what else is told of it."""
    return json.dumps(told | {"rows": table.to_pylist()}, default=lambda value: value.isoformat(), ensure_ascii=False)


def in_columns(table: pa.Table, *, rows: int = 40, digits: int = 2, skip: Sequence[str] = ()) -> str:
    """A table to read in a terminal: numbers right, text left, missing as a dash; what is left out is said."""
    names = [name for name in table.column_names if name not in skip]
    shown = table.slice(max(0, table.num_rows - rows))
    cells = {name: _cells(shown.column(name).to_pylist(), digits) for name in names}
    right = {name for name in names if pa.types.is_floating(table.schema.field(name).type)}
    right |= {name for name in names if pa.types.is_integer(table.schema.field(name).type)}
    widths = {name: max([_width(name), *map(_width, cells[name])]) for name in names}
    lines = ["  ".join(_padded(name, widths[name], name in right) for name in names)]
    for row in range(shown.num_rows):
        lines.append("  ".join(_padded(cells[name][row], widths[name], name in right) for name in names))
    if table.num_rows > rows:
        lines.append(f"… the last {rows} of {table.num_rows:,} rows")
    return "\n".join(line.rstrip() for line in lines)


def _cells(values: list[Any], digits: int) -> list[str]:
    """Texts of one column; numbers that are all whole have no decimals."""
    places = 0 if all(value == int(value) for value in values if isinstance(value, float) and isfinite(value)) else digits
    return ["–" if value is None else f"{value:,.{places}f}" if isinstance(value, float) else str(value) for value in values]


def _width(text: str) -> int:
    """Columns on a terminal: signs of East Asian scripts take two."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
