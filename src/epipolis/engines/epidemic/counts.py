"""Series tables as matrices: one row for each area, one column for each day or week, empty where nothing is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MOST_STEPS = 20_000
_EPOCH = date(1970, 1, 1)


def counts_of(table: pa.Table, *, at: date | None = None, step: int | None = None, what: str = "the series") -> "Counts":
    """Put a series table (area, day, value[, known_on]) into a matrix.

    Rows may come in any order. Of several vintages the last one known `at` that day counts. `step` is 1 or 7 days; without
    it, it is 7 when all days of an area lie a multiple of seven apart. Without a column `area` all is one area, "".

    Raises:
        ValueError: a column is missing; an area or a day is empty; a value is no number; a day occurs twice with different
            values (the row is named); days do not fit the weekly step; the series is empty or longer than 20,000 steps.
    """
    names, codes, days, values, rows = _columns(table, at, what)
    if not len(values):
        raise ValueError(f"{what}: there is no row" + (f" known on {at}" if at else ""))
    step = step or _step_of(codes, days)
    if step not in (1, 7):
        raise ValueError(f"{what}: the step is {step} days, but must be 1 or 7")
    first = int(days.min())
    late = np.flatnonzero((days - first) % step)
    if len(late):
        raise ValueError(
            f"{what}: row {rows[late[0]] + 1} is of {_date(int(days[late[0]]))}, which is no whole number of weeks after"
            f" the first day {_date(first)}"
        )
    steps = int((days.max() - first) // step) + 1
    if steps > MOST_STEPS:
        raise ValueError(f"{what}: from {_date(first)} to {_date(int(days.max()))} are {steps:,} steps, more than 20,000")
    columns = (days - first) // step
    _check_doubles(names, codes, columns, values, rows, first, step, what)
    matrix = np.full((len(names), steps), np.nan)
    matrix[codes, columns] = values
    return Counts(areas=names, first=_date(first), step=step, values=matrix)


def _columns(table: pa.Table, at: date | None, what: str) -> tuple[list[str], Any, Any, Floats, Any]:
    if missing := [name for name in ("day", "value") if name not in table.column_names]:
        raise ValueError(f"{what}: there is no column {missing[0]!r}; there are {', '.join(table.column_names) or 'none'}")
    areas = table["area"] if "area" in table.column_names else pa.array([""] * table.num_rows)
    for name, column in (("area", areas), ("day", table["day"])):
        if column.null_count:
            row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            raise ValueError(f"{what}: the {name} of row {row + 1} is empty")
    try:
        days = pc.cast(pc.cast(table["day"], pa.date32()), pa.int32()).to_numpy().astype(np.int64)
    except pa.ArrowException as error:
        raise ValueError(f"{what}: the column day holds no days: {error}") from error
    try:
        values = pc.cast(table["value"], pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    except pa.ArrowException as error:
        raise ValueError(f"{what}: the column value holds no numbers: {error}") from error
    if np.isinf(values).any():
        raise ValueError(f"{what}: the value of row {int(np.flatnonzero(np.isinf(values))[0]) + 1} is infinite")
    encoded = pc.dictionary_encode(pc.cast(areas, pa.string()))
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    names, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
    rows = np.arange(len(values))
    if "known_on" in table.column_names:
        rows = _latest(table["known_on"], codes, days, at)
    if at is not None:
        rows = rows[days[rows] <= (at - _EPOCH).days]
    return names, codes[rows], days[rows], values[rows], rows


def _latest(known_on: pa.ChunkedArray, codes: Any, days: Any, at: date | None) -> Any:
    """The rows with the last vintage of each area and day that was known `at` that day."""
    known = pc.fill_null(pc.cast(pc.cast(known_on, pa.date32()), pa.int32()), -(2**31) + 1).to_numpy().astype(np.int64)
    rows = np.arange(len(codes)) if at is None else np.flatnonzero(known <= (at - _EPOCH).days)
    order = rows[np.lexsort((known[rows], days[rows], codes[rows]))]
    last = np.ones(len(order), bool)
    last[:-1] = (np.diff(codes[order]) != 0) | (np.diff(days[order]) != 0) | (np.diff(known[order]) == 0)
    return np.sort(order[last])


def _step_of(codes: Any, days: Any) -> int:
    distinct = np.unique(days)
    return 7 if len(distinct) > 1 and not ((distinct - distinct[0]) % 7).any() else 1


def _check_doubles(
    names: list[str], codes: Any, columns: Any, values: Floats, rows: Any, first: int, step: int, what: str
) -> None:
    order = np.lexsort((columns, codes))
    same = (np.diff(codes[order]) == 0) & (np.diff(columns[order]) == 0)
    here, there = values[order[:-1]], values[order[1:]]
    wrong = np.flatnonzero(same & ~((here == there) | (np.isnan(here) & np.isnan(there))))
    if len(wrong):
        a, b = sorted((order[wrong[0]], order[wrong[0] + 1]))
        where = f" of {names[codes[a]]}" if names[codes[a]] else ""
        day = _date(first + int(columns[a]) * step)
        raise ValueError(f"{what}: rows {rows[a] + 1} and {rows[b] + 1}: {day}{where} occurs twice with different values")


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def long_table(columns: Mapping[str, Any], areas: Sequence[str], index: Any) -> pa.Table:
    """A table whose column `area` is told by the positions `index` in `areas`."""
    coded = pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(list(areas), pa.string()))
    return pa.table({"area": coded.cast(pa.string()), **columns})


def date_column(days: Any) -> pa.Array:
    """Days since 1970-01-01 as dates."""
    return pa.array(np.asarray(days, np.int32)).cast(pa.date32())


@dataclass(frozen=True)
class Counts:
    """Series side by side.

    Attributes:
        areas: their names.
        first: the day of the first column; with weekly steps the last day of that week.
        step: days from one column to the next.
        values: [areas, steps], NaN where nothing is known.
    """

    areas: list[str]
    first: date
    step: int
    values: Floats

    @property
    def first_number(self) -> int:
        """The first day, counted from 1970-01-01."""
        return (self.first - _EPOCH).days

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.step * (self.values.shape[1] - 1))

    def aligned(self, areas: Sequence[str], first: date, steps: int) -> Floats:
        """The same values for other areas and days [areas, steps]; NaN for what is not there."""
        rows = {name: row for row, name in enumerate(self.areas)}
        whole = np.full((len(areas), steps), np.nan)
        shift = (self.first - first).days // self.step
        start, end = max(0, shift), min(steps, shift + self.values.shape[1])
        there = [(to, rows[name]) for to, name in enumerate(areas) if name in rows]
        if there and end > start:
            to, own = np.array(there).T
            whole[to, start:end] = self.values[own, start - shift : end - shift]
        return whole
