"""Compare records field by field: levels of agreement, with no evidence where one side says nothing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from epipolis.engines.linkage.forms import BYTES, DAY, WIDTH, YEAR, Forms, read
from epipolis.engines.linkage.frequencies import Frequencies
from epipolis.engines.linkage.levels import FIELDS
from epipolis.engines.linkage.pair_levels import fill_levels
from epipolis.engines.linkage.records import Record

Levels = NDArray[np.int8]
_SHARE_OF_WORK = 20_000


def compare(left: Record, right: Record, frequencies: Frequencies | None = None) -> Levels:
    """Give the level of each of FIELDS for two records [fields]; the order of the two does not matter."""
    return compare_with(left, (right,), frequencies)[0]


def compare_with(record: Record, candidates: Sequence[Record], frequencies: Frequencies | None = None) -> Levels:
    """Give the levels of one record against each of a few others [candidates, fields]."""
    forms = read((record, *candidates), frequencies)
    others = np.arange(1, len(forms), dtype=np.int64)
    return compare_forms(forms, forms, np.zeros(len(others), np.int64), others)


def compare_pairs(
    left: pa.Table | Forms,
    right: pa.Table | Forms,
    pairs: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    frequencies: Frequencies | None = None,
    workers: int = 1,
) -> Levels:
    """Give levels int8 [pairs, fields] of rows of two tables: the rows in `pairs`, or each with the one beside it.

    Raises ValueError for tables of unlike length without `pairs`, and for a row that is not there.
    """
    ours = left if isinstance(left, Forms) else read(left, frequencies)
    theirs = right if isinstance(right, Forms) else read(right, frequencies)
    if pairs is None:
        if len(ours) != len(theirs):
            raise ValueError(f"{len(ours)} rows cannot be compared one by one with {len(theirs)}: name the pairs")
        pairs = np.arange(len(ours)), np.arange(len(ours))
    first, second = (np.ascontiguousarray(rows, np.int64) for rows in pairs)
    if first.shape != second.shape:
        raise ValueError(f"a pair has two rows: {first.shape} and {second.shape} given")
    for rows, forms, name in ((first, ours, "left"), (second, theirs, "right")):
        if rows.size and not (rows.min() >= 0 and rows.max() < len(forms)):
            raise ValueError(f"the {name} table has no row {rows.max() if rows.min() >= 0 else rows.min()}")
    return compare_forms(ours, theirs, first, second, workers=workers)


def compare_births(left: ArrayLike, right: ArrayLike, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int8]:
    """Give the levels of birth dates alone [pairs]: rows `first` and `second` of year, month and day, 0 for unknown."""
    ours, theirs = (_births_alone(np.asarray(births, np.int64)) for births in (left, right))
    return compare_forms(ours, theirs, first, second)[:, FIELDS.index("birth")]


def _births_alone(births: NDArray[np.int64]) -> Forms:
    values = np.zeros((len(births), WIDTH), np.int64)
    values[:, YEAR : DAY + 1] = births
    return Forms(values, np.zeros((len(births), BYTES), np.uint8))


def compare_forms(
    left: Forms, right: Forms, first: NDArray[np.int64], second: NDArray[np.int64], *, workers: int = 1
) -> Levels:
    """Give the levels of rows `first` of one and `second` of another [pairs, fields]; the rows must be there."""
    levels = np.empty((len(first), len(FIELDS)), np.int8)

    def work(since: int) -> None:
        part = slice(since, since + _SHARE_OF_WORK)
        fill_levels(left.values, left.letters, right.values, right.letters, first[part], second[part], levels[part])

    starts = range(0, len(first), _SHARE_OF_WORK)
    if workers > 1 and len(starts) > 1:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, starts))
    else:
        for since in starts:
            work(since)
    return levels
