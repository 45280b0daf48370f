"""The suite's own database between two tests that commit: emptied of what came, not torn down and built up again."""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations' ORDER BY tablename"
_SEEDS = "tests_seeds"


def keep_seeds() -> Callable[[], None]:
    """Keep the rows that stand in a new database (roles and what they may); the answer brings all tables back to these.

    Django's own way empties every table and makes the roles anew, and takes longer than most of the tests that it follows.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        tables = [f'"{name}"' for (name,) in cursor.fetchall()]
        seeded = _filled(cursor, tables)
        cursor.execute(f"CREATE SCHEMA {_SEEDS}")
        for table in seeded:
            cursor.execute(f"CREATE TABLE {_SEEDS}.{table} AS TABLE public.{table}")

    def bring_back() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")  # keys and triggers rest until all is as it was
            cursor.execute(f"LOCK TABLE {', '.join(tables)}")  # whoever still writes is waited for
            for table in _filled(cursor, tables):
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608 -- names from the catalogue
            for table in seeded:
                cursor.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE {_SEEDS}.{table}")

    return bring_back


def end_others() -> None:
    """End the connections that threads of tests left open: no database with connections can be dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _filled(cursor: Any, tables: list[str]) -> list[str]:
    cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables))  # noqa: S608 -- as above
    return [table for (table,) in cursor.fetchall()]
