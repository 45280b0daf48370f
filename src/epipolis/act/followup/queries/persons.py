"""What a follow-up needs to know of people before it begins: rows of one person, language, district, own illness."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from django.db import connection

from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.people import queries as people

# Neither is personal by itself; a question for each of thousands of people would take the time of the whole import.
_LIVES = """
SELECT p.id, p.language, n.district_id
FROM people_person p LEFT JOIN city_neighbourhood n ON n.id = p.neighbourhood_id WHERE p.id = ANY(%s::uuid[])"""


def lives(ids: Collection[UUID]) -> dict[UUID, tuple[str, int | None]]:
    """The language and the district of people."""
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LIVES, [listed(ids)])
        return {person: (language, district) for person, language, district in cursor.fetchall()}


def clusters(ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Each of these people with every row of theirs, the one that holds first."""
    return people.same_people(ids) if ids else {}


def own_cases(ids: Collection[UUID]) -> dict[UUID, list[tuple[UUID, str, date]]]:
    """The confirmed cases of people: case, disease, and the day that counts."""
    found: dict[UUID, list[tuple[UUID, str, date]]] = {}
    if ids:
        rows = cases.confirmed_cases().filter(person__in=list(ids)).values_list("person_id", "id", "disease", "day")
        for person, case, disease, day in rows:
            if day is not None:
                found.setdefault(person, []).append((case, disease, day))
    return found


def listed(ids: Collection[UUID]) -> str:
    """One text: a list of thousands of values takes longer to write than to answer."""
    return f"{{{','.join(map(str, ids))}}}"


def case_numbered(number: str) -> Case | None:
    """The case with this number in whichever source; of several the one known last."""
    return cases.line_list().filter(source_key=number.strip()).order_by("-known_at").first()


def source_of(case: UUID, person: UUID) -> Case | None:
    """The case, where both it and the person are known here."""
    return cases.cases_by_id([case]).get(case) if people.registered([person]) else None


def cases_numbered(numbers: Collection[str]) -> dict[str, list[Case]]:
    """The cases with these numbers, in whichever source."""
    found: dict[str, list[Case]] = {}
    rows = cases.line_list().filter(source_key__in=list(numbers)) if numbers else ()
    for row in rows:
        found.setdefault(row.source_key, []).append(row)
    return found
