import pytest
from django.db import connection

from epipolis.core import database

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("name", "value"), [("max_wal_size", "4GB"), ("jit", "off")])
def test_the_embedded_server_is_fitted_to_this_century(name, value):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (value,)


def test_nothing_in_it_gives_safety_away_for_speed():
    fitted = (database.home() / "database" / "epipolis.conf").read_text()

    assert not [name for name in ("fsync", "synchronous_commit", "full_page_writes", "wal_level") if name in fitted]


def test_the_server_gets_its_share_of_the_memory_of_this_machine():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_size_bytes(current_setting('shared_buffers'))")
        [[size]] = cursor.fetchall()

    assert 128 << 20 < size <= 1 << 30
