"""`epipolis compare`: the same city under different measures, seed by seed."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from epipolis.engines import twin
from epipolis.server.commands import pictures
from epipolis.server.commands.simulate import plain
from epipolis.server.commands.simulations import (
    Areas,
    AsJson,
    Asked,
    CitySeed,
    Days,
    DiseaseName,
    Out,
    People,
    Plot,
    Start,
    bar,
    first_day,
    measures_in,
    one_sentence,
    people_in,
)

_SHOWN = ("infections", "cases", "deaths", "peak_infections", "peak_in_icu", "days_quarantined", "tests", "cost")
_PANELS = {"Infections a day": "infections", "People in intensive care": "in_icu", "People in quarantine": "quarantined"}


def compare(
    files: Annotated[
        list[Path], typer.Argument(help="Measures or scenarios as YAML; the first is what others are held against.")
    ],
    people: People = 100_000,
    days: Days = 180,
    areas: Areas = None,
    disease: DiseaseName = "covid_19_ancestral",
    seeds: Annotated[int, typer.Option(help="Repetitions, each with other chances; the same ones for every file.")] = 8,
    as_is: Annotated[bool, typer.Option("--as-is", help="Hold all against doing nothing.")] = False,
    city_seed: CitySeed = 1,
    start: Start = "2026-01-05",
    out: Out = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a city under different measures and say what differs, with the range of eight in ten repetitions."""
    with one_sentence():
        asked = Asked(people, days, areas, disease, city_seed, out, plot, as_json)
        if not 1 <= seeds <= 1_000:
            raise ValueError(f"--seeds is {seeds}, but must lie between 1 and 1,000")
        first, illness = first_day(start), asked.illness
        scenarios = _scenarios(files, as_is)
        city = asked.build(*scenarios.values())
    began = time.perf_counter()
    with bar(f"{len(scenarios)} × {seeds} runs, {people_in(city):,} people", quiet=as_json) as progress:
        numbers = range(1, seeds + 1)
        found = twin.compare(city, illness, scenarios, days=days, seeds=numbers, start=first, progress=progress)
    seconds = round(time.perf_counter() - began, 2)
    totals = plain(found.totals.to_pylist())
    told = {"people": people_in(city), "days": days, "disease": disease, "seeds": seeds, "seconds": seconds}
    tables = {"curves": found.curves, "totals": found.totals, "equity": found.equity, "costs": found.costs}
    texts = {f"{number}-measures.yaml": twin.write_measures(one) for number, one in enumerate(scenarios.values(), start=1)}
    asked.keep(tables, told | {"totals": totals}, texts)
    if plot:
        note = f"Simulated: {illness.name}, {people_in(city):,} people; bands hold eight in ten of {seeds} repetitions"
        _draw(plot, found.curves, list(scenarios), note)
    if as_json:
        print(json.dumps(told | {"totals": totals}))
        return
    _show(list(scenarios), found.curves, totals)
    print(f"{len(scenarios)} scenarios, {seeds} repetitions each, {people_in(city):,} people, {days} days: {seconds} s")
    for path in asked.written:
        print(f"written {path}")


def _scenarios(files: list[Path], as_is: bool) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {"as is": ()} if as_is else {}
    for path in files:
        name, orders = measures_in(path)
        if name in found:
            raise ValueError(f"{path}: another scenario is called {name!r} too; rename one")
        found[name] = orders
    if len(found) < 2:
        raise ValueError("name at least two files, or one and --as-is")
    return found


def _band(curves: pa.Table, name: str, what: str) -> tuple[pictures.Band, list[Any]]:
    rows = [row for row in curves.to_pylist() if row["scenario"] == name and row["what"] == what]
    rows.sort(key=lambda row: row["day"])
    low, middle, high = ([row[part] for row in rows] for part in ("low", "median", "high"))
    return (low, middle, high), [row["date"] for row in rows]


def _draw(plot: Path, curves: pa.Table, names: list[str], note: str) -> None:
    panels = {title: {name: _band(curves, name, what)[0] for name in names} for title, what in _PANELS.items()}
    panels = {title: bands for title, bands in panels.items() if any(max(band[2], default=0) for band in bands.values())}
    with one_sentence():
        pictures.draw(plot, panels or {"Infections a day": {}}, _band(curves, names[0], "infections")[1], note=note)


def _show(names: list[str], curves: pa.Table, totals: list[dict[str, Any]]) -> None:
    by_name = {(row["scenario"], row["what"]): row for row in totals}
    table = Table("", *names)
    table.add_row("infections a day", *(pictures.sparkline(_band(curves, name, "infections")[0][1], 24) for name in names))
    for what in _SHOWN:
        rows = [by_name.get((name, what)) for name in names]
        if all(rows) and any(row["high"] for row in filter(None, rows)):
            table.add_row(what.replace("_", " "), *(_cell(row, is_first=not n) for n, row in enumerate(filter(None, rows))))
    Console().print(table)


def _cell(row: dict[str, Any], *, is_first: bool) -> str:
    text = f"{row['median']:,.0f} ({row['low']:,.0f}–{row['high']:,.0f})"
    if is_first or row.get("change") is None or row["change"] != row["change"]:
        return text
    return f"{text}\n{row['change']:+.0%} ({row['change_low']:+.0%} … {row['change_high']:+.0%})"
