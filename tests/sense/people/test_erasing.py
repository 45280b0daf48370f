from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from epipolis.core import audit
from epipolis.core.models import AuditEntry, DeletionReceipt
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import ContactPoint, Identifier, Person, ReturnCode

from .factories import AT, NOBODY, ana, person

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(days=1)


def erase(someone, **changes):
    return services.erase_person(someone.id, **({"by": "registrar", "at": LATER, "reason": "asked by the person"} | changes))


def test_everything_that_tells_who_it_was_is_gone_and_the_counts_stay():
    made = ana()
    services.issue_return_code(made.id, by="registrar", at=AT)

    assert erase(made) is True

    made.refresh_from_db()
    left = [model.objects.count() for model in (Identifier, ContactPoint, ReturnCode)]
    assert left == [0, 0, 0]
    assert (made.birth_year, made.birth_month, made.birth_day, made.sex) == (1980, None, None, "F")
    assert (made.neighbourhood_id, made.language, made.erased) == (None, "", LATER)
    sealed = [bytes(getattr(made, name)) for name in ("given_name", "family_name", "address")]
    assert (sealed, made.given_first_hash, made.family_first_hash) == ([b""] * 3, "", "")


@pytest.mark.parametrize("text", ["Ana Torres", "A123456789", "+999 12-345 678", "ana@example.org"])
def test_nobody_finds_an_erased_person_again(text):
    erase(ana())

    assert queries.search(text, by="registrar", at=LATER) == []


def test_erasing_twice_is_once():
    made = ana()
    erase(made)
    entries = AuditEntry.objects.count()

    assert erase(made, at=LATER + timedelta(days=1)) is False

    made.refresh_from_db()
    assert (made.erased, AuditEntry.objects.count(), DeletionReceipt.objects.count()) == (LATER, entries, 1)


def test_an_erasure_leaves_a_receipt_and_an_entry_without_a_name():
    made = ana()

    erase(made)

    receipt, entry = DeletionReceipt.objects.get(), AuditEntry.objects.get(action="people.erase")
    assert (receipt.what, receipt.rows, receipt.at) == ("people.person", 4, LATER)  # the person, a number, two contact points
    assert (entry.person, entry.detail) == (made.id, {"reason": "asked by the person", "rows": 4})


def test_who_looked_before_stays_known_and_the_chain_whole():
    made = ana()
    queries.named([made.id], by="tracer-1", at=AT, why="contact")

    erase(made)
    audit.seal()

    assert queries.reads_of(made.id).count() == 1
    assert audit.broken_link() is None


def test_the_same_number_registered_later_is_a_new_person():
    first = ana()
    erase(first)

    assert ana().id != first.id


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "a\0b"])
def test_an_erasure_needs_a_reason(reason):
    made = ana()

    with pytest.raises(services.PersonError):
        erase(made, reason=reason)

    made.refresh_from_db()
    assert made.erased is None


def test_nobody_cannot_be_erased():
    with pytest.raises(LookupError):
        services.erase_person(UUID(NOBODY), by="registrar", at=AT, reason="test")


def test_the_database_refuses_a_name_on_an_erased_person():
    made = ana()
    erase(made)

    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.filter(id=made.id).update(given_name=b"Ana")


def test_no_sealed_byte_of_an_erased_person_is_left_in_a_row():
    made = ana()
    sealed = bytes(made.family_name).hex()
    erase(made)

    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(p)::text FROM people_person p")
        rows = "".join(row for (row,) in cursor)

    assert sealed not in rows


def test_an_erased_person_is_not_corrected_and_gets_no_code():
    made = person(given_name="Ana")
    erase(made)

    with pytest.raises(LookupError):
        services.correct_person(made.id, {"given_name": "Eva"}, by="registrar", at=LATER)
    with pytest.raises(LookupError):
        services.issue_return_code(made.id, by="registrar", at=LATER)


def test_opening_an_erased_record_shows_no_name_and_is_no_read_of_one():
    made = ana()
    erase(made)

    record = queries.record_of(made.id, by="registrar", at=LATER, why="person")

    assert (record.name.full, record.phones, record.identifiers, record.birth_text) == ("", (), (), "1980")
    assert queries.reads_of(made.id).count() == 0
