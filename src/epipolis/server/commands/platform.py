"""Setting the platform up for a command."""

import django

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
