"""The ensemble: quantiles of all models averaged, better models counting a little more."""

from collections.abc import Mapping, Sequence

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import root, unroot
from epipolis.engines.epidemic.forecasts.records import Record
from epipolis.engines.epidemic.histories import Floats

USUAL_WEIGHTS = {"autoregressive": 2.0, "boosted": 2.0, "analogue": 1.0, "renewal": 1.0, "damped": 0.5}
"""What each model counts before anything has been scored; by how they did on earlier influenza and COVID-19 seasons."""

_TASKS_OF_PRIOR = 400.0
_SHARPNESS = 4.0
_ROUNDS_OF_PRIOR = 12.0
_NARROWEST, _WIDEST = 0.85, 1.2


def ensemble(forecasts: Mapping[str, Floats], weights: Mapping[str, float], levels: Floats, widened: float = 1.0) -> Floats:
    """The weighted mean of each quantile over the models, on the scale of fourth roots: [areas, steps, levels].

    `widened` is how much farther from the median the quantiles are put.
    """
    total = sum(weights[name] for name in forecasts)
    mean = np.zeros_like(next(iter(forecasts.values())))
    for name, values in forecasts.items():
        mean += weights[name] / total * root(values)
    if len(levels) > 1:
        above = float(np.interp(0.5, levels, np.arange(len(levels))))
        low = int(above)
        high = min(low + 1, len(levels) - 1)
        middle = mean[..., [low]] + (above - low) * (mean[..., [high]] - mean[..., [low]])
        mean = middle + widened * (mean - middle)
    return unroot(mean)


def weights_by(record: Record, models: Sequence[str]) -> dict[str, float]:
    """Weights that add up to one.

    A model counts as usual, times how its mean score compares with that of all, to the fourth power; that is drawn to
    one where few forecasts have been scored yet.
    """
    if not models:
        return {}
    raw = {name: USUAL_WEIGHTS.get(name, 1.0) for name in models}
    if record.tasks:
        trust = record.tasks / (record.tasks + _TASKS_OF_PRIOR)
        mean = float(np.mean([record.means[name] for name in models]))
        for name in models:
            raw[name] *= (max(mean, 1e-12) / max(record.means[name], 1e-12)) ** (_SHARPNESS * trust)
    total = sum(raw.values())
    return {name: value / total for name, value in raw.items()}


def widening(record: Record) -> float:
    """How much wider the ensemble should be, so that its intervals hold as often as they say.

    From how often those of earlier rounds held, drawn to one as if twelve rounds had held exactly as said, with tails as
    those of a Laplace distribution; 0.85 … 1.2.
    """
    if not record.shares or not record.rounds:
        return 1.0
    factors = []
    for width, share in record.shares.items():
        held = (share * record.rounds + width * _ROUNDS_OF_PRIOR) / (record.rounds + _ROUNDS_OF_PRIOR)
        factors.append(np.log(1 - width) / np.log(1 - min(held, 0.995)))
    return float(np.clip(np.mean(factors), _NARROWEST, _WIDEST))
