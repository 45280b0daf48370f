"""R with its quantiles: 1,000 series of 1,000 days, one series beside epyestim, and how exact it is.

    .venv/bin/python benchmarks/rt.py [--quick] [--runs 7]

Everything is Cori's method over windows of seven days, mean and five quantiles. epyestim runs in an environment of its
own on the same counts, series by series as it is made to be used; its answers are compared with ours. Where the
reference data are beside the project (`../shared/data`), every mean and quantile is held against EpiEstim's own, and R
of Germany against the one the Robert Koch Institute published (to two digits).
"""

import argparse
import csv
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _peers import PYTHON, SCRIPTS, install_peers
from _report import Report

from epipolis.engines import epidemic

DATA = Path(__file__).parents[2] / "shared" / "data"
LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)
INTERVAL = epidemic.discretise(4.46, 2.63)
SERIES = {
    "flu2009_pennsylvania_school": (2.6, 1.5),
    "measles1861_hagelloch": (14.9, 3.9),
    "sars2003_hongkong": (8.4, 3.8),
    "covid_switzerland_2020": (4.46, 2.63),
}
QUANTILES = {"q025": 0.025, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "q975": 0.975}


def waves(series: int, days: int) -> np.ndarray:
    """Counts of waves of many sizes, from a case a week to thousands a day."""
    rng = np.random.default_rng(20_260)
    size = np.exp(rng.uniform(np.log(0.2), np.log(3_000), (series, 1)))
    wave = np.exp(1.2 * np.sin(np.arange(days) / 40 + rng.uniform(0, 6.3, (series, 1))))
    return rng.poisson(size * wave).astype(np.float64)


def seconds(work: Callable[[], Any], runs: int) -> list[float]:
    work()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def estimate(counts: np.ndarray) -> np.ndarray:
    found = epidemic.estimate_r(counts, INTERVAL)
    return np.concatenate([found.mean[..., None], found.quantiles(LEVELS)], axis=-1)


def of_peer(counts: np.ndarray, runs: int) -> tuple[list[float], np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.npy" for name in ("counts", "interval", "found")]
        np.save(paths[0], counts)
        np.save(paths[1], INTERVAL)
        command = [PYTHON, SCRIPTS / "epyestim_run.py", *paths, "--runs", str(runs)]
        told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
        return told["seconds"], np.load(paths[2])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def numbers(rows: list[dict[str, str]], column: str) -> np.ndarray:
    return np.array([float(row[column]) if row[column] not in ("", "NA") else np.nan for row in rows])


def windows_of(rows: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    return numbers(rows, "t_start").astype(int) - 1, numbers(rows, "t_end").astype(int) - 1


def report_exactness(report: Report) -> None:
    """The largest difference from EpiEstim over all series, windows, means and quantiles."""
    folder = DATA / "rt_reference"
    cori, cohorts = [], []
    for name, (mean, sd) in SERIES.items():
        incidence = numbers(rows_of(folder / f"{name}_incidence.csv"), "I")
        reference = rows_of(folder / f"{name}_epiestim_R.csv")
        given = folder / f"{name}_serial_interval.csv"
        for method in {row["method"] for row in reference}:
            rows = [row for row in reference if row["method"] == method]
            parametric = epidemic.discretise(mean, sd, longest=incidence.size - 1)
            interval = parametric if method == "parametric_si" else numbers(rows_of(given), "probability")
            found = epidemic.estimate_r(incidence, interval, windows=windows_of(rows))
            values = np.column_stack([found.mean[0], found.sd[0], found.quantiles(list(QUANTILES.values()))[0]])
            theirs = np.column_stack([numbers(rows, column) for column in ("mean", "sd", *QUANTILES)])
            cori.append(np.nanmax(np.abs(values - theirs)))
        chains = folder / f"{name}_wallinga_teunis_R.csv"
        if chains.exists():
            rows, interval = rows_of(chains), numbers(rows_of(given), "probability")
            cohort = epidemic.cohort_r(incidence, interval, windows=windows_of(rows))
            cohorts.append(np.nanmax(np.abs(cohort.mean[0] - numbers(rows, "mean"))))
    report.row("Cori: mean, sd and 7 quantiles of 4 outbreaks against EpiEstim 2.2", [max(cori)], unit="largest difference")
    report.row("Wallinga-Teunis: means of 3 outbreaks, likewise", [max(cohorts)], unit="largest difference")


def report_germany(report: Report) -> None:
    rows = rows_of(DATA / "germany_nowcast_r" / "rki_nowcast_r_final.csv")
    onsets, theirs = numbers(rows, "onset_cases_nowcast"), numbers(rows, "r7")
    for words, interval in {
        "as they define it": np.array([0, 0, 0, 0, 1.0]),
        "serial interval 4.0, sd 1.5": epidemic.discretise(4.0, 1.5),
    }.items():
        found = epidemic.estimate_r(onsets, interval)
        gap = np.abs(found.mean[0, 12:] - theirs[found.ends[12:] - 1])
        report.row(
            f"7-day R of the RKI, {words}: mean over {np.isfinite(gap).sum()} days", [np.nanmean(gap)], unit="difference"
        )
        report.row(f"7-day R of the RKI, {words}: largest", [np.nanmax(gap)], unit="difference")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the series, three runs")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    many, runs = (100, 3) if options.quick else (1_000, options.runs)
    counts = waves(many, 1_000)
    install_peers()
    report = Report("rt_quick" if options.quick else "rt")
    for some, words in ((counts, f"{many:,} series × 1,000 days"), (counts[:1], "1 series × 1,000 days")):
        peer, found = of_peer(some, 2 if len(some) > 1 else runs)
        report.row(f"R and 5 quantiles, {words}", seconds(lambda some=some: estimate(some), runs), peer, peer_name="epyestim")
        # The first window of theirs has the whole of one more day before it; the windows from the second day on are the same.
        worst = np.abs(estimate(some) / found[:, 1:] - 1).max()
        report.row(f"answers of both, {words}", [worst], unit="largest relative difference")
    table = seconds(lambda: epidemic.estimate_r(counts, INTERVAL).table(), runs)
    report.row(f"the same with its whole Arrow table, {many:,} series", table)
    uncertain = epidemic.UncertainInterval(4.5, 0.8, (2.5, 6.5), 2.6, 0.4, (1.5, 3.5), draws=100)
    drawn = seconds(lambda: epidemic.estimate_r(counts[:1], uncertain).quantiles(LEVELS), runs)
    report.row("uncertain serial interval (100 draws), 1 series", drawn)
    small = counts[np.argsort(counts.mean(axis=1))[: many // 4], :200]
    report.row(f"{many // 4} small areas × 200 days, pooled", seconds(lambda: epidemic.pool_r(small, INTERVAL), 3))
    if DATA.is_dir():
        report_exactness(report)
        report_germany(report)
    report.save()


if __name__ == "__main__":
    main()
