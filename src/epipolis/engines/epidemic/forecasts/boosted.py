"""Boosted trees over all areas at once: what the pooled autoregression does not see, such as level and season."""

from typing import Any

import numpy as np

from epipolis.engines.epidemic.forecasts.autoregressive import regression
from epipolis.engines.epidemic.forecasts.panels import Panel
from epipolis.engines.epidemic.forecasts.spreads import quantiles_around
from epipolis.engines.epidemic.histories import Floats

_FOLDS = 3
_MOST_ROWS = 24_000
_FEWEST_ROWS = 1_200
_FEWEST_WEEKS = 20
_TREES = 60
_CLIP = 3.0
_MOST_TRUST = 0.9
_WEEKS_OF_PRIOR = 26


def boosted(panel: Panel, steps: int, levels: Floats, seed: int = 0) -> Floats:
    """Forecast `steps` steps ahead: quantiles [areas, steps, levels].

    One set of trees for all areas and steps learns the errors of the pooled autoregression, in units of what is to be
    expected. It counts as far as weeks left out of the training, a third of the time at a time, bear it out; the spread
    is that of errors on these. With fewer than twenty weeks or 1,200 rows there is nothing to learn yet, and it is the
    autoregression.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 -- only this model needs it

    rules = [regression(panel, step) for step in range(1, steps + 1)]
    with threadpool_limits(1):  # so small a task is ten times slower on threads that wait for a busy processor
        corrections, out_of_fold = _learned(panel, [past for _, past in rules], seed)
    centres = np.empty((len(panel.levels), steps))
    errors: list[Floats] = []
    weeks = panel.levels.shape[1]
    for step, (rule, past) in enumerate(rules):
        part = trust(panel, past, out_of_fold[step], weeks)
        centres[:, step] = panel.levels[:, -1] + panel.base[:, -1] * (rule + part * corrections[:, step])
        errors.append(past - part * out_of_fold[step])
    return quantiles_around(panel, centres, errors, levels)


def trust(panel: Panel, missed: Floats, found: Floats, weeks: int) -> float:
    """Which part of a correction `found` without having seen the week is borne out by what was `missed`: 0 … 0.9.

    Drawn to nought where few weeks are known.
    """
    weight = np.where(np.isfinite(missed) & panel.trusted[:, None], 1 / panel.noise[:, : missed.shape[1]], 0.0)
    borne_out = float((weight * found * np.nan_to_num(missed)).sum() / max((weight * np.square(found)).sum(), 1e-12))
    return float(np.clip(borne_out, 0.0, _MOST_TRUST)) * weeks / (weeks + _WEEKS_OF_PRIOR)


def _learned(panel: Panel, pasts: list[Floats], seed: int) -> tuple[Floats, list[Floats]]:
    """Corrections [areas, steps] in parts of the base, and those of past weeks from trees that had not seen them."""
    areas, steps = len(panel.levels), len(pasts)
    nothing = np.zeros((areas, steps)), [np.zeros_like(past) for past in pasts]
    x, y, size, where = _rows(panel, pasts, seed)
    if len(y) < _FEWEST_ROWS or panel.levels.shape[1] < _FEWEST_WEEKS:
        return nothing
    time = where[:, 2]
    edges = np.quantile(time, np.linspace(0, 1, _FOLDS + 1)[1:-1])
    fold = np.searchsorted(edges, time, side="right")
    back = nothing[1]
    for number in range(_FOLDS):
        inside = fold == number
        outside = ~inside & ((time < time[inside].min() - steps) | (time > time[inside].max() + steps))
        if outside.sum() < _FEWEST_ROWS / 2:
            continue
        found = _trees(x[outside], y[outside], seed).predict(x[inside]) * size[inside]
        for step in range(steps):
            rows = where[inside][:, 0] == step
            back[step][where[inside][rows, 1], where[inside][rows, 2]] = found[rows]
    trees = _trees(x, y, seed)
    result = np.empty((areas, steps))
    for step in range(steps):
        now, scale = _inputs(panel, step)
        result[:, step] = trees.predict(now[:, -1]) * scale[:, -1]
    return result, back


def _rows(panel: Panel, pasts: list[Floats], seed: int) -> tuple[Floats, Floats, Floats, np.ndarray]:
    """Inputs, errors in units of what is to be expected, that unit, and step, area and time of each row."""
    inputs, targets, sizes, places = [], [], [], []
    rng = np.random.default_rng(seed)
    for step, past in enumerate(pasts):
        area, time = np.nonzero(np.isfinite(past) & panel.trusted[:, None])
        if len(area) > _MOST_ROWS // len(pasts):
            chosen = np.sort(rng.choice(len(area), _MOST_ROWS // len(pasts), replace=False))
            area, time = area[chosen], time[chosen]
        now, scale = _inputs(panel, step)
        inputs.append(now[area, time])
        sizes.append(scale[area, time])
        targets.append(np.clip(past[area, time] / scale[area, time], -_CLIP, _CLIP))
        places.append(np.column_stack([np.full(len(area), step), area, time]))
    return np.concatenate(inputs), np.concatenate(targets), np.concatenate(sizes), np.concatenate(places)


def _inputs(panel: Panel, step: int) -> tuple[Floats, Floats]:
    """What the trees see at every step of every area, and the unit of their answer."""
    features = panel.features
    own = [features[..., 0] + features[..., 1], features[..., 2] + features[..., 3], features[..., 4], features[..., 5]]
    shared = [features[..., 6] + features[..., 7], features[..., 8], features[..., 9], features[..., 10]]
    scale = np.sqrt(panel.noise + 0.004 * (step + 1))
    columns = [*own, *shared, features[..., 12], features[..., 13], panel.base, np.full_like(panel.base, step)]
    columns += [panel.signals[..., number] for number in range(panel.signals.shape[-1])]
    return np.stack(columns, axis=-1), scale


def _trees(x: Floats, y: Floats, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 -- loads for a second; only this model waits

    model = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=_TREES,
        learning_rate=0.08,
        max_leaf_nodes=8,
        min_samples_leaf=60,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )
    return model.fit(x, y)
