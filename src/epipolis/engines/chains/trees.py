"""The tree of infection: each case under the one that infected it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SURE = 0.8  # from which probability on a link outweighs the order of the onsets


@dataclass(frozen=True, eq=False)
class Tree:
    """A forest of cases.

    `cases` are the names given, `onsets` days [n], `parent` the number of the infector or -1 [n], `probability` of that
    link [n] (NaN at a root), `generation` 0 at a root [n], `order` all cases with every infector before those it
    infected. `cut` are the links (infectee, infector) that closed a circle and were left out.
    """

    cases: tuple[str, ...]
    onsets: Floats
    parent: Ints
    probability: Floats
    generation: Ints
    order: Ints
    cut: tuple[tuple[int, int], ...]

    def children(self) -> list[list[int]]:
        """Whom each case infected, by onset (unknown last) and name."""
        found: list[list[int]] = [[] for _ in self.cases]
        late = np.where(np.isfinite(self.onsets), self.onsets, np.inf)
        for case in sorted(range(len(self.cases)), key=lambda one: (late[one], self.cases[one])):
            if self.parent[case] >= 0:
                found[self.parent[case]].append(case)
        return found


def tree_of(cases: Sequence[str], onsets: ArrayLike, links: pa.Table) -> Tree:
    """Hang each case under its infector.

    Args:
        cases: a name for each case.
        onsets: day of onset by case, NaN where unknown.
        links: infectee, infector (numbers), probability (1 where reported); each infectee at most once.

    Raises:
        ValueError: names and onsets differ in length, a case is unknown, or has two infectors.
    """
    days = np.asarray(onsets, np.float64)
    if days.shape != (len(cases),):
        raise ValueError(f"onsets: there must be one for each of the {len(cases)} cases, not {days.size}")
    infectee, infector = np.asarray(links["infectee"], np.int64), np.asarray(links["infector"], np.int64)
    chance = np.asarray(links["probability"], np.float64)
    for name, column in (("infectee", infectee), ("infector", infector)):
        if column.size and (column.min() < 0 or column.max() >= len(cases)):
            raise ValueError(f"links: {name}: there are only {len(cases)} cases")
    if np.unique(infectee).size != infectee.size:
        raise ValueError("links: a case has two infectors; take the likeliest")
    parent = np.full(len(cases), -1, np.int64)
    probability = np.full(len(cases), np.nan)
    parent[infectee], probability[infectee] = infector, chance
    cut = _cut_circles(parent, probability, days)
    generation, order = _generations(parent)
    return Tree(tuple(cases), days, parent, probability, generation, order, cut)


def intervals(tree: Tree) -> Floats:
    """Days from the infector's onset to the infectee's, of every link with both known."""
    linked = np.flatnonzero(tree.parent >= 0)
    days = tree.onsets[linked] - tree.onsets[tree.parent[linked]]
    return np.asarray(days[np.isfinite(days)])


def offspring(tree: Tree, *, until: float | None = None) -> Ints:
    """How many each case infected; with `until`, only for cases that fell ill by that day (whose own are all seen)."""
    counts = np.bincount(tree.parent[tree.parent >= 0], minlength=len(tree.cases)).astype(np.int64)
    return counts if until is None else counts[tree.onsets <= until]


def _cut_circles(parent: Ints, probability: Floats, days: Floats) -> tuple[tuple[int, int], ...]:
    """Every case has one infector at most, so each circle is found by walking up, and cut at its weakest link.

    Two who met may each be the other's likeliest infector: then the one who fell ill first was infected elsewhere. Only
    where a link is as good as sure, or no day tells them apart, the less probable one is cut.
    """
    cut: list[tuple[int, int]] = []
    seen = np.zeros(parent.size, np.int64)  # the walk that came by
    for start in range(parent.size):
        walk, case = start + 1, start
        while case >= 0 and not seen[case]:
            seen[case] = walk
            case = parent[case]
        if case >= 0 and seen[case] == walk:
            circle = [int(case)]
            while (following := int(parent[circle[-1]])) != case:
                circle.append(following)
            weakest = min(circle, key=lambda one: (probability[one] >= _SURE, _lag(one, parent, days), probability[one], one))
            cut.append((weakest, int(parent[weakest])))
            parent[weakest], probability[weakest] = -1, np.nan
    return tuple(cut)


def _lag(case: int, parent: Ints, days: Floats) -> float:
    lag = float(days[case] - days[parent[case]])
    return lag if np.isfinite(lag) else 0.0


def _generations(parent: Ints) -> tuple[Ints, Ints]:
    generation = np.where(parent < 0, 0, -1)
    current, order, depth = np.flatnonzero(parent < 0), [], 0
    by_parent = np.argsort(parent, kind="stable")
    sorted_parent = parent[by_parent]
    while current.size:
        generation[current] = depth
        order.append(current)
        first, last = np.searchsorted(sorted_parent, current, "left"), np.searchsorted(sorted_parent, current, "right")
        current = np.concatenate([by_parent[a:b] for a, b in zip(first, last, strict=True)] or [np.empty(0, np.int64)])
        depth += 1
    return generation.astype(np.int64), np.concatenate(order or [np.empty(0, np.int64)]).astype(np.int64)
