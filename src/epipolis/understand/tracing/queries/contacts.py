"""Stored traces and contacts: of a case, to be called, to be exported."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import (
    Aggregate,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Extract

from epipolis.core import clock, rules
from epipolis.sense.cases import queries as cases
from epipolis.sense.checkins import queries as checkins
from epipolis.understand.tracing.models import Contact, Encounter, Trace

TO_CALL = (Contact.State.OPEN, Contact.State.TRIED)
EXPORTED = (
    "case", "case_number", "contact", "registered", "risk", "certain", "minutes", "companions", "last_met", "place", "found",
    "gone", "state", "worked_at", "simulated",
)  # fmt: skip


def current_trace(case_id: UUID) -> Trace | None:
    """The trace of a case that holds now."""
    return Trace.objects.filter(case=case_id, is_current=True).first()


def traces_of(case_id: UUID) -> QuerySet[Trace]:
    """Every trace of a case, newest first."""
    return Trace.objects.filter(case=case_id).order_by("-made", "-id")


def unfinished_traces(before: datetime) -> list[UUID]:
    """Cases that were last looked at before a moment, when their infectious time was not over; longest ago first."""
    found = Trace.objects.filter(is_current=True, checked__lt=before, window_until__gt=F("checked"))
    return list(found.order_by("checked").values_list("case_id", flat=True))


def people_behind(visitors: Collection[UUID]) -> dict[UUID, UUID]:
    """The registered person behind each visitor, where one is known."""
    return checkins.person_of(visitors) if visitors else {}


def contact(contact_id: int) -> Contact | None:
    return _with_place(Contact.objects.filter(id=contact_id)).first()


def contacts_by_id(contact_ids: Collection[int]) -> QuerySet[Contact]:
    """These contacts with their case and the day of their first meeting, those that are gone too."""
    first = Encounter.objects.filter(contact=OuterRef("id")).order_by("starts").values("starts")[:1]
    return (
        Contact.objects.filter(id__in=list(contact_ids))
        .select_related("case")
        .annotate(first_met=Subquery(first))
        .order_by("id")
    )


def contacts_of(case_id: UUID, *, with_gone: bool = False) -> QuerySet[Contact]:
    """The contacts of a case, the one to be called first at the top."""
    found = Contact.objects.filter(case=case_id)
    return _with_place(found if with_gone else found.filter(gone=None)).order_by("rank", "-last_met", "id")


def meetings_of(*, people: Collection[UUID], cases: Collection[UUID]) -> list[tuple[UUID, UUID, int, bool]]:
    """Where one of these people met a case, or somebody known met one of these cases: (case, person, minutes, certain)."""
    rows = Contact.objects.filter(Q(person__in=list(people)) | Q(case__in=list(cases)), gone=None, person__isnull=False)
    return list(rows.order_by("id").values_list("case_id", "person_id", "minutes", "certain"))


def encounters_of(contact_ids: Collection[int]) -> QuerySet[Encounter]:
    return Encounter.objects.filter(contact__in=contact_ids).select_related("place", "contact").order_by("starts", "id")


def work_list(*, at: datetime, **filters: Any) -> QuerySet[Contact]:
    """Whom to call next: the highest risk first, then who met a case last. Who met one too long ago is left out.

    Filters: `state` (empty: all that wait for a call; `all`), `risk`, `mine` (a user), `certain` (True or False),
    `place` (id), `district` (id), `case` (UUID), `older` (True: also those who met a case too long ago to fall ill).
    """
    found = Contact.objects.filter(gone=None)
    state = filters.get("state") or ""
    if state != "all":
        found = found.filter(state__in=[state] if state else TO_CALL)
    if not filters.get("older"):
        found = found.filter(last_met__gt=oldest_worth_a_call(at))
    for name, column in {"risk": "risk", "mine": "assigned_to", "case": "case"}.items():
        if filters.get(name):
            found = found.filter(**{column: filters[name]})
    if filters.get("certain") is not None:
        found = found.filter(certain=filters["certain"])
    for name, column in {"place": "place", "district": "place__district"}.items():
        if filters.get(name):
            found = found.filter(Exists(Encounter.objects.filter(contact=OuterRef("id"), **{column: filters[name]})))
    return _with_place(found).order_by("rank", "-last_met", "id")


def oldest_worth_a_call(at: datetime) -> datetime:
    """Who met a case before this moment would have fallen ill by now: the longest incubation ago."""
    pack = rules.in_force("source_window", clock.local_day(at))
    return at - timedelta(days=pack["longest_incubation_days"])


def count_to_call(at: datetime) -> int:
    return work_list(at=at).count()


def counts_by_risk(at: datetime) -> dict[str, int]:
    """How many wait for a call, by risk."""
    rows = work_list(at=at).order_by().values_list("risk").annotate(n=Count("id"))
    return dict(rows)


def cases_met(visitors: Collection[UUID]) -> dict[UUID, int]:
    """How many cases each of these visitors met; one call is enough for all of them."""
    rows = Contact.objects.filter(visitor__in=list(visitors), gone=None).order_by().values_list("visitor")
    return dict(rows.annotate(n=Count("case", distinct=True)))


def people_who_are_cases(people: Collection[UUID]) -> set[UUID]:
    """Those of these people who are confirmed cases themselves."""
    return set(cases.confirmed_cases().filter(person__in=list(people)).values_list("person_id", flat=True))


def hours_to_trace(since: datetime, until: datetime) -> list[float]:
    """For each case whose contacts were first looked for in a period: hours from the facts being known to the trace."""
    found = Trace.objects.filter(is_first_look=True, made__gte=since, made__lt=until, window_from__isnull=False)
    return [max(0.0, (made - known) / timedelta(hours=1)) for made, known in found.values_list("made", "known_at")]


class Median(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def median_minutes_to_trace(at: datetime) -> float | None:
    """Minutes from a case's facts being known to its first trace, at the median over the last seven days."""
    found = Trace.objects.filter(is_first_look=True, made__gte=at - timedelta(days=7), made__lte=at, window_from__isnull=False)
    delay = ExpressionWrapper(F("made") - F("known_at"), output_field=DurationField())
    seconds = found.aggregate(median=Median(Extract(delay, "epoch")))["median"]
    return None if seconds is None else max(0.0, seconds / 60)


def cases_without_contacts(at: datetime) -> int:
    """Cases traced in the last seven days for whom nobody was found."""
    return Trace.objects.filter(is_current=True, found=0, made__gte=at - timedelta(days=7)).count()


def contact_rows(at: datetime, *, case: UUID | None = None) -> Iterator[dict[str, Any]]:
    """Every contact, or those of one case, as rows to export: pseudonyms and places, no names."""
    rows = Contact.objects.filter(case=case) if case else Contact.objects.all()
    for found in _with_place(rows.order_by("id")).iterator(2_000):
        yield {
            "case": found.case_id,
            "case_number": found.case.source_key,
            "contact": found.visitor,
            "registered": found.person_id is not None,
            "place": found.place_name,
            **{name: getattr(found, name) for name in EXPORTED[4:9]},
            **{name: getattr(found, name) for name in EXPORTED[10:]},
        }


def _with_place(found: QuerySet[Contact]) -> QuerySet[Contact]:
    last = Encounter.objects.filter(contact=OuterRef("id")).order_by("-ends", "id")
    return found.select_related("case", "assigned_to", "person").annotate(
        place_name=Subquery(last.values("place__name")[:1]),
        place_number=Subquery(last.values("place_id")[:1]),
        district_name=Subquery(last.values("place__district__name")[:1]),
    )
