"""What if: the same city and seeds under different measures, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from epipolis.engines.twin.beginnings import Begin
from epipolis.engines.twin.city import City
from epipolis.engines.twin.disease import Disease
from epipolis.engines.twin.draws import Floats
from epipolis.engines.twin.measures import Measure
from epipolis.engines.twin.results import Result
from epipolis.engines.twin.simulations import MONDAY, Progress, simulate_many

_LOW, _HIGH = 0.1, 0.9
_PER = 100_000


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scenarios beside each other, over the same seeds. Intervals hold the middle 80 % of the runs.

    `curves`: scenario, day, date, what (a column of the curve), low, median, high.
    `totals`: scenario, what (an entry of `Result.summary`), low, median, high, change, change_low, change_high (relative
    difference to the first scenario, seed by seed; null for the first and where that has none).
    `equity`: scenario, dimension (age, area), group, people, infections, severe, deaths: medians per 100,000 people;
    severe is null by area.
    `costs`: scenario, measure, unit, amount, cost: means over the runs.
    """

    scenarios: tuple[str, ...]
    seeds: tuple[int, ...]
    people: int
    curves: pa.Table
    totals: pa.Table
    equity: pa.Table
    costs: pa.Table


def compare(
    city: City,
    disease: Disease,
    scenarios: Mapping[str, Sequence[Measure]],
    *,
    days: int = 180,
    seeds: Sequence[int] = range(8),
    start: date = MONDAY,
    begin: Begin | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run every scenario with every seed. ValueError without a scenario or a seed, and as for `simulate`."""
    if not scenarios or not seeds:
        raise ValueError("A comparison needs at least one scenario and one seed.")
    total = len(scenarios) * days * len(seeds)
    results: dict[str, list[Result]] = {}
    for number, (name, measures) in enumerate(scenarios.items()):
        own = None if progress is None else _later(progress, number * days * len(seeds), total)
        results[name] = simulate_many(city, disease, measures, days=days, seeds=seeds, start=start, begin=begin, progress=own)
    return compare_results(results, city)


def _later(progress: Progress, before: int, total: int) -> Progress:
    return lambda done, _: progress(before + done, total)


def compare_results(results: Mapping[str, Sequence[Result]], city: City) -> Comparison:
    """Runs that are there already; every scenario with the same seeds in the same order."""
    names = tuple(results)
    seeds = tuple(result.seed for result in results[names[0]])
    for name in names:
        if tuple(result.seed for result in results[name]) != seeds:
            raise ValueError(f"{name}: runs with other seeds cannot be compared with {names[0]}.")
    return Comparison(
        scenarios=names,
        seeds=seeds,
        people=results[names[0]][0].people,
        curves=pa.concat_tables([_curves(name, runs) for name, runs in results.items()]),
        totals=pa.concat_tables([_totals(name, runs, results[names[0]]) for name, runs in results.items()]),
        equity=pa.concat_tables([_equity(name, runs, city) for name, runs in results.items()]),
        costs=pa.concat_tables([_costs(name, runs) for name, runs in results.items()]),
    )


def _interval(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Low, median and high over the first axis."""
    low, median, high = np.quantile(values, [_LOW, 0.5, _HIGH], axis=0)
    return low, median, high


def _curves(name: str, runs: Sequence[Result]) -> pa.Table:
    first, parts = runs[0].curve, []
    for what in first.column_names[2:]:
        low, median, high = _interval(np.array([run.curve.column(what).to_numpy() for run in runs], float))
        labels = {"scenario": [name] * len(low), "day": first.column("day"), "date": first.column("date")}
        parts.append(pa.table({**labels, "what": [what] * len(low), "low": low, "median": median, "high": high}))
    return pa.concat_tables(parts)


def _totals(name: str, runs: Sequence[Result], first: Sequence[Result]) -> pa.Table:
    own, base = [run.summary() for run in runs], [run.summary() for run in first]
    columns: dict[str, list[object]] = {
        key: [] for key in ("scenario", "what", "low", "median", "high", "change", "change_low", "change_high")
    }
    for what in own[0]:
        values, before = np.array([run[what] for run in own], float), np.array([run[what] for run in base], float)
        row: list[object] = [name, what, *(float(value) for value in _interval(values))]
        if runs is first or not (before > 0).all():
            row += [None, None, None]
        else:
            low, median, high = _interval(values / before - 1)
            row += [float(median), float(low), float(high)]
        for key, value in zip(columns, row, strict=True):
            columns[key].append(value)
    kinds = {key: pa.string() if key in ("scenario", "what") else pa.float64() for key in columns}
    return pa.table({key: pa.array(values, kinds[key]) for key, values in columns.items()})


def _equity(name: str, runs: Sequence[Result], city: City) -> pa.Table:
    ages, people = runs[0].by_age, runs[0].by_age.column("people").to_numpy()
    by_age = {
        what: _per(np.median([run.by_age.column(what).to_numpy() for run in runs], axis=0), people)
        for what in ("infections", "severe", "deaths")
    }
    groups = [f"{first}-{first + 9}" if first < 80 else "80+" for first in ages.column("age_from").to_pylist()]
    codes = list(city.ground.neighbourhoods.codes)
    living = np.bincount(city.homes.neighbourhood, minlength=len(codes))
    by_area = {
        what: _per(np.median([_sums(run, what, codes) for run in runs], axis=0), living) for what in ("infections", "deaths")
    }
    count = len(groups) + len(codes)
    return pa.table(
        {
            "scenario": [name] * count,
            "dimension": ["age"] * len(groups) + ["area"] * len(codes),
            "group": groups + codes,
            "people": np.concatenate([people, living]),
            "infections": np.concatenate([by_age["infections"], by_area["infections"]]),
            "severe": pa.array([*by_age["severe"].tolist(), *([None] * len(codes))], pa.float64()),
            "deaths": np.concatenate([by_age["deaths"], by_area["deaths"]]),
        }
    )


def _sums(run: Result, what: str, codes: list[str]) -> Floats:
    table = run.by_area.group_by("neighbourhood").aggregate([(what, "sum")])
    found = dict(zip(table.column("neighbourhood").to_pylist(), table.column(f"{what}_sum").to_pylist(), strict=True))
    return np.array([found.get(code, 0) for code in codes], float)


def _per(counts: Floats, people: Floats) -> Floats:
    return np.asarray(counts * _PER / np.maximum(people, 1), np.float64)


def _costs(name: str, runs: Sequence[Result]) -> pa.Table:
    together = pa.concat_tables([run.costs for run in runs]).group_by(["measure", "unit"])
    sums = together.aggregate([("amount", "sum"), ("cost", "sum")])
    return pa.table(
        {
            "scenario": pa.array([name] * sums.num_rows, pa.string()),
            "measure": sums.column("measure"),
            "unit": sums.column("unit"),
            "amount": np.asarray(sums.column("amount_sum")) / len(runs),
            "cost": np.asarray(sums.column("cost_sum")) / len(runs),
        }
    )
