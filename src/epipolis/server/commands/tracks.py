"""Tracks and stays from files as they come: columns found by their usual names, times made seconds, places degrees."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epipolis.engines.fence.rules import CELL, GPS, NETWORK
from epipolis.server.commands.series import column_of, has_column, numbers_of, read_table

PEOPLE = ("person", "uid", "user_id", "user", "id", "device", "name")
TIMES = ("time", "datetime", "timestamp", "datetime_utc", "at", "date_time", "tracked_at", "t")
LONS, LATS = ("lon", "lng", "longitude", "long", "x"), ("lat", "latitude", "y")
ACCURACIES = ("accuracy", "accuracy_m", "horizontal_accuracy", "hdop_m")
_SOURCES = {"gps": GPS, "satellite": GPS, "network": NETWORK, "wifi": NETWORK, "cell": CELL, "operator": CELL}
_POINT = re.compile(r"^\s*POINT\s*\(\s*(-?[\d.]+(?:e-?\d+)?)\s+(-?[\d.]+(?:e-?\d+)?)\s*\)\s*$", re.IGNORECASE)


def read_track(path: Path, *, person: str | None = None, source: int = GPS) -> pa.Table:
    """person (text), time (epoch seconds), lon, lat, accuracy where the file has it, source; in order of person and time.

    Times without a zone are taken as UTC. Without a column of people it is one track, named as the file. `source`: what
    fixes are by where the file does not say.

    Raises:
        ValueError: the file, or a column, cannot be read; the sentence names the file, and the row where there is one.
    """
    table, named = read_table(path), str(path)
    columns = {
        "person": _people(table, person, path),
        "time": seconds_of(table, column_of(table, *TIMES, what="the time", file=named), file=named),
        "lon": pa.array(numbers_of(table, column_of(table, *LONS, what="the longitude", file=named), file=named)),
        "lat": pa.array(numbers_of(table, column_of(table, *LATS, what="the latitude", file=named), file=named)),
    }
    if accuracy := has_column(table, *ACCURACIES):
        columns["accuracy"] = pa.array(numbers_of(table, accuracy, file=named).astype(np.float32))
    columns["source"] = _sources(table, source, named)
    return pa.table(columns).sort_by([("person", "ascending"), ("time", "ascending")])


def read_stays(path: Path) -> pa.Table:
    """person (text), arrived, left (epoch seconds), lon, lat; places also as text such as `POINT (116.3 39.9)`.

    Raises:
        ValueError: as `read_track`; or a stay ends before it begins.
    """
    table, named = read_table(path), str(path)
    times = {
        "arrived": column_of(table, "arrived", "started_at", "start", what="the arrival", file=named),
        "left": column_of(table, "left", "finished_at", "end", what="the end", file=named),
    }
    columns = {"person": _people(table, has_column(table, "person", "user_id", "uid", "user"), path)}
    columns |= {name: seconds_of(table, column, file=named) for name, column in times.items()}
    if wkt := has_column(table, "geom", "geometry", "center"):
        columns["lon"], columns["lat"] = _points(table.column(wkt).to_pylist(), wkt, named)
    else:
        for name, usual in {"lon": LONS, "lat": LATS}.items():
            columns[name] = pa.array(numbers_of(table, column_of(table, *usual, what=name, file=named), file=named))
    stays = pa.table(columns)
    wrong = np.flatnonzero(stays["left"].to_numpy() < stays["arrived"].to_numpy())
    if wrong.size:
        raise ValueError(f"{named}, row {wrong[0] + 1}, {times['left']}: is before {times['arrived']}")
    return stays


def seconds_of(table: pa.Table, column: str, *, file: str) -> pa.Array:
    """Epoch seconds from numbers, timestamps or text; without a zone: UTC.

    Raises:
        ValueError: the first row that is no time.
    """
    values = table.column(column).combine_chunks()
    if pa.types.is_large_string(values.type):
        values = values.cast(pa.string())
    if values.null_count:
        row = pc.index(pc.is_null(values), True).as_py()
        raise ValueError(f"{file}, row {row + 1}, {column}: is empty")
    if pa.types.is_integer(values.type):
        return values.cast(pa.int64())
    if pa.types.is_floating(values.type):
        return pc.floor(values).cast(pa.int64())
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            found = values.cast(kind) if pa.types.is_string(values.type) else values.cast(pa.timestamp("us", values.type.tz))
            return pc.floor(pc.divide(found.cast(pa.int64()).cast(pa.float64()), 1e6)).cast(pa.int64())
        except (pa.ArrowException, AttributeError) as error:
            trouble = error
    raise ValueError(f"{file}, {column}: is not a time such as 2026-01-05 08:30:00: {trouble}")


def _people(table: pa.Table, given: str | None, path: Path) -> pa.Array:
    name = column_of(table, given=given, file=str(path)) if given else has_column(table, *PEOPLE)
    if name is None:
        return pa.array([path.stem] * table.num_rows, pa.string())
    values = table.column(name).combine_chunks()
    if pa.types.is_floating(values.type) and pc.all(pc.equal(pc.floor(values), values)).as_py():
        values = values.cast(pa.int64())
    return pc.fill_null(values.cast(pa.string()), "")


def _sources(table: pa.Table, source: int, file: str) -> pa.Array:
    column = has_column(table, "source", "provider")
    if column is None:
        return pa.array(np.full(table.num_rows, source, np.uint8))
    values = table.column(column)
    if pa.types.is_integer(values.type):
        return values.combine_chunks().cast(pa.uint8())
    words = [str(word).strip().lower() for word in values.to_pylist()]
    unknown = next((number for number, word in enumerate(words) if word not in _SOURCES), None)
    if unknown is not None:
        raise ValueError(f"{file}, row {unknown + 1}, {column}: {words[unknown]!r} is not one of {', '.join(_SOURCES)}")
    return pa.array([_SOURCES[word] for word in words], pa.uint8())


def _points(texts: list[str], column: str, file: str) -> tuple[pa.Array, pa.Array]:
    found = [_POINT.match(text or "") for text in texts]
    if None in found:
        row = found.index(None)
        raise ValueError(f"{file}, row {row + 1}, {column}: {texts[row]!r} is not a place such as POINT (116.3 39.9)")
    pairs = [(float(match[1]), float(match[2])) for match in found if match]
    return pa.array([lon for lon, _ in pairs], pa.float64()), pa.array([lat for _, lat in pairs], pa.float64())
