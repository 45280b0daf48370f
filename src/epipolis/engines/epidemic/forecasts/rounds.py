"""Rounds of forecasts: all areas and all models at once from what was known that day, and the ensemble of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from epipolis.engines.epidemic.forecasts import daily
from epipolis.engines.epidemic.forecasts.analogues import analogue
from epipolis.engines.epidemic.forecasts.autoregressive import autoregressive
from epipolis.engines.epidemic.forecasts.baseline import baseline
from epipolis.engines.epidemic.forecasts.boosted import boosted
from epipolis.engines.epidemic.forecasts.damped import damped
from epipolis.engines.epidemic.forecasts.ensembles import ensemble, weights_by, widening
from epipolis.engines.epidemic.forecasts.marks import marked_areas, repaired
from epipolis.engines.epidemic.forecasts.panels import Panel, panel_of
from epipolis.engines.epidemic.forecasts.records import Record, Running, record_of
from epipolis.engines.epidemic.forecasts.renewal import renewal
from epipolis.engines.epidemic.forecasts.revisions import usual_changes
from epipolis.engines.epidemic.histories import Floats, History
from epipolis.engines.epidemic.quantiles import LEVELS

Model = Callable[[Panel, int, Floats, int], Floats]
Progress = Callable[[int, int], None]

ALL_MODELS: dict[str, Model] = {
    "autoregressive": autoregressive,
    "boosted": boosted,
    "analogue": analogue,
    "renewal": renewal,
    "damped": damped,
    "baseline": baseline,
}
MODELS: tuple[str, ...] = tuple(ALL_MODELS)
"""Names of all models. "baseline" is the hubs' and is not part of the ensemble."""

ENSEMBLE = "ensemble"
_MOST_HORIZON = 60
_OLDEST_DAYS = 183


@dataclass(frozen=True)
class _Round:
    made_on: date
    days: list[date]
    values: dict[str, Floats]
    marked: dict[str, str]
    weights: dict[str, float]
    widened: float
    counted: bool  # whole numbers were known: so are the quantiles of the ensemble that are told


def forecast(
    history: History,
    *,
    made_on: date,
    horizons: Sequence[int] = (0, 1, 2, 3),
    levels: Floats = LEVELS,
    models: Sequence[str] = MODELS,
    seed: int = 0,
    past_scores: pa.Table | None = None,
    progress: Progress | None = None,
) -> pa.Table:
    """Forecast all areas with all models, and the ensemble of these, from what was known on `made_on`.

    Args:
        history: may hold later days and vintages; they are not looked at.
        made_on: horizon 0 is the step (week or day) that ends on or after this day.
        horizons: steps after that one; 0 … 60.
        levels: probabilities of the quantiles, ascending, within 0 … 1.
        models: some of `MODELS`; the ensemble is made of all but "baseline".
        seed: the same number gives the same table.
        past_scores: scores of earlier forecasts (model, day, wis, …, as `score` gives them); those of days before `made_on`
            weigh the ensemble and set its width.
        progress: called with how many models are done and how many there are.

    Returns:
        model, target, area, made_on, horizon, day, level, value. Where all values known are whole numbers, so are the
        ensemble's: else an interval of few cases may lie between two of them and hold none. Its metadata "epipolis"
        is JSON: `marked` (area → why its answer is wider or rests on other areas), `weights`, `widened`, `vintages` (whether
        the history told when each value was published).

    Raises:
        ValueError: nothing was known yet, what was known is more than half a year old, or an argument is out of its bounds.
    """
    _check(horizons, levels, models)
    known = _fresh(history, made_on)
    record = record_of(past_scores, _members(models), ENSEMBLE, made_on)
    done = _round(known, made_on, horizons, levels, models, seed, record, progress)
    return _table(history, [done], horizons, levels)


def backtest(
    history: History,
    *,
    made_on: Sequence[date],
    horizons: Sequence[int] = (0, 1, 2, 3),
    levels: Floats = LEVELS,
    models: Sequence[str] = MODELS,
    seed: int = 0,
    progress: Progress | None = None,
) -> pa.Table:
    """Forecast as it would have been on each of the days `made_on`, in their order.

    Every round sees what was published by its day; where the history has no vintages, final values of the steps that
    were over (metadata `vintages` is then false). The ensemble is weighted by the scores of the earlier rounds against
    what was known of their days by then.

    Returns:
        As `forecast`; `weights` by day. Days on which nothing was known yet, or only of long before, are left out and
        listed in `skipped`.

    Raises:
        ValueError: nothing was known on any of the days, or an argument is out of its bounds.
    """
    _check(horizons, levels, models)
    done: list[_Round] = []
    skipped: list[date] = []
    wanted = sorted(set(made_on))
    running = Running(_members(models), ENSEMBLE, levels)
    for number, day in enumerate(wanted):
        try:
            known = _fresh(history, day)
        except ValueError:
            skipped.append(day)
            continue
        record = running.by_now(known.days.tolist(), known.values)
        done.append(_round(known, day, horizons, levels, models, seed, record, None))
        running.add(done[-1].days, done[-1].values)  # not rounded: whole numbers hold more often than they should
        if progress:
            progress(number + 1, len(wanted))
    if not done:
        raise ValueError(f"Nothing was known yet on any of the days; the first value is of {history.days[0]}.")
    return _table(history, done, horizons, levels, skipped)


def _fresh(history: History, made_on: date) -> History:
    known = history.as_of(made_on)
    if known.steps_to(made_on)[0] * known.step > _OLDEST_DAYS:
        raise ValueError(f"The newest value known on {made_on} is of {known.days[-1]}, too long before to forecast from.")
    return known


def _counted(known: History) -> bool:
    """Whether all that was known are whole numbers, as counts are and rates are not."""
    seen = known.values[np.isfinite(known.values)]
    return bool((seen == np.rint(seen)).all())


def _members(models: Sequence[str]) -> list[str]:
    return [name for name in models if name != "baseline"]


def _distinct(members: dict[str, Floats]) -> dict[str, Floats]:
    """Without those that fell back on what another one says: while little is known, one answer would count several times."""
    kept: dict[str, Floats] = {}
    for name, values in members.items():
        if not any(np.array_equal(values, other, equal_nan=True) for other in kept.values()):
            kept[name] = values
    return kept


def _check(horizons: Sequence[int], levels: Floats, models: Sequence[str]) -> None:
    if unknown := [name for name in models if name not in ALL_MODELS]:
        raise ValueError(f"There is no forecast model {unknown[0]!r}; there are {', '.join(MODELS)}.")
    if not models or len(set(models)) != len(models):
        raise ValueError("Name at least one forecast model, each once.")
    if not len(horizons) or min(horizons) < 0 or max(horizons) > _MOST_HORIZON or len(set(horizons)) != len(horizons):
        raise ValueError(f"Horizons are different whole numbers from 0 to {_MOST_HORIZON}, not {list(horizons)}.")
    numbers = np.asarray(levels, dtype=np.float64)
    if not len(numbers) or not (np.diff(numbers) > 0).all() or numbers[0] <= 0 or numbers[-1] >= 1:
        raise ValueError("Levels are ascending probabilities between 0 and 1.")


def _round(
    known: History,
    made_on: date,
    horizons: Sequence[int],
    levels: Floats,
    models: Sequence[str],
    seed: int,
    record: Record,
    progress: Progress | None,
) -> _Round:
    levels = np.asarray(levels, dtype=np.float64)
    ahead, first = known.steps_to(made_on)
    weekly = known if known.step == 7 else daily.weeks_of(known)
    wanted = [ahead + horizon for horizon in horizons]
    steps = max(wanted) if known.step == 7 else daily.steps_for(max(wanted))
    panel = panel_of(weekly, usual_changes(known) if known.step == 7 else None)
    values: dict[str, Floats] = {}
    for number, name in enumerate(models):
        quantiles = repaired(panel, ALL_MODELS[name](panel, steps, levels, seed), levels)
        values[name] = _told(known, quantiles, wanted, levels)
        if progress:
            progress(number + 1, len(models))
    members = _distinct({name: values[name] for name in _members(models)})
    weights, widened = weights_by(record, list(members)), widening(record)
    if len(_members(models)) > 1:
        values[ENSEMBLE] = ensemble(members, weights, levels, widened)
    days = [first + timedelta(days=known.step * horizon) for horizon in horizons]
    return _Round(made_on, days, values, marked_areas(known, panel), weights, widened, _counted(known))


def _told(known: History, quantiles: Floats, wanted: list[int], levels: Floats) -> Floats:
    if known.step == 7:
        return quantiles[:, np.array(wanted) - 1]
    return daily.by_day(known, quantiles, wanted, levels)


def _table(
    history: History, rounds: list[_Round], horizons: Sequence[int], levels: Floats, skipped: Sequence[date] = ()
) -> pa.Table:
    parts = [_rows(history, one, name, horizons, levels) for one in rounds for name in one.values]
    told = {
        "marked": {area: why for one in rounds for area, why in one.marked.items()},
        "weights": {str(one.made_on): one.weights for one in rounds},
        "widened": {str(one.made_on): round(one.widened, 4) for one in rounds},
        "vintages": history.has_vintages,
        "skipped": [str(day) for day in skipped],
    }
    table = pa.concat_tables(parts)
    return table.replace_schema_metadata({"epipolis": json.dumps(told)})


def _rows(history: History, one: _Round, name: str, horizons: Sequence[int], levels: Floats) -> pa.Table:
    values = np.rint(one.values[name]) if one.counted and name == ENSEMBLE else one.values[name]
    areas, steps, width = values.shape
    area = np.repeat(np.arange(areas, dtype=np.int32), steps * width)
    step = np.tile(np.repeat(np.arange(steps, dtype=np.int32), width), areas)
    rows = areas * steps * width
    return pa.table(
        {
            "model": pa.repeat(name, rows),
            "target": pa.repeat(history.target, rows),
            "area": pa.array(list(history.areas), pa.string()).take(pa.array(area)),
            "made_on": pa.repeat(pa.scalar(one.made_on, pa.date32()), rows),
            "horizon": pa.array(np.asarray(horizons, dtype=np.int32)[step]),
            "day": pa.array(one.days, pa.date32()).take(pa.array(step)),
            "level": pa.array(np.tile(np.asarray(levels, dtype=np.float64), areas * steps)),
            "value": pa.array(values.reshape(-1)),
        }
    )
