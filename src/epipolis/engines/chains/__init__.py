"""Chains of infection: who probably infected whom, the tree that follows, and how it is drawn so that people can read it.

    links = infectors(onsets, pairs, weights)       # infectee, infector, probability: each beside a source nobody saw
    tree = tree_of(cases, onsets, likeliest(links)) # circles are cut where they are weakest
    lay_out(tree, most=60)                          # rows and days of a picture; what does not fit is folded
    clusters(tree)                                  # the cases that hang together

A case is a number from 0 to n - 1, an onset a day (float, NaN where unknown); no files, clock or chance.
"""

from epipolis.engines.chains.clusters import clusters, largest_first
from epipolis.engines.chains.infectors import Lags, infectors, likeliest
from epipolis.engines.chains.layouts import NOBODY, Layout, Mark, lay_out
from epipolis.engines.chains.trees import Tree, intervals, offspring, tree_of

__all__ = [
    "NOBODY",
    "Lags",
    "Layout",
    "Mark",
    "Tree",
    "clusters",
    "infectors",
    "intervals",
    "largest_first",
    "lay_out",
    "likeliest",
    "offspring",
    "tree_of",
]
