"""How far off a forecast may be: errors of past steps, pooled over places, around a centre."""

from statistics import NormalDist

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import Panel, unroot
from epipolis.engines.epidemic.forecasts.priors import ERROR_LEVELS, ERROR_SHAPE, ERROR_SIZE, longest
from epipolis.engines.epidemic.histories import Floats

_STEPS_OF_PRIOR = 200.0
_STEPS_OF_AREA = 15.0
_ROWS_OF_SHAPE = 3000.0
_HALF_LIFE = 39.0
_FARTHEST = 12.0


def error_size(panel: Panel, step: int) -> Floats:
    """The error to be expected `step` steps ahead from each step, in parts of the base: [areas, steps].

    It grows with the noise of counting and with how fast the place and all places have been changing: at turning
    points errors are largest.
    """
    own = np.square(panel.features[..., 0] + panel.features[..., 1])
    own_before = np.square(panel.features[..., 2] + panel.features[..., 3])
    shared = np.square(panel.features[..., 6] + panel.features[..., 7]) + np.square(panel.features[..., 8])
    beyond = max(0, step - longest())
    weights = ERROR_SIZE[min(step, longest()) - 1]
    size = weights[0] + weights[1] * panel.noise
    size = size + weights[2] * np.minimum(own + own_before, 0.5) / 2 + weights[3] * np.minimum(shared, 0.1) / 2
    result: Floats = np.sqrt(size * (1 + 0.2 * beyond))
    return result


def quantiles_around(panel: Panel, centres: Floats, errors: list[Floats], levels: Floats) -> Floats:
    """Quantiles of counts: [areas, steps, levels].

    Args:
        centres: [areas, steps] roots, the median.
        errors: for each step [areas, past], errors of the same model on the past, in parts of the base, NaN where unknown.
        levels: probabilities.
    """
    result = np.empty((*centres.shape, len(levels)))
    widened = np.sqrt(1 + panel.missing[:, None] / np.arange(1, centres.shape[1] + 1))
    for position, past in enumerate(errors):
        size = error_size(panel, position + 1)
        scale, shape = _learned(panel, past, size[:, : past.shape[1]], position + 1, levels)
        spread = np.hypot(scale * size[:, -1] * widened[:, position], panel.unsettled) * panel.base[:, -1]
        result[:, position] = centres[:, position, None] + spread[:, None] * shape
    return unroot(result)


def _learned(panel: Panel, past: Floats, size: Floats, step: int, levels: Floats) -> tuple[Floats, Floats]:
    """How much larger each area's errors are than expected, and the quantiles of errors of size one around nought."""
    prior = np.interp(levels, ERROR_LEVELS, ERROR_SHAPE[min(step, longest()) - 1]) * _beyond(levels)
    known = np.isfinite(past)
    relative = np.where(known, past, 0.0) / size
    weight = known * 0.5 ** (np.arange(past.shape[1])[::-1] / _HALF_LIFE)
    shared = weight * panel.trusted[:, None]
    farthest = np.where(panel.trusted, _FARTHEST, np.inf)[:, None]
    square = weight * np.minimum(np.square(relative), farthest)
    common = (square[panel.trusted].sum() + _STEPS_OF_PRIOR) / (shared.sum() + _STEPS_OF_PRIOR)
    scale = np.sqrt((square.sum(axis=1) + _STEPS_OF_AREA * common) / (weight.sum(axis=1) + _STEPS_OF_AREA))
    total = float(shared.sum())
    if total:
        rows = shared > 0
        within = np.clip(levels, ERROR_LEVELS[0], ERROR_LEVELS[-1])
        own = _weighted_quantiles((relative / scale[:, None])[rows], shared[rows], within) * _beyond(levels)
        part = total / (total + _ROWS_OF_SHAPE)
        prior = part * own + (1 - part) * prior
    middle = np.interp(0.5, levels, prior) if len(levels) > 1 else 0.0
    return scale, prior - middle


def _beyond(levels: Floats) -> Floats:
    """How much farther out than the outermost known levels others are, as with a normal distribution."""
    outermost = NormalDist().inv_cdf(float(ERROR_LEVELS[-1]))
    return np.array([max(1.0, abs(NormalDist().inv_cdf(float(level))) / outermost) for level in levels])


def _weighted_quantiles(values: Floats, weights: Floats, levels: Floats) -> Floats:
    order = np.argsort(values)
    middle = np.cumsum(weights[order]) - weights[order] / 2
    return np.interp(levels, middle / weights.sum(), values[order])
