import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_wal_size", "4GB"), ("jit", "off"), ("synchronous_commit", "on"), ("fsync", "on"), ("full_page_writes", "on")],
)
def test_the_embedded_server_is_fitted_to_this_century_and_never_to_losing_a_row(name, value):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (value,)


def test_the_server_gets_its_share_of_the_memory_of_this_machine():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_size_bytes(current_setting('shared_buffers'))")
        [[size]] = cursor.fetchall()

    assert 128 << 20 < size <= 1 << 30
