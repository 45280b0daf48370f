"""`epipolis nowcast`: how many events of the last days there will have been, once all are reported."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import typer

from epipolis.engines import epidemic
from epipolis.server.commands import pictures
from epipolis.server.commands.series import (
    TableOut,
    areas_of,
    as_json,
    check_files,
    column_of,
    days_of,
    has_column,
    in_columns,
    numbers_of,
    read_table,
    typed_day,
    write_table,
)
from epipolis.server.commands.simulations import AsJson, Plot, bar, one_sentence

HAPPENED = (
    *("day", "reference_date", "dx_date", "onset_date", "date_of_onset", "date_onset", "happened"),
    *("event_date", "specimen_date", "admission_date", "date"),
)
KNOWN = (
    *("known_on", "report_date", "dx_report_date", "onset_report_date", "as_of", "published", "reported_on"),
    *("date_report", "reporting_date"),
)
COUNTS = ("count", "confirm", "value", "cases", "n", "admissions")
STRATA = ("stratum", "age_group", "agegroup")
_SHOWN = 7
_MOST_PANELS = 6
_REPLAYS = 20

File = Annotated[
    Path,
    typer.Argument(help="When it happened and became known: a row for each event, or counts; .csv, .csv.gz, .parquet."),
]
At = Annotated[str | None, typer.Option(help="As it was known on this day; without it the last day with reports.")]
DaysBack = Annotated[int, typer.Option(help="How many days are nowcast, the last one included.")]
Longest = Annotated[int | None, typer.Option(help="Days after which a count is taken as final.")]
Day = Annotated[str | None, typer.Option(help="Column with the day it happened, when it is not found by its name.")]
Known = Annotated[str | None, typer.Option(help="Column with the day it became known.")]
Count = Annotated[str | None, typer.Option(help="Column with the counts; without one every row is one event.")]
Stratum = Annotated[str | None, typer.Option(help="Column with the groups: ages, areas; several as city,district.")]
Cumulative = Annotated[
    bool | None,
    typer.Option(
        "--cumulative/--new",
        help="Counts are all known by then, or only the newly known; without it told from whether they ever fall.",
    ),
]
Check = Annotated[
    bool, typer.Option("--check", help="Nowcast many past days as they were known then, and compare with what came.")
]


def nowcast(
    file: File,
    at: At = None,
    days_back: DaysBack = 28,
    longest_delay: Longest = None,
    day: Day = None,
    known: Known = None,
    count: Count = None,
    stratum: Stratum = None,
    cumulative: Cumulative = None,
    check: Check = False,
    as_json_: AsJson = False,
    out: TableOut = None,
    plot: Plot = None,
) -> None:
    """Say how many events of the last days there will have been once all are reported, with intervals.

    The last days of a curve always look too low: reports are still to come. How many follows from how late they usually
    are, by weekday, and from the trend. As of a past day, what it became is shown beside.

    \b
        epipolis nowcast linelist.csv --day onset_date --known onset_report_date
        epipolis nowcast triangle.parquet --at 2021-07-15 --plot nowcast.png
        epipolis nowcast triangle.parquet --check
    """
    with one_sentence():
        check_files(out, plot)
        triangle, told = read_triangle(
            file, day=day, known=known, count=count, stratum=stratum, cumulative=cumulative, longest=longest_delay
        )
        result = epidemic.nowcast(triangle, at=None if at is None else typed_day(at, "--at"), days_back=days_back)
        whole = _whole(result, triangle)
        if out:
            write_table(whole, out)
        if plot:
            _draw(plot, whole, f"Nowcast as of {result.at}, 90 % intervals; {file.name}")
        record = _record(triangle, days_back, quiet=as_json_) if check else None
    if as_json_:
        about = {"file": str(file), "at": result.at, "longest_delay": result.longest_delay, "read": told}
        print(as_json(whole, **about, record=None if record is None else record.to_pylist()))
        return
    for line in told:
        print(line)
    print(f"as of {result.at}, final after {result.longest_delay} days\n")
    latest = pc.greater(whole["day"], pa.scalar(result.at - timedelta(days=_SHOWN)))
    print(in_columns(whole.filter(latest).drop_columns(["lower 50", "upper 50"]), rows=whole.num_rows, digits=1))
    if record is not None:
        print(f"\nnowcasts of past days beside the counts divided by their mean completeness\n{in_columns(record, digits=3)}")
    for path in (out, plot):
        if path:
            print(f"written: {path}")


def read_triangle(
    file: Path,
    *,
    day: str | None = None,
    known: str | None = None,
    count: str | None = None,
    stratum: str | None = None,
    cumulative: bool | None = None,
    longest: int | None = None,
) -> tuple[Any, list[str]]:
    """A file as a reporting triangle, and how it was read. ValueError: one sentence beginning with the file's name."""
    table, name = read_table(file), str(file)
    happened = column_of(table, *HAPPENED, given=day, what="the day it happened", file=name)
    columns: dict[str, Any] = {"day": _days(table, happened, name)}
    snapshots = known is None and has_column(table, *KNOWN) is None and has_column(table, "snapshot") is not None
    if snapshots:
        columns["known_on"] = _last_days(table["snapshot"], columns["day"])
        became = "last day of the snapshot"
    else:
        became = column_of(table, *KNOWN, given=known, what="the day it became known", file=name)
        columns["known_on"] = _days(table, became, name)
    counts = count or has_column(table, *COUNTS)
    if counts is not None:
        column = column_of(table, given=counts, file=name)
        columns["count"] = pa.array(numbers_of(table, column, file=name), from_pandas=True)
    groups = _groups(table, stratum, name, snapshots)
    if groups is not None:
        columns["stratum"] = groups
    events = pa.table(columns)
    rising = counts is not None and (snapshots or (_ever_rising(events) if cumulative is None else cumulative))
    try:
        triangle = epidemic.triangle_of(events, cumulative=rising, longest_delay=longest, spread_gaps=snapshots)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    told = [f"happened: {happened}; became known: {became}; " + _how(counts, rising)]
    if triangle.undated:
        told.append(f"{triangle.undated:,} rows without one of the days are left out")
    return triangle, told


def _how(counts: str | None, rising: bool) -> str:
    if counts is None:
        return "every row is one event"
    return f"counts: {counts}, " + ("all known by then (--new: newly known)" if rising else "newly known (--cumulative: all)")


def _days(table: pa.Table, column: str, file: str) -> pa.Array:
    """Days, missing where the field is empty."""
    values = table[column].combine_chunks()
    if pa.types.is_null(values.type):
        return pa.nulls(table.num_rows, pa.date32())
    texts = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    there = pc.is_valid(values)
    if texts:
        there = pc.and_(there, pc.invert(pc.is_in(values, pa.array(["", "NA"], values.type))))
    rows = np.flatnonzero(np.asarray(pc.fill_null(there, False).to_numpy(zero_copy_only=False), bool))
    filled = days_of(table.take(pa.array(rows)), column, file=file)
    place = np.full(table.num_rows, -1, np.int64)
    place[rows] = np.arange(len(rows))
    return filled.take(pa.array(place, mask=place < 0))


def _last_days(snapshot: Any, day: pa.Array) -> pa.Array:
    """A snapshot was known on the last day that it has."""
    grouped = pa.table({"snapshot": snapshot, "day": day}).group_by("snapshot").aggregate([("day", "max")])
    place = pc.index_in(snapshot, grouped["snapshot"].combine_chunks()).combine_chunks()
    return grouped["day_max"].combine_chunks().take(place)


def _groups(table: pa.Table, stratum: str | None, file: str, snapshots: bool) -> pa.Array | None:
    if stratum is None and has_column(table, *STRATA):
        return pc.cast(table[has_column(table, *STRATA) or ""].combine_chunks(), pa.string())
    if stratum is None and snapshots:
        return None
    return areas_of(table, stratum, file=file)


def _ever_rising(events: pa.Table) -> bool:
    """Counts of one day that hardly ever fall from report to report, over many reports, are cumulative."""
    keys = [name for name in ("stratum", "day", "known_on") if name in events.column_names]
    ordered = events.sort_by([(name, "ascending") for name in keys])
    same = np.ones(max(ordered.num_rows - 1, 0), bool)
    for name in keys[:-1]:
        column = ordered[name].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
        same &= column[1:] == column[:-1]
    steps = np.diff(ordered["count"].to_numpy())[same]
    return bool(len(steps) and np.mean(steps < 0) < 0.01)


def _whole(result: Any, triangle: Any) -> pa.Table:
    """One row for each stratum and day, the quantiles beside each other; what it became, where that is known."""
    levels = np.asarray(epidemic.LEVELS)
    values = result.table["value"].to_numpy().reshape(result.days.num_rows, len(levels))
    days = result.days
    table = days.select(["stratum", "day", "known", "share"])
    for name, level in {"lower 90": 0.05, "lower 50": 0.25, "median": 0.5, "upper 50": 0.75, "upper 90": 0.95}.items():
        table = table.append_column(name, pa.array(values[:, np.argmin(np.abs(levels - level))]))
    strata = {name: place for place, name in enumerate(triangle.strata)}
    became = [float(triangle.final(one)[strata[name]]) for name, one in zip(*_keys(days), strict=True)]
    if np.isfinite(became).any():
        table = table.append_column("became", pa.array(became, from_pandas=True))
    return table.append_column("marked", days["marked"])


def _keys(days: pa.Table) -> tuple[list[str], list[date]]:
    return days["stratum"].to_pylist(), days["day"].to_pylist()


def _record(triangle: Any, days_back: int, quiet: bool) -> pa.Table:
    """Scores of nowcasts of past days whose final counts are known, beside the plain way."""
    days = (triangle.last - triangle.first).days + 1
    ready = np.arange(min(21, days // 3), days - triangle.longest + days_back - 1)
    if not len(ready):
        raise ValueError(f"--check needs more than {triangle.longest} days of reports; a --longest-delay below that helps")
    chosen = np.unique(np.linspace(ready[0], min(ready[-1], days - 1), _REPLAYS).astype(int))
    made: list[pa.Table] = []
    with bar("replay", quiet=quiet) as progress:
        for number, offset in enumerate(chosen.tolist(), 1):
            then = triangle.first + timedelta(days=offset)
            made.append(epidemic.nowcast(triangle, at=then, days_back=days_back).forecast("nowcast"))
            made.append(epidemic.carry_forward(triangle, at=then, days_back=days_back).forecast("carried forward"))
            progress(number, len(chosen))
    scores = epidemic.score(pa.concat_tables(made), triangle.finals())
    skill = {row["model"]: row for row in epidemic.compare_models(scores, "carried forward").to_pylist()}
    rows = epidemic.summarise(scores).select(["model", "wis", "ae_median", "within_50", "within_90", "forecasts"]).to_pylist()
    return pa.Table.from_pylist([{**row, "relative wis": skill[row["model"]]["scaled_skill"]} for row in rows])


def _draw(plot: Path, whole: pa.Table, note: str) -> None:
    names: Sequence[str] = list(dict.fromkeys(whole["stratum"].to_pylist()))[:_MOST_PANELS]
    panels: dict[str, dict[str, pictures.Band]] = {}
    dates: list[date] = []
    for name in names:
        rows = whole.filter(pc.equal(whole["stratum"], name))
        dates = rows["day"].to_pylist()
        column = {column: rows[column].to_pylist() for column in rows.column_names}
        known = column["known"]
        panels[name] = {
            "once all is reported": (column["lower 90"], column["median"], column["upper 90"]),
            "known so far": (known, known, known),
        }
    pictures.draw(plot, panels, dates, note=note)
