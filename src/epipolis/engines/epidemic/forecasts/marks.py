"""Areas whose answer rests on less than that of the others: what is wrong, and an answer that is wide enough."""

import numpy as np

from epipolis.engines.epidemic.forecasts.panels import Panel, unroot
from epipolis.engines.epidemic.histories import Floats, History

_LONG_MISSING = 2
_WIDE = 0.6
_FEW = 3


def marked_areas(known: History, panel: Panel) -> dict[str, str]:
    """Area → why its answer is wider or rests on other areas."""
    marked: dict[str, list[str]] = {}
    seen = np.isfinite(known.values)
    counted = seen.sum(axis=1)
    silent = np.where(counted > 0, seen[:, ::-1].argmax(axis=1), 0)
    unit = "weeks" if known.step == 7 else "days"
    for number, area in enumerate(known.areas):
        why = [note for name, note in known.notes if name == area]
        if not counted[number]:
            why.append("nothing known; as the areas on the whole")
        elif counted[number] < _FEW:
            why.append(f"only {counted[number]} {unit} known")
        elif silent[number] >= _LONG_MISSING:
            why.append(f"the newest {silent[number]} {unit} are missing")
        if not panel.trusted[number]:
            why.append("jumps from week to week far more than counts of people do")
        if why:
            marked[area] = why
    return {area: "; ".join(why) for area, why in marked.items()}


def repaired(panel: Panel, quantiles: Floats, levels: Floats) -> Floats:
    """The same with quantiles in order and, where a model had no answer, one as wide as all areas together."""
    result = np.sort(quantiles, axis=-1)
    failed = np.asarray(~np.isfinite(result).all(axis=(1, 2)))
    if failed.any():
        result[failed] = _from_all(panel, failed, levels)[:, None, :]
    return result


def _from_all(panel: Panel, failed: np.ndarray, levels: Floats) -> Floats:
    """Around the last value if there is one, else the values of all areas; wide in any case: [failed, levels]."""
    newest = panel.levels[:, -1]
    there = newest[np.isfinite(newest)]
    every = np.quantile(there, levels) if len(there) else np.zeros(len(levels))
    own = newest[failed, None] * (1 + _WIDE * (levels - 0.5))
    return unroot(np.sort(np.where(np.isfinite(own), own, every), axis=-1))
