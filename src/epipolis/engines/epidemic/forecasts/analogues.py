"""Analogues: what came after the past weeks, of any place, that were most like the present ones."""

import numpy as np

from epipolis.engines.epidemic.forecasts.autoregressive import regression
from epipolis.engines.epidemic.forecasts.panels import Panel
from epipolis.engines.epidemic.forecasts.spreads import quantiles_around
from epipolis.engines.epidemic.histories import Floats

_NEIGHBOURS = 60
_MOST_ROWS = 8_000
_BLOCK = 2_000
_ENOUGH = 1_500.0
_WEIGHTS = np.array([1.0, 0.7, 0.4, 0.3, 1.6, 1.0, 0.6, 0.35, 0.15])


def analogue(panel: Panel, steps: int, levels: Floats, seed: int = 0) -> Floats:
    """Forecast `steps` steps ahead: quantiles [areas, steps, levels].

    Weeks are alike when the last changes of the place and of all places, the level within its year and its distance
    from the yearly mean are. With few past weeks the pooled autoregression carries the forecast.
    """
    state = _state(panel)
    centres = np.empty((len(panel.levels), steps))
    errors: list[Floats] = []
    for step in range(1, steps + 1):
        rule, past = regression(panel, step)
        expected, own_past, rows = _from_neighbours(panel, state, step, past, seed)
        part = rows / (rows + _ENOUGH)
        centres[:, step - 1] = panel.levels[:, -1] + panel.base[:, -1] * (rule + part * expected)
        errors.append(past - part * own_past)
    return quantiles_around(panel, centres, errors, levels)


def _state(panel: Panel) -> Floats:
    features = panel.features
    own = [features[..., 0] + features[..., 1], features[..., 2] + features[..., 3], features[..., 4], features[..., 5]]
    shared = [features[..., 6] + features[..., 7], features[..., 8], features[..., 9]]
    level = np.clip(features[..., 13], -1, 1)
    size = panel.base / 10
    shape = np.stack([*(value / 0.08 for value in own), *(value / 0.05 for value in shared), level / 0.2, size], axis=-1)
    return shape * _WEIGHTS


def _from_neighbours(panel: Panel, state: Floats, step: int, past: Floats, seed: int) -> tuple[Floats, Floats, float]:
    """What the regression missed after alike weeks: now, on the past (leaving out weeks close by), and how many rows."""
    known = np.isfinite(past) & np.isfinite(state[:, : past.shape[1]]).all(axis=-1)
    places, times = np.nonzero(known)
    if len(places) < 2 * _NEIGHBOURS:
        return np.zeros(len(state)), np.zeros_like(past), 0.0
    if len(places) > _MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(places), _MOST_ROWS, replace=False))
        places, times = places[chosen], times[chosen]
    library, missed = state[places, times], past[places, times]
    now = np.nan_to_num(state[:, -1])
    expected = _average(now, np.full(len(now), 10**6), library, times, missed, step)
    back = np.zeros_like(past)
    back[places, times] = _average(library, times, library, times, missed, step)
    return expected, back, float(len(places))


def _average(wanted: Floats, when: np.ndarray, library: Floats, times: np.ndarray, missed: Floats, step: int) -> Floats:
    """The weighted mean of `missed` over the nearest rows, none of them within `step` + 4 weeks of the wanted ones."""
    result = np.empty(len(wanted))
    squares = np.square(library).sum(axis=1)
    count = min(_NEIGHBOURS, len(library) - 1)
    for start in range(0, len(wanted), _BLOCK):
        rows = slice(start, start + _BLOCK)
        away = np.square(wanted[rows]).sum(axis=1)[:, None] + squares - 2 * wanted[rows] @ library.T
        away = np.where(np.abs(when[rows, None] - times) < step + 4, np.inf, np.maximum(away, 0.0))
        near = np.argpartition(away, count, axis=1)[:, :count]
        distance = np.take_along_axis(away, near, axis=1)
        width = np.maximum(np.median(distance, axis=1, keepdims=True), 1e-9)
        weight = np.where(np.isfinite(distance), np.exp(-distance / np.where(np.isfinite(width), width, 1.0)), 0.0)
        result[rows] = (weight * missed[near]).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    return result
