"""When a limit is passed, and with what probability."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SENTENCES = {
    "now": "{area}: more than {limit} {beds} are needed already on {day} (probability {probability} %).",
    "likely": "{area}: more than {limit} {beds} are likely from {day} on (probability {probability} % that day).",
    "possible": "{area}: passing {limit} {beds} by {last_day} is possible (probability {probability} %).",
    "unlikely": "{area}: passing {limit} {beds} by {last_day} is unlikely (probability {probability} %).",
}
"""What to say in each state; the keys stay, the words may be translated."""
POSSIBLE = 0.1


def passes_limit(
    forecast: pa.Table, limit: float | Mapping[str, float], *, draws: int = 2_000, seed: int = 0, model: str | None = None
) -> pa.Table:
    """The probability that each forecast day, and any day up to it, lies above a limit.

    Args:
        forecast: a forecast table; with several models, `model` says which.
        limit: for all areas, or by area; areas without one are left out.
        draws: paths by which "any day up to it" is counted; they follow the quantiles of each day, and the days of a path
            belong together as those of a random walk do.

    Returns:
        target, area, made_on, limit, horizon, day, probability, probability_by.

    Raises:
        ValueError: the forecast holds several models; a limit is negative; an area with a limit is not in the forecast.
    """
    forecast = _one_model(forecast, model)
    order = forecast.sort_by([(name, "ascending") for name in ("target", "area", "made_on", "horizon", "level")])
    levels = np.unique(order["level"].to_numpy())
    deep = len(levels)
    if forecast.num_rows % deep or not np.array_equal(order["level"].to_numpy().reshape(-1, deep), _tiled(levels, order)):
        raise ValueError("the forecast does not have every level for every day")
    heads = order.take(pa.array(np.arange(0, order.num_rows, deep)))
    limits = _limits(limit, set(heads["area"].to_pylist()))
    areas = heads["area"].to_pylist()
    kept = np.array([row for row, area in enumerate(areas) if limits is None or area in limits], dtype=np.int64)
    values = order["value"].to_numpy().reshape(-1, deep)[kept]
    heads = heads.take(pa.array(kept))
    own = np.array([float(limit) if limits is None else limits[area] for area in heads["area"].to_pylist()])  # type: ignore[arg-type]  # -- without limits by area it is a number
    threshold = scores_at(values, levels, own)
    return pa.table(
        {
            "target": heads["target"],
            "area": heads["area"],
            "made_on": heads["made_on"],
            "limit": own,
            "horizon": heads["horizon"],
            "day": heads["day"],
            "probability": _above(threshold),
            "probability_by": _by(heads, threshold, draws, seed),
        }
    )


def _tiled(levels: Floats, table: pa.Table) -> Floats:
    return np.tile(levels, table.num_rows // len(levels)).reshape(-1, len(levels))


def _one_model(forecast: pa.Table, model: str | None) -> pa.Table:
    if "model" not in forecast.column_names:
        return forecast
    names = sorted(set(forecast["model"].to_pylist()))
    if model is not None:
        if model not in names:
            raise ValueError(f"there is no model {model!r} in the forecast; there are {', '.join(names)}")
        return forecast.filter(pa.array([name == model for name in forecast["model"].to_pylist()]))
    if len(names) > 1:
        raise ValueError(f"the forecast holds the models {', '.join(names)}: say which")
    return forecast


def _limits(limit: float | Mapping[str, float], areas: set[str]) -> Mapping[str, float] | None:
    told = limit if isinstance(limit, Mapping) else {"": limit}
    for area, value in told.items():
        if not value >= 0:
            raise ValueError(f"the limit{f' of {area}' if area else ''} is {value}, but must be a number from 0 on")
    if not isinstance(limit, Mapping):
        return None
    if unknown := sorted(set(limit) - areas):
        raise ValueError(f"there is a limit for {unknown[0]}, which the forecast does not have")
    return limit


def scores_at(values: Floats, levels: Floats, at: Floats) -> Floats:
    """Where `at` [rows] lies in the distributions with quantiles `values` [rows, levels], as a normal score.

    Between levels the score is a straight line; beyond them the outermost line goes on.
    """
    from scipy.special import ndtri  # noqa: PLC0415 -- heavy, and only limits need it

    scores = np.asarray(ndtri(levels))
    rising = np.maximum.accumulate(values, axis=1) + np.arange(len(levels)) * 1e-9
    position = (rising <= at[:, None]).sum(axis=1)
    low = np.clip(position - 1, 0, max(0, len(levels) - 2))
    rows = np.arange(len(values))
    if len(levels) == 1:
        return np.where(at >= rising[:, 0], np.inf, -np.inf)
    width = np.maximum(rising[rows, low + 1] - rising[rows, low], 1e-9)
    part = (at - rising[rows, low]) / width
    return np.asarray(np.clip(scores[low] + part * (scores[low + 1] - scores[low]), -8.0, 8.0))


def _above(scores: Floats) -> Floats:
    from scipy.special import ndtr  # noqa: PLC0415 -- heavy, and only limits need it

    return np.asarray(ndtr(-scores))


def _by(heads: pa.Table, scores: Floats, draws: int, seed: int) -> Floats:
    """The probability that a path was above its limit by each day; rows of one area follow each other."""
    horizon = heads["horizon"].to_numpy().astype(np.int64)
    steps = np.unique(horizon)
    rng = np.random.default_rng(seed)
    gaps = np.diff(np.concatenate([[0], np.maximum(steps, 1)]))
    walk = np.cumsum(rng.standard_normal((draws, len(steps))) * np.sqrt(np.maximum(gaps, 0)), axis=1)
    walk /= np.sqrt(np.maximum(steps, 1))
    starts = np.flatnonzero(np.concatenate([[True], np.diff(horizon) <= 0])) if len(horizon) else np.array([], np.int64)
    by = np.empty(len(scores))
    above = _above(scores)
    for start, end in zip(starts, [*starts[1:], len(horizon)], strict=True):
        own = np.searchsorted(steps, horizon[start:end])
        passed = np.logical_or.accumulate(walk[:, own] > scores[start:end], axis=1).mean(axis=0)
        by[start:end] = np.maximum.accumulate(np.maximum(passed, above[start:end]))
    return by


def first_passing(passing: pa.Table, *, threshold: float = 0.5) -> pa.Table:
    """For each area the first day on which passing the limit is at least as probable as `threshold`.

    Returns:
        target, area, limit, state ("now", "likely", "possible", "unlikely"), first_day (null when none), probability (of that
        day; without one, of any day up to the last), last_day, and `told`: the state as a sentence.
    """
    groups: dict[tuple[str, str, date], list[dict[str, Any]]] = {}
    for row in passing.to_pylist():
        groups.setdefault((row["target"], row["area"], row["made_on"]), []).append(row)
    told = []
    for (target, area, _), rows in groups.items():
        rows.sort(key=lambda row: row["horizon"])
        first = next((row for row in rows if row["probability"] >= threshold), None)
        chance = first["probability"] if first else rows[-1]["probability_by"]
        state = ("now" if first is rows[0] else "likely") if first else ("possible" if chance >= POSSIBLE else "unlikely")
        told.append(
            {
                "target": target,
                "area": area,
                "limit": rows[0]["limit"],
                "state": state,
                "first_day": first["day"] if first else None,
                "probability": chance,
                "last_day": rows[-1]["day"],
            }
        )
    for row in told:
        row["told"] = sentence(row)
    return pa.Table.from_pylist(told, schema=_FIRST)


def sentence(row: Mapping[str, Any], sentences: Mapping[str, str] = SENTENCES) -> str:
    """Say one row of `first_passing`."""
    percent = 100 * row["probability"]
    return sentences[row["state"]].format(
        area=row["area"] or "All",
        beds="beds" if row["target"] == "beds" else f"{row['target']} beds",
        limit=f"{row['limit']:,.0f}",
        day=row["first_day"],
        last_day=row["last_day"],
        probability="above 99" if percent > 99 else "below 1" if percent < 1 else f"{percent:.0f}",
    )


_FIRST = pa.schema(
    {
        "target": pa.string(),
        "area": pa.string(),
        "limit": pa.float64(),
        "state": pa.string(),
        "first_day": pa.date32(),
        "probability": pa.float64(),
        "last_day": pa.date32(),
        "told": pa.string(),
    }
)
