"""A platform of its own in real processes, for tests that kill them."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from tests.installations import copy_database

SEED = """
import django; django.setup()
from datetime import UTC, datetime
from epipolis.core import access
from epipolis.sense.city import services
now = datetime.now(UTC)
services.add_place("cafe", "Cafe", "cafe", by="test", at=now)
print("TOKEN", access.issue_token("kiosk", ["checkins.record"], by=None, at=now)[1])
"""
EARLY = """
import django; django.setup()
from epipolis.core import intake
from epipolis.server import road


class EarlyLane(intake.Lane):
    def put(self, item, sender):
        super().put(item, sender)
        done = self._loop.create_future()
        done.set_result(intake.STORED)
        return done


road.Lane = EarlyLane
from epipolis.server.asgi import application
import uvicorn
uvicorn.run(application, port=%d, log_level="error", loop="uvloop", http="httptools")
"""


class Running:
    """A home, a server on a free port, and clients that remember what was acknowledged."""

    def __init__(self, home: Path, fresh: Path) -> None:
        self.home, self.port = home, _free_port()
        copy_database(fresh, home)
        self.process: subprocess.Popen[bytes] | None = None
        self.acknowledged: set[UUID] = set()
        self.statuses: dict[int, int] = {}
        told = subprocess.run([sys.executable, "-c", SEED], env=self.env(), check=True, capture_output=True, text=True)
        self.token = told.stdout.split("TOKEN ")[1].strip()

    def env(self) -> dict[str, str]:
        return os.environ | {
            "EPIPOLIS_HOME": str(self.home),
            "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
            "PYTHONWARNINGS": "ignore",
        }

    def start(self, *, early: bool = False) -> None:
        serve = ["-m", "epipolis.server", "serve", "--port", str(self.port), "--no-with-worker"]
        command = ["-c", EARLY % self.port] if early else serve
        self.process = subprocess.Popen([sys.executable, *command], env=self.env())
        wait_until(lambda: self.send() == 201, 120)

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def postmaster(self) -> tuple[int, str]:
        lines = (self.home / "database" / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), lines[4]

    def sql(self, text: str) -> list[tuple]:
        with psycopg.connect(host=self.postmaster()[1], user="postgres", dbname="postgres", autocommit=True) as database:
            cursor = database.execute(text)
            return cursor.fetchall() if cursor.description else []

    def stored(self) -> set[UUID]:
        return {visitor for (visitor,) in self.sql("SELECT visitor FROM checkins_visit")}

    def send(self, connection: http.client.HTTPConnection | None = None) -> int:
        """Send one check-in; remember its visitor when the answer says that it is stored."""
        visitor, own = uuid4(), connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = json.dumps(
            {"visitor": str(visitor), "place": "cafe", "arrived": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        )
        try:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            own.request("POST", "/api/v1/checkins/visits", body, headers)
            answer = own.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            own.close()
            return 0
        finally:
            if connection is None:
                own.close()
        if answer.status == 201:
            self.acknowledged.add(visitor)
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        return answer.status

    def load(self, clients: int = 8) -> "Load":
        return Load(self, clients)


class Load:
    """Clients that send as fast as they get answers, until they are told to stop."""

    def __init__(self, running: Running, clients: int) -> None:
        self._running, self._is_over = running, threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._running.port, timeout=10)
        while not self._is_over.is_set():
            if self._running.send(connection) == 0:
                time.sleep(0.02)
        connection.close()


def wait_until(is_so, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
