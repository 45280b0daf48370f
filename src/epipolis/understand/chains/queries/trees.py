"""The tree of infection from the stored links, whole or around one case, and the rows of its picture."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pyarrow as pa

from epipolis.engines.chains import NOBODY, Mark, Tree, clusters, lay_out, tree_of
from epipolis.understand.chains.models import Basis, Link
from epipolis.understand.chains.settings import settings

from .evidence import Known, known_cases

_EPOCH = date(1970, 1, 1)
ROW, LEFT, DAY_WIDTH, LEAST_WIDTH = 26, 150, 22, 640  # pixels of the picture


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the picture, with its places in pixels. `case` is None where several cases are folded."""

    case: Known | None
    above: UUID | None
    above_number: str
    folded: int
    first: date | None
    last: date | None
    probability: float | None
    basis: str
    generation: int
    x: float
    x_last: float
    y: float
    x_above: float | None
    y_above: float | None

    @property
    def is_certain(self) -> bool:
        return self.probability is not None and self.probability >= 0.8


@dataclass(frozen=True, slots=True)
class Drawn:
    """A tree as a picture: its rows, its size in pixels, the days of its axis, and what it could not show."""

    rows: list[Row]
    width: int
    height: int
    ticks: list[tuple[float, date]]
    cases: int
    folded: int
    circles: int
    simulated: bool


def forest(known: dict[UUID, Known], *, holds_from: float) -> tuple[list[UUID], Tree]:
    """Every known case under its likeliest infector, where that is likely enough to hold."""
    ids = list(known)
    number = {case: index for index, case in enumerate(ids)}
    found = Link.objects.filter(probability__gte=holds_from).order_by("infectee", "-probability", "infector")
    best: dict[int, tuple[int, float]] = {}
    for infectee, infector, chance in found.values_list("infectee_id", "infector_id", "probability"):
        if infectee in number and infector in number:
            best.setdefault(number[infectee], (number[infector], chance))
    table = pa.table(
        {
            "infectee": pa.array(list(best), pa.int64()),
            "infector": pa.array([one for one, _ in best.values()], pa.int64()),
            "probability": pa.array([chance for _, chance in best.values()], pa.float64()),
        }
    )
    onsets = [float((onset - _EPOCH).days) if (onset := known[case].onset) else float("nan") for case in ids]
    return ids, tree_of([known[case].number for case in ids], onsets, table)


def cluster_of(case_id: UUID, *, holds_from: float) -> dict[UUID, Known]:
    """Every case that hangs together with this one."""
    reached, edge = {case_id}, {case_id}
    while edge:
        near = Link.objects.filter(probability__gte=holds_from, infectee__in=edge).values_list("infectee_id", "infector_id")
        # Only the likeliest infector of each holds it, as in the tree.
        up = {infector for _, infector in _first_of(near.order_by("infectee", "-probability", "infector"))}
        below = Link.objects.filter(probability__gte=holds_from, infector__in=edge).values_list("infectee", flat=True)
        held = Link.objects.filter(probability__gte=holds_from, infectee__in=set(below))
        down = {
            infectee
            for infectee, infector in _first_of(
                held.order_by("infectee", "-probability", "infector").values_list("infectee_id", "infector_id")
            )
            if infector in edge
        }
        edge = (up | down) - reached
        reached |= edge
    return known_cases(reached)


def chain_of(case_id: UUID, *, holds_from: float) -> list[UUID]:
    """From the first known case of the chain down to this one, as in the tree: no link that the tree leaves out."""
    ids, tree = forest(cluster_of(case_id, holds_from=holds_from), holds_from=holds_from)
    if case_id not in ids:
        return [case_id]
    chain = [ids.index(case_id)]
    while (above := int(tree.parent[chain[-1]])) >= 0:
        chain.append(above)
    return [ids[number] for number in reversed(chain)]


def draw(known: dict[UUID, Known], *, holds_from: float, opened: Collection[UUID] = (), most: int = 0) -> Drawn:
    """The picture of these cases. `opened`: cases whose infected are all shown."""
    ids, tree = forest(known, holds_from=holds_from)
    number = {case: index for index, case in enumerate(ids)}
    wanted = {number[case] for case in opened if case in number}
    layout = lay_out(tree, most=most or settings.rows, opened=wanted)
    basis = _basis_of(ids, tree)
    shown = [case.shown for case in known.values()]
    first, last = (min(shown), max(shown)) if shown else (_EPOCH, _EPOCH)
    scale = _scale(first, last)
    width = int(LEFT + max(LEAST_WIDTH - LEFT, ((last - first).days + 1) * scale) + 20)
    placed: dict[int, tuple[float, float]] = {}
    rows = [_row(mark, known, ids, tree, basis, first, scale, placed) for mark in layout.marks]
    ticks = _ticks(first, last, scale)
    is_simulated = any(case.simulated for case in known.values())
    return Drawn(rows, width, len(rows) * ROW + 30, ticks, len(ids), layout.folded, len(tree.cut), is_simulated)


def groups_of(known: dict[UUID, Known], *, holds_from: float) -> tuple[list[UUID], Tree, np.ndarray]:
    """The forest and the root of each case's cluster."""
    ids, tree = forest(known, holds_from=holds_from)
    return ids, tree, clusters(tree)


def _first_of(pairs: object) -> list[tuple[UUID, UUID]]:
    found: dict[UUID, UUID] = {}
    for infectee, infector in pairs:  # type: ignore[attr-defined]  # -- a query set of pairs
        found.setdefault(infectee, infector)
    return list(found.items())


def _basis_of(ids: list[UUID], tree: Tree) -> dict[int, str]:
    infectees = [ids[n] for n in range(len(ids)) if tree.parent[n] >= 0]
    said = Link.objects.filter(infectee__in=infectees).values_list("infectee_id", "infector_id", "basis")
    by_pair = {(infectee, infector): basis for infectee, infector, basis in said}
    label = dict(Basis.choices)
    return {
        n: str(label[by_pair[ids[n], ids[tree.parent[n]]]])
        for n in range(len(ids))
        if tree.parent[n] >= 0 and (ids[n], ids[tree.parent[n]]) in by_pair
    }


def _scale(first: date, last: date) -> float:
    """Pixels a day: wide where there are few days, never so narrow that days fall together."""
    return max(4.0, min(float(DAY_WIDTH), 1_400 / ((last - first).days + 1)))


def _row(
    mark: Mark,
    known: dict[UUID, Known],
    ids: list[UUID],
    tree: Tree,
    basis: dict[int, str],
    start: date,
    scale: float,
    placed: dict[int, tuple[float, float]],
) -> Row:
    y = 30 + mark.row * ROW + ROW / 2
    one = mark.cases[0]
    case = None if mark.is_fold else known[ids[one]]
    first, last = _day(mark.first), _day(mark.last)
    if case:
        first = last = case.shown
    x = LEFT + ((first - start).days + 0.5) * scale if first else float(LEFT)
    x_last = LEFT + ((last - start).days + 0.5) * scale if last else x
    x_above, y_above = placed.get(mark.above, (None, None)) if mark.above != NOBODY else (None, None)
    if not mark.is_fold:
        placed[one] = (x, y)
    chance = None if mark.is_fold or np.isnan(tree.probability[one]) else float(tree.probability[one])
    above = ids[mark.above] if mark.above != NOBODY else None
    folded = len(mark.cases) if mark.is_fold else 0
    said = "" if mark.is_fold else basis.get(one, "")
    number = known[above].number if above else ""
    return Row(case, above, number, folded, first, last, chance, said, mark.generation, x, x_last, y, x_above, y_above)


def _day(number: float) -> date | None:
    return None if np.isnan(number) else _EPOCH + timedelta(days=int(number))


def _ticks(first: date, last: date, scale: float) -> list[tuple[float, date]]:
    """Days named on the axis, about 80 pixels apart."""
    step = max(1, round(80 / scale))
    return [(LEFT + (n + 0.5) * scale, first + timedelta(days=n)) for n in range(0, (last - first).days + 1, step)]
