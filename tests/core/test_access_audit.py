"""The audit trail: it can be added to, and any other change shows."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from epipolis.core import audit
from epipolis.core.models import AuditEntry

OFF = "ALTER TABLE core_auditentry DISABLE TRIGGER audit_rows_stay"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def trail():
    """Five chained entries and the person that the third one is about."""
    person = uuid4()
    for number in range(5):
        audit.record(
            "people.read" if number == 2 else "cases.revise",
            by=f"user{number}",
            at=AT + timedelta(hours=number),
            subject=number,
            person=person if number == 2 else None,
            fields=["onset"],
        )
    assert audit.seal() == 5
    return person


def run(*statements: str) -> None:
    """Run SQL as the table's owner would."""
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_auditentry SET actor = 'nobody' WHERE position = 2",
        "UPDATE core_auditentry SET position = 9, digest = 'x' WHERE position = 2",
        "UPDATE core_auditentry SET position = NULL",
        "UPDATE core_auditentry SET detail = '{}'",
        "DELETE FROM core_auditentry WHERE position = 5",
        "DELETE FROM core_auditentry",
    ],
)
def test_the_database_refuses_to_change_or_delete_entries(trail, sql):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run(sql)

    assert audit.broken_link() is None
    assert AuditEntry.objects.count() == 5


def test_the_database_refuses_to_change_an_entry_while_it_is_chained():
    audit.record("cases.revise", by="a", at=AT)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run("UPDATE core_auditentry SET position = 1, digest = 'x', actor = 'nobody'")


def test_the_database_refuses_to_empty_the_trail(trail):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run("ALTER TABLE core_auditentry ENABLE TRIGGER audit_table_stays")
        run("TRUNCATE core_auditentry")

    assert AuditEntry.objects.count() == 5


def test_a_setting_of_the_session_does_not_open_the_trail(trail):
    run("SET LOCAL epipolis.allow_truncate = 'on'", "SET LOCAL session_replication_role = 'origin'")

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run("DELETE FROM core_auditentry")


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE core_auditentry SET actor = 'nobody' WHERE position = 2", 2),
        ("UPDATE core_auditentry SET at = at + interval '1 second' WHERE position = 1", 1),
        ("UPDATE core_auditentry SET person = NULL WHERE position = 3", 3),
        ("UPDATE core_auditentry SET detail = '{\"fields\": []}' WHERE position = 4", 4),
        ("DELETE FROM core_auditentry WHERE position = 3", 3),
        ("DELETE FROM core_auditentry WHERE position = 1", 1),
    ],
)
def test_tampering_with_the_trigger_off_breaks_the_chain(trail, tampering, found):
    run(OFF, tampering)

    assert audit.broken_link() == found


def test_a_forged_entry_with_a_right_digest_breaks_the_chain_after_it(trail):
    second = AuditEntry.objects.get(position=2)
    first = AuditEntry.objects.get(position=1)
    second.actor = "nobody"
    forged = audit._digest(first.digest, 2, second)

    run(OFF)
    AuditEntry.objects.filter(position=2).update(actor="nobody", digest=forged)

    assert audit.broken_link() == 3


def test_a_cut_end_shows_against_a_head_written_down_earlier(trail):
    position, digest = audit.head()
    assert audit.has_link(position, digest)

    run(OFF, "DELETE FROM core_auditentry WHERE position > 3")

    assert audit.broken_link() is None
    assert not audit.has_link(position, digest)


def test_the_auditor_filters_by_who_what_day_and_person(client, staff, trail):
    client.force_login(staff("auditor"))

    def shown(query: str) -> list[str]:
        return [entry.actor for entry in client.get(f"/accounts/audit/?{query}").context["page"]]

    assert shown("actor=USER1") == ["user1"]
    assert shown("action=people") == ["user2"]
    assert shown(f"person={trail}") == ["user2"]
    assert shown("day=2026-03-01") == ["user3", "user2", "user1", "user0"]  # in Taipei the fifth is the day after
    assert shown("day=nonsense") == []


@pytest.mark.parametrize(
    "query", ["person=x", "day=9999-12-31", "day=0001-01-01", "actor=%00", "page=99999999999999999999", "page=-1", "action=%27"]
)
def test_odd_filters_are_answered(client, staff, trail, query):
    client.force_login(staff("auditor"))

    assert client.get(f"/accounts/audit/?{query}").status_code == 200


def test_the_auditor_verifies_the_chain(client, staff, trail):
    client.force_login(staff("auditor"))
    audit.seal()
    position, digest = audit.head()

    whole = client.post("/accounts/audit/verify/", {"position": position, "digest": digest}).content.decode()
    run(OFF, "UPDATE core_auditentry SET actor = 'nobody' WHERE position = 2")
    broken = client.post("/accounts/audit/verify/", {"position": 5, "digest": "0"}).content.decode()

    assert "The chain is whole" in whole
    assert "still stands" in whole
    assert "broken at position 2" in broken
    assert "does not stand" in broken


def test_the_auditor_takes_the_trail_away_and_that_is_noted(client, staff, trail):
    client.force_login(staff("auditor"))

    answer = client.get(f"/accounts/audit/export.csv?person={trail}")

    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["actor"], row["person"]) for row in rows] == [("user2", str(trail))]
    assert AuditEntry.objects.filter(action="audit.export", actor="auditor").count() == 1
    assert client.get("/accounts/audit/export.exe").status_code == 404
