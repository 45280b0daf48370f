"""`epipolis load city FOLDER`: a city's areas, people counts and places, all or nothing."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import transaction

from epipolis.core import audit
from epipolis.core.imports import ImportReport, Row, read_columns, read_rows
from epipolis.core.rules import load_rules
from epipolis.core.work import Progress, silent
from epipolis.sense.city import queries

from . import areas, counts, places
from .reports import CityError, LoadReport

_STEPS = 4
_LARGEST = 2 * 2**30  # bytes that a packed table may hold
_PIECE = 1 << 20
Table = Iterator[tuple[int, Row]]


@transaction.atomic
def load_city(
    path: Path, *, by: audit.Actor, at: datetime, simulated: bool = False, progress: Progress | None = None
) -> dict[str, Any]:
    """Load a folder of GeoJSON and CSV files (also .csv.gz); what each file holds is seen from its columns.

    Returns for each table how many rows were created, changed and unchanged, with `warnings`. The same folder twice
    changes nothing. Areas are known by their code; a file of areas does not remove areas that it lacks.

    Raises:
        CityError: some feature or row breaks a rule; nothing was stored, `report` lists all.
        ValueError: the folder holds nothing to load, or a file cannot be read.
    """
    report, show = LoadReport(), progress or silent()
    borders, tables = _files(path)
    for finer in (False, True):
        show(int(finer), _STEPS, "neighbourhoods" if finer else "districts")
        _load_areas(borders, finer=finer, at=at, simulated=simulated, report=report)
    show(2, _STEPS, "population")
    _load_counts(tables, report)
    show(3, _STEPS, "places")
    _load_places(tables, by=by, at=at, simulated=simulated, report=report)
    if report.has_changes:
        audit.record("city.load", by=by, at=at, subject=path.name, counts={k: dict(v) for k, v in report.tables.items()})
    show(_STEPS, _STEPS, "done")
    return report.to_json()


def load_rule_file(
    path: Path, *, by: audit.Actor, at: datetime, simulated: bool = False, progress: Progress | None = None
) -> dict[str, Any]:
    """Take a rule pack from a YAML file as this city's own.

    Raises:
        ValueError: the file is no rule pack, or its version is known with other content.
    """
    pack = load_rules(path, by=by, at=at)
    return {"rules": pack.reference, "valid_from": pack.valid_from.isoformat(), "source": pack.source}


def _files(path: Path) -> tuple[list[Path], list[Path]]:
    if not path.is_dir():
        raise ValueError(f"{path.name}: there is no such folder")
    names = sorted(item for item in path.iterdir() if item.is_file())
    borders = [item for item in names if item.suffix in (".geojson", ".json")]
    tables = [item for item in names if item.name.endswith((".csv", ".csv.gz"))]
    if not borders and not tables:
        raise ValueError(f"{path.name}: holds no .geojson, .csv or .csv.gz file")
    return borders, tables


def _load_areas(files: list[Path], *, finer: bool, at: datetime, simulated: bool, report: LoadReport) -> None:
    found: list[areas.Area] = []
    for file in files:
        features = areas.read_features(file)
        if areas.holds_neighbourhoods(file, features) is finer:
            found += areas.read_areas(file, features, finer=finer, report=report)
    _stop_if_broken(report)
    store = areas.store_neighbourhoods if finer else areas.store_districts
    if found:
        store(found, at=at, simulated=simulated, report=report)
        _stop_if_broken(report)
        queries.look_again()


def _load_counts(files: list[Path], report: LoadReport) -> None:
    for file in files:
        with _table(file) as (header, rows):
            if not counts.is_population(header):
                continue
            found = counts.read_counts(file, rows, report)
        _stop_if_broken(report)
        counts.store_counts(found, report)


def _load_places(files: list[Path], *, by: audit.Actor, at: datetime, simulated: bool, report: LoadReport) -> None:
    for file in files:
        with _table(file) as (header, rows):
            if not header >= {"code", "name", "kind"}:
                if not counts.is_population(header):
                    report.warn(file.name, "header", "", "holds neither people counted by area and age nor places; not used")
                continue
            result = places.load_places(rows, by=by, at=at, simulated=simulated, report=ImportReport())
        for problem in result.problems:
            note = report.refuse if result.rejected else report.warn
            note(file.name, f"row {problem.row}", problem.field, problem.rule)
        _stop_if_broken(report)
        report.count("places", created=result.created, changed=result.changed, unchanged=result.unchanged)


@contextmanager
def _table(path: Path) -> Iterator[tuple[set[str], Table]]:
    """A table's column names and rows, unpacked aside when it is packed."""
    with TemporaryDirectory() as aside:
        plain = _unpack(path, Path(aside)) if path.suffix == ".gz" else path
        yield set(read_columns(plain)), read_rows(plain)


def _unpack(path: Path, aside: Path) -> Path:
    plain = aside / path.stem
    try:
        with gzip.open(path) as packed, plain.open("wb") as out:
            while piece := packed.read(_PIECE):
                if out.tell() > _LARGEST:
                    raise ValueError(f"{path.name}: unpacks to more than {_LARGEST // 2**30} GB")
                out.write(piece)
    except (OSError, EOFError) as error:
        raise ValueError(f"{path.name}: cannot be unpacked") from error
    return plain


def _stop_if_broken(report: LoadReport) -> None:
    if report.broken:
        raise CityError(report)
