"""Messages: how many leave a second, and whether any is lost or doubled when the worker is killed.

    .venv/bin/python benchmarks/notices.py [--quick] [--runs 3]

"Queued" is `send_each` for people with sealed numbers, 1,000 in a transaction. "Simulated provider" is one worker with the
platform's own provider, faults included. "HTTP provider" is a process of its own that takes one request a message and
knows keys; beside it the same requests by the same number of connections without an outbox (no database, no sealing,
nothing kept). "Killed" is a worker process that is ended with SIGKILL five times, each time followed by a new one; the
provider's own file says what it was asked for, and "lost" and "doubled" must be 0. "Reports" are signed, 500 a request.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from _platform import own_platform
from _report import Report

NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
PROVIDER = Path(__file__).parents[1] / "tests" / "act" / "notices" / "provider.py"
LINES, KILLS = 4, 5
WORK = """
import django; django.setup()
from datetime import UTC, datetime
from epipolis.act.notices import services
import time
print("ready", flush=True)
while True:
    services.send_waiting(datetime(2026, 3, 10, 4, tzinfo=UTC))
    time.sleep(0.02)
"""


def people(count: int, *, simulated: bool, start: int) -> list[Any]:
    """People with a telephone each, that nobody else has."""
    from epipolis.sense.people.services import PersonRow, find_or_make_people

    rows = [
        PersonRow(
            identifiers=[("bench", str(start + n))], phones=[f"+999 5{start + n:08d}"], language="en", simulated=simulated
        )
        for n in range(count)
    ]
    return [one for one, _ in find_or_make_people(rows, by="bench", at=NOW)]


def queue(ids: list[Any], name: str) -> float:
    """Ask for a message to each; returns the seconds."""
    from epipolis.act.notices.services import Asked, send_each

    begun = time.perf_counter()
    for start in range(0, len(ids), 1_000):
        asked = [
            Asked(one, "message", {"text": "Please call us."}, f"{name} {one}", ("bench", name), True, ("sms",))
            for one in ids[start : start + 1_000]
        ]
        send_each(asked, by="bench", at=NOW)
    return time.perf_counter() - begun


def bare(port: int, count: int) -> float:
    """The same requests without an outbox."""

    def send(share: range) -> None:
        line = HTTPConnection("127.0.0.1", port)
        for number in share:
            body = json.dumps({"to": "+9995", "from": "", "text": "Please call us.", "reference": f"b{number}"}).encode()
            line.request("POST", "/send", body, {"Idempotency-Key": f"bare-{number}", "Content-Type": "application/json"})
            line.getresponse().read()
        line.close()

    begun = time.perf_counter()
    with ThreadPoolExecutor(LINES) as pool:
        list(pool.map(send, [range(start, count, LINES) for start in range(LINES)]))
    return time.perf_counter() - begun


def worker() -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-c", WORK], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


def finished(name: str) -> bool:
    from epipolis.act.notices.models import Notice

    return not Notice.objects.filter(about_id=name).exclude(state="sent").exists()


def killed(ids: list[Any], path: Path, name: str, every: int) -> tuple[int, int, int]:
    """Kill the worker each time it has handed over about `every` messages; returns kills, lost, doubled."""
    from epipolis.act.notices.models import Notice

    queue(ids, name)
    path.write_bytes(b"")
    chance, kills = random.Random(5), 0
    process = worker()
    seen = 0
    while not finished(name):
        lines = path.read_bytes().count(b"\n")
        if kills < KILLS and lines - seen >= chance.randrange(every // 2, every):
            process.send_signal(signal.SIGKILL)
            process.wait()
            seen, kills = lines, kills + 1
            process = worker()
        time.sleep(0.01)
    process.kill()
    process.wait()
    wanted = {f"{number}-0" for number in Notice.objects.filter(about_id=name).values_list("id", flat=True)}
    taken = [line.split()[0].decode() for line in path.read_bytes().splitlines() if line.endswith(b" new")]
    return kills, len(wanted - set(taken)), len(taken) - len(set(taken))


def reports(name: str) -> tuple[int, float]:
    """Signed reports about every message of a run, 500 a request; returns how many and the seconds."""
    from epipolis.act.notices.models import Notice
    from epipolis.act.notices.services import take_reports
    from epipolis.act.notices.services.channels import SIGNATURE, signed, simulated_secret

    ids = list(Notice.objects.filter(about_id=name, state="sent").values_list("id", "step"))
    begun = time.perf_counter()
    for start in range(0, len(ids), 500):
        told = [
            {"id": f"{one} {step}", "reference": f"{one}-{step}", "state": "delivered"}
            for one, step in ids[start : start + 500]
        ]
        body = json.dumps({"events": told}).encode()
        take_reports("simulated", {SIGNATURE: signed(simulated_secret(), body, time=1)}, body, at=NOW)
    return len(ids), time.perf_counter() - begun


def measure(port: int, path: Path, count: int, runs: int) -> Report:
    from epipolis.act.notices.models import Notice
    from epipolis.act.notices.services import send_waiting

    report, queued, simulated, real, alone, told = Report("notices"), [], [], [], [], []
    for run in range(runs):
        ids = people(count, simulated=True, start=run * 1_000_000)
        queued.append(count / queue(ids, f"sim{run}"))
        begun = time.perf_counter()
        send_waiting(NOW)
        simulated.append(count / (time.perf_counter() - begun))
        assert not Notice.objects.filter(about_id=f"sim{run}", state__in=("waiting", "sending")).filter(tries=0).exists()
        number, seconds = reports(f"sim{run}")
        told.append(number / seconds)
        ids = people(count, simulated=False, start=run * 1_000_000 + 500_000)
        queue(ids, f"real{run}")
        begun = time.perf_counter()
        send_waiting(NOW)
        real.append(count / (time.perf_counter() - begun))
        assert finished(f"real{run}")
        alone.append(count / bare(port, count))
    report.row("messages queued", queued, unit="messages/s")
    report.row("messages to the simulated provider", simulated, unit="messages/s")
    report.row("messages to an HTTP provider", real, alone, unit="messages/s", peer_name="the same requests without an outbox")
    report.row("signed reports taken", told, unit="reports/s")
    kills, lost, doubled = killed(people(count, simulated=False, start=90_000_000), path, "killed", max(count // 8, 50))
    report.row("kill -9 of the worker", [kills], unit="times")
    report.row("messages lost", [lost], unit="messages")
    report.row("messages doubled", [doubled], unit="messages")
    return report


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--quick", action="store_true")
    told.add_argument("--runs", type=int, default=3)
    given = told.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="epipolis-notices-"))
    path = folder / "taken"
    path.touch()
    provider = subprocess.Popen([sys.executable, str(PROVIDER), str(path)], stdout=subprocess.PIPE)
    assert provider.stdout
    port = int(provider.stdout.readline())
    more = {"URL": f"http://127.0.0.1:{port}/send"}
    os.environ |= {f"EPIPOLIS_NOTICES_SMS_{name}": value for name, value in more.items()}
    os.environ |= {"EPIPOLIS_NOTICES_LINES": str(LINES), "EPIPOLIS_NOTICES_ROUND_SECONDS": "3600"}
    try:
        with own_platform():
            report = measure(port, path, 1_000 if given.quick else 10_000, 1 if given.quick else given.runs)
            if not given.quick:
                report.save()
            else:
                for row in report.rows:
                    print(f"{row['what']}: {row['ours']:.0f} {row['unit']}")
    finally:
        provider.kill()
        provider.wait()
        path.unlink()
        folder.rmdir()


if __name__ == "__main__":
    main()
