"""Renewal model: new cases come from those of the weeks before, times a reproduction number that drifts back to one."""

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import ADDED, Panel, root, unroot
from epipolis.engines.epidemic.forecasts.spreads import quantiles_around
from epipolis.engines.epidemic.histories import Floats

GENERATIONS = np.array([0.75, 0.2, 0.05])
"""How many weeks after a case those lie whom it infected: a generation of about five days, told in weeks."""

_DRIFTS = np.array([0.4, 0.6, 0.75, 0.87, 0.95])
_USUAL = 2
_HALF_LIFE = 26.0
_MEMORY = (0.6, 0.3, 0.1)
_PRIOR_COUNT = 20.0
_STEEPEST = 1.5


def renewal(panel: Panel, steps: int, levels: Floats, seed: int = 0) -> Floats:
    """Forecast `steps` steps ahead: quantiles [areas, steps, levels].

    The reproduction number of each place and week is what its counts say, smoothed over three weeks and drawn to that
    of all places where counts are small (a gamma-Poisson average). Ahead it fades towards one, as fast as would have
    served best in the past of all areas.
    """
    counts = unroot(panel.levels) + ADDED
    log_r = _reproduction(panel, counts)
    lagged = np.stack([counts, *(_before(counts, lag) for lag in range(1, len(GENERATIONS)))], axis=-1)
    paths = [_paths(lagged, log_r, drift, 1) for drift in _DRIFTS]
    losses = [_loss(panel, path, 1) for path in paths]
    pulled = [loss * (1 + 0.02 * abs(index - _USUAL)) for index, loss in enumerate(losses)]
    chosen = int(np.argmin(pulled)) if np.isfinite(pulled).all() else _USUAL
    ahead = _paths(lagged, log_r, float(_DRIFTS[chosen]), steps)
    errors = []
    for step in range(1, steps + 1):
        change = panel.changes(step)
        expected = (ahead[:, : change.shape[1], step - 1] - panel.levels[:, : change.shape[1]]) / panel.base[
            :, : change.shape[1]
        ]
        errors.append(change - np.clip(expected, -2, 2))
    return quantiles_around(panel, ahead[:, -1], errors, levels)


def _before(table: Floats, lag: int) -> Floats:
    result = np.empty_like(table)
    result[:, lag:] = table[:, : max(0, table.shape[1] - lag)]
    result[:, :lag] = table[:, :1]
    return result


def _reproduction(panel: Panel, counts: Floats) -> Floats:
    """Logarithm of the reproduction number at each step: own counts and those of all places together."""
    pressure = sum(weight * _before(counts, lag + 1) for lag, weight in enumerate(GENERATIONS))
    new, old = np.zeros_like(counts), np.zeros_like(counts)
    for lag, weight in enumerate(_MEMORY):
        new += weight * np.nan_to_num(_before(counts, lag))
        old += weight * np.nan_to_num(_before(pressure, lag))
    size = np.maximum(np.sqrt(np.nan_to_num(counts)), 1.0)
    every = np.exp(np.sum(size * np.log((new + 1) / (old + 1)), axis=0) / np.sum(size, axis=0))
    own = (new + _PRIOR_COUNT * every) / (old + _PRIOR_COUNT)
    log_r: Floats = np.clip(np.log(own), -_STEEPEST, _STEEPEST)
    log_r[:, 0] = 0.0
    return log_r


def _paths(lagged: Floats, log_r: Floats, drift: float, steps: int) -> Floats:
    """Expected roots after each number of steps from every step on: [areas, past, steps]."""
    recent = [lagged[..., lag] for lag in range(lagged.shape[-1])]
    result = np.empty((*log_r.shape, steps))
    for step in range(steps):
        log_r = log_r * drift
        new = np.exp(log_r) * sum(weight * past for weight, past in zip(GENERATIONS, recent, strict=True))
        recent = [new, *recent[:-1]]
        result[..., step] = root(new - ADDED)
    return result


def _loss(panel: Panel, path: Floats, step: int) -> float:
    change = panel.changes(step)
    known = np.isfinite(change)
    if not known.any():
        return np.inf
    expected = (path[:, : change.shape[1], step - 1] - panel.levels[:, : change.shape[1]]) / panel.base[:, : change.shape[1]]
    weight = 0.5 ** (np.arange(change.shape[1])[::-1] / _HALF_LIFE) / np.sqrt(panel.noise[:, : change.shape[1]] + 0.02 / 16)
    return float((np.where(known, np.abs(change - expected), 0.0) * np.where(known, weight, 0.0)).sum())
