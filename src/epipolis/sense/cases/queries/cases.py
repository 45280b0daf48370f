from datetime import date, datetime
from hashlib import sha1
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from epipolis.sense.cases.models import Case, CaseRevision, Classification
from epipolis.sense.people import queries as people

_CASES = "epipolis case\n"  # keeps these ids apart from any others that are made of the same texts


def case_id_of(source: str, source_key: str) -> UUID:
    """The id of the case that a source calls by this number, known yet or not: so a file may name a later case."""
    digest = bytearray(sha1(f"{_CASES}{source}\n{source_key}".encode(), usedforsecurity=False).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80  # version 8: made by a rule of one's own
    return UUID(bytes=bytes(digest))


def case(case_id: UUID) -> Case:
    """One case as believed now.

    Raises:
        Case.DoesNotExist: there is none.
    """
    return with_areas(Case.objects.all()).get(id=case_id)


def case_numbered(source: str, source_key: str) -> Case | None:
    return Case.objects.filter(id=case_id_of(source, source_key)).first()


def cases_of(person_id: UUID, *, duplicates: bool = False) -> QuerySet[Case]:
    """The illnesses of a person, under whichever of their rows they stand, newest first."""
    found = Case.objects.filter(person__in=same_person(person_id)).order_by("-known_at", "id")
    return found if duplicates else found.filter(same_as=None)


def same_person(person_id: UUID) -> tuple[UUID, ...]:
    """Every row that is this person, by what is believed now."""
    return people.same_person(person_id)


def duplicates_of(case_id: UUID) -> QuerySet[Case]:
    """Cases that were found to be the same illness as this one, the earliest known first."""
    return Case.objects.filter(same_as=case_id).order_by("known_at", "id")


def with_duplicates(case_id: UUID) -> QuerySet[Case, Any]:
    """The id of a case and of those, for `in`: with OR beside it, the database would read the whole table."""
    return Case.objects.filter(Q(id=case_id) | Q(same_as=case_id)).values("id")


def counted() -> QuerySet[Case]:
    """Every illness once: all cases but those that are the same as another."""
    return Case.objects.filter(same_as=None)


def cases_by_id(case_ids: list[UUID]) -> dict[UUID, Case]:
    return with_areas(Case.objects.all()).in_bulk(case_ids) if case_ids else {}


def is_confirmed(case_id: UUID) -> bool:
    """Whether a case is believed to be confirmed now; one that does not exist is not."""
    return Case.objects.filter(id=case_id, classification=Classification.CONFIRMED).exists()


def case_source(case_id: UUID) -> tuple[str, str] | None:
    """Source and number of a case; None when it is not in the line list (yet)."""
    return Case.objects.filter(id=case_id).values_list("source", "source_key").first()


def facts_by_id(case_ids: list[UUID], fields: tuple[str, ...]) -> dict[UUID, dict[str, Any]]:
    """Some columns of many cases, in one question."""
    # One text instead of thousands of parameters: the import's speed depends on it.
    wanted = RawSQL("SELECT unnest(%s::uuid[])", [f"{{{','.join(map(str, case_ids))}}}"])
    rows = Case.objects.filter(id__in=wanted).values_list("id", *fields)
    return {row[0]: dict(zip(fields, row[1:], strict=True)) for row in rows}


def infected_by(case_id: UUID) -> QuerySet[Case]:
    """Cases that are believed to have been infected by this one."""
    return counted().filter(infected_by__in=with_duplicates(case_id)).order_by("onset", "reported", "id")


def confirmed_cases(since: date | None = None, until: date | None = None) -> QuerySet[Case]:
    """Confirmed cases by the day that counts (confirmed, else reported, sampled or onset): since <= `day` < until."""
    found = counted().filter(classification=Classification.CONFIRMED)
    found = found.annotate(day=Coalesce("confirmed", "reported", "sampled", "onset"))
    if since:
        found = found.filter(day__gte=since)
    return found.filter(day__lt=until) if until else found


def facts_as_known(at: datetime, *, duplicates: bool = False) -> QuerySet[CaseRevision]:
    """What was believed at a moment: the one revision of each case known then, without those believed to be duplicates."""
    held = Q(superseded_at=None) | Q(superseded_at__gt=at)
    found = with_areas(CaseRevision.objects.filter(held, known_at__lte=at)).select_related("case")
    return found if duplicates else found.filter(same_as=None)


def revisions(case_id: UUID) -> QuerySet[CaseRevision]:
    """The history of beliefs about a case, newest first."""
    return with_areas(CaseRevision.objects.filter(case=case_id)).order_by("-revision")


def count_waiting(at: datetime) -> int:
    """Cases that are suspected or probable, and neither recovered nor dead: somebody must still decide."""
    open_ones = (Classification.SUSPECTED, Classification.PROBABLE)
    return counted().filter(classification__in=open_ones, ended=None, known_at__lte=at).count()


def latest_change() -> int:
    """A number that grows with every belief noted about any case; for those who keep figures until something changes."""
    return CaseRevision.objects.aggregate(latest=Max("id"))["latest"] or 0


def first_known() -> datetime | None:
    """When the first case became known."""
    return CaseRevision.objects.aggregate(first=Min("known_at"))["first"]


def with_areas(rows: Any) -> Any:
    """With the names of areas, and without their borders, which are large."""
    return rows.select_related("district", "neighbourhood").defer("district__border", "neighbourhood__border")
