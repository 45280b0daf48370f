"""A tree of infection as a picture that stays readable: days from left to right, one row a case, folded where it must be.

Those who infected nobody are folded first, each group under its infector; then whole branches, the smallest first, until
the rows fit. Nothing is left out: a fold says how many it holds and of which days, and opens on request.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from epipolis.engines.chains.trees import Tree

_FEW = 3  # a group of so many is shown as it is
NOBODY = -1  # above those whose infector is not known


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of the picture: a case, or all that is folded under the case `above`.

    `cases` are the numbers it stands for, one where it is no fold; `above` the infector's number, or NOBODY.
    `first` and `last` are days of onset, NaN where none is known.
    """

    cases: tuple[int, ...]
    above: int
    row: int
    generation: int
    first: float
    last: float
    is_fold: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """The marks from top to bottom, and how many cases are folded."""

    marks: tuple[Mark, ...]
    folded: int


def lay_out(tree: Tree, *, most: int = 60, opened: Collection[int] = ()) -> Layout:
    """Place every case or fold it.

    Args:
        tree: up to some ten thousand cases.
        most: rows that the picture should have; it has more only for what is opened.
        opened: cases (or NOBODY) whose infected are all shown.

    Raises:
        ValueError: `most` is not positive.
    """
    if most < 1:
        raise ValueError("most: must be at least one row")
    picture = _Picture(tree, most, frozenset(opened))
    marks = picture.marks()
    return Layout(marks, sum(len(mark.cases) for mark in marks if mark.is_fold))


class _Picture:
    """The tree under one stem, so that cases without an infector fold like any others; the stem has the number n."""

    def __init__(self, tree: Tree, most: int, opened: frozenset[int]) -> None:
        self._tree, self._stem = tree, len(tree.cases)
        self._opened = frozenset(self._stem if case == NOBODY else case for case in opened)
        self._days = [float(day) if np.isfinite(day) else float("inf") for day in tree.onsets]
        self._above = [int(case) if case >= 0 else self._stem for case in tree.parent] + [NOBODY]
        roots = [case for case in range(self._stem) if tree.parent[case] < 0]
        self._children = [*tree.children(), sorted(roots, key=lambda one: (self._days[one], tree.cases[one]))]
        self._order = [int(case) for case in tree.order]
        self._hidden: set[int] = set()  # whose row, and all below it, is in the fold of the case above
        if self._stem > most:
            self._fold(most)

    def marks(self) -> tuple[Mark, ...]:
        """Every row from top to bottom, each case followed by those it infected."""
        found: list[Mark] = []
        waiting: list[tuple[int, tuple[int, ...]]] = [(self._stem, ())]  # a case, or a fold with all that it holds
        while waiting:
            case, fold = waiting.pop()
            if fold or case != self._stem:
                found.append(self._mark(fold or (case,), len(found), is_fold=bool(fold)))
            if not fold:
                waiting.extend(reversed(self._below(case)))
        return tuple(found)

    def _below(self, case: int) -> list[tuple[int, tuple[int, ...]]]:
        shown = [(child, ()) for child in self._children[case] if child not in self._hidden]
        hidden = [one for child in self._children[case] if child in self._hidden for one in self._whole(child)]
        return [*shown, *([(case, tuple(hidden))] if hidden else [])]

    def _fold(self, most: int) -> None:
        self._fold_ends(more_than=_FEW)
        rows, size = self._rows()
        branches = [case for case in self._order if self._children[case]]
        for case in sorted(branches, key=lambda one: (size[one], -self._tree.generation[one], one)):
            if rows[self._stem] - 1 <= most:
                return
            above = self._above[case]
            if case in self._opened or above in self._opened:
                continue
            has_fold = any(child in self._hidden for child in self._children[above])
            self._hidden.add(case)
            saved = rows[case] - (not has_fold)
            while above != NOBODY:
                rows[above] -= saved
                above = self._above[above]
        if rows[self._stem] - 1 > most:
            self._fold_ends(more_than=0)

    def _fold_ends(self, *, more_than: int) -> None:
        """Hide those who infected nobody, wherever one case has more than so many of them."""
        for case, children in enumerate(self._children):
            ends = [child for child in children if not self._children[child]]
            if len(ends) > more_than and case not in self._opened:
                self._hidden.update(ends)

    def _rows(self) -> tuple[list[int], list[int]]:
        """Of each case: the rows it and all below it take, and how many cases these are."""
        rows, size = [0] * (self._stem + 1), [1] * (self._stem + 1)
        for case in [self._stem, *self._order][::-1]:
            children = self._children[case]
            rows[case] = 1 + any(child in self._hidden for child in children)
            rows[case] += sum(rows[child] for child in children if child not in self._hidden)
            size[case] += sum(size[child] for child in children)
        return rows, size

    def _whole(self, case: int) -> list[int]:
        found, waiting = [], [case]
        while waiting:
            found.append(waiting.pop())
            waiting.extend(reversed(self._children[found[-1]]))
        return found

    def _mark(self, cases: tuple[int, ...], row: int, *, is_fold: bool) -> Mark:
        days = [self._days[case] for case in cases if np.isfinite(self._days[case])]
        first, last = (min(days), max(days)) if days else (float("nan"), float("nan"))
        above = int(self._tree.parent[cases[0]])
        return Mark(cases, above, row, int(self._tree.generation[cases[0]]), first, last, is_fold)
