"""Who lives with whom in an invented city: households of plausible size and age, and people in care homes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.twin.draws import Flags, Floats, Ints, stream
from epipolis.engines.twin.names import Numbers

# Letters are members: A first adult, B partner, C child, Y grown child, G grandparent, E elder, S flat-mate.
# Shares and the mean age of the first adult are chosen by hand for a mean household of about 2.4 people.
_KINDS: tuple[tuple[str, float, float, float], ...] = (
    ("S", 0.17, 42.0, 13.0),
    ("E", 0.10, 73.0, 8.0),
    ("AB", 0.15, 47.0, 12.0),
    ("EE", 0.12, 70.0, 7.0),
    ("ABC", 0.11, 38.0, 7.0),
    ("ABCC", 0.12, 41.0, 6.0),
    ("ABCCC", 0.035, 41.0, 5.0),
    ("AC", 0.04, 38.0, 7.0),
    ("ACC", 0.025, 40.0, 6.0),
    ("ABY", 0.09, 54.0, 5.0),
    ("ABCCG", 0.04, 40.0, 5.0),
    ("SSS", 0.03, 27.0, 5.0),
)
_CARE_SHARE = 0.007
CARE_UNIT = 8
UNITS_PER_CARE_HOME = 5


@dataclass(frozen=True)
class Homes:
    """One entry per person, members of a household side by side and households of a neighbourhood together."""

    age: NDArray[np.uint8]
    is_female: Flags
    role: NDArray[np.uint8]
    """Character code of the member's letter; R is a resident of a care home."""
    neighbourhood: NDArray[np.int32]
    household: NDArray[np.int32]
    household_start: NDArray[np.int32]
    """First member of each household; one more entry than there are households."""
    guardian: NDArray[np.int32]
    """The person who takes a child under 12 along, or -1."""
    care_home: NDArray[np.int32]
    """Number of the care home lived in, or -1."""


def homes_of(
    *, age: Numbers, is_female: Flags, role: Numbers, sizes: Numbers, neighbourhood: Numbers, care_home: Numbers
) -> Homes:
    """Complete what is known per person (age, sex, role) and per household (size, neighbourhood, care home)."""
    start = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=start[1:])
    household = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    years = age.astype(np.uint8)
    head = start[household]
    return Homes(
        age=years,
        is_female=is_female,
        role=role.astype(np.uint8),
        neighbourhood=np.repeat(neighbourhood.astype(np.int32), sizes),
        household=household,
        household_start=start,
        guardian=np.where((years < 12) & (years[head] >= 18), head, np.int32(-1)),
        care_home=np.repeat(care_home.astype(np.int32), sizes),
    )


def settle(people: int, weights: Floats, seed: int) -> Homes:
    """Exactly `people` persons, spread over the neighbourhoods in proportion to `weights`."""
    random = stream(seed, "households")
    residents = round(people * _CARE_SHARE)
    kinds = _household_kinds(people - residents, random)
    units = np.full(-(-residents // CARE_UNIT), len(_KINDS))
    where, home_of_unit = _neighbourhoods(len(kinds), len(units), weights, random)
    care_home = np.concatenate([np.full(len(kinds), -1), home_of_unit])
    kinds = np.concatenate([kinds, units])
    sizes = np.array([*(len(kind[0]) for kind in _KINDS), CARE_UNIT])[kinds]
    sizes[-1] -= sizes[len(kinds) - len(units) :].sum() - residents if len(units) else 0
    own = len(kinds) - len(units)
    sizes[own - 1] -= sizes[:own].sum() - (people - residents)

    order = np.argsort(where, kind="stable")
    kinds, sizes, where, care_home = kinds[order], sizes[order], where[order], care_home[order]
    household = np.repeat(np.arange(len(kinds)), sizes)
    place_in_home = (np.arange(people) - (np.cumsum(sizes) - sizes)[household]).astype(np.int8)
    letters = np.array([[ord(letter) for letter in f"{kind[0]:<8}"] for kind in _KINDS] + [[ord("R")] * CARE_UNIT], np.uint8)
    role = letters[kinds[household], place_in_home]
    age, is_female = _ages(kinds, household, place_in_home, role, random)
    return homes_of(age=age, is_female=is_female, role=role, sizes=sizes, neighbourhood=where, care_home=care_home)


def _household_kinds(people: int, random: np.random.Generator) -> Ints:
    shares = np.array([kind[1] for kind in _KINDS])
    sizes = np.array([len(kind[0]) for kind in _KINDS])
    kinds = random.choice(len(_KINDS), size=people, p=shares / shares.sum())
    enough = int(np.searchsorted(np.cumsum(sizes[kinds]), people)) + 1
    return kinds[:enough].astype(np.int64)


def _neighbourhoods(households: int, units: int, weights: Floats, random: np.random.Generator) -> tuple[Ints, Ints]:
    share = weights / weights.sum()
    home_of_unit = np.arange(units) // UNITS_PER_CARE_HOME
    care = random.choice(len(weights), size=int(home_of_unit.max(initial=-1)) + 1, p=share)
    own = random.choice(len(weights), size=households, p=share)
    # Everyone needs a populated neighbourhood: the first households go one to each.
    own[: len(weights)] = np.arange(len(weights))[:households]
    return np.concatenate([own, care[home_of_unit]]).astype(np.int64), home_of_unit


def _ages(
    kinds: Ints, household: Ints, place_in_home: Numbers, role: Numbers, random: np.random.Generator
) -> tuple[NDArray[np.uint8], Flags]:
    mean = np.array([*(kind[2] for kind in _KINDS), 84.0])[kinds]
    spread = np.array([*(kind[3] for kind in _KINDS), 6.0])[kinds]
    head = random.normal(mean, spread)
    lowest = np.where(mean > 60, 60, np.where(np.isin(kinds, [4, 5, 6, 7, 8, 10]), 24, 20))
    head = np.clip(head, lowest, np.where(mean > 60, 98, 64))
    noise = random.normal(0, 1, len(household))
    age = np.empty(len(household), np.uint8)
    for letter in "ABCEGRSY":
        own = np.flatnonzero(role == ord(letter))
        age[own] = _age_of(letter, head[household[own]], noise[own], place_in_home[own]).astype(np.uint8)
    is_female = random.random(len(household)) < np.where(age >= 75, 0.58, 0.5)
    # Nineteen couples in twenty are a man and a woman.
    partner = np.flatnonzero((role == ord("B")) | ((role == ord("E")) & (place_in_home == 1)))
    mixed = partner[random.random(len(partner)) < 0.95]
    is_female[mixed] = ~is_female[mixed - 1]
    return age, is_female


def _age_of(letter: str, first: Floats, noise: Floats, place: Numbers) -> Floats:
    """Ages of the members of one letter, given that of the first of their household and where they stand in it."""
    if letter == "A":
        return first
    if letter == "S":
        return np.where(place == 0, first, np.clip(first + 4 * noise, 19, 62))
    if letter == "C":
        return np.clip(first - 29 - 2.6 * (place.astype(np.int64) - 2) + 4 * noise, 0, np.minimum(17, first - 19))
    if letter == "E":
        return np.clip(first + 3 * noise * (place > 0), 60, 98)
    if letter == "R":
        return np.clip(84 + 6 * noise, 68, 99)
    shift, spread, low, high = {"B": (0, 3, 20, 66), "Y": (-30, 3, 18, 30), "G": (28, 4, 56, 96)}[letter]
    return np.clip(first + shift + spread * noise, low, high)
