"""`epipolis calibrate`: which figures of a disease give the curve that was observed."""

import json
import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
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
    DiseaseName,
    MeasuresFile,
    Out,
    People,
    Plot,
    bar,
    first_day,
    measures_in,
    one_sentence,
    people_in,
)

_FITTED = ["transmissibility", "introduced_per_100k"]


def calibrate(
    observed: Annotated[Path, typer.Argument(help="What was seen: CSV or Parquet with the columns date (or day) and count.")],
    people: People = 50_000,
    areas: Areas = None,
    disease: DiseaseName = "covid_19_ancestral",
    measures: MeasuresFile = None,
    what: Annotated[
        str, typer.Option(help="What was counted: cases, infections, symptoms, deaths, in_ward, in_icu …")
    ] = "cases",
    fit: Annotated[list[str], typer.Option(help="A figure to find; may be said several times, also reported.")] = _FITTED,
    reported: Annotated[float, typer.Option(help="Share of the simulated that was counted, unless it is fitted.")] = 1.0,
    start: Annotated[str, typer.Option(help="First day of the run; else the first day that was seen.")] = "",
    days: Annotated[int | None, typer.Option(help="Only so many days count.")] = None,
    seeds: Annotated[int, typer.Option(help="Repetitions of each try.")] = 8,
    tries: Annotated[int, typer.Option(help="Values that are tried.")] = 48,
    city_seed: CitySeed = 1,
    out: Out = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Find the figures of a disease that give an observed curve, each with its interval."""
    with one_sentence():
        seen = _table(observed)
        rows = seen.num_rows or 1
        asked = Asked(people, rows if days is None else days, areas, disease, city_seed, out, plot, as_json)
        if not 3 <= seeds <= 1_000:
            raise ValueError(f"--seeds is {seeds}, but must lie between 3 and 1,000")
        name, orders = measures_in(measures)
        illness, city = asked.illness, asked.build(orders)
        began = time.perf_counter()
        wanted: dict[str, Any] = {"what": what, "fit": tuple(fit), "reported": reported, "days": days, "tries": tries}
        wanted |= {"start": first_day(start) if start else None, "seeds": range(1, seeds + 1)}
        with bar(f"{tries} tries × {seeds} runs, {people_in(city):,} people", quiet=as_json) as progress:
            found = twin.calibrate(city, illness, seen, orders, progress=progress, **wanted)
    values = plain(found.values.to_pylist())
    told = {"people": people_in(city), "disease": disease, "measures": name, "what": what, "seeds": seeds, "tries": tries}
    told |= {"seconds": round(time.perf_counter() - began, 2), "reported": float(found.reported)}
    asked.keep({"values": found.values, "curve": found.curve, "tries": found.tries}, told | {"values": values}, {})
    if plot:
        _draw(plot, found, f"{illness.name} in {people_in(city):,} simulated people, fitted to {observed.name}")
    if as_json:
        print(json.dumps(told | {"values": values}))
    else:
        _show(found, values, told, asked.written)


def _table(path: Path) -> pa.Table:
    """The observed curve of a file.

    Raises:
        ValueError: it cannot be read as a table; the sentence begins with the file's name.
    """
    try:
        if path.suffix.lower() == ".parquet":
            return pq.read_table(path)
        if path.suffix.lower() == ".csv":
            return pc.read_csv(path)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: No such file") from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: is no table that can be read") from error
    raise ValueError(f"{path}: must end in .csv or .parquet")


def _draw(plot: Path, found: Any, note: str) -> None:
    curve = found.curve
    seen = [float("nan") if value is None else value for value in curve.column("observed").to_pylist()]
    low, middle, high = (curve.column(part).to_pylist() for part in ("low", "median", "high"))
    title = f"{found.what.replace('_', ' ')} a day: simulated, and observed"
    curves: dict[str, pictures.Band] = {"simulated": (low, middle, high), "observed": (seen, seen, seen)}
    with one_sentence():
        pictures.draw(plot, {title: curves}, curve.column("date").to_pylist(), note=note)


def _show(found: Any, values: list[dict[str, Any]], told: dict[str, Any], written: list[Path]) -> None:
    curve = found.curve
    first: date = curve.column("date")[0].as_py()
    print(f"{'observed':>10} {pictures.sparkline([value or 0 for value in curve.column('observed').to_pylist()], 60)}")
    print(f"{'simulated':>10} {pictures.sparkline(curve.column('median').to_pylist(), 60)}  from {first.isoformat()}")
    table = Table("figure", "value", "95 % interval", "looked for between")
    for row in values:
        between = f"{row['from']:.4g} and {row['to']:.4g}"
        table.add_row(row["figure"], f"{row['value']:.4g}", f"{row['low']:.4g} – {row['high']:.4g}", between)
    Console().print(table)
    print(f"{told['tries']} tries, {told['seeds']} runs each, {told['people']:,} people: {told['seconds']} s")
    for path in written:
        print(f"written {path}")
