"""Find the contacts of 5,000 cases among 10 million visits: epipolis, Polars and DuckDB on the same Arrow table.

    .venv/bin/python benchmarks/tracing.py [--quick] [--runs 5]

The query: every visit of another person that shares at least 15 minutes with a visit of a case, cut to the case's
infectious window. The peers run it as a join on place and hour, in two forms. Both sides by hour: every visit is
written once for each hour it touches, and a pair counts in the hour in which the meeting begins. Small side by hour:
only the visits of the cases are written once for each hour in which another visit that meets them can begin. These
were the fastest of the forms tried (`--forms` runs all of them). All results are compared as sets of rows. Seconds
are taken in turn in one process; peak memory in a fresh process for each, less what it held before the query.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
from _report import Report

from epipolis.engines.tracing import find_contacts

LEAST = 15 * 60
DAY = 86_400


def city(visits: int, people: int, venues: int, cases: int, days: int = 14) -> tuple[pa.Table, pa.Table]:
    """Visits of two weeks, most by day, most to few places; median stay 45 minutes, longest 16 hours."""
    rng = np.random.default_rng(20_260)
    popularity = np.cumsum(rng.lognormal(0, 1.48, venues))
    first_day = 1_600_000_000 // DAY * DAY
    arrived = first_day + rng.integers(0, days, visits) * DAY + (rng.triangular(6, 13, 23, visits) * 3600).astype(int)
    stay = np.clip(rng.lognormal(np.log(45 * 60), 0.8, visits), 60, 16 * 3600).astype(int)
    table = pa.table(
        {
            "visitor": rng.integers(0, people, visits),
            "place": np.searchsorted(popularity, rng.random(visits) * popularity[-1]),
            "arrived": arrived,
            "left": arrived + stay,
        }
    )
    onset = first_day + rng.integers(2, days, cases) * DAY
    windows = {
        "visitor": rng.choice(people, cases, replace=False),
        "from": onset - 2 * DAY,
        "until": onset + 11 * DAY,
    }
    return table, pa.table(windows)


def ours(visits: pa.Table, cases: pa.Table) -> pa.Table:
    return find_contacts(visits, cases, at_least=timedelta(seconds=LEAST))


def polars_small_side(visits: pa.Table, cases: pa.Table, engine: str = "streaming") -> pa.Table:
    return _polars(visits, cases, engine, both_sides=False)


def polars_both_sides(visits: pa.Table, cases: pa.Table, engine: str = "streaming") -> pa.Table:
    return _polars(visits, cases, engine, both_sides=True)


def _polars(visits: pa.Table, cases: pa.Table, engine: str, *, both_sides: bool) -> pa.Table:
    hour = 3600
    every = pl.from_arrow(visits).lazy()
    windows = pl.from_arrow(cases).lazy()
    long = every.filter(pl.col("left") - pl.col("arrived") >= LEAST)
    longest = 0 if both_sides else visits_longest(every)
    stays = (
        long.join(windows, on="visitor")
        .select(
            pl.col("visitor").alias("case"),
            "place",
            pl.max_horizontal("arrived", "from").alias("since"),
            pl.min_horizontal("left", "until").alias("to"),
        )
        .filter(pl.col("to") - pl.col("since") >= LEAST)
        .with_columns(pl.int_ranges((pl.col("since") - longest) // hour, (pl.col("to") - 1) // hour + 1).alias("hour"))
        .explode("hour")
    )
    if both_sides:
        others = long.with_columns(
            pl.int_ranges(pl.col("arrived") // hour, (pl.col("left") - 1) // hour + 1).alias("hour")
        ).explode("hour")
    else:
        others = long.with_columns((pl.col("arrived") // hour).alias("hour"))
    starts, ends = pl.max_horizontal("arrived", "since"), pl.min_horizontal("left", "to")
    condition = (ends - starts >= LEAST) & (pl.col("visitor") != pl.col("case"))
    if both_sides:
        condition &= starts // hour == pl.col("hour")
    return (
        others.join(stays, on=["place", "hour"])
        .filter(condition)
        .select(
            pl.col("visitor").alias("contact"),
            "case",
            "place",
            starts.alias("starts"),
            ends.alias("ends"),
            (ends - starts).alias("seconds"),
        )
        .collect(engine=engine)
        .to_arrow()
    )


def visits_longest(every: pl.LazyFrame) -> int:
    return every.select((pl.col("left") - pl.col("arrived")).max()).collect(engine="streaming").item()


STAYS = f"""
    select v.visitor as "case", v.place, greatest(arrived, "from") as since, least("left", until) as "to"
    from visits v join cases c on v.visitor = c.visitor
    where least("left", until) - greatest(arrived, "from") >= {LEAST}
"""
MET = """
    select v.visitor as contact, s."case", v.place, greatest(v.arrived, s.since) as starts,
        least(v."left", s."to") as ends, least(v."left", s."to") - greatest(v.arrived, s.since) as seconds
"""
WHERE = f"""v.visitor <> s."case" and least(v."left", s."to") - greatest(v.arrived, s.since) >= {LEAST}"""


def duckdb_small_side(visits: pa.Table, cases: pa.Table) -> pa.Table:
    return _duckdb(
        visits,
        cases,
        f"""with stays as ({STAYS}), longest as (select max("left" - arrived) as seconds from visits),
        hourly as (select s.*, unnest(range((since - seconds) // 3600, ("to" - 1) // 3600 + 1)) as hour from stays s, longest)
        {MET} from visits v join hourly s on v.place = s.place and v.arrived // 3600 = s.hour where {WHERE}""",
    )


def duckdb_both_sides(visits: pa.Table, cases: pa.Table) -> pa.Table:
    return _duckdb(
        visits,
        cases,
        f"""with stays as ({STAYS}),
        hourly as (select s.*, unnest(range(since // 3600, ("to" - 1) // 3600 + 1)) as hour from stays s),
        others as (select v.*, unnest(range(arrived // 3600, ("left" - 1) // 3600 + 1)) as hour from visits v
            where "left" - arrived >= {LEAST})
        {MET} from others v join hourly s on v.place = s.place and v.hour = s.hour
        where {WHERE} and greatest(v.arrived, s.since) // 3600 = v.hour""",
    )


def duckdb_plain(visits: pa.Table, cases: pa.Table) -> pa.Table:
    return _duckdb(
        visits,
        cases,
        f"""with stays as ({STAYS}) {MET} from visits v join stays s
        on v.place = s.place and v.arrived < s."to" and s.since < v."left" where {WHERE}""",
    )


def _duckdb(visits: pa.Table, cases: pa.Table, query: str) -> pa.Table:
    with duckdb.connect() as connection:
        connection.register("visits", visits)
        connection.register("cases", cases)
        return connection.sql(query).to_arrow_table()


FORMS: dict[str, Callable[[pa.Table, pa.Table], pa.Table]] = {
    "epipolis": ours,
    "Polars, small side by hour": polars_small_side,
    "Polars, both sides by hour": polars_both_sides,
    "Polars, small side, in memory": lambda visits, cases: polars_small_side(visits, cases, "in-memory"),
    "Polars, both sides, in memory": lambda visits, cases: polars_both_sides(visits, cases, "in-memory"),
    "DuckDB, small side by hour": duckdb_small_side,
    "DuckDB, both sides by hour": duckdb_both_sides,
    "DuckDB, place and times": duckdb_plain,
}
PEERS = ["Polars, both sides by hour", "Polars, small side by hour", "DuckDB, small side by hour"]


def digest(table: pa.Table) -> tuple[int, ...]:
    """Give numbers that are equal for equal sets of rows, whatever their order."""
    mixed = np.zeros(table.num_rows, np.uint64)
    for column in ("contact", "case", "place", "starts", "ends", "seconds"):
        mixed = (mixed ^ table[column].to_numpy().astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return table.num_rows, int(mixed.sum()), int(np.bitwise_xor.reduce(mixed, initial=0))


def seconds(query: Callable[[pa.Table, pa.Table], pa.Table], data: tuple[pa.Table, pa.Table]) -> float:
    start = time.perf_counter()
    result = query(*data)
    taken = time.perf_counter() - start
    del result
    return taken


def peak(form: str, size: list[str]) -> float:
    """Give the MiB a query adds to a fresh process in which the visits are loaded."""
    command = [sys.executable, __file__, "--peak-of", form, *size]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def report_peak(form: str, size: dict[str, int]) -> None:
    data, few = city(**size), city(10_000, 1000, 100, 10)
    FORMS[form](*few)  # what the library loads once is not the query's
    before = _resident_mib()
    _reset_peak()
    FORMS[form](*data)
    sys.stdout.write(str(_peak_mib() - before))


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def _resident_mib() -> float:
    return _status("VmRSS")


def _peak_mib() -> float:
    return max(_status("VmHWM"), 0) or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the visits, three runs")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--forms", action="store_true", help="only compare the forms of the query, one run each")
    parser.add_argument("--peak-of", choices=FORMS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    part = 10 if options.quick else 1
    size = {"visits": 10_000_000 // part, "people": 200_000 // part, "venues": 20_000 // part, "cases": 5_000 // part}
    if options.peak_of:
        report_peak(options.peak_of, size)
        return
    data = city(**size)
    chosen = list(FORMS) if options.forms else ["epipolis", *PEERS]
    results = {form: digest(FORMS[form](*data)) for form in chosen}
    if len(set(results.values())) > 1:
        raise SystemExit(f"the results differ: {results}")
    times: dict[str, list[float]] = {form: [] for form in chosen}
    for _ in range(2 if options.forms else 3 if options.quick else options.runs):
        for form in chosen:
            times[form].append(seconds(FORMS[form], data))
    report = Report("tracing" + ("_forms" if options.forms else "_quick" if options.quick else ""))
    pairs = f"{results['epipolis'][0]:,} pairs in {size['visits']:,} visits"
    memory = {form: [peak(form, ["--quick"] if options.quick else []) for _ in range(3)] for form in PEERS}
    memory["epipolis"] = [peak("epipolis", ["--quick"] if options.quick else []) for _ in range(3)]
    for form in chosen[1:]:
        report.row(pairs, times["epipolis"], times[form], unit="s", peer_name=form)
    for form in PEERS:
        report.row("peak memory", memory["epipolis"], memory[form], unit="MiB", peer_name=form)
    report.save()


if __name__ == "__main__":
    main()
