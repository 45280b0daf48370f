"""Erasing: everything that tells who a person is goes for good; the number, year of birth and sex stay for the counts."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from epipolis.core import audit
from epipolis.core.models import DeletionReceipt
from epipolis.sense.people.models import ContactPoint, Identifier, Person, ReturnCode

from .rows import PersonError, check_text


@transaction.atomic
def erase_person(person_id: UUID, *, by: audit.Actor, at: datetime, reason: str) -> bool:
    """Erase names, numbers, contact points, address and birthday; False when that was done before.

    Raises:
        LookupError: there is no such person.
        PersonError: no reason is given, or it is longer than 200 characters.
    """
    if not reason.strip():
        raise PersonError("reason", "must say why")
    check_text("reason", reason, 200)
    person = Person.objects.select_for_update().filter(id=person_id).first()
    if person is None:
        raise LookupError("there is no such person")
    if person.erased is not None:
        return False
    rows = 1 + sum(model.objects.filter(person=person).delete()[0] for model in (Identifier, ContactPoint, ReturnCode))
    Person.objects.filter(id=person_id).update(
        given_name=b"",
        family_name=b"",
        given_first_hash="",
        family_first_hash="",
        address=b"",
        birth_month=None,
        birth_day=None,
        language="",
        neighbourhood=None,
        erased=at,
    )
    DeletionReceipt.objects.create(what="people.person", before=at, rows=rows, at=at)
    audit.record("people.erase", by=by, at=at, subject=person_id, person=person_id, reason=reason.strip(), rows=rows)
    return True
