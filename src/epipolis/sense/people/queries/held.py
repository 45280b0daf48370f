"""What is held, opened for the machine that compares; nobody sees it, so it leaves no trace."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from epipolis.core.sealing import unseal
from epipolis.engines.linkage import Record
from epipolis.sense.people.models import ContactPoint
from epipolis.sense.people.settings import settings

# The ids as one text: a list of thousands of values takes longer to write than to answer.
_PEOPLE = """
SELECT id, given_name, family_name, birth_year, birth_month, birth_day, sex, address, neighbourhood_id, language, simulated
FROM people_person WHERE id = ANY(%s::uuid[]) AND erased IS NULL"""
_POINTS = "SELECT person_id, kind, value FROM people_contactpoint WHERE person_id = ANY(%s::uuid[]) ORDER BY id"
_NUMBERS = "SELECT person_id, kind, value FROM people_identifier WHERE person_id = ANY(%s::uuid[]) AND kind = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Held:
    """One row as it is compared."""

    record: Record
    language: str = ""
    simulated: bool = False


def held(ids: Collection[UUID]) -> dict[UUID, Held]:
    """The rows of these people that are not erased, ready to compare."""
    if not ids:
        return {}
    wanted = f"{{{','.join(map(str, ids))}}}"
    points: dict[UUID, list[tuple[str, str]]] = {}
    for person, kind, value in _rows(_POINTS, wanted):
        points.setdefault(person, []).append((kind, unseal(value)))
    numbers: dict[UUID, list[tuple[str, str]]] = {}
    for person, kind, value in _rows(_NUMBERS, wanted, list(person_numbers())):
        numbers.setdefault(person, []).append((kind, unseal(value)))
    return {row[0]: _held(row, points.get(row[0], []), numbers.get(row[0], [])) for row in _rows(_PEOPLE, wanted)}


def _rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def person_numbers() -> frozenset[str]:
    """The kinds of number of which one person has one: two that differ are two people."""
    return frozenset(kind.strip() for kind in settings.person_numbers.split(","))


def _held(row: tuple[Any, ...], points: list[tuple[str, str]], numbers: list[tuple[str, str]]) -> Held:
    _id, given, family, year, month, day, sex, address, home, language, simulated = row
    record = Record(
        unseal(given),
        unseal(family),
        year,
        month,
        day,
        sex,
        tuple(value for kind, value in points if kind == ContactPoint.Kind.PHONE),
        tuple(value for kind, value in points if kind == ContactPoint.Kind.EMAIL),
        unseal(address),
        str(home or ""),
        tuple(sorted(numbers)),
    )
    return Held(record, language, simulated)
