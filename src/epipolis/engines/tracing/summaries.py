"""What many meetings or many visits amount to."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from . import sums
from .arrays import Ints
from .columns import contiguous, truths, whole_numbers, whole_seconds
from .windows import check_intervals


def accumulate(contacts: pa.Table, *, within: timedelta, at_least: timedelta) -> pa.Table:
    """See the package."""
    period, least = whole_seconds(within, "within"), whole_seconds(at_least, "at_least")
    if period == 0:
        raise ValueError("within: must be longer than nothing")
    names = ("contact", "case", "starts", "ends")
    contact, case, starts, ends = (contiguous(whole_numbers(contacts, "contacts", name)) for name in names)
    check_intervals(starts, ends, "contacts.ends", "contacts.starts", 0)
    certain = np.ones(contact.size, np.bool_)
    if "certain" in contacts.column_names:
        certain = truths(contacts, "contacts", "certain").to_numpy()
    order = np.lexsort((starts, contact, case))
    contact, case, starts, ends = (column[order] for column in (contact, case, starts, ends))
    certain = certain[order]
    pairs = _changes(case, contact)
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    seconds, certain_seconds = np.zeros((2, first.size), np.int64)
    sums.most_within(pairs, starts, ends, period, seconds)
    sums.most_within(pairs[certain], starts[certain], ends[certain], period, certain_seconds)
    columns = {
        "contact": contact[first],
        "case": case[first],
        "meetings": np.bincount(pairs, minlength=first.size),
        "starts": starts[first],
        "ends": np.maximum.reduceat(ends, first) if first.size else ends,
        "seconds": seconds,
        "certain_seconds": certain_seconds,
    }
    enough = seconds >= least
    return pa.table({name: column[enough] for name, column in columns.items()})


def find_clusters(visits: pa.Table, *, at_least_cases: int, gap: timedelta) -> pa.Table:
    """See the package."""
    if at_least_cases < 1:
        raise ValueError("at_least_cases: must be at least 1")
    between = whole_seconds(gap, "gap")
    visitor, place, arrived, left, exact = _whole_columns(visits)
    check_intervals(arrived, left, "visits.left", "visits.arrived", 0)
    order = np.lexsort((visitor, left, arrived, place))
    visitor, place, arrived, left = (column[order] for column in (visitor, place, arrived, left))
    exact = exact[order]
    groups = np.empty(visitor.size, np.int64)
    sums.chain(place, arrived, left, between, groups)
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    persons = np.lexsort((visitor, groups))
    different = np.diff(_changes(groups[persons], visitor[persons]), prepend=-1) > 0
    cases = np.bincount(groups[persons][different], minlength=first.size)
    columns = {
        "place": place[first],
        "starts": arrived[first],
        "ends": np.maximum.reduceat(left, first) if first.size else left,
        "cases": cases,
        "visits": np.bincount(groups, minlength=first.size),
        "certain": np.logical_and.reduceat(exact, first) if first.size else exact,
    }
    enough = np.flatnonzero(cases >= at_least_cases)
    ranked = enough[np.lexsort((place[first][enough], arrived[first][enough], -cases[enough]))]
    return pa.table({name: column[ranked] for name, column in columns.items()})


def _whole_columns(visits: pa.Table) -> tuple[Ints, Ints, Ints, Ints, NDArray[np.bool_]]:
    visitor, place, arrived, left = (
        contiguous(whole_numbers(visits, "visits", name)) for name in ("visitor", "place", "arrived", "left")
    )
    exact = np.ones(visitor.size, np.bool_)
    if "exact" in visits.column_names:
        exact = truths(visits, "visits", "exact").to_numpy()
    return visitor, place, arrived, left, exact


def _changes(one: Ints, two: Ints) -> Ints:
    """Number the runs of equal pairs, from 0."""
    if one.size == 0:
        return one
    changed = (one[1:] != one[:-1]) | (two[1:] != two[:-1])
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(changed)])
