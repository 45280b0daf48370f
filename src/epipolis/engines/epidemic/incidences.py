"""Counts by area and day, checked and with their gaps filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Negative = Literal["refuse", "missing"]


@dataclass(frozen=True, eq=False)
class Incidence:
    """Counts [areas, days].

    `filled`: every case, days without a value filled in a straight line between their neighbours: what infects.
    `local`: cases infected here, 0 where there is no value: what is infected. `observed`: which days have a value.
    `names`: one per area; `days`: one per day, or None when days are only numbered.
    """

    filled: Floats
    local: Floats
    observed: Flags
    names: tuple[str, ...]
    days: tuple[date, ...] | None


def check_incidence(
    incidence: ArrayLike,
    *,
    imported: ArrayLike | None = None,
    days: Sequence[date] | None = None,
    areas: Sequence[str] | None = None,
    negative: Negative = "refuse",
) -> Incidence:
    """Check counts [days] or [areas, days]; NaN is a day without a value.

    With `negative="missing"` a count that is negative or infinite, or has more imported cases than cases, is taken as
    missing, so that one bad area does not stop the others.

    Raises:
        ValueError: a negative or infinite count, more imported than all cases, days out of order, doubled or with one
            left out, or another length; the sentence names area and day.
    """
    values = np.atleast_2d(np.array(incidence, np.float64))
    if values.ndim != 2 or values.shape[1] < 2 or values.shape[0] < 1:
        raise ValueError(f"incidence must be [days] or [areas, days] with at least two days, but is {values.shape}")
    names = tuple(areas) if areas is not None else tuple(str(number + 1) for number in range(values.shape[0]))
    if len(names) != values.shape[0]:
        raise ValueError(f"there are {len(names)} names of areas for {values.shape[0]} rows of counts")
    calendar = _check_days(days, values.shape[1])
    if negative not in ("refuse", "missing"):
        raise ValueError(f"negative counts can be refused or missing, but not {negative!r}")
    brought = None if imported is None else np.atleast_2d(np.array(imported, np.float64))
    if brought is not None and brought.shape != values.shape:
        raise ValueError(f"imported cases are {brought.shape}, but all cases are {values.shape}")
    if negative == "missing":
        wrong = np.isinf(values) | (values < 0)
        if brought is not None:
            wrong |= ~((brought >= 0) & (brought <= values))
        values[wrong] = np.nan
    _refuse(np.isinf(values), values, names, calendar, "a count must be a number")
    _refuse(values < 0, values, names, calendar, "a count cannot be negative (write it as missing, or correct the days before)")
    observed = ~np.isnan(values)
    local = np.where(observed, values, 0.0)
    if brought is not None:
        _refuse(np.isnan(brought) & observed, brought, names, calendar, "imported cases must be a number where cases are")
        brought = np.where(observed, brought, 0.0)
        _refuse(brought < 0, brought, names, calendar, "imported cases cannot be negative")
        _refuse(brought > local, brought, names, calendar, "more cases are imported than there are cases")
        local = local - brought
    return Incidence(_fill(values, observed), np.ascontiguousarray(local), observed, names, calendar)


def _check_days(days: Sequence[date] | None, count: int) -> tuple[date, ...] | None:
    if days is None:
        return None
    calendar = tuple(days)
    if len(calendar) != count:
        raise ValueError(f"there are {len(calendar)} days for {count} counts of each area")
    steps = np.diff([day.toordinal() for day in calendar])
    if (steps.size and (steps != steps[0]).any()) or (steps < 1).any():
        odd = int(np.flatnonzero((steps < 1) | (steps != max(1, steps[0])))[0])
        word = "twice" if steps[odd] == 0 else "out of order" if steps[odd] < 0 else "with days left out before it"
        raise ValueError(f"day {odd + 2} of the series, {calendar[odd + 1]}, comes {word}: every day must come once, in order")
    return calendar


def _refuse(wrong: Flags, values: Floats, names: tuple[str, ...], days: tuple[date, ...] | None, rule: str) -> None:
    if wrong.any():
        area, day = (int(where) for where in np.argwhere(wrong)[0])
        told = days[day].isoformat() if days else f"day {day + 1}"
        more = f" ({int(wrong.sum())} such values in all)" if wrong.sum() > 1 else ""
        raise ValueError(f"area {names[area]}, {told}: {values[area, day]:g}, but {rule}{more}")


def _fill(values: Floats, observed: Flags) -> Floats:
    filled = np.where(observed, values, 0.0)
    positions = np.arange(values.shape[1])
    for area in np.flatnonzero(~observed.all(axis=1)):
        there = observed[area]
        if there.any():
            filled[area, ~there] = np.interp(positions[~there], positions[there], values[area, there])
    return np.ascontiguousarray(filled)


def windows_of(windows: int | tuple[ArrayLike, ArrayLike], days: int) -> tuple[Ints, Ints]:
    """First and last day (0-based, both included) of each window; a number means every window of that many days.

    The first day of a series has nothing before it, so no window begins there.

    Raises:
        ValueError: a window lies outside the series or ends before it begins.
    """
    if isinstance(windows, int | np.integer):
        if windows < 1:
            raise ValueError(f"a window has {windows} days, but must have at least 1")
        if windows > days - 1:
            raise ValueError(f"a window has {windows} days, but the series has {days}, and none begins on its first day")
        starts = np.arange(1, days - int(windows) + 1)
        return starts, starts + int(windows) - 1
    starts, ends = (np.atleast_1d(np.asarray(edge, np.int64)) for edge in windows)
    if starts.shape != ends.shape or starts.ndim != 1 or not starts.size:
        raise ValueError(f"{starts.size} windows begin, but {ends.size} end")
    for number, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True), 1):
        if start < 1 or end >= days:
            raise ValueError(f"window {number} is day {start} to {end} (from 0), but must lie within 1 to {days - 1}")
        if end < start:
            raise ValueError(f"window {number} begins on day {start}, but ends on day {end}")
    return starts, ends
