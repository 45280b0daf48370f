"""The hot loop: visits stream past the shelved stays of cases."""

import numpy as np

from epipolis.engines.compiled import compiled

from .arrays import Ints, Positions, Table, Whole
from .kernel import find_slot

BLOCK = 2048


U64 = np.uint64  # an index that can not be negative needs no test for it


@compiled()
def _turn_away(
    arrived: Ints, left: Ints, least: int, shelves: Table, fingers: Positions, finger_starts: Ints,
    waiting: Whole, visits: Positions, shelf_of: Positions, kept: Positions, begin: Positions,
) -> Whole:  # fmt: skip
    """Keep the waiting visits that can meet a stay of their shelf. Free of branches: the outcome is a coin toss."""
    count = U64(0)
    for position in range(U64(waiting)):
        visit = visits[position]
        shelf = shelf_of[position]
        earliest = arrived[visit] + least
        latest = left[visit] - least
        slices_and_shift = shelves[shelf, U64(2)]
        part = (earliest - shelves[shelf, U64(0)]) >> (slices_and_shift & 63)
        finger = U64(shelves[shelf, U64(1)] + min(max(part, 0), slices_and_shift >> 6))
        kept[count] = visit
        begin[count] = fingers[finger]
        count += U64((finger_starts[finger] <= latest) & (arrived[visit] <= latest))
    return np.int64(count)


@compiled()
def _follow_links(waiting: Whole, visits: Positions, shelf_of: Positions, shelves: Table) -> Whole:
    """Let the waiting visits wait at the next shelf of their place, where there is one."""
    count = U64(0)
    for position in range(U64(waiting)):
        following = shelves[shelf_of[position], U64(3)]
        visits[count] = visits[position]
        shelf_of[count] = following
        count += U64(following != 0)
    return np.int64(count)


@compiled()
def _compare(
    visit: Whole, stay: Whole, visitors: Ints, arrived: Ints, left: Ints, least: int,
    starts: Ints, ends: Ints, owners: Ints, found: Whole, met_visit: Positions, met_stay: Positions,
) -> Whole:  # fmt: skip
    """Write down the stays from `stay` on that the visit shares long enough; -1 when the room is too small."""
    visitor = visitors[visit]
    earliest = arrived[visit] + least
    latest = left[visit] - least
    at = U64(found)
    room = U64(met_visit.size)
    while starts[stay] <= latest:
        if at == room:
            return -1
        met_visit[at] = visit
        met_stay[at] = stay
        at += U64((ends[stay] >= earliest) & (owners[stay] != visitor))
        stay += U64(1)
    return np.int64(at)


@compiled("int64(In64, In64, In64, In64, int64, int64, In64, In32, InTable, In32, In64, In64, In64, In64, Out32, Out32)")
def meet(
    visitors: Ints, places: Ints, arrived: Ints, left: Ints, least: int,
    lowest: int, numbers: Ints, slots: Positions, shelves: Table, fingers: Positions, finger_starts: Ints,
    starts: Ints, ends: Ints, owners: Ints, met_visit: Positions, met_stay: Positions,
) -> Whole:  # fmt: skip
    """List every (visit, stay of another person) sharing `least` seconds; -1 when the room is too small.

    Two intervals of at least that length share it exactly when each begins that much before the other ends.
    """
    visits, shelf_of = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    kept, begin = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    found: Whole = 0
    for block in range(0, visitors.size, BLOCK):
        waiting: Whole = min(BLOCK, visitors.size - block)
        for position in range(waiting):
            visits[position] = block + position
            shelf_of[position] = find_slot(places[block + position], lowest, numbers, slots)
        while waiting > 0:
            count = _turn_away(arrived, left, least, shelves, fingers, finger_starts, waiting, visits, shelf_of, kept, begin)
            for position in range(count):
                found = _compare(
                    U64(kept[position]), U64(begin[position]), visitors, arrived, left, least, starts, ends, owners,
                    found, met_visit, met_stay,
                )  # fmt: skip
                if found < 0:
                    return -1
            waiting = _follow_links(waiting, visits, shelf_of, shelves)
    return found


@compiled("void(In32, In32, In64, In64, In64, In64, In64, In64, In64, Out64, Out64, Out64, Out64, Out64, Out64)")
def write_rows(
    met_visit: Positions, met_stay: Positions,
    visitors: Ints, places: Ints, arrived: Ints, left: Ints, starts: Ints, ends: Ints, owners: Ints,
    contact: Ints, case: Ints, place: Ints, begins: Ints, finishes: Ints, seconds: Ints,
) -> None:  # fmt: skip
    for row in range(U64(met_visit.size)):
        visit, stay = met_visit[row], met_stay[row]
        start = max(arrived[visit], starts[stay])
        end = min(left[visit], ends[stay])
        contact[row] = visitors[visit]
        case[row] = owners[stay]
        place[row] = places[visit]
        begins[row] = start
        finishes[row] = end
        seconds[row] = end - start
