"""Locks by name: two processes that are about the same thing do it one after the other."""

from django.db import connection

from epipolis.core.sealing import fingerprint


def hold(*names: str) -> None:
    """Wait until nobody else holds these names, and hold them until the transaction ends; several in one order for all."""
    keys = sorted({int(fingerprint(name)[:15], 16) for name in names})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])
