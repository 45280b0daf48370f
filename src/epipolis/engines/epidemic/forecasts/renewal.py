"""Renewal model: new cases come from those of the weeks before, times a reproduction number that drifts."""

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import ADDED, Panel, root, unroot
from epipolis.engines.epidemic.forecasts.spreads import quantiles_around
from epipolis.engines.epidemic.histories import Floats

GENERATIONS = np.array([0.75, 0.2, 0.05])
"""How many weeks after a case those lie whom it infected: a generation of about five days, told in weeks."""

_MEMORY = (0.6, 0.3, 0.1)
_COUNT_OF_PRIOR = 20.0
_STEEPEST = 1.5
OWN_FADES = 0.6
SHARED_FADES = 0.8
PULL = 0.15
"""What of the reproduction number is left after a week and how strongly it is drawn to the mean level of the year; on past
influenza admissions and COVID-19 cases and deaths these served best. Fitting them to each history anew served worse."""


def renewal(panel: Panel, steps: int, levels: Floats, seed: int = 0) -> Floats:
    """Forecast `steps` steps ahead: quantiles [areas, steps, levels].

    The reproduction number of each place and week is what its counts say, smoothed over three weeks and drawn to that
    of all places where counts are small (a gamma-Poisson average). Ahead what a place has besides the others fades soon;
    what all have fades slowly, towards less than one where the level is above that of the year (fewer are left to infect)
    and towards more where it is below.
    """
    counts = unroot(panel.levels) + ADDED
    lagged = np.stack([counts, *(_before(counts, lag) for lag in range(1, len(GENERATIONS)))], axis=-1)
    log_r = _reproduction(panel, counts, lagged)
    rest = np.clip(np.nan_to_num(panel.features[..., -1]), -1, 1)
    ahead = _paths(panel, lagged, log_r, rest, steps)
    errors = []
    for step in range(1, steps + 1):
        change = panel.changes(step)
        errors.append(change - ahead[:, : change.shape[1], step - 1])
    centres = panel.levels[:, -1, None] + panel.base[:, -1, None] * ahead[:, -1]
    return quantiles_around(panel, centres, errors, levels)


def _before(table: Floats, lag: int) -> Floats:
    result = np.empty_like(table)
    result[:, lag:] = table[:, : max(0, table.shape[1] - lag)]
    result[:, :lag] = table[:, :1]
    return result


def _reproduction(panel: Panel, counts: Floats, lagged: Floats) -> tuple[Floats, Floats]:
    """Logarithm of the reproduction number of all places together, and what each place has besides."""
    pressure = np.nan_to_num(lagged) @ GENERATIONS
    pressure = _before(pressure, 1)
    new, old = np.zeros_like(counts), np.zeros_like(counts)
    for lag, weight in enumerate(_MEMORY):
        new += weight * np.nan_to_num(_before(counts, lag))
        old += weight * _before(pressure, lag)
    size = np.where(np.isfinite(counts) & panel.trusted[:, None], 1 / panel.noise, 0.0)
    every = np.sum(size * np.log((new + 1) / (old + 1)), axis=0) / np.maximum(np.sum(size, axis=0), 1e-12)
    every = np.clip(every, -_STEEPEST, _STEEPEST)
    every[0] = 0.0
    own = np.log((new + _COUNT_OF_PRIOR * np.exp(every)) / (old + _COUNT_OF_PRIOR)) - every
    own[:, 0] = 0.0
    return np.broadcast_to(every, counts.shape), np.clip(own, -_STEEPEST, _STEEPEST)


def _paths(panel: Panel, lagged: Floats, log_r: tuple[Floats, Floats], rest: Floats, steps: int) -> Floats:
    """Expected changes after each number of steps from every step on, in parts of the base: [areas, past, steps]."""
    shared, own = log_r
    recent = [lagged[..., lag] for lag in range(lagged.shape[-1])]
    result = np.empty((*own.shape, steps))
    for step in range(steps):
        own = own * OWN_FADES
        shared = SHARED_FADES * shared + PULL * rest
        new = np.exp(shared + own) * sum(weight * past for weight, past in zip(GENERATIONS, recent, strict=True))
        recent = [new, *recent[:-1]]
        result[..., step] = np.clip((root(new - ADDED) - panel.levels) / panel.base, -2, 2)
    return result
