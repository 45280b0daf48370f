"""Two real offices: each its own home, database, key, web server and worker; and a road between them that can be cut."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.installations import copy_database
from tests.server.running import _free_port, wait_until

CONSOLE = """
import django; django.setup()
import json, sys, traceback
from datetime import UTC, datetime
from uuid import UUID
names = {"UUID": UUID, "now": lambda: datetime.now(UTC)}
from epipolis.core import access
from epipolis.act.transfers import queries, services
from epipolis.sense.cases import queries as case_queries, services as cases
from epipolis.sense.people import services as people, queries as people_queries
names |= {"queries": queries, "services": services, "cases": cases, "case_queries": case_queries, "people": people}
names |= {"access": access, "people_queries": people_queries}
for line in sys.stdin:
    try:
        exec(json.loads(line), names)
        told = {"value": names.pop("answer", None)}
    except Exception:
        told = {"error": traceback.format_exc()}
    print(json.dumps(told, default=str), flush=True)
"""


class Office:
    """One office: `tell` runs a few lines in it, `ask` calls its API with a token."""

    def __init__(self, home: Path, name: str, fresh: Path) -> None:
        self.home, self.name, self.port = home, name, _free_port()
        self.server: subprocess.Popen | None = None
        copy_database(fresh, home)

    def open(self) -> None:
        self.console = subprocess.Popen(
            [sys.executable, "-c", CONSOLE], env=self.env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        scopes = ["transfers.view", "transfers.send", "transfers.decide"]
        self.token = self.tell(f"answer = access.issue_token('desk', {scopes}, by=None, at=now())[1]")
        self.key = self.tell("answer = queries.own_public_key()")

    def env(self) -> dict[str, str]:
        return os.environ | {
            "EPIPOLIS_HOME": str(self.home),
            "EPIPOLIS_CITY": self.name,
            "EPIPOLIS_TRANSFERS_HOLD_SECONDS": "0",
            "EPIPOLIS_TRANSFERS_FIRST_WAIT_SECONDS": "1",
            "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
            "PYTHONWARNINGS": "ignore",
        }

    def start(self) -> None:
        command = [sys.executable, "-m", "epipolis.server", "serve", "--port", str(self.port)]
        self.server = subprocess.Popen(command, env=self.env(), start_new_session=True)
        wait_until(self.is_up, 120)

    def is_up(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """The web server and its worker at once, as a power cut does."""
        assert self.server
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()

    def close(self) -> None:
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(60)
        self.console.stdin.close()
        self.console.wait(60)
        self.console.stdout.close()

    def tell(self, code: str):
        self.console.stdin.write(json.dumps(code) + "\n")
        self.console.stdin.flush()
        told = json.loads(self.console.stdout.readline())
        assert "error" not in told, told["error"]
        return told["value"]

    def ask(self, method: str, path: str, body=None):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as own:
            own.request(method, f"/api/v1/transfers{path}", json.dumps(body) if body is not None else None, headers)
            told = json.load(own.getresponse())
        assert "code" not in told, told
        return told

    def knows(self, other: "Office", port: int, **may: bool) -> int:
        """Add the other office and compare its key."""
        return self.tell(
            f"made = services.add_partner({other.name!r}, 'http://127.0.0.1:{port}', {other.key!r},"
            f" may={may}, by='test', at=now())\n"
            f"services.compare_key(made.id, queries.spoken({other.key!r}), by='test', at=now())\n"
            "answer = made.id"
        )


class Road:
    """Passes connections on to a port. `cut` is called with the other side's answer in hand, before it is passed back."""

    def __init__(self, port: int) -> None:
        self._to, self.cut = port, None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.passed = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(near,), daemon=True).start()

    def _pass(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._to)) as far:
            threading.Thread(target=_copy, args=(near, far), daemon=True).start()
            answer = far.recv(1 << 20)
            if self.cut and answer:
                cut, self.cut = self.cut, None
                cut()
                return
            self.passed += 1
            near.sendall(answer)
            _copy(far, near)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(65_536):
            target.sendall(part)
    except OSError:
        pass
