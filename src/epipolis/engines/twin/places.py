"""The kinds of place, where they stand, and who works or learns in each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.twin.draws import Flags, Floats, Ints, stream
from epipolis.engines.twin.geography import Ground, points_inside, to_metres
from epipolis.engines.twin.households import Homes
from epipolis.engines.twin.names import Numbers

TEAM_SIZE = 9
CLASS_SIZE = 24
PUPILS_PER_SCHOOL = 420
_EMPLOYED = 0.74
_COMMUTE = 2_000.0
_PULL = 3_000.0
_ROWS = 256
_NEVER = 1e-30
_LEVELS = (("nursery", 3, 5, 90, 0.75), ("school", 6, 11, PUPILS_PER_SCHOOL, 1.0), ("school", 12, 17, 600, 1.0))


@dataclass(frozen=True)
class Kind:
    """What places of one kind have in common. Figures are chosen by hand for a plausible city.

    `people_each`: residents per place of this kind (0: made to measure). `staff`: jobs at a place of average size.
    Hours are local, 0 to 24. `stay_minutes`: mean stay of a visitor. `closeness`: close contacts a visitor has at any
    moment once the place is busy; it also says how risky an hour there is. `is_central`: half of them stand where the
    jobs are, and not where people live.
    """

    name: str
    venue_type: str
    people_each: int
    staff: float
    opens: int
    closes: int
    is_open_weekends: bool
    stay_minutes: int
    capacity: int
    closeness: float
    is_central: bool = False


KINDS = (
    Kind("workplace", "workplace", 0, 0, 7, 20, False, 480, 0, 0.25),
    Kind("nursery", "education", 0, 8, 7, 18, False, 420, 0, 0.8),
    Kind("school", "education", 0, 12, 7, 18, False, 420, 0, 0.5),
    Kind("shop", "retail", 250, 5, 8, 21, True, 25, 60, 1.2),
    Kind("restaurant", "food", 330, 6, 11, 23, True, 65, 60, 5.0, is_central=True),
    Kind("market", "retail", 5_000, 20, 7, 18, True, 35, 400, 2.0),
    Kind("gym", "other", 4_500, 6, 6, 22, True, 75, 80, 4.0, is_central=True),
    Kind("worship", "worship", 3_000, 2, 7, 20, True, 70, 200, 5.0),
    Kind("bar", "food", 1_600, 5, 16, 24, True, 120, 90, 7.0, is_central=True),
    Kind("cinema", "cultural", 20_000, 10, 10, 24, True, 130, 400, 3.0, is_central=True),
    Kind("transit_hub", "other", 4_000, 6, 5, 24, True, 12, 2_000, 3.5),
    Kind("clinic", "public_building", 3_000, 8, 8, 18, False, 40, 60, 1.5),
    Kind("hospital", "public_building", 60_000, 220, 0, 24, True, 60, 1_500, 1.5),
    Kind("library", "public_building", 12_000, 6, 9, 20, True, 70, 200, 1.5, is_central=True),
    Kind("care_home", "other", 0, 22, 6, 22, True, 60, 60, 2.0),
)
CODES = {kind.name: number for number, kind in enumerate(KINDS)}
NURSERY, SCHOOL, WORKPLACE, CARE_HOME = (CODES[name] for name in ("nursery", "school", "workplace", "care_home"))


@dataclass(frozen=True)
class Sites:
    """One entry per place; its number is its position. Hours are local, 0 to 24."""

    kind: NDArray[np.uint8]
    """Position in KINDS."""
    neighbourhood: NDArray[np.int32]
    points: Floats
    """Longitude and latitude."""
    metres: Floats
    """Metres east and north of the city's centre."""
    attraction: Floats
    """Scales visits and staff, mean about 1."""
    capacity: NDArray[np.int32]
    opens: NDArray[np.uint8]
    closes: NDArray[np.uint8]
    open_weekends: Flags


@dataclass(frozen=True)
class Duties:
    """One entry per person: the place they work, learn or (in a care home) live at, and their team or class."""

    place: NDArray[np.int32]
    """-1 without one."""
    team: NDArray[np.int32]
    """Numbered over the whole city, each within one place; -1 without one."""
    is_pupil: Flags
    is_resident: Flags

    @property
    def is_staff(self) -> Flags:
        return (self.place >= 0) & ~self.is_pupil & ~self.is_resident


def found_places(ground: Ground, homes: Homes, seed: int, offices: Floats | None = None) -> tuple[Sites, Duties]:
    """Schools follow the pupils, venues the residents, workplaces the workers that venues and schools leave over.

    `offices` says in which neighbourhoods workplaces stand, by weight; without it, they stand where people live.
    """
    random = stream(seed, "places")
    people = len(homes.age)
    duty, team = np.full(people, -1, np.int32), np.full(people, -1, np.int32)
    kind, where, size = _schools(homes, duty, team, random)
    is_pupil = duty >= 0
    residents = np.bincount(homes.neighbourhood, minlength=len(ground.rings)).astype(float)
    work = residents if offices is None else offices * (people / offices.sum())
    for code, venue in enumerate(KINDS):
        count = max(1, round(people / venue.people_each)) if venue.people_each else 0
        weight = (residents + work) / 2 if venue.is_central else residents
        kind.append(np.full(count, code))
        where.append(random.choice(len(residents), size=count, p=weight / weight.sum()))
        size.append(np.clip(random.lognormal(-0.18, 0.6, count), 0.3, 4))
    is_resident = _house_residents(homes, duty, kind, where, size)
    at_work = (homes.age >= 18) & (homes.age <= 66) & (random.random(people) < _EMPLOYED) & (duty < 0)
    workers = np.flatnonzero(at_work)
    jobs, codes, neighbourhood, scale = _jobs(
        np.concatenate(kind), np.concatenate(where), np.concatenate(size), len(workers), work, people, random
    )
    duty[workers] = _employ(homes.neighbourhood[workers], jobs, ground, neighbourhood, random)
    _form_teams(workers, codes, duty, team, is_pupil, random)

    occupied = np.bincount(duty[duty >= 0], minlength=len(codes))
    usual = np.array([venue.capacity for venue in KINDS])[codes] * np.minimum(scale, 2.5)
    points = points_inside(ground, neighbourhood, random)
    sites = Sites(
        kind=codes.astype(np.uint8),
        neighbourhood=neighbourhood.astype(np.int32),
        points=points,
        metres=to_metres(points, ground.centre),
        attraction=scale,
        capacity=np.maximum(usual, occupied).astype(np.int32),
        opens=np.array([venue.opens for venue in KINDS], np.uint8)[codes],
        closes=np.array([venue.closes for venue in KINDS], np.uint8)[codes],
        open_weekends=np.array([venue.is_open_weekends for venue in KINDS])[codes],
    )
    return sites, Duties(duty, team, is_pupil, is_resident)


def office_weights(ground: Ground, residents: Floats, seed: int) -> Floats:
    """Jobs gather where many people are near: root of residents * potential, times a gamma draw for office quarters.

    The potential of a neighbourhood counts everybody with weight exp(-distance / 3 km).
    """
    potential = np.empty(len(residents))
    for first in range(0, len(residents), _ROWS):
        potential[first : first + _ROWS] = np.exp(-_metres_from(ground, first) / _PULL) @ residents
    return np.asarray(np.sqrt(residents) * potential * stream(seed, "offices").gamma(2, 1 / 2, len(residents)), np.float64)


def _metres_from(ground: Ground, first: int) -> Floats:
    """Distances from some neighbourhoods to all; never from all at once, for a city can be given in 10,000 areas."""
    east, north = ground.centres.T
    rows = slice(first, first + _ROWS)
    return np.asarray(np.sqrt((east[rows, None] - east) ** 2 + (north[rows, None] - north) ** 2), np.float64)


def _schools(
    homes: Homes, duty: Numbers, team: Numbers, random: np.random.Generator
) -> tuple[list[Numbers], list[Numbers], list[Floats]]:
    """Cut the pupils of each level, who are in order of neighbourhood, into schools, and each school into classes."""
    kind: list[Numbers] = []
    where: list[Numbers] = []
    size: list[Floats] = []
    schools = classes = 0
    for level, youngest, oldest, full, attending in _LEVELS:
        attends = (random.random(len(homes.age)) < attending) & (homes.care_home < 0)
        pupils = np.flatnonzero((homes.age >= youngest) & (homes.age <= oldest) & attends)
        if not len(pupils):
            continue
        count = max(1, round(len(pupils) / full))
        sizes = np.full(count, len(pupils) // count)
        sizes[: len(pupils) % count] += 1
        first = np.cumsum(sizes) - sizes
        school = np.repeat(np.arange(count), sizes)
        duty[pupils] = schools + school
        by_age = pupils[np.argsort(school * 128 + homes.age[pupils] + random.random(len(pupils)))]
        parts = np.maximum(1, np.rint(sizes / CLASS_SIZE)).astype(int)
        rank = np.arange(len(pupils)) - first[school]
        team[by_age] = classes + (np.cumsum(parts) - parts)[school] + rank * parts[school] // sizes[school]
        schools, classes = schools + count, classes + int(parts.sum())
        kind.append(np.full(count, CODES[level]))
        where.append(homes.neighbourhood[pupils[first + sizes // 2]])
        size.append(sizes / (90 if level == "nursery" else 150))
    return kind, where, size


def _house_residents(homes: Homes, duty: Numbers, kind: list[Numbers], where: list[Numbers], size: list[Floats]) -> Flags:
    """Each care home stands in the neighbourhood of its residents."""
    is_resident = homes.care_home >= 0
    members = np.flatnonzero(is_resident)
    number = homes.care_home[members]
    home, first = np.unique(number, return_index=True)
    duty[members] = sum(map(len, kind)) + np.searchsorted(home, number)
    kind.append(np.full(len(home), CARE_HOME))
    where.append(homes.neighbourhood[members[first]])
    size.append(np.ones(len(home)))
    return is_resident


def _jobs(
    kind: Numbers,
    where: Numbers,
    size: Floats,
    workers: int,
    weight: Floats,
    people: int,
    random: np.random.Generator,
) -> tuple[Numbers, Numbers, Numbers, Floats]:
    """The place of each job; then kind, neighbourhood and size of all places, with the workplaces that the rest need."""
    staff = np.array([venue.staff for venue in KINDS])[kind] * size
    staff = np.where(kind == CODES["hospital"], staff * min(1.0, people / 60_000), staff)
    jobs = np.repeat(np.arange(len(kind)), np.maximum(1, np.round(staff)).astype(int))
    sizes = np.clip(random.lognormal(2.6, 1.0, max(1, workers // 4)), 3, 300).astype(int)
    needed = workers - len(jobs)
    if needed <= 0:
        return random.permutation(jobs)[:workers], kind, where, size
    count = int(np.searchsorted(np.cumsum(sizes), needed)) + 1
    offices = np.repeat(np.arange(len(kind), len(kind) + count), sizes[:count])[:needed]
    return (
        np.concatenate([jobs, offices]),
        np.concatenate([kind, np.full(count, WORKPLACE)]),
        np.concatenate([where, random.choice(len(weight), size=count, p=weight / weight.sum())]),
        np.concatenate([size, np.ones(count)]),
    )


def _employ(live: Numbers, jobs: Numbers, ground: Ground, where: Numbers, random: np.random.Generator) -> Numbers:
    """Each worker would like a neighbourhood nearby (weight exp(-distance / 2 km)); jobs are dealt in that order.

    `live`: the neighbourhoods of the workers, rising. Returns the place of each.
    """
    if not len(live):
        return live
    supply = np.bincount(where[jobs], minlength=len(ground.centres))
    chance = random.random(len(live))
    liked = np.empty(len(live))
    for first in range(0, len(supply), _ROWS):
        own = slice(*np.searchsorted(live, [first, first + _ROWS]))
        pull = np.maximum(np.exp(-_metres_from(ground, first) / _COMMUTE), _NEVER) * supply
        edges = np.cumsum(pull / pull.sum(axis=1, keepdims=True), axis=1)
        flat = (edges + np.arange(len(edges))[:, None]).ravel()
        row = live[own] - first
        liked[own] = np.minimum(np.searchsorted(flat, row + chance[own]) - row * len(supply), len(supply) - 1)
    seekers = np.argsort(liked + random.random(len(live)))
    offers = np.argsort(where[jobs] + random.random(len(jobs)))
    place = np.empty(len(live), np.int64)
    place[seekers] = jobs[offers]
    return place


def _form_teams(
    workers: Ints, kind: Numbers, duty: Numbers, team: Numbers, is_pupil: Flags, random: np.random.Generator
) -> None:
    """Staff in teams of nine; a teacher belongs to one class of the school instead."""
    order = workers[np.argsort(duty[workers] + random.random(len(workers)))]
    place = duty[order]
    first = np.flatnonzero(np.diff(place, prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    pupils = np.flatnonzero(is_pupil)
    team[order] = team.max(initial=-1) + np.cumsum(rank % TEAM_SIZE == 0)
    lowest, highest = np.full(len(kind), np.iinfo(np.int64).max), np.full(len(kind), -1)
    np.minimum.at(lowest, duty[pupils], team[pupils])
    np.maximum.at(highest, duty[pupils], team[pupils])
    teaching = highest[place] >= 0
    classes = highest[place[teaching]] - lowest[place[teaching]] + 1
    team[order[teaching]] = lowest[place[teaching]] + rank[teaching] % classes
