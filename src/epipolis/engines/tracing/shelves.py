"""Stays of cases, shelved by place so that a stream of other visits finds them at once."""

from dataclasses import dataclass

import numpy as np

from . import kernel
from .arrays import Bits, Ints, Positions, Table
from .windows import Slots, Stays, give_slots


@dataclass(frozen=True, slots=True)
class Shelves:
    """Stays in order of shelf and arrival, a free position after each shelf; see `kernel` for shelves and fingers."""

    places: Slots
    table: Table
    fingers: Positions
    finger_start: Ints
    start: Ints
    end: Ints
    owner: Ints
    exact: Bits
    window: Positions


def shelve(stays: Stays) -> Shelves:
    """Shelve stays by place."""
    count = stays.start.size
    places = give_slots(stays.place)
    chosen, following = np.empty(count, np.uint32), np.zeros(places.count + 1 + count, np.int64)
    shelves = kernel.choose_shelves(places.find(stays.place), places.count, stays.start, stays.end, chosen, following)
    order, spare = np.empty((2, count), np.int64)
    if count:
        kernel.sort_by_time(stays.start, int(stays.start.min()), int(stays.start.max()), order, spare)
    first, laid = np.empty(shelves + 1, np.int64), np.empty(count + shelves, np.int64)
    kernel.shelve(order, chosen, shelves, first, laid)
    start = np.append(stays.start, np.iinfo(np.int64).max)[laid]
    end = np.append(stays.end, 0)[laid]
    table, room = np.empty((shelves, kernel.SHELF_FIELDS), np.int64), kernel.SLICES * count + 2 * shelves
    fingers, finger_start = np.empty(room, np.uint32), np.empty(room, np.int64)
    used = kernel.lay_fingers(first, start, end, following, table, fingers, finger_start)
    return Shelves(
        places, table, fingers[:used].copy(), finger_start[:used].copy(), start, end,
        np.append(stays.visitor, 0)[laid], np.append(stays.exact, np.uint8(0))[laid],
        np.append(stays.window, np.uint32(0))[laid],
    )  # fmt: skip
