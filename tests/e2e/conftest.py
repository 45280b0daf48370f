"""A real platform on loopback, with its own database and worker, and a real browser that forgives nothing."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.installations import copy_database

from .town import town  # noqa: F401 -- a fixture

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_SESSION = """
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from epipolis.core.access import SECOND_FACTOR
from epipolis.core.models import User

user, _ = User.objects.get_or_create(username=ARGUMENTS["name"])
user.groups.set(Group.objects.filter(name__in=ARGUMENTS["roles"]))
session = SessionStore()
session[SESSION_KEY], session[SECOND_FACTOR] = str(user.pk), True
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
ANSWER = session.session_key
"""


class Platform:
    """A running server: its address, and Python run beside it against the same database."""

    def __init__(self, home: Path, address: str, environment: dict[str, str]) -> None:
        self.home, self.address, self.environment = home, address, environment
        self._sessions: dict[tuple[str, ...], str] = {}

    def run(self, code: str, **arguments: Any) -> Any:
        """Run Python with Django set up; `ARGUMENTS` goes in and `ANSWER` comes back, both as JSON."""
        frame = (
            "import json, sys, django\ndjango.setup()\n"
            f"ARGUMENTS, ANSWER = json.loads(sys.argv[1]), None\n{code}\nprint('ANSWER' + json.dumps(ANSWER))"
        )
        command = [sys.executable, "-W", "ignore", "-c", frame, json.dumps(arguments)]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.rpartition("ANSWER")[2])

    def session(self, *roles: str, name: str = "") -> str:
        """A signed-in session with its second factor, made once where the password would be too slow to type."""
        who = (name, *roles)
        if who not in self._sessions:
            self._sessions[who] = self.run(_SESSION, roles=roles, name=name or "-".join(roles))
        return self._sessions[who]


@pytest.fixture(scope="session")
def platform(fresh_home: Path) -> Iterator[Platform]:
    """The platform as `epipolis serve` starts it, worker included, in a folder of its own."""
    home = Path(tempfile.mkdtemp(prefix="epipolis-e2e-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    drop = {"EPIPOLIS_DATABASE_URL", "EPIPOLIS_DEMO", "EPIPOLIS_WITHOUT"}
    environment = {key: value for key, value in os.environ.items() if key not in drop} | {
        "EPIPOLIS_HOME": str(home),
        "EPIPOLIS_ADDRESS": address,
        "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
        "PYTHONPATH": str(ROOT / "src"),
    }
    command = [sys.executable, "-W", "ignore", "-c", "from epipolis.server.cli import main; main()"]
    copy_database(fresh_home, home)
    log = (home / "serve.log").open("w")
    server = subprocess.Popen([*command, "serve", "--port", str(port)], env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        _wait(f"{address}/health/", server, home / "serve.log")
        yield Platform(home, address, environment)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, log.read_text()[-3000:]
        try:
            with urlopen(url, timeout=5) as answer:  # noqa: S310 -- a loopback address made above
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the server did not answer: {log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium. Not for the whole session: its event loop would disturb the database in other tests."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any, platform: Platform) -> Iterator[Callable[..., Any]]:
    """Open a page as somebody: `visit("/", "tracer")`. At the end no page may have had an error.

    An error is an exception, a message on the console or a breach of the content security policy. A test that provokes
    one clears `page.context.problems`.
    """
    contexts: list[Any] = []

    def open_page(path: str, *roles: str, name: str = "", width: int = 1280, height: int = 800, **options: Any) -> Any:
        context = browser.new_context(base_url=platform.address, viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        context.problems = SimpleNamespace(found=[])
        if roles:
            cookie = {"name": "sessionid", "value": platform.session(*roles, name=name), "url": platform.address}
            context.add_cookies([cookie])
        page = context.new_page()
        page.on("pageerror", lambda error: context.problems.found.append(f"exception: {error}"))
        page.on("console", lambda line: _note(line, context.problems.found))
        page.goto(path)
        return page

    yield open_page
    found = [problem for context in contexts for problem in context.problems.found]
    for context in contexts:
        context.close()
    assert found == []


def _note(line: Any, found: list[str]) -> None:
    """Keep an error of the console; that a page without an icon has none is no error."""
    if line.type == "error" and not line.location["url"].endswith("/favicon.ico"):
        found.append(f"console: {line.text} {line.location['url']}")
