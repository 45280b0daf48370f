"""The ensemble: quantiles of all models averaged, better models counting a little more."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epipolis.engines.epidemic.forecasts.panels import root, unroot
from epipolis.engines.epidemic.histories import Floats

_TASKS_OF_PRIOR = 400.0
_SHARPNESS = 4.0


def ensemble(forecasts: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """The weighted mean of each quantile over the models, on the scale of fourth roots: [areas, steps, levels]."""
    total = sum(weights[name] for name in forecasts)
    mean = np.zeros_like(next(iter(forecasts.values())))
    for name, values in forecasts.items():
        mean += weights[name] / total * root(values)
    return unroot(mean)


def weights_of(models: Sequence[str], past_scores: pa.Table | None, made_on: date) -> dict[str, float]:
    """Weights that add up to one, from the scores of forecasts whose day was over before `made_on`.

    A model counts by how its mean score compares with that of all models on the tasks that all of them have, to the
    fourth power, drawn to equal weights where there are few tasks. Without scores all weights are equal.

    Raises:
        ValueError: `past_scores` lacks one of model, day, wis.
    """
    equal = {name: 1 / len(models) for name in models}
    if past_scores is None or not past_scores.num_rows:
        return equal
    if missing := [name for name in ("model", "day", "wis") if name not in past_scores.column_names]:
        raise ValueError(f"The past scores have no column {missing[0]!r}.")
    known = past_scores.filter(
        pc.and_(pc.less(past_scores["day"], pa.scalar(made_on, pa.date32())), pc.is_valid(past_scores["wis"]))
    )
    return weights_from(models, *_means(known, models))


def weights_from(models: Sequence[str], mean: Mapping[str, float], tasks: int) -> dict[str, float]:
    """The weights of models with these mean scores on so many tasks."""
    if not tasks:
        return {name: 1 / len(models) for name in models}
    trust = tasks / (tasks + _TASKS_OF_PRIOR)
    raw = {name: (np.mean(list(mean.values())) / max(mean[name], 1e-12)) ** (_SHARPNESS * trust) for name in models}
    total = sum(raw.values())
    return {name: float(value / total) for name, value in raw.items()}


def _means(scores: pa.Table, models: Sequence[str]) -> tuple[dict[str, float], int]:
    keys = [name for name in ("target", "area", "made_on", "horizon", "day") if name in scores.column_names]
    wanted = scores.filter(pc.is_in(scores["model"], pa.array(list(models))))
    counts = wanted.group_by(keys).aggregate([("model", "count_distinct")])
    common = counts.filter(pc.equal(counts["model_count_distinct"], len(models)))
    if not common.num_rows:
        return {}, 0
    kept = wanted.join(common.select(keys), keys=keys, join_type="left semi")
    means = kept.group_by("model").aggregate([("wis", "mean")])
    return dict(zip(means["model"].to_pylist(), means["wis_mean"].to_pylist(), strict=True)), common.num_rows
