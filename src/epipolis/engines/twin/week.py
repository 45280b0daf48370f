"""Everyone's typical week: when they go where, besides work, class and home.

A week is made once. Whether an outing of it takes place on a given day is a draw by person and day, so that a day can
be looked at for one person, or for the visitors of one place, without living it for everyone. Children under 12 go
out with an adult of their household.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Floats, Ints, key, mixed, unit
from epipolis.engines.twin.layout import Layout, Pulls, Records
from epipolis.engines.twin.places import CODES, KINDS, NURSERY, SCHOOL, WORKPLACE

HABIT = 0.8
"""Share of the outings of a typical week that take place."""
RIDE_OUT, LUNCH, MORNING, AFTERNOON, EVENING, RIDE_BACK = range(6)
PARTS = 6
SLOTS = 7 * PARTS
_GAP, _SHORTEST = 15, 5
_PARTS_AT_ONCE, _THREADS = 8, os.cpu_count() or 1
_GAPS = (3548, 1577, 701, 301, 132, 57, 23, 10, 4, 1)
_USUAL_ROOM = 7  # outings a person; where more are needed, more
_LUNCH = 0.18
_JOINS = 0.6
# First and last minute of each free part of the day, and the chance of going out on a weekday and on a weekend.
_FREE = ((MORNING, 510, 720, 0.30, 0.32), (AFTERNOON, 795, 1020, 0.26, 0.42), (EVENING, 1065, 1440, 0.20, 0.28))
_WISHES = {
    MORNING: {
        **{"shop": 45, "market": 18, "gym": 7, "worship": 4},
        **{"clinic": 6, "library": 6, "restaurant": 8, "hospital": 1},
    },
    AFTERNOON: {
        **{"shop": 45, "market": 8, "gym": 6, "worship": 2},
        **{"clinic": 4, "library": 7, "restaurant": 12, "cinema": 5},
    },
    EVENING: {"shop": 32, "restaurant": 34, "gym": 10, "bar": 14, "cinema": 6, "worship": 2, "library": 2},
}
_SUNDAY_WORSHIP = 45
_BAR, _RESTAURANT = CODES["bar"], CODES["restaurant"]


OUTING = np.dtype([("person", np.int32), ("at", np.int32), ("arrived", np.int16), ("left", np.int16)])
"""`at` is place * 42 + slot; times are minutes of the local day."""
_PLAN = np.dtype([("at", np.int32), ("arrived", np.int16), ("left", np.int16)])


class Week(NamedTuple):
    """Who goes where in a typical week."""

    outings: Records
    """In order of place, slot and arrival: those who meet stand side by side."""
    mine: Ints
    """Positions of the outings in order of person and slot."""
    slots: Ints
    """Of these: weekday * 6 + part of the day."""
    mine_from: Ints
    """Where each person's begin in `mine`; one more entry than there are people."""


def typical_week(layout: Layout, pulls: Pulls, seed: int) -> Week:
    """The week of everyone in the city of this seed."""
    people, wishes = len(layout.people), _wishes()
    stays = np.array([kind.stay_minutes for kind in KINDS], np.int64)
    keys = np.array([key(seed, f"week {number}") for number in range(8)])
    counts, room = np.zeros(people + 1, np.int32), _USUAL_ROOM
    ends = np.linspace(0, people, _PARTS_AT_ONCE + 1).astype(int).tolist()

    def live(first: int, last: int) -> int:
        out = plans[room * first : room * last]
        return _live(layout, pulls, wishes, stays, keys, np.empty(SLOTS, _PLAN), counts, out, first, last)

    while True:
        plans = np.empty(room * people, _PLAN)
        with ThreadPoolExecutor(_THREADS) as pool:
            written = list(pool.map(live, ends[:-1], ends[1:]))
        if min(written) >= 0:
            break
        room += 2
    total = 0
    for first, count in zip(ends[:-1], written, strict=True):
        plans[total : total + count] = plans[room * first : room * first + count]
        total += count
    return _in_order(plans[:total], np.cumsum(counts, dtype=np.int32), len(layout.places) * SLOTS)


def _in_order(plans: Records, mine_from: Ints, spots: int) -> Week:
    """Sort by place, slot and arrival: by counting, then within each slot; every thread has places of its own."""
    outings, mine, slots = np.empty(len(plans), OUTING), np.empty(len(plans), np.int32), np.empty(len(plans), np.uint8)
    spot, origin = np.zeros(spots + 1, np.int32), np.empty(len(plans), np.int32)
    ends = np.linspace(0, spots, _THREADS + 1).astype(int).tolist()
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda first, last: _count(plans, first, last, spot), ends[:-1], ends[1:]))
        np.cumsum(spot, out=spot)
        starts = spot[ends].tolist()
        list(
            pool.map(
                lambda first, last, low, high: _sort(
                    plans, mine_from, first, last, low, high, spot, outings, origin, mine, slots
                ),
                *(ends[:-1], ends[1:], starts[:-1], starts[1:]),
            )
        )
    return Week(outings, mine, slots, mine_from)


def _wishes() -> Floats:
    """Running shares of the kinds, by part of the day (row 6: Sunday morning)."""
    weights = np.zeros((PARTS + 1, len(KINDS)))
    for part, wishes in _WISHES.items():
        for name, weight in wishes.items():
            weights[part, CODES[name]] = weight
    weights[PARTS] = weights[MORNING]
    weights[PARTS, CODES["worship"]] = _SUNDAY_WORSHIP
    weights[[RIDE_OUT, LUNCH, RIDE_BACK], CODES["restaurant"]] = 1
    return np.asarray(np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1), np.float64)


@compiled(allocates=False)
def duty_hours(layout: Layout, keys: Ints, person: int, weekday: int) -> tuple[int, int]:
    """From when to when someone is at work, in class or in the common rooms on this day of the week; (0, 0): not at all."""
    place = layout.people[person].duty
    if place < 0 or (weekday >= 5 and not layout.places[place].open_weekends):
        return 0, 0
    habit, late = unit(mixed(keys[0], person)), unit(mixed(mixed(keys[1], person), weekday))
    if layout.people[person].is_resident:
        return int(480 + 60 * late), int(1140 + 60 * habit)
    kind, opens, closes = layout.places[place].kind, layout.places[place].opens, layout.places[place].closes
    if kind in (SCHOOL, NURSERY):
        return int(456 + 25 * late), int(930 + 35 * habit)
    if kind == WORKPLACE:
        begin = 450 + 105 * habit + 20 * late
        return int(begin), min(int(begin + 480 + 90 * unit(mixed(keys[2], person))), closes)
    if layout.places[place].open_weekends and (person * 3 + weekday) % 7 < 2:
        return 0, 0  # venues open seven days: each of their staff has two days off in a row
    open_for = closes - opens
    shifts = 1 if open_for <= 570 else (2 if open_for <= 1020 else 3)
    length = min(open_for, 510)
    begin = opens + (open_for - length) * int(habit * shifts) / max(shifts - 1, 1) + 15 * late
    return int(begin), min(int(begin + length), closes)


@compiled(allocates=False)
def _place_of(pulls: Pulls, areas: int, code: int, area: int, chance: float) -> int:
    count = pulls.first[code + 1] - pulls.first[code]
    start = pulls.share_from[code] + area * count
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        if pulls.shares[start + middle] > chance:
            high = middle
        else:
            low = middle + 1
    return pulls.chosen[pulls.first[code] + low]


@compiled(allocates=False)
def _favourite(layout: Layout, pulls: Pulls, keys: Ints, code: int, person: int, area: int, chance: float) -> int:
    """Six visits in ten go to the first favourite, two to the second, one to the third and one anywhere."""
    if chance >= 0.9:
        return _place_of(pulls, len(layout.districts), code, area, (chance - 0.9) * 10)
    rank = 0 if chance < 0.6 else (1 if chance < 0.8 else 2)
    fixed = unit(mixed(mixed(mixed(keys[3], person), code), rank))
    return _place_of(pulls, len(layout.districts), code, area, fixed)


@compiled(allocates=False)
def _add(out: Records, count: int, place: int, slot: int, arrived: int, left: int) -> int:
    out[count].at = place * SLOTS + slot
    out[count].arrived, out[count].left = arrived, left
    return count + 1


@compiled(allocates=False)
def _own_week(layout: Layout, pulls: Pulls, wishes: Floats, stays: Ints, keys: Ints, person: int, out: Records) -> int:
    """Write the outings of someone of 12 or older, in order of the slots; return how many."""
    count = 0
    slow = 0.6 if layout.people[person].age >= 75 else 1.0
    for weekday in range(7):
        begin, end = duty_hours(layout, keys, person, weekday)
        busy_from, busy_to = begin, end
        draw = mixed(mixed(keys[4], person), weekday)
        hub = layout.people[person].hub
        ride, wait = 6 + int(8 * unit(mixed(draw, 90))), 5 + int(15 * unit(mixed(draw, 91)))
        rides_back = False
        if end > 0 and hub >= 0:
            if begin - wait - 3 - ride >= layout.places[hub].opens:
                busy_from = begin - wait - 3 - ride
                count = _add(out, count, hub, weekday * PARTS + RIDE_OUT, busy_from, busy_from + ride)
            rides_back = end + wait + ride <= layout.places[hub].closes
            if rides_back:
                busy_to = end + wait + ride
        if end > 0 and layout.places[layout.people[person].duty].kind == WORKPLACE and unit(mixed(draw, 92)) < _LUNCH / HABIT:
            near = layout.places[layout.people[person].duty].neighbourhood
            table = _favourite(layout, pulls, keys, wishes_of(wishes, LUNCH, 0.5), person, near, unit(mixed(draw, 93)))
            start = 696 + int(55 * unit(mixed(draw, 94)))
            count = _add(out, count, table, weekday * PARTS + LUNCH, start, start + 30 + int(25 * wait / 20))
        for part, first, last, on_weekdays, on_weekends in _FREE:
            chance = (on_weekends if weekday >= 5 else on_weekdays) / HABIT * slow
            draw = mixed(mixed(mixed(keys[5], person), weekday), part)
            if unit(draw) >= chance:
                continue
            earliest = first
            if part == EVENING:
                earliest = max(first, busy_to + _GAP if busy_to > 0 else 0)
                if earliest > 1230 or (busy_to > 0 and busy_from >= first):
                    continue
            elif busy_to > 0 and busy_to + _GAP > first and busy_from - _GAP < last:
                continue
            row = PARTS if weekday == 6 and part == MORNING else part
            kind = wishes_of(wishes, row, unit(mixed(draw, 1)))
            if kind == _BAR and layout.people[person].age < 18:
                kind = _RESTAURANT
            place = _favourite(layout, pulls, keys, kind, person, layout.people[person].neighbourhood, unit(mixed(draw, 2)))
            if weekday >= 5 and not layout.places[place].open_weekends:
                continue
            start, stop = max(earliest, layout.places[place].opens), min(last, layout.places[place].closes)
            stay = min(stays[kind] * (0.4 - 0.6 * np.log1p(-0.95 * unit(mixed(draw, 3)))), float(stop - start))
            arrived = start + int(unit(mixed(draw, 4)) * max(min(stop - start - stay, 150.0), 0.0))
            left = min(arrived + int(stay), stop)
            if left - arrived >= _SHORTEST:
                count = _add(out, count, place, weekday * PARTS + part, arrived, left)
        if rides_back:
            count = _add(out, count, hub, weekday * PARTS + RIDE_BACK, end + wait, end + wait + ride)
    return count


@compiled(allocates=False)
def wishes_of(wishes: Floats, row: int, chance: float) -> int:
    kind = 0
    while kind < wishes.shape[1] - 1 and wishes[row, kind] <= chance:
        kind += 1
    return kind


@compiled(allocates=False)
def _week_of(layout: Layout, pulls: Pulls, wishes: Floats, stays: Ints, keys: Ints, person: int, out: Records) -> int:
    if layout.people[person].is_resident:
        return 0
    if layout.people[person].age >= 12:
        return _own_week(layout, pulls, wishes, stays, keys, person, out)
    guardian = layout.people[person].guardian
    if guardian < 0:
        return 0
    count, kept = _own_week(layout, pulls, wishes, stays, keys, guardian, out), 0
    for row in range(count):
        slot, place = out[row].at % SLOTS, out[row].at // SLOTS
        part, weekday = slot % PARTS, slot // PARTS
        if part in (RIDE_OUT, LUNCH, RIDE_BACK) or layout.places[place].kind == _BAR:
            continue
        begin, end = duty_hours(layout, keys, person, weekday)
        is_free = end + _GAP <= out[row].arrived or begin >= out[row].left + _GAP
        if is_free and unit(mixed(mixed(keys[6], person), slot)) < _JOINS:
            out[kept] = out[row]
            kept += 1
    return kept


@compiled(allocates=False)
def _live(
    layout: Layout,
    pulls: Pulls,
    wishes: Floats,
    stays: Ints,
    keys: Ints,
    own: Records,
    counts: Ints,
    out: Records,
    first: int,
    last: int,
) -> int:
    """Write the weeks of some people one after the other; return how many outings, or -1 when the room is too small."""
    written = 0
    for person in range(first, last):
        count = _week_of(layout, pulls, wishes, stays, keys, person, own)
        if written + count > len(out):
            return -1
        counts[person + 1] = count
        for row in range(count):
            out[written + row] = own[row]
        written += count
    return written


@compiled(allocates=False)
def _count(plans: Records, first: int, last: int, spot: Ints) -> None:
    for row in range(len(plans)):
        if first <= plans[row].at < last:
            spot[plans[row].at + 1] += 1


@compiled(allocates=False)
def _sort(
    plans: Records,
    mine_from: Ints,
    first: int,
    last: int,
    low: int,
    high: int,
    spot: Ints,
    outings: Records,
    origin: Ints,
    mine: Ints,
    slots: Ints,
) -> None:
    """Put the outings to the spots from `first` to `last` where they belong: in `outings` from `low` to `high`."""
    for person in range(len(mine_from) - 1):
        for row in range(mine_from[person], mine_from[person + 1]):
            at = plans[row].at
            if first <= at < last:
                to = spot[at]
                spot[at] += 1
                outings[to].person, outings[to].at = person, at
                outings[to].arrived, outings[to].left = plans[row].arrived, plans[row].left
                origin[to], slots[row] = row, at % SLOTS
    begin = low
    while begin < high:
        end = spot[outings[begin].at]
        _sort_by_arrival(outings, origin, begin, end)
        begin = end
    for number in range(low, high):
        mine[origin[number]] = number


@compiled(allocates=False)
def _sort_by_arrival(outings: Records, origin: Ints, begin: int, end: int) -> None:
    """Shell's sort with Ciura's gaps: most slots have a handful of visitors, a railway station has thousands."""
    for gap in _GAPS:
        for number in range(begin + gap, end):
            person, arrived, left, row = (
                *(outings[number].person, outings[number].arrived),
                *(outings[number].left, origin[number]),
            )
            to = number
            while to >= begin + gap and (
                outings[to - gap].arrived > arrived or (outings[to - gap].arrived == arrived and origin[to - gap] > row)
            ):
                outings[to].person, outings[to].arrived = outings[to - gap].person, outings[to - gap].arrived
                outings[to].left, origin[to] = outings[to - gap].left, origin[to - gap]
                to -= gap
            outings[to].person, outings[to].arrived, outings[to].left, origin[to] = person, arrived, left, row
