"""Check-ins over the fast road: single requests and bulk, beside the same endpoint in Django and a bare insert.

Server, worker, database and load generator share this machine. The load generator is `wrk` where it is installed, else
a small asyncio client (which takes more of the processors itself); the results say which.
"""

import asyncio
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from _report import Report

RUNS, SECONDS, PLACES = 3, 6, 20_000
CONNECTIONS, VIEW_CONNECTIONS, INSERTERS = 64, 32, 4
BULK_ROWS, BULK_REQUESTS, BULK_SENDERS = 50_000, 8, 2
PATH = "/api/v1/checkins/visits"
SEED = f"""
import django; django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
call_command("migrate", verbosity=0, interactive=False)
from epipolis.core import access, database
from epipolis.core.imports import ImportReport
from epipolis.sense.city import services
now = datetime.now(UTC)
rows = ((n + 2, {{"code": f"P{{n}}", "name": f"Place {{n}}", "kind": "shop"}}) for n in range({PLACES}))
services.load_places(rows, by="benchmark", at=now, report=ImportReport(), simulated=True)
print("TOKEN", access.issue_token("benchmark", ["checkins.record"], by=None, at=now)[1])
"""
WRK = """
local salt, n = %d, 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, string.format(
    '{"visitor":"%%08x-0000-4000-8000-%%012x","place":"P%%d","arrived":"%%s"}', salt, n, n %% %d,
    os.date("!%%Y-%%m-%%dT%%H:%%M:%%SZ")))
end
"""


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # its servers end with it
    report = Report("checkins")
    with tempfile.TemporaryDirectory(prefix="epipolis-bench-") as folder:
        home = Path(folder)
        told = subprocess.run([sys.executable, "-c", SEED], env=_env(home), check=True, capture_output=True, text=True)
        token = told.stdout.split("TOKEN ")[1].strip()
        generator = "wrk" if shutil.which("wrk") else "asyncio client"
        with _server(home, "-m", "epipolis.server", "serve", "--port", "{port}") as port:
            single = [_single(port, token, CONNECTIONS, home) for _ in range(RUNS)]
            bulk = [_bulk(port, token) for _ in range(RUNS)]
            bare, copied = [_bare(home) for _ in range(RUNS)], [_copy(home) for _ in range(RUNS)]
        view = ("-m", "uvicorn", "epipolis.server.asgi:pages", "--port", "{port}", "--log-level", "error", "--lifespan", "off")
        with _server(home, *view) as port:
            plain = [_single(port, token, VIEW_CONNECTIONS, home) for _ in range(RUNS)]
    rates, slow = [rate for rate, _ in single], [late for _, late in single]
    what = f"single check-in, {CONNECTIONS} connections, by {generator}"
    report.row(what, ours=rates, peer=[rate for rate, _ in plain], unit="requests/s", peer_name="ordinary Django view")
    report.row(f"{what}, p99", ours=slow, peer=[late for _, late in plain], unit="ms", peer_name="ordinary Django view")
    report.row("single check-in against rows alone", ours=rates, peer=bare, unit="rows/s", peer_name="bare psycopg INSERT")
    report.row(f"bulk of {BULK_ROWS:,} rows", ours=bulk, peer=copied, unit="rows/s", peer_name="bare psycopg COPY")
    report.save()


def _env(home: Path) -> dict[str, str]:
    return os.environ | {
        "EPIPOLIS_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
        "PYTHONWARNINGS": "ignore",
        "EPIPOLIS_LOG": "ERROR",  # the load generator cuts its last requests short
    }


@contextmanager
def _server(home: Path, *command: str) -> Iterator[int]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    keeper = subprocess.Popen(
        [sys.executable, "-c", "import django; django.setup(); input()"], env=_env(home), stdin=subprocess.PIPE
    )
    process = subprocess.Popen(
        [sys.executable, *(word.format(port=port) for word in command)],
        env=_env(home),
        stderr=subprocess.DEVNULL,  # wrk cuts its last requests short, and Django tells of each
    )
    try:
        _wait(lambda: _answers(port))
        time.sleep(4)  # the worker beside it starts
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        keeper.communicate(b"\n")


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/health/")
        return connection.getresponse().status == 200
    except OSError:
        return False


def _wait(is_so: Callable[[], bool]) -> None:
    for _ in range(300):
        if is_so():
            return
        time.sleep(0.2)
    raise TimeoutError("the server does not answer")


def _single(port: int, token: str, connections: int, home: Path) -> tuple[float, float]:
    """Requests a second, and the 99th percentile of the time to an answer in milliseconds."""
    if not shutil.which("wrk"):
        return asyncio.run(_drive(port, token, connections))
    script = home / "post.lua"
    script.write_text(WRK % (uuid4().int >> 100, token, PLACES))
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{SECONDS}s",
        "--latency",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}{PATH}",
    ]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    late, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", out).groups()
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    return rate, float(late) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


async def _drive(port: int, token: str, connections: int) -> tuple[float, float]:
    times: list[float] = []
    end = time.perf_counter() + SECONDS

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            body = json.dumps(_row())
            start = time.perf_counter()
            head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", answer.lower())[1]))
            if not answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 200")):
                raise RuntimeError(answer)
            times.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return len(times) / SECONDS, statistics.quantiles(times, n=100)[98] * 1000


def _row() -> dict[str, str]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"visitor": str(uuid4()), "place": f"P{uuid4().int % PLACES}", "arrived": moment}


def _bulk(port: int, token: str) -> float:
    """Rows a second over all senders, each answered when its rows are committed."""
    now = time.time()
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 3600))
    left = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 600))
    bodies = [
        "\n".join(json.dumps(_row() | {"arrived": moment, "left": left}) for _ in range(BULK_ROWS)).encode()
        for _ in range(BULK_REQUESTS)
    ]
    waiting = list(bodies)

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        while waiting:
            connection.request("POST", f"{PATH}:bulk", waiting.pop(), headers)
            report = json.loads(connection.getresponse().read())
            if report.get("accepted") != BULK_ROWS:
                raise RuntimeError(str(report)[:500])

    return _time(send, BULK_SENDERS, BULK_ROWS * BULK_REQUESTS)


def _time(work: Callable[[], None], threads: int, rows: int) -> float:
    all_of_them = [threading.Thread(target=work) for _ in range(threads)]
    start = time.perf_counter()
    for thread in all_of_them:
        thread.start()
    for thread in all_of_them:
        thread.join()
    return rows / (time.perf_counter() - start)


def _database(home: Path) -> psycopg.Connection:
    folder = (home / "database" / "postmaster.pid").read_text().splitlines()[4]
    return psycopg.connect(host=folder, user="postgres", dbname="postgres", autocommit=True)


_MAKE = "CREATE TABLE IF NOT EXISTS bare (LIKE checkins_visit INCLUDING ALL)"
_VALUES = "now(), 1, now() + interval '1 hour', true, true, 0, 2, now(), true"


def _bare(home: Path) -> float:
    """Rows a second of single committed inserts by several connections, without any web server or check."""
    with _database(home) as database:
        database.execute(_MAKE)
    done: list[int] = []

    def insert() -> None:
        count, end = 0, time.perf_counter() + SECONDS
        with _database(home) as database:
            while time.perf_counter() < end:
                database.execute(f"INSERT INTO bare VALUES (%s, {_VALUES})", [uuid4()])
                count += 1
        done.append(count)

    _time(insert, INSERTERS, 1)
    return sum(done) / SECONDS


def _copy(home: Path) -> float:
    """Rows a second of a COPY of ready rows, without any web server or check."""
    line = "\t".join(
        ["2026-05-04 12:00:00+00", "1", "2026-05-04 13:00:00+00", "f", "t", "0", "2", "2026-05-04 12:00:00+00", "t"]
    )
    batches = ["".join(f"{uuid4()}\t{line}\n" for _ in range(BULK_ROWS)) for _ in range(BULK_REQUESTS)]

    def copy() -> None:
        with _database(home) as database:
            while batches:
                with database.cursor().copy("COPY bare FROM STDIN") as out:
                    out.write(batches.pop())

    return _time(copy, 1, BULK_ROWS * BULK_REQUESTS)


if __name__ == "__main__":
    main()
