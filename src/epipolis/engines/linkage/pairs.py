"""Which rows of two tables are worth comparing: those that share a key."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epipolis.engines.linkage.keys import MOST_SHARING, blocking_keys
from epipolis.engines.linkage.records import Record, records_of

Rows = NDArray[np.int64]
_MASK = (1 << 63) - 1


def candidate_pairs(
    left: pa.Table | Iterable[Record], right: pa.Table | Iterable[Record] | None = None, *, most: int = MOST_SHARING
) -> tuple[Rows, Rows]:
    """Give rows of the left and of the right that share a key, each pair once; without a right, pairs within the left.

    A key that more than `most` rows of a table have is passed over.
    """
    keys, rows = _keys(left)
    if right is None:
        first, second = _joined(keys, rows, keys, rows, most)
        is_pair = first < second
        first, second = first[is_pair], second[is_pair]
    else:
        first, second = _joined(keys, rows, *_keys(right), most)
    if not len(first):
        return first, second
    pairs = np.unique(first * (int(second.max()) + 1) + second)
    return pairs // (int(second.max()) + 1), pairs % (int(second.max()) + 1)


def _keys(side: pa.Table | Iterable[Record]) -> tuple[Rows, Rows]:
    """Give a number for each key of each row, and the rows, in the order of the keys."""
    records = records_of(side) if isinstance(side, pa.Table) else side
    keys, counts = [], []
    for record in records:
        found = blocking_keys(record)
        keys += [hash(key) & _MASK for key in found]
        counts.append(len(found))
    numbers = np.array(keys, np.int64)
    order = np.argsort(numbers, kind="stable")
    return numbers[order], np.repeat(np.arange(len(counts)), counts)[order]


def _joined(left: Rows, left_rows: Rows, right: Rows, right_rows: Rows, most: int) -> tuple[Rows, Rows]:
    """Join two sorted lists of keys; a key with more than `most` rows on a side joins nothing."""
    begins, ends = np.searchsorted(right, left, "left"), np.searchsorted(right, left, "right")
    own = np.searchsorted(left, left, "right") - np.searchsorted(left, left, "left")
    counts = np.where((ends - begins <= most) & (own <= most), ends - begins, 0)
    total = int(counts.sum())
    offsets = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(left_rows, counts), right_rows[np.repeat(begins, counts) + offsets]
