"""The compiled loop of the fence: one position after the other, each against the row of its person."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.compiled import compiled
from epipolis.engines.fence.fences import EARTH, NEVER, PER_DEGREE
from epipolis.engines.fence.positions import ISLAND
from epipolis.engines.fence.rules import CELL, DEVICE, GPS
from epipolis.engines.fence.states import BY_POSITION, INSIDE, OFF, OUTSIDE, SILENT, SPOOFED, UNCERTAIN

TAKEN, REPEATED, OLDER, FUTURE, NOT_ORDERED, NOBODY, IMPOSSIBLE, SAYS_NOTHING, DOUBTFUL = range(9)
COUNTS = ("taken", "repeated", "older", "future", "not_ordered", "nobody", "impossible", "says_nothing", "doubtful")
HEARD, IN, EITHER, OUT = range(4)
BLOCK = 8_192
AHEAD = 64
FAR = 20_000.0
"""Metres up to which a plane is good enough; beyond it the sphere is asked."""
Array = NDArray[Any]

FOUND = np.dtype(
    [("row", np.int64), ("excursion", np.int64), ("distance", np.float32), ("accuracy", np.float32)]
    + [(name, np.uint8) for name in ("before", "after", "reason")],
    align=True,
)


@compiled(allocates=False)
def plane(lon: float, lat: float, narrow: float, other_lon: float, other_lat: float) -> float:
    """Metres between two places near each other; `narrow` is the cosine of the latitude of the first."""
    east = abs(other_lon - lon)
    east = min(east, 360.0 - east) * narrow
    north = other_lat - lat
    return PER_DEGREE * math.sqrt(east * east + north * north)


@compiled(allocates=False)
def sphere(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Metres along the great circle (haversine)."""
    one, other = math.radians(lat), math.radians(other_lat)
    up, turn = math.sin((other - one) / 2), math.sin(math.radians(other_lon - lon) / 2)
    return 2 * EARTH * math.asin(math.sqrt(min(1.0, up * up + math.cos(one) * math.cos(other) * turn * turn)))


@compiled(allocates=False)
def metres(lon: float, lat: float, narrow: float, other_lon: float, other_lat: float) -> float:
    """Metres between two places, on the plane where that is good enough."""
    near = plane(lon, lat, narrow, other_lon, other_lat)
    return near if near < FAR else sphere(lon, lat, other_lon, other_lat)


@compiled(allocates=False)
def too_fast(
    lon: float, lat: float, error: float, since: int, to_lon: float, to_lat: float, to_error: float, at: int, most: float
) -> bool:
    """Nobody can have gone from one place to the other, whatever their errors."""
    reach = most * (at - since) + error + to_error
    east, north, far = abs(to_lon - lon), to_lat - lat, reach / PER_DEGREE
    east = min(east, 360.0 - east)
    return east * east + north * north > far * far and sphere(lon, lat, to_lon, to_lat) > reach


@compiled(allocates=False)
def error_of(stated: float, source: int, rule: Any) -> float:
    """The error of a fix in metres; infinite where the accuracy says nothing."""
    if not stated > 0:
        stated = rule.cell_radius if source == CELL else rule.unsaid_accuracy
    if stated > rule.least_accuracy:
        return math.inf
    return float(max(stated * rule.times_accuracy, rule.best_accuracy))


@compiled(allocates=False)
def credible(state: Any, at: int, lon: float, lat: float, error: float, rule: Any) -> bool:
    """Whether the place can have been reached; a second fix that bears out a doubtful one is believed."""
    if state.good_time > NEVER and too_fast(
        state.lon, state.lat, state.accuracy, state.good_time, lon, lat, error, at, rule.most_speed
    ):
        known = state.doubted and not too_fast(
            state.doubt_lon, state.doubt_lat, state.doubt_accuracy, state.doubt_time, lon, lat, error, at, rule.most_speed
        )
        if not known:
            state.doubted = 1
            state.doubt_time, state.doubt_lon, state.doubt_lat, state.doubt_accuracy = at, lon, lat, error
            return False
    state.doubted = 0
    state.good_time, state.lon, state.lat, state.accuracy = at, lon, lat, error
    return True


@compiled(allocates=False)
def spoofed(state: Any, at: int, rule: Any) -> bool:
    """Count a doubtful fix; true with the one that makes them too many."""
    if state.doubts_since == NEVER or at - state.doubts_since > rule.spoof_within:
        state.doubts_since = at
        state.doubts = 0
    state.doubts = min(state.doubts + 1, 250)
    return bool(state.doubts == rule.spoof_fixes)


@compiled(allocates=False)
def one_circle(away: float, radius: float, error: float, source: int, rule: Any) -> int:
    """Where a fix lies: OUT beyond the error, IN when the error itself fits in the fence, else EITHER."""
    margin = (max(radius, rule.cell_radius) if source == CELL else radius) + rule.buffer
    if away - error > margin:
        return OUT
    return IN if away <= margin and error <= margin else EITHER


@compiled(allocates=False)
def place_of(fence: Any, at: int, lon: float, lat: float, error: float, source: int, rule: Any) -> tuple[int, float]:
    """Where a fix lies and its distance in metres from the circle that counts at that time."""
    if at < fence.move_from:
        away = metres(fence.lon, fence.lat, fence.narrow, lon, lat)
        return one_circle(away, fence.radius, error, source, rule), away
    there = metres(fence.next_lon, fence.next_lat, fence.next_narrow, lon, lat)
    second = one_circle(there, fence.next_radius, error, source, rule)
    if at >= fence.move_until:
        return second, there
    here = metres(fence.lon, fence.lat, fence.narrow, lon, lat)
    first = one_circle(here, fence.radius, error, source, rule)
    return (IN if first == IN or second == IN else EITHER), min(here, there)


@compiled(allocates=False)
def after_inside(state: Any, rule: Any) -> tuple[int, bool]:
    """The state after a fix inside, and whether it ends an excursion."""
    state.outside = state.sure = state.unsure = 0
    state.outside_since = NEVER
    state.back = min(state.back + 1, 250)
    if state.excursion == NEVER:
        return INSIDE, False
    if state.back < rule.fixes_back:
        return OUTSIDE, False
    return INSIDE, True


@compiled(allocates=False)
def after_outside(state: Any, at: int, sure: bool, rule: Any) -> int:
    """The state after a fix outside; opens an excursion once there is proof."""
    state.back = state.unsure = 0
    if state.outside == 0:
        state.outside_since = at
        state.sure = 0
    state.outside = min(state.outside + 1, 250)
    if sure:
        state.sure = min(state.sure + 1, 250)
    if state.excursion > NEVER:
        return OUTSIDE
    needed = rule.fixes if state.sure > 0 else rule.weak_fixes
    if state.outside >= needed and at - state.outside_since >= rule.dwell:
        state.excursion = state.outside_since
        return OUTSIDE
    return UNCERTAIN


@compiled(allocates=False)
def after_either(state: Any, rule: Any) -> int:
    """The state after a fix that could be either; too many of them make fixes outside before them forgotten."""
    state.unsure = min(state.unsure + 1, 250)
    if state.unsure >= rule.unsure_fixes:
        state.outside = state.sure = 0
        state.outside_since = NEVER
    if state.excursion > NEVER:
        return OUTSIDE
    if state.outside == 0 and state.state == INSIDE and state.unsure < rule.unsure_fixes:
        return INSIDE
    return UNCERTAIN


@compiled(allocates=False)
def after_word(state: Any) -> int:
    """The state after a word that tells no place: a silent telephone is heard again, more is not known."""
    if state.state == SILENT or state.state == OFF:
        return OUTSIDE if state.excursion > NEVER else UNCERTAIN
    return int(state.state)


@compiled(allocates=False)
def take(
    state: Any, fence: Any, rule: Any, at: int, lon: float, lat: float, stated: float, source: int, excused: bool,
    found: Any, counts: Array,
) -> bool:  # fmt: skip
    """One position: change its person's state; true when that is a transition, which is then told in `found`."""
    state.time = at
    reason, where, away, error = BY_POSITION, HEARD, math.nan, math.nan
    if abs(lon) <= 180 and abs(lat) <= 90 and not (abs(lon) < ISLAND and abs(lat) < ISLAND):
        error = error_of(stated, source, rule)
        if math.isinf(error):
            counts[SAYS_NOTHING] += 1
        elif credible(state, at, lon, lat, error, rule):
            where, away = place_of(fence, at, lon, lat, error, source, rule)
        else:
            counts[DOUBTFUL] += 1
            if spoofed(state, at, rule):
                reason = SPOOFED
    elif not (math.isnan(lon) and math.isnan(lat)):
        counts[IMPOSSIBLE] += 1
    if where == OUT and excused and state.excursion == NEVER and state.outside == 0:
        where = EITHER  # who left before the time that was agreed goes on being outside
    before, excursion, ended = state.state, state.excursion, False
    if where == IN:
        after, ended = after_inside(state, rule)
    elif where == OUT:
        sure = stated <= rule.sure_accuracy and source in (GPS, DEVICE) if stated > 0 else source == GPS
        after = after_outside(state, at, sure, rule)
        excursion = state.excursion
    else:
        after = after_either(state, rule) if where == EITHER else after_word(state)
    if ended:
        state.excursion = NEVER
    if after != before:
        state.since = at
        state.state = after
    elif reason == BY_POSITION:
        return False
    found.before, found.after, found.reason = before, after, reason
    found.excursion = state.doubts_since if reason == SPOOFED else excursion
    found.distance, found.accuracy = away, error
    return True


@compiled(allocates=False)
def fetch(person: Array, states: Array, fences: Array, mine: Array, begin: int, end: int) -> int:
    """Read one number of each row that comes next: asked for together, they come from memory side by side."""
    seen = 0
    for place in range(begin, end):
        who = person[mine[place]]
        if 0 <= who < len(states):
            seen ^= states[who].time ^ fences[who].starts
    return seen


@compiled(allocates=False)
def follow_rows(
    person: Array, time: Array, lon: Array, lat: Array, accuracy: Array,
    battery: Array, charging: Array, source: Array, arrived: Array, excused: Array,
    states: Array, fences: Array, rules: Array, latest: int, part: int, parts: int, found: Array, counts: Array, mine: Array,
) -> int:  # fmt: skip
    """Take the positions of every `parts`-th 64 people (a power of two), from `part` on; give how many were `found`.

    Neighbours stay together, so that two threads do not write to one line of the cache. Columns that were not sent are
    empty arrays. `mine` holds one block of row numbers and one number more; `found` has room for all rows.
    """
    rule, told = rules[0], 0
    for first in range(0, len(person), BLOCK):
        many = 0
        for row in range(first, min(first + BLOCK, len(person))):
            mine[many] = row
            many += (person[row] >> 6) & (parts - 1) == part
        for begin in range(0, many, AHEAD):
            end = min(begin + AHEAD, many)
            mine[BLOCK] = fetch(person, states, fences, mine, begin, end)
            for place in range(begin, end):
                row = mine[place]
                who, at = person[row], time[row]
                if who < 0 or who >= len(states):
                    counts[NOBODY] += 1
                    continue
                state, fence = states[who], fences[who]
                if at > latest or (len(arrived) > 0 and at > arrived[row] + rule.clock_tolerance):
                    counts[FUTURE] += 1
                elif at < fence.starts or at >= fence.ends:
                    counts[NOT_ORDERED] += 1
                elif at <= state.time:
                    counts[REPEATED if at == state.time else OLDER] += 1
                else:
                    counts[TAKEN] += 1
                    if len(battery) > 0 and 0 <= battery[row] <= 1:
                        state.battery = battery[row]
                    if len(charging) > 0 and charging[row] >= 0:
                        state.charging = charging[row]
                    stated = accuracy[row] if len(accuracy) > 0 else math.nan
                    kind = source[row] if len(source) > 0 else DEVICE
                    free = len(excused) > 0 and excused[row] > 0
                    if take(state, fence, rule, at, lon[row], lat[row], stated, kind, free, found[told], counts):
                        found[told].row = row
                        told += 1
    return told
