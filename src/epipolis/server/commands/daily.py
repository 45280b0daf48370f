"""Counts of a file as one number per area and day, whatever the file has: weeks, gaps, corrections, no days at all."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epipolis.server.commands.series import (
    DAYS,
    VALUES,
    areas_of,
    column_of,
    days_of,
    has_column,
    matrix_of,
    numbers_of,
    read_table,
)

Floats = NDArray[np.float64]
_IMPORTED = ("imported", "cases_imported", "cases_travel")
_LOCAL = ("local", "cases_local")
_SEVERAL = ("days_since_prev", "covers")
_MOST_CELLS = 60_000_000


@dataclass(frozen=True, eq=False)
class Daily:
    """Counts [areas, days], NaN where missing; `days` None when the file has none; `notes`: what was done to them."""

    areas: list[str]
    days: list[date] | None
    values: Floats
    imported: Floats | None
    notes: list[str]


def read_daily(
    path: Path, *, value: str | None = None, day: str | None = None, area: str | None = None,
    imported: str | None = None, covers: int | None = None, start: date | None = None,
) -> Daily:  # fmt: skip
    """Read counts by day.

    A file with columns local and imported needs no other; a value that covers several days (a week, or what a column
    days_since_prev says) is spread evenly over them; a negative count, a correction, becomes missing. All is noted.

    Raises:
        ValueError: a column is missing or cannot be read, or an area has a day twice; the sentence names file and row.
    """
    file, table = str(path), read_table(path)
    notes: list[str] = []
    brought_in = column_of(table, given=imported, file=file) if imported else has_column(table, *_IMPORTED)
    local = None if value else has_column(table, *_LOCAL)
    brought = numbers_of(table, brought_in, file=file) if brought_in else None
    if local and brought is not None:
        counts, name = numbers_of(table, local, file=file) + brought, f"{local} + {brought_in}"
    else:
        name = column_of(table, *VALUES, given=value, what="the counts (--value)", file=file)
        counts = numbers_of(table, name, file=file)
    counts = _without_negative(counts, notes)
    if brought is not None:
        _check_imported(counts, brought, file)
        brought = np.where(np.isnan(counts), np.nan, brought)
    notes.insert(0, f"counts: {name}" + (f", of which imported: {brought_in}" if brought_in else ""))
    places = areas_of(table, area, file=file)
    spans = _spans(table, name, covers, file)
    found = column_of(table, *DAYS, given=day, what="the day (--day)", file=file) if day else has_column(table, *DAYS)
    if found is None:
        return _numbered(counts, brought, places, start, notes, file)
    series = pa.table(
        {"area": places if places is not None else pa.array(["all"] * counts.size), "day": days_of(table, found, file=file)}
    )
    names, days, positions = matrix_of(series.append_column("value", pa.array(np.arange(counts.size, dtype=float))), file=file)
    if positions.size > _MOST_CELLS:
        raise ValueError(f"{file}: {len(names):,} areas × {len(days):,} days are too many; choose fewer with --only or --area")
    if spans is None:
        spans = _steps(positions, counts, file, notes)
    spread = _spread(positions, counts, spans, notes)
    return Daily(names, days, spread, None if brought is None else _spread(positions, brought, spans, []), notes)


def _without_negative(counts: Floats, notes: list[str]) -> Floats:
    negative = np.flatnonzero(counts < 0)
    if negative.size:
        rows = ", ".join(str(row + 1) for row in negative[:3]) + (", …" if negative.size > 3 else "")
        plural = "s are" if negative.size > 1 else " is"
        notes.append(f"{negative.size} negative count{plural} taken as missing (row {rows}): corrections of earlier days")
    return np.where(counts < 0, np.nan, counts)


def _check_imported(counts: Floats, brought: Floats, file: str) -> None:
    for wrong, rule in (
        (np.isnan(brought) & ~np.isnan(counts), "has cases, but does not say how many are imported"),
        (brought < 0, "has fewer than no imported cases"),
        (brought > counts, "has more imported cases than cases"),
    ):
        if wrong.any():
            raise ValueError(f"{file}: row {int(np.flatnonzero(wrong)[0]) + 1} {rule}")


def _spans(table: pa.Table, name: str, covers: int | None, file: str) -> Floats | None:
    """How many days each row's value covers; None: one, unless the days say otherwise."""
    if covers is not None:
        if not 1 <= covers <= 366:
            raise ValueError(f"--covers is {covers}, but must lie between 1 and 366 days")
        return np.full(table.num_rows, float(covers))
    said = has_column(table, *_SEVERAL)
    if said:
        return np.clip(np.nan_to_num(numbers_of(table, said, file=file), nan=1.0), 1, 366)
    if name.lower().endswith(("14dias", "_14", "_14d")):
        return np.full(table.num_rows, 14.0)
    return None


def _numbered(
    counts: Floats, brought: Floats | None, places: pa.Array | None, start: date | None, notes: list[str], file: str
) -> Daily:
    """A file without days: its rows are the days."""
    if places is not None and len(places.unique()) > 1:
        raise ValueError(f"{file}: has several areas, but no column with days; name it with --day")
    name = "all" if places is None else str(places[0])
    days = None if start is None else [start + timedelta(days=number) for number in range(counts.size)]
    if days is None:
        notes.append("the file has no days: its rows are numbered from 1 (--start names the first day)")
    return Daily([name], days, counts[None], None if brought is None else brought[None], notes)


def _steps(positions: Floats, counts: Floats, file: str, notes: list[str]) -> Floats:
    """One day for a daily file, seven for a weekly one; anything between must be told."""
    steps = np.concatenate([np.diff(np.flatnonzero(~np.isnan(row))) for row in positions])
    usual = float(np.median(steps)) if steps.size else 1.0
    if usual > 1 and not (steps % 7 == 0).all():
        raise ValueError(f"{file}: has a value every {usual:g} days or so; say with --covers how many days each one counts")
    return np.full(counts.size, 7.0 if usual > 1 else 1.0)


def _spread(positions: Floats, counts: Floats, spans: Floats, notes: list[str]) -> Floats:
    """Values over the days they cover, evenly; where they overlap, their mean."""
    total, times = np.zeros(positions.shape), np.zeros(positions.shape)
    areas, days = np.nonzero(~np.isnan(positions))
    rows = positions[areas, days].astype(np.int64)
    good = ~np.isnan(counts[rows])
    areas, days, rows = areas[good], days[good], rows[good]
    several = int((spans[rows] > 1).sum())
    for back in range(int(spans[rows].max(initial=1))):
        reach = (spans[rows] > back) & (days >= back)
        np.add.at(total, (areas[reach], days[reach] - back), counts[rows[reach]] / spans[rows[reach]])
        np.add.at(times, (areas[reach], days[reach] - back), 1.0)
    if several:
        notes.append(f"{several:,} of {rows.size:,} values cover several days and are spread evenly over them")
    return np.divide(total, times, out=np.full(total.shape, np.nan), where=times > 0)
