"""Locks by name: two processes that are about the same thing do it one after the other."""

from django.db import connection

from epipolis.core.sealing import fingerprint


def hold(name: str) -> None:
    """Wait until nobody else holds this name, and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(fingerprint(name)[:15], 16)])
