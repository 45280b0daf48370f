"""Erasing: everything that tells who a person is goes for good; the number, year of birth and sex stay for the counts."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from epipolis.core import audit
from epipolis.core.models import DeletionReceipt
from epipolis.sense.people import queries
from epipolis.sense.people.models import ContactPoint, Identifier, MatchKey, MatchQuestion, Merge, Person, ReturnCode

from .merging import lock_merges
from .rows import PersonError, check_text


@transaction.atomic
def erase_person(person_id: UUID, *, by: audit.Actor, at: datetime, reason: str) -> bool:
    """Erase names, numbers, contact points, address and birthday of all rows of a person; False when that was done before.

    Raises:
        LookupError: there is no such person.
        PersonError: no reason is given, or it is longer than 200 characters.
    """
    if not reason.strip():
        raise PersonError("reason", "must say why")
    check_text("reason", reason, 200)
    lock_merges()
    cluster = queries.same_person(person_id)
    people = list(Person.objects.select_for_update().filter(id__in=cluster).order_by("id"))
    if not people:
        raise LookupError("there is no such person")
    standing = [person.id for person in people if person.erased is None]
    for person in standing:
        _erase(person, by=by, at=at, reason=reason.strip())
    Merge.objects.filter(loser__in=standing).update(reason="", undone_reason="")
    return bool(standing)


def _erase(person_id: UUID, *, by: audit.Actor, at: datetime, reason: str) -> None:
    rows = 1 + sum(model.objects.filter(person=person_id).delete()[0] for model in (Identifier, ContactPoint, ReturnCode))
    MatchKey.objects.filter(person=person_id).delete()
    MatchQuestion.objects.filter(Q(person=person_id) | Q(candidate=person_id)).delete()
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
    audit.record("people.erase", by=by, at=at, subject=person_id, person=person_id, reason=reason, rows=rows)
