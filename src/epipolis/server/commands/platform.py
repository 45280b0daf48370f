"""Setting the platform up for a command, and showing how far its steps are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from epipolis.core import database


def set_up(*, migrated: bool = True) -> None:
    """Make Django ready, and the database's tables too unless the command says otherwise."""
    django.setup()
    if migrated:
        from django.core.management import call_command  # noqa: PLC0415 -- Django must be set up first
        from django.db import connection  # noqa: PLC0415 -- Django must be set up first
        from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415 -- Django must be set up first

        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            if not database.is_embedded():
                raise ValueError("the database is older than this version; run `epipolis migrate` first")
            call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def steps_shown(*, quiet: bool = False) -> Iterator[Callable[[str], Any]]:
    """A bar on the error stream for each step of a long piece of work: `steps(title)` gives its progress."""
    from epipolis.core.work import Progress as Steps  # noqa: PLC0415 -- Django must be set up first

    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as shown:

        def steps(title: str) -> Steps:
            row = shown.add_task(title, total=None)
            return Steps(lambda done, total, note: shown.update(row, completed=done, total=total or 1))

        yield steps
