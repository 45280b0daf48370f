"""Who lives with whom in a counted city: households that use up exactly the people of each area, sex and age.

Area by area: care homes take some of the oldest; children are given parents (eldest child first, with brothers and
sisters), some a grandparent; then grown children live with their parents, young people share flats, and the rest live
as couples or alone, in the proportion that gives the wanted mean. Each choice takes the person nearest in age to the one
wished for, so that nobody is left over and nobody invented. Shares and age gaps are chosen by hand.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Floats, Ints, key, mixed, unit
from epipolis.engines.twin.households import CARE_UNIT, UNITS_PER_CARE_HOME, Homes, homes_of
from epipolis.engines.twin.names import Numbers

HOUSEHOLD_SIZE = 2.4
OLDEST = 120
_AGES = OLDEST + 1
_ADULT = 18
_OLD = 60
_MEN, _WOMEN = 0, 1
_CARE_HOME = CARE_UNIT * UNITS_PER_CARE_HOME
_MOST_CHILDREN = 8
_YEARS = np.arange(_AGES)
_SURVIVAL = np.exp(-np.exp((_YEARS - 84.0) / 9.5))
"""Gompertz: how many of those born reach an age; it spreads the people of a wide age group over its years."""
_IN_CARE = np.where(_YEARS < 65, 0.0, np.minimum(0.008 * np.exp((_YEARS - 65) * 0.13), 0.35))
_WITH_PARENTS = np.select([_YEARS < _ADULT, _YEARS < 23, _YEARS < 28, _YEARS < 35, _YEARS < 45], [0, 6.0, 2.0, 0.7, 0.2], 0.0)
_SHARES_FLAT = np.where((_YEARS >= 19) & (_YEARS < 35), 1.0, 0.0)
_IN_COUPLE = np.select([_YEARS < _ADULT, _YEARS < 25, _YEARS < 30, _YEARS < 75, _YEARS < 85], [0, 0.1, 0.5, 1.0, 0.9], 0.5)


class _Desk(NamedTuple):
    """One area at work.

    `pool`: people not yet housed, by sex and age. `people`: rows age, sex and letter of those housed. `homes`: rows size
    and care home of their households. `done`: people housed, households closed, people housed when the last one closed,
    care homes opened in the city. `state`: key and counter of the draws.
    """

    pool: Numbers
    people: Numbers
    homes: Numbers
    done: Ints
    state: NDArray[np.uint64]


def settle_counted(
    people: Ints, age_groups: tuple[tuple[int, int], ...], seed: int, *, household_size: float = HOUSEHOLD_SIZE
) -> Homes:
    """House everybody. `people` (areas, 2, groups) counts men, then women; groups are first and last age, both included."""
    pool = spread_over_years(people, age_groups, seed)
    total = int(people.sum())
    in_area = people.sum(axis=(1, 2))
    age, role = np.empty(total, np.uint8), np.empty(total, np.uint8)
    is_female = np.empty(total, np.bool_)
    sizes, where, care_home = (np.empty(total, np.int32) for _ in range(3))
    households = _house_all(
        pool, in_area / household_size, int(in_area.max()), key(seed, "families"), age, is_female, role, sizes, where, care_home
    )
    return homes_of(
        age=age,
        is_female=is_female,
        role=role,
        sizes=sizes[:households],
        neighbourhood=where[:households],
        care_home=care_home[:households],
    )


def spread_over_years(people: Ints, age_groups: tuple[tuple[int, int], ...], seed: int) -> NDArray[np.int32]:
    """Counts by area, sex and single year of age (0 to 120); each group keeps its sum exactly."""
    pool = np.zeros((*people.shape[:2], _AGES), np.int32)
    start = np.random.default_rng([seed, len(age_groups)]).random(people.shape)
    for group, (first, last) in enumerate(age_groups):
        share = np.cumsum(_SURVIVAL[first : last + 1]) / _SURVIVAL[first : last + 1].sum()
        share[-1] = 1.0
        offset = start[:, :, group, None]
        edges = np.floor(people[:, :, group, None] * share + offset).astype(np.int32)
        pool[:, :, first : last + 1] = np.diff(edges, axis=2, prepend=0)
    return pool


@compiled()
def _house_all(
    pool: Numbers,
    wanted: Floats,
    largest: int,
    start: np.uint64,
    age: Numbers,
    is_female: NDArray[np.bool_],
    role: Numbers,
    sizes: Numbers,
    where: Numbers,
    care_home: Numbers,
) -> int:
    """Fill the arrays of people and households, area by area; returns how many households there are."""
    done, state = np.zeros(4, np.int64), np.zeros(2, np.uint64)
    order, begins = np.empty(largest, np.int32), np.zeros(largest + 1, np.int32)
    desk = _Desk(pool[0], np.empty((3, largest), np.int32), np.empty((2, largest), np.int32), done, state)
    person = household = 0
    for area in range(len(pool)):
        done[:3] = 0
        state[0], state[1] = mixed(start, area), 0
        desk = _Desk(pool[area], desk.people, desk.homes, done, state)
        _open_care_homes(desk)
        in_care = done[1]
        _raise_children(desk)
        _house_adults(desk, wanted[area] - (done[1] - in_care))
        _house_orphans(desk)
        for number in range(done[1]):
            order[number], begins[number + 1] = number, begins[number] + desk.homes[0, number]
        # Neighbours should not be all of one kind, so the households of an area are shuffled.
        for number in range(done[1] - 1, 0, -1):
            other = int(_chance(state) * (number + 1))
            order[number], order[other] = order[other], order[number]
        for place in range(done[1]):
            number = order[place]
            sizes[household], where[household], care_home[household] = desk.homes[0, number], area, desk.homes[1, number]
            household += 1
            for member in range(begins[number], begins[number + 1]):
                age[person], role[person] = desk.people[0, member], desk.people[2, member]
                is_female[person] = desk.people[1, member] == _WOMEN
                person += 1
    return household


@compiled()
def _chance(state: NDArray[np.uint64]) -> float:
    state[1] += np.uint64(1)
    return unit(mixed(state[0], state[1]))


@compiled()
def _normal(state: NDArray[np.uint64]) -> float:
    """Nearly normal, mean 0 and deviation 1: the sum of four uniforms."""
    return (_chance(state) + _chance(state) + _chance(state) + _chance(state) - 2.0) * np.sqrt(3.0)


@compiled()
def _take(desk: _Desk, sex: int, age: int, letter: int) -> None:
    """Move one person into the household that is being made."""
    number = desk.done[0]
    desk.pool[sex, age] -= 1
    desk.people[0, number], desk.people[1, number], desk.people[2, number] = age, sex, letter
    desk.done[0] += 1


@compiled()
def _close(desk: _Desk, care_home: int) -> None:
    size = desk.done[0] - desk.done[2]
    if size > 0:
        desk.homes[0, desk.done[1]], desk.homes[1, desk.done[1]] = size, care_home
        desk.done[1] += 1
        desk.done[2] = desk.done[0]


@compiled()
def _nearest(desk: _Desk, sex: int, target: float, low: int, high: int) -> int:
    """The age nearest to `target` within the bounds at which someone is left, or -1."""
    low, high = max(low, 0), min(high, OLDEST)
    middle = min(max(int(target), low), high)
    for apart in range(high - low + 1):
        if middle + apart <= high and desk.pool[sex, middle + apart] > 0:
            return middle + apart
        if middle - apart >= low and desk.pool[sex, middle - apart] > 0:
            return middle - apart
    return -1


@compiled()
def _take_nearest(desk: _Desk, sex: int, target: float, low: int, high: int, letter: int) -> int:
    """House the person of nearest age, of the other sex where there is none of this; returns the age, or -1."""
    for tried in (sex, 1 - sex):
        age = _nearest(desk, tried, target, low, high)
        if age >= 0:
            _take(desk, tried, age, letter)
            return age
    return -1


@compiled()
def _draw(desk: _Desk, sexes: int, weight: Floats) -> int:
    """Someone at random by weight of their age: age + 121 for a woman, or -1. `sexes`: 0 men, 1 women, 2 both."""
    first, last = (sexes, sexes) if sexes < 2 else (_MEN, _WOMEN)
    total = 0.0
    for sex in range(first, last + 1):
        for age in range(_AGES):
            total += desk.pool[sex, age] * weight[age]
    if total <= 0.0:
        return -1
    rest, found = _chance(desk.state) * total, -1
    for sex in range(first, last + 1):
        for age in range(_AGES):
            part = desk.pool[sex, age] * weight[age]
            if part > 0.0:
                found = sex * _AGES + age
                if rest < part:
                    return found
                rest -= part
    return found


@compiled()
def _between(desk: _Desk, low: int, high: int) -> int:
    total = 0
    for age in range(low, high + 1):
        total += desk.pool[_MEN, age] + desk.pool[_WOMEN, age]
    return total


@compiled()
def _open_care_homes(desk: _Desk) -> None:
    expected = 0.0
    for age in range(65, _AGES):
        expected += (desk.pool[_MEN, age] + desk.pool[_WOMEN, age]) * _IN_CARE[age]
    homes = min(int(expected / _CARE_HOME + _chance(desk.state)), _between(desk, 65, OLDEST) // (2 * _CARE_HOME))
    for _ in range(homes):
        for number in range(_CARE_HOME):
            found = _draw(desk, 2, _IN_CARE)
            _take(desk, found // _AGES, found % _AGES, ord("R"))
            if (number + 1) % CARE_UNIT == 0:
                _close(desk, desk.done[3])
        desk.done[3] += 1


@compiled()
def _raise_children(desk: _Desk) -> None:
    children, adults = _between(desk, 0, _ADULT - 1), _between(desk, _ADULT, OLDEST)
    crowding = max(1.0, children / max(1.0, 0.75 * adults) / 1.66)
    for eldest in range(_ADULT - 1, -1, -1):
        while desk.pool[_MEN, eldest] + desk.pool[_WOMEN, eldest] > 0:
            oldest = _take_parents(desk, eldest + 29.5 + 5.0 * _normal(desk.state), eldest)
            if oldest < 0:
                return
            chance = _chance(desk.state)
            siblings = 1 if chance < 0.46 else (2 if chance < 0.88 else 3)
            siblings = min(int(siblings * crowding + _chance(desk.state)) if crowding > 1.0 else siblings, _MOST_CHILDREN)
            age = eldest
            for number in range(siblings):
                if number > 0:
                    age -= int(max(0.0, 2.7 + 1.3 * _normal(desk.state)) + _chance(desk.state))
                sex = _WOMEN if _chance(desk.state) < 0.484 else _MEN
                lowest = eldest if number == 0 else max(eldest - 12, oldest - 50)
                found = _take_nearest(desk, sex, float(age), lowest, eldest, ord("C"))
                if found < 0:
                    break
                age = found
            if _chance(desk.state) < 0.18:
                sex = _WOMEN if _chance(desk.state) < 0.65 else _MEN
                _take_nearest(desk, sex, oldest + 27.0 + 4.0 * _normal(desk.state), max(52, oldest + 18), 100, ord("G"))
            _close(desk, -1)


@compiled()
def _take_parents(desk: _Desk, target: float, child: int) -> int:
    """A mother and father of plausible age, one in eight alone; else whichever adult is left. Returns the first's age."""
    is_lone = _chance(desk.state) < 0.13
    sex = _MEN if is_lone and _chance(desk.state) < 0.2 else _WOMEN
    first = _take_nearest(desk, sex, target, max(_ADULT, child + 18), child + 45, ord("A"))
    if first < 0:
        return _take_nearest(desk, sex, target, _ADULT, OLDEST, ord("A"))
    if not is_lone:
        partner = 1 - desk.people[1, desk.done[0] - 1]
        low = max(_ADULT, child + 17, first - 9)
        age = _nearest(desk, partner, first + 2.3 + 3.5 * _normal(desk.state), low, first + 16)
        if age >= 0:
            _take(desk, partner, age, ord("B"))
    return first


@compiled()
def _house_adults(desk: _Desk, wanted: float) -> None:
    """As many households of the remaining adults as `wanted`, where their number allows: 1.55 people in those without
    grown children and flat-mates, as long as there are young people for the others."""
    adults = _between(desk, _ADULT, OLDEST)
    left = max(wanted, adults / 4.0)
    excess = max(0.0, adults - 1.55 * left)
    flats = int(min(_between(desk, 19, 34) * 0.05 / 3, excess / 1.45))
    before = desk.done[1]
    _take_grown_children(desk, int((excess - 1.45 * flats) / 1.65))
    for _ in range(flats):
        found = _draw(desk, 2, _SHARES_FLAT)
        if found < 0:
            break
        _take(desk, found // _AGES, found % _AGES, ord("S"))
        for _mate in range(2):
            sex = _WOMEN if _chance(desk.state) < 0.5 else _MEN
            _take_nearest(desk, sex, found % _AGES + 3.0 * _normal(desk.state), 19, 40, ord("S"))
        _close(desk, -1)
    left -= desk.done[1] - before
    adults = _between(desk, _ADULT, OLDEST)
    for _ in range(min(max(int(adults - left + _chance(desk.state)), 0), adults // 2)):
        _take_couple(desk)
    for age in range(_ADULT, _AGES):
        for sex in range(2):
            while desk.pool[sex, age] > 0:
                _take(desk, sex, age, ord("E") if age >= _OLD else ord("S"))
                _close(desk, -1)


@compiled()
def _take_grown_children(desk: _Desk, households: int) -> None:
    for _ in range(households):
        found = _draw(desk, 2, _WITH_PARENTS)
        if found < 0:
            return
        child, is_lone = found % _AGES, _chance(desk.state) < 0.2
        desk.pool[found // _AGES, child] -= 1  # set aside, for parents come first
        sex = _MEN if is_lone and _chance(desk.state) < 0.25 else _WOMEN
        first = _take_nearest(desk, sex, child + 29.0 + 4.5 * _normal(desk.state), child + 18, child + 45, ord("A"))
        desk.pool[found // _AGES, child] += 1
        if first < 0:
            return
        if not is_lone:
            partner = 1 - desk.people[1, desk.done[0] - 1]
            age = _nearest(desk, partner, first + 2.3 + 3.5 * _normal(desk.state), max(child + 17, first - 9), first + 16)
            if age >= 0:
                _take(desk, partner, age, ord("B"))
        _take(desk, found // _AGES, child, ord("Y"))
        if _chance(desk.state) < 0.35:
            sex = _WOMEN if _chance(desk.state) < 0.5 else _MEN
            _take_nearest(desk, sex, child - 2.0, max(_ADULT, child - 7), min(child + 5, first - 18), ord("Y"))
        _close(desk, -1)


@compiled()
def _take_couple(desk: _Desk) -> None:
    """Two people of like age: a man and a woman, but for one couple in thirty or where one sex has run out."""
    found = _draw(desk, _MEN, _IN_COUPLE)
    if found < 0:
        found = _draw(desk, 2, _IN_COUPLE)
        if found < 0:
            return
    sex, age = found // _AGES, found % _AGES
    _take(desk, sex, age, ord("E") if age >= _OLD else ord("A"))
    partner = sex if _chance(desk.state) < 0.033 else 1 - sex
    apart = -2.3 if sex == _MEN else 2.3
    second = _nearest(desk, partner, age + apart + 3.0 * _normal(desk.state), max(_ADULT, age - 20), age + 20)
    if second >= 0:
        _take(desk, partner, second, ord("E") if second >= _OLD else ord("B"))
    _close(desk, -1)


@compiled()
def _house_orphans(desk: _Desk) -> None:
    """Children for whom the area has no adult left live in homes of their own."""
    housed = 0
    for age in range(_ADULT):
        for sex in range(2):
            while desk.pool[sex, age] > 0:
                _take(desk, sex, age, ord("R"))
                housed += 1
                if housed % CARE_UNIT == 0:
                    _close(desk, desk.done[3])
                if housed % _CARE_HOME == 0:
                    desk.done[3] += 1
    if housed:
        _close(desk, desk.done[3])
        desk.done[3] += housed % _CARE_HOME > 0
