"""A platform of a benchmark's own: an empty database in a temporary folder, removed at the end."""

import atexit
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_platform() -> Iterator[Path]:
    """Set Django up over an empty, migrated, embedded database; yields its EPIPOLIS_HOME."""
    warnings.simplefilter("ignore")
    home = Path(tempfile.mkdtemp(prefix="epipolis-bench-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # before the server's, so it runs when the server has ended
    os.environ |= {"EPIPOLIS_HOME": str(home), "DJANGO_SETTINGS_MODULE": "epipolis.server.settings"}
    os.environ.pop("EPIPOLIS_DATABASE_URL", None)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    (home / "static").mkdir(exist_ok=True)
    try:
        yield home
    finally:
        connections.close_all()
