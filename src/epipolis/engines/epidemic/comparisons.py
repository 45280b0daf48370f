"""Models beside each other on the forecasts they have in common: relative skill.

Every pair of models is compared on what both have forecast: the ratio of their mean scores. A model's relative skill
is the geometric mean of its ratios to all models, itself included (Cramer et al. 2022, doi:10.1073/pnas.2113561119).
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epipolis.engines.epidemic.units import KEYS, Floats, coded, grouped, numbers

_TASK = tuple(name for name in KEYS if name != "model")


def compare_models(scores: pa.Table, baseline: str | None = None, by: Sequence[str] = (), *, measure: str = "wis") -> pa.Table:
    """The relative skill of every model, in each group of the columns `by`; below 1 is better than the field.

    Args:
        scores: a table made by `score`; rows without a score do not count.
        baseline: the model whose skill is set to 1 in `scaled_skill`.
        by: columns of the scores: "target", "horizon", "area", …
        measure: the column compared.

    Returns:
        by…, model, relative_skill, scaled_skill (null without a baseline in the group), mean (of the measure over all the
        model's own forecasts), forecasts, against (how many other models it shares a forecast with; with none its skill
        is null), in the order of the skill.

    Raises:
        ValueError: a column is missing, or no row is of the baseline; the models there are are named.
    """
    missing = [name for name in (*by, *KEYS, measure) if name not in scores.column_names]
    if missing:
        raise ValueError(f"The scores have no {', '.join(missing)}; they have {', '.join(scores.column_names)}.")
    models = sorted(pc.unique(scores["model"]).to_pylist())
    if baseline is not None and baseline not in models:
        raise ValueError(f"No forecast is of {baseline!r}; the models are {', '.join(models) or 'none'}.")
    scored = scores.filter(pc.is_finite(pc.cast(scores[measure], pa.float64())))
    _, group, first = grouped(coded([scored[name] for name in by])[0] if by else np.zeros(scored.num_rows, np.int64))
    tables = []
    for number, row in enumerate(first):
        part = scored.filter(pa.array(group == number))
        told = {name: scored[name][int(row)].as_py() for name in by}
        tables.append(_compared(part, baseline, measure, told, scores.schema))
    if not tables:
        return _table([], list(by), scores.schema)
    return pa.concat_tables(tables)


def _compared(part: pa.Table, baseline: str | None, measure: str, told: dict[str, object], schema: pa.Schema) -> pa.Table:
    names = sorted(pc.unique(part["model"]).to_pylist())
    matrix = _matrix(part, names, measure)
    ratios = _ratios(matrix)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(ratios)
    shared = np.isfinite(logs)
    skill = np.exp(np.where(shared, logs, 0).sum(axis=1) / shared.sum(axis=1))
    against = shared.sum(axis=1) - 1
    skill[(against == 0) & (len(names) > 1)] = np.nan
    scale = skill[names.index(baseline)] if baseline in names else np.nan
    rows = [
        {
            **told,
            "model": name,
            "relative_skill": _number(skill[place]),
            "scaled_skill": _number(skill[place] / scale),
            "mean": float(np.nanmean(matrix[:, place])),
            "forecasts": int(np.isfinite(matrix[:, place]).sum()),
            "against": int(against[place]),
        }
        for place, name in enumerate(names)
    ]
    rows.sort(key=lambda row: (row["relative_skill"] is None, row["relative_skill"] or 0.0))
    return _table(rows, list(told), schema)


def _matrix(part: pa.Table, names: list[str], measure: str) -> Floats:
    """[tasks, models] of the measure, NaN where a model has not forecast."""
    _, task, first = grouped(coded([part[name] for name in _TASK])[0])
    model = np.asarray(pc.index_in(part["model"], pa.array(names)).to_numpy(zero_copy_only=False), np.int64)
    matrix = np.full((len(first), len(names)), np.nan)
    matrix[task, model] = numbers(part, measure)
    return matrix


def _ratios(matrix: Floats) -> Floats:
    """Mean of one model over mean of the other where both have a score; 1 where both are perfect."""
    there = np.isfinite(matrix)
    filled = np.where(there, matrix, 0.0)
    own = filled.T @ there  # [model, other]: the model's sum over the tasks it shares with the other
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = own / own.T
    both = there.T.astype(float) @ there
    ratios[(own == 0) & (own.T == 0) & (both > 0)] = 1.0
    ratios[both == 0] = np.nan
    return np.asarray(ratios, np.float64)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _table(rows: list[dict[str, object]], by: list[str], schema: pa.Schema) -> pa.Table:
    fields = [schema.field(name) for name in by]
    fields += [pa.field("model", pa.string())]
    fields += [pa.field(name, pa.float64()) for name in ("relative_skill", "scaled_skill", "mean")]
    fields += [pa.field(name, pa.int64()) for name in ("forecasts", "against")]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))
