"""What each purpose may see: only households that allowed it, and only the fields that it needs."""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, QuerySet

from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import State
from epipolis.sense.declarations.models import Consent, Declaration, Household, Need

FIELDS: dict[str, tuple[str, ...]] = {
    "care": ("day", "advice", "symptoms", "onset", "temperature", "person"),
    "tracing": ("day", "symptoms", "circumstances", "onset", "person"),
    "aid": ("day", "needs", "district", "person"),
    "permit": ("day", "advice", "person"),
}
"""The fields that a purpose gets; everything else stays out of its list, its export and its interface."""


def declared_for(purpose: str, at: datetime, *, days: int = 3, urgent: bool = False) -> QuerySet[Declaration]:
    """Newest declarations of the last days whose household allows this purpose, with `urgent` those that need somebody."""
    allowed = Consent.objects.filter(household=OuterRef("member__household"), purpose=purpose, withdrawn=None)
    since = clock.local_day(at) - timedelta(days=days - 1)
    found = Declaration.objects.filter(Exists(allowed), is_current=True, day__gte=since)
    if urgent and purpose == "aid":
        found = found.exclude(member__household__needs=[])
    elif urgent:
        found = found.filter(advice__in=("emergency", "test", "stay"))
    return (
        found.select_related("member__household__district")
        .defer("member__household__district__border")
        .order_by("-day", "-known_at", "id")
    )


def listed(purpose: str, one: Declaration) -> dict[str, Any]:
    """A declaration as one purpose may know it; what it does not need is not in it."""
    household = one.member.household
    known = {
        "day": one.day,
        "advice": one.advice,
        "symptoms": one.symptoms,
        "circumstances": one.circumstances,
        "onset": one.onset,
        "temperature": one.temperature,
        "needs": household.needs,
        "district": household.district.name if household.district else "",
        "person": one.member.person_id,
    }
    return {"id": one.id, "known_at": one.known_at} | {name: known[name] for name in FIELDS[purpose]}


def needs_told(members: Collection[UUID], at: datetime) -> list[tuple[date, str, str]]:
    """What the households of these people need and allow to be known so that help is brought: the day of their newest
    declaration, the need by name, and in words."""
    allowed = Consent.objects.filter(household=OuterRef("id"), purpose="aid", withdrawn=None)
    found = Household.objects.filter(Exists(allowed), members__person__in=list(members), expires__gt=at).exclude(needs=[])
    newest = found.annotate(day=Max("members__declarations__day")).exclude(day=None).order_by("-day", "id")
    return [(row.day, name, str(Need(name).label)) for row in newest for name in row.needs]


def declared(one: Declaration) -> dict[str, Any]:
    """A declaration for whoever just sent it."""
    words = {"advice": one.advice, "advice_text": str(one.get_advice_display()), "reasons": cases.explained(one.decision)}
    return {"id": one.id, "day": one.day} | words


def export_rows(purpose: str, at: datetime) -> Iterator[dict[str, Any]]:
    """The same as rows of FIELDS; several answers in one cell, a person by the opaque number."""
    for one in declared_for(purpose, at, days=14).iterator(2_000):
        row = listed(purpose, one)
        for name in ("symptoms", "circumstances"):
            if name in row:
                row[name] = " ".join(sorted(key for key, state in row[name].items() if state == State.YES))
        if "needs" in row:
            row["needs"] = " ".join(row["needs"])
        yield {name: row[name] for name in FIELDS[purpose]}
