"""Every change of the tables is written down, and can be undone."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from epipolis.core.modules import packages

OURS = {"core", *packages()}


def test_the_tables_are_what_the_models_say(db):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_every_migration_of_ours_can_be_undone():
    loader = MigrationLoader(connection)

    stuck = [
        f"{label}.{name}: {operation}"
        for (label, name), migration in loader.disk_migrations.items()
        if label in OURS
        for operation in migration.operations
        if not operation.reversible
    ]

    assert stuck == []
