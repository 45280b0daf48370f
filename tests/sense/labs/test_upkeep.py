"""Nothing sits, silence is seen, the text of messages ends, tables come in and go out."""

from datetime import timedelta

import pytest
from django.db import connection

from epipolis.core import clock, retention
from epipolis.core.imports import ImportOptions
from epipolis.core.models import AuditEntry
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.sense.people.models import Person
from epipolis.sense.people.services import erase_person

from .messages import NEGATIVE, NOW, oru
from .test_api import COLUMNS, ROW

pytestmark = pytest.mark.django_db
BROKEN = """
CREATE FUNCTION labs_broken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = '22023'; END $$;
CREATE TRIGGER labs_broken BEFORE INSERT ON labs_labresult EXECUTE FUNCTION labs_broken()
"""


def test_a_message_that_was_left_behind_is_processed_again(lab):
    services.receive(oru().encode(), "hl7", by="test", at=NOW)
    with clock.fixed(NOW + timedelta(minutes=5)):
        assert services.check_for_left_behind() == 0
    with clock.fixed(NOW + timedelta(minutes=11)):
        assert queries.count_unprocessed(clock.now()) == 1
        assert services.check_for_left_behind() == 1
        assert services.check_for_left_behind() == 0

    assert LabMessage.objects.get().state == "new_case"


def test_a_message_that_cannot_be_processed_is_counted_and_in_the_end_waits_for_a_person(lab):
    first = services.receive(oru("M1").encode(), "hl7", by="test", at=NOW)
    with connection.cursor() as cursor:
        cursor.execute(BROKEN)
    try:
        for minute in (11, 22, 33, 44):
            with clock.fixed(NOW + timedelta(minutes=minute)):
                services.check_for_left_behind()
            first.refresh_from_db()
            assert first.attempts == minute // 11
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER labs_broken ON labs_labresult; DROP FUNCTION labs_broken()")

    assert (first.state, first.problem, first.is_waiting) == ("unclear", "failed", True)
    with clock.fixed(NOW + timedelta(hours=1)):
        services.process_anew(first.id, by="test", at=NOW + timedelta(hours=1))
    first.refresh_from_db()
    assert first.state == "new_case"


def test_the_tiles_tell_what_waits_how_long_results_take_and_who_is_silent(send):
    assert queries.hours_tile(NOW)["value"] == "–"
    send(oru("M1"))  # sampled 25 hours before it came
    send(oru("M2", lab="FAR"))

    assert queries.waiting_tile(NOW + timedelta(hours=3)) == {"value": 1, "note": "the oldest for 3 hours"}
    assert queries.hours_tile(NOW)["value"] == 25.0
    assert queries.silent_tile(NOW)["value"] == 0
    assert queries.silent_tile(NOW + timedelta(days=3)) == {"value": 1, "note": "Central"}


def test_the_text_of_messages_ends_and_results_stay(send):
    kept = send(oru("M1"))
    send(oru("M2", lab="FAR"))
    keep = retention.keeps()["labs.messages"]

    retention.forget(keep, at=NOW + timedelta(days=100))
    assert LabMessage.objects.exclude(raw=b"").count() == 2
    retention.forget(keep, at=NOW + timedelta(days=400))

    kept.refresh_from_db()
    assert (bytes(kept.raw), LabMessage.objects.count(), LabResult.objects.count()) == (b"", 1, 1)
    with pytest.raises(services.HandlingError):
        services.process_anew(kept.id, by="test", at=NOW)


def test_messages_about_somebody_who_was_erased_lose_their_text_at_once(send):
    message = send(oru())
    erase_person(Person.objects.get().id, by="test", at=NOW, reason="asked for it")

    retention.forget(retention.keeps()["labs.messages"], at=NOW + timedelta(days=1))

    message.refresh_from_db()
    assert bytes(message.raw) == b""


def test_a_message_that_still_waits_to_be_processed_is_not_forgotten(lab):
    services.receive(oru().encode(), "hl7", by="test", at=NOW)

    services.forget_messages(before=NOW + timedelta(days=400), at=NOW + timedelta(days=400))

    assert LabMessage.objects.exclude(raw=b"").count() == 1


def test_a_table_is_checked_first_and_then_stored_once(tmp_path, deliver_events):
    path = tmp_path / "results.csv"
    rows = [ROW.format(n=1, result="positive"), ROW.format(n=2, result="negative"), ROW.format(n=3, result="")]
    path.write_text("\n".join([COLUMNS, *rows]))
    options = {"by": "test", "at": NOW, "source": "table"}

    dry = services.import_results(path, ImportOptions(**options, dry_run=True))
    assert (dry.created, dry.rejected, LabMessage.objects.count()) == (2, 1, 0)
    first = services.import_results(path, ImportOptions(**options))
    again = services.import_results(path, ImportOptions(**options))
    with clock.fixed(NOW):
        deliver_events()

    assert (first.created, again.created, again.unchanged) == (2, 0, 2)
    assert sorted(LabMessage.objects.values_list("state", flat=True)) == ["new_case", "person"]
    assert [problem.rule for problem in first.problems] == ["must be filled"]


def test_a_table_without_its_columns_is_refused_by_their_names(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("name,result\nAna,positive\n")

    with pytest.raises(ValueError, match="message_id, order, laboratory"):
        services.import_results(path, ImportOptions(by="test", at=NOW))


def test_results_are_exported_without_names(send):
    send(oru("M1"))
    send(oru("M2", status="C", answer=NEGATIVE, reported="202103100800+0000"))

    rows = list(queries.result_rows(NOW))

    assert [(row["result"], row["in_force"], row["laboratory"]) for row in rows] == [
        ("positive", False, "Central"),
        ("negative", True, "Central"),
    ]
    assert not any("Torres" in str(value) for row in rows for value in row.values())


def test_the_trail_holds_every_write_and_no_name(send):
    send(oru())

    entries = AuditEntry.objects.filter(action__startswith="labs.")
    assert {entry.action for entry in entries} == {"labs.register", "labs.receive", "labs.file"}
    assert not any("Torres" in str(entry.detail) for entry in entries)
