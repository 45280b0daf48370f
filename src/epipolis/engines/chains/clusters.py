"""Cases that hang together."""

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.chains.trees import Tree

Ints = NDArray[np.int64]


def clusters(tree: Tree, *, at_least: float = 0.0) -> Ints:
    """The root of each case's cluster [n]: the case at which the chain that led to it begins.

    A link whose probability is below `at_least` does not hold two cases together.
    """
    root = np.arange(len(tree.cases))
    for case in tree.order:
        if tree.parent[case] >= 0 and tree.probability[case] >= at_least:
            root[case] = root[tree.parent[case]]
    return root


def largest_first(root: Ints, *, smallest: int = 2) -> list[Ints]:
    """The cases of each cluster of at least `smallest`, the largest cluster first."""
    order = np.argsort(root, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(root[order])) + 1) if root.size else []
    return sorted((one for one in groups if one.size >= smallest), key=lambda one: (-one.size, int(one[0])))
