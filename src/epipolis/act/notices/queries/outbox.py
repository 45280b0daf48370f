"""The outbox: every message, what it is about, and what became of it."""

from uuid import UUID

from django.db.models import QuerySet

from epipolis.act.notices.models import Notice
from epipolis.sense.people import queries as people


def notices_about(about: tuple[str, str]) -> QuerySet[Notice]:
    """Every message about one thing, the newest first."""
    return Notice.objects.filter(about_kind=about[0], about_id=str(about[1])).order_by("-made", "id")


def notices_of(person: UUID) -> QuerySet[Notice]:
    """Every message to a person, of all rows that are this person, the newest first."""
    return Notice.objects.filter(person__in=people.same_person(person)).order_by("-made", "id")
