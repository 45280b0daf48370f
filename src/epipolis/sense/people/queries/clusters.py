"""Who is the same person: rows that were merged point to the row that holds, and every reader sees the whole cluster."""

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import connection
from django.db.models import Q

from epipolis.sense.people.models import MatchQuestion

_UP = """
WITH RECURSIVE up (start, id, merged_into) AS (
    SELECT id, id, merged_into_id FROM people_person WHERE id = ANY(%s::uuid[]) AND merged_into_id IS NOT NULL
    UNION ALL
    SELECT up.start, p.id, p.merged_into_id FROM up JOIN people_person p ON p.id = up.merged_into
)
SELECT start, id FROM up WHERE merged_into IS NULL"""
_DOWN = """
WITH RECURSIVE down (top, id, known_at) AS (
    SELECT id, id, known_at FROM people_person WHERE id = ANY(%s::uuid[])
    UNION ALL
    SELECT down.top, p.id, p.known_at FROM down JOIN people_person p ON p.merged_into_id = down.id
)
SELECT top, id FROM down WHERE id <> top ORDER BY known_at, id"""


def same_person(person_id: UUID) -> tuple[UUID, ...]:
    """Every row of this person, the one that holds first; of an unknown number that number alone."""
    return same_people([person_id])[person_id]


def same_people(ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """The same for many: each of the ids with its whole cluster; two questions to the database, however many."""
    holders = holding(ids)
    tops = set(holders.values())
    members: dict[UUID, list[UUID]] = {top: [top] for top in tops}
    if tops:
        with connection.cursor() as cursor:
            cursor.execute(_DOWN, [_listed(tops)])
            for top, member in cursor.fetchall():
                members[top].append(member)
    return {person: tuple(members[holders[person]]) for person in ids}


def holding(ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Which row holds for each of these; who was never merged holds for themselves."""
    found = dict.fromkeys(ids)
    if not found:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_UP, [_listed(found)])
        merged: Mapping[UUID, UUID] = dict(cursor.fetchall())
    return {person: merged.get(person, person) for person in found}


def told_apart(ids: Collection[UUID]) -> set[frozenset[UUID]]:
    """Pairs of these who hold, of any rows of whom somebody said that they are two people."""
    if not ids:
        return set()
    rows = {member: top for top, cluster in same_people(ids).items() for member in cluster}
    told = MatchQuestion.objects.filter(person__in=rows, candidate__in=rows, answer=MatchQuestion.Answer.DIFFERENT)
    return {frozenset((rows[one], rows[other])) for one, other in told.values_list("person_id", "candidate_id")}


def is_asked(person: UUID, others: Collection[UUID]) -> bool:
    """Whether it was ever asked if somebody is one of the others, answered or not."""
    between = Q(person=person, candidate__in=others) | Q(candidate=person, person__in=others)
    return MatchQuestion.objects.filter(between).exists()


def _listed(ids: Collection[UUID]) -> str:
    """One text: a list of thousands of values takes longer to write than to answer."""
    return f"{{{','.join(map(str, ids))}}}"
