"""Rows of people into the tables, thousands in one copy each, with the keys under which they are found again."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from epipolis.core.sealing import fingerprint, seal
from epipolis.engines.linkage import Record
from epipolis.sense.people import queries
from epipolis.sense.people.models import ContactPoint

from .rows import PersonRow, clear

_PERSON = (
    "id, given_name, family_name, given_first_hash, family_first_hash, birth_year, birth_month, birth_day, sex, language,"
    " neighbourhood_id, address, known_at, erased, simulated, merged_into_id, keyed,"
    " compared"
)
Key = tuple[str, str]  # kind and hash of an identifier


class Fresh(NamedTuple):
    """A row to store: under which number, what it says, into whom it is merged, and its match keys where they are made."""

    person: UUID
    row: PersonRow
    merged_into: UUID | None = None
    keys: Collection[int] | None = None


def store_people(people: Sequence[Fresh], numbers: list[tuple[UUID, Key, str]], *, at: datetime) -> None:
    """Copy new people and (person, key, value) of new numbers into the tables."""
    moment = str(at)  # as text: the adapter of times takes longer than the rest of a row
    copy_rows("people_person", _PERSON, [_person_values(one, moment) for one in people])
    # In one order for everybody: two bulk registrations at once wait for each other and do not block each other.
    rows = [(person, key[0], seal(value), key[1]) for person, key, value in numbers]
    copy_rows("people_identifier", "person_id, kind, value, value_hash", sorted(rows, key=lambda one: (one[3], one[1])))
    points = [point for one in people for point in _point_values(one.person, one.row)]
    copy_rows("people_contactpoint", "person_id, kind, value, value_hash", points)
    store_keys((one.person, _keys(one)) for one in people)


def store_keys(keys: Iterable[tuple[UUID, Collection[int]]]) -> None:
    """Copy the match keys of people who have none."""
    copy_rows("people_matchkey", "person_id, key", [(person, key) for person, own in keys for key in own])


def copy_rows(table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def record_of_row(row: PersonRow) -> Record:
    """A row as it is compared."""
    kinds = queries.person_numbers()
    return Record(
        clear(row.given_name),
        clear(row.family_name),
        *row.birth,
        row.sex,
        tuple(row.phones),
        tuple(row.emails),
        clear(row.address),
        str(row.neighbourhood.id) if row.neighbourhood else "",
        tuple((kind.strip(), value.strip()) for kind, value in row.identifiers if kind.strip() in kinds),
    )


def name_hashes(given: str, family: str) -> tuple[str, str]:
    """The hashes by which a whole name is found in either order; empty without a name."""
    return (fingerprint(given + family), fingerprint(family + given)) if given or family else ("", "")


def point_hash(kind: str, value: str) -> str:
    """The hash by which a contact point is found: of a phone only the digits count."""
    return fingerprint(queries.digits_of(value) if kind == ContactPoint.Kind.PHONE else value)


def identifier_key(kind: str, value: str) -> Key:
    return kind.strip(), fingerprint(value)


def _keys(one: Fresh) -> Collection[int]:
    return queries.match_keys(record_of_row(one.row)) if one.keys is None else one.keys


def _person_values(one: Fresh, at: str) -> tuple[Any, ...]:
    row = one.row
    given, family = clear(row.given_name), clear(row.family_name)
    return (
        one.person,
        seal(given),
        seal(family),
        *name_hashes(given, family),
        *row.birth,
        row.sex,
        row.language,
        row.neighbourhood.id if row.neighbourhood else None,
        seal(clear(row.address)),
        at,
        None,
        row.simulated,
        one.merged_into,
        queries.WAY,
        0 if one.keys is None else queries.WAY,
    )


def _point_values(person: UUID, row: PersonRow) -> list[tuple[Any, ...]]:
    points = [("phone", clear(phone)) for phone in row.phones] + [("email", clear(email)) for email in row.emails]
    unique = {(kind, point_hash(kind, value)): value for kind, value in points}
    return [(person, kind, seal(value), value_hash) for (kind, value_hash), value in unique.items()]
