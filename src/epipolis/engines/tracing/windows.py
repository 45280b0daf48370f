"""Visits cut to the windows of their visitors."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa

from . import kernel
from .arrays import Bits, Ints, Positions
from .columns import FARTHEST, Visits, contiguous, whole_numbers

RUN = 65_536
TABLE_ROOM = 64  # places in a plain table for each number in it

Piece = TypeVar("Piece")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Slots:
    """Different numbers and their slots 1, 2, …: a plain table where they lie close together, else hashed."""

    count: int
    lowest: int
    numbers: Ints
    slots: Positions

    def find(self, wanted: Ints) -> Positions:
        found = np.empty(wanted.size, np.uint32)
        kernel.find_slots(wanted, self.lowest, self.numbers, self.slots, found)
        return found


def give_slots(wanted: Ints) -> Slots:
    """Number the different values 1, 2, … in order of appearance."""
    lowest = int(wanted.min()) if wanted.size else 0
    span = int(wanted.max()) - lowest + 1 if wanted.size else 0
    if span <= TABLE_ROOM * wanted.size:
        numbers, slots = np.empty(0, np.int64), np.zeros(span + 1, np.uint32)
    else:
        room = 1 << (2 * wanted.size).bit_length()
        numbers, slots = np.zeros(room, np.int64), np.zeros(room, np.uint32)
    return Slots(kernel.give_slots(wanted, lowest, numbers, slots), lowest, numbers, slots)


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows without overlap, ordered by visitor and time; the windows of slot s are first[s] … first[s + 1] - 1."""

    visitors: Slots
    first: Ints
    owner: Ints
    opens: Ints
    closes: Ints


def read_windows(table: pa.Table, name: str) -> Windows:
    """Check a table visitor | from | until and join the windows of a visitor that overlap or touch."""
    visitor, opens, closes = (contiguous(whole_numbers(table, name, c)) for c in ("visitor", "from", "until"))
    check_intervals(opens, closes, f"{name}.until", f"{name}.from", 0)
    order = np.lexsort((opens, visitor))
    owner, start, end = np.empty((3, visitor.size), np.int64)
    count = kernel.merge_windows(visitor[order], opens[order], closes[order], owner, start, end)
    owner, start, end = owner[:count], start[:count], end[:count]
    slots = give_slots(owner)
    first = np.zeros(slots.count + 2, np.int64)
    first[1:] = np.cumsum(np.bincount(slots.find(owner), minlength=slots.count + 1))
    return Windows(slots, first, owner, start, end)


def check_intervals(starts: Ints, ends: Ints, end_name: str, start_name: str, first_row: int) -> None:
    """Raise a ValueError for the first interval that does not end after its start."""
    row = kernel.first_wrong_interval(starts, ends, FARTHEST)
    if row >= 0:
        rule = f"must be after {start_name} and both within ±2^60 seconds of 1970"
        raise ValueError(f"{end_name}: {rule}; row {first_row + row} has {starts[row]} to {ends[row]}")


@dataclass(frozen=True, slots=True)
class Stays:
    """The parts of visits inside their visitor's windows; `window` is the number of that window."""

    visitor: Ints
    place: Ints
    start: Ints
    end: Ints
    exact: Bits
    window: Positions


def clip(runs: Sequence[Visits], windows: Windows, least: int, name: str, threads: int | None) -> Stays:
    """Cut all visits to the windows of their visitors and keep the parts of at least `least` seconds."""

    def clip_run(run: Visits) -> Stays:
        check_intervals(run.arrived, run.left, f"{name}.left", f"{name}.arrived", run.first_row)
        room = run.visitor.size // 8 + 64
        while True:
            rows, window = np.empty((2, room), np.uint32)
            start, end = np.empty((2, room), np.int64)
            found = kernel.clip(
                run.visitor, run.arrived, run.left, least,
                windows.visitors.lowest, windows.visitors.numbers, windows.visitors.slots,
                windows.first, windows.opens, windows.closes, rows, start, end, window,
            )  # fmt: skip
            if found >= 0:
                break
            room *= 4
        rows = rows[:found]
        exact = np.ones(found, np.uint8) if run.exact is None else run.exact[rows]
        return Stays(run.visitor[rows], run.place[rows], start[:found], end[:found], exact, window[:found])

    parts = in_threads(clip_run, [part for run in runs for part in run.cut(RUN)], threads)
    if not parts:
        nothing = np.empty(0, np.int64)
        return Stays(nothing, nothing, nothing, nothing, np.empty(0, np.uint8), np.empty(0, np.uint32))
    return Stays(*(np.concatenate([getattr(part, field) for part in parts]) for field in Stays.__slots__))


def in_threads(work: Callable[[Piece], Done], pieces: Sequence[Piece], threads: int | None) -> list[Done]:
    """Do the pieces on several processors; the results keep the order of the pieces."""
    if threads is not None and threads < 1:
        raise ValueError(f"threads: must be at least 1, but is {threads}")
    if len(pieces) < 2 or threads == 1:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(threads or processors()) as pool:
        return list(pool.map(work, pieces))


def processors() -> int:
    """Give the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
