"""Checked columns: every input of the engine passes here once and comes out as plain arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .arrays import Bits, Ints

FARTHEST = 2**60  # seconds from 1970; keeps every sum and difference of times within 64 bits
SMALL_RUN = 16_384


@dataclass(frozen=True, slots=True)
class Visits:
    """A run of visits, column by column; `first_row` is the place of its first row in the table it was read from."""

    first_row: int
    visitor: Ints
    place: Ints
    arrived: Ints
    left: Ints
    exact: Bits | None

    def cut(self, rows: int) -> Iterator["Visits"]:
        """Yield the visits in runs of at most `rows`."""
        for first in range(0, self.visitor.size, rows):
            part = slice(first, first + rows)
            exact = None if self.exact is None else self.exact[part]
            yield Visits(
                self.first_row + first, self.visitor[part], self.place[part], self.arrived[part], self.left[part], exact
            )


def whole_numbers(table: pa.Table, name: str, column: str) -> pa.ChunkedArray:
    """Give a column as int64, or raise a ValueError naming table, column and the rule it breaks."""
    if column not in table.column_names:
        raise ValueError(f"{name}.{column}: the column is missing; the table has {table.column_names}")
    values = table.column(column)
    if values.null_count:
        raise ValueError(f"{name}.{column}: must not be empty, but {values.null_count} rows are")
    if pa.types.is_int64(values.type):
        return values
    if pa.types.is_timestamp(values.type):
        if values.type.tz is None:
            raise ValueError(f"{name}.{column}: a timestamp needs a time zone")
        return _cast(_cast(values, pa.timestamp("s", values.type.tz), name, column), pa.int64(), name, column)
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or len(values) == 0:
        return _cast(values, pa.int64(), name, column)
    raise ValueError(f"{name}.{column}: must be whole numbers (int64), not {values.type}")


def truths(table: pa.Table, name: str, column: str) -> pa.ChunkedArray:
    """Give a column of true and false, or raise a ValueError naming table, column and the rule it breaks."""
    values = table.column(column)
    if len(values) == 0:
        return pa.chunked_array([], type=pa.bool_())
    if values.null_count or not pa.types.is_boolean(values.type):
        raise ValueError(f"{name}.{column}: must be true or false (bool) in every row")
    return values


def _cast(values: pa.ChunkedArray, kind: pa.DataType, name: str, column: str) -> pa.ChunkedArray:
    if len(values) == 0:
        return pa.chunked_array([], type=kind)
    try:
        return pc.cast(values, kind, safe=True)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{name}.{column}: must be whole numbers (int64) without loss: {error}") from None


def read_visits(table: pa.Table, name: str) -> list[Visits]:
    """Check a table visitor | place | arrived | left [| exact] and give it as few contiguous runs, without a copy."""
    columns = {column: whole_numbers(table, name, column) for column in ("visitor", "place", "arrived", "left")}
    if "exact" in table.column_names:
        columns["exact"] = truths(table, name, "exact")
    whole = pa.table(columns)
    if max(len(column.chunks) for column in whole.columns) * SMALL_RUN > whole.num_rows:
        whole = whole.combine_chunks()
    runs, first_row = [], 0
    for batch in whole.to_batches():
        arrays = [batch.column(column).to_numpy(zero_copy_only=False) for column in batch.schema.names]
        visitor, place, arrived, left, *rest = arrays
        runs.append(Visits(first_row, visitor, place, arrived, left, rest[0].view(np.uint8) if rest else None))
        first_row += batch.num_rows
    return runs


def contiguous(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Give a column as one array."""
    return np.ascontiguousarray(column.to_numpy())


def whole_seconds(span: timedelta, name: str) -> int:
    """Give a span of time in seconds, rounded up; it must not be negative."""
    if span < timedelta(0):
        raise ValueError(f"{name}: must not be negative, but is {span}")
    seconds = span // timedelta(seconds=1)
    return seconds + (timedelta(seconds=seconds) < span)
