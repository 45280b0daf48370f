"""Import 100,000 people, matched against 300,000 who are held; 5 in 100 are held already, written otherwise.

    .venv/bin/python benchmarks/people_import.py [--base 300000] [--incoming 100000] [--seed 20]

The people are those of `_people.py`, whose truth is known. The base is imported by numbers alone, the rest with matching,
each by the command as a user runs it; its memory is that of the command's own process. Of the rows that are held already:
how many were linked rightly, how many asked. Of the links: how many are right, pairs within the file counted as wrong.
"""

import argparse
import csv
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from _people import city
from _platform import own_platform
from _report import Report

COLUMNS = ("number", "given_name", "family_name", "birth_date", "sex", "phone", "email", "address", "national_id")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--base", type=int, default=300_000)
    options.add_argument("--incoming", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=20)
    wanted = options.parse_args()
    report = Report("people_import")
    with own_platform() as home:
        base, incoming, truth = city(wanted.seed, wanted.base, wanted.incoming)
        write_people(home / "base.csv", base)
        write_people(home / "incoming.csv", incoming)
        before, _, _, _ = run_import("people", home / "base.csv", "--no-match")
        seconds, processor, memory, counts = run_import("people", home / "incoming.csv", "--match")
        again, _, _, repeated = run_import("people", home / "incoming.csv", "--match")
        assert repeated["unchanged"] == counts["accepted"], repeated
        linked, asked, right = _outcome(truth)
    of = f"{wanted.incoming:,} people"
    report.row(f"{wanted.base:,} people by their numbers alone", [before])
    report.row(f"{of} matched against {wanted.base:,}", [seconds])
    report.row("processor time of that, without the database's", [processor])
    report.row(f"{of}, the same file again", [again])
    report.row("peak memory of the command", [memory], unit="MiB")
    report.row("share of those held already that were linked", [linked], unit="share")
    report.row("share of those held already that were linked or asked", [asked], unit="share")
    report.row("share of links that are right", [right], unit="share")
    report.row("questions asked", [counts["asked"]], unit="questions")
    report.save()


def write_people(path: Path, records: Iterable[object]) -> None:
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(COLUMNS)
        for number, one in enumerate(records):
            year, month, day = one.birth_year, one.birth_month, one.birth_day
            birth = "-".join(f"{part:02}" for part in (year, month, day) if part) if year else ""
            points = [*one.phones, ""][0], [*one.emails, ""][0]
            numbers = dict(one.identifiers)
            rows.writerow([number, one.given, one.family, birth, one.sex, *points, one.address, numbers.get("national_id", "")])


def run_import(kind: str, path: Path, *flags: str) -> tuple[float, float, float, dict[str, int]]:
    """Seconds by the clock and of the processor, MiB and the counts of one import."""
    start = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-m", "epipolis.server", "import", kind, str(path), "--json", *flags]
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as child:
        assert child.stdout is not None
        while not select.select([child.stdout], [], [], 0.1)[0]:
            peak = max(peak, _peak(child.pid))
        out = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, out
    processor = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - start, processor, peak / 1024, json.loads(out)


def _peak(process: int) -> int:
    """Peak memory in KiB; what `wait4` tells counts the memory of the parent, from which the process was forked, too."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _outcome(truth: np.ndarray) -> tuple[float, float, float]:
    """Shares: linked of those held, linked or asked of those held, right of those linked."""
    from django.db import connection

    from epipolis.core.sealing import fingerprint
    from epipolis.sense.people import queries
    from epipolis.sense.people.models import MatchQuestion

    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, value_hash, person_id FROM people_identifier WHERE kind IN ('base', 'incoming')")
        found = {(kind, value): person for kind, value, person in cursor.fetchall()}
    holders = queries.holding(set(found.values()))
    rows = [found["incoming", fingerprint(str(number))] for number in range(len(truth))]
    base = {found["base", fingerprint(str(number))]: number for number in range(len(found) - len(truth))}
    asked = {frozenset(pair) for pair in MatchQuestion.objects.values_list("person_id", "candidate_id")}
    held = linked = reached = links = right = 0
    owners: dict[object, int] = {}
    for person, own in zip(rows, truth.tolist(), strict=True):
        holder = holders[person]
        is_linked = holder in base or holder in owners
        is_right = own >= 0 and base.get(holder) == own
        links, right = links + is_linked, right + is_right
        owners.setdefault(holder, own)
        if own >= 0:
            held += 1
            linked += is_right
            reached += is_right or frozenset((person, found["base", fingerprint(str(own))])) in asked
    return linked / held, reached / held, right / max(links, 1)


if __name__ == "__main__":
    main()
