"""`epipolis beds`: beds in use over the coming days, and when a limit is passed."""

from datetime import timedelta
from math import inf
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
from epipolis.server.commands.simulations import AsJson, Plot, one_sentence

KINDS = {
    "ward": ("hospital_ward", "ward", "in_ward", "hospitalised", "hospitalized", "hospital_total", "beds", "occupancy"),
    "icu": ("icu", "in_icu", "intensive_care", "critical"),
    "ventilators": ("ventilators", "ventilated", "on_ventilator", "in_ventilation"),
}
CASES = ("new_cases", "cases", "new_confirmed", "confirmed", "confirm")
ADMISSIONS = ("admissions", "new_admissions", "hospital_admissions", "new_hospitalised")
_SHOWN_DAYS, _PANELS = 60, 4
File = Annotated[Path, typer.Argument(help="Beds in use by day: .csv, .csv.gz or .parquet, with new cases where there are.")]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        help="100, icu=120 for a kind, Lazio=1200 for an area, icu:Lazio=200 for both; may be repeated, the narrowest holds."
    ),
]
MadeOn = Annotated[str | None, typer.Option(help="Only what was known on this day is used. Without it, the last day.")]
Column = Annotated[str | None, typer.Option(help="Name of that column, where it is not found by its usual name.")]


def beds(
    file: File,
    limit: Limit = None,
    days: Annotated[int, typer.Option(help="How far ahead, 1 to 60.")] = 14,
    made_on: MadeOn = None,
    area: Column = None,
    day: Column = None,
    ward: Column = None,
    icu: Column = None,
    ventilators: Column = None,
    cases: Column = None,
    admissions: Column = None,
    only: Annotated[list[str] | None, typer.Option(help="Show only this area; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="For the paths that tell whether a limit is passed on any day.")] = 0,
    out: TableOut = None,
    plot: Plot = None,
    as_json_: AsJson = False,
) -> None:
    """Forecast beds in use, ward and intensive care, and say when a limit is likely passed."""
    with one_sentence():
        check_files(out, plot)
        table, named = read_table(file), str(file)
        places = areas_of(table, area, file=named)
        base = {"area": pa.repeat("all", table.num_rows) if places is None else places}
        base["day"] = days_of(table, column_of(table, *DAYS, given=day, what="the day", file=named), file=named)
        occupancy = _occupancy(table, base, {"ward": ward, "icu": icu, "ventilators": ventilators}, named)
        lead = _lead(table, base, CASES, cases, named)
        admitted = _lead(table, base, ADMISSIONS, admissions, named)
        at = None if made_on is None else typed_day(made_on, "--made-on")
        forecast = epidemic.forecast_beds(occupancy, cases=lead, admissions=admitted, days=days, made_on=at)
        if only:
            forecast = _only(forecast, only)
        passing = _passing(forecast, limit or [], seed)
        if out:
            write_table(forecast, out)
        if plot:
            _draw(plot, occupancy, forecast, file.name)
    first = None if passing is None else epidemic.first_passing(passing)
    told = _told(occupancy, forecast, first)
    if as_json_:
        passes = [] if first is None else first.to_pylist()
        print(as_json(told, file=named, made_on=forecast["made_on"][0].as_py(), limits=_plain(passes)))
        return
    print(f"beds in use, forecast made on {forecast['made_on'][0]} from what was known then")
    print(in_columns(told, rows=200, digits=0))
    for row in [] if first is None else first.to_pylist():
        print(row["told"])
    for path in (out, plot):
        if path:
            print(f"written: {path}")


def _occupancy(table: pa.Table, base: dict[str, Any], given: dict[str, str | None], file: str) -> pa.Table:
    parts = []
    for kind, usual in KINDS.items():
        found = column_of(table, given=given[kind], file=file) if given[kind] else has_column(table, *usual)
        if found:
            values = pa.array(numbers_of(table, found, file=file), from_pandas=True)
            parts.append(pa.table({**base, "kind": pa.repeat(kind, table.num_rows), "value": values}))
    if not parts and has_column(table, "value"):
        parts = [pa.table({**base, "kind": pa.repeat("ward", table.num_rows), "value": numbers_of(table, "value", file=file)})]
    if not parts:
        looked = ", ".join(name for usual in KINDS.values() for name in usual[:3])
        there = ", ".join(table.column_names)
        raise ValueError(f"{file}: no column of beds in use was found; looked for {looked}, …; its columns are {there}")
    return pa.concat_tables(parts)


def _lead(table: pa.Table, base: dict[str, Any], usual: tuple[str, ...], given: str | None, file: str) -> pa.Table | None:
    found = column_of(table, given=given, file=file) if given else has_column(table, *usual)
    return pa.table({**base, "value": pa.array(numbers_of(table, found, file=file), from_pandas=True)}) if found else None


def _only(forecast: pa.Table, only: list[str]) -> pa.Table:
    there = set(forecast["area"].to_pylist())
    if unknown := [name for name in only if name not in there]:
        raise ValueError(f"--only {unknown[0]}: there is no such area; there are {', '.join(sorted(there)[:30])}")
    return forecast.filter(pc.is_in(forecast["area"], pa.array(only)))


def _passing(forecast: pa.Table, limits: list[str], seed: int) -> pa.Table | None:
    """Limits as `_limit` reads them; of several for one area and kind that which names both counts, then that of the area,
    then that of the kind."""
    if not limits:
        return None
    pairs = dict.fromkeys(zip(forecast["target"].to_pylist(), forecast["area"].to_pylist(), strict=True))
    kinds, areas = list(dict.fromkeys(kind for kind, _ in pairs)), list(dict.fromkeys(area for _, area in pairs))
    told: dict[str, dict[str, float]] = {}
    for kind, place, value in sorted(
        (_limit(text, kinds, areas) for text in limits), key=lambda one: (one[1] is not None, one[0] is not None)
    ):
        for each, area in pairs:
            if kind in (None, each) and place in (None, area):
                told.setdefault(each, {})[area] = value
    parts = [
        epidemic.passes_limit(forecast.filter(pc.equal(forecast["target"], kind)), values, seed=seed)
        for kind, values in told.items()
    ]
    return pa.concat_tables(parts)


def _limit(text: str, kinds: list[str], areas: list[str]) -> tuple[str | None, str | None, float]:
    """Kind, area and number of a limit written as 100, icu=120, icu:120, Lazio=1200 or icu:Lazio=200."""
    head, found, rest = text.partition(":")
    kind, rest = (head.strip().lower(), rest) if found and head.strip().lower() in KINDS else (None, text)
    name, has_name, number = rest.rpartition("=")
    place: str | None = name.strip() if has_name else None
    if place is not None and kind is None and place not in areas and place.lower() in KINDS:
        kind, place = place.lower(), None
    try:
        value = float(number)
    except ValueError as error:
        raise ValueError(f"--limit {text}: {number!r} is no number; write 100, icu=100, AREA=100 or icu:AREA=100") from error
    if not 0 <= value < inf:
        raise ValueError(f"--limit {text}: a limit is a number of beds from 0 on")
    if kind is not None and kind not in kinds:
        raise ValueError(f"--limit {text}: the file has no beds of {kind}; it has {', '.join(kinds)}")
    if place is not None and place not in areas:
        raise ValueError(f"--limit {text}: there is no area {place!r}; there are {', '.join(sorted(areas)[:30])}")
    return kind, place, value


def _told(occupancy: pa.Table, forecast: pa.Table, first: pa.Table | None) -> pa.Table:
    """One row for each kind and area: the last value, and the forecast halfway and at the end."""
    made_on, ahead = forecast["made_on"][0].as_py(), max(forecast["horizon"].to_pylist())
    last: dict[tuple[str, str], tuple[Any, float]] = {}
    for row in occupancy.to_pylist():
        key = (row["kind"], row["area"])
        if row["value"] is not None and row["day"] <= made_on and (key not in last or row["day"] >= last[key][0]):
            last[key] = (row["day"], row["value"])
    halfway = min(7, ahead)
    wanted = forecast.filter(
        pc.and_(
            pc.is_in(forecast["horizon"], pa.array([halfway, ahead], pa.int32())),
            pc.is_in(forecast["level"], pa.array([0.05, 0.5, 0.95])),
        )
    )
    values = {(row["target"], row["area"], row["horizon"], row["level"]): row for row in wanted.to_pylist()}
    limits = {(row["target"], row["area"]): row for row in ([] if first is None else first.to_pylist())}
    rows = []
    for kind, area in dict.fromkeys((key[0], key[1]) for key in values):
        end = {level: values[kind, area, ahead, level]["value"] for level in (0.05, 0.5, 0.95)}
        row = {"kind": kind, "area": area, "now": last.get((kind, area), (None, None))[1]}
        row |= {f"day {halfway}": values[kind, area, halfway, 0.5]["value"]} if halfway < ahead else {}
        row |= {f"day {ahead}": end[0.5], "90 % from": end[0.05], "to": end[0.95]}
        if first is not None:
            passes = limits.get((kind, area), {})
            row |= {"limit": passes.get("limit"), "passed from": passes.get("first_day")}
        rows.append(row | {"marked": values[kind, area, ahead, 0.5]["marked"]})
    return pa.Table.from_pylist(rows)


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()} for row in rows]


def _draw(plot: Path, occupancy: pa.Table, forecast: pa.Table, name: str) -> None:
    """The last two months and the forecast with its 90 % interval, of the areas with most beds in use."""
    made_on, ahead = forecast["made_on"][0].as_py(), max(forecast["horizon"].to_pylist())
    dates = [made_on + timedelta(days=number) for number in range(1 - _SHOWN_DAYS, ahead + 1)]
    ends = forecast.filter(pc.and_(pc.equal(forecast["level"], 0.5), pc.equal(forecast["horizon"], ahead))).sort_by(
        [("value", "descending")]
    )
    panels: dict[str, dict[str, pictures.Band]] = {}
    for row in ends.slice(0, _PANELS).to_pylist():
        past = occupancy.filter(pc.and_(pc.equal(occupancy["kind"], row["target"]), pc.equal(occupancy["area"], row["area"])))
        known = dict(zip(past["day"].to_pylist(), past["value"].to_pylist(), strict=True))
        own = forecast.filter(pc.and_(pc.equal(forecast["target"], row["target"]), pc.equal(forecast["area"], row["area"])))
        told = [np.nan if known.get(day) is None else known[day] for day in dates[:_SHOWN_DAYS]]
        bands = [told + own.filter(pc.equal(own["level"], level))["value"].to_pylist() for level in (0.05, 0.5, 0.95)]
        panels[f"{row['target']}, {row['area']}"] = {"beds in use": (bands[0], bands[1], bands[2])}
    pictures.draw(plot, panels, dates, note=f"{name}: known to {made_on}, then forecast with 90 % interval")
