"""Small tables for the tests of tracing."""

from collections.abc import Sequence

import pyarrow as pa

HOUR = 3600


def visits(*rows: Sequence[int]) -> pa.Table:
    """Rows of visitor, place, arrived, left and, where given, 0 for "only the date is known"."""
    columns = [pa.array([row[column] for row in rows], pa.int64()) for column in range(4)]
    names = ["visitor", "place", "arrived", "left"]
    if any(len(row) == 5 for row in rows):
        columns.append(pa.array([bool(row[4]) if len(row) == 5 else True for row in rows]))
        names.append("exact")
    return pa.table(columns, names)


def windows(*rows: tuple[int, int, int]) -> pa.Table:
    columns = [pa.array([row[column] for row in rows], pa.int64()) for column in range(3)]
    return pa.table(columns, ["visitor", "from", "until"])


def rows(table: pa.Table) -> list[tuple[int | bool, ...]]:
    return sorted(zip(*(column.to_pylist() for column in table.columns), strict=True))
