"""Positions over HTTP to durable transitions: how many a second, sustained, and how soon an alarm stands on the desk.

    .venv/bin/python benchmarks/fence_intake.py [--quick]

Server, database and senders share this machine. Two senders post NDJSON of 25,000 rows each, one request after the other;
each is answered when its positions, transitions and alarms have committed. 50,000 people (`--people`) are watched,
a fix comes each minute of their time, one person in a hundred leaves. Then, while the senders go on, single people leave:
timed from the request that proves it until the live stream tells the desk, and until the desk's own page shows the alarm.
After that the server is killed and the whole stream is sent again: the transitions must be the same.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from _platform import own_platform
from _report import Report

SEED = 7
SENDERS, ROWS = 2, 25_000
HOME = (121.53, 25.02)


def seed(people: int, now: datetime) -> tuple[list[str], np.ndarray, str]:
    """Orders in force that are watched, each with a phone; their secrets and homes, and a sender's token."""
    from hashlib import sha256

    from epipolis.act.quarantine.models import Order, Phone, PhoneHolder, Watch
    from epipolis.act.quarantine.services.streaming import follower
    from epipolis.core import access
    from epipolis.core.sealing import seal
    from epipolis.sense.people.models import Person

    rng = np.random.default_rng(SEED)
    homes = np.column_stack([HOME[0] + rng.uniform(-0.1, 0.1, people), HOME[1] + rng.uniform(-0.1, 0.1, people)])
    secrets = [f"epf_benchmark_{n:07d}" for n in range(people)]
    persons = Person.objects.bulk_create([Person(known_at=now) for _ in range(people)], batch_size=5_000)
    today = now.date()
    facts: dict[str, Any] = {
        "disease": "COVID-19", "kind": "quarantine", "state": "issued", "starts": today - timedelta(days=2),
        "until": today + timedelta(days=9), "issued_at": now, "watched": True, "watched_since": now - timedelta(days=1),
        "watch_basis": "law", "watch_law": "benchmark", "watch_purpose": "benchmark", "known_at": now,
    }  # fmt: skip
    orders = Order.objects.bulk_create(
        [
            Order(person=person, spot=seal(f"{lon} {lat}"), **facts)
            for person, (lon, lat) in zip(persons, homes.tolist(), strict=True)
        ],
        batch_size=5_000,
    )
    Watch.objects.bulk_create([Watch(order=one, began=now) for one in orders], batch_size=5_000)
    phones = Phone.objects.bulk_create(
        [Phone(token_hash=sha256(one.encode()).hexdigest(), made=now, made_by="benchmark") for one in secrets], batch_size=5_000
    )
    held = [PhoneHolder(phone=phone, order=order, since=now) for phone, order in zip(phones, orders, strict=True)]
    PhoneHolder.objects.bulk_create(held, batch_size=5_000)
    starts, ends = int((now - timedelta(days=1)).timestamp()), int((now + timedelta(days=9)).timestamp())
    with follower.turn(now) as turn:
        for order, (lon, lat) in zip(orders, homes.tolist(), strict=True):
            facts = {"order": order.id, "lon": lon, "lat": lat, "radius": 100.0, "starts": starts, "ends": ends}
            turn.memory.fence(facts)
        turn.wants_checkpoint = True
    return secrets, homes, access.issue_token("network", ["quarantine.position"], by=None, at=now)[1]


def bodies(secrets: list[str], homes: np.ndarray, start: int, rounds: int) -> list[list[bytes]]:
    """For each round the requests of all people: a fix each minute; one in a hundred leaves in the middle."""
    rng, found = np.random.default_rng(SEED + 1), []
    for number in range(rounds):
        away = (np.arange(len(secrets)) % 100 == 0) & (number >= rounds // 2)
        place = homes + rng.normal(0, 1e-4, homes.shape) + np.where(away, 0.02, 0.0)[:, None]
        lines = [
            b'{"phone":"%s","time":%d,"lon":%.6f,"lat":%.6f,"accuracy":12.5,"battery":0.71,"source":"gps"}'
            % (one.encode(), start + 60 * number, lon, lat)
            for one, (lon, lat) in zip(secrets, place.tolist(), strict=True)
        ]
        found.append([b"\n".join(lines[at : at + ROWS]) for at in range(0, len(lines), ROWS)])
    return found


class Server:
    """`epipolis serve` in a process of its own."""

    def __init__(self) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "epipolis.server", "serve", "--port", str(self.port), "--no-with-worker"]
        self.process = subprocess.Popen(command, env=os.environ | {"PYTHONWARNINGS": "ignore"})
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("the server did not start")

    def end(self, how: int = signal.SIGTERM) -> None:
        assert self.process
        self.process.send_signal(how)
        self.process.wait(60)

    def post(self, body: bytes, token: str, path: str = "/api/v1/quarantine/positions:bulk") -> dict[str, Any]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        line.request("POST", path, body, headers)
        answer = line.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {told}")
        line.close()
        return told


def drive(server: Server, token: str, rounds: list[list[bytes]]) -> tuple[float, float, int]:
    """Send all rounds; positions a second, the slowest second-by-second share of it, and the transitions told."""
    told, lock, done = [0], threading.Lock(), []
    began = time.perf_counter()
    for requests in rounds:  # a round is over before the next begins: fixes of one person come in their order
        queue = list(requests)

        def work(queue: list[bytes] = queue) -> None:
            while True:
                with lock:
                    if not queue:
                        return
                    body = queue.pop()
                report = server.post(body, token)
                with lock:
                    told[0] += report["transitions"]
                    done.append((time.perf_counter() - began, report["accepted"] + report["repeated"] + report["older"]))

        threads = [threading.Thread(target=work) for _ in range(SENDERS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    took = time.perf_counter() - began
    rows = sum(n for _, n in done)
    slowest = min(sum(n for at, n in done if low <= at < low + 10) / 10 for low in range(0, max(1, int(took) - 10), 5))
    return rows / took, slowest if took > 15 else rows / took, told[0]


def worked(server: Server) -> float:
    """Seconds of processor time that the server and its database have used so far."""
    assert server.process
    postmaster = int((Path(os.environ["EPIPOLIS_HOME"]) / "database" / "postmaster.pid").read_text().splitlines()[0])
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            rest = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(folder.name) == server.process.pid or int(rest[1]) == postmaster:
            ticks += int(rest[11]) + int(rest[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def desk_waits(server: Server, token: str, secrets: list[str], homes: np.ndarray, first: int, times: int) -> list[float]:
    """Seconds from the request that proves an excursion until the live channel told it and the desk's query has it."""
    import psycopg

    from epipolis.act.quarantine.models import Alarm
    from epipolis.core.live import CHANNEL, _dsn

    found = []
    with psycopg.connect(_dsn(), autocommit=True) as line:
        line.execute(f"LISTEN {CHANNEL}")
        for n in range(times):
            who, known = first + 100 * n, Alarm.objects.filter(kind="left").count()
            start = int(datetime.now(UTC).timestamp()) - 600
            lon, lat = homes[who] + 0.02
            fixes = [
                {"phone": secrets[who], "time": start + 150 * k, "lon": lon, "lat": lat, "accuracy": 9, "source": "gps"}
                for k in range(4)
            ]
            began = time.perf_counter()
            server.post("\n".join(map(json.dumps, fixes)).encode(), token)
            for note in line.notifies(timeout=20):
                if '"fence"' in note.payload and Alarm.objects.filter(kind="left").count() > known:
                    break
            found.append(time.perf_counter() - began)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--people", type=int, default=50_000)
    given = parser.parse_args()
    quick = given.quick
    people, rounds, times = (5_000, 20, 3) if quick else (given.people, 80, 10)
    report = Report("fence_intake" + ("_quick" if quick else ""))
    with own_platform():
        from epipolis.act.quarantine.models import Alarm, Transition

        now = datetime.now(UTC)
        secrets, homes, token = seed(people, now)
        sent = bodies(secrets, homes, int(now.timestamp()) - 60 * rounds - 1_200, rounds)
        server = Server()
        server.start()
        for body in sent.pop(0):  # the server loads its kernel and everybody's state
            server.post(body, token)
        before_work = worked(server)
        rate, slowest, _told = drive(server, token, sent)
        work = worked(server) - before_work
        rows = people * len(sent)
        report.row(f"{rows:,} positions of {people:,} people, HTTP bulk to durable transitions", [rate], unit="positions/s")
        report.row("the same, for each second of processor time of server and database", [rows / work], unit="positions/s")
        report.row("the same, slowest ten seconds", [slowest], unit="positions/s")
        report.row("excursions that raised an alarm", [Alarm.objects.filter(kind="left").count()], unit=f"of {people // 100}")
        before = set(Transition.objects.values_list("order", "at", "before", "after", "reason"))
        server.end(signal.SIGKILL)
        server.start()
        began = time.perf_counter()
        again, _, _ = drive(server, token, sent[-max(2, rounds // 4) :])
        report.row("after kill -9, until the end of the stream was sent again", [time.perf_counter() - began], unit="s")
        report.row("the end of the stream again, nothing new", [again], unit="positions/s")
        changed = set(Transition.objects.values_list("order", "at", "before", "after", "reason")) ^ before
        report.row("transitions that differ after it", [len(changed)], unit="")
        waits = desk_waits(server, token, secrets, homes, 1, times)
        report.row("from the telling position to the alarm on the desk", waits, unit="s")
        busy = threading.Thread(target=drive, args=(server, token, sent[: max(4, rounds // 3)]))
        busy.start()
        waits = desk_waits(server, token, secrets, homes, 2, times)
        busy.join()
        report.row("the same while others send at full rate", waits, unit="s")
        server.end()
    report.save()


if __name__ == "__main__":
    main()
