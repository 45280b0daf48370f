"""What was known of many series on any past day: values, when each was published, and what is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_EPOCH = date(1970, 1, 1).toordinal()
_LONGEST = 20_000
_NEVER = np.iinfo(np.int64).min
_MOSTLY = 0.9


@dataclass(frozen=True)
class _Vintages:
    """Published values in the order of publication: place, step, day of publication and value of each."""

    place: Ints
    step: Ints
    known: Ints
    value: Floats

    def until(self, day: int, steps: int) -> "_Vintages":
        """Give what was published by `day` of the first `steps` steps."""
        keep = (self.known <= day) & (self.step < steps)
        return _Vintages(self.place[keep], self.step[keep], self.known[keep], self.value[keep])


class History:
    """Series of many areas in equal steps of a day or a week, as they were known on any day.

        history = History(table)                  # area, day, value[, known_on][, signals]
        history.values                            # [areas, steps], NaN where nothing is known
        history.as_of(date(2024, 1, 3)).values    # the same, as it was known that day

    Rows with `known_on` are vintages: of several for one area and day the last one published by a day counts. Where
    nothing tells when a value was published it counts as known, and never revised, on the day after its step ended;
    `has_vintages` says which it is. A vintage that holds a value of the day it was published is taken as published the
    day after, because a step is only known once it is over.

    Attributes:
        areas: names, sorted. days: the last day of each step. step: 1 or 7 days.
        values: [areas, steps], NaN where missing. signals: further series by name, each [areas, steps].
        population: [areas], NaN where unknown. target: what is counted, copied into forecasts.
        has_vintages: whether it is told when values were published.
    """

    areas: tuple[str, ...]
    days: NDArray[np.datetime64]
    step: int
    values: Floats
    signals: dict[str, Floats]
    population: Floats
    target: str
    has_vintages: bool

    def __init__(
        self,
        table: pa.Table,
        *,
        step: int | None = None,
        target: str = "",
        population: dict[str, float] | None = None,
        signals: Sequence[str] = (),
    ) -> None:
        """Read a series table; `signals` names further columns of it (positivity, visits, …) that models may use.

        Raises:
            ValueError: a column is missing, an area or day is empty, a value is no number, a day is between the steps
                (the row is named), or the table is empty or longer than 20,000 steps.
        """
        rows = _read(table, tuple(signals))
        self.areas, self.target = rows.areas, target
        self.step = step or _step_of(rows.day)
        _check_steps(rows.day, self.step)
        first = int(rows.day.min())
        last = int(rows.day.max())
        self.days = np.arange(first, last + 1, self.step).astype("datetime64[D]")
        self._wrong = _dropped(rows)
        self.population = np.array([(population or {}).get(area, np.nan) for area in self.areas], dtype=np.float64)
        position = (rows.day - first) // self.step
        known = _publication(rows.day, rows.known)
        self.has_vintages = bool(known.size and len(np.unique(known[known != _NEVER])) > 1)
        if not self.has_vintages:
            known = np.full_like(known, _NEVER)
        published = {name: _in_order(rows.place, position, known, column) for name, column in rows.columns.items()}
        self._wrong += _doubled(published["value"], first, self.step)
        self._published = published
        shape = (len(self.areas), len(self.days))
        tables = {name: _latest(vintages, shape) for name, vintages in published.items()}
        self.values = tables.pop("value")
        self.signals = tables

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """What was wrong, by area: negative counts, which are taken as missing, and values told twice."""
        counts: dict[tuple[int, str], int] = {}
        for place, day, why in self._wrong:
            if day <= int(self.days[-1].astype(np.int64)):
                counts[place, why] = counts.get((place, why), 0) + 1
        return tuple((self.areas[place], f"{count} {why}") for (place, why), count in sorted(counts.items()))

    def as_of(self, day: date) -> "History":
        """Give what was known on `day`: steps that were over before it, from what was published until it.

        Raises:
            ValueError: nothing was known yet.
        """
        number = day.toordinal() - _EPOCH
        steps = int(np.searchsorted(self.days.astype(np.int64), number))
        published = {name: self._known(vintages, number, steps) for name, vintages in self._published.items()}
        if not steps or not np.isfinite(published["value"].value).any():
            raise ValueError(f"On {day} nothing was known yet: the first value is of {self.days[0]}.")
        result: History = object.__new__(History)
        result.__dict__.update(self.__dict__)
        result.days = self.days[:steps]
        shape = (len(self.areas), steps)
        tables = {name: _latest(vintages, shape) for name, vintages in published.items()}
        result._published = published
        result.values = tables.pop("value")
        result.signals = tables
        return result

    def _known(self, vintages: _Vintages, day: int, steps: int) -> _Vintages:
        """Vintages known by `day`; values without one only of the time before vintages begin, where there are any."""
        known = vintages.until(day, steps)
        dated = vintages.known != _NEVER
        if not dated.any():
            return known
        begin = vintages.step[dated].min()
        keep = (known.known != _NEVER) | (known.step < begin)
        return _Vintages(known.place[keep], known.step[keep], known.known[keep], known.value[keep])

    def revisions(self, ages: int = 4, settled: int = 4) -> Floats:
        """How values of `ages` ages (0: the newest step) were changed since: rows of first and last value and the age.

        Only values that have been published again at least `settled` steps later count. Shape [rows, 3]; empty
        without vintages.
        """
        vintages = self._published["value"]
        dated = vintages.known != _NEVER
        if not dated.any():
            return np.empty((0, 3))
        ends = self.days.astype(np.int64)[vintages.step]
        age = (vintages.known - 1 - ends) // self.step
        newest = np.full((len(self.areas), len(self.days)), -1)
        np.maximum.at(newest, (vintages.place[dated], vintages.step[dated]), age[dated])
        final = newest[vintages.place, vintages.step]
        keep = dated & (age >= 0) & (age < ages) & (final >= age + settled) & np.isfinite(vintages.value)
        now = self.values[vintages.place[keep], vintages.step[keep]]
        return np.column_stack([vintages.value[keep], now, age[keep].astype(np.float64)])

    def in_blocks(self, length: int, *, fewest: int) -> "History":
        """Sum `length` steps to one, the last ending with the newest; with less than `fewest` known steps it is missing.

        Missing steps count as the mean of the known ones; signals are averaged. The result has no vintages.
        """
        blocks = self.values.shape[1] // length
        result: History = object.__new__(History)
        result.__dict__.update(self.__dict__)
        result.step = self.step * length
        result.days = self.days[::-1][: max(blocks, 1) * length : length][::-1]
        result.values = _block_means(self.values, length, fewest) * length
        result.signals = {name: _block_means(table, length, 1) for name, table in self.signals.items()}
        nothing = np.empty(0, np.int64)
        result._published = {"value": _Vintages(nothing, nothing, nothing, np.empty(0))}
        return result

    def steps_to(self, day: date) -> tuple[int, date]:
        """How many steps after the newest one the first step that ends on or after `day` is, and its last day."""
        number, newest = day.toordinal() - _EPOCH, int(self.days[-1].astype(np.int64))
        ahead = max(1, -((newest - number) // self.step))
        return ahead, date.fromordinal(newest + ahead * self.step + _EPOCH)


@dataclass(frozen=True)
class _Rows:
    areas: tuple[str, ...]
    place: Ints
    day: Ints
    known: Ints
    columns: dict[str, Floats] = field(default_factory=dict)


def _read(table: pa.Table, signals: tuple[str, ...]) -> _Rows:
    for name in ("area", "day", "value", *signals):
        if name not in table.column_names:
            raise ValueError(f"A series needs a column {name!r}; there are {', '.join(table.column_names) or 'none'}.")
    if not table.num_rows:
        raise ValueError("A series needs at least one row; the table is empty.")
    for name in ("area", "day"):
        if table[name].null_count:
            row = int(np.flatnonzero(table[name].is_null().to_numpy(zero_copy_only=False))[0])
            raise ValueError(f"Row {row + 1} of the series has no {name}.")
    encoded = table["area"].cast(pa.string()).combine_chunks().dictionary_encode()
    names = np.array(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(names.astype(str), kind="stable")
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    return _Rows(
        areas=tuple(str(names[index]) for index in order),
        place=rank[encoded.indices.to_numpy()],
        day=_numbers_of_days(table, "day"),
        known=_numbers_of_days(table, "known_on") if "known_on" in table.column_names else np.full(table.num_rows, _NEVER),
        columns={name: _numbers(table, name) for name in ("value", *signals)},
    )


def _numbers_of_days(table: pa.Table, name: str) -> Ints:
    try:
        column = table[name].cast(pa.date32(), safe=False) if not pa.types.is_string(table[name].type) else table[name]
        days = pc.cast(column, pa.date32()).cast(pa.int32())
    except pa.ArrowException as error:
        raise ValueError(f"Column {name!r} of the series must hold days, not {table[name].type}: {error}") from error
    filled = pc.fill_null(days.cast(pa.int64()), _NEVER)
    return np.asarray(filled.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.int64)


def _numbers(table: pa.Table, name: str) -> Floats:
    try:
        column = table[name].cast(pa.float64()).combine_chunks()
    except pa.ArrowException as error:
        raise ValueError(f"Column {name!r} of the series must hold numbers, not {table[name].type}.") from error
    return np.array(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _step_of(days: Ints) -> int:
    """Weeks where nearly all days are the same day of the week, else days."""
    unique = np.unique(days)
    commonest = np.bincount(unique % 7).max()
    return 7 if commonest >= _MOSTLY * len(unique) and len(unique) > 1 else 1


def _check_steps(days: Ints, step: int) -> None:
    if step not in (1, 7):
        raise ValueError(f"The step of a history is 1 or 7 days, not {step}.")
    usual = np.bincount(days % step).argmax()
    wrong = np.flatnonzero(days % step != usual)
    if len(wrong):
        day = date.fromordinal(int(days[wrong[0]]) + _EPOCH)
        raise ValueError(f"Row {wrong[0] + 1} of the series is of {day}, but its weeks end on another day of the week.")
    if (days.max() - days.min()) // step >= _LONGEST:
        raise ValueError(f"The series has more than {_LONGEST:,} steps; is one of its days wrong?")


def _dropped(rows: _Rows) -> list[tuple[int, int, str]]:
    """Negative and infinite counts become missing, signals only when infinite: place, day and what was wrong."""
    found: list[tuple[int, int, str]] = []
    for name, column in rows.columns.items():
        wrong = np.isinf(column) | ((column < 0) if name == "value" else False)
        why = "negative or infinite, taken as missing" if name == "value" else f"infinite in {name}, taken as missing"
        found += [(place, day, why) for place, day in zip(rows.place[wrong].tolist(), rows.day[wrong].tolist(), strict=True)]
        column[wrong] = np.nan
    return found


def _publication(days: Ints, known: Ints) -> Ints:
    """A release that holds a step not over before it came out was named after that step: it came the day after."""
    result = known.copy()
    for release in np.unique(known[known != _NEVER]):
        rows = known == release
        result[rows] = max(int(release), int(days[rows].max()) + 1) if (days[rows] == release).any() else release
    return result


def _in_order(place: Ints, step: Ints, known: Ints, value: Floats) -> _Vintages:
    """In order of publication; a missing value says nothing where an earlier one is known."""
    order = np.argsort(known, kind="stable")
    return _Vintages(place[order], step[order], known[order], value[order])


def _latest(vintages: _Vintages, shape: tuple[int, int]) -> Floats:
    table = np.full(shape, np.nan)
    said = np.isfinite(vintages.value)
    table[vintages.place[said], vintages.step[said]] = vintages.value[said]  # the last assignment counts
    return table


def _block_means(table: Floats, length: int, fewest: int) -> Floats:
    steps = table.shape[1]
    blocks = max(steps // length, 1)
    newest = table[:, max(0, steps - blocks * length) :]
    newest = np.pad(newest, ((0, 0), (blocks * length - newest.shape[1], 0)), constant_values=np.nan)
    parts = newest.reshape(len(table), blocks, length)
    known = np.isfinite(parts)
    count = known.sum(axis=2)
    mean = np.where(known, parts, 0.0).sum(axis=2) / np.maximum(count, 1)
    result: Floats = np.where(count >= min(fewest, steps), mean, np.nan)
    return result


def _doubled(vintages: _Vintages, first: int, step: int) -> list[tuple[int, int, str]]:
    """Where the same release says two different things of one area and day."""
    order = np.lexsort((vintages.known, vintages.step, vintages.place))
    keys = np.column_stack([vintages.place, vintages.step, vintages.known])[order]
    value = vintages.value[order]
    twice = np.flatnonzero((keys[1:] == keys[:-1]).all(axis=1) & (value[1:] != value[:-1])) + 1
    why = "told twice with different values, the later row counts"
    return [(int(keys[row, 0]), first + int(keys[row, 1]) * step, why) for row in twice]
