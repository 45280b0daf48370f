from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from django.db.models import Max, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from .models import Case, CaseRevision, Classification

_CASES = UUID("0b0f3c1e-6a39-5d0e-9c55-5b7a3a3e8d11")  # the name space in which a source's number becomes a case's id


def case_id_of(source: str, source_key: str) -> UUID:
    """The id of the case that a source calls by this number, known yet or not: so a file may name a later case."""
    return uuid5(_CASES, f"{source}\n{source_key}")


def case(case_id: UUID) -> Case:
    """One case as believed now.

    Raises:
        Case.DoesNotExist: there is none.
    """
    return _with_areas(Case.objects.all()).get(id=case_id)


def case_numbered(source: str, source_key: str) -> Case | None:
    return Case.objects.filter(id=case_id_of(source, source_key)).first()


def cases_of(person_id: UUID) -> QuerySet[Case]:
    """A person's illnesses, newest first."""
    return Case.objects.filter(person=person_id).order_by("-known_at", "id")


def cases_by_id(case_ids: list[UUID]) -> dict[UUID, Case]:
    return _with_areas(Case.objects.all()).in_bulk(case_ids)


def case_source(case_id: UUID) -> tuple[str, str] | None:
    """Source and number of a case; None when it is not in the line list (yet)."""
    return Case.objects.filter(id=case_id).values_list("source", "source_key").first()


def facts_by_id(case_ids: list[UUID], fields: tuple[str, ...]) -> dict[UUID, dict[str, Any]]:
    """Some columns of many cases, in one question."""
    rows = Case.objects.filter(id__in=case_ids).values_list("id", *fields)
    return {row[0]: dict(zip(fields, row[1:], strict=True)) for row in rows}


def infected_by(case_id: UUID) -> QuerySet[Case]:
    """Cases that are believed to have been infected by this one."""
    return Case.objects.filter(infected_by=case_id).order_by("onset", "reported", "id")


def confirmed_cases(since: date | None = None, until: date | None = None) -> QuerySet[Case]:
    """Confirmed cases by the day that counts (confirmed, else reported, sampled or onset): since <= `day` < until."""
    found = Case.objects.filter(classification=Classification.CONFIRMED)
    found = found.annotate(day=Coalesce("confirmed", "reported", "sampled", "onset"))
    if since:
        found = found.filter(day__gte=since)
    return found.filter(day__lt=until) if until else found


def facts_as_known(at: datetime) -> QuerySet[CaseRevision]:
    """What was believed at a moment: the one revision of each case known then."""
    held = Q(superseded_at=None) | Q(superseded_at__gt=at)
    return _with_areas(CaseRevision.objects.filter(held, known_at__lte=at)).select_related("case")


def revisions(case_id: UUID) -> QuerySet[CaseRevision]:
    """The history of beliefs about a case, newest first."""
    return _with_areas(CaseRevision.objects.filter(case=case_id)).order_by("-revision")


def line_list(as_known_at: datetime | None = None, **filters: Any) -> QuerySet[Case] | QuerySet[CaseRevision]:
    """The line list as believed now, or at a moment (then of revisions, whose `case` is the case).

    Filters: `since`, `until` (local days by which a case was reported, until included), `district` (id),
    `classification`, `outcome`, `disease`, `text` (in number, region, setting or note).
    """
    prefix = "case__" if as_known_at else ""
    found: Any = facts_as_known(as_known_at) if as_known_at else _with_areas(Case.objects.all())
    exact = {"district": "district", "classification": "classification", "outcome": "outcome", "disease": f"{prefix}disease"}
    for name, column in exact.items():
        if filters.get(name) not in (None, ""):
            found = found.filter(**{column: filters[name]})
    found = found.annotate(day=Coalesce("reported", "confirmed", "sampled", "onset"))
    if filters.get("since"):
        found = found.filter(day__gte=filters["since"])
    if filters.get("until"):
        found = found.filter(day__lte=filters["until"])
    if text := filters.get("text"):
        words = Q(region__icontains=text) | Q(setting__icontains=text) | Q(note__icontains=text)
        found = found.filter(words | Q(**{f"{prefix}source_key__icontains": text}))
    return found


def count_waiting() -> int:
    """Cases that are suspected or probable, and neither recovered nor dead: somebody must still decide."""
    open_ones = (Classification.SUSPECTED, Classification.PROBABLE)
    return Case.objects.filter(classification__in=open_ones, ended=None).count()


def latest_change() -> int:
    """A number that grows with every belief noted about any case; for those who keep figures until something changes."""
    return CaseRevision.objects.aggregate(latest=Max("id"))["latest"] or 0


def first_known() -> datetime | None:
    """When the first case became known."""
    return CaseRevision.objects.aggregate(first=Min("known_at"))["first"]


def _with_areas(rows: Any) -> Any:
    """With the names of areas, and without their borders, which are large."""
    return rows.select_related("district", "neighbourhood").defer("district__border", "neighbourhood__border")
