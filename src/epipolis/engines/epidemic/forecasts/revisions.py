"""Backfill: how the newest values have usually been changed after they were first published."""

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import root
from epipolis.engines.epidemic.histories import Floats, History

_AGES = 4
_ROWS_OF_PRIOR = 150.0
_LARGEST = 0.25


def usual_changes(known: History) -> tuple[Floats, float]:
    """How the newest values change yet, in parts of their fourth roots.

    Returns:
        By age, newest first, the middle change over all areas [ages], and how far the newest values are from it (a
        standard deviation). Both are drawn to nought where few values have been published again.
    """
    found = known.revisions(ages=_AGES)
    shifts, off = np.zeros(_AGES), 0.0
    for age in range(_AGES):
        rows = found[found[:, 2] == age]
        if not len(rows):
            continue
        before = root(rows[:, 0])
        change = np.clip((root(rows[:, 1]) - before) / before, -_LARGEST, _LARGEST)
        order = np.argsort(change)
        weight = before[order] / before.sum()
        middle = change[order][min(int(np.searchsorted(np.cumsum(weight), 0.5)), len(order) - 1)]
        surely = len(rows) / (len(rows) + _ROWS_OF_PRIOR)
        shifts[age] = middle * surely
        if age == 0:
            off = float(np.sqrt((weight * np.square(change[order] - middle)).sum()) * surely)
    return shifts, off
