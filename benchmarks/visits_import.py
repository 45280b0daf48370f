"""A file of one million visits, imported with every check, beside a COPY of the same file without any."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

import numpy as np
import psycopg
from _report import Report

RUNS, VISITS, PEOPLE, PLACES = 3, 1_000_000, 100_000, 20_000
IMPORT = f"""
import sys, time
from pathlib import Path
import django; django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
from django.db import connection
call_command("migrate", verbosity=0, interactive=False)
from epipolis.core.imports import ImportOptions, ImportReport
from epipolis.sense.checkins import services as checkins
from epipolis.sense.city import services as city
now = datetime.now(UTC)
rows = ((n + 2, {{"code": f"P{{n}}", "name": f"Place {{n}}", "kind": "shop"}}) for n in range({PLACES}))
city.load_places(rows, by="benchmark", at=now, report=ImportReport(), simulated=True)
for _ in range({RUNS}):
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE checkins_visit")
        cursor.execute("CHECKPOINT")
    start = time.perf_counter()
    report = checkins.import_visits(Path(sys.argv[1]), ImportOptions(by="benchmark", at=datetime.now(UTC), simulated=True))
    assert report.created == {VISITS}, report
    print("OURS", {VISITS} / (time.perf_counter() - start), flush=True)
sys.stdin.readline()
"""
COPY = """
CREATE TEMPORARY TABLE raw (visitor uuid, place text, arrived bigint, "left" bigint);
"""


def main() -> None:
    report = Report("visits_import")
    with tempfile.TemporaryDirectory(prefix="epipolis-bench-") as folder:
        home, path = Path(folder), Path(folder) / "visits.csv"
        _write(path)
        env = os.environ | {
            "EPIPOLIS_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
            "PYTHONWARNINGS": "ignore",
        }
        command = [sys.executable, "-c", IMPORT, str(path)]
        with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            ours = [float(process.stdout.readline().split()[1]) for _ in range(RUNS)]
            peer = [_copy(home, path) for _ in range(RUNS)]
            process.communicate("\n")
    what = f"visits by file, {VISITS:,} rows with every check"
    report.row(what, ours=ours, peer=peer, unit="rows/s", peer_name="bare COPY and insert")
    report.save()


def _write(path: Path) -> None:
    random = np.random.default_rng(1)
    people = np.array([str(UUID(bytes=random.bytes(16))) for _ in range(PEOPLE)])
    arrived = int(time.time()) - 20 * 86_400 + np.sort(random.integers(0, 19 * 86_400, VISITS))
    columns = zip(
        people[random.integers(0, PEOPLE, VISITS)],
        random.integers(0, PLACES, VISITS),
        arrived,
        arrived + random.integers(300, 30_000, VISITS),
        strict=True,
    )
    with path.open("w", encoding="utf-8") as out:
        out.write("visitor,place,arrived,left\n")
        out.writelines(f"{visitor},P{place},{start},{end}\n" for visitor, place, start, end in columns)


def _copy(home: Path, path: Path) -> float:
    """The same rows by COPY into a table of text and one insert that looks places up: the least that any import does."""
    folder = (home / "database" / "postmaster.pid").read_text().splitlines()[4]
    with psycopg.connect(host=folder, user="postgres", dbname="postgres") as database:
        database.execute("CREATE TABLE IF NOT EXISTS bare (LIKE checkins_visit INCLUDING ALL)")
        database.execute("TRUNCATE bare")
        database.execute(COPY)
        start = time.perf_counter()
        with database.cursor().copy("COPY raw FROM STDIN (FORMAT CSV, HEADER)") as out:
            out.write(path.read_bytes())
        database.execute(
            'INSERT INTO bare SELECT visitor, to_timestamp(arrived), p.id, to_timestamp("left"), false, true, 0, 3, now(), true'
            " FROM raw JOIN city_place p ON p.code = raw.place ON CONFLICT DO NOTHING"
        )
        database.commit()
        return VISITS / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
