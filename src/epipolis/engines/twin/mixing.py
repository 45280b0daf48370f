"""Who meets whom without places: plain layers of contacts, to compare the epidemic with theory and with other models.

A city gives contacts by place and hour. To prove the disease and its spread alone, the same loop runs on a `Mixing`:
groups in which everyone meets everyone, or fixed pairs, each layer with a weight. `well_mixed` is the one for which
the final size and the growth rate are known exactly; `hybrid_population` is the one of Kerr et al. 2021 (Covasim, PLoS
Computational Biology): households of chance size, and random partners at school, at work and in the community.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.compiled import compiled
from epipolis.engines.twin.draws import Floats, Ints, stream

Numbers = NDArray[np.int32]

_AGES: tuple[tuple[int, int, float], ...] = (
    *((0, 5, 0.0605), (5, 10, 0.0607), (10, 15, 0.0566), (15, 20, 0.0557), (20, 25, 0.0612), (25, 30, 0.0843)),
    *((30, 35, 0.0848), (35, 40, 0.0764), (40, 45, 0.0697), (45, 50, 0.0701), (50, 55, 0.0681), (55, 60, 0.0653)),
    *((60, 65, 0.0591), (65, 70, 0.0453), (70, 75, 0.0312), (75, 80, 0.02016), (80, 85, 0.01344), (85, 90, 0.01008)),
    (90, 100, 0.00672),
)
"""First age, age after the last, and share of the people: Seattle 2018, Covasim's default."""
_HOUSEHOLD = 2.0
_SCHOOL_AGES, _WORK_AGES = (6, 22), (22, 65)


@dataclass(frozen=True, eq=False)
class Layer:
    """The contacts of one kind, the same on every day.

    `weight`: hours of close contact a day with each of them, or what stands for them in the disease.
    `kind`: "groups": everyone meets everyone else of their group; the members of group g are
    `other[start[g]:start[g + 1]]`. "pairs": the contacts of person p are `other[start[p]:start[p + 1]]`, and each pair
    is stored with both of its people.
    `start`: int64, one more entry than there are groups or people. `other`: int32, people.
    `group_of`: int32, one entry per person, -1 for those in no group; empty for pairs.
    """

    name: str
    weight: float
    kind: Literal["groups", "pairs"]
    start: Ints
    other: Numbers
    group_of: Numbers


@dataclass(frozen=True, eq=False)
class Mixing:
    """People by number, with their age in whole years (int16), and the layers in the order in which they are lived."""

    age: NDArray[np.int16]
    layers: tuple[Layer, ...]


def hybrid_population(people: int, seed: int) -> Mixing:
    """Households of Poisson size (2 contacts on average), school (20), work (16) and community (20) by chance.

    Ages and sizes, degrees and weights are the published defaults of Kerr et al. 2021. ValueError below two people.
    """
    _check(people)
    age = _ages(people, seed)
    everyone = np.arange(people)
    layers = (
        _households(people, seed),
        _pairs("community", 0.3, everyone, 20, people, seed),
        _pairs("school", 0.6, _aged(age, _SCHOOL_AGES), 20, people, seed),
        _pairs("work", 0.6, _aged(age, _WORK_AGES), 16, people, seed),
    )
    return Mixing(age, layers)


def well_mixed(people: int, seed: int) -> Mixing:
    """One group of everyone, in which each pair of people meets for 1 / (people - 1); ValueError below two people."""
    _check(people)
    everyone = np.arange(people, dtype=np.int32)
    group = Layer("everyone", 1 / (people - 1), "groups", np.array([0, people]), everyone, np.zeros(people, dtype=np.int32))
    return Mixing(_ages(people, seed), (group,))


def _check(people: int) -> None:
    if people < 2:
        raise ValueError(f"Contacts need two people at least, not {people}.")


def _ages(people: int, seed: int) -> NDArray[np.int16]:
    low, high, share = (np.array(column) for column in zip(*_AGES, strict=True))
    draws = stream(seed, "mixing ages")
    group = draws.choice(len(share), people, p=share / share.sum())
    return np.asarray(draws.integers(low[group], high[group]), np.int16)


def _aged(age: NDArray[np.int16], between: tuple[int, int]) -> Ints:
    return np.flatnonzero((age >= between[0]) & (age < between[1]))


def _households(people: int, seed: int) -> Layer:
    draws = stream(seed, "mixing households")
    sizes = draws.poisson(_HOUSEHOLD, people + 20)  # more than enough: the average is 2
    sizes = sizes[sizes > 0]
    ends = np.cumsum(sizes)
    start = np.concatenate([[0], ends[ends < people], [people]])
    group_of = np.repeat(np.arange(len(start) - 1, dtype=np.int32), np.diff(start))
    return Layer("household", 3.0, "groups", start, np.arange(people, dtype=np.int32), group_of)


def _pairs(name: str, weight: float, members: Ints, contacts: float, people: int, seed: int) -> Layer:
    """Everyone of the layer chooses half of a Poisson number of partners, and is chosen by as many."""
    draws = stream(seed, f"mixing {name}")
    chosen = np.rint(draws.poisson(contacts, len(members)) / 2).astype(np.int64)
    one = np.repeat(members, chosen).astype(np.int32)
    two = members[draws.integers(0, len(members), len(one))].astype(np.int32)
    degree = np.bincount(one, minlength=people) + np.bincount(two, minlength=people)
    start = np.concatenate([[0], np.cumsum(degree)])
    other = np.empty(2 * len(one), np.int32)
    _deal_pairs(one, two, start[:-1].copy(), other)
    return Layer(name, weight, "pairs", start, other, np.empty(0, np.int32))


@compiled()
def _deal_pairs(one: Numbers, two: Numbers, place: Ints, other: Numbers) -> None:
    for pair in range(len(one)):
        first, second = one[pair], two[pair]
        other[place[first]] = second
        place[first] += 1
        other[place[second]] = first
        place[second] += 1


def mean_contacts(mixing: Mixing) -> Floats:
    """Contacts a day of an average person, by layer."""
    people = len(mixing.age)
    counts = []
    for layer in mixing.layers:
        sizes = np.diff(layer.start)
        counts.append(float((sizes * (sizes - 1)).sum() if layer.kind == "groups" else len(layer.other)) / people)
    return np.array(counts)
