"""How good a forecast was: the weighted interval score, its parts and the coverage of its intervals.

Bracher, Ray, Gneiting & Reich 2021 (doi:10.1371/journal.pcbi.1008618); on other scales Bosse et al. 2023
(doi:10.1371/journal.pcbi.1011393). Weights as in the forecast hubs: an interval counts alpha / 2, the median 1 / 2,
so that the score is the mean over the levels of twice the quantile loss, and that of a point the absolute error.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epipolis.engines.compiled import compiled
from epipolis.engines.epidemic.units import Floats, Ints, Units, truth_for, units_of

SCALES: dict[str, Callable[[Floats], Floats]] = {
    "natural": lambda values: values,
    "log": lambda values: np.log1p(values),
    "sqrt": lambda values: np.sqrt(values),
    "fourth": lambda values: np.sqrt(np.sqrt(values)),
}
"""What is done to forecasts and observations before they are scored; below zero they count as zero except "natural"."""

MEASURES = ("wis", "spread", "over", "under", "ae_median", "bias", "within_50", "within_90", "within_95")
_WIDTHS = {"within_50": 0.5, "within_90": 0.9, "within_95": 0.95}
_SAME = 1e-6


def score(forecast: pa.Table, observed: pa.Table, *, scale: str = "natural") -> pa.Table:
    """Score every forecast against what was observed.

    Args:
        forecast: model, target, area, made_on, horizon, day, level, value.
        observed: target, area, day, value (without target: for every target).
        scale: "natural", "log" (of value + 1), "sqrt" or "fourth" (root).

    Returns:
        One row for each (model, target, area, made_on, horizon, day): observed, wis and its parts spread, over and
        under, ae_median, bias (-1 all too low … 1 all too high), within_50, within_90, within_95, levels (how many
        counted) and marked: empty, or what is wrong with it. Without observation, value or a symmetric pair of levels
        the scores are null. Missing levels and crossing quantiles are scored as they are, and marked.

    Raises:
        ValueError: an unknown scale, or a table that cannot be used (see `units_of`); names row and rule.
    """
    if scale not in SCALES:
        raise ValueError(f"The scale is one of {', '.join(SCALES)}, not {scale!r}.")
    units = units_of(forecast)
    truth, known_area = truth_for(units.keys, observed)
    values, seen = units.values, truth
    negative = np.zeros(len(truth), bool)
    if scale != "natural":
        negative = np.any(values < 0, axis=1) | (truth < 0)
        values, seen = SCALES[scale](np.maximum(values, 0)), SCALES[scale](np.maximum(truth, 0))
    parts, counts = _parts(seen, values, units.levels)
    columns = {name: units.keys[name] for name in units.keys.column_names}
    columns["observed"] = _column(truth)
    for number, name in enumerate(("wis", "spread", "over", "under")):
        columns[name] = _column(parts[:, number])
    columns["ae_median"], columns["bias"] = (
        _column(_median_error(seen, values, units.levels)),
        _column(_bias(seen, values, units)),
    )
    for name, width in _WIDTHS.items():
        columns[name] = within(seen, values, units.levels, width)
    columns["levels"] = pa.array(counts)
    columns["marked"] = pa.array(_marks(units, truth, known_area, counts, negative))
    return pa.table(columns)


def summarise(scores: pa.Table, by: Sequence[str] = ("model",)) -> pa.Table:
    """Mean scores by the columns named: wis, spread, over, under, ae_median, bias, the shares within_…; `forecasts` is
    how many were scored, `unscored` how many were not, `marked` how many of the scored are marked.

    Raises:
        ValueError: a column of `by` is not in the table.
    """
    unknown = [name for name in by if name not in scores.column_names]
    if unknown:
        raise ValueError(f"The scores have no {', '.join(unknown)}; they have {', '.join(scores.column_names)}.")
    flags = {name: pc.cast(scores[name], pa.float64()) for name in _WIDTHS}
    scored = pc.is_valid(scores["wis"])
    flags["forecasts"] = pc.cast(scored, pa.int64())
    flags["unscored"] = pc.cast(pc.invert(scored), pa.int64())
    flags["marks"] = pc.cast(pc.and_(scored, pc.not_equal(scores["marked"], "")), pa.int64())
    table = scores.select([*by, "wis", "spread", "over", "under", "ae_median", "bias"])
    for name, column in flags.items():
        table = table.append_column(name, column)
    whole = [("forecasts", "sum"), ("unscored", "sum"), ("marks", "sum")]
    means = [(name, "mean") for name in MEASURES]
    result = table.group_by(list(by), use_threads=False).aggregate([*means, *whole])
    names = {f"{name}_mean": name for name in MEASURES} | {f"{name}_sum": name for name in flags}
    result = result.rename_columns([names.get(name, name) for name in result.column_names])
    result = result.select([*by, *MEASURES, "forecasts", "unscored", "marks"])
    result = result.rename_columns([*by, *MEASURES, "forecasts", "unscored", "marked"])
    return result.sort_by([(name, "ascending") for name in by]) if by else result


def weighted_interval_score(observed: Floats, values: Floats, levels: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The weighted interval score and its parts: (wis, spread, over, under), each [n]; wis is the sum of the parts.

    Args:
        observed: [n]; NaN gives NaN.
        values: [n, levels]; a NaN leaves out its level and the level opposite.
        levels: ascending, between 0 and 1, symmetric about 0.5 (for each level p also 1 - p).

    Raises:
        ValueError: shapes that do not fit or levels that break a rule.
    """
    seen, table = np.asarray(observed, np.float64), np.asarray(values, np.float64)
    probabilities = np.asarray(levels, np.float64)
    if seen.ndim != 1 or table.shape != (len(seen), len(probabilities)):
        raise ValueError(f"{seen.shape} observed and {len(probabilities)} levels do not fit values of shape {table.shape}.")
    if np.any(np.diff(probabilities) <= 0) or np.any((probabilities <= 0) | (probabilities >= 1)):
        raise ValueError("Levels ascend and lie between 0 and 1.")
    alone = np.abs(probabilities + probabilities[::-1] - 1) > _SAME
    if alone.any():
        raise ValueError(f"Level {probabilities[np.argmax(alone)]:g} has no level opposite.")
    parts, _ = _parts(seen, table, probabilities)
    return parts[:, 0], parts[:, 1], parts[:, 2], parts[:, 3]


def pairs_of(levels: Floats) -> tuple[Ints, Ints]:
    """The places of the lower and upper ends of the intervals, the median with itself, among ascending levels."""
    place = np.searchsorted(levels, 1 - levels - _SAME)
    there = place < len(levels)
    there[there] = np.abs(levels[place[there]] + levels[there] - 1) <= 2 * _SAME
    lower = np.flatnonzero(there & (levels <= 0.5 + _SAME))
    return lower.astype(np.int64), place[lower].astype(np.int64)


def within(observed: Floats, values: Floats, levels: Floats, width: float) -> pa.Array:
    """Whether the middle interval of this width holds the observed value; null where one of them is missing."""
    ends = [np.flatnonzero(np.abs(levels - (1 + sign * width) / 2) <= _SAME) for sign in (-1, 1)]
    if not all(len(end) for end in ends):
        return pa.nulls(len(observed), pa.bool_())
    low, high = (values[:, end[0]] for end in ends)
    return pa.array((low <= observed) & (observed <= high), mask=np.isnan(low) | np.isnan(high) | np.isnan(observed))


def _parts(observed: Floats, values: Floats, levels: Floats) -> tuple[Floats, Ints]:
    lower, upper = pairs_of(levels)
    parts, counts = np.empty((len(observed), 4)), np.empty(len(observed), np.int64)
    _score_rows(observed, np.ascontiguousarray(values), lower, upper, levels, parts, counts)
    return parts, counts


@compiled(allocates=False)
def _score_rows(
    observed: Floats, values: Floats, lower: Ints, upper: Ints, levels: Floats, parts: Floats, counts: Ints
) -> None:
    for row in range(len(observed)):
        seen = observed[row]
        spread, over, under, weight, counted = 0.0, 0.0, 0.0, 0.0, 0
        for pair in range(len(lower)):
            low, high = values[row, lower[pair]], values[row, upper[pair]]
            if np.isnan(low) or np.isnan(high):
                continue
            share = 0.5 if lower[pair] == upper[pair] else 1.0
            weight += share
            counted += 1 if lower[pair] == upper[pair] else 2
            if lower[pair] != upper[pair]:
                spread += levels[lower[pair]] * (high - low)
            if seen < low:
                over += share * (low - seen)
            if seen > high:
                under += share * (seen - high)
        counts[row] = counted
        if weight == 0 or np.isnan(seen):
            parts[row, :] = np.nan
            continue
        parts[row, 1], parts[row, 2], parts[row, 3] = spread / weight, over / weight, under / weight
        parts[row, 0] = parts[row, 1] + parts[row, 2] + parts[row, 3]


def _median_error(observed: Floats, values: Floats, levels: Floats) -> Floats:
    median = np.flatnonzero(np.abs(levels - 0.5) <= _SAME)
    return np.abs(values[:, median[0]] - observed) if len(median) else np.full(len(observed), np.nan)


def _bias(observed: Floats, values: Floats, units: Units) -> Floats:
    """1 - 2 x the highest level not above the observed where that is below the median, else mirrored; 0 at the median."""
    levels = units.levels
    median = np.flatnonzero(np.abs(levels - 0.5) <= _SAME)
    if not len(median):
        return np.full(len(observed), np.nan)
    seen, middle = observed[:, None], values[:, median[0]]
    below = np.max(np.where(values <= seen, levels, 0.0), axis=1, initial=0.0)
    above = np.min(np.where(values >= seen, levels, 1.0), axis=1, initial=1.0)
    result = np.where(observed < middle, 1 - 2 * below, np.where(observed > middle, 1 - 2 * above, 0.0))
    result[np.isnan(observed) | np.isnan(middle)] = np.nan
    return result


def _marks(units: Units, truth: Floats, known_area: NDArray[np.bool_], counts: Ints, negative: NDArray[np.bool_]) -> list[str]:
    there = np.isfinite(units.values)
    filled = np.where(there, units.values, -np.inf)
    highest = np.maximum.accumulate(filled, axis=1)
    rules = {
        "the area is not among the observed": ~known_area,
        "not observed": known_area & np.isnan(truth),
        "no pair of levels": counts == 0,
        "levels are missing": (counts > 0) & (~there.all(axis=1) | (counts < len(units.levels))),
        "quantiles cross": np.any(
            there & (filled < highest - _SAME * np.maximum(1, np.abs(np.where(there, highest, 0)))), axis=1
        ),
        "below zero counts as zero": negative,
    }
    marks = [""] * len(truth)
    for text, hit in rules.items():
        for row in np.flatnonzero(hit):
            marks[row] = f"{marks[row]}; {text}" if marks[row] else text
    return marks


def _column(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
