"""Nowcasts of reporting triangles with known final counts, beside the raw counts carried forward by mean completeness.

    .venv/bin/python benchmarks/nowcast.py [--tuning]

Reports after each of many days are hidden, the last four weeks are nowcast from what was known, and compared with the count
at the longest delay. Settings were chosen in the even weeks of the German ages 00-04, 15-34 and 60-79 and of New York's
diagnoses (`--tuning` measures these; the width of intervals also in the even weeks of other ages); what is reported are the
odd weeks, of the other ages and of New York. The counts
carried forward have the spread of that method's own past errors (its mean: see `carry_forward`), or are points, whose score
is the absolute error. Relative WIS is the ratio of the mean scores of all strata, days and delays.

The Robert Koch Institute published each Monday of 2021 a nowcast of cases by day of onset and an R of seven days; the reports
behind them are not public. So our R of its counts is held against its own R of the same Monday, and both, for the newest days
that Monday told, against what it said in the end. The generation time of exactly four days and that its R is told a day early
were found on 2020.
"""

import argparse
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from _report import Report

from epipolis.engines.epidemic import (
    Triangle,
    carry_forward,
    compare_models,
    estimate_r,
    nowcast,
    score,
    summarise,
    triangle_of,
)

SHARED = Path(__file__).parents[2] / "shared" / "data"
TUNED = ("00-04", "15-34", "60-79")
REPORTED = ("00+", "05-14", "35-59", "80+")
BACK = 28


def german(ages: tuple[str, ...]) -> Triangle:
    table = pq.read_table(SHARED / "nowcast_triangles" / "germany_hosp_DE_by_age.parquet")
    names = {"reference_date": "day", "report_date": "known_on", "confirm": "count", "age_group": "stratum"}
    table = table.select(list(names)).rename_columns(list(names.values()))
    table = pa.table(
        {name: pc.cast(table[name], pa.string()) if name != "count" else table[name] for name in table.column_names}
    )
    return triangle_of(table.filter(pc.is_in(table["stratum"], pa.array(ages))), cumulative=True)


def new_york() -> Triangle:
    table = pcsv.read_csv(SHARED / "nowcast_triangles" / "mpox_nyc_2022_linelist.csv")
    return triangle_of(pa.table({"day": table["dx_date"], "known_on": table["dx_report_date"]}))


def days_of(first: int, last: int, tuning: bool) -> list[int]:
    return [day for day in range(first, last) if (day // 7 % 2 == 0) == tuning]


def measured(triangle: Triangle, days: list[int]) -> tuple[dict[str, dict[str, float]], dict[str, float], list[float]]:
    """Mean scores and skill relative to the plain way by model, and the seconds of every nowcast."""
    made, seconds = [], []
    for day in days:
        at = triangle.first + timedelta(days=day)
        start = time.perf_counter()
        result = nowcast(triangle, at=at, days_back=BACK)
        seconds.append(time.perf_counter() - start)
        made += [result.forecast("nowcast"), carry_forward(triangle, at=at, days_back=BACK).forecast("carried")]
        made.append(carry_forward(triangle, at=at, days_back=BACK, levels=[0.5]).forecast("point"))
    scores = score(pa.concat_tables(made), triangle.finals())
    skill = {row["model"]: row["mean"] for row in compare_models(scores).to_pylist()}
    return {row["model"]: row for row in summarise(scores).to_pylist()}, skill, seconds


def snapshots() -> tuple[float, float, float]:
    """Truncated snapshots, the last ten days as of the second to fourth, against the last one.

    Gives the mean absolute error of the median and of the counts as published, both relative to the mean count, and the
    coverage of the 90 % interval.
    """
    table = pcsv.read_csv(SHARED / "truncation_epinow2" / "example_truncated_snapshots.csv")
    last = table.group_by("snapshot").aggregate([("date", "max")]).rename_columns(["snapshot", "known_on"])
    events = table.join(last, "snapshot").select(["date", "known_on", "confirm"]).rename_columns(["day", "known_on", "count"])
    triangle = triangle_of(events, cumulative=True, spread_gaps=True)
    final = events.filter(pc.equal(events["known_on"], pc.max(events["known_on"])))
    settled = final.filter(pc.less(final["day"], pa.scalar(triangle.last - timedelta(days=5))))
    truth = dict(zip(settled["day"].to_pylist(), settled["count"].to_pylist(), strict=True))
    errors, raw, size, held = [], [], [], []
    for at in sorted(set(last["known_on"].to_pylist()))[1:4]:
        result = nowcast(triangle, at=at, days_back=10, levels=[0.05, 0.5, 0.95])
        values = result.table["value"].to_numpy().reshape(-1, 3)
        for day, known, (low, middle, high) in zip(
            result.days["day"].to_pylist(), result.days["known"].to_pylist(), values, strict=True
        ):
            if day in truth:
                errors.append(abs(middle - truth[day]))
                raw.append(truth[day] - known)
                size.append(truth[day])
                held.append(low <= truth[day] <= high)
    return float(np.sum(errors) / np.sum(size)), float(np.sum(raw) / np.sum(size)), float(np.mean(held))


def official(report: Report) -> None:
    """Our R of the counts that the institute published, beside its own."""
    folder = SHARED / "germany_nowcast_r"
    final = pcsv.read_csv(folder / "rki_nowcast_r_final.csv")
    last = dict(zip(final["date"].to_pylist(), final["r7"].to_pylist(), strict=True))
    told = pcsv.read_csv(folder / "rki_nowcast_r_vintages_weekly.csv.gz")
    rows = [row for monday in sorted(set(told["as_of"].to_pylist())) for row in _beside(told, monday)]
    ours, theirs, low, high = np.array([row[1:5] for row in rows]).T
    what = f"R of the counts that the Robert Koch Institute published, {len(rows)} days"
    report.row(what, [np.mean((ours.round(2) >= low) & (ours.round(2) <= high))], unit="share within its own interval")
    report.row(what, [np.mean(np.abs(ours / theirs - 1))], unit="mean relative difference from its R")
    newest = [row for row in rows if row[7] and last.get(row[0]) is not None]
    ours, theirs, low, high, our_low, our_high = np.array([row[1:7] for row in newest]).T
    truth = np.array([last[row[0]] for row in newest])
    what, name = f"R of the newest three days of each Monday against the last word, {len(newest)} days", "the institute"
    errors = [[float(np.mean(np.abs(each / truth - 1)))] for each in (ours, theirs)]
    report.row(what, *errors, unit="relative error", peer_name=name)
    held = [[float(np.mean((truth >= a.round(2)) & (truth <= b.round(2))))] for a, b in ((our_low, our_high), (low, high))]
    report.row(what, *held, unit="coverage of 95 %", peer_name=name)


def _beside(told: pa.Table, monday: date) -> list[tuple[Any, ...]]:
    """Day, our R, theirs and its interval, our interval, and whether the day is among the newest three with an R."""
    own = told.filter(pc.equal(told["as_of"], monday)).sort_by("date").to_pylist()
    counts = np.array([row["onset_cases_nowcast"] for row in own], dtype=float)
    found = estimate_r(counts, np.array([0.0, 0, 0, 0, 1]), windows=7)
    values = found.quantiles([0.025, 0.5, 0.975])[0]
    of_day = {int(end) - 1: value for end, value in zip(found.ends, values, strict=True) if end >= 11}
    known = [number for number, row in enumerate(own) if row["r7"] is not None and number in of_day]
    return [
        (own[n]["date"], of_day[n][1], own[n]["r7"], own[n]["r7_lo95"], own[n]["r7_hi95"], *of_day[n][::2], n in known[-3:])
        for n in known
    ]


def many_strata() -> list[float]:
    """Seconds for a thousand copies of the German ages at once."""
    triangle = german((*TUNED, *REPORTED))
    known = np.tile(triangle.known, (143, 1, 1))[:1000]
    names = tuple(f"{number:04}" for number in range(1000))
    whole = Triangle(names, triangle.first, known, np.zeros(1000), triangle.published)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        nowcast(whole)
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tuning", action="store_true", help="measure the part the settings were chosen on")
    tuning = parser.parse_args().tuning
    report = Report("nowcast" + ("_tuning" if tuning else ""))
    cases = {
        "German hospitalisations by age": (german(TUNED if tuning else REPORTED), days_of(42, 117, tuning)),
        "New York mpox diagnoses": (new_york(), days_of(21, 90, tuning)),
    }
    for name, (triangle, days) in cases.items():
        means, skill, seconds = measured(triangle, days)
        what = f"{name}, {len(days)} days"
        report.row(what, [skill["nowcast"] / skill["carried"]], unit="relative WIS to counts carried forward")
        report.row(what, [skill["nowcast"] / skill["point"]], unit="relative WIS to their point")
        report.row(what, [means["nowcast"]["within_90"]], unit="coverage of 90 %")
        report.row(what, [means["nowcast"]["within_50"]], unit="coverage of 50 %")
        report.row(f"{name}, one nowcast", seconds, unit="s")
    error, raw, held = snapshots()
    report.row("truncated snapshots, 29 days", [error], [raw], unit="relative error", peer_name="as published")
    report.row("truncated snapshots, 29 days", [held], unit="coverage of 90 %")
    official(report)
    report.row("1,000 strata x 198 days, one nowcast", many_strata(), unit="s")
    report.save()


if __name__ == "__main__":
    main()
