"""Forecasts of past seasons as they would have been made, beside the public hubs' own; and the time of one round.

    .venv/bin/python benchmarks/forecast.py [--runs 3] [--only flu,covid,cases] [--no-peer]

Accuracy: the mean weighted interval score (WIS) over all areas, dates and four horizons, divided by that of the hub's
baseline on the same tasks, and how often the 50 and 95 % intervals held. Influenza is forecast from what was published
by each reference date; for the others there are no vintages, and every round sees the final values of the weeks that
were over (the hubs' teams did not have these). The ensemble's weights and width come from earlier rounds only. What the
models know beforehand was learnt from other seasons, see `_forecast_priors.py`.

Time: one round of 53 areas, four horizons and all models, in the middle of a season; AutoETS of statsforecast for the
same areas and horizons beside it.
"""

import argparse
import json
import subprocess
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from _peers import PYTHON, SCRIPTS, install_peers
from _report import Report

from epipolis.engines.epidemic import MODELS, History, backtest, forecast
from epipolis.server.commands.forecast import compare_with, read_others
from epipolis.server.commands.series import read_series, read_table

SHARED = Path(__file__).parents[2] / "shared" / "data"
HORIZONS = range(4)
NAMES = {"flu": "US influenza admissions", "covid": "US COVID-19 admissions", "cases": "European COVID-19 cases"}
IN_SEASON = date(2024, 1, 6)


def flu() -> tuple[History, History, Path]:
    folder = SHARED / "forecast_us_flu_hosp"
    final = read_series(folder / "truth_weekly.csv.gz", area="location")
    published = read_series(folder / "truth_vintages_last12w.parquet", area="location")
    both = pa.concat_tables([final, published], promote_options="default")
    return History(both, target="admissions"), History(final, target="admissions"), folder / "forecasts.parquet"


def covid() -> tuple[History, History, Path]:
    folder = SHARED / "forecast_us_covid_hosp"
    history = History(read_series(folder / "truth_weekly.csv.gz", area="location"), target="admissions")
    return history, history, folder / "forecasts.parquet"


def cases() -> tuple[History, History, Path]:
    folder = SHARED / "forecast_europe_covid"
    whole = read_table(folder / "truth_weekly.csv.gz")
    series = read_series(folder / "truth_weekly.csv.gz", area="location")
    history = History(series.filter(pc.equal(whole["target"], "inc case")), target="inc case")
    return history, history, folder / "forecasts.parquet"


def accuracy(report: Report, name: str, history: History, final: History, hub: Path) -> None:
    """Rows of one data set: ours beside the hub's ensemble, each model, coverage."""
    others = read_others(hub, history.target, history, HORIZONS)
    days = sorted(pc.unique(others["made_on"]).to_pylist())
    began = time.perf_counter()
    made = backtest(history, made_on=days, horizons=tuple(HORIZONS))
    seconds = time.perf_counter() - began
    told = json.loads(made.schema.metadata[b"epipolis"])
    rows = {row["model"]: row for row in compare_with(made, final, others).to_pylist()}
    theirs = next(row for model, row in rows.items() if model.lower().endswith("hub-ensemble") or model.endswith("-ensemble"))
    words = f"{NAMES[name]}{'' if told['vintages'] else ', final values'}"
    for model in ("ensemble", *MODELS):
        peer: dict[str, Any] = {"peer": [theirs["relative_wis"]], "peer_name": "hub ensemble"} if model == "ensemble" else {}
        report.row(f"{words}: {model}", [rows[model]["relative_wis"]], unit="relative WIS", **peer)
    report.row(f"{words}: ensemble, pairwise", [rows["ensemble"]["pairwise"]], unit="relative WIS")
    for width in (50, 95):
        of_hub = {"peer": [theirs[f"within_{width}"]], "peer_name": "hub ensemble"}
        report.row(f"{words}: {width} % interval", [rows["ensemble"][f"within_{width}"]], unit="coverage", **of_hub)
    report.row(f"{words}: back-test of {len(days)} rounds", [seconds])


def speed(report: Report, runs: int, *, peer: bool) -> None:
    """One round of all models in the middle of a season."""
    history, _, _ = flu()
    forecast(history, made_on=IN_SEASON - timedelta(weeks=1))  # loads and compiles
    ours = []
    for _ in range(runs):
        began = time.perf_counter()
        forecast(history, made_on=IN_SEASON)
        ours.append(time.perf_counter() - began)
    theirs = _autoets(history.as_of(IN_SEASON), runs) if peer else []
    report.row("round of 53 areas, 4 horizons, all models", ours, theirs, peer_name="AutoETS" if theirs else "")


def _autoets(known: History, runs: int) -> list[float]:
    install_peers()
    areas, steps = known.values.shape
    table = {
        "unique_id": pa.array(list(known.areas)).take(pa.array([area for area in range(areas) for _ in range(steps)])),
        "ds": pa.array(known.days.tolist() * areas, pa.date32()),
        "y": pa.array(known.values.reshape(-1), from_pandas=True),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.parquet"
        pq.write_table(pa.table(table), path)
        command = [PYTHON, SCRIPTS / "autoets_run.py", path, str(runs)]
        return list(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default=",".join(NAMES))
    parser.add_argument("--no-peer", action="store_true")
    chosen = parser.parse_args()
    report = Report("forecast")
    for name, data in {"flu": flu, "covid": covid, "cases": cases}.items():
        if name in chosen.only.split(","):
            accuracy(report, name, *data())
    speed(report, chosen.runs, peer=not chosen.no_peer)
    report.save()


if __name__ == "__main__":
    main()
