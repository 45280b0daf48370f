"""`epipolis simulate`: an epidemic in a whole city, with its picture."""

import json
import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from epipolis.engines import twin
from epipolis.server.commands import pictures
from epipolis.server.commands.simulations import (
    Areas,
    AsJson,
    Days,
    DiseaseName,
    Out,
    People,
    Plot,
    Start,
    bar,
    build,
    check_fit,
    check_numbers,
    check_outputs,
    disease_named,
    first_day,
    measures_in,
    one_sentence,
    people_in,
    write_whole,
)

TABLES = ("curve", "by_area", "by_age", "by_place", "costs", "truth")
_WORDS = {
    "infections": "infections",
    "attack_rate": "infections per 100 people",
    "cases": "confirmed cases",
    "deaths": "deaths",
    "peak_day": "day of the peak",
    "peak_infections": "infections that day",
    "peak_in_ward": "most in hospital wards",
    "peak_in_icu": "most in intensive care",
    "days_isolated": "days in isolation",
    "days_quarantined": "days in quarantine",
    "tests": "tests",
    "cost": "cost",
    "r_early": "infections by each early case",
}


def simulate(
    people: People = 100_000,
    days: Days = 180,
    areas: Areas = None,
    disease: DiseaseName = "covid_19_ancestral",
    measures: Annotated[Path | None, typer.Option(help="Measures or a scenario as YAML; without it nothing is done.")] = None,
    seed: Annotated[int, typer.Option(help="The same number gives the same epidemic.")] = 1,
    start: Start = "2026-01-05",
    out: Out = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Simulate an epidemic in a whole city and show what comes of it."""
    with one_sentence():
        check_numbers(people=people, days=days, areas=areas)
        check_outputs(out, plot)
        first, illness = first_day(start), disease_named(disease)
        name, orders = measures_in(measures)
        began = time.perf_counter()
        city = build(people, areas, seed)
        check_fit(city, orders, illness, days)
    built = time.perf_counter() - began
    with bar(f"{illness.name}, {people_in(city):,} people", quiet=as_json) as progress:
        result = twin.simulate(city, illness, orders, days=days, seed=seed, start=first, progress=progress)
    seconds = {"build": round(built, 2), "simulate": round(time.perf_counter() - began - built, 2)}
    summary = plain(result.summary())
    told = {"people": people_in(city), "days": days, "disease": disease, "measures": name, "seed": seed, "seconds": seconds}
    if out:
        tables = {table: getattr(result, table) for table in TABLES}
        texts = {"summary.json": json.dumps(told | summary, indent=1), "measures.yaml": twin.write_measures(orders)}
        write_whole(out, tables, texts)
    if plot:
        _draw(plot, result, f"Simulated: {illness.name}, {people_in(city):,} people, {name}, seed {seed}")
    if as_json:
        print(json.dumps(told | summary))
    else:
        _show(result, summary, told, out, plot)


def plain(values: Any) -> Any:
    """NumPy numbers and days as JSON has them."""
    if isinstance(values, dict):
        return {str(key): plain(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [plain(value) for value in values]
    if isinstance(values, date):
        return values.isoformat()
    return values.item() if hasattr(values, "item") else values


def _draw(plot: Path, result: Any, note: str) -> None:
    curve = result.curve
    panels = {}
    for title, names in {
        "Infections and confirmed cases a day": ("infections", "cases"),
        "People in hospital": ("in_ward", "in_icu"),
        "Deaths a day": ("deaths",),
    }.items():
        values = {name: curve.column(name).to_pylist() for name in names}
        panels[title] = {name.replace("_", " "): (one, one, one) for name, one in values.items()}
    with one_sentence():
        pictures.draw(plot, panels, curve.column("date").to_pylist(), note=note)


def _show(result: Any, summary: dict[str, Any], told: dict[str, Any], out: Path | None, plot: Path | None) -> None:
    dates = result.curve.column("date").to_pylist()
    print(pictures.in_terminal(result.curve.column("infections").to_pylist(), dates, title="new infections a day, simulated"))
    for name, words in _WORDS.items():
        if summary.get(name) is not None:
            print(f"{words:>30}  {_number(name, summary[name])}")
    print(f"{'built and simulated in':>30}  {told['seconds']['build']} + {told['seconds']['simulate']} s")
    for path in (out, plot):
        if path:
            print(f"{'written':>30}  {path}")


def _number(name: str, value: float) -> str:
    if name == "attack_rate":
        return f"{100 * value:.1f}"
    return f"{value:,.2f}" if name == "r_early" else f"{value:,.0f}"
