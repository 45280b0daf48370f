"""Reporting triangles: how many of a day's events were known on each day after it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epipolis.engines.epidemic.units import Floats, Ints, bools, numbers

ALL = "all"
LONGEST = 120  # days
_MOST_COUNTS = 100_000_000  # held in memory a few times over
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class Triangle:
    """`known` [strata, report days, delays]: events that happened `delay` days before the report day, known on it.

    The first report day is `first`, the day of the earliest event; before it every count is zero. Counts may shrink
    (`shrunk` [strata]: by how much in all). `undated` rows had no day and are not in it. `published` [report days]: false
    before the first report, and where counts are spread over days without one.
    """

    strata: tuple[str, ...]
    first: date
    known: Floats
    shrunk: Floats
    published: NDArray[np.bool_]
    undated: int = 0

    @property
    def last(self) -> date:
        """The last day whose reports are in it."""
        return self.first + timedelta(days=self.known.shape[1] - 1)

    @property
    def longest(self) -> int:
        """The longest delay told apart, in days."""
        return self.known.shape[2] - 1

    def until(self, at: date) -> "Triangle":
        """What was known on the day `at`. ValueError: the day is before the first event or after the last report."""
        if at < self.first:
            raise ValueError(f"Nothing was known on {at}: the first event was on {self.first}.")
        if at > self.last:
            raise ValueError(f"{at} is in the future: the last report known is of {self.last}.")
        known = self.known[:, : (at - self.first).days + 1]
        return replace(self, known=known, shrunk=_shrunk(known), published=self.published[: known.shape[1]])

    def final(self, day: date) -> Floats:
        """Counts of a day at the longest delay [strata]; NaN where that is not known yet."""
        at = (day - self.first).days + self.longest
        inside = day >= self.first and at < self.known.shape[1]
        return self.known[:, at, self.longest] if inside else np.full(len(self.strata), np.nan)

    def finals(self) -> pa.Table:
        """Every day's count at the longest delay, where that is known: area, day, value."""
        delay, days = self.longest, self.known.shape[1]
        count = max(days - delay, 0)
        return pa.table(
            {
                "area": pa.array(np.repeat(np.array(self.strata, object), count), pa.string()),
                "day": days_from(self.first, np.tile(np.arange(count), len(self.strata))),
                "value": pa.array(self.known[:, delay:, delay].reshape(-1)),
            }
        )


def triangle_of(
    events: pa.Table,
    *,
    cumulative: bool = False,
    longest_delay: int | None = None,
    known_until: date | None = None,
    spread_gaps: bool = False,
) -> Triangle:
    """Arrange pairs of "happened" and "became known" as a triangle.

    Args:
        events: `day`, `known_on`, and if given `count` and `stratum`. Without `count` every row is one event. `count` is
            how many of the day's events became known on `known_on`, or if `cumulative` how many in all were known then; a
            cumulative count stands until the next one. A row without one of its days is left out and counted.
        longest_delay: days; what becomes known later than this does not count. Without it the longest there is, at most 120.
        known_until: the last day whose reports are all here; without it the last `known_on`.
        spread_gaps: cumulative counts were published only every few days, and what came between two publications is to be
            spread over the days between. Nowcast such a triangle as of a day of publication.

    Raises:
        ValueError: a column is missing, no row is dated, a count is missing, negative or infinite, an event was known before
            it happened, or with `count` the same (stratum, day, known_on) is there twice: the row (from 1) is named. Or
            more than a hundred million counts would have to be held: the longest delay that fits is named.
    """
    table, undated, row = _dated(events)
    happened, known_on = _numbered(table, "day"), _numbered(table, "known_on")
    count = _counts(table, row, cumulative)
    _check_early(table, happened, known_on, row)
    names = sorted(pc.unique(table["stratum"]).to_pylist())
    stratum = np.asarray(pc.index_in(table["stratum"], pa.array(names)).to_numpy(zero_copy_only=False), np.int64)
    if "count" in table.column_names:
        _check_twice(table, stratum, happened, known_on, row)
    first = int(happened.min())
    last = int(known_on.max()) if known_until is None else (known_until - _EPOCH).days
    delay = known_on - happened
    longest = min(int(delay.max()), LONGEST) if longest_delay is None else longest_delay
    if longest < 0:
        raise ValueError(f"The longest delay is 0 days or more, not {longest}.")
    keep = (known_on <= last) & (delay <= longest)
    shape = (len(names), max(last - first + 1, 1), longest + 1)
    _check_size(shape)
    places = (stratum[keep], happened[keep] - first, delay[keep], count[keep])
    known = _from_cumulative(shape, *places) if cumulative else _from_new(shape, *places)
    published = np.arange(shape[1]) >= int(known_on.min()) - first
    if cumulative and spread_gaps:
        published[:] = False
        published[known_on[keep] - first] = True
    return Triangle(tuple(names), _EPOCH + timedelta(days=first), known, _shrunk(known), published, undated)


def _dated(events: pa.Table) -> tuple[pa.Table, int, Ints]:
    missing = [name for name in ("day", "known_on") if name not in events.column_names]
    if missing:
        raise ValueError(f"The events lack {', '.join(missing)}; they have {', '.join(events.column_names) or 'no columns'}.")
    columns: dict[str, Any] = {}
    for name, kind in (("day", pa.date32()), ("known_on", pa.date32()), ("count", pa.float64()), ("stratum", pa.string())):
        if name in events.column_names:
            try:
                columns[name] = pc.cast(events[name], kind)
            except pa.ArrowException as error:
                raise ValueError(f"The events, {name}: {error}") from None
    if "stratum" not in columns:
        columns["stratum"] = pa.chunked_array([pa.array([ALL] * events.num_rows, pa.string())])
    columns["stratum"] = pc.fill_null(columns["stratum"], "")
    dated = pc.and_(pc.is_valid(columns["day"]), pc.is_valid(columns["known_on"]))
    table = pa.table(columns).filter(dated)
    if not table.num_rows:
        raise ValueError("No event has both the day it happened and the day it became known.")
    return table, events.num_rows - table.num_rows, np.flatnonzero(bools(dated)).astype(np.int64) + 1


def _numbered(table: pa.Table, name: str) -> Ints:
    return np.asarray(pc.cast(table[name], pa.int32()).to_numpy(zero_copy_only=False), np.int64)


def _counts(table: pa.Table, row: Ints, cumulative: bool) -> Floats:
    if "count" not in table.column_names:
        if cumulative:
            raise ValueError("Cumulative events need the column count.")
        return np.ones(table.num_rows)
    count = numbers(table, "count")
    for broken, rule in ((~np.isfinite(count), "is no number"), (count < 0, "is negative")):
        if broken.any():
            at = int(np.argmax(broken))
            hint = "; a correction downwards is told by cumulative counts" if rule == "is negative" else ""
            raise ValueError(f"The events, row {row[at]}: the count {count[at]:g} {rule}{hint}.")
    return count


def _check_early(table: pa.Table, happened: Ints, known_on: Ints, row: Ints) -> None:
    early = known_on < happened
    if early.any():
        at = int(np.argmax(early))
        told = f"known on {table['known_on'][at].as_py()}, before {table['day'][at].as_py()}, when it happened"
        raise ValueError(f"The events, row {row[at]}: {told} ({int(early.sum())} such rows).")


def _check_twice(table: pa.Table, stratum: Ints, happened: Ints, known_on: Ints, row: Ints) -> None:
    order = np.lexsort((known_on, happened, stratum))
    same = np.ones(len(order) - 1, bool)
    for column in (stratum, happened, known_on):
        same &= np.diff(column[order]) == 0
    if same.any():
        at = int(np.argmax(same))
        one, other = sorted((int(order[at]), int(order[at + 1])))
        told = ", ".join(str(table[name][other].as_py()) for name in ("stratum", "day", "known_on"))
        raise ValueError(f"The events, row {row[other]}: the same as row {row[one]} ({told}).")


def _check_size(shape: tuple[int, int, int]) -> None:
    strata, days, delays = shape
    if strata * days * delays > _MOST_COUNTS:
        fits = max(_MOST_COUNTS // (strata * days) - 1, 1)
        told = f"{strata:,} strata x {days:,} days x {delays:,} delays are too many counts at once"
        raise ValueError(f"{told}: ask for a longest delay of {fits} days, for later days or for fewer strata.")


def _from_new(shape: tuple[int, int, int], stratum: Ints, happened: Ints, delay: Ints, count: Floats) -> Floats:
    by_day = np.zeros((shape[0], shape[1], shape[2]))
    np.add.at(by_day, (stratum, happened, delay), count)
    return _by_report(np.cumsum(by_day, axis=2))


def _from_cumulative(shape: tuple[int, int, int], stratum: Ints, happened: Ints, delay: Ints, count: Floats) -> Floats:
    by_day = np.full(shape, np.nan)
    order = np.argsort(delay, kind="stable")
    by_day[stratum[order], happened[order], delay[order]] = count[order]
    place = np.where(np.isnan(by_day), -1, np.arange(shape[2]))
    latest = np.maximum.accumulate(place, axis=2)
    filled = np.take_along_axis(by_day, np.maximum(latest, 0), axis=2)
    return _by_report(np.where(latest < 0, 0.0, filled))


def _by_report(by_day: Floats) -> Floats:
    """From [strata, day of the event, delay] to [strata, day of the report, delay]."""
    known = np.zeros_like(by_day)
    days = by_day.shape[1]
    for delay in range(min(by_day.shape[2], days)):
        known[:, delay:, delay] = by_day[:, : days - delay, delay]
    return known


def changes(known: Floats) -> tuple[Floats, Floats]:
    """Gains and losses [strata, report days, delays] from the day before, for the same day of the event."""
    before = np.zeros_like(known)
    before[:, 1:, 1:] = known[:, :-1, :-1]
    change = known - before
    return np.maximum(change, 0), np.maximum(-change, 0)


def _shrunk(known: Floats) -> Floats:
    return np.asarray(changes(known)[1].sum(axis=(1, 2)), np.float64)


def days_from(first: date, offsets: NDArray[np.int64]) -> pa.Array:
    """Days counted from the first, as a column."""
    return pa.array((offsets + (first - _EPOCH).days).astype(np.int32), pa.int32()).cast(pa.date32())
