"""Who is where and when on one day.

People first follow their duties (work, school, a care home's common rooms), then commute, then fill what is left of
the day with outings for lunch, in the morning, afternoon and evening. Children under 12 go out with an adult of their
household. Nobody is in two places at once, and nobody is in a place while it is shut.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from epipolis.engines.twin.draws import Flags, Floats, Ints, pick, uniform
from epipolis.engines.twin.old_layout import Layout, favourite
from epipolis.engines.twin.measures import Measure, strength
from epipolis.engines.twin.places import CARE_HOME, CODES, KINDS, NURSERY, SCHOOL, WORKPLACE

HOUR, MINUTE = 3600, 60
_GAP = 15 * MINUTE
_SHORTEST = 5 * MINUTE

# Chance of going out, on a weekday and on a weekend, in each free part of the day, with its hours.
_PARTS = {
    "morning": (8.5, 12.0, 0.30, 0.32),
    "afternoon": (13.25, 17.0, 0.26, 0.42),
    "evening": (17.75, 24.0, 0.20, 0.28),
}
_LUNCH = 0.18
# Where people go, by part of the day: weights for the kinds of place.
_WISHES = {
    "morning": {
        "shop": 45,
        "market": 18,
        "gym": 7,
        "worship": 4,
        "clinic": 6,
        "library": 6,
        "restaurant": 8,
        "hospital": 1,
    },
    "afternoon": {
        "shop": 45,
        "market": 8,
        "gym": 6,
        "worship": 2,
        "clinic": 4,
        "library": 7,
        "restaurant": 12,
        "cinema": 5,
    },
    "evening": {"shop": 32, "restaurant": 34, "gym": 10, "bar": 14, "cinema": 6, "worship": 2, "library": 2},
}
_SUNDAY_WORSHIP = 45


@dataclass(frozen=True, eq=False)
class Visits:
    """One entry per stay; times in seconds of the local day; in order of place, arrival and visitor when finished."""

    visitor: Ints
    place: Ints
    arrived: Ints
    left: Ints
    staff: Flags
    companions: Ints
    accompanied: Flags


def visits_of(
    layout: Layout,
    *,
    city_seed: int,
    seed: int,
    day: int,
    weekday: int,
    at_home: Flags,
    measures: tuple[Measure, ...] = (),
) -> Visits:
    """Every stay of one day. `weekday` counts from Monday = 0; `at_home` marks the people who do not go out."""
    shut = _shut(layout, measures, seed, day, weekday)
    duties, begin, end = _duties(layout, seed, day, weekday, at_home, shut, measures)
    commutes, begin, end = _commutes(layout, seed, day, duties, begin, end)
    fewer = strength(measures, "fewer_outings", day)
    duties, lunches = _lunches(layout, city_seed, seed, day, duties, shut, 1 - fewer)
    parts = [duties, commutes, lunches]
    for part in _PARTS:
        outings = _outings(layout, city_seed, seed, day, weekday, part, at_home, begin, end, shut, 1 - fewer)
        parts += _with_children(layout, seed, day, part, outings, at_home, begin, end)
    everything = _joined(parts)
    order = np.lexsort((everything.visitor, everything.place * 86_400 + everything.arrived))
    return _chosen(everything, order)


def _shut(layout: Layout, measures: tuple[Measure, ...], seed: int, day: int, weekday: int) -> Flags:
    shut = ~layout.open_weekends if weekday >= 5 else np.zeros(len(layout.kind), bool)
    chance = uniform(seed, "obeys closure", np.arange(len(layout.kind)))
    for measure in measures:
        if measure.order == "close" and measure.is_in_force(day):
            codes = [CODES[name] for name in measure.places]
            shut = shut | (np.isin(layout.kind, codes) & (chance < measure.compliance))
    return np.asarray(shut & (layout.kind != CARE_HOME), bool)


def _duties(
    layout: Layout,
    seed: int,
    day: int,
    weekday: int,
    at_home: Flags,
    shut: Flags,
    measures: tuple[Measure, ...],
) -> tuple[Visits, Ints, Ints]:
    """Stays at work, in class and in care homes, and for everyone when their duty begins and ends (0, 0: free)."""
    who = np.flatnonzero((layout.duty >= 0) & ~at_home)
    who = who[~shut[layout.duty[who]]]
    place, kind = layout.duty[who], layout.kind[layout.duty[who]]
    chance = uniform(seed, "attends", who, day)
    remote = uniform(seed, "office habit", who) < strength(measures, "work_from_home", day)
    comes = chance < np.where(layout.is_pupil[who], 0.96, 0.93)
    comes &= ~((kind == WORKPLACE) & remote)
    # Venues open seven days: each of their staff has two days off in a row.
    resting = (who * 3 + weekday) % 7 < 2
    comes &= ~(layout.open_weekends[place] & resting)
    comes |= layout.is_resident[who]
    who, place, kind = who[comes], place[comes], kind[comes]
    arrived, left = _hours(layout, seed, day, who, place, kind)
    begin, end = np.zeros(len(layout.age), np.int64), np.zeros(len(layout.age), np.int64)
    begin[who], end[who] = arrived, left
    staff = ~layout.is_pupil[who] & ~layout.is_resident[who]
    return _stays(who, place, arrived, left, staff), begin, end


def _hours(layout: Layout, seed: int, day: int, who: Ints, place: Ints, kind: Ints) -> tuple[Ints, Ints]:
    """Office and school hours, or one of the shifts into which a long opening time is cut."""
    opens, closes = layout.opens[place], layout.closes[place]
    late, long = uniform(seed, "comes late", who, day), uniform(seed, "stays long", who, day)
    open_for = closes - opens
    shifts = np.where(open_for <= 9.5 * HOUR, 1, np.where(open_for <= 17 * HOUR, 2, 3))
    length = np.minimum(open_for, 8.5 * HOUR)
    number = (uniform(seed, "shift", who, day // 14) * shifts).astype(np.int64)
    arrived = opens + (open_for - length) * number / np.maximum(shifts - 1, 1) + late * 15 * MINUTE
    left = arrived - late * 15 * MINUTE + length - long * 15 * MINUTE
    at_office, at_school = kind == WORKPLACE, (kind == SCHOOL) | (kind == NURSERY)
    habit = uniform(seed, "office habit", who)
    arrived = np.where(at_office, (7.5 + 1.75 * habit) * HOUR + late * 20 * MINUTE, arrived)
    left = np.where(at_office, arrived + (8 + 1.5 * long) * HOUR, left)
    arrived = np.where(at_school, 7.6 * HOUR + late * 25 * MINUTE, arrived)
    left = np.where(at_school, 15.5 * HOUR + long * 35 * MINUTE, left)
    arrived = np.where(layout.is_resident[who], 8 * HOUR + late * HOUR, arrived)
    left = np.where(layout.is_resident[who], 19 * HOUR + long * HOUR, left)
    return arrived.astype(np.int64), np.minimum(left, closes).astype(np.int64)


def _commutes(layout: Layout, seed: int, day: int, duties: Visits, begin: Ints, end: Ints) -> tuple[Visits, Ints, Ints]:
    """A stay at the hub before and after, within its hours; begin and end then include the way."""
    riders = np.flatnonzero(layout.hub[duties.visitor] >= 0)
    who = duties.visitor[riders]
    hub, chance = layout.hub[who], uniform(seed, "ride", who, day)
    begin, end = begin.copy(), end.copy()
    ride = (6 + 8 * chance).astype(np.int64) * MINUTE
    out_left = duties.arrived[riders] - (8 * MINUTE + (chance * 797 % 1 * 17 * MINUTE).astype(np.int64))
    back = duties.left[riders] + 5 * MINUTE + (chance * 991 % 1 * 15 * MINUTE).astype(np.int64)
    goes, returns = out_left - ride >= layout.opens[hub], back + ride <= layout.closes[hub]
    begin[who[goes]] = (out_left - ride)[goes]
    end[who[returns]] = (back + ride)[returns]
    out = _stays(who[goes], hub[goes], (out_left - ride)[goes], out_left[goes])
    home = _stays(who[returns], hub[returns], back[returns], (back + ride)[returns])
    return _joined([out, home]), begin, end


def _lunches(
    layout: Layout, city_seed: int, seed: int, day: int, duties: Visits, shut: Flags, willing: float
) -> tuple[Visits, Visits]:
    """Some office staff eat out at noon near work: their day at the office becomes two stays around it."""
    eats = duties.staff & (layout.kind[duties.place] == WORKPLACE)
    eats &= uniform(seed, "eats out", duties.visitor, day) < _LUNCH * willing
    row = np.flatnonzero(eats)
    near = layout.place_neighbourhood[duties.place[row]]
    choice, when = (uniform(seed, purpose, duties.visitor[row], day) for purpose in ("lunch place", "lunch hour"))
    table = favourite(layout, city_seed, CODES["restaurant"], duties.visitor[row], near, choice)
    arrived = (11.6 * HOUR + when * 55 * MINUTE).astype(np.int64)
    left = arrived + ((30 + 25 * (when * 613 % 1)) * MINUTE).astype(np.int64)
    possible = ~shut[table]
    row, table, arrived, left = row[possible], table[possible], arrived[possible], left[possible]
    lunches = _stays(duties.visitor[row], table, arrived, left)
    afternoon = _chosen(duties, row)
    afternoon.arrived[:] = left + 5 * MINUTE
    ends = duties.left.copy()
    ends[row] = arrived - 5 * MINUTE
    return _joined([replace(duties, left=ends), afternoon]), lunches


def _outings(
    layout: Layout,
    city_seed: int,
    seed: int,
    day: int,
    weekday: int,
    part: str,
    at_home: Flags,
    begin: Ints,
    end: Ints,
    shut: Flags,
    willing: float,
) -> Visits:
    opens_at, closes_at, weekday_chance, weekend_chance = _PARTS[part]
    first, last = int(opens_at * HOUR), int(closes_at * HOUR)
    chance = np.where(layout.age >= 75, 0.6, 1.0) * (weekend_chance if weekday >= 5 else weekday_chance) * willing
    goes = uniform(seed, f"goes out, {part}", np.arange(len(layout.age)), day) < chance
    goes &= ~at_home & (layout.age >= 12) & ~layout.is_resident
    who = np.flatnonzero(goes)
    earliest = np.full(len(who), first)
    if part == "evening":
        earliest = np.maximum(first, np.where(end[who] > 0, end[who] + _GAP, 0))
        can = (earliest <= 20.5 * HOUR) & ((end[who] == 0) | (begin[who] < first))
    else:
        can = (end[who] + _GAP <= first) | (begin[who] - _GAP >= last)
    who, earliest = who[can], earliest[can]
    kind = _wishes(layout, seed, day, weekday, part, who)
    place = np.empty(len(who), np.int64)
    choice = uniform(seed, f"place, {part}", who, day)
    for code in np.unique(kind).tolist():
        own = kind == code
        place[own] = favourite(layout, city_seed, code, who[own], layout.neighbourhood[who[own]], choice[own])
    return _timed(layout, seed, day, part, who, place, earliest, last, shut)


def _wishes(layout: Layout, seed: int, day: int, weekday: int, part: str, who: Ints) -> Ints:
    wishes = dict(_WISHES[part])
    if weekday == 6 and part == "morning":
        wishes["worship"] = _SUNDAY_WORSHIP
    codes = np.array([CODES[name] for name in wishes])
    kind = codes[pick(np.array(list(wishes.values()), float), uniform(seed, f"wish, {part}", who, day))]
    return np.where((kind == CODES["bar"]) & (layout.age[who] < 18), CODES["restaurant"], kind)


def _timed(
    layout: Layout, seed: int, day: int, part: str, who: Ints, place: Ints, earliest: Ints, last: int, shut: Flags
) -> Visits:
    """Stays of one to two and a half times their usual length around the mean, cut to the opening hours."""
    when, length = uniform(seed, f"hour, {part}", who, day), uniform(seed, f"length, {part}", who, day)
    usual = np.array([kind.stay_minutes for kind in KINDS])[layout.kind[place]] * MINUTE
    start = np.maximum(earliest, layout.opens[place])
    stop = np.minimum(last, layout.closes[place])
    stay = np.minimum(usual * (0.4 - 0.6 * np.log1p(-length * 0.95)), stop - start)
    slack = np.minimum(stop - start - stay, 2.5 * HOUR)
    arrived = (start + when * np.maximum(slack, 0)).astype(np.int64)
    left = np.minimum(arrived + stay.astype(np.int64), stop)
    fits = (left - arrived >= _SHORTEST) & ~shut[place]
    return _stays(who[fits], place[fits], arrived[fits], left[fits])


def _with_children(
    layout: Layout, seed: int, day: int, part: str, outings: Visits, at_home: Flags, begin: Ints, end: Ints
) -> list[Visits]:
    """The outings with their companions counted, and the children's own stays beside them."""
    row_of = np.full(len(layout.age), -1)
    suitable = layout.kind[outings.place] != CODES["bar"]
    row_of[outings.visitor[suitable]] = np.flatnonzero(suitable)
    child = np.flatnonzero((layout.guardian >= 0) & ~at_home)
    child = child[row_of[layout.guardian[child]] >= 0]
    row = row_of[layout.guardian[child]]
    is_free = (end[child] + _GAP <= outings.arrived[row]) | (begin[child] >= outings.left[row] + _GAP)
    comes = is_free & (uniform(seed, f"comes along, {part}", child, day) < 0.6)
    child, row = child[comes], row[comes]
    along = _chosen(outings, row)
    children = Visits(child, along.place, along.arrived, along.left, along.staff, along.companions, np.ones(len(child), bool))
    outings.companions[:] = np.bincount(row, minlength=len(outings.visitor))
    return [outings, children]


def _stays(who: Ints, place: Ints, arrived: Ints, left: Ints, staff: Flags | None = None) -> Visits:
    nobody = np.zeros(len(who), bool)
    return Visits(who, place, arrived, left, nobody if staff is None else staff, np.zeros(len(who), np.int64), nobody)


def _joined(parts: list[Visits]) -> Visits:
    return Visits(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Visits)))


def _chosen(visits: Visits, rows: Ints) -> Visits:
    return Visits(*(getattr(visits, field.name)[rows] for field in fields(Visits)))


def person_hours(visits: Visits, places: int) -> Floats:
    """Hours that all visitors together spent at each place."""
    hours = np.bincount(visits.place, (visits.left - visits.arrived) / HOUR, minlength=places)
    return hours.astype(np.float64)
