"""Counts published only every few days: when, between two publications, did reports come?"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from epipolis.engines.epidemic.triangles import Triangle, changes
from epipolis.engines.epidemic.units import Floats, Ints

_ROUNDS = 12


def without_gaps(triangle: Triangle) -> Triangle:
    """Lay what came between two publications on the days between, as the delays themselves suggest.

    The expectation-maximisation of interval-censored delays: spread evenly, then again and again by the delays that follow.
    Only for publications every few days; a triangle published every day stays as it is.
    """
    published = np.flatnonzero(triangle.published)
    if len(published) < 2 or np.all(np.diff(published) == 1):
        return triangle
    share = np.linspace(0, 1, triangle.known.shape[2] + 1)[1:]
    known = triangle.known
    for _ in range(_ROUNDS):
        known = _spread(triangle.known, published, share)
        share = _share(known, int(published[0]))
    return replace(triangle, known=known)


def _spread(known: Floats, published: Ints, share: Floats) -> Floats:
    result = known.copy()
    longest = known.shape[2] - 1
    reach = np.concatenate([[0.0], share])  # by delay + 1: nothing is known the day before
    for former, latter in pairwise(published.tolist()):
        for day in range(former + 1, latter):
            delay = np.arange(min(day, longest - (latter - day)) + 1)
            begin = np.maximum(delay - (day - former), -1)
            before = np.where(begin >= 0, known[:, former, np.maximum(begin, 0)], 0.0)
            after = known[:, latter, delay + latter - day]
            whole = reach[delay + latter - day + 1] - reach[begin + 1]
            part = np.where(whole > 0, (reach[delay + 1] - reach[begin + 1]) / np.maximum(whole, 1e-12), 0.5)
            result[:, day, delay] = before + (after - before) * part
    return result


def _share(known: Floats, begin: int) -> Floats:
    """The completeness by delay, of all strata and days."""
    gains, _ = changes(known)
    new, seen = gains[:, begin + 1 :].sum(axis=(0, 1)), known[:, begin + 1 :].sum(axis=(0, 1))
    logs = np.log1p(-np.minimum(new / np.maximum(seen, 1.0), 0.97))
    share = np.ones(len(logs))
    share[:-1] = np.exp(np.cumsum(logs[:0:-1])[::-1])
    return share
