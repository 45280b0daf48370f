"""The hubs' baseline: the last value goes on, and is as uncertain as past changes were, up or down."""

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import Panel, unroot
from epipolis.engines.epidemic.histories import Floats

_DRAWS = 2_000
_USUAL = 0.15
_CHUNK = 500


def baseline(panel: Panel, steps: int, levels: Floats, seed: int = 0) -> Floats:
    """Forecast `steps` steps ahead: quantiles [areas, steps, levels], the median the last value at every step.

    Past changes of the area from step to step, each also with the opposite sign, are added up at random (Cramer et al.
    2022, doi:10.1073/pnas.2113561119). Quantiles below nought are nought. An area without two values yet is taken to
    change as places do on the whole.
    """
    rng = np.random.default_rng(seed)
    counts = unroot(panel.levels)
    change = np.diff(counts, axis=1)
    usual = panel.seen[:, 1:] & panel.seen[:, :-1]
    result = np.empty((len(counts), steps, len(levels)))
    for start in range(0, len(counts), _CHUNK):
        for area in range(start, min(start + _CHUNK, len(counts))):
            past = change[area][usual[area]]
            last = counts[area, -1]
            if len(past) < 2:
                past = np.array([_USUAL * max(last, 1.0)])
            result[area] = _added_up(np.concatenate([past, -past]), last, steps, levels, rng)
    return result


def _added_up(changes: Floats, last: float, steps: int, levels: Floats, rng: np.random.Generator) -> Floats:
    """Sums of one, two, … changes from evenly spaced quantiles of them, in random order, kept symmetric."""
    even = np.quantile(changes, (np.arange(_DRAWS) + 0.5) / _DRAWS)
    total = np.zeros(_DRAWS)
    result = np.empty((steps, len(levels)))
    for step in range(steps):
        total = total + rng.permutation(even)
        total = np.maximum(last + total - np.median(total), 0.0) - last
        result[step] = last + np.quantile(total, levels)
    return np.maximum(result, 0.0)
