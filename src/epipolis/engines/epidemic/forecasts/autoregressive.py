"""Autoregression pooled over areas: changes of fourth roots follow from the last changes of the place and of all places."""

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import Panel
from epipolis.engines.epidemic.forecasts.priors import COEFFICIENTS, FEATURE_SPREAD, longest
from epipolis.engines.epidemic.forecasts.spreads import quantiles_around
from epipolis.engines.epidemic.histories import Floats

_STEPS_OF_PRIOR = 200.0
_HALF_LIFE = 52.0
_RIDGE = 1e-3
_SIGNAL_STEPS = 15.0


def autoregressive(panel: Panel, steps: int, levels: Floats, seed: int = 0) -> Floats:
    """Forecast `steps` steps ahead: quantiles [areas, steps, levels].

    One regression for each number of steps. It begins with what other epidemics taught (`priors`) and moves from there
    as far as the weeks at hand speak for it: all areas of one week share their fate and count as one observation.
    """
    centres = np.empty((len(panel.levels), steps))
    errors: list[Floats] = []
    for step in range(1, steps + 1):
        change, past = regression(panel, step)
        centres[:, step - 1] = panel.levels[:, -1] + panel.base[:, -1] * change
        errors.append(past)
    return quantiles_around(panel, centres, errors, levels)


def regression(panel: Panel, step: int) -> tuple[Floats, Floats]:
    """The change `step` steps ahead that is expected now, and the errors of the same rule on the past."""
    beta, spread, x = _prior(panel, step)
    change = panel.changes(step)
    features = x[:, : change.shape[1]]
    known = np.isfinite(change) & np.isfinite(features).all(axis=-1) & panel.trusted[:, None]
    if not known.any():
        return x[:, -1] @ beta, np.full_like(change, np.nan)
    weight = np.where(known, 1 / (panel.noise[:, : change.shape[1]] + 0.02 / 16), 0.0)
    age = np.arange(change.shape[1])[::-1]
    weight = weight / np.maximum(weight.sum(axis=0), 1e-12) * 0.5 ** (age / _HALF_LIFE)
    rows, target, each = features[known], change[known], weight[known]
    moved = np.linalg.solve(rows.T @ (rows * each[:, None]) + spread, rows.T @ (each * (target - rows @ beta)))
    beta = beta + moved
    return x[:, -1] @ beta, change - features @ beta


def _prior(panel: Panel, step: int) -> tuple[Floats, Floats, Floats]:
    """Coefficients before any data, how surely they are known, and the features with those of further signals."""
    beta = COEFFICIENTS[min(step, longest()) - 1]
    if step > longest():
        further = COEFFICIENTS[-1] - COEFFICIENTS[-2]
        beta = beta + further * (1 - 0.8 ** (step - longest())) * 4
    width = len(beta)
    ridge = FEATURE_SPREAD + np.eye(width) * _RIDGE * np.mean(np.diag(FEATURE_SPREAD))
    signals = _signal_features(panel)
    count = signals.shape[-1]
    spread = np.zeros((width + count, width + count))
    spread[:width, :width] = _STEPS_OF_PRIOR * ridge
    spread[width:, width:] = _SIGNAL_STEPS * np.diag(np.mean(np.square(signals), axis=(0, 1)) + 1e-6)
    return np.concatenate([beta, np.zeros(count)]), spread, np.concatenate([panel.features, signals], axis=-1)


def _signal_features(panel: Panel) -> Floats:
    """Of every further signal its newest change and that of the week before, in standard deviations."""
    if not panel.signals.shape[-1]:
        return np.empty((*panel.levels.shape, 0))
    change = np.zeros_like(panel.signals)
    change[:, 1:] = np.diff(panel.signals, axis=1)
    before = np.zeros_like(change)
    before[:, 1:] = change[:, :-1]
    return np.concatenate([change, before], axis=-1)
