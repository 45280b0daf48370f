"""Early warning: false alarms stated and found, days until an outbreak is found, real series, and hot spots.

    .venv/bin/python benchmarks/alarms.py [--quick] [--data FOLDER]

Simulated series have weekdays, trend, season and over-dispersion, each alone and all together; the first four months are a
beginning. An outbreak adds, over 14 days, cases worth so many standard deviations of one day's count, rising and falling. On
real series without a declared outbreak (calls to NHS 111 in June and July 2020) every alarm counts as false.
"""

import argparse
import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from _report import Report
from pyarrow import csv

from epipolis.engines.epidemic.alarms import detect
from epipolis.engines.epidemic.scans import scan

DATA = Path(__file__).parents[2] / "shared" / "data"
METHODS = ("regression", "cusum", "C1", "C2", "C3")
WEEK = np.array([1.3, 1.2, 1.1, 1.0, 1.0, 0.7, 0.4])
KINDS = ("flat", "weekdays", "trend", "season", "over-dispersed", "all of these")
START = date(2021, 1, 4)
YEAR = {1: 365.25, 7: 52.18}


def simulated(kind: str, areas: int, steps: int, *, mean: float = 20.0, step: int = 1, seed: int = 1) -> np.ndarray:
    """Counts without an outbreak [areas, steps]."""
    rng = np.random.default_rng([seed, KINDS.index(kind), step])
    every = kind == KINDS[-1]
    at = np.arange(steps)
    level = np.full((areas, steps), mean)
    if step == 1 and (every or kind == "weekdays"):
        level = level * WEEK[at % 7]
    if every or kind == "trend":
        level = level * np.exp(0.4 * at * step / 365.25)
    if every or kind == "season":
        level = level * np.exp(0.5 * np.sin(2 * np.pi * (at * step / 365.25 + rng.random((areas, 1)))))
    if every or kind == "over-dispersed":
        level = rng.gamma(6.0, level / 6.0)
    return rng.poisson(level).astype(float)


def waving(areas: int, steps: int, *, rate: float = 0.02, seed: int = 1) -> np.ndarray:
    """After four months growth and decline in turn, two months each, with weekdays and over-dispersion: no outbreak of days.

    Whoever wants to hear of the turn itself does not take its alarms for false.
    """
    rng = np.random.default_rng([seed, 99])
    at = np.arange(steps)
    change = np.where(at // 60 % 2 == 0, -rate, rate) * (at >= 120)
    level = 20 * np.exp(np.cumsum(change)) * WEEK[at % 7] * np.ones((areas, 1))
    return rng.poisson(rng.gamma(6.0, level / 6.0)).astype(float)


def table(values: np.ndarray, step: int = 1) -> pa.Table:
    areas, steps = values.shape
    days = np.tile(np.datetime64(START) + step * np.arange(steps), areas)
    return pa.table({"area": np.repeat([str(area) for area in range(areas)], steps), "day": days, "value": values.ravel()})


def alarms(values: np.ndarray, step: int, **options: object) -> np.ndarray:
    found = detect(table(values, step), step=step, **options)
    return np.array(found["is_alarm"].to_pylist()).reshape(values.shape)


def false_alarms(report: Report, areas: int) -> None:
    for step, steps, first in ((1, 1_096, 120), (7, 261, 26)):
        unit = "daily" if step == 1 else "weekly"
        for mean in (20.0, 2.0):
            for kind in KINDS:
                if step == 7 and kind == "weekdays":
                    continue
                counts = simulated(kind, areas, steps, mean=mean, step=step)
                for method in METHODS:
                    found = alarms(counts, step, method=method, false_alarms_per_year=2.0)[:, first:].mean() * YEAR[step]
                    report.row(f"2 stated, {unit}, {mean:g} cases, {kind}: {method}", [found], unit="false alarms/series-year")
    counts = simulated(KINDS[-1], areas, 1_096)
    waves = waving(areas, 1_096)
    for what, values, rates in (("all of these", counts, (0.5, 1.0, 12.0)), ("waves of 2 % a day", waves, (0.5, 2.0))):
        for stated in rates:
            for method in METHODS:
                found = alarms(values, 1, method=method, false_alarms_per_year=stated)[:, 120:].mean() * 365.25
                report.row(f"{stated:g} stated, daily, 20 cases, {what}: {method}", [found], unit="false alarms/series-year")


def delays(report: Report, areas: int) -> None:
    """An outbreak in every series at another time of the third year."""
    shape = np.array([1, 2, 4, 6, 8, 9, 9, 8, 7, 6, 4, 3, 2, 1], dtype=float)
    for size in (10, 20, 40):
        counts = simulated(KINDS[-1], areas, 1_096, seed=2)
        rng = np.random.default_rng(size)
        begins = rng.integers(760, 1_060, areas)
        for area, begin in enumerate(begins):
            spread = counts[area, begin - 56 : begin].std()
            counts[area, begin : begin + 14] += rng.poisson(size * spread * shape / shape.sum())
        for method in METHODS:
            found = alarms(counts, 1, method=method, false_alarms_per_year=2.0)
            during = np.stack([found[area, begin : begin + 21] for area, begin in enumerate(begins)])
            report.row(f"outbreak of {size} standard deviations: {method}", [during.any(axis=1).mean()], unit="share found")
            if during.any():
                days = np.argmax(during[during.any(axis=1)], axis=1)
                report.row(
                    f"outbreak of {size} standard deviations: {method}, when found", [float(np.median(days))], unit="days"
                )


def real(report: Report, data: Path) -> None:
    path = data / "syndromic_nhs111" / "england_nhs_calls_2020_region.csv"
    if not path.is_file():
        print(f"no {path}")
        return
    calls = csv.read_csv(path)
    calls = calls.filter(pc.is_valid(calls["nhs_region"])).group_by(["nhs_region", "date"]).aggregate([("count", "sum")])
    series = pa.table({"area": calls["nhs_region"], "day": calls["date"], "value": calls["count_sum"]})
    for method in METHODS:
        found = detect(series, method=method, false_alarms_per_year=2.0)
        calm = found.filter(pc.and_(pc.greater_equal(found["day"], date(2020, 6, 1)), pc.less(found["day"], date(2020, 8, 1))))
        rate = sum(calm["is_alarm"].to_pylist()) / calm.num_rows * 365.25
        report.row(f"2 stated, NHS 111 by region, June and July 2020: {method}", [rate], unit="false alarms/series-year")
        late = found.filter(pc.and_(found["is_alarm"], pc.greater_equal(found["day"], date(2020, 8, 15))))
        firsts = late.group_by("area").aggregate([("day", "min")])["day_min"].to_pylist() or [date(2020, 12, 31)]
        days = float(np.median([(day - date(2020, 9, 1)).days for day in firsts]))
        report.row(f"NHS 111 by region, rise of September 2020: {method}", [days], unit="days after 1 September")


def hot_spots(report: Report, quick: bool) -> None:
    rng = np.random.default_rng(1)
    areas, days = 456, 90
    places = np.c_[rng.uniform(121.45, 121.65, areas), rng.uniform(24.97, 25.2, areas)]
    people = rng.integers(2_000, 9_000, areas).astype(float)
    expected = 0.05 * people[:, None] / people.mean()
    for name, given in (("population", people), ("permutation", None)):
        counts = rng.poisson(expected, (areas, days)).astype(float)
        scan(counts, places, given, draws=1)
        began = time.perf_counter()
        scan(counts, places, given, draws=99 if quick else 999)
        seconds = time.perf_counter() - began
        report.row(f"scan, {areas} villages x {days} days, {99 if quick else 999} draws, {name}", [seconds], unit="s")
        chances, hits = [], []
        small = np.argsort(((places - places[7]) ** 2).sum(axis=1))[:80]
        for seed in range(20 if quick else 100):
            calm = np.random.default_rng(seed).poisson(expected[small], (80, days)).astype(float)
            found = scan(calm, places[small], None if given is None else people[small], longest=14, draws=99, seed=seed, most=1)
            chances.append(found["p"][0].as_py())
            calm[:8, -7:] += np.random.default_rng(seed + 1_000).poisson(0.5, (8, 7))
            best = scan(calm, places[small], None if given is None else people[small], longest=14, draws=99, seed=seed, most=1)
            members = {int(area) for area in best["areas"][0].as_py()}
            hits.append(best["p"][0].as_py() <= 0.05 and len(members & set(range(8))) >= 5)
        report.row(f"scan of chance alone, {name}: p at most 0.05", [float(np.mean(np.array(chances) <= 0.05))], unit="share")
        report.row(
            f"scan, 8 of 80 villages with half a case more a day for a week, {name}", [np.mean(hits)], unit="share found"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer series")
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    report = Report("alarms_quick" if options.quick else "alarms")
    areas = 10 if options.quick else 20
    false_alarms(report, areas)
    delays(report, 40)
    real(report, options.data)
    hot_spots(report, options.quick)
    many = np.random.default_rng(1).poisson(5, (10_000, 60)).astype(float)
    detect(table(many[:20]))
    began = time.perf_counter()
    detect(table(many), together="all")
    report.row("10,000 series of 60 days, the last four weeks judged", [time.perf_counter() - began], unit="s")
    report.save()


if __name__ == "__main__":
    main()
