"""Errands that were agreed: when somebody under an order may be elsewhere, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, F, Q, QuerySet
from django.utils.formats import date_format

from epipolis.act.quarantine.models import Errand, Order
from epipolis.core import clock


def errands_of(order: Order) -> QuerySet[Errand]:
    """All of an order, the latest first."""
    return Errand.objects.filter(order=order.id).order_by("-begins", "-id")


def errands_at(orders: Iterable[int], at: datetime) -> dict[int, Errand]:
    """Of each order the errand that holds at a moment; of several the one that ends last."""
    rows = Errand.objects.filter(order__in=list(orders), begins__lte=at, until__gt=at, ended=None).order_by("until", "id")
    return {one.order_id: one for one in rows}


def errand_spans(order_id: int) -> list[list[int]]:
    """When an order lets somebody be elsewhere, as epoch seconds from and until before; none overlaps another."""
    spans: list[list[int]] = []
    for one in Errand.objects.filter(order=order_id).order_by("begins", "id"):
        begins, stops = int(one.begins.timestamp()), int(one.stops.timestamp())
        if spans and begins <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], stops)
        elif stops > begins:
            spans.append([begins, stops])
    return spans


def span_text(begins: datetime, until: datetime) -> str:
    """From when until when, by the city's clock; the day once where it is the same."""
    here, there = (one.astimezone(clock.zone()) for one in (begins, until))
    first = date_format(here, "SHORT_DATETIME_FORMAT")
    return f"{first} – {date_format(there, 'TIME_FORMAT' if here.date() == there.date() else 'SHORT_DATETIME_FORMAT')}"


@dataclass(frozen=True, slots=True)
class ErrandCount:
    """Errands of one reason that began in some days."""

    title: str
    agreed: int
    taken_back: int


def errand_counts(since: date, until: date) -> list[ErrandCount]:
    """Errands by reason, those that began between two local days, both included; only reasons that occur."""
    first, last = clock.start_of(since), clock.start_of(until + timedelta(days=1))
    rows = Errand.objects.filter(begins__gte=first, begins__lt=last).order_by().values_list("reason")
    counted = rows.annotate(n=Count("id"), back=Count("id", filter=Q(ended__lt=F("until"))))
    found = {reason: (count, back) for reason, count, back in counted}
    return [ErrandCount(str(label), *found[value]) for value, label in Errand.Reason.choices if value in found]
