"""Visits streamed past shelved stays on all processors, and the rows that come of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import local

import numpy as np
import pyarrow as pa

from . import stream
from .arrays import Positions
from .columns import Visits
from .shelves import Shelves
from .windows import RUN, in_threads

CONTACTS = pa.schema(
    [
        ("contact", pa.int64()), ("case", pa.int64()), ("place", pa.int64()),
        ("starts", pa.int64()), ("ends", pa.int64()), ("seconds", pa.int64()), ("certain", pa.bool_()),
    ]
)  # fmt: skip
ROOM = 1 << 20  # 4 MiB an array: large enough for the system to give it in large pages


@dataclass(frozen=True, slots=True)
class Meetings:
    """Pairs of a visit (its row within `run`) and a stay (its position in the shelves)."""

    run: Visits
    visit: Positions
    stay: Positions


def meet(runs: Sequence[Visits], shelves: Shelves, least: int, threads: int | None) -> list[Meetings]:
    """Find every pair of different people sharing `least` seconds, in the order of the visits."""
    desk = local()

    def meet_run(run: Visits) -> Meetings:
        room = min(ROOM, 16 * run.visitor.size)
        if not hasattr(desk, "pairs"):
            desk.pairs = np.empty((2, room), np.uint32)
        while True:
            visit, stay = desk.pairs
            found = stream.meet(
                run.visitor, run.place, run.arrived, run.left, least,
                shelves.places.lowest, shelves.places.numbers, shelves.places.slots, shelves.table, shelves.fingers,
                shelves.finger_start, shelves.start, shelves.end, shelves.owner, visit, stay,
            )  # fmt: skip
            if found >= 0:
                desk.pairs = desk.pairs[:, found:]
                return Meetings(run, visit[:found], stay[:found])
            desk.pairs = np.empty((2, max(room, 2 * visit.size)), np.uint32)

    return in_threads(meet_run, [part for run in runs for part in run.cut(RUN)], threads)


def table_of(meetings: Sequence[Meetings], shelves: Shelves, threads: int | None) -> pa.Table:
    """Write meetings as a table of `CONTACTS`."""
    ends = np.cumsum([0, *(part.visit.size for part in meetings)])
    rows = int(ends[-1])
    columns = [np.empty(rows, np.int64) for _ in range(6)]
    possible = any(part.run.exact is not None for part in meetings)
    certain = np.ones(rows if possible else 0, np.uint8)

    def write(number: int) -> None:
        part, own = meetings[number], slice(ends[number], ends[number + 1])
        run = part.run
        stream.write_rows(
            part.visit, part.stay, run.visitor, run.place, run.arrived, run.left,
            shelves.start, shelves.end, shelves.owner, *(column[own] for column in columns),
        )  # fmt: skip
        if run.exact is not None:
            certain[own] = run.exact[part.visit] & shelves.exact[part.stay]

    in_threads(write, range(len(meetings)), threads)
    certainty = pa.array(certain.view(np.bool_)) if possible else all_true(rows)
    return pa.table([*map(pa.array, columns), certainty], schema=CONTACTS)


def all_true(rows: int) -> pa.Array:
    """Give a column of true values without writing them one by one."""
    return pa.Array.from_buffers(pa.bool_(), rows, [None, pa.py_buffer(b"\xff" * (rows // 8 + 1))])
