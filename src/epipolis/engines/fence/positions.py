"""Positions as they come in: their columns, and the checks that tell a sender which row, field and rule is wrong."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epipolis.engines.fence.rules import SOURCES, FenceRule

COLUMNS = {"person": pa.int32(), "time": pa.int64(), "lon": pa.float64(), "lat": pa.float64()}
OPTIONAL = {
    "accuracy": pa.float32(),
    "battery": pa.float32(),
    "charging": pa.bool_(),
    "source": pa.uint8(),
    "arrived": pa.int64(),
    "excused": pa.bool_(),
}
"""person: row of fences and states. time: epoch seconds, UTC. lon, lat: degrees, both NaN or empty for a word without a
place. accuracy: metres, radius of 68 %. battery: 0 to 1. source: 0 gps, 1 network, 2 cell, 3 device. arrived: epoch seconds by
the clock of who received it. excused: at that time the person may be elsewhere, as was agreed."""
FUTURE = "is from the future"
ISLAND = 1e-3
"""Degrees around 0, 0 in which nobody is quarantined, but faulty telephones are."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row: its place in the table (from 0), the field, the rule, and the value as text."""

    row: int
    field: str
    rule: str
    value: str


def typed(table: pa.Table) -> pa.Table:
    """The known columns in their types, others left out.

    Raises:
        ValueError: names the column that is missing or cannot be read as its type without loss.
    """
    columns = {}
    for name, kind in (COLUMNS | OPTIONAL).items():
        if name not in table.column_names:
            if name in COLUMNS:
                raise ValueError(f"positions.{name}: the column is missing; the table has {table.column_names}")
            continue
        column = table.column(name)
        if column.type != kind:
            try:
                column = _cast(column, kind)
            except pa.ArrowException as error:
                raise ValueError(f"positions.{name}: must be {kind}, not {table.column(name).type}: {error}") from None
        columns[name] = column
    return pa.table(columns)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        if column.type.tz is None:
            raise pa.ArrowInvalid("a timestamp needs a time zone")
        column = pc.floor_temporal(column, unit="second").cast(pa.timestamp("s", column.type.tz))
    return column.cast(kind, safe=not pa.types.is_floating(kind))


def check_positions(
    table: pa.Table, now: int, rule: FenceRule | None = None, *, people: int | None = None
) -> tuple[pa.Table, list[Problem]]:
    """Give the good rows, in their order and types, and a problem for each bad one (the first rule that it breaks).

    `now` in epoch seconds (UTC): fixes later than now + clock_tolerance are from the future. `people`: how many fences
    there are; without it any person from 0 on is taken. A word without a place (both NaN or empty) is good: it tells that
    the telephone is alive. An accuracy or battery that is out of range makes the row bad, an empty one does not.

    Raises:
        ValueError: a column is missing or of another type.
    """
    rule = rule or FenceRule()
    table = typed(table).combine_chunks()
    rows = table.num_rows
    values = {name: _floats(table, name) for name in ("person", "time", "lon", "lat", "accuracy", "battery", "source")}
    person, time, lon, lat = (values[name] for name in ("person", "time", "lon", "lat"))
    some = ~(np.isnan(lon) & np.isnan(lat))
    with np.errstate(invalid="ignore"):
        rules = [
            ("person", "must be the number of a person under order", ~((person >= 0) & (person < (people or 2**31)))),
            ("time", "must be there, between 2000 and 2200", ~((time >= 946_684_800) & (time < 7_258_118_400))),
            ("time", FUTURE, time > now + rule.clock_tolerance),
            ("lon", "must be a longitude from -180 to 180", some & ~(np.abs(lon) <= 180)),
            ("lat", "must be a latitude from -90 to 90", some & ~(np.abs(lat) <= 90)),
            ("lat", "0, 0 is the place of telephones that know none", (np.abs(lon) < ISLAND) & (np.abs(lat) < ISLAND)),
            ("accuracy", "must not be negative or infinite", (values["accuracy"] < 0) | np.isinf(values["accuracy"])),
            ("battery", "is a share from 0 to 1", (values["battery"] < 0) | (values["battery"] > 1)),
            ("source", f"is one of 0 to {len(SOURCES) - 1}", values["source"] >= len(SOURCES)),
        ]
    good, problems = np.ones(rows, bool), []
    for field, words, broken in rules:
        for row in np.flatnonzero(broken & good):
            problems.append(Problem(int(row), field, words, str(table.column(field)[int(row)].as_py())))
        good &= ~broken
    problems.sort(key=lambda problem: problem.row)
    return (table if good.all() else table.filter(pa.array(good))), problems


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.asarray(table.column(name).cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(), np.float64)
