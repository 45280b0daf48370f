"""The fence: kernel, city polygons, played telephones of the twin's city, and real tracks.

    .venv/bin/python benchmarks/fence.py [--quick] [--runs 5]

Kernel: 10 million positions of 50,000 people, each with a circle of their own, through the whole state machine on two
threads, Arrow in and Arrow out; beside it, on the same rows in the same call, only the distance to the own circle, in
bare Numba (two threads), Polars (joined by person) and shapely (vectorised points and distances on a plane, its own
fastest way). Polygons: the 12 districts of a real city against shapely's vectorised test. Truth: people of the twin's
city whose telephones are played (`engines/fence/phones.py`), some of whom keep some of their usual visits; seeds of this
file were not used for choosing the rule. Real tracks: `gps_geolife`, with the stays that another library annotated.
"""

import argparse
import csv
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import numba
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from _report import Report

from epipolis.engines import fence, twin

SHARED = Path(__file__).parents[2] / "shared" / "data"
START, DAY = 1_767_542_400, 86_400
RULE = fence.FenceRule()
SEEDS = (101, 102, 103)


def stream(positions: int, people: int) -> tuple[pa.Table, fence.Fences]:
    """Fixes in order of arrival: nine in ten people at home with an error, the others walk about; one in 200 is a jump."""
    rng = np.random.default_rng(6)
    fences = fence.Fences.of(121.45 + rng.random(people) * 0.2, 24.95 + rng.random(people) * 0.2, 100.0)
    person = rng.permuted(np.tile(np.arange(people, dtype=np.int32), positions // people).reshape(-1, people), axis=1).ravel()
    at = START + np.repeat(np.arange(positions // people), people) * 300 + rng.integers(0, 300, person.size)
    out = rng.random(people) < 0.1
    away = np.where(
        out[person] & (rng.random(person.size) < 0.8), rng.uniform(200, 3_000, person.size), rng.exponential(25, person.size)
    )
    away = np.where(rng.random(person.size) < 0.005, rng.uniform(200, 2_000, person.size), away) / 111_195
    turn = rng.random(person.size) * 2 * np.pi
    home = fences.rows[person]
    columns = {
        **{"person": person, "time": at, "lon": home["lon"] + away * np.cos(turn) / home["narrow"]},
        **{"lat": home["lat"] + away * np.sin(turn), "accuracy": rng.uniform(5, 60, person.size).astype(np.float32)},
        **{"battery": rng.random(person.size).astype(np.float32), "charging": rng.random(person.size) < 0.3},
        "source": rng.choice(np.array([0, 1], np.uint8), person.size),
    }
    return pa.table(columns), fences


def ours(positions: pa.Table, fences: fence.Fences) -> int:
    return fence.follow(fence.States.new(len(fences)), positions, fences, RULE).num_rows


@numba.njit(nogil=True, cache=True)
def _is_out(person, lon, lat, homes, found):  # type: ignore[no-untyped-def]  # -- a peer as short as it can be
    for row in range(len(person)):
        home = homes[person[row]]
        east, north = (lon[row] - home[0]) * home[3], lat[row] - home[1]
        found[row] = 111_195.08 * np.sqrt(east * east + north * north) > home[2]


def bare_numba(positions: pa.Table, fences: fence.Fences) -> int:
    homes = np.column_stack([fences.rows[name] for name in ("lon", "lat", "radius", "narrow")])
    person, lon, lat = (positions[name].to_numpy() for name in ("person", "lon", "lat"))
    found = np.empty(len(person), np.bool_)
    half = len(person) // 2
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda part: _is_out(person[part], lon[part], lat[part], homes, found[part]), (slice(half), slice(half, None))
            )
        )
    return int(found.sum())


def polars(positions: pa.Table, fences: fence.Fences) -> int:
    homes = pl.DataFrame({name: np.ascontiguousarray(fences.rows[name]) for name in ("lon", "lat", "radius", "narrow")})
    every = pl.from_arrow(positions.select(["person", "lon", "lat"])).lazy()
    home = {name: homes[name] for name in homes.columns}
    own = {name: pl.lit(values).gather(pl.col("person")) for name, values in home.items()}
    east, north = (pl.col("lon") - own["lon"]) * own["narrow"], pl.col("lat") - own["lat"]
    out = (111_195.08 * (east * east + north * north).sqrt() > own["radius"]).alias("out")
    return int(every.select(out).collect(engine="streaming").to_arrow()["out"].to_numpy().sum())


def shapely_circles(positions: pa.Table, fences: fence.Fences) -> int:
    person = positions["person"].to_numpy()
    home = fences.rows
    scale = home["narrow"][person]
    middles = shapely.points((home["lon"] * home["narrow"])[person], home["lat"][person])
    points = shapely.points(positions["lon"].to_numpy() * scale, positions["lat"].to_numpy())
    return int((shapely.distance(points, middles) * 111_195.08 > home["radius"][person]).sum())


def timed(query: Callable[[], object], *, cores: int) -> tuple[float, float]:
    """Seconds by the clock, and processor time shared by the cores that it uses: what the clock shows on an idle machine."""
    start, busy = time.perf_counter(), time.process_time()
    query()
    return time.perf_counter() - start, (time.process_time() - busy) / cores


def tell(report: Report, what: str, million: float, times: dict[str, list[tuple[float, float]]]) -> None:
    """Two rows for each peer: by the clock, and by processor time, which other work on the machine hardly changes."""
    for clock, words in enumerate(("", ", by processor time")):
        speed = {name: [million / max(each[clock], 1e-9) for each in taken] for name, taken in times.items()}
        for name in list(speed)[1:]:
            report.row(f"{what}{words}", speed["epipolis"], speed[name], unit="million/s", peer_name=name)


def kernel(report: Report, positions: int, people: int, runs: int) -> None:
    table, fences = stream(positions, people)
    peers = {"bare Numba distance": bare_numba, "Polars distance": polars}
    few = table.slice(0, max(len(table) // 10, 1))  # shapely takes all memory for more
    counts = {name: peer(few, fences) for name, peer in (peers | {"shapely": shapely_circles}).items()}
    if len(set(counts.values())) > 1:
        raise SystemExit(f"the peers differ: {counts}")
    ours(few, fences)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ("epipolis", *peers, "shapely distance")}
    for _ in range(runs):
        times["epipolis"].append(timed(lambda: ours(table, fences), cores=2))
        for name, peer in peers.items():
            times[name].append(timed(lambda peer=peer: peer(table, fences), cores=2))
    for _ in range(min(runs, 3)):
        wall, busy = timed(lambda: shapely_circles(few, fences), cores=1)
        times["shapely distance"].append((10 * wall, 10 * busy))
    tell(report, f"positions with the whole state machine, {positions:,}, {people:,} people", positions / 1e6, times)


def polygons(report: Report, points: int, runs: int) -> None:
    collection = json.loads((SHARED / "taipei_city" / "districts.geojson").read_text(encoding="utf-8"))
    areas = fence.Areas.from_geojson(collection, "district")
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in collection["features"]]
    shapely.prepare(shapes)
    x, y = np.random.default_rng(12).uniform([[121.45], [24.95]], [[121.67], [25.22]], (2, points))
    few = slice(points // 10)

    def peer() -> np.ndarray:
        found = np.full(x[few].size, -1, np.int16)
        for number, shape in enumerate(shapes):
            found[shapely.contains_xy(shape, x[few], y[few]) & (found < 0)] = number
        return found

    if not np.array_equal(fence.membership(areas, x[few], y[few]), peer()):
        raise SystemExit("the districts differ")
    own = [timed(lambda: fence.membership(areas, x, y), cores=2) for _ in range(runs)]
    other = [tuple(10 * each for each in timed(peer, cores=1)) for _ in range(min(runs, 3))]
    tell(report, f"districts of {points:,} positions", points / 1e6, {"epipolis": own, "shapely contains_xy": other})


def city_truth(seed: int, people: int, ordered: int, days: int) -> tuple[fence.Fences, pa.Table, pa.Table]:
    """People of the twin's city under order; each visit of theirs takes place with the chance of one in twelve."""
    city = twin.build_city(people=people, seed=seed)
    rng = np.random.default_rng(seed)
    who = np.sort(rng.choice(people, ordered, replace=False))
    lon, lat = (np.asarray(city.people.column(name))[who] for name in ("lon", "lat"))
    fences = fence.Fences.of(lon, lat, RULE.radius)
    run = twin.start_run(city, twin.load_disease("covid_19_ancestral"), [], seed=seed, start=date(2026, 1, 5))
    kept = []
    start = None
    for _, day in twin.days_of(run, days):
        visits = day.visits.filter(pa.array(np.isin(np.asarray(day.visits.column("visitor")), who)))
        start = start or int(pc.min(day.visits["arrived"]).as_py()) // DAY * DAY
        kept.append(
            visits.filter(pa.array(rng.random(visits.num_rows) < 1 / 12)).select(["visitor", "place", "arrived", "left"])
        )
    visits = pa.concat_tables(kept).sort_by([("visitor", "ascending"), ("arrived", "ascending")])
    person = np.searchsorted(who, np.asarray(visits.column("visitor")))
    place = city.sites.points[np.asarray(visits.column("place"))]
    arrived, left = (np.asarray(visits.column(name)) for name in ("arrived", "left"))
    away = fence.metres_between(lon[person], lat[person], place[:, 0], place[:, 1])
    way = (away / np.where(away < 1_000, 1.3, 5.0)).astype(np.int64)
    row, last = [], {}
    for one in range(len(person)):
        if arrived[one] - way[one] > max(last.get(person[one], 0) + 1800, start) and left[one] + way[one] < start + days * DAY:
            row.append(one)
            last[person[one]] = left[one] + way[one]
    forged = rng.random(len(row)) < 0.01
    there = person[row], (arrived - way)[row], (left + way)[row], place[row, 0], place[row, 1]
    out = fence.excursions_of(fences, *there, forged=forged, margin=RULE.buffer)
    return fences, out, fence.phone_positions(seed, fences, out, start, days)


def lived(fences: fence.Fences, positions: pa.Table) -> pa.Table:
    """Follow the telephones as a server would: ten minutes of arrivals, then a look for silence."""
    states, found = fence.States.new(len(fences)), []
    arrived = positions["arrived"].to_numpy()
    edges = np.searchsorted(arrived, np.arange(arrived[0], arrived[-1] + 600, 600))
    for first, last in zip(edges, [*edges[1:], len(arrived)], strict=True):
        if last > first:
            now = int(arrived[last - 1])
            found.append(
                fence.follow(states, positions.slice(first, last - first), fences, RULE, now=now).replace_schema_metadata()
            )
            found.append(fence.notice_silence(states, RULE, now, fences=fences))
    return pa.concat_tables(found)


def truth(report: Report, people: int, ordered: int, days: int) -> None:
    """One value for each seed, in each row."""
    judged = []
    for seed in SEEDS:
        fences, out, positions = city_truth(seed, people, ordered, days)
        judged.append(fence.judge(lived(fences, positions), out, ordered * days, arrivals=positions))
        print(judged[-1])
    over = f"{sum(each.excursions for each in judged):,} excursions over 15 minutes beyond the fence"
    report.row(f"truth test, {over}: found", [each.recall for each in judged], unit="share found")
    report.row("truth test: false alarms a person-day", [each.false_a_day for each in judged], unit="a day")
    report.row("truth test: median delay from crossing the fence", [each.delay / 60 for each in judged], unit="min")
    report.row("truth test: median delay from the door", [each.door_delay / 60 for each in judged], unit="min")
    report.row("truth test: nine in ten told within", [each.delay_90 / 60 for each in judged], unit="min")
    report.row("truth test: alarms told twice", [float(each.repeats) for each in judged], unit="alarms")
    report.row("truth test: silences a person-day", [each.silences / each.person_days for each in judged], unit="a day")


def real_tracks(report: Report) -> None:
    folder = SHARED / "gps_geolife"
    with (folder / "trackintel_geolife_user0_staypoints_expected.csv").open() as file:
        known = [row for row in csv.DictReader(file) if row["user_id"] == "1.0"]
    places = [tuple(map(float, re.findall(r"[\d.]+", row["geom"]))) for row in known]
    stays = pa.table(
        {"arrived": [_seconds(row["started_at"]) for row in known], "left": [_seconds(row["finished_at"]) for row in known]}
        | {"lon": [lon for lon, _ in places], "lat": [lat for _, lat in places]}
    )  # fmt: skip
    found = fence.judge_stays(_track(folder, 1), stays)
    report.row(f"real tracks, {found.left} of {found.stays} annotated stays left: found", [found.recall], unit="share found")
    report.row("real tracks, annotated stays: false alarms a person-day", [found.false_a_day], unit="a day")
    at_home, judged = [], []
    for user in (1, 5):
        own = _track(folder, user)
        every = fence.stay_points(*(own[name].to_numpy() for name in ("time", "lon", "lat")))
        home = fence.find_home(every)
        near = fence.metres_between(home.lon, home.lat, every["lon"].to_numpy(), every["lat"].to_numpy()) < 150
        nights = every.filter(pa.array(near))
        at_home.append(
            fence.judge_stays(
                own, nights, fences=fence.Fences.of(np.full(len(nights), home.lon), np.full(len(nights), home.lat))
            )
        )
        judged.append(fence.judge_stays(own, every))
    for words, group in {"stays at the home found": at_home, "all stays found": judged}.items():
        days, left = sum(each.person_days for each in group), sum(each.left for each in group)
        report.row(
            f"real tracks, {words}, {days:.1f} person-days: false alarms a person-day",
            [sum(each.false_alarms for each in group) / days],
            unit="a day",
        )
        report.row(f"real tracks, {words}, {left} left: found", [sum(each.found for each in group) / left], unit="share found")


def _track(folder: Path, user: int) -> pa.Table:
    rows = pq.read_table(folder / "geolife_sample_2users.parquet")
    rows = rows.filter(pc.equal(rows["uid"], user))
    at = pc.strptime(rows["datetime"].cast("string"), "%Y-%m-%d %H:%M:%S", "s").cast("int64")
    source = pa.array(np.zeros(len(at), np.uint8))
    return pa.table({"time": at, "lon": rows["lng"], "lat": rows["lat"], "source": source}).sort_by("time")


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the positions, three runs, fewer people")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=["kernel", "polygons", "truth", "tracks"], help="one part; only printed")
    options = parser.parse_args()
    part, runs = (10, 3) if options.quick else (1, options.runs)
    report = Report("fence_part" if options.only else "fence_quick" if options.quick else "fence")
    parts: dict[str, Callable[[], None]] = {
        "kernel": lambda: kernel(report, 10_000_000 // part, 50_000 // part, runs),
        "polygons": lambda: polygons(report, 10_000_000 // part, runs),
        "truth": lambda: truth(report, 20_000, 1_500 // (3 if options.quick else 1), 7),
        "tracks": lambda: real_tracks(report),
    }
    for name, run in parts.items():
        if options.only in (None, name):
            run()
    path = report.save()
    if options.only:
        path.unlink()


if __name__ == "__main__":
    main()
