"""Beds in use 7 and 14 days ahead: regions of Italy and Portugal, against persistence with its historical spread.

    .venv/bin/python benchmarks/beds.py [--quick] [--data FOLDER]

Every seventh day from six weeks after the start a forecast is made from what was known then, for ward and intensive care. The
score is the weighted interval score over 23 levels, as a share of that of persistence: the last value, with the past changes
over the same days in that series, known at that time, in both directions. Settings were chosen on every second region of Italy
before 2021; "kept aside" is everything else.
"""

import argparse
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from _report import Report
from pyarrow import csv

from epipolis.engines.epidemic.beds import forecast_beds
from epipolis.engines.epidemic.counts import counts_of
from epipolis.engines.epidemic.quantiles import LEVELS
from epipolis.engines.epidemic.scores import weighted_interval_score

DATA = Path(__file__).parents[2] / "shared" / "data"
SETS = {
    "Italy, 21 regions": ("hospital_italy_regions/italy_regions_daily.csv.gz", "region"),
    "Portugal": ("hospital_portugal/portugal_daily.csv", None),
}
KINDS = {"ward": "hospital_ward", "icu": "icu"}
HORIZONS, FIRST, CHOSEN_UNTIL = (7, 14), 42, 312


def tables(path: Path, area: str | None) -> tuple[pa.Table, pa.Table]:
    """Occupancy of wards and intensive care, and new cases."""
    rows = csv.read_csv(path)
    base = {"area": rows[area] if area else pa.repeat("Portugal", rows.num_rows), "day": rows["date"]}
    parts = [
        pa.table({**base, "kind": pa.repeat(kind, rows.num_rows), "value": pc.cast(rows[column], pa.float64())})
        for kind, column in KINDS.items()
    ]
    return pa.concat_tables(parts), pa.table({**base, "value": pc.cast(rows["new_cases"], pa.float64())})


def persistence(past: np.ndarray, horizon: int) -> np.ndarray:
    """The last value and the past changes over `horizon` days, in both directions, so that the median stays [levels]."""
    changes = past[horizon:] - past[:-horizon]
    changes = changes[~np.isnan(changes)]
    return np.maximum(past[-1] + np.quantile(np.concatenate([changes, -changes]), LEVELS), 0)


def backtest(occupancy: pa.Table, cases: pa.Table | None, every: int) -> tuple[dict, float]:
    """Scores by kind and horizon: ours, persistence, within 50/90/95 % [rounds, areas], and the seconds of a round."""
    series = {kind: counts_of(occupancy.filter(pc.equal(occupancy["kind"], kind)), step=1) for kind in KINDS}
    first, steps = series["ward"].first, series["ward"].values.shape[1]
    found: dict = {(kind, horizon): [] for kind in KINDS for horizon in HORIZONS}
    seconds = []
    for day in range(FIRST, steps - min(HORIZONS), every):
        began = time.perf_counter()
        forecast = forecast_beds(occupancy, cases=cases, made_on=first + timedelta(days=day))
        seconds.append(time.perf_counter() - began)
        for kind, horizon in found:
            own = forecast.filter(pc.and_(pc.equal(forecast["target"], kind), pc.equal(forecast["horizon"], horizon)))
            values = own["value"].to_numpy().reshape(-1, len(LEVELS))
            beds = series[kind].aligned(series[kind].areas, first, steps)
            if day + horizon >= steps or np.isnan(beds[:, [day, day + horizon]]).any():
                continue
            truth = beds[:, day + horizon]
            flat = np.stack([persistence(past, horizon) for past in beds[:, : day + 1]])
            within = [(truth >= values[:, low]) & (truth <= values[:, -1 - low]) for low in (6, 2, 1)]
            ours, base = (weighted_interval_score(truth, each, LEVELS)[0] for each in (values, flat))
            found[kind, horizon].append((np.full(len(truth), day), ours, base, *within))
    return {key: np.array(rows, dtype=float).transpose(1, 0, 2) for key, rows in found.items()}, float(np.median(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="every 28 days")
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    report = Report("beds_quick" if options.quick else "beds")
    for name, (file, area) in SETS.items():
        if not (options.data / file).is_file():
            print(f"{name}: no {options.data / file}")
            continue
        occupancy, cases = tables(options.data / file, area)
        scores, seconds = backtest(occupancy, cases, 28 if options.quick else 7)
        for (kind, horizon), (day, ours, base, half, ninety, most) in scores.items():
            label = f"{name}: {kind}, {horizon} days ahead"
            report.row(label, [ours.sum() / base.sum()], unit="relative WIS")
            chosen = (day < CHOSEN_UNTIL) & (np.arange(day.shape[1]) % 2 == 0) & (area is not None)
            if chosen.any():
                aside = ours[~chosen].sum() / base[~chosen].sum()
                report.row(f"{label}, kept aside", [aside], unit="relative WIS")
            for width, within in ((50, half), (90, ninety), (95, most)):
                report.row(f"{label}, {width} % interval", [within.mean()], unit="coverage")
        alone, _ = backtest(occupancy, None, 28 if options.quick else 7)
        total = sum(ours.sum() / base.sum() for _, ours, base, *_ in alone.values()) / len(alone)
        report.row(f"{name}: all, without cases", [total], unit="relative WIS")
        report.row(f"{name}: one round of 14 days, ward and icu", [seconds], unit="s")
    report.save()


if __name__ == "__main__":
    main()
