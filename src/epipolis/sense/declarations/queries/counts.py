"""How many are ill by their own word, for the city as a whole and by district; counts, not people."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, Q
from django.db.models.functions import TruncDate

from epipolis.core import clock
from epipolis.sense.declarations.models import Declaration, Household
from epipolis.sense.declarations.settings import settings

Counted = tuple[date, str | None, date, int]


@dataclass(frozen=True, slots=True)
class CountRow:
    """A district: how many declared, and how many of them ill; None where a count would point at somebody."""

    district: str
    declared: int | None
    ill: int | None

    @property
    def share(self) -> float | None:
        return self.ill / self.declared if self.declared and self.ill is not None else None


def count_today(at: datetime) -> dict[str, int]:
    """How many declared today, and how many of them are ill."""
    found = Declaration.objects.filter(day=clock.local_day(at), is_current=True)
    return found.aggregate(declared=Count("id"), ill=Count("id", filter=Q(is_ill=True)))


def by_district(at: datetime, *, days: int = 7) -> list[CountRow]:
    """People (not declarations) of the last days by district, the largest share of ill first; small cells left out."""
    since = clock.local_day(at) - timedelta(days=days - 1)
    found = Declaration.objects.filter(day__gte=since, day__lte=clock.local_day(at), is_current=True, district__isnull=False)
    rows = found.values_list("district__name").annotate(
        declared=Count("member", distinct=True), ill=Count("member", distinct=True, filter=Q(is_ill=True))
    )
    few = settings.smallest_cell
    shown = [
        CountRow(name, declared, ill if ill == 0 or ill >= few else None) if declared >= few else CountRow(name, None, None)
        for name, declared, ill in rows.order_by("district__name")
    ]
    return sorted(shown, key=lambda row: (row.declared is None, -(row.share or 0.0), row.district))


def counts_as_known(at: datetime) -> list[Counted]:
    """New illness by day of first symptoms: (day, district's code or None, day it became known, people), each once.

    Somebody counts on the day that they first named; without one, on the first day on which they declared a symptom.
    """
    ill = Declaration.objects.filter(is_ill=True, known_at__lte=at).values("member", "district__code")
    rows = ill.annotate(first=Min("onset"), said=Min("day"), known=Min(TruncDate("known_at", tzinfo=clock.zone())))
    counted: dict[tuple[date, str | None, date], int] = {}
    for row in rows:
        day = min(row["first"] or row["said"], row["said"])
        key = (day, row["district__code"], max(row["known"], day))
        counted[key] = counted.get(key, 0) + 1
    return [(day, district, known, count) for (day, district, known), count in sorted(counted.items(), key=str)]


def count_needing_help(at: datetime) -> int:
    """Households that named a need and allow that help is brought."""
    asked = Household.objects.filter(consents__purpose="aid", consents__withdrawn=None, expires__gt=at)
    return asked.exclude(needs=[]).distinct().count()
