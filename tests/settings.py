"""The platform's settings over a database and keys of the suite's own: it must never touch those of a city."""

import atexit
import os
import shutil
import tempfile

import psycopg

if "PYTEST_XDIST_WORKER" not in os.environ or "EPIPOLIS_TESTING" not in os.environ:
    os.environ["EPIPOLIS_TESTING"] = "1"
    os.environ["EPIPOLIS_HOME"] = tempfile.mkdtemp(prefix="epipolis-test-")
    atexit.register(shutil.rmtree, os.environ["EPIPOLIS_HOME"], ignore_errors=True)  # before the server's, so it runs after
    for name in ("EPIPOLIS_DATABASE_URL", "EPIPOLIS_DEMO", "EPIPOLIS_WITHOUT", "EPIPOLIS_ADDRESS"):
        os.environ.pop(name, None)
    from epipolis.core.database import uri

    with psycopg.connect(uri(), autocommit=True) as server:  # nothing of the suite's own database must outlive a power cut
        for name in ("fsync", "full_page_writes"):
            server.execute(f"ALTER SYSTEM SET {name} = off")
        server.execute("SELECT pg_reload_conf()")

from epipolis.server.settings import *  # noqa: F403 -- the suite's own database first

STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405 -- from the platform's settings
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True  # else each test client looks through thousands of static files
