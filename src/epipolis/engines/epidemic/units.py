"""Forecast tables as matrices: one row for each thing forecast, one column for each level."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KEYS = ("model", "target", "area", "made_on", "horizon", "day")
_TYPES = {"made_on": pa.date32(), "day": pa.date32(), "horizon": pa.int64(), "level": pa.float64(), "value": pa.float64()}
_DECIMALS = 6  # levels that went through float32 files are still the same levels
_MOST_CODES = 2**62


@dataclass(frozen=True, eq=False)
class Units:
    """`keys`: a row for each (model, target, area, made_on, horizon, day), as they first appear; `levels` ascending;
    `values` [units, levels], NaN where a level is missing; `lost` [units]: rows of the table that had no value."""

    keys: pa.Table
    levels: Floats
    values: Floats
    lost: Ints


def units_of(forecast: pa.Table) -> Units:
    """The forecasts of a table: model, target, area, made_on, horizon, day, level, value.

    A forecast of horizon 0 or more may not be made after its day; a negative horizon says that a past day is meant.

    Raises:
        ValueError: a column is missing or has another type, a level is not between 0 and 1, a value is infinite, a row
            is there twice, or was made after the day it forecasts. The row (counted from 1) and the rule are named.
    """
    table = typed(forecast, (*KEYS, "level", "value"), "The forecast", optional=("value",))
    level, value = numbers(table, "level"), numbers(table, "value")
    _check(table, level, value)
    levels, level_index = np.unique(np.round(level, _DECIMALS), return_inverse=True)
    codes, _ = coded([table[name] for name in KEYS])
    _, unit, first = grouped(codes)
    place = unit * len(levels) + level_index
    _check_twice(place, table)
    values = np.full(len(first) * len(levels), np.nan)
    values[place] = value
    lost = np.bincount(unit[np.isnan(value)], minlength=len(first)).astype(np.int64)
    keys = table.select(KEYS).take(pa.array(first))
    return Units(keys=keys, levels=levels, values=values.reshape(len(first), len(levels)), lost=lost)


def truth_for(keys: pa.Table, observed: pa.Table) -> tuple[Floats, NDArray[np.bool_]]:
    """What was observed for each row of `keys` (NaN: not observed) and whether its area is among the observed at all.

    `observed`: target (may be left out: then it holds for all targets), area, day, value.

    Raises:
        ValueError: a column is missing or has another type, or a (target, area, day) is there twice.
    """
    names = [name for name in ("target", "area", "day") if name in observed.column_names or name != "target"]
    table = typed(observed, (*names, "value"), "The observed", optional=("value",))
    codes = np.zeros(table.num_rows, np.int64)
    wanted = np.zeros(keys.num_rows, np.int64)
    unknown = np.zeros(keys.num_rows, bool)
    known_area = np.ones(keys.num_rows, bool)
    for name in names:
        known = pc.unique(table[name])
        found = _filled(pc.index_in(keys[name], known), -1)
        codes = codes * (len(known) + 1) + _filled(pc.index_in(table[name], known), 0)
        wanted = wanted * (len(known) + 1) + found
        unknown |= found < 0
        if name == "area":
            known_area = found >= 0
    order = np.argsort(codes, kind="stable")
    ranked = codes[order]
    if len(again := np.flatnonzero(ranked[1:] == ranked[:-1])):
        told = _told(table, names, int(order[again[0] + 1]))
        raise ValueError(f"The observed, row {order[again[0] + 1] + 1}: {told} is there twice.")
    truth = np.full(keys.num_rows, np.nan)
    if len(ranked):
        at = np.minimum(np.searchsorted(ranked, wanted), len(ranked) - 1)
        hit = (ranked[at] == wanted) & ~unknown
        truth[hit] = numbers(table, "value")[order[at[hit]]]
    return truth, known_area


def typed(table: pa.Table, names: Sequence[str], what: str, optional: Sequence[str] = ()) -> pa.Table:
    """The columns of these names in their types. ValueError where one is missing, of a wrong type or (unless optional) null."""
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise ValueError(f"{what} lacks {', '.join(missing)}; it has {', '.join(table.column_names) or 'no columns'}.")
    columns = {}
    for name in names:
        kind = _TYPES.get(name, pa.string())
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = pc.cast(column, column.type.value_type)
        try:
            columns[name] = column if column.type == kind else pc.cast(column, kind)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{what}, {name}: {error}") from None
        except pa.ArrowException:
            raise ValueError(f"{what}, {name}: {column.type} instead of {kind}.") from None
        if column.null_count and name not in optional:
            raise ValueError(f"{what}, row {int(np.argmax(bools(pc.is_null(column)))) + 1}: {name} is missing.")
    return pa.table(columns)


def coded(columns: Sequence[pa.ChunkedArray]) -> tuple[Ints, int]:
    """One number for each different row, and a bound above all of them."""
    codes, size = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        encoded = column.combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.unify_dictionaries().combine_chunks()
        count = max(len(encoded.dictionary), 1)
        if size > _MOST_CODES // count:
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
            size = int(codes.max(initial=0)) + 1
        codes = codes * count + _filled(encoded.indices, 0)
        size *= count
    return codes, size


def grouped(codes: Ints) -> tuple[Ints, Ints, Ints]:
    """The order that brings equal codes together, the group of each row, and the first row of each group.

    Groups are counted as they first appear.
    """
    if not len(codes):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(codes, kind="stable")
    ranked = codes[order]
    begins = np.concatenate([[True], ranked[1:] != ranked[:-1]])
    starts = order[begins]
    appearance = np.argsort(starts, kind="stable")
    rank = np.empty(len(starts), np.int64)
    rank[appearance] = np.arange(len(starts))
    group = np.empty(len(codes), np.int64)
    group[order] = rank[np.cumsum(begins) - 1]
    return order, group, starts[appearance]


def numbers(table: pa.Table, name: str) -> Floats:
    """A column as numbers, null as NaN."""
    return np.asarray(pc.cast(table[name], pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def bools(column: Any) -> NDArray[np.bool_]:
    """A column of truths."""
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)


def _filled(column: Any, empty: int) -> Ints:
    return np.asarray(pc.fill_null(column, empty).to_numpy(zero_copy_only=False), np.int64)


def _check(table: pa.Table, level: Floats, value: Floats) -> None:
    bad = np.flatnonzero(~((level > 0) & (level < 1)))
    if len(bad):
        raise ValueError(f"The forecast, row {bad[0] + 1}: level {level[bad[0]]:g} is not between 0 and 1.")
    bad = np.flatnonzero(np.isinf(value))
    if len(bad):
        raise ValueError(f"The forecast, row {bad[0] + 1}: the value is infinite.")
    late = bools(pc.and_(pc.greater(table["made_on"], table["day"]), pc.greater_equal(table["horizon"], 0)))
    if late.any():
        row = int(np.argmax(late))
        made, day = table["made_on"][row].as_py(), table["day"][row].as_py()
        raise ValueError(f"The forecast, row {row + 1}: made on {made}, after {day}, the day it forecasts.")


def _check_twice(place: Ints, table: pa.Table) -> None:
    counted = np.bincount(place, minlength=1)
    if counted.max(initial=0) > 1:
        where = np.flatnonzero(place == np.argmax(counted > 1))
        told = _told(table, (*KEYS, "level"), int(where[1]))
        raise ValueError(f"The forecast, row {where[1] + 1}: the same as row {where[0] + 1} ({told}).")


def _told(table: pa.Table, names: Sequence[str], row: int) -> str:
    return ", ".join(str(table[name][row].as_py()) for name in names)
