"""Steps in a series that are no epidemic: another definition, hospitals added, a wrong number for a day."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST = 30.0  # beds: below, one family makes a step
_STEP = 0.45  # of the log in one day
_TIMES = 12.0  # … and of the usual daily change
_RECENT = 14


def spliced(values: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Bring what was before a step to the level after it; leave out a single day that stands apart.

    Args:
        values: [areas, days] of stocks such as beds in use, NaN where unknown.

    Returns:
        the values so changed, and which areas had a step within the last two weeks.
    """
    logs = np.log(np.maximum(values, 0.0) + 1)
    changes = np.abs(np.diff(logs, axis=1))
    large = np.maximum(values[:, 1:], values[:, :-1]) >= _LEAST
    candidates = np.flatnonzero((large & (changes > _STEP)).any(axis=1))
    joined, recent = values, np.zeros(len(values), bool)
    if len(candidates):
        joined = values.copy()
        for row in candidates:
            joined[row], recent[row] = _spliced_row(values[row])
    return joined, recent


def _spliced_row(values: Floats) -> tuple[Floats, bool]:
    known = np.flatnonzero(~np.isnan(values))
    series = values[known].copy()
    logs = np.log(np.maximum(series, 0.0) + 1)
    changes = np.diff(logs)
    steps = np.diff(known)
    recent = False
    for at in np.flatnonzero((np.abs(changes) > _STEP) & (np.maximum(series[1:], series[:-1]) >= _LEAST)):
        around = np.abs(np.concatenate([changes[max(0, at - 21) : at], changes[at + 1 : at + 8]]))
        if len(around) < 5 or abs(changes[at]) <= _TIMES * np.median(around) * np.sqrt(steps[at]):
            continue
        after = logs[at + 2 : at + 5]
        if len(after) and abs(np.median(after) - logs[at]) < abs(changes[at]) / 3:
            series[at + 1] = np.nan
            continue
        if at and np.isnan(series[at]):
            continue
        series[: at + 1] = np.expm1(np.log(np.maximum(series[: at + 1], 0.0) + 1) + changes[at])
        recent |= bool(known[at + 1] >= len(values) - _RECENT)
    whole = np.full_like(values, np.nan)
    whole[known] = np.maximum(series, 0.0)
    return whole, recent
