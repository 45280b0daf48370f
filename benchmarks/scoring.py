"""Score a million quantiles beside scoringrules, and hold the scores against published ones.

    .venv/bin/python benchmarks/scoring.py [--runs 7]

The peer does the same work: the weighted interval score of every forecast, from arrays as they are and from the long table
(brought into columns with pandas). Ours adds the three parts, coverage, bias and the checks of every row. Exactness is the
largest relative difference to the reference: scoringrules' scores of the same forecasts, and the mean scores that come with
the hubs' data (which were made from levels in single precision).
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from _peers import PYTHON, SCRIPTS, install_peers
from _report import Report

from epipolis.engines.epidemic import LEVELS, from_hub, score, summarise, weighted_interval_score

SHARED = Path(__file__).parents[2] / "shared" / "data"
HUBS = ("forecast_us_flu_hosp", "forecast_us_covid_hosp", "forecast_europe_covid")
FORECASTS = 43_480  # times 23 levels: a million quantiles


def made_up() -> tuple[pa.Table, pa.Table]:
    """Forecasts of 40 models and areas, and what came."""
    generator = np.random.default_rng(4)
    levels = len(LEVELS)
    models, areas = [f"model {number}" for number in range(20)], [f"area {number:02}" for number in range(50)]
    weeks = FORECASTS // (len(models) * len(areas)) + 1
    shape = (len(models), len(areas), weeks)
    model, area, week = (part.ravel()[:FORECASTS] for part in np.indices(shape))
    values = np.sort(generator.gamma(3, 40, (FORECASTS, levels)), axis=1)
    first = date(2024, 1, 6)
    days = np.array([first + timedelta(weeks=number) for number in range(weeks + 1)])
    repeated = np.repeat(np.arange(FORECASTS), levels)
    names, places = np.array(models, object)[model], np.array(areas, object)[area]
    table = {
        "model": pa.array(names[repeated]),
        "target": pa.array(["cases"] * len(repeated)),
        "area": pa.array(places[repeated]),
        "made_on": pa.array(days[week][repeated]),
        "horizon": pa.array(np.ones(len(repeated), np.int64)),
        "day": pa.array(days[week + 1][repeated]),
        "level": pa.array(np.tile(LEVELS, FORECASTS)),
        "value": pa.array(values.ravel()),
    }
    seen = {"target": ["cases"] * len(areas) * weeks, "area": np.repeat(np.array(areas, object), weeks)}
    seen |= {"day": np.tile(days[1:], len(areas)), "value": generator.gamma(3, 40, len(areas) * weeks)}
    return pa.table(table), pa.table({name: pa.array(column) for name, column in seen.items()})


def matrix(forecast: pa.Table, observed: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    truth = score(forecast, observed)["observed"].to_numpy()
    return truth, forecast["value"].to_numpy().reshape(len(truth), len(LEVELS))


def peer(forecast: pa.Table, observed: pa.Table, runs: int) -> tuple[dict[str, list[float]], np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("forecast.parquet", "truth.parquet", "scores.npy")]
        pq.write_table(forecast, paths[0])
        pq.write_table(observed, paths[1])
        command = [PYTHON, SCRIPTS / "scoringrules_run.py", *paths[:2], str(runs), paths[2]]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return json.loads(told), np.load(paths[2])


def hub_difference(hub: str) -> tuple[float, int]:
    """The largest relative difference to the hub's mean scores, and how many mean scores there are."""
    folder = SHARED / hub
    table = pq.read_table(folder / "forecasts.parquet")
    made = from_hub(table, target=None if "target" in table.column_names else "admissions")
    text = pcsv.ConvertOptions(column_types={"location": pa.string()})
    truth = pcsv.read_csv(folder / "truth_weekly.csv.gz", convert_options=text)
    names = {"location": "area", "target_end_date": "day"} | (
        {} if "target_end_date" in truth.column_names else {"date": "day"}
    )
    truth = truth.rename_columns([names.get(name, name) for name in truth.column_names])
    scores = score(made, truth.select([name for name in ("target", "area", "day", "value") if name in truth.column_names]))
    scores = scores.filter(pc.is_valid(scores["wis"]))
    task = [tuple(row.values()) for row in scores.select(["target", "area", "made_on", "day"]).to_pylist()]
    both = Counter(task)
    common = scores.filter(pa.array([both[one] == 2 for one in task]))
    reference = pcsv.read_csv(folder / "reference_mean_wis.csv").to_pylist()
    by = [name for name in ("model", "target", "horizon") if name in reference[0]]
    found = {tuple(row[name] for name in by): row["wis"] for row in summarise(common, by=by).to_pylist()}
    least = 5e-5  # the reference has four decimals
    off = [max(0.0, abs(found[tuple(row[n] for n in by)] - row["mean_wis"]) - least) / row["mean_wis"] for row in reference]
    return max(off), len(off)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    install_peers()
    forecast, observed = made_up()
    truth, values = matrix(forecast, observed)
    weighted_interval_score(truth, values, LEVELS)
    arrays, tables = [], []
    for _ in range(runs):
        start = time.perf_counter()
        weighted_interval_score(truth, values, LEVELS)
        arrays.append(time.perf_counter() - start)
        start = time.perf_counter()
        scores = score(forecast, observed)
        tables.append(time.perf_counter() - start)
    times, theirs = peer(forecast, observed, runs)
    report = Report("scoring")
    million = f"{forecast.num_rows:,} quantiles"
    report.row(f"{million} from arrays", arrays, times["arrays"], unit="s", peer_name="scoringrules")
    report.row(f"{million} from a long table", tables, times["tables"], unit="s", peer_name="pandas + scoringrules")
    ours = np.sort(scores["wis"].to_numpy())
    report.row("largest difference to scoringrules", [float(np.max(np.abs(ours / theirs - 1)))], unit="relative")
    for hub in HUBS if SHARED.is_dir() else ():
        difference, count = hub_difference(hub)
        report.row(f"{hub}: largest difference to {count} mean scores", [difference], unit="relative")
    report.save()


if __name__ == "__main__":
    main()
