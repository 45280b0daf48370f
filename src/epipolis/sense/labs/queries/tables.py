"""Results as a table, without names."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from epipolis.sense.labs.models import LabResult
from epipolis.sense.people import queries as people_queries

COLUMNS = (
    "id",
    "laboratory",
    "sender",
    "message_id",
    "ref",
    "case",
    "disease",
    "kind",
    "code",
    "system",
    "result",
    "value",
    "status",
    "in_force",
    "specimen",
    "sampled_at",
    "reported_at",
    "received",
    "known_at",
    "supersedes",
    "device",
    "lot",
    "simulated",
)
_NAMES = {
    "laboratory": "message__laboratory__name",
    "sender": "message__sender",
    "message_id": "message__message_id",
    "case": "case_id",
    "in_force": "is_in_force",
    "supersedes": "supersedes_id",
}


def results(
    *, person: UUID | None = None, case: UUID | None = None, disease: str = "", in_force: bool = False
) -> QuerySet[LabResult]:
    """Results that were not taken back; of a person, of all rows that are this person."""
    found = LabResult.objects.filter(taken_back=None)
    if person:
        found = found.filter(person__in=people_queries.same_person(person))
    if case:
        found = found.filter(case=case)
    if disease:
        found = found.filter(disease=disease)
    return found.filter(is_in_force=True) if in_force else found


def result_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Every result by COLUMNS."""
    wanted = [_NAMES.get(name, name) for name in COLUMNS]
    found = results().filter(known_at__lte=at).order_by("received", "id")
    for values in found.values_list(*wanted).iterator(5_000):
        yield dict(zip(COLUMNS, values, strict=True))
