import numpy as np
from numpy.typing import ArrayLike, NDArray

Hidden = NDArray[np.bool_]


def protect_row(counts: ArrayLike, *, minimum: int = 5) -> Hidden:
    """Which cells of a row of counts must be hidden when the row's total is published.

    Args:
        counts: shape (n,), whole numbers of people, none negative.
        minimum: the smallest count above zero that may be shown; at least 2.

    Returns:
        Shape (n,), true where the cell must be hidden. Beside the small cells the smallest of the others are hidden
        until at least two cells are hidden and together hold at least `minimum` people: then a hidden cell cannot be
        had by subtraction, and the hidden ones together are no small count either.

    Raises:
        ValueError: a count is negative, or `minimum` is below 2.

    Source: complementary (secondary) suppression, Willenborg & de Waal, Elements of Statistical Disclosure Control, 2001.
    """
    row = _checked(counts, minimum, dimensions=1)
    hidden: Hidden = (row > 0) & (row < minimum)
    _extend(row, hidden, minimum)
    return hidden


def protect_table(counts: ArrayLike, *, minimum: int = 5) -> Hidden:
    """The same for a table of which all row totals and column totals are published.

    Args:
        counts: shape (n, m), whole numbers of people, none negative.
        minimum: as in `protect_row`.

    Returns:
        Shape (n, m), true where the cell must be hidden. Rows and columns are protected in turn until neither has a
        hidden cell that its total would give away.

    Raises:
        ValueError: as in `protect_row`.
    """
    table = _checked(counts, minimum, dimensions=2)
    hidden: Hidden = (table > 0) & (table < minimum)
    while True:
        before = hidden.copy()
        for lines, mask in ((table, hidden), (table.T, hidden.T)):
            for line, part in zip(lines, mask, strict=True):
                _extend(line, part, minimum)
        if (before == hidden).all():
            return hidden


def round_total(count: int, *, base: int = 5) -> int:
    """The nearest multiple of `base`, so that two releases a few people apart mostly show the same figure."""
    return base * int(count / base + 0.5)


def _extend(line: NDArray[np.int64], part: Hidden, minimum: int) -> None:
    """Hide the smallest shown cells of one line until its hidden ones protect each other."""
    while part.any() and (part.sum() < 2 or line[part].sum() < minimum) and not part.all():
        shown = np.flatnonzero(~part)
        people = shown[line[shown] > 0]
        candidates = people if len(people) else shown
        part[candidates[np.argmin(line[candidates])]] = True


def _checked(counts: ArrayLike, minimum: int, *, dimensions: int) -> NDArray[np.int64]:
    found = np.asarray(counts, dtype=np.int64)
    if found.ndim != dimensions:
        raise ValueError(f"counts must have {dimensions} dimension(s), not {found.ndim}")
    if (found < 0).any():
        raise ValueError("counts must not be negative")
    if minimum < 2:
        raise ValueError("minimum must be at least 2")
    return found
