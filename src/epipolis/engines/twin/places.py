"""The kinds of place, where they stand, and who works or learns in each."""

from dataclasses import dataclass

import numpy as np

from epipolis.engines.twin.draws import Floats, Ints, stream
from epipolis.engines.twin.geography import Ground, points_inside
from epipolis.engines.twin.households import Homes

TEAM_SIZE = 9
CLASS_SIZE = 24
PUPILS_PER_SCHOOL = 420
_EMPLOYED = 0.74
_LEVELS = (("nursery", 3, 5, 90, 0.75), ("school", 6, 11, PUPILS_PER_SCHOOL, 1.0), ("school", 12, 17, 600, 1.0))


@dataclass(frozen=True)
class Kind:
    """What places of one kind have in common. Figures are chosen by hand for a plausible city.

    `people_each`: residents per place of this kind (0: made to measure). `staff`: jobs at a place of average size.
    Hours are local, 0 to 24. `stay_minutes`: mean stay of a visitor. `closeness`: close contacts a visitor has at any
    moment once the place is busy; it also says how risky an hour there is.
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


KINDS = (
    Kind("workplace", "workplace", 0, 0, 7, 20, False, 480, 0, 0.25),
    Kind("nursery", "education", 0, 8, 7, 18, False, 420, 0, 0.8),
    Kind("school", "education", 0, 12, 7, 18, False, 420, 0, 0.5),
    Kind("shop", "retail", 250, 5, 8, 21, True, 25, 60, 1.2),
    Kind("restaurant", "food", 330, 6, 11, 23, True, 65, 60, 5.0),
    Kind("market", "retail", 5_000, 20, 7, 18, True, 35, 400, 2.0),
    Kind("gym", "other", 4_500, 6, 6, 22, True, 75, 80, 4.0),
    Kind("worship", "worship", 3_000, 2, 7, 20, True, 70, 200, 5.0),
    Kind("bar", "food", 1_600, 5, 16, 24, True, 120, 90, 7.0),
    Kind("cinema", "cultural", 20_000, 10, 10, 24, True, 130, 400, 3.0),
    Kind("transit_hub", "other", 4_000, 6, 5, 24, True, 12, 2_000, 3.5),
    Kind("clinic", "public_building", 3_000, 8, 8, 18, False, 40, 60, 1.5),
    Kind("hospital", "public_building", 60_000, 220, 0, 24, True, 60, 1_500, 1.5),
    Kind("library", "public_building", 12_000, 6, 9, 20, True, 70, 200, 1.5),
    Kind("care_home", "other", 0, 22, 6, 22, True, 60, 60, 2.0),
)
CODES = {kind.name: number for number, kind in enumerate(KINDS)}
NURSERY, SCHOOL, WORKPLACE, CARE_HOME = (CODES[name] for name in ("nursery", "school", "workplace", "care_home"))


@dataclass(frozen=True)
class Sites:
    """One entry per place; its number is its position. `size` scales attraction and staff, mean about 1."""

    kind: Ints
    neighbourhood: Ints
    points: Floats
    size: Floats
    capacity: Ints


@dataclass(frozen=True)
class Duties:
    """One entry per person: the place they work, learn or (in a care home) live at, and their team or class."""

    place: Ints
    team: Ints
    """Numbered over the whole city; -1 without one."""


def found_places(ground: Ground, homes: Homes, seed: int) -> tuple[Sites, Duties]:
    """Schools follow the pupils, venues the residents, workplaces the workers that venues and schools leave over."""
    random = stream(seed, "places")
    people = len(homes.age)
    duty, team = np.full(people, -1), np.full(people, -1)
    kind, where, size = _schools(homes, duty, team, random)
    residents = np.bincount(homes.neighbourhood, minlength=len(ground.rings)).astype(float)
    for code, venue in enumerate(KINDS):
        count = max(1, round(people / venue.people_each)) if venue.people_each else 0
        kind += [code] * count
        where += random.choice(len(residents), size=count, p=residents / residents.sum()).tolist()
        size += np.clip(random.lognormal(-0.18, 0.6, count), 0.3, 4).tolist()
    is_resident = np.flatnonzero(homes.care_home >= 0)
    for number in range(int(homes.care_home.max(initial=-1)) + 1):
        members = is_resident[homes.care_home[is_resident] == number]
        duty[members] = len(kind)
        kind.append(CARE_HOME)
        where.append(int(homes.neighbourhood[members[0]]))
        size.append(1.0)
    at_work = (homes.age >= 18) & (homes.age <= 66) & (random.random(people) < _EMPLOYED) & (duty < 0)
    workers = np.flatnonzero(at_work)
    jobs = _jobs(kind, where, size, len(workers), residents, people, random)
    _employ(workers, jobs, homes, ground, np.array(where), duty, random)
    _form_teams(workers, np.array(kind), duty, team, random)

    codes, neighbourhood, scale = np.array(kind), np.array(where), np.array(size)
    occupied = np.bincount(duty[duty >= 0], minlength=len(codes))
    usual = np.array([venue.capacity for venue in KINDS])[codes] * np.minimum(scale, 2.5)
    sites = Sites(
        codes,
        neighbourhood,
        points_inside(ground, neighbourhood, random),
        scale,
        np.maximum(usual, occupied).astype(int),
    )
    return sites, Duties(duty, team)


def _schools(homes: Homes, duty: Ints, team: Ints, random: np.random.Generator) -> tuple[list[int], list[int], list[float]]:
    """Cut the pupils of each level, who are in order of neighbourhood, into schools, and each school into classes."""
    kind: list[int] = []
    where: list[int] = []
    size: list[float] = []
    for level, youngest, oldest, full, attending in _LEVELS:
        in_level = (homes.age >= youngest) & (homes.age <= oldest) & (random.random(len(homes.age)) < attending)
        pupils = np.flatnonzero(in_level)
        for chunk in np.array_split(pupils, max(1, round(len(pupils) / full))):
            if not len(chunk):
                continue
            duty[chunk] = len(kind)
            by_age = chunk[np.lexsort((random.random(len(chunk)), homes.age[chunk]))]
            classes = max(1, round(len(chunk) / CLASS_SIZE))
            team[by_age] = team.max() + 1 + np.arange(len(chunk)) * classes // len(chunk)
            kind.append(CODES[level])
            where.append(int(homes.neighbourhood[chunk[len(chunk) // 2]]))
            size.append(len(chunk) / (90 if level == "nursery" else 150))
    return kind, where, size


def _jobs(
    kind: list[int],
    where: list[int],
    size: list[float],
    workers: int,
    residents: Floats,
    people: int,
    random: np.random.Generator,
) -> Ints:
    """One entry per job, the place it is at; appends the workplaces that give the remaining workers theirs."""
    staff = np.array([venue.staff for venue in KINDS])[kind] * np.array(size)
    staff = np.where(np.array(kind) == CODES["hospital"], staff * min(1.0, people / 60_000), staff)
    jobs = np.repeat(np.arange(len(kind)), np.maximum(1, np.round(staff)).astype(int))
    sizes = np.clip(random.lognormal(2.6, 1.0, max(1, workers // 4)), 3, 300).astype(int)
    needed = workers - len(jobs)
    if needed <= 0:
        return random.permutation(jobs)[:workers]
    count = int(np.searchsorted(np.cumsum(sizes), needed)) + 1
    first = len(kind)
    kind += [WORKPLACE] * count
    where += random.choice(len(residents), size=count, p=residents / residents.sum()).tolist()
    size += [1.0] * count
    return np.concatenate([jobs, np.repeat(np.arange(first, first + count), sizes[:count])[:needed]])


def _employ(
    workers: Ints, jobs: Ints, homes: Homes, ground: Ground, where: Ints, duty: Ints, random: np.random.Generator
) -> None:
    """Each worker would like a neighbourhood nearby (weight exp(-distance / 2 km)); jobs are dealt in that order."""
    metres = np.linalg.norm(ground.centres[:, None] - ground.centres[None], axis=2)
    pull = np.exp(-metres / 2_000.0) * np.bincount(where[jobs], minlength=len(metres))
    edges = np.cumsum(pull / pull.sum(axis=1, keepdims=True), axis=1)
    live = homes.neighbourhood[workers]
    flat = (edges + np.arange(len(edges))[:, None]).ravel()
    liked = np.minimum(np.searchsorted(flat, live + random.random(len(workers))) - live * len(edges), len(edges) - 1)
    seekers = np.lexsort((random.random(len(workers)), liked))
    offers = np.lexsort((random.random(len(jobs)), where[jobs]))
    duty[workers[seekers]] = jobs[offers]


def _form_teams(workers: Ints, kind: Ints, duty: Ints, team: Ints, random: np.random.Generator) -> None:
    """Staff in teams of nine; a teacher belongs to one class of the school instead."""
    order = workers[np.lexsort((random.random(len(workers)), duty[workers]))]
    place = duty[order]
    _, first, count = np.unique(place, return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(first, count)
    is_first = rank % TEAM_SIZE == 0
    team[order] = team.max() + np.cumsum(is_first)
    is_school = np.isin(kind, [NURSERY, SCHOOL])
    pupils = np.flatnonzero((duty >= 0) & (team >= 0) & is_school[duty] & ~np.isin(np.arange(len(duty)), workers))
    lowest, highest = np.full(len(kind), np.iinfo(np.int64).max), np.full(len(kind), -1)
    np.minimum.at(lowest, duty[pupils], team[pupils])
    np.maximum.at(highest, duty[pupils], team[pupils])
    teaching = is_school[place]
    classes = highest[place[teaching]] - lowest[place[teaching]] + 1
    team[order[teaching]] = lowest[place[teaching]] + rank[teaching] % classes
