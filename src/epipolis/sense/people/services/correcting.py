"""Correcting: what is held about a person is made right; the trail keeps which fields changed, never their values."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from epipolis.core import audit
from epipolis.core.sealing import seal, unseal
from epipolis.sense.people.models import ContactPoint, Identifier, Person

from .keying import key_again
from .rows import PersonError, PersonRow, check_row, clear
from .storing import identifier_key, name_hashes, point_hash

FIELDS = (
    "given_name",
    "family_name",
    "birth",
    "sex",
    "language",
    "neighbourhood",
    "address",
    "phones",
    "emails",
    "identifiers",
)
_SEALED = ("given_name", "family_name", "address")


@transaction.atomic
def correct_person(person_id: UUID, changes: Mapping[str, Any], *, by: audit.Actor, at: datetime) -> list[str]:
    """Set the given fields of FIELDS; returns the names of those that differed. `phones` and `emails` are whole lists,
    `identifiers` are (kind, value) pairs to add.

    Raises:
        LookupError: there is no such person, or the person is erased.
        PersonError: a value breaks a rule, or a number is another person's.
    """
    if unknown := set(changes) - set(FIELDS):
        raise PersonError(min(unknown), "is no field of a person")
    person = Person.objects.select_for_update().filter(id=person_id, erased=None).first()
    if person is None:
        raise LookupError("there is no such person")
    check_row(replace(PersonRow(), **changes), at=at)
    changed = [field for field in FIELDS if field in changes and _set(person, field, changes[field])]
    if changed:
        _write_name_hashes(person)
        person.save()
        key_again([person_id])
        audit.record("people.correct", by=by, at=at, subject=person_id, person=person_id, fields=changed)
    return changed


def _set(person: Person, field: str, value: Any) -> bool:
    """Put one field right; False when it was so already."""
    if field in ("phones", "emails"):
        return _set_points(person, field.removesuffix("s"), value)
    if field == "identifiers":
        return sum(_add_identifier(person, kind, text) for kind, text in value) > 0
    if field == "birth":
        names = ("birth_year", "birth_month", "birth_day")
        if tuple(value) == tuple(getattr(person, name) for name in names):
            return False
        for name, part in zip(names, value, strict=True):
            setattr(person, name, part)
        return True
    if field in _SEALED:
        if unseal(getattr(person, field)) == clear(value):
            return False
        setattr(person, field, seal(clear(value)))
        return True
    if getattr(person, field) == value:
        return False
    setattr(person, field, value)
    return True


def _set_points(person: Person, kind: str, values: list[str]) -> bool:
    wanted = {point_hash(kind, value): clear(value) for value in values if clear(value)}
    known = set(person.contact_points.filter(kind=kind).values_list("value_hash", flat=True))
    person.contact_points.filter(kind=kind, value_hash__in=known - wanted.keys()).delete()
    ContactPoint.objects.bulk_create(
        ContactPoint(person=person, kind=kind, value=seal(wanted[value_hash]), value_hash=value_hash)
        for value_hash in wanted
        if value_hash not in known
    )
    return known != wanted.keys()


def _add_identifier(person: Person, kind: str, value: str) -> bool:
    key_kind, value_hash = identifier_key(kind, value)
    row, created = Identifier.objects.get_or_create(
        kind=key_kind, value_hash=value_hash, defaults={"person": person, "value": seal(value.strip())}
    )
    if row.person_id != person.id:
        raise PersonError("identifiers", f"this {key_kind} is another person's")
    return created


def _write_name_hashes(person: Person) -> None:
    given, family = unseal(person.given_name), unseal(person.family_name)
    person.given_first_hash, person.family_first_hash = name_hashes(given, family)
