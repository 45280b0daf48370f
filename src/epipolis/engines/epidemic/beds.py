"""Beds in use over the coming days, with probabilities: wards, intensive care, ventilators.

    forecast = forecast_beds(occupancy, cases=cases, days=14)       # area, day, kind ("ward", "icu"), value
    passing = passes_limit(forecast, {"Lombardia": 1_500})          # probability of each day

Log occupancy is carried forward by a regression on its own slopes and on what runs ahead of it (`leads`); the intervals are
the errors that the same regression made on past days, each made from what was known then, scaled to the size of the area.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epipolis.engines.epidemic.counts import Counts, counts_of, date_column, long_table
from epipolis.engines.epidemic.jumps import spliced
from epipolis.engines.epidemic.leads import beds_of, bridged, coefficients, features_of, log_beds
from epipolis.engines.epidemic.limits import first_passing, passes_limit
from epipolis.engines.epidemic.quantiles import LEVELS
from epipolis.engines.epidemic.stays import Stay, fit_stay, occupancy_from

__all__ = ["Stay", "first_passing", "fit_stay", "forecast_beds", "occupancy_from", "passes_limit"]

Floats = NDArray[np.float64]
KINDS = ("ward", "icu", "ventilators")
"""Each runs ahead of the next."""
MODEL = "beds"
LONGEST = 420  # days of the past that are looked at
MOST_AREAS = 400  # from which is learned; the answer is for all
_CHUNK = 500
_MOST_DAYS = 60
_ERRORS_HALF = 45.0  # days after which a past error counts half
_ERRORS_LONGEST = 200
_STEADY = 0.004  # variance of log occupancy that remains in the largest area
# Errors of a damped trend in units of the scale, at levels 1/40, 3/40, …: what an area without a past is given.
_USUAL = np.array([-2.4, -1.6, -1.2, -0.9, -0.7, -0.5, -0.38, -0.26, -0.16, -0.05])
_USUAL_WEIGHT = 30.0


def forecast_beds(
    occupancy: pa.Table,
    *,
    cases: pa.Table | None = None,
    admissions: pa.Table | None = None,
    days: int = 14,
    levels: Sequence[float] | Floats = LEVELS,
    made_on: date | None = None,
) -> pa.Table:
    """Forecast beds in use for every area and each of the next days.

    Args:
        occupancy: area, day, value (beds in use that day, not admissions)[, known_on][, kind], daily: each kind is forecast
            by itself, "icu" with "ward" running ahead of it and "ventilators" with "icu".
        cases: area, day, value: new cases a day (or a week), the lead of two weeks; may be missing for areas.
        admissions: likewise, new admissions.
        days: how far ahead, 1 to 60.
        levels: probabilities of the quantiles, rising, between 0 and 1.
        made_on: only what was known on this day is used; without it, the last day of `occupancy`.

    Returns:
        A forecast table: model, target (the kind, or "beds"), area, made_on, horizon (days), day, level, value (beds), and
        `marked`: why the answer for an area is weaker than usual (few values, last value old, a jump), else null. The
        intervals are past errors of the same regression: they hold as long as the coming days are like those.

    Raises:
        ValueError: the table names the row: a negative occupancy, a missing column, an empty kind, doubled days; or `days`,
            `levels` are out of bounds.
    """
    wanted = _check(days, levels)
    parts = _kinds(occupancy)
    at = made_on or max(counts_of(part, step=1, what=f"occupancy ({kind})").last for kind, part in parts.items())
    flows = [counts_of(table, at=at, what=what) for table, what in ((cases, "cases"), (admissions, "admissions")) if table]
    answers: list[pa.Table] = []
    ahead: Counts | None = None
    for kind in sorted(parts, key=lambda name: (KINDS.index(name) if name in KINDS else -1, name)):
        own = counts_of(parts[kind], at=at, step=1, what=f"occupancy ({kind})")
        _check_values(own, kind)
        answers.append(_forecast_kind(kind, own, flows, ahead if kind in KINDS else None, at, days, wanted))
        ahead = own if kind in KINDS else ahead
    return pa.concat_tables(answers)


def _check(days: int, levels: Sequence[float] | Floats) -> Floats:
    if not 1 <= days <= _MOST_DAYS:
        raise ValueError(f"days is {days}, but must lie between 1 and {_MOST_DAYS}")
    wanted = np.asarray(levels, float)
    if wanted.ndim != 1 or not len(wanted) or not ((wanted > 0) & (wanted < 1)).all() or (np.diff(wanted) <= 0).any():
        raise ValueError("levels must be probabilities between 0 and 1, in rising order")
    return wanted


def _kinds(occupancy: pa.Table) -> dict[str, pa.Table]:
    if "kind" not in occupancy.column_names:
        return {"beds": occupancy}
    kinds = pc.unique(occupancy["kind"]).to_pylist()
    if None in kinds:
        raise ValueError("occupancy: the kind of a row is empty")
    return {str(kind): occupancy.filter(pc.equal(occupancy["kind"], kind)) for kind in kinds}


def _check_values(own: Counts, kind: str) -> None:
    wrong = np.argwhere(own.values < 0)
    if len(wrong):
        area, day = wrong[0]
        raise ValueError(
            f"occupancy ({kind}): {own.areas[area] or 'the area'} has {own.values[area, day]:g} beds in use on"
            f" {own.first + timedelta(days=int(day))}; there cannot be fewer than none"
        )


@dataclass(frozen=True)
class _Panel:
    """Some areas as the regression sees them."""

    beds: Floats  # [areas, days], bridged
    known: NDArray[np.bool_]
    logs: Floats
    features: Floats
    sizes: Floats
    jumped: NDArray[np.bool_]  # [areas]: a step within the last days


def _panel(rows: NDArray[np.int64], told: Floats, flows: list[Floats], ahead: Floats | None, weights: Floats) -> _Panel:
    values, jumped = spliced(told[rows])
    known = ~np.isnan(values)
    beds = bridged(values)
    logs = log_beds(beds)
    wards = None if ahead is None else log_beds(bridged(spliced(ahead[rows])[0]))
    features, sizes = features_of(logs, [flow[rows] for flow in flows], wards, weights=weights[rows])
    return _Panel(beds, known, logs, features, sizes, jumped)


def _forecast_kind(
    kind: str, own: Counts, flows: list[Counts], ahead: Counts | None, at: date, days: int, levels: Floats
) -> pa.Table:
    first = max(own.first, at - timedelta(days=LONGEST - 1))
    steps = (at - first).days + 1
    told = own.aligned(own.areas, first, steps)
    leads = [_daily(flow, own.areas, first, steps) for flow in flows]
    wards = None if ahead is None else ahead.aligned(own.areas, first, steps)
    weights = bridged(told) if len(told) <= MOST_AREAS else np.nan_to_num(told)
    areas = len(own.areas)
    learned = _panel(np.unique(np.linspace(0, areas - 1, min(areas, MOST_AREAS)).astype(int)), told, leads, wards, weights)
    fits = [_fit(learned, horizon, levels) for horizon in range(1, days + 1)]
    values = np.empty((areas, days, len(levels)))
    marks: list[str | None] = []
    for start in range(0, areas, _CHUNK):
        rows = np.arange(start, min(areas, start + _CHUNK))
        panel = learned if areas <= min(MOST_AREAS, _CHUNK) else _panel(rows, told, leads, wards, weights)
        values[rows], told_why = _answer(panel, told[rows], fits)
        marks += told_why
    return _table(kind, own.areas, at, levels, values, marks)


def _daily(flow: Counts, areas: list[str], first: date, steps: int) -> Floats:
    """Counts a day; a week's count is shared out over its days."""
    if flow.step == 1:
        return flow.aligned(areas, first, steps)
    shared = Counts(flow.areas, flow.first - timedelta(days=6), 1, np.repeat(flow.values / 7, 7, axis=1))
    return shared.aligned(areas, first, steps)


def _scale(beds: Floats) -> Floats:
    """What errors of the log are in proportion to: chance in a small area, a common part in every area."""
    return np.asarray(np.sqrt(1 / (beds + 6.0) + _STEADY))


@dataclass(frozen=True)
class _Fit:
    coefficients: Floats  # [features]
    errors: Floats  # [levels], in units of the scale


def _fit(panel: _Panel, horizon: int, levels: Floats) -> _Fit:
    steps = panel.logs.shape[1]
    weights = panel.beds * panel.known
    made = np.arange(max(0, steps - _ERRORS_LONGEST - horizon), steps)
    fitted = coefficients(panel.features, panel.logs, panel.known, weights, panel.sizes, horizon, made)
    past = made[(made + horizon < steps) & (made >= 21)]
    usual = np.concatenate([_USUAL, -_USUAL]) * np.sqrt(horizon / 7) * (horizon / 7) ** 0.25
    errors, counts = usual, np.full(len(usual), _USUAL_WEIGHT / len(usual))
    if len(past):
        ahead = np.einsum("adk,dk->ad", panel.features[:, past], fitted[past - made[0]])
        found = (panel.logs[:, past + horizon] - panel.logs[:, past] - ahead) / _scale(panel.beds[:, past])
        age = steps - 1 - horizon - past
        weight = 0.5 ** (age / _ERRORS_HALF) * (panel.beds[:, past] + 1) ** 0.25
        weight *= panel.known[:, past] & panel.known[:, past + horizon]
        weight /= max(weight.max(), 1e-12)
        both = np.concatenate([found.ravel(), -found.ravel()])
        errors = np.concatenate([errors, both])
        counts = np.concatenate([counts, weight.ravel(), weight.ravel()])
    return _Fit(fitted[-1], _weighted_quantiles(errors, counts, levels))


def _weighted_quantiles(values: Floats, weights: Floats, levels: Floats) -> Floats:
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - weights[order] / 2
    return np.interp(levels, below / weights.sum(), values[order])


def _answer(panel: _Panel, told: Floats, fits: list[_Fit]) -> tuple[Floats, list[str | None]]:
    """Quantiles [areas, days, levels] from the last known value of each area, and why some are weak."""
    areas, steps = told.shape
    horizons = len(fits)
    known = panel.known
    has = np.asarray(known.any(axis=1))
    last = np.where(has, steps - 1 - np.argmax(known[:, ::-1], axis=1), steps - 1)
    old = steps - 1 - last
    rows = np.arange(areas)
    features, logs, scale = panel.features[rows, last], panel.logs[rows, last], _scale(panel.beds[rows, last])
    values = np.empty((areas, horizons, len(fits[0].errors)))
    ahead = np.stack([features @ fit.coefficients for fit in fits], axis=1)
    errors = np.stack([fit.errors for fit in fits])
    wider = np.where(known.sum(axis=1) < 21, 1.3, 1.0) * np.where(panel.jumped, 1.5, 1.0) * np.where(has, 1.0, 4.0)
    for position in range(horizons):
        farther = np.minimum(position + old, horizons - 1)
        stretch = wider * np.sqrt((position + 1 + old) / (farther + 1)) * scale
        middle = logs + ahead[rows, farther]
        values[:, position] = beds_of(middle[:, None] + stretch[:, None] * errors[farther])
    marks = [
        _mark(bool(h), int(n), int(o), bool(j)) for h, n, o, j in zip(has, known.sum(axis=1), old, panel.jumped, strict=True)
    ]
    return values, marks


def _mark(has: bool, count: int, old: int, jumped: bool) -> str | None:
    if not has:
        return "no value is known: only what other areas show"
    reasons = []
    if count < 21:
        reasons.append(f"only {count} days are known")
    if old > 1:
        reasons.append(f"the last value is {old} days old")
    if jumped:
        reasons.append("the series jumped within the last days")
    return "; ".join(reasons) or None


def _table(kind: str, areas: list[str], at: date, levels: Floats, values: Floats, marks: Sequence[str | None]) -> pa.Table:
    count, days, deep = values.shape
    today = (at - date(1970, 1, 1)).days
    horizon = np.tile(np.repeat(np.arange(1, days + 1), deep), count)
    index = np.repeat(np.arange(count), days * deep)
    rows = count * days * deep
    columns: Mapping[str, pa.Array] = {
        "made_on": date_column(np.full(rows, today)),
        "horizon": pa.array(horizon, pa.int32()),
        "day": date_column(today + horizon),
        "level": pa.array(np.tile(levels, count * days)),
        "value": pa.array(values.ravel()),
        "marked": pa.array(list(marks), pa.string()).take(pa.array(index)),
    }
    table = long_table(columns, areas, index)
    return table.add_column(0, "target", pa.repeat(kind, rows)).add_column(0, "model", pa.repeat(MODEL, rows))
