"""Which figures of a disease give a curve that was observed: a search over runs of the twin with fixed seeds.

    found = calibrate(city, covid, observed, [Testing()], what="cases", seeds=range(8))
    found.values      # each figure with its best value and interval
    found.disease     # ready for `simulate`

First values are tried all over their range and held against the observed by the negative binomial likelihood of each
day's count around the mean of the runs. From then on the observed curve counts as one more run of the twin: near the best
values the logarithm of the curve is taken as a quadratic function of the logarithms of the figures, with the scatter of
the runs about it, which is mostly a scatter of whole curves in time and not of single days; the likeliest values on that
surface say where to try next, and are the result in the end. Their interval is that of the same estimate for curves
that scatter about the result as the runs do. The method is that of a synthetic likelihood (Wood 2010, Nature).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.city import City
from epipolis.engines.twin.disease import Disease
from epipolis.engines.twin.draws import Floats
from epipolis.engines.twin.measures import Measure
from epipolis.engines.twin.mixing import Mixing
from epipolis.engines.twin.observations import Observed, check_what, read_observed
from epipolis.engines.twin.simulations import Progress, simulate_many
from epipolis.engines.twin.surfaces import Likelihood, Surface, best_point, logs_of, shares_reported, spread_points

FIGURES_TO_FIT = {"transmissibility": 3.0, "introduced_per_100k": 8.0, "imported_per_100k_daily": 8.0}
"""Figures of a disease that a curve can tell; the search looks from the disease's own value divided by the number to the
value times it, unless told otherwise."""
REPORTED = "reported"
_FEWEST_SEEDS, _FEWEST_TRIES = 2, 24
_WIDEST, _NARROWEST, _SHRINK, _BATCH = 0.25, 0.08, 0.7, 4
_AGAIN, _TAIL = 100, 0.025
_NEXT_TRY = 1_000_003
_LOW, _HIGH = 0.1, 0.9


@dataclass(frozen=True, eq=False)
class Calibration:
    """What fits.

    `disease`: with the best values. `reported`: share of the simulated that was observed.
    `values`: figure, value, low, high (95 % interval), from, to (where it was looked for).
    `curve`: day, date, observed (null where nothing is known), low, median, high (middle 80 % of the runs at the best
    values, times `reported`).
    `tries`: number, one column for each figure, reported, fit (logarithm of the likelihood of the mean of the runs).
    `what`: the column of `Result.curve` that was held against the observed.
    """

    disease: Disease
    reported: float
    values: pa.Table
    curve: pa.Table
    tries: pa.Table
    what: str
    seeds: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Task:
    """What every try shares. `low`, `high`: logarithms of where each figure is looked for."""

    names: tuple[str, ...]
    low: Floats
    high: Floats
    observed: Observed
    reported: float | None
    run: Callable[[Disease, int], Floats]
    disease: Disease

    @property
    def logs(self) -> Floats:
        return logs_of(self.observed.parts_of(self.observed.values))

    def with_values(self, point: Floats) -> Disease:
        return replace(self.disease, **dict(zip(self.names, np.exp(point).tolist(), strict=True)))


def calibrate(
    city: City | Mixing,
    disease: Disease,
    observed: pa.Table,
    measures: Sequence[Measure] = (),
    *,
    what: str = "cases",
    fit: Sequence[str] = ("transmissibility", "introduced_per_100k"),
    within: Mapping[str, tuple[float, float]] | None = None,
    reported: float = 1.0,
    days: int | None = None,
    start: date | None = None,
    seeds: Sequence[int] = range(8),
    tries: int = 48,
    progress: Progress | None = None,
) -> Calibration:
    """Fit figures of a disease to a curve.

    `observed`: a row a day: `date`, or `day` of the run, and `count`; days without a row or a count are unknown.
    `what`: the column of `Result.curve` that it counts. `fit`: of `FIGURES_TO_FIT`, and `reported`, the share of the
    simulated that was observed, which is else the number given. `within`: lowest and highest value of a figure.
    `start`: first day of the run, before which only introductions happen; else the first date observed. `days`: only so
    many days from there count. `tries`: how many values are simulated, each once for each of `seeds` (at
    least 2) and with chances of its own, so that luck averages out over the tries.
    ValueError, one sentence and before any work, for a curve, a name or a number that cannot be used.
    """
    known = read_observed(observed, start=start, days=days)
    check_what(what, measures)
    _check_numbers(seeds, tries, reported)
    names, low, high = _ranges(disease, fit, within or {})
    total, done = (tries + 1) * len(seeds) * known.days, 0

    def run(candidate: Disease, number: int) -> Floats:
        nonlocal done
        before = done
        step = None if progress is None else lambda part, _: progress(before + part, total)
        own = [seed + _NEXT_TRY * number for seed in seeds]
        chances = {"days": known.days, "seeds": own, "start": known.start}
        results = simulate_many(city, candidate, measures, **chances, progress=step)  # type: ignore[arg-type]  # -- by name
        done += len(seeds) * known.days
        return np.array([result.curve.column(what).to_numpy() for result in results], float)

    task = _Task(names, low, high, known, None if REPORTED in fit else reported, run, disease)
    points, curves, best = _search(task, tries)
    if not curves.any():
        raise ValueError(f"No try has any {what}, so nothing can be fitted; look for larger values.")
    return _finish(task, points, curves, best, what, tuple(seeds))


def _check_numbers(seeds: Sequence[int], tries: int, reported: float) -> None:
    if len(set(seeds)) < _FEWEST_SEEDS or len(set(seeds)) < len(seeds):
        raise ValueError(f"A calibration needs at least {_FEWEST_SEEDS} seeds, no two alike.")
    if tries < _FEWEST_TRIES:
        raise ValueError(f"A calibration needs at least {_FEWEST_TRIES} tries, not {tries}.")
    if not 0 < reported <= 1:
        raise ValueError(f"The share reported is {reported}, but must be above 0 and at most 1.")


def _ranges(
    disease: Disease, fit: Sequence[str], within: Mapping[str, tuple[float, float]]
) -> tuple[tuple[str, ...], Floats, Floats]:
    """The figures to fit, and the logarithms between which each is looked for."""
    names = tuple(name for name in fit if name != REPORTED)
    for name in (*fit, *within):
        if name not in (*FIGURES_TO_FIT, REPORTED):
            raise ValueError(f"{name!r} cannot be fitted; choose from {', '.join((*FIGURES_TO_FIT, REPORTED))}.")
    if not names or len(set(fit)) < len(fit):
        raise ValueError(f"Name at least one of {', '.join(FIGURES_TO_FIT)} to fit, and none twice.")
    if strangers := [name for name in within if name not in names]:
        raise ValueError(f"{strangers[0]} has limits, but is not fitted.")
    bounds = []
    for name in names:
        own, factor = getattr(disease, name), FIGURES_TO_FIT[name]
        least, most = within.get(name, (own / factor, own * factor))
        if not 0 < least < most:
            raise ValueError(f"{name} can only be looked for between two values above 0, not between {least} and {most}.")
        bounds.append((least, most))
    low, high = np.log(np.array(bounds)).T
    return names, low, high


def _search(task: _Task, tries: int) -> tuple[Floats, Floats, Floats]:
    """Values tried (a row each), their curves (try, seed, day) and the best values."""
    size, sides = task.high - task.low, len(task.names)
    points = task.low + size * spread_points(max(tries * 2 // 5, _FEWEST_TRIES // 2), sides)
    curves = [task.run(task.with_values(point), number) for number, point in enumerate(points)]
    middle, region = points[_likelihoods(task, np.array(curves)).argmax()], _WIDEST
    while len(points) < tries:
        batch = min(_BATCH, tries - len(points))
        around = middle + region * size * (2 * spread_points(len(points) + batch, sides)[-batch:] - 1)
        points = np.concatenate([points, np.clip(around, task.low, task.high)])
        curves += [task.run(task.with_values(points[number]), number) for number in range(len(curves), len(points))]
        middle = _best(task, _surface(task, points, np.array(curves), middle), task.logs, middle, region)
        region = max(region * _SHRINK, _NARROWEST)
    return points, np.array(curves), middle


def _likelihoods(task: _Task, curves: Floats) -> Floats:
    known = task.observed
    return Likelihood.of(known.counts, task.reported, curves.shape[1]).at(curves.mean(axis=1)[:, known.is_known])


def _surface(task: _Task, points: Floats, curves: Floats, middle: Floats) -> Surface:
    logs = logs_of(task.observed.parts_of(curves * (task.reported or 1.0)))
    return Surface.fit((points - middle) / (task.high - task.low), logs)


def _best(task: _Task, surface: Surface, logs: Floats, middle: Floats, region: float) -> Floats:
    """The likeliest values on the surface, no farther from its middle than `region` of their ranges."""
    size = task.high - task.low
    low, high = np.maximum((task.low - middle) / size, -region), np.minimum((task.high - middle) / size, region)
    offset = best_point(lambda offsets: surface.fits(logs, offsets, any_share=task.reported is None), low, high)
    return np.asarray(middle + size * offset, np.float64)


def _finish(task: _Task, points: Floats, curves: Floats, best: Floats, what: str, seeds: tuple[int, ...]) -> Calibration:
    surface = _surface(task, points, curves, best)
    expected = surface.at(np.zeros((1, len(best))))
    share = task.reported or float(np.exp(surface.share_of(task.logs, expected)[0]))
    like_it = expected[0] + surface.scatter + (0 if task.reported else np.log(share))
    again = np.array([_best(task, surface, logs, best, _WIDEST) for logs in like_it[:_AGAIN]])
    low, high = best - surface.doubt * np.quantile(again - best, [1 - _TAIL, _TAIL], axis=0)
    names, columns = list(task.names), [np.exp(part).tolist() for part in (best, low, high, task.low, task.high)]
    if task.reported is None:
        names.append(REPORTED)
        size = task.high - task.low
        shares = [
            surface.share_of(logs, surface.at(((point - best) / size)[None]))[0]
            for logs, point in zip(like_it, again, strict=False)
        ]
        least, most = np.log(share) - surface.doubt * np.quantile(np.array(shares) - np.log(share), [1 - _TAIL, _TAIL])
        for column, value in zip(columns, (share, np.exp(least), min(np.exp(most), 1.0), 0.0, 1.0), strict=True):
            column.append(float(value))
    own = task.run(task.with_values(best), len(points))
    return Calibration(
        disease=task.with_values(best),
        reported=share,
        values=pa.table({"figure": names, **dict(zip(("value", "low", "high", "from", "to"), columns, strict=True))}),
        curve=_band(task.observed, own * share),
        tries=_tries(task, points, curves),
        what=what,
        seeds=seeds,
    )


def _band(known: Observed, runs: Floats) -> pa.Table:
    low, median, high = np.quantile(runs, [_LOW, 0.5, _HIGH], axis=0)
    return pa.table(
        {
            "day": np.arange(known.days),
            "date": [known.start + timedelta(days=day) for day in range(known.days)],
            "observed": pa.array(known.values, from_pandas=True),
            "low": low,
            "median": median,
            "high": high,
        }
    )


def _tries(task: _Task, points: Floats, curves: Floats) -> pa.Table:
    counts, means = task.observed.counts, curves.mean(axis=1)[:, task.observed.is_known]
    shares = np.full(len(means), task.reported) if task.reported else shares_reported(counts, means)
    figures = dict(zip(task.names, np.exp(points).T, strict=True))
    fits = _likelihoods(task, curves)
    return pa.table({"number": np.arange(1, len(points) + 1), **figures, REPORTED: shares, "fit": fits})
