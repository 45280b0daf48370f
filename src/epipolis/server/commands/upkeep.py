"""`epipolis migrate` and `epipolis doctor`: bringing the database up to date, and checking an installation."""

import json
import shutil
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from epipolis.server.commands.platform import set_up

Check = tuple[str, Callable[[], str]]


def migrate() -> None:
    """Bring the database's tables up to this version."""
    set_up(migrated=False)
    from django.core.management import call_command  # noqa: PLC0415 -- Django must be set up first

    call_command("migrate", verbosity=1, interactive=False)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print for programs.")] = False) -> None:
    """Check this installation; say what is wrong and how to mend it. Exit code 1 when something is."""
    results = []
    for name, check in _checks():
        try:
            results.append({"check": name, "ok": True, "says": check()})
        except Exception as error:
            results.append({"check": name, "ok": False, "says": str(error) or type(error).__name__})
    if as_json:
        print(json.dumps(results))
    else:
        for result in results:
            Console().print(f"{'[green]ok[/]   ' if result['ok'] else '[red]wrong[/]'} {result['check']}: {result['says']}")
    if not all(result["ok"] for result in results):
        raise typer.Exit(1)


def _checks() -> list[Check]:
    return [
        ("platform", _platform),
        ("tables", _tables),
        ("keys", _keys),
        ("page libraries", _page_libraries),
        ("disk", _disk),
        ("background work", _background),
        ("audit chain", _audit),
    ]


def _platform() -> str:
    set_up(migrated=False)
    from django.db import connection  # noqa: PLC0415 -- Django must be set up first

    from epipolis.core.modules import modules  # noqa: PLC0415 -- Django must be set up first

    return f"{len(modules())} modules, PostgreSQL {connection.pg_version // 10_000}"


def _tables() -> str:
    from django.db import connection  # noqa: PLC0415 -- Django must be set up first
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415 -- Django must be set up first

    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise ValueError(f"{len(plan)} changes are waiting: run `epipolis migrate`")
    return "up to date"


def _keys() -> str:
    from epipolis.core import sealing  # noqa: PLC0415 -- Django must be set up first
    from epipolis.core.models import SecretKeyCheck  # noqa: PLC0415 -- Django must be set up first

    check = SecretKeyCheck.objects.first()
    if check is None:
        SecretKeyCheck.objects.create(sealed=sealing.seal("epipolis"))
        return "noted which key this database belongs to"
    sealing.unseal(check.sealed)
    return "the key fits the database"


def _page_libraries() -> str:
    from django.conf import settings  # noqa: PLC0415 -- Django must be set up first

    if not settings.ICONS.is_dir():
        raise ValueError("node_modules is missing: run `make install`")
    return f"{len(settings.STATICFILES_DIRS)} in place"


def _disk() -> str:
    from epipolis.core import database  # noqa: PLC0415 -- Django must be set up first

    free = shutil.disk_usage(database.home()).free / 2**30
    if free < 2:
        raise ValueError(f"only {free:.1f} GiB are free where the database lives")
    return f"{free:.0f} GiB free"


def _background() -> str:
    from django.db import connection  # noqa: PLC0415 -- Django must be set up first

    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY 1")
        counts = dict(cursor.fetchall())
    if counts.get("failed"):
        raise ValueError(f"{counts['failed']} jobs have failed for good; see the playbook on failed jobs")
    return f"{counts.get('todo', 0)} waiting, {counts.get('doing', 0)} running"


def _audit() -> str:
    from epipolis.core import audit  # noqa: PLC0415 -- Django must be set up first

    audit.seal()
    if (broken := audit.broken_link()) is not None:
        raise ValueError(f"the chain is broken at entry {broken}: somebody changed the trail; see the playbook")
    return "whole"
