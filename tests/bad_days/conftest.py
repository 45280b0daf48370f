"""Installations of their own to be treated badly: real processes, killed without warning, on a database of their own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.installations import copy_database

ROOT = Path(__file__).parents[2]
_EPIPOLIS = (sys.executable, "-W", "ignore", "-m", "epipolis.server")
_HOLD = "import sys; from epipolis.core import database; print(database.start(), flush=True); sys.stdin.read()"
_WORK = "SELECT task_name, status::text, args::text FROM procrastinate_jobs ORDER BY id DESC LIMIT 20"
_DROPPED = {"EPIPOLIS_DATABASE_URL", "EPIPOLIS_DEMO", "EPIPOLIS_WITHOUT", "EPIPOLIS_ADDRESS", "PYTEST_CURRENT_TEST"}


class Installation:
    """One EPIPOLIS_HOME and the processes that a test started on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {key: value for key, value in os.environ.items() if key not in _DROPPED}
        self.environment = kept | {
            "EPIPOLIS_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
            "PYTHONPATH": str(ROOT / "src"),
        }
        self.address = ""
        self._uri = ""
        self._started: list[subprocess.Popen[str]] = []

    def epipolis(self, *words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command to its end, as an operator types it."""
        command = [*_EPIPOLIS, *map(str, words)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0 or not check, done.stderr[-3000:]
        return done

    def start(self, *words: object) -> "subprocess.Popen[str]":
        """Start a command and leave it running; the test may kill it, and the fixture does at the end."""
        with (self.home / "log.txt").open("a") as log:
            process = subprocess.Popen(
                [*_EPIPOLIS, *map(str, words)], env=self.environment, stdout=log, stderr=log, text=True, start_new_session=True
            )
        self._started.append(process)
        return process

    def run_beside(self, code: str, **arguments: Any) -> "subprocess.Popen[str]":
        """Start Python with the platform set up and leave it running."""
        with (self.home / "log.txt").open("a") as log:
            process = subprocess.Popen(_python(code, arguments), env=self.environment, stdout=log, stderr=log, text=True)
        self._started.append(process)
        return process

    def serve(self) -> "subprocess.Popen[str]":
        """Start the platform with its worker and wait until it is well; `address` says where."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        process = self.start("serve", "--port", port)
        self.until(lambda: self.get("/health/")[0] == 200, "the server answers")
        return process

    def get(self, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Status and text of one request; 0 where nobody answered. A body makes it a POST of JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, {"content-type": "application/json", **headers})  # noqa: S310 -- loopback
        try:
            with urlopen(request, timeout=20) as answer:  # noqa: S310 -- as above
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (URLError, OSError):
            return 0, ""

    def python(self, code: str, **arguments: Any) -> Any:
        """Run Python with the platform set up; `ARGUMENTS` goes in and `ANSWER` comes back, both as JSON."""
        command = _python(code, arguments)
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.rpartition("ANSWER")[2])

    def hold(self) -> None:
        """Keep the database running while commands come and go."""
        holder = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _HOLD],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout
        self._uri = holder.stdout.readline().strip()
        self._started.insert(0, holder)

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection of the test's own."""
        self._uri = self._uri or self.python("from epipolis.core import database\nANSWER = database.uri()")
        return psycopg.connect(self._uri, autocommit=True, connect_timeout=5)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a query finds."""
        with self.connect() as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[call-overload]  # -- queries of the tests

    def count(self, table: str, where: str = "true") -> int:
        return int(self.ask(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])  # noqa: S608 -- names from the tests

    def until(self, claim: Callable[[], Any], what: str, *, seconds: float = 90, every: float = 0.1) -> None:
        """Wait until something is so; a generous end, for these machines may be slow."""
        end = time.monotonic() + seconds
        while not claim():
            log = self.home / "log.txt"
            assert time.monotonic() < end, (
                f"not so in time: {what}\n{self.ask(_WORK)}\n{log.read_text()[-3000:] if log.exists() else ''}"
            )
            time.sleep(every)

    def postmaster(self) -> int:
        """The process id of the embedded database."""
        return int((self.home / "database" / "postmaster.pid").read_text().split()[0])

    def close(self) -> None:
        for process in reversed(self._started):
            if process.stdin:
                process.stdin.close()
            if process.stdout:
                process.stdout.close()
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        pid = self.home / "database" / "postmaster.pid"
        if pid.exists():  # everybody who would have stopped it was killed
            os.kill(self.postmaster(), signal.SIGQUIT)
            self.until(lambda: not pid.exists(), "the database stopped")


def _python(code: str, arguments: dict[str, Any]) -> list[str]:
    frame = (
        "import json, sys, django\ndjango.setup()\n"
        f"ARGUMENTS, ANSWER = json.loads(sys.argv[1]), None\n{code}\nprint('ANSWER' + json.dumps(ANSWER))"
    )
    return [sys.executable, "-W", "ignore", "-c", frame, json.dumps(arguments)]


def kill(process: "subprocess.Popen[str]") -> None:
    """End a process as a power cut does."""
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def installations(fresh_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Installation]]:
    """Make an installation: with empty tables, or with none at all."""
    made: list[Installation] = []

    def make(*, is_bare: bool = False) -> Installation:
        home = tmp_path_factory.mktemp("city")
        if not is_bare:
            copy_database(fresh_home, home)
        made.append(Installation(home))
        return made[-1]

    yield make
    for one in made:
        one.close()
        shutil.rmtree(one.home, ignore_errors=True)


@pytest.fixture
def city(installations: Callable[..., Installation]) -> Iterator[Installation]:
    """An installation with empty tables and its database running."""
    found = installations()
    found.hold()
    yield found
    found.close()
