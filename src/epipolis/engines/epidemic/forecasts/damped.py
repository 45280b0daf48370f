"""Growth-damped baseline: the growth of the last two weeks goes on, less from week to week."""

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import Panel
from epipolis.engines.epidemic.forecasts.spreads import quantiles_around
from epipolis.engines.epidemic.histories import Floats

_DAMPINGS = np.array([0.0, 0.3, 0.5, 0.7, 0.85])
_USUAL = 2
_HALF_LIFE = 26.0
_STEPS_OF_PRIOR = 8.0
_SHARED = 0.6


def damped(panel: Panel, steps: int, levels: Floats, seed: int = 0) -> Floats:
    """Forecast `steps` steps ahead: quantiles [areas, steps, levels].

    Growth is that of the place, drawn to that of all places where the own counts are small. How fast it fades is what
    would have served best in the past of all areas, 0.5 a week where there is none.
    """
    trend = _growth(panel)
    sums = np.array(
        [[sum(damping**power for power in range(1, step + 1)) for damping in _DAMPINGS] for step in range(1, steps + 1)]
    )
    factor = sums[:, _best(panel, trend, sums[0])]
    centres = panel.levels[:, -1, None] + panel.base[:, -1, None] * trend[:, -1, None] * factor
    errors = []
    for step in range(1, steps + 1):
        change = panel.changes(step)
        errors.append(change - trend[:, : change.shape[1]] * factor[step - 1])
    return quantiles_around(panel, centres, errors, levels)


def _growth(panel: Panel) -> Floats:
    features = panel.features
    newest, before = features[..., 0] + features[..., 1], features[..., 2] + features[..., 3]
    shared = (2 * (features[..., 6] + features[..., 7]) + features[..., 8]) / 3
    count_part = features[..., 1] / np.where(newest == 0, 1.0, newest)
    part = np.clip(_SHARED * (0.5 + count_part), 0, 1)
    growth: Floats = (1 - part) * (2 * newest + before) / 3 + part * shared
    return growth


def _best(panel: Panel, trend: Floats, factors: Floats) -> int:
    change = panel.changes(1)
    if not np.isfinite(change).any():
        return _USUAL
    size = np.sqrt(panel.noise[:, : change.shape[1]] + 0.02 / 16)
    loss = np.array([_loss(change - trend[:, : change.shape[1]] * factor, size) for factor in factors])
    weight = 0.5 ** (np.arange(change.shape[1])[::-1] / _HALF_LIFE)
    total = loss @ weight
    usual = np.abs(np.arange(len(factors)) - _USUAL) * 0.02 * total.min() * _STEPS_OF_PRIOR / weight.sum()
    return int(np.argmin(total + usual))


def _loss(error: Floats, size: Floats) -> Floats:
    known = np.isfinite(error)
    loss: Floats = (np.where(known, np.abs(error), 0.0) / size).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return loss
