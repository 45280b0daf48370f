"""Registering: the person behind a number, found or made; one at a time, or thousands at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.db import connection, transaction
from psycopg import errors

from epipolis.core import audit
from epipolis.sense.city.models import Neighbourhood
from epipolis.sense.people.models import Person

from .rows import NO_BIRTH, Birth, PersonError, PersonRow, check_row
from .storing import Fresh, Key, identifier_key, store_people

_TRIES = 4
_KNOWN = "SELECT kind, value_hash, person_id FROM people_identifier WHERE value_hash = ANY(%s::text[])"
Found = list[tuple[UUID, bool]]


def find_or_make_person(
    identifiers: Sequence[tuple[str, str]],
    *,
    by: audit.Actor,
    at: datetime,
    given_name: str = "",
    family_name: str = "",
    birth: Birth = NO_BIRTH,
    sex: str = "",
    language: str = "",
    neighbourhood: Neighbourhood | None = None,
    address: str = "",
    phones: Sequence[str] = (),
    emails: Sequence[str] = (),
    simulated: bool = False,
) -> tuple[Person, bool]:
    """The person known by the first of these numbers that is known, else a new one; True when new.

    A person who is found keeps what is held and gains the numbers that were not known. Without a number: always new.

    Raises:
        PersonError: a value breaks a rule.
    """
    row = PersonRow(
        identifiers, given_name, family_name, birth, sex, language, neighbourhood, address, phones, emails, simulated
    )
    [(person_id, created)] = find_or_make_people([row], by=by, at=at)
    return Person.objects.get(id=person_id), created


def find_or_make_people(rows: Sequence[PersonRow], *, by: audit.Actor, at: datetime) -> Found:
    """The same for many: one question to the database for all numbers, one copy for all that is new.

    Answers in the order of the rows; two rows with a number in common are one person.

    Raises:
        PersonError: a row breaks a rule; nothing was stored, `row` is its index.
    """
    check_rows(rows, at=at)
    return register_checked(rows, by=by, at=at)


def check_rows(rows: Sequence[PersonRow], *, at: datetime) -> None:
    """Raises PersonError for the first row that breaks a rule, with its index."""
    for index, row in enumerate(rows):
        try:
            check_row(row, at=at)
        except PersonError as error:
            raise PersonError(error.field, error.rule, index) from error


def register_checked(rows: Sequence[PersonRow], *, by: audit.Actor, at: datetime) -> Found:
    """The same for rows that have passed `check_row` already."""
    for _try in range(_TRIES - 1):
        try:
            return _find_or_make(rows, by=by, at=at)
        except errors.UniqueViolation:  # somebody registered one of these numbers at the same moment: now it is found
            continue
    return _find_or_make(rows, by=by, at=at)


@transaction.atomic
def _find_or_make(rows: Sequence[PersonRow], *, by: audit.Actor, at: datetime) -> Found:
    keys = [numbers_of(row) for row in rows]
    known = find_people({key for row_keys in keys for key, _ in row_keys})
    answer: Found = []
    people: list[Fresh] = []
    numbers: list[tuple[UUID, Key, str]] = []
    for row, row_keys in zip(rows, keys, strict=True):
        found = next((known[key] for key, _ in row_keys if key in known), None)
        person = found or uuid4()
        if found is None:
            people.append(Fresh(person, row))
        for key, value in row_keys:
            if key not in known:
                known[key] = person
                numbers.append((person, key, value))
        answer.append((person, found is None))
    store_people(people, numbers, at=at)
    if people or numbers:
        alone = answer[0][0] if len(rows) == 1 else None
        audit.record(
            "people.register", by=by, at=at, subject=alone or "", person=alone, created=len(people), identifiers=len(numbers)
        )
    return answer


def find_people(keys: Iterable[Key]) -> dict[Key, UUID]:
    """Who is known by these (kind, hash) pairs."""
    wanted = set(keys)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        # As one text: a list of thousands of single values takes longer to write than to answer.
        cursor.execute(_KNOWN, [f"{{{','.join(value_hash for _, value_hash in wanted)}}}"])
        return {(kind, value_hash): person for kind, value_hash, person in cursor if (kind, value_hash) in wanted}


def numbers_of(row: PersonRow) -> list[tuple[Key, str]]:
    """The numbers of a row: how each is found, and what it is."""
    return [(identifier_key(kind, value), value.strip()) for kind, value in row.identifiers]
