"""All that a city would see of a run, written as files: as its sources would send it, with delays and gaps. Writes files."""

import shutil
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from epipolis.engines.twin import city_files
from epipolis.engines.twin.beds import beds_taken
from epipolis.engines.twin.city import City
from epipolis.engines.twin.draws import Ints
from epipolis.engines.twin.encounters import encounters_on
from epipolis.engines.twin.health import health_declarations
from epipolis.engines.twin.laboratories import samples_taken
from epipolis.engines.twin.positions import phone_positions
from epipolis.engines.twin.runs import Day, Run
from epipolis.engines.twin.visits import checked_in, epoch_of

FILES = {
    "city/": "areas, people counts and places, for `epipolis load city`",
    "people.parquet": "everybody's name, births, number and address, for `epipolis import people`",
    "venues.csv": "where people can check in, for `epipolis import venues`",
    "visits.parquet": "check-ins of those who take part, for `epipolis import visits`; visitor is a pseudonym (a UUID)",
    "cases.csv": "the line list as known at the end, for `epipolis import cases --mapping epipolis`",
    "case_history.parquet": "each revision of each case, with known_at, the moment from which the city had it",
    "laboratory.parquet": "each sample: sampled_at, result_at, result, ct, device; results not in by the end are null",
    "encounters.parquet": "two telephones near each other: person, other, starts, minutes, proximity, attenuation (dB)",
    "positions.parquet": "fixes of telephones: person, at, lon, lat, accuracy_m (68 %), ordered (kept at home before the day)",
    "declarations.parquet": "what people declare of their health: person, at, symptoms, temperature (°C)",
    "beds.csv": "each hospital's report of a day: beds and people in wards and intensive care, with reported_at",
    "truth/infections.parquet": "who infected whom, where and when, and what became of them",
    "truth/encounters.parquet": "the place of each encounter, row by row; null at home",
    "truth/positions.parquet": "where each fix really was, row by row: true_place (null at home), true_lon, true_lat",
}
"""Every file and what it holds. Moments are seconds since 1970; a person or place is its row number in the city."""
_TRUE_OF = {"encounters": ("place",), "positions": ("true_place", "true_lon", "true_lat")}


@dataclass(frozen=True)
class Coverage:
    """How much of what happens each source sees. Shares of people; `app` None: as the run's measures say, else 0.4."""

    check_in: float = 0.6
    app: float | None = None
    declare: float = 0.1
    positions: float = 0.01
    minutes_between_fixes: int = 15


def day_records(run: Run, day: Day, coverage: Coverage, *, at_home: Ints | None = None) -> dict[str, pa.Table]:
    """The tables of one day, by name; `run` as it stands after it, `at_home` as given to `step`."""
    return {
        "visits": checked_in(day.visits, uptake=coverage.check_in, seed=run.seed),
        "case_history": day.cases,
        "laboratory": samples_taken(run),
        "encounters": encounters_on(run, day, uptake=coverage.app),
        "positions": phone_positions(
            run, day, at_home=at_home, others=coverage.positions, every_minutes=coverage.minutes_between_fixes
        ),
        "declarations": health_declarations(run, share=coverage.declare),
        "beds": beds_taken(run),
    }


def write_records(days: Iterable[tuple[Run, Day]], folder: Path, *, coverage: Coverage | None = None) -> None:
    """Write `FILES` for the days of a run, as `days_of` gives them, into a new folder: there whole or not at all.

    Days are written as they come, so that memory holds one of them. Positions are those of a share of the people, and of
    everybody whom an order or illness has kept at home since the day before. ValueError when there are none, or a share is
    outside 0 to 1; FileExistsError when the folder is there and not empty.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already; nothing is overwritten")
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.absolute().parent))
    try:
        _write(days, partial, coverage or Coverage())
        partial.chmod(0o755)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write(days: Iterable[tuple[Run, Day]], folder: Path, coverage: Coverage) -> None:
    (folder / "truth").mkdir()
    cases: list[dict[str, Any]] = []
    beds: list[pa.Table] = []
    late: list[pa.Table] = []
    last: Run | None = None
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for run, day in days:
            at_home = None
            if last is None:
                visitors, codes = _open_city(run.city, folder)
            else:
                at_home = np.flatnonzero(last.epidemic.bodies["home_until"] >= day.number)
            last = run
            tables = day_records(run, day, coverage, at_home=at_home)
            tables["visits"] = city_files.visit_rows(tables["visits"], visitors, codes)
            cases += tables["case_history"].to_pylist()
            beds.append(tables.pop("beds"))
            late.append(tables.pop("laboratory"))
            for name, table in _parted(tables).items():
                if name not in writers:
                    path = folder / f"{name}.parquet"
                    writers[name] = stack.enter_context(pq.ParquetWriter(path, table.schema, compression="zstd"))
                writers[name].write_table(table)
    if last is None:
        raise ValueError("There is no day to write.")
    _close(last, folder, cases, beds, late)


def _open_city(city: City, folder: Path) -> tuple[list[UUID], list[str]]:
    city_files.write_city(city, folder / "city")
    city_files.write_people(city, folder / "people.parquet")
    city_files.write_venues(city, folder / "venues.csv")
    visitors = [city_files.phone_of(person) for person in range(len(city.homes.age))]
    return visitors, city.places.column("code").to_pylist()


def _parted(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """What is seen apart from what is only true."""
    parts = {name: table.drop_columns(list(_TRUE_OF.get(name, ()))) for name, table in tables.items()}
    return parts | {f"truth/{name}": tables[name].select(list(columns)) for name, columns in _TRUE_OF.items()}


def _close(run: Run, folder: Path, cases: list[dict[str, Any]], beds: list[pa.Table], samples: list[pa.Table]) -> None:
    homes = dict(enumerate(run.city.people.select(["age", "sex", "neighbourhood"]).to_pylist()))
    city_files.write_cases(city_files.case_rows(cases, homes), folder / "cases.csv")
    end = epoch_of(run.start, run.day, run.city.utc_offset)
    pa.csv.write_csv(_known(pa.concat_tables(beds), "reported_at", end), folder / "beds.csv")
    pq.write_table(_pending(pa.concat_tables(samples), end), folder / "laboratory.parquet", compression="zstd")
    pq.write_table(run.truth, folder / "truth" / "infections.parquet", compression="zstd")
    lines = [f"- `{name}`: {words}" for name, words in FILES.items()]
    head = f"{run.city.name}, {run.day} days from {run.start}, {run.disease.name}, seed {run.seed}: everything is simulated."
    text = f"{head}\n\n" + "\n".join(lines) + "\n\nMoments are seconds since 1970; person and place are row numbers.\n"
    (folder / "README.md").write_text(text, encoding="utf-8")


def _known(table: pa.Table, name: str, end: int) -> pa.Table:
    return table.filter(pa.compute.less_equal(table.column(name), end + 86_400))


def _pending(samples: pa.Table, end: int) -> pa.Table:
    """Results that are not in yet are not told."""
    is_in = pa.compute.less(samples.column("result_at"), end)
    for name in ("result_at", "result", "ct"):
        at = samples.column_names.index(name)
        column = samples.column(name).cast(pa.string()) if name == "result" else samples.column(name)
        samples = samples.set_column(at, name, pa.compute.if_else(is_in, column, None))
    return samples
