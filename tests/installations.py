"""An installation with empty tables, made once in a run of the suite and copied by every test that needs one of its own."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def make_fresh(folder: Path) -> Path:
    """The home to copy, made by whichever process of the run asks first: `epipolis migrate` takes longer than most tests."""
    home = folder / "fresh-home"
    with (folder / "fresh-home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "fresh-home.made").exists():
            home.mkdir(exist_ok=True)
            env = os.environ | {
                "EPIPOLIS_HOME": str(home),
                "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
                "PYTHONPATH": str(ROOT / "src"),
            }
            command = [sys.executable, "-W", "ignore", "-m", "epipolis.server", "migrate"]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
            assert done.returncode == 0, done.stderr[-3000:]
            (folder / "fresh-home.made").touch()
    return home


def copy_database(fresh: Path, home: Path) -> None:
    """Give a home the empty tables, but no key: each installation makes its own."""
    subprocess.run(["cp", "-a", str(fresh / "database"), str(home)], check=True)  # with owners, which the database minds
