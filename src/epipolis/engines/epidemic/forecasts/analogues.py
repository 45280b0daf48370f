"""Analogues: what came after the past weeks, of any place, that were most like the present ones."""

import numpy as np

from epipolis.engines.epidemic.forecasts.autoregressive import regression
from epipolis.engines.epidemic.forecasts.boosted import trust
from epipolis.engines.epidemic.forecasts.panels import Panel
from epipolis.engines.epidemic.forecasts.spreads import quantiles_around
from epipolis.engines.epidemic.histories import Floats, Ints

_NEIGHBOURS = 60
_MOST_ROWS = 6_000
_MOST_TESTED = 1_500
_BLOCK = 500
_NEVER = -(10**6)
_WEIGHTS = np.array([1.0, 0.7, 0.4, 0.3, 1.6, 1.0, 0.6, 0.35, 0.15])


def analogue(panel: Panel, steps: int, levels: Floats, seed: int = 0) -> Floats:
    """Forecast `steps` steps ahead: quantiles [areas, steps, levels].

    Weeks are alike when the last changes of the place and of all places, the level within its year and its distance
    from the yearly mean are. What the pooled autoregression missed after such weeks is added to it; with few past weeks
    it carries the forecast alone.
    """
    rules = [regression(panel, step) for step in range(1, steps + 1)]
    places, times = _rows(panel, rules[-1][1], seed)
    enough = len(places) >= 2 * _NEIGHBOURS
    missed = np.stack([past[places, times] for _, past in rules], axis=-1)
    state = _state(panel)
    expected, back = np.zeros((len(state), steps)), np.zeros((len(places), steps))
    tested = np.arange(len(places))
    if enough:
        tested = np.sort(np.random.default_rng(seed).permutation(len(places))[:_MOST_TESTED])
        library = state[places, times]
        expected = _average(np.nan_to_num(state[:, -1]), np.full(len(state), _NEVER), library, times, missed)
        back = _average(library[tested], times[tested], library, times, missed)
    centres = np.empty((len(panel.levels), steps))
    errors: list[Floats] = []
    for step, (rule, past) in enumerate(rules):
        left, found = past.copy(), np.zeros_like(past)
        part = 0.0
        if enough:
            left[panel.trusted] = np.nan
            left[places[tested], times[tested]] = missed[tested, step]
            found[places[tested], times[tested]] = back[:, step]
            part = trust(panel, left, found, panel.levels.shape[1])
        centres[:, step] = panel.levels[:, -1] + panel.base[:, -1] * (rule + part * expected[:, step])
        errors.append(left - part * found)
    return quantiles_around(panel, centres, errors, levels)


def _state(panel: Panel) -> Floats:
    features = panel.features
    own = [features[..., 0] + features[..., 1], features[..., 2] + features[..., 3], features[..., 4], features[..., 5]]
    shared = [features[..., 6] + features[..., 7], features[..., 8], features[..., 9]]
    level = np.clip(features[..., 13], -1, 1)
    size = panel.base / 10
    shape = np.stack([*(value / 0.08 for value in own), *(value / 0.05 for value in shared), level / 0.2, size], axis=-1)
    return shape * _WEIGHTS


def _rows(panel: Panel, past: Floats, seed: int) -> tuple[Ints, Ints]:
    """Places and times of which is known what came after; a sample of them where they are many."""
    known = np.isfinite(past) & np.isfinite(panel.features[:, : past.shape[1]]).all(axis=-1)
    places, times = np.nonzero(known & panel.trusted[:, None])
    if len(places) > _MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(places), _MOST_ROWS, replace=False))
        places, times = places[chosen], times[chosen]
    return places, times


def _average(wanted: Floats, when: Ints, library: Floats, times: Ints, missed: Floats) -> Floats:
    """The weighted mean of `missed` [rows, steps] over the nearest rows, none of them close to the wanted ones in time."""
    result = np.empty((len(wanted), missed.shape[1]))
    apart = missed.shape[1] + 4
    squares = np.square(library).sum(axis=1)
    count = min(_NEIGHBOURS, len(library) - 1)
    for start in range(0, len(wanted), _BLOCK):
        rows = slice(start, start + _BLOCK)
        away = np.square(wanted[rows]).sum(axis=1)[:, None] + squares - 2 * wanted[rows] @ library.T
        away = np.where(np.abs(when[rows, None] - times) < apart, np.inf, np.maximum(away, 0.0))
        near = np.argpartition(away, count, axis=1)[:, :count]
        distance = np.take_along_axis(away, near, axis=1)
        width = np.maximum(np.median(distance, axis=1, keepdims=True), 1e-9)
        weight = np.where(np.isfinite(distance), np.exp(-distance / np.where(np.isfinite(width), width, 1.0)), 0.0)
        total = np.maximum(weight.sum(axis=1), 1e-9)
        result[rows] = np.einsum("rn,rns->rs", weight, missed[near]) / total[:, None]
    return result
