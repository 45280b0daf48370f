"""`epipolis alarms`: days on which counts stand out, and hot spots where coordinates are given."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import typer

from epipolis.engines import epidemic
from epipolis.server.commands import pictures
from epipolis.server.commands.series import (
    DAYS,
    VALUES,
    TableOut,
    areas_of,
    as_json,
    check_files,
    column_of,
    days_of,
    in_columns,
    numbers_of,
    read_table,
    typed_day,
    write_table,
)
from epipolis.server.commands.simulations import AsJson, Plot, one_sentence

_PANELS, _MANY = 4, 40
File = Annotated[Path, typer.Argument(help="Counts by day or week: .csv, .csv.gz or .parquet.")]
By = Annotated[
    str | None, typer.Option(help='Columns that tell the series apart, as "nhs_region,age"; "all" adds everything up.')
]
Column = Annotated[str | None, typer.Option(help="Name of that column, where it is not found by its usual name.")]
Places = Annotated[
    Path | None,
    typer.Option(help="A table of area, lon, lat and perhaps population: look for hot spots in space and time instead."),
]


def alarms(
    file: File,
    by: By = None,
    method: Annotated[str, typer.Option(help="regression, cusum, ears, C1, C2 or C3.")] = "regression",
    false_alarms: Annotated[float, typer.Option(help="False alarms a year for each series.")] = 2.0,
    together: Annotated[
        str, typer.Option(help='"series": that rate for each; "all": for all together; "discoveries": a share of alarms.')
    ] = "series",
    since: Annotated[str | None, typer.Option(help="Show alarms from this day on.")] = None,
    at: Annotated[str | None, typer.Option(help="Judge as on this day: later rows are not used.")] = None,
    day: Column = None,
    value: Column = None,
    places: Places = None,
    draws: Annotated[int, typer.Option(help="Hot spots: how often chance is tried.")] = 999,
    longest: Annotated[int | None, typer.Option(help="Hot spots: most days of one.")] = None,
    seed: Annotated[int, typer.Option(help="Hot spots: the same number gives the same answer.")] = 0,
    out: TableOut = None,
    plot: Plot = None,
    as_json_: AsJson = False,
) -> None:
    """Find days on which counts are higher than weekdays, trend, season and chance explain, with a stated false-alarm rate."""
    with one_sentence():
        check_files(out, plot)
        last = None if at is None else typed_day(at, "--at")
        series, notes = _series(file, by, day, value, last)
        first = None if since is None else typed_day(since, "--since")
        if places is not None:
            found = _hot_spots(series, places, draws, longest, seed)
        else:
            found = epidemic.detect(
                series, method=method, false_alarms_per_year=false_alarms, together=together, since=first, at=last
            )
        if out:
            write_table(_flat(found), out)
        if plot and places is None:
            _draw(plot, found, f"{file.name}: {method}, {false_alarms:g} false alarms a year stated")
    note = "; ".join(notes) or None
    if places is not None:
        _show_spots(found, as_json_, str(file), note)
    else:
        _show(found, as_json_, str(file), note, method, false_alarms)
    for path in (out, plot):
        if path and not as_json_ and path.exists():
            print(f"written: {path}")


def _series(file: Path, by: str | None, day: str | None, value: str | None, last: date | None) -> tuple[pa.Table, list[str]]:
    """area, day, value, and what was done to them: what shares a day and a series is added up, and missing where all of it
    is; a negative count is missing."""
    table, named = read_table(file), str(file)
    places = None if by == "all" else areas_of(table, by, file=named)
    days = days_of(table, column_of(table, *DAYS, given=day, what="the day", file=named), file=named)
    found = column_of(table, *VALUES, given=value, what="the value", file=named)
    numbers = numbers_of(table, found, file=named)
    negative = np.flatnonzero(numbers < 0)
    numbers[negative] = np.nan
    values = pa.array(numbers, from_pandas=True)
    names = pa.repeat("all", table.num_rows) if places is None else pc.replace_substring_regex(places, "^ *$", "(none)")
    series = pa.table({"area": names, "day": days, "value": values})
    if last is not None:
        series = series.filter(pc.less_equal(series["day"], pa.scalar(last)))
    summed = series.group_by(["area", "day"]).aggregate([("value", "sum", pc.ScalarAggregateOptions(min_count=1))])
    summed = summed.rename_columns(["area", "day", "value"]).sort_by([("area", "ascending"), ("day", "ascending")])
    notes = []
    if summed.num_rows < series.num_rows:
        notes.append("rows of one day and series were added up")
    if negative.size:
        notes.append(f"negative counts are taken as missing: {negative.size}, the first in row {negative[0] + 1}")
    return summed, notes


def _hot_spots(series: pa.Table, places: Path, draws: int, longest: int | None, seed: int) -> pa.Table:
    table, named = read_table(places), str(places)
    areas = areas_of(table, file=named)
    if areas is None:
        raise ValueError(f"{named}: no column for the area was found; its columns are {', '.join(table.column_names)}")
    columns = {"area": areas}
    for name, usual in {"lon": ("lon", "longitude", "lng", "x"), "lat": ("lat", "latitude", "y")}.items():
        columns[name] = pa.array(
            numbers_of(table, column_of(table, *usual, what=name, file=named), file=named), from_pandas=True
        )
    people = None
    if "population" in table.column_names:
        values = pa.array(numbers_of(table, "population", file=named), from_pandas=True)
        people = pa.table({"area": areas, "population": values})
    return epidemic.scan(series, pa.table(columns), people, draws=draws, longest=longest, seed=seed)


def _show(found: pa.Table, as_rows: bool, file: str, note: str | None, method: str, rate: float) -> None:
    alarms_only = found.filter(found["is_alarm"]).sort_by([("day", "ascending"), ("area", "ascending")])
    areas = len(pc.unique(found["area"]))
    judged = found.num_rows - found["score"].null_count
    told = {"file": file, "method": method, "false_alarms_per_year": rate, "series": areas, "judged": judged, "note": note}
    if as_rows:
        print(as_json(alarms_only, **told, alarms=alarms_only.num_rows))
        return
    if note:
        print(note)
    days = pc.min_max(found["day"]).as_py()
    print(f"{alarms_only.num_rows} alarms in {areas} series, {days['min']} to {days['max']}; {judged:,} counts were judged")
    if not judged:
        print("nothing could be judged: there are too few counts before each")
    if alarms_only.num_rows > _MANY:
        print(in_columns(_by_series(alarms_only), digits=1))
    elif alarms_only.num_rows:
        print(in_columns(alarms_only, digits=1, skip=("is_alarm",)))
    print("score: 1 is the threshold; upper: counts above it are alarms")


def _by_series(alarms_only: pa.Table) -> pa.Table:
    """One row for each series; the single days are in --json and --out."""
    summed = alarms_only.group_by("area").aggregate([("day", "count"), ("day", "min"), ("day", "max"), ("score", "max")])
    return summed.rename_columns(["area", "alarms", "first", "last", "highest score"]).sort_by([("first", "ascending")])


def _show_spots(found: pa.Table, as_rows: bool, file: str, note: str | None) -> None:
    skipped = [] if found.schema.metadata is None else epidemic.skipped_in(found)
    if as_rows:
        print(as_json(found, file=file, note=note, skipped=skipped))
        return
    if skipped:
        print(f"left out for want of coordinates or people: {', '.join(skipped[:20])}{', …' if len(skipped) > 20 else ''}")
    if not found.num_rows:
        print("no cluster")
        return
    table = _flat(found).drop_columns(["lon", "lat", "first_step", "last_step", "llr"])
    print(in_columns(table, digits=3))
    print("p: how often chance alone gives one as strong; recurrence: once in so many days, if looked at daily")


def _flat(found: pa.Table) -> pa.Table:
    """Lists as text, for terminals and CSV."""
    if "areas" not in found.column_names:
        return found
    joined = pa.array([", ".join(areas) for areas in found["areas"].to_pylist()], pa.string())
    return found.set_column(found.column_names.index("areas"), "areas", joined)


def _draw(plot: Path, found: pa.Table, note: str) -> None:
    """What was counted beside what was expected, for the series with the highest scores; alarms as spikes below."""
    highest = found.group_by("area").aggregate([("score", "max")]).sort_by([("score_max", "descending")])
    dates: list[date] = sorted(pc.unique(found["day"]).to_pylist())
    panels: dict[str, dict[str, pictures.Band]] = {}
    for area in highest["area"].to_pylist()[:_PANELS]:
        own = {row["day"]: row for row in found.filter(pc.equal(found["area"], area)).to_pylist()}

        def column(name: str, own: dict[Any, dict[str, Any]] = own) -> list[float]:
            values = (own.get(day, {}).get(name) for day in dates)
            return [np.nan if each is None else each for each in values]

        counted, expected, upper = column("value"), column("expected"), column("upper")
        alarm = [each if own.get(day, {}).get("is_alarm") else np.nan for day, each in zip(dates, counted, strict=True)]
        panels[f"{area} ({int(np.sum(~np.isnan(alarm)))} alarms)"] = {
            "counted": (counted, counted, counted),
            "expected, up to the threshold": (expected, expected, upper),
        }
    pictures.draw(plot, panels, dates, note=note)
