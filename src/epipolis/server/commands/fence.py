"""`epipolis fence`: recorded tracks run through the fence around the homes that they show, and the truth test.

Needs no database: it is for who wants to see, on tracks of their own, what the fence would have told.
"""

import json
import time
from dataclasses import asdict, replace
from datetime import datetime
from enum import StrEnum
from math import isnan
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import typer

from epipolis.engines import fence as engine
from epipolis.engines.fence.rules import SOURCES
from epipolis.server.commands import fence_truth
from epipolis.server.commands.series import TableOut, check_files, in_columns, write_table
from epipolis.server.commands.simulations import one_sentence
from epipolis.server.commands.tracks import read_stays, read_track

_SHOWN = 40
_DAY = 86_400


class Action(StrEnum):
    """What to do."""

    replay = "replay"
    truth = "truth"


class Source(StrEnum):
    """What fixes are by."""

    gps = "gps"
    network = "network"
    cell = "cell"
    device = "device"


def fence(
    action: Annotated[
        Action, typer.Argument(help="replay: follow every track of FILE against the home it shows; truth: played telephones.")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(help="With replay: CSV or Parquet with uid, datetime, lat, lng and perhaps accuracy, source."),
    ] = None,
    person: Annotated[str | None, typer.Option(help="Column that tells people apart, where it has no usual name.")] = None,
    source: Annotated[Source, typer.Option(help="What the fixes are by, where the file does not say.")] = Source.gps,
    radius: Annotated[float | None, typer.Option(help="Metres around the home.")] = None,
    every: Annotated[int, typer.Option(min=0, help="Keep one fix in so many seconds, as a sparing telephone would.")] = 0,
    stays: Annotated[
        Path | None,
        typer.Option(help="Stays that are known: started_at, finished_at, place. Each is fenced, leaving must be told."),
    ] = None,
    people: Annotated[int, typer.Option(min=1, max=20_000, help="With truth: people for each seed.")] = 600,
    days: Annotated[int, typer.Option(min=1, max=60, help="With truth: days of each.")] = 7,
    seed: Annotated[int, typer.Option(min=0, help="With truth: the first of three; the defaults were chosen on 1 to 3.")] = 101,
    out: TableOut = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print for programs.")] = False,
) -> None:
    """Find the homes in recorded tracks, fence them, and print what would have been told when; or the truth test of the fence.

    Nothing is stored.
    """
    if action is Action.truth:
        _truth(
            people, days, seed, engine.FenceRule() if radius is None else replace(engine.FenceRule(), radius=radius), as_json
        )
        return
    with one_sentence():
        check_files(out, None)
        if file is None:
            raise ValueError("name a file with tracks to replay")
        track = _thinned(read_track(file, person=person, source=SOURCES.index(source.value)), every)
        known = None if stays is None else read_stays(stays)
        rule = engine.FenceRule() if radius is None else replace(engine.FenceRule(), radius=radius)
    began = time.perf_counter()
    found_homes: list[dict[str, Any]] = []
    told: list[dict[str, Any] | None] = []
    transitions: list[pa.Table] = []
    for name in pc.unique(track["person"]).to_pylist():
        own = track.filter(pc.equal(track["person"], name)).drop_columns(["person"])
        row, found = _replayed(name, own, rule)
        found_homes.append(row)
        transitions.append(found)
        if known is not None:
            told.append(_judged(name, own, known, rule))
    table = pa.concat_tables(transitions)
    seconds = round(time.perf_counter() - began, 2)
    if out:
        write_table(table, out)
    if as_json:
        body = {"file": str(file), "seconds": seconds, "people": found_homes, "stays": [each for each in told if each]}
        print(json.dumps(body | {"transitions": [_plain(row) for row in table.to_pylist()]}, ensure_ascii=False))
    else:
        _show(found_homes, [each for each in told if each], table, seconds, out)


def _truth(people: int, days: int, seed: int, rule: Any, as_json: bool) -> None:
    told = list(fence_truth.rows(people, days, range(seed, seed + 3), rule))
    if as_json:
        print(
            json.dumps(
                [{name: _number(value) if isinstance(value, float) else value for name, value in row.items()} for row in told]
            )
        )
    else:
        print(fence_truth.as_markdown(told))


def _thinned(track: pa.Table, every: int) -> pa.Table:
    if every <= 1:
        return track
    slot = pa.table({"person": track["person"].dictionary_encode(), "slot": pc.divide(track["time"], every)})
    codes = np.column_stack([slot["person"].combine_chunks().indices.to_numpy(), slot["slot"].to_numpy()])
    new = np.append(True, (np.diff(codes, axis=0) != 0).any(axis=1)) if len(codes) else np.zeros(0, bool)
    return track.filter(pa.array(new))


def _replayed(name: str, own: pa.Table, rule: Any) -> tuple[dict[str, Any], pa.Table]:
    """One person: what was found, as a row, and the transitions."""
    positions = own.append_column("person", pa.array(np.zeros(own.num_rows, np.int32)))
    last = int(pc.max(own["time"]).as_py())
    good, problems = engine.check_positions(positions, last, rule)
    row: dict[str, Any] = {"person": name, "fixes": own.num_rows, "not_usable": len(problems)}
    row |= {"days": round((last - int(pc.min(own["time"]).as_py())) / _DAY, 1)}
    home = engine.find_home(engine.stay_points(*(good.column(column).to_numpy() for column in ("time", "lon", "lat"))))
    empty: dict[str, Any] = {
        "home_lon": None,
        "home_lat": None,
        "nights": None,
        "days_home": None,
        "left": 0,
        "inside": None,
        "counts": {},
    }
    if home is None:
        return row | empty, _named(None, name)
    fences = engine.Fences.of([home.lon], [home.lat], rule.radius)
    found = engine.follow(engine.States.new(1), good, fences, rule)
    away = engine.metres_between(home.lon, home.lat, good["lon"].to_numpy(), good["lat"].to_numpy())
    row |= {"home_lon": round(home.lon, 6), "home_lat": round(home.lat, 6)}
    row |= {"nights": round(home.share, 3), "days_home": home.days}
    left = pc.sum(pc.and_(pc.equal(found["after"], 3), pc.not_equal(found["before"], 3))).as_py() or 0
    inside = float(np.mean(away <= rule.radius + rule.buffer))
    return row | {"left": left, "inside": round(inside, 3), "counts": engine.counts_in(found)}, _named(found, name)


def _named(found: pa.Table | None, name: str) -> pa.Table:
    """Transitions with the words of their states and the person's name."""
    rows = [] if found is None else found.to_pylist()
    kinds = {"person": pa.string(), "time": pa.timestamp("s", "UTC"), "before": pa.string(), "after": pa.string()}
    kinds |= {"reason": pa.string(), "excursion": pa.timestamp("s", "UTC"), "lon": pa.float64(), "lat": pa.float64()}
    kinds |= {"distance": pa.float32(), "accuracy": pa.float32()}
    words = {"before": engine.STATES, "after": engine.STATES, "reason": engine.REASONS}
    columns = {
        column: [name if column == "person" else words[column][row[column]] if column in words else row[column] for row in rows]
        for column in kinds
    }
    return pa.table({column: pa.array(values, kinds[column]) for column, values in columns.items()})


def _judged(name: str, own: pa.Table, known: pa.Table, rule: Any) -> dict[str, Any] | None:
    """The known stays of one person, where any fall into the track."""
    stays = known.filter(pc.equal(known["person"], name)) if name in pc.unique(known["person"]).to_pylist() else None
    if stays is None:
        return None
    found = engine.judge_stays(own, stays.drop_columns(["person"]), rule)
    sums = {"recall": _number(found.recall), "false_a_day": _number(found.false_a_day)}
    return {"person": name} | {key: _number(value) for key, value in asdict(found).items()} | sums


def _number(value: float) -> float | None:
    return None if isnan(value) else round(value, 4)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _show(people: list[dict[str, Any]], told: list[dict[str, Any]], found: pa.Table, seconds: float, out: Path | None) -> None:
    names = ("person", "fixes", "not_usable", "days", "home_lon", "home_lat", "nights", "days_home", "inside", "left")
    print("homes found and fenced")
    print(in_columns(pa.table({name: [row[name] for row in people] for name in names}), digits=3))
    if told:
        judged = ("person", "stays", "left", "found", "recall", "delay", "person_days", "false_alarms", "false_a_day")
        print("\nstays that are known: left, and found to be")
        print(in_columns(pa.table({name: [row[name] for row in told] for name in judged}), digits=3))
    leaves = [row for row in found.to_pylist() if "outside" in (row["before"], row["after"])]
    columns: dict[str, list[Any]] = {"person": [row["person"] for row in leaves]}
    for name, column in {"time (UTC)": "time", "left": "excursion"}.items():
        columns[name] = [row[column] and row[column].strftime("%Y-%m-%d %H:%M:%S") for row in leaves]
    columns |= {name: [row[name] for row in leaves] for name in ("before", "after")}
    columns |= {"metres": [row["distance"] for row in leaves], "error": [row["accuracy"] for row in leaves]}
    print("\nleft and came back")
    print(in_columns(pa.table(columns).slice(0, _SHOWN), digits=0) if leaves else "nobody left")
    if len(leaves) > _SHOWN:
        print(f"… and {len(leaves) - _SHOWN} more; --out writes all, --json prints all")
    print(f"{found.num_rows} transitions in {seconds} s{f'; written: {out}' if out else ''}")
