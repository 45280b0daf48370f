"""Keepers: threads that put back what dies beside the web process: its worker, its listener, its embedded database."""

import logging
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from subprocess import Popen

import psycopg

from epipolis.core import database

log = logging.getLogger(__name__)
_EVERY, _LONGEST_PAUSE, _GRACE = 1.0, 30.0, 10.0  # seconds


class Keeper(ABC):
    """A thread that looks every second, until it is told to stop."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            self.look()

    @abstractmethod
    def look(self) -> None:
        """See whether what is kept is alive, and put it back where it is not."""


class ChildKeeper(Keeper):
    """Runs a command as this process's own child (`worker`, `mllp`); it ends with this process, however that ends."""

    def __init__(self, *command: str) -> None:
        super().__init__()
        self._command = command
        self._child: Popen[bytes] | None = None
        self._pause = self._waited = 0.0

    def start(self) -> None:
        self._start_child()
        super().start()

    def stop(self) -> None:
        super().stop()
        if self._child and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def look(self) -> None:
        if self._child and self._child.poll() is None:
            self._pause = 0.0 if self._waited > _LONGEST_PAUSE else self._pause
            self._waited += _EVERY
            return
        if self._waited < self._pause:
            self._waited += _EVERY
            return
        log.warning("the %s ended and is started again", self._command[0])
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause + _EVERY)
        self._start_child()

    def _start_child(self) -> None:
        self._waited = 0.0
        self._child = Popen([sys.executable, "-m", "epipolis.server", *self._command, "--with-parent"])  # noqa: S603 -- our own


class DatabaseKeeper(Keeper):
    """Starts the embedded database again when it died; two failed looks in a row count as dead."""

    def __init__(self) -> None:
        super().__init__()
        self._failures = 0

    def look(self) -> None:
        try:
            psycopg.connect(database.uri(), connect_timeout=2).close()
            self._failures = 0
        except psycopg.OperationalError:
            self._failures += 1
            if self._failures >= 2:
                self._revive()

    def _revive(self) -> None:
        log.warning("the database does not answer and is started again")
        try:
            database.revive()
        except (OSError, subprocess.SubprocessError, AssertionError) as error:  # its old processes still end: next second
            log.warning("the database did not start: %s", type(error).__name__)
