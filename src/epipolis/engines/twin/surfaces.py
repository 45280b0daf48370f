"""Simulated curves as a smooth function of what was varied, how likely a count is given them, and where that is best."""

from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma, sqrt
from typing import Self

import numpy as np

from epipolis.engines.twin.draws import Floats, Ints

_SHAPES = np.array([1.0, 2, 4, 8, 16, 32, 64, 128, 1024])
"""Shapes of the negative binomial that are tried: 1 scatters most, 1024 is nearly Poisson."""
_SHIFT = 0.25
"""Added before the logarithm, so that days without anybody count."""
_NEAREST, _FEWEST_NEAR = 3, 12
"""Tries for each coefficient of the surface, and at least."""
_OWN_SHARE = 0.3
"""Share of the scatter that is taken as each part's own, so that few runs do not claim too much about them together."""
_log_gamma = np.frompyfunc(lgamma, 1, 1)


def logs_of(counts: Floats) -> Floats:
    """Logarithms in which curves are compared."""
    return np.asarray(np.log(counts + _SHIFT), np.float64)


@dataclass(frozen=True, eq=False)
class Surface:
    """Curves in logarithms around a point of the figures, and how single runs scatter about them.

    `weights`: a row a coefficient (constant, linear, squares and products), a column a part of the curve.
    `scatter`: one row a run near the point: what it deviates. `precision`: the inverse of their covariance.
    """

    weights: Floats
    scatter: Floats
    precision: Floats

    @classmethod
    def fit(cls, offsets: Floats, logs: Floats) -> Self:
        """Least squares over the tries nearest to the point, the nearer the weightier.

        `offsets`: (tries, figures), from the point. `logs`: (tries, runs, parts).
        """
        terms = _terms(offsets)
        distance = np.sqrt((offsets**2).sum(axis=1))
        nearest = np.argsort(distance, kind="stable")[: max(_NEAREST * terms.shape[1], _FEWEST_NEAR)]
        reach = max(float(distance[nearest].max()) * 1.05, 1e-9)
        weight = (1 - (distance[nearest] / reach) ** 3) ** 1.5
        means = logs[nearest].mean(axis=1)
        weights = np.linalg.lstsq(terms[nearest] * weight[:, None], means * weight[:, None], rcond=None)[0]
        apart = (logs[nearest] - (terms[nearest] @ weights)[:, None, :]).reshape(-1, logs.shape[2])
        apart *= np.sqrt(len(apart) / (len(apart) - terms.shape[1]))
        covariance = apart.T @ apart / len(apart)
        own = np.diag(np.diag(covariance))
        shrunk = (1 - _OWN_SHARE) * covariance + _OWN_SHARE * own + 1e-6 * np.eye(len(own))
        return cls(weights, apart, np.linalg.inv(shrunk))

    @property
    def doubt(self) -> float:
        """How much wider an interval is because surface and covariance rest on so few runs (Dodelson and Schneider 2013)."""
        (coefficients, parts), runs = self.weights.shape, len(self.scatter)
        figures = round((sqrt(8 * coefficients + 1) - 3) / 2)
        unsure = max(runs - parts - 2, 1) / (max(runs - parts - 1, 1) * max(runs - parts - 4, 1))
        return sqrt((1 + coefficients / runs) * (1 + unsure * max(parts - figures, 0)))

    def at(self, offsets: Floats) -> Floats:
        """Curves in logarithms, one row an offset."""
        return np.asarray(_terms(offsets) @ self.weights, np.float64)

    def share_of(self, logs: Floats, expected: Floats) -> Floats:
        """Logarithm of the share that `logs` is of each of the expected curves, at most 0."""
        pull = self.precision.sum(axis=0)
        return np.asarray(np.minimum((logs - expected) @ pull / pull.sum(), 0), np.float64)

    def fits(self, logs: Floats, offsets: Floats, *, any_share: bool) -> Floats:
        """Logarithm of the likelihood of one more run, with each offset, up to a constant."""
        expected = self.at(offsets)
        apart = logs - expected
        if any_share:
            apart = apart - self.share_of(logs, expected)[:, None]
        return np.asarray(-np.einsum("ij,jk,ik->i", apart, self.precision, apart) / 2, np.float64)


def _terms(offsets: Floats) -> Floats:
    sides = offsets.shape[1]
    products = [offsets[:, a] * offsets[:, b] for a in range(sides) for b in range(a, sides)]
    return np.column_stack([np.ones(len(offsets)), offsets, *products])


def shares_reported(counts: Floats, means: Floats) -> Floats:
    """For each curve (a row) the share of the simulated that the observed are; at most 1."""
    return np.asarray(np.minimum(counts.sum() / np.maximum(means.sum(axis=1), _SHIFT), 1.0), np.float64)


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Of counts, negative binomial around the means of several runs; the scatter is the likeliest for each curve.

    `counts`: one for each day. `reported`: share of the simulated that is observed; None: the one that fits best.
    `runs`: how many runs stand behind a mean, below which no mean is taken as 0.
    """

    counts: Floats
    reported: float | None
    runs: int
    ways: Floats

    @classmethod
    def of(cls, counts: Floats, reported: float | None, runs: int) -> Self:
        shape = _SHAPES[:, None]
        logs = _log_gamma(counts + shape) - _log_gamma(shape) - _log_gamma(counts + 1)
        return cls(counts, reported, runs, np.asarray(logs, np.float64))

    def at(self, means: Floats) -> Floats:
        """The logarithm, for each curve (a row)."""
        own = np.full(len(means), self.reported) if self.reported else shares_reported(self.counts, means)
        share = own[:, None].astype(np.float64)
        due = np.maximum(means * share, 0.5 * share / self.runs)[:, None, :]
        shape = _SHAPES[None, :, None]
        chance = self.counts * np.log(due / (due + shape)) - shape * np.log1p(due / shape)
        return np.asarray((chance + self.ways).sum(axis=2).max(axis=1), np.float64)


def spread_points(count: int, sides: int) -> Floats:
    """Points that fill the unit cube evenly, the same ones each time (additive recurrence of Roberts 2018)."""
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (sides + 1))
    steps = ratio ** -np.arange(1, sides + 1)
    numbers: Ints = np.arange(count)[:, None]
    return np.asarray((0.5 + numbers * steps) % 1, np.float64)


def best_point(value: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where `value` is highest between `low` and `high`: the best of a spread of points, again and again, each time nearer."""
    points = spread_points(80, len(low))
    middle, half = (low + high) / 2, (high - low) / 2
    for _ in range(12):
        around = np.clip(middle + half * (2 * points - 1), low, high)
        middle = around[value(around).argmax()]
        half = half * 0.6
    return middle
