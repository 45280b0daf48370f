"""Forecasts in the format of the public forecast hubs (hubverse; and the older format of the European COVID-19 hub)."""

import re
from collections.abc import Callable, Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epipolis.engines.epidemic.units import KEYS, Floats, Ints, coded, numbers, typed

HUB_COLUMNS = (
    *("reference_date", "target", "horizon", "target_end_date", "location"),
    *("output_type", "output_type_id", "value"),
)
_NAMES = {
    "made_on": ("reference_date", "forecast_date", "origin_date", "made_on"),
    "day": ("target_end_date", "day"),
    "area": ("location", "area"),
    "level": ("output_type_id", "quantile", "quantile_level", "level"),
    "value": ("value", "predicted"),
    "horizon": ("horizon",),
    "target": ("target",),
    "model": ("model", "model_id"),
}
_KIND = ("output_type", "type")
_AHEAD = re.compile(r"^(?P<steps>-?\d+) (?P<unit>wk|day) ahead (?P<what>.+)$")
_WEEK = 7


def to_hub(forecast: pa.Table, model: str | None = None) -> pa.Table:
    """One model's forecasts as a hub takes them: reference_date, target, horizon, target_end_date, location, output_type
    ("quantile"), output_type_id (the level as text), value; in the order of the columns, levels ascending.

    Raises:
        ValueError: the table holds several models and `model` names none of them.
    """
    table = typed(forecast, (*KEYS, "level", "value"), "The forecast", optional=("value",))
    models = sorted(pc.unique(table["model"]).to_pylist())
    if model is None and len(models) > 1:
        raise ValueError(f"A hub's file holds one model: name one of {', '.join(models)}.")
    if model is not None and model not in models:
        raise ValueError(f"No forecast is of {model!r}; the models are {', '.join(models) or 'none'}.")
    if model is not None:
        table = table.filter(pc.equal(table["model"], model))
    table = table.filter(pc.is_valid(table["value"]))
    table = table.sort_by([(name, "ascending") for name in ("made_on", "target", "area", "horizon", "day", "level")])
    levels = [f"{level:.6f}".rstrip("0") for level in table["level"].to_pylist()]
    columns = [table["made_on"], table["target"], table["horizon"], table["day"], table["area"]]
    return pa.table(
        [*columns, pa.array(["quantile"] * table.num_rows), pa.array(levels, pa.string()), table["value"]], HUB_COLUMNS
    )


def from_hub(
    table: pa.Table, model: str | None = None, *, target: str | None = None, areas: Collection[str] | None = None
) -> pa.Table:
    """A hub's file as a forecast table; rows that are not quantiles (points, samples, probabilities) are left out.

    Args:
        table: the present format (reference_date, target, horizon, target_end_date, location, output_type,
            output_type_id, value) or the older one (forecast_date, target "2 wk ahead inc case", target_end_date,
            location, type, quantile, value). Read locations as text, or "01" is lost.
        model: the team's name; else the column model or model_id.
        target: for a table without that column.
        areas: the locations known; any other is refused.

    Returns:
        model, target, area, made_on, horizon, day, level, value. `made_on` is the reference date.

    Raises:
        ValueError: the first row that breaks a rule is named with the rule: every column filled, a level between 0 and
            1, a finite value not below zero, a known location, an end date that fits reference date and horizon (in weeks
            or days), no row twice, quantiles that do not fall as the level rises.
    """
    whole = _renamed(table, model, target)
    row = np.arange(1, table.num_rows + 1)
    kind = next((name for name in _KIND if name in table.column_names), None)
    if kind is not None:
        chosen = pc.equal(pc.cast(table[kind], pa.string()), "quantile")
        whole, row = whole.filter(chosen), row[np.asarray(pc.fill_null(chosen, False).to_numpy(zero_copy_only=False), bool)]
    if not whole.num_rows:
        raise ValueError("The file holds no quantiles.")
    found = typed(_with_horizon(whole), (*KEYS, "level", "value"), "The file, quantiles only")
    level, value = np.round(numbers(found, "level"), 6), numbers(found, "value")
    found = found.set_column(found.column_names.index("level"), "level", pa.array(level))
    _refuse(~((level > 0) & (level < 1)), row, lambda at: f"level {level[at]:g} is not between 0 and 1")
    _refuse(~np.isfinite(value), row, lambda at: f"the value is {value[at]}")
    _refuse(value < 0, row, lambda at: f"the value {value[at]:g} is below zero")
    if areas is not None:
        known = pc.is_in(found["area"], pa.array(sorted(areas), pa.string()))
        _refuse(~_truths(known), row, lambda at: f"the location {found['area'][at].as_py()!r} is not known")
    _check_days(found, row)
    _check_order(found, level, value, row)
    return found


def _renamed(table: pa.Table, model: str | None, target: str | None) -> pa.Table:
    columns = {}
    for name, choices in _NAMES.items():
        there = next((choice for choice in choices if choice in table.column_names), None)
        if there is not None:
            columns[name] = table[there]
    for name, given in (("model", model), ("target", target)):
        if given is not None and (name == "model" or name not in columns):
            columns[name] = pa.chunked_array([pa.array([given] * table.num_rows, pa.string())])
    missing = [name for name in _NAMES if name not in columns and name != "horizon"]
    if missing:
        wanted = "; ".join(f"{name} ({' or '.join(_NAMES[name])})" for name in missing)
        raise ValueError(f"The file lacks {wanted}; it has {', '.join(table.column_names)}.")
    return pa.table(columns)


def _with_horizon(table: pa.Table) -> pa.Table:
    """The older format tells the horizon in the target: "2 wk ahead inc case"."""
    if "horizon" in table.column_names:
        return table
    encoded = pc.cast(table["target"], pa.string()).combine_chunks().dictionary_encode()
    parts = [_AHEAD.match(text or "") for text in encoded.dictionary.to_pylist()]
    wrong = [text for text, part in zip(encoded.dictionary.to_pylist(), parts, strict=True) if part is None]
    if wrong:
        raise ValueError(f"Without the column horizon a target tells it as in '2 wk ahead inc case', not {wrong[0]!r}.")
    steps = pa.array([int(part["steps"]) for part in parts if part])
    names = pa.array([f"{part['unit']} {part['what']}" for part in parts if part], pa.string())
    table = table.set_column(table.column_names.index("target"), "target", names.take(encoded.indices))
    return table.append_column("horizon", steps.take(encoded.indices))


def _check_days(table: pa.Table, row: Ints) -> None:
    """Weeks end on a fixed weekday: a horizon of h ends more than h - 1 and at most h weeks later, or exactly h days later."""
    ahead = _days(table, "day") - _days(table, "made_on")
    horizon = numbers(table, "horizon").astype(np.int64)
    fits = ((ahead > _WEEK * (horizon - 1)) & (ahead <= _WEEK * horizon)) | (ahead == horizon)

    def told(at: int) -> str:
        made, day = table["made_on"][at].as_py(), table["day"][at].as_py()
        return f"{day} is not {horizon[at]} weeks or days after {made}"

    _refuse(~fits, row, told)


def _check_order(table: pa.Table, level: Floats, value: Floats, row: Ints) -> None:
    codes, _ = coded([table[name] for name in KEYS])
    order = np.lexsort((level, codes))
    same = codes[order][1:] == codes[order][:-1]
    twice, falls = np.zeros(len(order), bool), np.zeros(len(order), bool)
    twice[order[1:]] = same & (np.diff(level[order]) == 0)
    falls[order[1:]] = same & (np.diff(value[order]) < -1e-6 * np.maximum(1, np.abs(value[order][1:])))
    former = np.zeros(len(order), np.int64)
    former[order[1:]] = order[:-1]
    _refuse(twice, row, lambda at: f"the same forecast and level as row {row[former[at]]}")

    def told(at: int) -> str:
        low = former[at]
        return f"quantiles cross: {value[at]:g} at level {level[at]:g}, {value[low]:g} at level {level[low]:g} (row {row[low]})"

    _refuse(falls, row, told)


def _refuse(broken: NDArray[np.bool_], row: Ints, rule: Callable[[int], str]) -> None:
    if broken.any():
        at = int(np.argmax(broken))
        others = int(broken.sum()) - 1
        raise ValueError(f"The file, row {row[at]}: {rule(at)}{f' (and {others} more rows)' if others else ''}.")


def _days(table: pa.Table, name: str) -> Ints:
    return np.asarray(pc.cast(table[name], pa.int32()).to_numpy(zero_copy_only=False), np.int64)


def _truths(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)
