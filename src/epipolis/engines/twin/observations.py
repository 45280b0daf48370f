"""Observed curves as a calibration takes them: a count for some of the days, and holes for the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.draws import Flags, Floats
from epipolis.engines.twin.measures import FIGURES, Measure, Testing
from epipolis.engines.twin.simulations import MONDAY

FEWEST_DAYS = 10
_LONGEST = 3_650
_PARTS = 10


@dataclass(frozen=True, eq=False)
class Observed:
    """`start`: the first day of the run. `values`: the count of each day of it; not a number where nothing is known."""

    start: date
    values: Floats

    @property
    def days(self) -> int:
        return len(self.values)

    @property
    def is_known(self) -> Flags:
        return np.isfinite(self.values)

    @property
    def counts(self) -> Floats:
        """Of the days that are known."""
        return np.asarray(self.values[self.is_known], np.float64)

    def parts_of(self, curves: Floats) -> Floats:
        """Means over a few known days in a row each, at most 10 such parts; the last axis of `curves` is the day."""
        known = curves[..., self.is_known]
        width = -(-known.shape[-1] // _PARTS)
        return np.stack([known[..., first : first + width].mean(axis=-1) for first in range(0, known.shape[-1], width)], -1)


def read_observed(table: pa.Table, *, start: date | None = None, days: int | None = None) -> Observed:
    """A table with `date` or `day`, and `count`, as days of a run. ValueError with one sentence for what is no such table."""
    counts = _counts(table)
    is_dated = "date" in table.column_names
    numbers, first = _dated(table, start) if is_dated else (_numbered(table), start or MONDAY)
    if len(set(numbers)) < len(numbers):
        twice = next(number for number in numbers if numbers.count(number) > 1)
        raise ValueError(f"observed: day {twice} of the run stands there twice.")
    if numbers and min(numbers) < 0:
        raise ValueError("observed: a day lies before the first day of the run.")
    length = max((number for number, count in zip(numbers, counts, strict=True) if np.isfinite(count)), default=-1) + 1
    if days is not None:
        length = min(length, days)
    if length > _LONGEST:
        raise ValueError(f"observed: the last day is {length} days after the first, but {_LONGEST} are the most.")
    values = np.full(length, np.nan)
    for number, count in zip(numbers, counts, strict=True):
        if number < length:
            values[number] = count
    is_known = np.isfinite(values)
    if is_known.sum() < FEWEST_DAYS:
        raise ValueError(f"observed: {int(is_known.sum())} days have a count, but {FEWEST_DAYS} are needed.")
    if not values[is_known].any():
        raise ValueError("observed: every count is 0, so there is nothing to fit.")
    return Observed(first, values)


def check_what(what: str, measures: Sequence[Measure]) -> None:
    """ValueError for a column that a curve does not have, or that stays at 0 under these measures."""
    columns = [name for name in FIGURES if name != "cost"]
    if what not in columns:
        raise ValueError(f"{what!r} cannot be fitted; choose from {', '.join(columns)}.")
    if what in ("cases", "tests") and not any(isinstance(measure, Testing) for measure in measures):
        raise ValueError(f"Without tests there are no {what}; add Testing to the measures or fit infections or symptoms.")


def _counts(table: pa.Table) -> Floats:
    names = table.column_names
    if "count" not in names or ("date" in names) == ("day" in names):
        raise ValueError("observed: needs the columns count and either date or day.")
    column = table.column("count")
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_null(column.type)):
        raise ValueError("observed: count must hold numbers.")
    counts = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), float)
    wrong = np.flatnonzero((counts < 0) | np.isinf(counts))
    if len(wrong):
        raise ValueError(f"observed, row {wrong[0] + 1}: count is {counts[wrong[0]]:g}, but may not be below 0 or without end.")
    return counts


def _dated(table: pa.Table, start: date | None) -> tuple[list[int], date]:
    column = table.column("date")
    if not pa.types.is_date(column.type) or column.null_count:
        raise ValueError(f"observed{_first_that_is_no_day(column)}: date must hold a day such as 2026-01-05.")
    found: list[date] = column.cast(pa.date32()).to_pylist()
    first = start or min(found, default=MONDAY)
    return [(day - first).days for day in found], first


def _first_that_is_no_day(column: pa.ChunkedArray) -> str:
    """Which row is at fault, where one can be named."""
    for number, value in enumerate(column.to_pylist(), start=1):
        try:
            date.fromisoformat(str(value))
        except ValueError:
            return f", row {number}"
    return ""


def _numbered(table: pa.Table) -> list[int]:
    column = table.column("day")
    if not pa.types.is_integer(column.type) or column.null_count:
        raise ValueError("observed: day must hold a whole number in every row.")
    numbers: list[int] = column.to_pylist()
    return numbers
