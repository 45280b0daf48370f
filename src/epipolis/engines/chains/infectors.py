"""Who infected whom, with its probability, from days of onset and from who met whom.

Of all that could have infected a case, each counts by how well the days fit and by how strong the evidence of a meeting
is; a source that nobody saw counts beside them. The days alone give the weights of Wallinga and Teunis 2004 (American
Journal of Epidemiology 160:509).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_COLUMNS = ("infectee", "infector", "strength")


@dataclass(frozen=True, eq=False)
class Lags:
    """How probable each number of days from the infector's to the infectee's onset is.

    `weights[k]` belongs to `first + k` days; `first` may be negative, for some fall ill before those who infected them.
    `unknown` stands for a pair of which one onset is not known.
    """

    weights: Floats
    first: int = 0

    def __post_init__(self) -> None:
        found = np.asarray(self.weights, np.float64)
        if found.ndim != 1 or not found.size or not np.isfinite(found).all() or (found < 0).any() or not found.sum():
            raise ValueError("weights: must be a row of numbers, none negative, not all zero")
        object.__setattr__(self, "weights", found / found.sum())

    @property
    def unknown(self) -> float:
        """The mean weight of a pair that is in truth one: what an unknown day is worth."""
        return float((self.weights**2).sum())

    def of(self, days: Floats) -> Floats:
        """The weight of each number of days; NaN is worth `unknown`, what cannot be is 0."""
        known = np.isfinite(days)
        place = np.where(known, np.floor(np.where(known, days, 0.0)), 0.0).astype(np.int64) - self.first
        inside = known & (place >= 0) & (place < self.weights.size)
        found = np.where(inside, self.weights[np.clip(place, 0, self.weights.size - 1)], 0.0)
        return np.where(known, found, self.unknown)


def infectors(onsets: ArrayLike, pairs: pa.Table, lags: Lags, *, unseen: float = 0.5) -> pa.Table:
    """The probability with which each of a case's possible infectors is the one.

    Args:
        onsets: day of onset by case, NaN where unknown.
        pairs: infectee, infector (numbers of cases), strength (> 0: 1 for a meeting that usually infects whom it can
            infect, less for a fleeting one, more for a household). Pairs that stand twice add up.
        lags: days from onset to onset.
        unseen: strength of all that nobody saw, in the same unit: 0 where the pairs are known to be complete.

    Returns:
        infectee, infector, probability, days (null where unknown), ordered by infectee and falling probability. The
        probabilities of one infectee and that of an unseen source sum to 1; impossible pairs are left out.

    Raises:
        ValueError: a case without a number, a pair of a case with itself, a strength that is no positive number.
    """
    days_of = np.asarray(onsets, np.float64)
    infectee, infector, strength = _checked(pairs, days_of.size, unseen)
    days = days_of[infectee] - days_of[infector]
    by_days = np.asarray(pairs["by_days"], bool) if "by_days" in pairs.column_names else np.ones(days.size, bool)
    worth = strength * np.where(by_days, lags.of(days), lags.unknown)
    infectee, infector, worth = _once(infectee, infector, worth, days_of.size)
    days = days_of[infectee] - days_of[infector]
    total = np.bincount(infectee, worth, days_of.size) + unseen * lags.unknown
    keep = worth > 0
    infectee, infector, days, worth = infectee[keep], infector[keep], days[keep], worth[keep]
    probability = worth / total[infectee]
    order = np.lexsort((infector, -probability, infectee))
    return pa.table(
        {
            "infectee": infectee[order],
            "infector": infector[order],
            "probability": probability[order],
            "days": pa.array(days[order], mask=~np.isfinite(days[order])),
        }
    )


def likeliest(links: pa.Table, *, at_least: float = 0.0) -> pa.Table:
    """The one most probable infector of each case, where its probability reaches `at_least`."""
    infectee = np.asarray(links["infectee"])
    is_first = np.ones(infectee.size, bool)
    is_first[1:] = infectee[1:] != infectee[:-1]
    return links.filter(pa.array(is_first & (np.asarray(links["probability"]) >= at_least)))


def _checked(pairs: pa.Table, cases: int, unseen: float) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    for name in _COLUMNS:
        if name not in pairs.column_names:
            raise ValueError(f"pairs: there is no column {name}; there are {', '.join(pairs.column_names)}")
        if pairs[name].null_count:
            raise ValueError(f"pairs: {name} must not be empty")
    infectee = np.asarray(pairs["infectee"], np.int64)
    infector = np.asarray(pairs["infector"], np.int64)
    strength = np.asarray(pairs["strength"], np.float64)
    for name, column in (("infectee", infectee), ("infector", infector)):
        if bad := _first((column < 0) | (column >= cases)):
            raise ValueError(f"pairs, row {bad}: {name}: there is no case {column[bad - 1]}, only {cases}")
    if bad := _first(infectee == infector):
        raise ValueError(f"pairs, row {bad}: nobody infects themselves")
    if bad := _first(~(np.isfinite(strength) & (strength > 0))):
        raise ValueError(f"pairs, row {bad}: strength: must be a positive number")
    if not unseen >= 0 or not np.isfinite(unseen):
        raise ValueError("unseen: must be 0 or a positive number")
    return infectee, infector, strength


def _once(
    infectee: NDArray[np.int64], infector: NDArray[np.int64], worth: Floats, cases: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    key, where = np.unique(infectee * max(cases, 1) + infector, return_inverse=True)
    return key // max(cases, 1), key % max(cases, 1), np.asarray(np.bincount(where, worth, key.size), np.float64)


def _first(is_bad: NDArray[np.bool_]) -> int:
    """The number of the first bad row, counted from 1; 0 without one."""
    return int(is_bad.argmax()) + 1 if is_bad.any() else 0
