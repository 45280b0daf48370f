"""Registering: the person behind a number, found or made; one at a time, or thousands at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from psycopg import errors

from epipolis.core import audit
from epipolis.core.sealing import fingerprint, seal
from epipolis.sense.city.models import Neighbourhood
from epipolis.sense.people import queries
from epipolis.sense.people.models import ContactPoint, Person

from .rows import NO_BIRTH, Birth, PersonError, PersonRow, check_row, clear

_TRIES = 4
_KNOWN = "SELECT kind, value_hash, person_id FROM people_identifier WHERE value_hash = ANY(%s::text[])"
_PERSON = (
    "id, given_name, family_name, given_first_hash, family_first_hash, birth_year, birth_month, birth_day, sex, language,"
    " neighbourhood_id, address, known_at, erased, simulated"
)
Key = tuple[str, str]  # kind and hash of an identifier
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
    for index, row in enumerate(rows):
        try:
            check_row(row, at=at)
        except PersonError as error:
            raise PersonError(error.field, error.rule, index) from error
    return register_checked(rows, by=by, at=at)


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
    keys = [_keys(row) for row in rows]
    known = find_people({key for row_keys in keys for key, _ in row_keys})
    answer: Found = []
    people, numbers, points = [], [], []
    moment = str(at)  # as text: the adapter of times takes longer than the rest of a row
    for row, row_keys in zip(rows, keys, strict=True):
        found = next((known[key] for key, _ in row_keys if key in known), None)
        person = found or uuid4()
        if found is None:
            people.append(_person_values(person, row, moment))
            points += _point_values(person, row)
        for key, value in row_keys:
            if key not in known:
                known[key] = person
                numbers.append((person, key[0], seal(value), key[1]))
        answer.append((person, found is None))
    _copy("people_person", _PERSON, people)
    # In one order for everybody: two bulk registrations at once wait for each other and do not block each other.
    _copy("people_identifier", "person_id, kind, value, value_hash", sorted(numbers, key=lambda one: (one[3], one[1])))
    _copy("people_contactpoint", "person_id, kind, value, value_hash", points)
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


def name_hashes(given: str, family: str) -> tuple[str, str]:
    """The hashes by which a whole name is found in either order; empty without a name."""
    return (fingerprint(given + family), fingerprint(family + given)) if given or family else ("", "")


def point_hash(kind: str, value: str) -> str:
    """The hash by which a contact point is found: of a phone only the digits count."""
    return fingerprint(queries.digits_of(value) if kind == ContactPoint.Kind.PHONE else value)


def identifier_key(kind: str, value: str) -> Key:
    return kind.strip(), fingerprint(value)


def _keys(row: PersonRow) -> list[tuple[Key, str]]:
    return [(identifier_key(kind, value), value.strip()) for kind, value in row.identifiers]


def _person_values(person: UUID, row: PersonRow, at: str) -> tuple[Any, ...]:
    given, family = clear(row.given_name), clear(row.family_name)
    place = row.neighbourhood.id if row.neighbourhood else None
    address = seal(clear(row.address))
    hashes = name_hashes(given, family)
    return (
        person,
        seal(given),
        seal(family),
        *hashes,
        *row.birth,
        row.sex,
        row.language,
        place,
        address,
        at,
        None,
        row.simulated,
    )


def _point_values(person: UUID, row: PersonRow) -> list[tuple[Any, ...]]:
    points = [("phone", clear(phone)) for phone in row.phones] + [("email", clear(email)) for email in row.emails]
    unique = {(kind, point_hash(kind, value)): value for kind, value in points}
    return [(person, kind, seal(value), value_hash) for (kind, value_hash), value in unique.items()]


def _copy(table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
