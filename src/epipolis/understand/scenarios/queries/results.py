"""The tables of a run: how the engine's results are packed for keeping, and read again."""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from epipolis.engines import twin
from epipolis.understand.scenarios.models import Run, RunTable

Tables = dict[str, pa.Table]
_AREA_COUNTS = ("infections", "cases", "deaths")
_KEEP = 24
_read: dict[tuple[Any, str], pa.Table] = {}


def packed(city: Any, results: Sequence[Any]) -> Tables:
    """What is kept of an ensemble: `curve`, `by_age`, `by_place`, `costs` and `area_totals` with the seed's number, `by_area`
    (means over the seeds) and `areas` (code, name, district, people, geometry)."""
    found = {name: _stacked([getattr(one, name) for one in results]) for name in ("curve", "by_age", "by_place", "costs")}
    places = _stacked([one.by_area for one in results])
    sums = [(name, "sum") for name in _AREA_COUNTS]
    totals = _named(places.group_by(["seed", "neighbourhood"]).aggregate(sums))
    days = _named(places.group_by(["day", "neighbourhood"]).aggregate(sums))
    for name in _AREA_COUNTS:
        mean = pc.divide(pc.cast(days.column(name), pa.float32()), float(len(results)))
        days = days.set_column(days.schema.get_field_index(name), name, pc.cast(mean, pa.float32()))
    found["area_totals"] = totals.sort_by([("seed", "ascending"), ("neighbourhood", "ascending")])
    found["by_area"] = days.sort_by([("day", "ascending"), ("neighbourhood", "ascending")])
    return found | {"areas": areas_of(city)}


def areas_of(city: Any) -> pa.Table:
    """The areas of a city that was built, with the people who live there."""
    counted = city.population.group_by("neighbourhood").aggregate([("people", "sum")])
    people = dict(zip(_texts(counted.column("neighbourhood")), counted.column("people_sum").to_pylist(), strict=True))
    areas = city.neighbourhoods
    codes = _texts(areas.column("code"))
    return pa.table(
        {
            "code": codes,
            "name": _texts(areas.column("name")),
            "district": _texts(areas.column("district")),
            "people": pa.array([people.get(code, 0) for code in codes], pa.int64()),
            "geometry": _texts(areas.column("geometry")) if "geometry" in areas.column_names else [None] * len(codes),
        }
    )


def packed_areas(city: Any) -> list[dict[str, Any]]:
    """The same as rows, without borders."""
    rows: list[dict[str, Any]] = areas_of(city).drop_columns(["geometry"]).to_pylist()
    return rows


def digest_of(tables: Mapping[str, pa.Table]) -> str:
    """One text for all numbers: equal digests mean equal tables."""
    whole = sha256()
    for name in sorted(tables):
        whole.update(f"{name}\n".encode())
        for column in tables[name].column_names:
            whole.update(f"{column}\n".encode())
            whole.update(repr(tables[name].column(column).to_pylist()).encode())
    return whole.hexdigest()


@cache
def engine_digest() -> str:
    """One text for the sources of the engine in force: another text, another engine, though the version be the same."""
    whole, engine = sha256(), Path(str(twin.__file__)).parent
    for path in [engine.parent / "compiled.py", *sorted([*engine.rglob("*.py"), *engine.rglob("*.yaml")])]:
        whole.update(path.relative_to(engine.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:16]


def to_bytes(table: pa.Table) -> bytes:
    """A table as compressed Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", use_dictionary=True)
    return sink.getvalue().to_pybytes()


def table_of(run: Run, name: str) -> pa.Table:
    """One table of a finished run; a few are kept in memory, for they never change.

    Raises:
        RunTable.DoesNotExist: the run is not finished, or keeps no table of this name.
    """
    key = (run.id, name)
    if key not in _read:
        content = RunTable.objects.values_list("content", flat=True).get(run=run, name=name)
        while len(_read) >= _KEEP:
            _read.pop(next(iter(_read)), None)
        _read[key] = pq.read_table(pa.BufferReader(bytes(content)))
    return _read[key]


def _stacked(tables: Sequence[pa.Table]) -> pa.Table:
    parts = []
    for number, table in enumerate(tables, start=1):
        plain = pa.table({name: _plain(table.column(name)) for name in table.column_names})
        parts.append(plain.add_column(0, "seed", pa.array([number] * table.num_rows, pa.int32())))
    return pa.concat_tables(parts, promote_options="permissive")


def _plain(column: Any) -> Any:
    return pc.cast(column, pa.string()) if pa.types.is_dictionary(column.type) else column


def _texts(column: Any) -> list[Any]:
    return list(_plain(column).to_pylist())


def _named(table: pa.Table) -> pa.Table:
    return table.rename_columns([name.removesuffix("_sum") for name in table.column_names])
