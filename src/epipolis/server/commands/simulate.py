"""`epipolis simulate`: an epidemic in a whole city, with its picture."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from epipolis.engines import twin
from epipolis.server.commands import pictures
from epipolis.server.commands.simulations import (
    Areas,
    AsJson,
    Asked,
    Days,
    DiseaseName,
    MeasuresFile,
    Out,
    People,
    Plot,
    Start,
    bar,
    check_outputs,
    first_day,
    measures_in,
    one_sentence,
    people_in,
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
    measures: MeasuresFile = None,
    seed: Annotated[int, typer.Option(help="The same number gives the same epidemic.")] = 1,
    start: Start = "2026-01-05",
    out: Out = None,
    records: Annotated[
        Path | None,
        typer.Option(help="A folder, not there yet, for all that the city would see, as files for `epipolis import`."),
    ] = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Simulate an epidemic in a whole city and show what comes of it."""
    with one_sentence():
        asked = Asked(people, days, areas, disease, seed, out, plot, as_json)
        first, illness = first_day(start), asked.illness
        name, orders = measures_in(measures)
        _check_records(records, out, orders)
        began = time.perf_counter()
        city = asked.build(orders)
    built = time.perf_counter() - began
    with bar(f"{illness.name}, {people_in(city):,} people", quiet=as_json) as progress:
        result = twin.simulate(city, illness, orders, days=days, seed=seed, start=first, progress=progress)
    seconds = {"build": round(built, 2), "simulate": round(time.perf_counter() - began - built, 2)}
    told = {"people": people_in(city), "days": days, "disease": disease, "measures": name, "seed": seed, "seconds": seconds}
    summary = plain(result.summary())
    tables = {table: getattr(result, table) for table in TABLES}
    asked.keep(tables, told | summary, {"measures.yaml": twin.write_measures(orders)})
    if records:
        run = twin.start_run(city, illness, orders, seed=seed, start=first)
        with bar("what the city sees", quiet=as_json) as progress, one_sentence():
            twin.write_records(_told(twin.days_of(run, days), days, progress), records)
    if plot:
        _draw(plot, result, f"Simulated: {illness.name}, {people_in(city):,} people, {name}, seed {seed}")
    if as_json:
        print(json.dumps(told | summary))
    else:
        _show(result, summary, told, [*asked.written, *([records] if records else [])])


def _check_records(records: Path | None, out: Path | None, orders: tuple[Any, ...]) -> None:
    """Refuse records that cannot be written, or would hold no case.

    Raises:
        ValueError: one sentence.
    """
    if records is None:
        return
    check_outputs(records, None, name="--records")
    if out and out.absolute() == records.absolute():
        raise ValueError("--records and --out name the same folder")
    if not any(isinstance(order, twin.Testing) for order in orders):
        raise ValueError("--records: without testing no case is known; add it to the measures, or say --measures usual")
    for order in orders:
        if order.trigger:
            raise ValueError(f"--records: {order.label} waits for a trigger, which a run lived day by day does not know")


def _told(days: Iterator[Any], total: int, progress: Callable[[int, int], None]) -> Iterator[Any]:
    for number, day in enumerate(days, start=1):
        yield day
        progress(number, total)


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
    panels: dict[str, dict[str, pictures.Band]] = {}
    for title, names in {
        "Infections and confirmed cases a day": ("infections", "cases"),
        "People in hospital": ("in_ward", "in_icu"),
        "Deaths a day": ("deaths",),
    }.items():
        values = {name: curve.column(name).to_pylist() for name in names}
        if any(map(any, values.values())) or not panels:
            panels[title] = {name.replace("_", " "): (one, one, one) for name, one in values.items()}
    with one_sentence():
        pictures.draw(plot, panels, curve.column("date").to_pylist(), note=note)


def _show(result: Any, summary: dict[str, Any], told: dict[str, Any], written: list[Path]) -> None:
    dates = result.curve.column("date").to_pylist()
    print(pictures.in_terminal(result.curve.column("infections").to_pylist(), dates, title="new infections a day, simulated"))
    for name, words in _WORDS.items():
        if summary.get(name) is not None:
            print(f"{words:>30}  {_number(name, summary[name])}")
    print(f"{'built and simulated in':>30}  {told['seconds']['build']} + {told['seconds']['simulate']} s")
    for path in written:
        print(f"{'written':>30}  {path}")


def _number(name: str, value: float) -> str:
    if name == "attack_rate":
        return f"{100 * value:.1f}"
    return f"{value:,.2f}" if name == "r_early" else f"{value:,.0f}"
