"""`epipolis backup` and `epipolis restore`: everything a new machine needs, in one file."""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from epipolis.server.commands.platform import set_up

AsJson = Annotated[bool, typer.Option("--json", help="Print for programs.")]


def backup(
    path: Annotated[Path, typer.Argument(help="The file to write, for example city.epipolis.")],
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Leave the keys out; keep them elsewhere, or names cannot be read.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the database, the keys and a list of row counts to one file, readable by its owner only."""
    set_up()
    from epipolis.core import audit, clock, database  # noqa: PLC0415 -- Django must be set up first

    audit.record("backup", by="command line", at=clock.now(), subject=path.name)
    audit.seal()
    with tempfile.TemporaryDirectory(dir=path.resolve().parent) as folder:
        dump = Path(folder) / "database.dump"
        with _snapshot() as snapshot:  # the counts and the dump see the same moment, whatever is written meanwhile
            rows = row_counts()
            arguments = ["--format=custom", "--compress=1", "--no-owner", f"--snapshot={snapshot}"]
            _run("pg_dump", *arguments, "--file", str(dump))
        about = {"version": version("epipolis"), "made": datetime.now(UTC).isoformat(), "rows": rows}
        (Path(folder) / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
        if not without_keys:
            shutil.copytree(database.home() / "keys", Path(folder) / "keys")
        draft = Path(folder) / "whole.tar"
        with tarfile.open(draft, "w") as tar:
            for item in sorted(Path(folder).iterdir()):
                if item != draft:
                    tar.add(item, item.name)
        draft.chmod(0o600)
        draft.replace(path)
    _say({"file": str(path), "bytes": path.stat().st_size, "rows": sum(rows.values())}, as_json)


def restore(
    path: Annotated[Path, typer.Argument(help="A file that `epipolis backup` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Bring a backup onto an empty installation, and prove it: same counts, audit chain whole."""
    if not tarfile.is_tarfile(path):
        raise ValueError(f"{path} is not a backup of epipolis")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="data")
        about = json.loads((Path(folder) / "about.json").read_text(encoding="utf-8"))
        _put_keys(Path(folder) / "keys")
        set_up(migrated=False)
        _refuse_unless_empty()
        _run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", str(Path(folder) / "database.dump"))
    set_up()
    from epipolis.core import audit  # noqa: PLC0415 -- Django must be set up first

    counts = row_counts()
    missing = {table: (want, counts.get(table, 0)) for table, want in about["rows"].items() if counts.get(table, 0) < want}
    broken = audit.broken_link()
    if missing or broken is not None:
        raise ValueError(f"the restored data is not whole: missing rows {missing}, audit chain broken at {broken}")
    _say({"rows": sum(counts.values()), "tables": len(counts), "audit_chain": "whole"}, as_json)


@contextmanager
def _snapshot() -> Iterator[str]:
    """A transaction that sees one moment, and the name under which another connection sees the same."""
    from django.db import connection, transaction  # noqa: PLC0415 -- Django must be set up first

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def row_counts() -> dict[str, int]:
    """Rows in each of the platform's tables."""
    from django.apps import apps  # noqa: PLC0415 -- Django must be set up first
    from django.db import connection  # noqa: PLC0415 -- Django must be set up first

    tables = sorted({model._meta.db_table for model in apps.get_models() if model._meta.managed})
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in tables))  # noqa: S608 -- table names come from the models
        return dict(cursor.fetchall())


def _put_keys(folder: Path) -> None:
    from epipolis.core import database  # noqa: PLC0415 -- the command line starts without the platform

    if not folder.is_dir():
        return
    target = database.home() / "keys"
    for item in folder.iterdir():
        there = target / item.name
        if there.exists() and there.read_bytes() != item.read_bytes():
            raise ValueError(f"{there} is another key: restore onto an empty installation")
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(item, there)
        there.chmod(0o600)


def _refuse_unless_empty() -> None:
    from django.db import connection  # noqa: PLC0415 -- Django must be set up first

    if tables := connection.introspection.table_names():
        raise ValueError(f"this database already holds {len(tables)} tables: restore onto an empty installation")


def _run(tool: str, *arguments: str) -> None:
    from django.conf import settings  # noqa: PLC0415 -- Django must be set up first

    from epipolis.core import database  # noqa: PLC0415 -- Django must be set up first

    found = settings.DATABASES["default"]
    folder = database.binaries()
    program = str(folder / tool) if folder else shutil.which(tool)
    if program is None:
        raise ValueError(f"{tool} is not on this machine; it comes with PostgreSQL")
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    where = {key: str(found[name]) for key, name in names.items() if found[name]}
    target = ("--dbname", str(found["NAME"])) if tool == "pg_restore" else ()
    done = subprocess.run([program, *target, *arguments], env=os.environ | where, capture_output=True, text=True, check=False)  # noqa: S603 -- a fixed program with own arguments
    if done.returncode:
        raise ValueError(f"{tool} failed: {done.stderr.strip()[-500:]}")


def _say(result: dict[str, Any], as_json: bool) -> None:
    print(json.dumps(result) if as_json else "\n".join(f"{key}: {value}" for key, value in result.items()))
