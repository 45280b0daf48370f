"""Learn weights from pairs whose truth is not known, and from answers where somebody has given them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epipolis.engines.linkage.defaults import default_weights
from epipolis.engines.linkage.levels import FIELDS, LEVELS, MISSING, SCORED
from epipolis.engines.linkage.weights import KINDS, Weights

_LEAST_CHANGE = 1e-6
_BELIEF = 20.0  # pairs that the weights to begin with are worth, in each kind and field


def estimate(
    levels: ArrayLike,
    *,
    begin: Weights | None = None,
    answers: ArrayLike | None = None,
    rounds: int = 200,
) -> Weights:
    """Learn weights from the levels [pairs, fields] of pairs that blocking brought together, most of them unlabelled.

    `answers` [pairs]: 1 for one person, 0 for two, -1 where nobody knows. Expectation and maximisation over the kinds
    of pairs (Winkler 1988), fields independent within a kind, missing values left out; `begin` counts as a few pairs.
    Raises ValueError without pairs.
    """
    rows = np.ascontiguousarray(levels, np.int8)
    if rows.ndim != 2 or rows.shape[1] != len(FIELDS) or not len(rows):
        raise ValueError(f"weights are learned from levels of {len(FIELDS)} fields of at least one pair: {rows.shape} given")
    known = np.full(len(rows), -1, np.int8) if answers is None else np.asarray(answers, np.int8)
    if len(known) != len(rows):
        raise ValueError(f"{len(known)} answers for {len(rows)} pairs")
    patterns, counts = np.unique(np.column_stack([rows[:, : len(SCORED)], known]), axis=0, return_counts=True)
    weights = begin or default_weights()
    prior = weights
    before = -np.inf
    for _ in range(rounds):
        logs = weights.kind_logs(patterns[:, :-1])
        logs[patterns[:, -1] == 1, 1:] = -np.inf
        logs[patterns[:, -1] == 0, 0] = -np.inf
        totals = np.logaddexp.reduce(logs, axis=1)
        weights = _maximise(patterns, np.exp(logs - totals[:, np.newaxis]) * counts[:, np.newaxis], prior)
        likelihood = float(totals @ counts) / len(rows)
        if abs(likelihood - before) < _LEAST_CHANGE:
            break
        before = likelihood
    return weights


def _maximise(patterns: NDArray[np.int8], parts: NDArray[np.float64], prior: Weights) -> Weights:
    """Give the weights that fit best to the part of each pattern in each kind [patterns, kinds]."""
    sizes = parts.sum(axis=0) + _BELIEF * np.array([prior.shares[kind] for kind in KINDS])
    chances: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
    for place, name in enumerate(SCORED):
        present = patterns[:, place] != MISSING
        for number, kind in enumerate(KINDS):
            seen = np.bincount(patterns[present, place], parts[present, number], len(LEVELS[name]))
            found = seen + _BELIEF * np.asarray(prior.chances[kind][name])
            chances[kind][name] = (found / found.sum()).tolist()
    return Weights(dict(zip(KINDS, (sizes / sizes.sum()).tolist(), strict=True)), chances)
