"""The array functions under tracing: find numbers, cut visits to windows, shelve them, stream other visits past.

A *shelf* holds stays of cases at one place in order of arrival, and a finger list: for each equal slice of the shelf's
time, the first stay that can still be going on. A stream of visits then needs one look-up each to be turned away.
Where a place has many stays, long and short ones stand on shelves of their own, linked to one another, so that one stay
of a month does not make every visit walk through a month of short ones.

All times are whole seconds; intervals contain their start and not their end.
"""

import numpy as np

from epipolis.engines.compiled import compiled

from .arrays import Ints, Positions, Table, Whole

SHELF_FIELDS = (
    4  # its first time, where its fingers begin, their number * 64 + the width of a slice as a power of 2, the next shelf
)
SLICES = 4  # at most for each stay: more turn more visits away, but no longer fit the processor's cache
FEW_STAYS = 16


@compiled()
def find_slot(number: Whole, lowest: Whole, numbers: Ints, slots: Positions) -> Whole:
    """Give the slot of a number, 0 if it has none: straight from a table, or hashed where numbers lie far apart."""
    if numbers.size == 0:
        distance = np.uint64(number) - np.uint64(lowest)
        found: Whole = slots[min(distance, np.uint64(slots.size - 1))]
        return found
    mask = np.uint64(slots.size - 1)
    at = _scatter(number) & mask
    while slots[at] != 0 and numbers[at] != number:
        at = (at + np.uint64(1)) & mask
    hashed: Whole = slots[at]
    return hashed


@compiled()
def _scatter(number: Whole) -> np.uint64:
    mixed = np.uint64(number)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(32))


@compiled("int64(In64, int64, Out64, Out32)")
def give_slots(wanted: Ints, lowest: int, numbers: Ints, slots: Positions) -> int:
    """Fill an empty look-up so that the different numbers have the slots 1, 2, … in order of appearance."""
    given = 0
    mask = np.uint64(slots.size - 1)
    for number in wanted:
        if numbers.size == 0:
            at = np.uint64(number) - np.uint64(lowest)
        else:
            at = _scatter(number) & mask
            while slots[at] != 0 and numbers[at] != number:
                at = (at + np.uint64(1)) & mask
            numbers[at] = number
        if slots[at] == 0:
            given += 1
            slots[at] = given
    return given


@compiled("void(In64, int64, In64, In32, Out32)")
def find_slots(wanted: Ints, lowest: int, numbers: Ints, slots: Positions, found: Positions) -> None:
    for row in range(wanted.size):
        found[row] = find_slot(wanted[row], lowest, numbers, slots)


@compiled("int64(In64, In64, int64)")
def first_wrong_interval(starts: Ints, ends: Ints, limit: int) -> int:
    """Give the first row whose end is not after its start or whose times are beyond ±limit, else -1."""
    wrong = False
    for row in range(starts.size):
        wrong |= (ends[row] <= starts[row]) | (starts[row] < -limit) | (ends[row] > limit)
    if wrong:
        for row in range(starts.size):
            if (ends[row] <= starts[row]) | (starts[row] < -limit) | (ends[row] > limit):
                return row
    return -1


@compiled("int64(In64, In64, In64, Out64, Out64, Out64)")
def merge_windows(visitors: Ints, starts: Ints, ends: Ints, owners: Ints, opens: Ints, closes: Ints) -> int:
    """Join windows of one visitor that overlap or touch; rows come ordered by visitor and start."""
    merged = 0
    for row in range(visitors.size):
        if merged > 0 and owners[merged - 1] == visitors[row] and starts[row] <= closes[merged - 1]:
            closes[merged - 1] = max(closes[merged - 1], ends[row])
        else:
            owners[merged], opens[merged], closes[merged] = visitors[row], starts[row], ends[row]
            merged += 1
    return merged


@compiled("int64(In64, In64, In64, int64, int64, In64, In32, In64, In64, In64, Out32, Out64, Out64, Out32)")
def clip(
    visitors: Ints, arrived: Ints, left: Ints, least: int,
    lowest: int, numbers: Ints, slots: Positions, first_window: Ints, opens: Ints, closes: Ints,
    rows: Positions, starts: Ints, ends: Ints, windows: Positions,
) -> int:  # fmt: skip
    """Cut visits to their visitor's windows and keep what lasts `least` seconds; -1 when the room is too small."""
    found = 0
    for row in range(visitors.size):
        slot = find_slot(visitors[row], lowest, numbers, slots)
        for window in range(first_window[slot], first_window[slot + 1]):
            start = max(arrived[row], opens[window])
            end = min(left[row], closes[window])
            if end - start >= least:
                if found == rows.size:
                    return -1
                rows[found] = row
                starts[found] = start
                ends[found] = end
                windows[found] = window
                found += 1
    return found


@compiled("void(In32, In64, In64, In64, In64, Out64)")
def first_open(slots: Positions, after: Ints, first: Ints, opens: Ints, closes: Ints, found: Ints) -> None:
    """Give for each slot the opening of its first window that closes after a time, or the end of time."""
    for row in range(slots.size):
        found[row] = np.iinfo(np.int64).max
        for window in range(first[slots[row]], first[slots[row] + 1]):
            if closes[window] > after[row]:
                found[row] = opens[window]
                break


@compiled("void(In64, int64, int64, Out64, Out64)")
def sort_by_time(times: Ints, lowest: int, highest: int, order: Ints, spare: Ints) -> None:
    """Put into `order` the rows by time, equal times in their old order (radix sort, 11 bits at a time)."""
    for row in range(times.size):
        order[row] = row
    counts = np.empty(2049, np.int64)
    shift = 0
    while shift < 64 and (highest - lowest) >> shift > 0:
        counts[:] = 0
        for row in range(times.size):
            counts[(((times[row] - lowest) >> shift) & 2047) + 1] += 1
        for digit in range(2048):
            counts[digit + 1] += counts[digit]
        for row in range(times.size):
            digit = ((times[order[row]] - lowest) >> shift) & 2047
            spare[counts[digit]] = order[row]
            counts[digit] += 1
        order[:] = spare
        shift += 11


@compiled()
def _length_class(seconds: int) -> int:
    """Class 0 is up to 4.5 hours, each class 16 times longer: stays of one class are alike enough to share a shelf."""
    length_class = 0
    seconds >>= 14
    while seconds > 0 and length_class < 3:
        seconds >>= 4
        length_class += 1
    return length_class


@compiled("int64(In32, int64, In64, In64, Out32, Out64)")
def choose_shelves(slots: Positions, places: int, starts: Ints, ends: Ints, chosen: Positions, following: Ints) -> int:
    """Give every stay a shelf: its place's slot, or a later number for the long stays of a place with many."""
    stays = np.zeros(places + 1, np.int64)
    for slot in slots:
        stays[slot] += 1
    by_class = np.zeros((places + 1) * 4, np.uint32)
    shelves = places + 1
    following[:] = 0
    for row in range(slots.size):
        slot = slots[row]
        length_class = _length_class(ends[row] - starts[row])
        if length_class == 0 or stays[slot] <= FEW_STAYS:
            chosen[row] = slot
            continue
        shelf = by_class[slot * 4 + length_class]
        if shelf == 0:
            shelf = shelves
            by_class[slot * 4 + length_class] = shelf
            following[shelf] = following[slot]
            following[slot] = shelf
            shelves += 1
        chosen[row] = shelf
    return shelves


@compiled("void(In64, In32, int64, Out64, Out64)")
def shelve(order: Ints, chosen: Positions, shelves: int, first: Ints, stays: Ints) -> None:
    """Lay the rows, already in order of time, shelf by shelf, each shelf ending with a free position (row -1)."""
    first[:] = 0
    for row in range(chosen.size):
        first[chosen[row] + 1] += 1
    for shelf in range(shelves):
        first[shelf + 1] += first[shelf] + 1
    filled = first[:shelves].copy()
    stays[:] = -1
    for row in order:
        stays[filled[chosen[row]]] = row
        filled[chosen[row]] += 1


@compiled("int64(In64, In64, In64, In64, OutTable, Out32, Out64)")
def lay_fingers(
    first: Ints, starts: Ints, ends: Ints, following: Ints, shelves: Table, fingers: Positions, finger_starts: Ints
) -> int:
    """Describe each shelf and fill its fingers: the first stay not over when the slice of time begins."""
    used = 0
    for shelf in range(shelves.shape[0]):
        begin, end = first[shelf], first[shelf + 1] - 1
        base = starts[begin] if end > begin else 0
        last = base
        for stay in range(begin, end):
            last = max(last, ends[stay])
        shift = 0
        while (last - base) >> shift >= SLICES * (end - begin) and shift < 63:
            shift += 1
        slices = ((last - base) >> shift) + 1 if end > begin else 0
        shelves[shelf, 0] = base
        shelves[shelf, 1] = used
        shelves[shelf, 2] = slices * 64 + shift
        shelves[shelf, 3] = following[shelf]
        stay = begin
        for part in range(slices):
            while stay < end and ends[stay] < base + (part << shift):
                stay += 1
            fingers[used + part] = stay
            finger_starts[used + part] = starts[stay]
        fingers[used + slices] = end
        finger_starts[used + slices] = starts[end]
        used += slices + 1
    return used
