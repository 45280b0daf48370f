"""The thinking part of a round: what was known goes to the engines, their tables come back. Reads and writes nothing."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from epipolis.core.work import Progress
from epipolis.engines import epidemic
from epipolis.understand.forecast.models import COPIES
from epipolis.understand.forecast.queries import (
    ADMISSIONS,
    BASELINE,
    BEDS,
    CASES,
    CITY,
    ENSEMBLE,
    LINE_LIST,
    NOWCAST,
    OCCUPANCIES,
    WEEK,
    Known,
)

_log = logging.getLogger(__name__)
R_LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)
_SAME = 1e-6
R_NAMES = ("low", "quarter", "median", "three_quarters", "high")
Daily = dict[str, tuple[Any, np.ndarray]]


@dataclass(frozen=True)
class Row:
    """One forecast: a value for each level, or None where the engine gave none."""

    model: str
    target: str
    area: str
    step: int
    horizon: int
    day: Any
    values: list[float | None]
    marked: str = ""


@dataclass
class Results:
    """Everything that came of one round; `problems` names what could not be computed, and why."""

    levels: tuple[float, ...]
    forecasts: list[Row] = field(default_factory=list)
    reproductions: list[dict[str, Any]] = field(default_factory=list)
    passings: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)

    def attempt(self, target: str, part: str, work: Callable[[], Any]) -> Any:
        """Do one part; whatever goes wrong with it is noted and leaves the other parts alone."""
        try:
            return work()
        except Exception as error:  # one target's mistake must not take the whole night's figures away
            _log.warning("forecast of %s, %s: %s", target, part, error, exc_info=not isinstance(error, ValueError))
            why = str(error) if isinstance(error, ValueError) else type(error).__name__
            self.problems.append({"target": target, "area": "", "part": part, "why": why[:300]})
            return None


def compute(known: Known, chosen: Mapping[str, Any], *, seed: int, past: Mapping[str, pa.Table], progress: Progress) -> Results:
    """Every figure of a round. The same input, settings, seed and past scores give the same figures.

    `past`: for each target the scores that were known at the moment, as the ensemble takes them.
    """
    found = Results(tuple(float(level) for level in epidemic.LEVELS))
    daily: dict[str, Daily] = {}
    weekly = [name for name in LINE_LIST if known.daily(name)]
    others = [name for name in known.by_target if name in chosen["counts"]]
    occupied = [name for name in (*OCCUPANCIES, *chosen["occupancies"]) if known.daily(name)]
    total = 2 + len(weekly) + len(others) + len(occupied)
    if CASES in weekly:
        progress(0, total, "Rt")
        found.attempt(CASES, "rt", partial(_reproduce, found, known, chosen, seed))
    for done, name in enumerate([*weekly, *others], start=1):
        progress(done, total, name)
        daily[name] = known.daily(name)
        if name in LINE_LIST and LINE_LIST[name].is_late:
            found.attempt(name, "nowcast", partial(_complete, found, known, name, chosen, daily[name]))
        found.attempt(name, "forecast", partial(_look_ahead, found, known, name, daily[name], chosen, seed, past))
    for done, name in enumerate(dict.fromkeys(occupied), start=1 + len(weekly) + len(others)):
        progress(done, total, name)
        found.attempt(name, "beds", partial(_fill_beds, found, known, name, chosen, daily, seed))
    progress(total, total)
    return found


def _reproduce(found: Results, known: Known, chosen: Mapping[str, Any], seed: int) -> None:
    daily = known.daily(CASES)
    interval = epidemic.discretise(chosen["serial_interval"]["mean_days"], chosen["serial_interval"]["sd_days"])
    window = chosen["window_days"]
    if len(daily[CITY][1]) <= window:
        raise ValueError(f"cases were counted for fewer than {window + 1} days")
    districts = [area for area in daily if area != CITY]
    first, counts = daily[CITY]
    days = [first + timedelta(days=n) for n in range(len(counts))]
    alone = epidemic.estimate_r(counts[None, :], interval, windows=window, days=days, areas=[CITY], seed=seed)
    _keep_reproduction(found, alone, {CITY: counts}, chosen, is_pooled=False)
    if districts:
        matrix = np.array([daily[area][1] for area in districts])
        pooled = epidemic.pool_r(matrix, interval, windows=window, days=days, areas=districts, seed=seed)
        _keep_reproduction(found, pooled, dict(zip(districts, matrix, strict=True)), chosen, is_pooled=True)


def _keep_reproduction(
    found: Results, estimated: Any, counts: Mapping[str, np.ndarray], chosen: Mapping[str, Any], *, is_pooled: bool
) -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    for line in _lines(estimated.table(levels=R_LEVELS)):
        rows.setdefault(line["area"], []).append(line)
    for area, lines in rows.items():
        kept = [_r_line(line) for line in lines[-chosen["rt_days"] :]]
        found.reproductions.append(
            {"target": CASES, "area": area, "is_pooled": is_pooled, "growth": _growth(counts[area]), "table": kept}
        )


def _r_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """One day of a reproduction number for JSON: rounded, and empty instead of not a number."""
    quantiles = [value for name, value in line.items() if name.startswith("q")]
    values = dict(zip(R_NAMES, map(_rounded, quantiles), strict=True))
    return {"day": line["day"].isoformat(), "mean": _rounded(line["mean"]), **values, "marked": line.get("marked") or ""}


def _growth(counts: np.ndarray) -> dict[str, float | None] | None:
    """How fast counts grow a day, over the last two weeks; None where there is too little."""
    recent = counts[-2 * WEEK :]
    if len(recent) < WEEK or recent.sum() < 5:
        return None
    rate, low, high = (float(np.ravel(part)[-1]) for part in epidemic.growth_rate(recent, len(recent)))
    return {"rate": _rounded(rate, 5), "low": _rounded(low, 5), "high": _rounded(high, 5)}


def _complete(found: Results, known: Known, name: str, chosen: Mapping[str, Any], daily: Daily) -> None:
    """Estimate what is still to be reported of the latest days, and put its median in place of the incomplete counts."""
    if name not in known.by_target:
        return
    table = epidemic.nowcast(
        epidemic.triangle_of(_reports(known, name, daily)),
        at=known.last_day,
        days_back=chosen["nowcast_days"],
        levels=found.levels,
    ).table
    for (area, day), line, values in _wide(table, ("stratum", "day"), found.levels):
        back = (day - known.made_on).days
        found.forecasts.append(Row(NOWCAST, name, area, 1, back, day, values, line.get("marked") or ""))
        first, counts = daily[area]
        median = values[found.levels.index(0.5)]
        place = (day - first).days
        if median is not None and 0 <= place < len(counts):
            counts[place] = max(counts[place], median)


def _reports(known: Known, name: str, daily: Daily) -> pa.Table:
    """Day, day it became known and count of each area, the city being all of them together."""
    sums: dict[tuple[str, Any, Any], float] = {}
    for _, area, day, became_known, value, _ in known.by_target.get(name, []):
        if became_known is None or became_known > known.last_day or value is None:
            continue
        for one in {area, CITY} & daily.keys():
            sums[one, day, became_known] = sums.get((one, day, became_known), 0.0) + value
    if not sums:
        raise ValueError("nothing became known on an earlier day")
    sums.setdefault((CITY, known.last_day, known.last_day), 0.0)  # that nothing came in on the last day is known, too
    areas, days, known_on = zip(*sums, strict=True)
    return pa.table(
        {
            "stratum": pa.array(areas),
            "day": pa.array(days, pa.date32()),
            "known_on": pa.array(known_on, pa.date32()),
            "count": pa.array([int(value) for value in sums.values()]),
        }
    )


def _look_ahead(
    found: Results, known: Known, name: str, daily: Daily, chosen: Mapping[str, Any], seed: int, past: Mapping[str, pa.Table]
) -> None:
    """Weeks ahead for every area, by every model and all of them together."""
    table = _uploaded_weeks(known, daily) if known.is_weekly(name) else _weeks(known, daily)
    if table["value"].null_count == table.num_rows:
        raise ValueError("there is not one whole week yet")
    history = epidemic.History(table, step=WEEK, target=name, population=known.people or None)
    told = epidemic.forecast(
        history,
        made_on=known.made_on,
        horizons=tuple(range(chosen["weeks"])),
        levels=np.array(found.levels),
        seed=seed,
        past_scores=past.get(name),
    )
    rows = [
        Row(model, name, area, WEEK, int(horizon), line["day"], values, line.get("marked") or "")
        for (model, area, horizon), line, values in _wide(told, ("model", "area", "horizon"), found.levels)
    ]
    copies = _copies(rows)
    found.forecasts += [row for row in rows if row.model not in copies]
    if copies:
        found.problems.append({"target": name, "area": "", "part": COPIES, "why": ", ".join(sorted(copies))})


def _copies(rows: Sequence[Row]) -> set[str]:
    """Models that had too little to learn from and said throughout what another says: their figures are not their own."""
    said: dict[str, list[Any]] = {}
    for row in rows:
        said.setdefault(row.model, []).append((row.area, row.horizon, row.values))
    first: dict[str, str] = {}
    for model in sorted(said, key=lambda model: (model not in (BASELINE, ENSEMBLE, "autoregressive"), model)):
        first.setdefault(repr(said[model]), model)
    return said.keys() - set(first.values()) - {BASELINE, ENSEMBLE}


def _weeks(known: Known, daily: Daily) -> pa.Table:
    """Sums of seven days, the last one ending on the last whole day; a week with a gap is missing."""
    areas, days, values = [], [], []
    for area, (first, counts) in daily.items():
        behind = (known.last_day - first).days + 1 - len(counts)
        padded = np.concatenate([counts, np.full(max(behind, 0), np.nan)])
        whole = len(padded) // WEEK
        sums = padded[len(padded) - whole * WEEK :].reshape(whole, WEEK).sum(axis=1)
        areas += [area] * whole
        days += [known.last_day - timedelta(days=WEEK * (whole - 1 - n)) for n in range(whole)]
        values += sums.tolist()
    return _series(areas, days, values)


def _uploaded_weeks(known: Known, daily: Daily) -> pa.Table:
    """A series that has one value a week already."""
    rows = [
        (area, first + timedelta(days=n), float(value))
        for area, (first, values) in daily.items()
        for n, value in enumerate(values)
        if not np.isnan(value)
    ]
    return _series(*(list(column) for column in zip(*rows, strict=True)))


def _series(areas: Sequence[str], days: Sequence[Any], values: Sequence[float]) -> pa.Table:
    present = [None if np.isnan(value) else value for value in values]
    columns = {"area": pa.array(areas, pa.string()), "day": pa.array(days, pa.date32())}
    return pa.table(columns | {"value": pa.array(present, pa.float64())})


def _fill_beds(
    found: Results, known: Known, name: str, chosen: Mapping[str, Any], daily: Mapping[str, Daily], seed: int
) -> None:
    occupied = _occupied(known, name, daily)
    leads = {
        what: _series(*_long({area: daily[of][area] for area in daily.get(of, {}) if area in occupied}))
        for what, of in (("cases", CASES), ("admissions", ADMISSIONS))
    }
    told = epidemic.forecast_beds(
        _series(*_long(occupied)).append_column("kind", pa.array([name] * sum(len(v) for _, v in occupied.values()))),
        days=chosen["bed_days"],
        levels=found.levels,
        made_on=known.last_day,
        **{what: table for what, table in leads.items() if table.num_rows},
    )
    for (area, horizon), line, values in _wide(told, ("area", "horizon"), found.levels):
        found.forecasts.append(Row(BEDS, name, area, 1, int(horizon), line["day"], values, line.get("marked") or ""))
    limits = _limits(known, name, chosen, list(occupied))
    if limits:
        _pass_limits(found, told, name, limits, known, seed)


def _occupied(known: Known, name: str, daily: Mapping[str, Daily]) -> Daily:
    """The occupancy as known; where it is counted from the line list, with the admissions that are still to be reported."""
    occupied = known.daily(name)
    if not known.is_derived(name):
        return occupied
    counted = known.daily(ADMISSIONS)
    return {
        area: (first, values + np.cumsum(daily.get(ADMISSIONS, counted)[area][1] - counted[area][1]))
        for area, (first, values) in occupied.items()
    }


def _limits(known: Known, name: str, chosen: Mapping[str, Any], areas: Sequence[str]) -> dict[str, float]:
    """The limit of each area: the one stated with its values, else the rules' beds for its people."""
    per_100k = chosen["beds_per_100k"].get(name)
    assumed = {area: known.people[area] * per_100k / 100_000 for area in areas if per_100k and known.people.get(area)}
    stated = {area: limit for (target, area), limit in known.limits.items() if target == name and area in areas}
    return assumed | stated


def _pass_limits(found: Results, told: pa.Table, name: str, limits: dict[str, float], known: Known, seed: int) -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    for line in _lines(epidemic.passes_limit(told, limits, seed=seed)):
        rows.setdefault(line["area"], []).append(line)
    for area, lines in rows.items():
        found.passings.append(
            {
                "target": name,
                "area": area,
                "limit": limits[area],
                "is_assumed": (name, area) not in known.limits,
                "first_day": lines[0]["day"],
                "probabilities": [round(float(line["probability_by"]), 4) for line in lines],
            }
        )


def _long(daily: Daily) -> tuple[list[str], list[Any], list[float]]:
    areas, days, values = [], [], []
    for area, (first, counts) in daily.items():
        areas += [area] * len(counts)
        days += [first + timedelta(days=n) for n in range(len(counts))]
        values += counts.tolist()
    return areas, days, values


def _lines(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def _wide(
    table: pa.Table, keys: tuple[str, ...], levels: Sequence[float]
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any], list[float | None]]]:
    """Each forecast once, out of rows by level: its key, its first row, and its values in the order of `levels`."""
    ordered = table.sort_by([(name, "ascending") for name in (*keys, "level")])
    if not ordered.num_rows:
        return
    codes = [ordered[name].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False) for name in keys]
    begins = np.flatnonzero(np.concatenate([[True], np.any([code[1:] != code[:-1] for code in codes], axis=0)]))
    ends = [*begins[1:].tolist(), ordered.num_rows]
    place = np.searchsorted(np.array(levels) + _SAME, ordered["level"].to_numpy() - _SAME, side="right")
    value = ordered["value"].to_numpy(zero_copy_only=False)
    for line, begin, end in zip(ordered.take(pa.array(begins)).to_pylist(), begins.tolist(), ends, strict=True):
        values: list[float | None] = [None] * len(levels)
        for at, one in zip(place[begin:end].tolist(), value[begin:end].tolist(), strict=True):
            values[at] = _rounded(one, 3)
        yield tuple(line[name] for name in keys), line, values


def _rounded(value: Any, digits: int = 4) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), digits)
