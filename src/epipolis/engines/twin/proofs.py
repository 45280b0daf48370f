"""What came of tracing, held against the truth: whom it should have found, whom it found, and how soon.

Pure arithmetic on tables. A platform is fed with a run; what it listed is compared here with who infected whom.
"""

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Flags, Floats, Ints, spans

_Z = 1.959964
_DAY = 86_400


@dataclass(frozen=True)
class Figure:
    """A share or a time with its 95 % interval. `of`: how many it is a share of, or the number of times.

    Shares: Wilson's interval (1927). Times: seconds; median with the interval of its order statistics, and quartiles.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    of: int
    quartiles: tuple[float, float] | None = None


class Reach(NamedTuple):
    """How far down the road to a notice each infection came; each flag also asks for all before it."""

    in_venues: Flags
    checked_in: Flags
    confirmed: Flags
    linked: Flags
    in_window: Flags
    long_enough: Flags
    listed: Flags


def share(name: str, hits: int, of: int) -> Figure:
    """A share of so many; unknown for none."""
    if of == 0:
        return Figure(name, None, None, None, 0)
    found, width = hits / of, _Z * _Z / of
    middle, half = found + width / 2, _Z * sqrt(found * (1 - found) / of + width / (4 * of))
    return Figure(name, found, max((middle - half) / (1 + width), 0.0), min((middle + half) / (1 + width), 1.0), of)


def times(name: str, seconds: Floats) -> Figure:
    """Median and quartiles of some times."""
    ordered = np.sort(np.asarray(seconds, float))
    count = len(ordered)
    if not count:
        return Figure(name, None, None, None, 0)
    half = _Z * sqrt(count) / 2
    low, high = int(max(np.floor((count - 1) / 2 - half), 0)), int(min(np.ceil((count - 1) / 2 + half), count - 1))
    first, middle, third = np.quantile(ordered, [0.25, 0.5, 0.75]).tolist()
    return Figure(name, middle, float(ordered[low]), float(ordered[high]), count, (first, third))


def meetings_behind(infections: pa.Table, visits: pa.Table, takes_part: Flags) -> pa.Table:
    """How the infections of one day happened: a row for each that somebody caused in a place.

    `infections`, `visits`: those of a `Day`. `takes_part`: of each visit, whether it was checked in. Columns: person,
    infector, place, met_from, met_until (epoch seconds of the longest time that both were there; null when one was
    not), checked_in (both of these stays were).
    """
    caused = infections.filter(pa.array(_valid(infections, "infector") & _valid(infections, "place")))
    person, infector, place = (np.asarray(caused.column(name)).astype(np.int64) for name in ("person", "infector", "place"))
    who, where = np.asarray(visits.column("visitor")), np.asarray(visits.column("place"))
    arrived, left = np.asarray(visits.column("arrived")), np.asarray(visits.column("left"))
    width = int(where.max(initial=0)) + 1 + int(place.max(initial=0))
    keys = who * width + where
    order = np.argsort(keys, kind="stable")
    keys = keys[order]

    def stays_of(people: Ints) -> tuple[Ints, Ints]:
        first = np.searchsorted(keys, people * width + place)
        return first, np.searchsorted(keys, people * width + place, side="right") - first

    own, row = spans(*stays_of(infector))
    first, count = stays_of(person)
    other, pair = spans(first[row], count[row])
    own, other, row = order[own[pair]], order[other], row[pair]
    begins, ends = np.maximum(arrived[own], arrived[other]), np.minimum(left[own], left[other])
    best = np.lexsort((begins - ends, row))
    best = best[np.unique(row[best], return_index=True)[1]] if len(best) else best
    met = np.zeros(len(person), bool)
    met_from, met_until, both = np.zeros(len(person), np.int64), np.zeros(len(person), np.int64), met.copy()
    chosen = row[best]
    met[chosen] = ends[best] > begins[best]
    met_from[chosen], met_until[chosen] = begins[best], ends[best]
    both[chosen] = takes_part[own[best]] & takes_part[other[best]]
    return pa.table(
        {
            "person": person,
            "infector": infector,
            "place": place,
            "met_from": pa.array(met_from, mask=~met),
            "met_until": pa.array(met_until, mask=~met),
            "checked_in": both & met,
        }
    )


def _valid(table: pa.Table, name: str) -> Flags:
    return np.asarray(table.column(name).is_valid())


def reach_of(meetings: pa.Table, cases: pa.Table, listed: pa.Table, *, shortest: int) -> tuple[Reach, Floats]:
    """How far each of `meetings` (all infections that somebody caused) came, and the seconds to its notice (nan: none).

    `meetings`: as `meetings_behind`, also of infections elsewhere, with place null. `cases`: the confirmed ones: person,
    window_from, window_until (epoch seconds of the infectious time that was traced; null for none), linked (1: their
    check-ins are known to be theirs). `listed`: case, contact (persons), found (epoch seconds); each pair once.
    `shortest`: seconds that make a contact.
    """
    infector, person = (np.asarray(meetings.column(name)).astype(np.int64) for name in ("infector", "person"))
    met = _valid(meetings, "met_from")
    met_from, met_until = (np.asarray(meetings.column(name).fill_null(0)) for name in ("met_from", "met_until"))
    known = np.asarray(cases.column("person")).astype(np.int64)
    order = np.argsort(known, kind="stable")
    at = np.searchsorted(known[order], infector)
    row = order[np.minimum(at, max(len(order) - 1, 0))] if len(order) else np.zeros(len(infector), np.int64)
    is_case = (known[row] == infector) if len(order) else np.zeros(len(infector), bool)

    def of_case(name: str, missing: int) -> Ints:
        values = np.asarray(cases.column(name).fill_null(missing))
        return values[row] if len(values) else np.full(len(infector), missing)

    since, until = of_case("window_from", 2**62), of_case("window_until", 0)
    together = np.minimum(met_until, until) - np.maximum(met_from, since)
    found = _found_on(listed, infector, person)
    in_venues = _valid(meetings, "place")
    checked_in = in_venues & met & np.asarray(meetings.column("checked_in"))
    confirmed = checked_in & is_case
    linked = confirmed & of_case("linked", 0).astype(bool)
    in_window = linked & (together > 0)
    long_enough = in_window & (together >= shortest)
    reach = Reach(in_venues, checked_in, confirmed, linked, in_window, long_enough, ~np.isnan(found))
    return reach, found - np.where(met, (met_from + met_until) / 2, np.nan)


def _found_on(listed: pa.Table, case: Ints, contact: Ints) -> Floats:
    """When each pair was listed; nan for never."""
    width = int(max(np.asarray(listed.column("contact")).max(initial=0), contact.max(initial=0))) + 1
    keys = np.asarray(listed.column("case")).astype(np.int64) * width + np.asarray(listed.column("contact"))
    order = np.argsort(keys, kind="stable")
    wanted = case * width + contact
    at = np.minimum(np.searchsorted(keys[order], wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(case), np.nan)
    found = np.asarray(listed.column("found"), dtype=float)[order][at]
    return np.where(keys[order][at] == wanted, found, np.nan)


def have_met(stays: pa.Table, pairs: pa.Table, *, shortest: int) -> Flags:
    """Whether each pair really was at one place at one time for so many seconds.

    `stays`: visitor, place, arrived, left. `pairs`: case, contact, since, until (epoch seconds).
    """
    who = np.asarray(stays.column("visitor")).astype(np.int64)
    order = np.argsort(who, kind="stable")
    people = int(max(who.max(initial=0), *(np.asarray(pairs.column(name)).max(initial=0) for name in ("case", "contact")))) + 1
    first = np.searchsorted(who[order], np.arange(people + 1)).astype(np.int64)
    place, arrived, left = (
        np.ascontiguousarray(np.asarray(stays.column(name))[order], np.int64) for name in ("place", "arrived", "left")
    )
    case, contact, since, until = (
        np.asarray(pairs.column(name)).astype(np.int64) for name in ("case", "contact", "since", "until")
    )
    met = np.zeros(pairs.num_rows, np.uint8)
    _compare(first, place, arrived, left, case, contact, since, until, shortest, met)
    return met.astype(bool)


@compiled(allocates=False)
def _compare(
    first: Ints,
    place: Ints,
    arrived: Ints,
    left: Ints,
    case: Ints,
    contact: Ints,
    since: Ints,
    until: Ints,
    shortest: int,
    met: Ints,
) -> None:
    for pair in range(len(case)):
        for own in range(first[case[pair]], first[case[pair] + 1]):
            if left[own] <= since[pair] or arrived[own] >= until[pair]:
                continue
            for other in range(first[contact[pair]], first[contact[pair] + 1]):
                if place[other] == place[own]:
                    begins = max(arrived[own], arrived[other], since[pair])
                    if min(left[own], left[other], until[pair]) - begins >= shortest:
                        met[pair] = 1
                        break
            if met[pair]:
                break


def known_before(listed: pa.Table, people: Ints, moments: Floats, *, within: int) -> Flags:
    """Who of `people` was put on a list of contacts in the `within` seconds before their moment (nan: there is none).

    `listed`: contact, found (epoch seconds).
    """
    contact, found = np.asarray(listed.column("contact")).astype(np.int64), np.asarray(listed.column("found"), dtype=float)
    order = np.lexsort((found, contact))
    contact, found = contact[order], found[order]
    first = np.searchsorted(contact, people)
    row, of = spans(first, np.searchsorted(contact, people, side="right") - first)
    is_known = (found[row] < moments[of]) & (found[row] >= moments[of] - within)
    return np.asarray(np.bincount(of[is_known], minlength=len(people)) > 0, bool)


def listed_share(listed: pa.Table, moments: Floats, people: int, *, within: int) -> float:
    """The share of all people who were put on a list in the `within` seconds before a moment: mean over `moments`,
    by whole days."""
    contact, found = np.asarray(listed.column("contact")), np.asarray(listed.column("found"), dtype=float)
    days, counts = np.unique(np.floor(moments[~np.isnan(moments)] / _DAY), return_counts=True)
    shares = [
        len(np.unique(contact[(found < (day + 0.5) * _DAY) & (found >= (day + 0.5) * _DAY - within)])) / people
        for day in days.tolist()
    ]
    return float(np.average(shares, weights=counts)) if len(days) else 0.0
