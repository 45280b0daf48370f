"""Find the people of 100,000 records in a base of 300,000: epipolis and splink on DuckDB, quality and time.

    .venv/bin/python benchmarks/linkage.py [--quick] [--runs 3] [--weights FILE]

The city is invented (`_people.py`): errors of typing, names exchanged, other scripts, missing parts, twins, households
with one telephone; 5 % of the incoming are in the base. Weights are learned without labels on one city and scored on
another. Splink gets names in Latin letters without accents, and thresholds chosen on the learning city with its truth;
epipolis takes its thresholds as they are. The names of the varicella line list are written again with the same errors.
"""

import argparse
import csv
import json
import random
import resource
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from _names import Written
from _peers import PYTHON, SCRIPTS, install_peers
from _people import Resident, city, written_again
from _report import Report
from numpy.typing import NDArray

from epipolis.engines.linkage import (
    Record,
    Weights,
    bands,
    candidate_pairs,
    compare_pairs,
    compare_with,
    estimate,
    frequencies_of,
    latin,
    read,
    score_pairs,
)

SHARED = Path(__file__).parents[2] / "shared" / "data" / "linelists" / "varicella_sim_berlin_names.csv"


@dataclass(frozen=True)
class Linked:
    """Pairs that were compared, their levels, and how long each step took."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    levels: NDArray[np.int8]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Quality:
    precision: float
    recall: float
    recall_asked: float
    asked: float  # pairs for each hundred incoming records


def link(base: Sequence[Record], incoming: Sequence[Record]) -> Linked:
    """Read, find candidates and compare, on two processors where it can."""
    marks = [time.perf_counter()]
    common = frequencies_of(name for record in base for name in (record.given, record.family))
    ours, theirs = read(incoming, common), read(base, common)
    marks.append(time.perf_counter())
    first, second = candidate_pairs(incoming, base)
    marks.append(time.perf_counter())
    levels = compare_pairs(ours, theirs, (first, second), workers=2)
    marks.append(time.perf_counter())
    return Linked(first, second, levels, dict(zip(("read", "find", "compare"), np.diff(marks).tolist(), strict=True)))


def quality(first: Any, second: Any, verdicts: NDArray[np.int8], truth: NDArray[np.int64]) -> Quality:
    """Measure the bands of pairs (2 linked, 1 asked) against the truth of each incoming row."""
    is_true, real = truth[first] == second, int((truth >= 0).sum())
    linked, asked = verdicts == 2, verdicts == 1
    return Quality(
        float(is_true[linked].mean()),
        is_true[linked].sum() / real,
        is_true[linked | asked].sum() / real,
        100 * asked.sum() / len(truth),
    )


def choose_thresholds(bits: NDArray[np.float64], is_true: NDArray[np.bool_], real: int) -> tuple[float, float]:
    """Give the lowest weight above which precision is 0.996, and the highest with a recall of 0.955, or nearly all found."""
    order = np.argsort(-bits)
    right = np.cumsum(is_true[order])
    good = np.flatnonzero(right / np.arange(1, len(order) + 1) >= 0.996)
    enough = np.flatnonzero(right >= min(0.955 * real, 0.98 * right[-1]))
    return float(bits[order[good[-1]]]), float(bits[order[enough[0]]])


def splink_table(records: Sequence[Record]) -> pa.Table:
    """Give records as splink wants them: one column each, names Latin, dates whole or missing."""
    rows = []
    for number, record in enumerate(records):
        parts = (record.birth_year, record.birth_month, record.birth_day)
        given, family = latin(record.given), latin(record.family)
        birth = "{}-{:02}-{:02}".format(*parts) if all(parts) else None
        rows.append(
            {
                "unique_id": number,
                "given": given or None,
                "family": family or None,
                "whole": f"{given} {family}",
                "birth": birth,
                "birth_year": record.birth_year,
                "sex": record.sex or None,
                "phone": next(iter(record.phones), None),
                "email": next(iter(record.emails), None),
                "address": latin(record.address) or None,
                "neighbourhood": record.neighbourhood or None,
            }
        )
    return pa.Table.from_pylist(rows)


def splink(learn: tuple, scored: tuple) -> tuple[Quality, dict[str, float]]:
    """Run the peer in its own process; give its quality on the scored city and its seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, (base, incoming, _) in (("learn", learn), ("score", scored)):
            pq.write_table(splink_table(base), folder / f"{part}_base.parquet")
            pq.write_table(splink_table(incoming), folder / f"{part}_incoming.parquet")
        subprocess.run([PYTHON, SCRIPTS / "splink_run.py", folder], check=True, stdout=subprocess.DEVNULL)
        found = {part: _pairs_of(pq.read_table(folder / f"{part}_pairs.parquet")) for part in ("learn", "score")}
        seconds = json.loads((folder / "seconds.json").read_text())
    rows, others, bits = found["learn"]
    sure, ask = choose_thresholds(bits, learn[2][rows] == others, int((learn[2] >= 0).sum()))
    rows, others, bits = found["score"]
    return quality(rows, others, (bits >= ask).astype(np.int8) + (bits >= sure), scored[2]), seconds


def _pairs_of(table: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    left, right, weight = (table[name].to_numpy() for name in ("unique_id_l", "unique_id_r", "match_weight"))
    return right, left, weight  # splink names the tables in the order of the alphabet: base, incoming


def varicella(path: Path, seed: int) -> tuple[list[Record], list[Record], NDArray[np.int64]]:
    """Write a fifth of the simulated patients again with the errors of the city: all, those again, and who they are."""
    rng = random.Random(seed)
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    people = []
    for row in rows:
        sex = {"female": "F", "male": "M"}.get(row["sex"], "")
        record = Record(row["firstname"], row["lastname"], 2015 - int(row["age"]), sex=sex, neighbourhood=row["center1"])
        people.append(Resident(Written("en", tuple(record.given.split()), tuple(record.family.split())), record))
    twice = rng.sample(range(len(people)), len(people) // 5)
    return [person.record for person in people], [written_again(rng, people[row]) for row in twice], np.array(twice)


def names_of_patients(report: Report, path: Path) -> None:
    """Score ten ways of writing the patients again with weights learned on ten others."""
    weights = estimate(np.concatenate([link(*varicella(path, seed)[:2]).levels for seed in range(100, 110)]))
    results = []
    for seed in range(10):
        base, incoming, truth = varicella(path, seed)
        found = link(base, incoming)
        verdicts = bands(score_pairs(found.levels, weights), found.levels)
        results.append(quality(found.first, found.second, verdicts, truth))
    for what in ("precision", "recall", "recall_asked"):
        values = [getattr(result, what) for result in results]
        report.row(f"varicella names: {what.replace('_', ', linked or ')}", values, unit="share found")


def one_record(records: Sequence[Record], weights: Weights, runs: int) -> list[float]:
    """Give the milliseconds of one record against 50 candidates, whose names were seen before."""
    compare_with(records[0], records[1:51])
    taken = []
    for _ in range(runs * 20):
        begun = time.perf_counter()
        levels = compare_with(records[0], records[1:51])
        bands(score_pairs(levels, weights), levels)
        taken.append(1000 * (time.perf_counter() - begun))
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the people")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--weights", type=Path, help="also write the learned weights, as YAML")
    parser.add_argument("--linelist", type=Path, default=SHARED, help="the varicella line list")
    options = parser.parse_args()
    size = (30_000, 10_000) if options.quick else (300_000, 100_000)
    learn, scored = city(1, *size), city(2, *size)
    weights = estimate(link(learn[0], learn[1]).levels)
    report = Report("linkage" + ("_quick" if options.quick else ""))
    times, found = [], link(*scored[:2])
    for _ in range(options.runs):
        begun = time.perf_counter()
        found = link(*scored[:2])
        verdicts = bands(score_pairs(found.levels, weights), found.levels)
        times.append(time.perf_counter() - begun)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    install_peers()
    theirs, seconds = splink(learn, scored)
    ours, name = quality(found.first, found.second, verdicts, scored[2]), "splink 5"
    report.row(f"link {size[1]:,} to {size[0]:,}", times, [seconds["score"]], unit="s", peer_name=name)
    report.row("precision, linked", [ours.precision], [theirs.precision], unit="share found", peer_name=name)
    report.row("recall, linked", [ours.recall], [theirs.recall], unit="share found", peer_name=name)
    report.row("recall, linked or asked", [ours.recall_asked], [theirs.recall_asked], unit="share found", peer_name=name)
    report.row("pairs asked for 100 records", [ours.asked], [theirs.asked], unit="pairs", peer_name=name)
    report.row("pairs compared", [len(found.first) / found.seconds["compare"]], unit="pairs/s")
    report.row("one record, 50 candidates", one_record(scored[0], weights, options.runs), unit="ms")
    report.row("peak memory, both cities held", [memory], unit="MiB")
    if options.linelist.exists():
        names_of_patients(report, options.linelist)
    report.save()
    if options.weights:
        options.weights.write_text(yaml.safe_dump(weights.to_dict(), sort_keys=False))


if __name__ == "__main__":
    main()
