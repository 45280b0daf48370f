"""Single orders: whom, why, until when, and everything that was done."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from epipolis.act.quarantine.models import OPEN, Appeal, Need, Order, OrderChange, OrderLink, SelfReport, State
from epipolis.core import clock
from epipolis.sense.people import queries as people


def order(number: int) -> Order | None:
    """One order, with what its page shows."""
    if not 0 < number < 2**63:
        return None
    return with_names(Order.objects.all()).filter(id=number).first()


def orders_by_id(ids: Collection[int]) -> dict[int, Order]:
    return with_names(Order.objects.all()).in_bulk(list(ids)) if ids else {}


def orders_of(person: UUID) -> QuerySet[Order]:
    """Every order of a person, under whichever of their rows it stands, the newest first."""
    return with_names(Order.objects.filter(person__in=people.same_person(person))).order_by("-known_at", "-id")


def open_orders_of(person: UUID) -> QuerySet[Order]:
    """Drafts and issued orders of a person, an issued one first."""
    return orders_of(person).filter(OPEN).order_by("-state", "-until", "id")


def household_of_order(row: Order) -> QuerySet[Order]:
    """The other orders of the same household that are open."""
    found = with_names(Order.objects.filter(OPEN, household=row.household)) if row.household else Order.objects.none()
    return found.exclude(id=row.id).order_by("id")


def watched_orders() -> QuerySet[Order]:
    """Issued orders whose people are watched by phone."""
    return Order.objects.filter(state=State.ISSUED, watched=True).order_by("id")


def changes_of(row: Order) -> QuerySet[OrderChange]:
    return OrderChange.objects.filter(order=row.id).order_by("-at", "-id")


def change(number: int) -> OrderChange | None:
    return OrderChange.objects.filter(id=number).first() if 0 < number < 2**63 else None


def needs_of(row: Order) -> QuerySet[Need]:
    """What somebody needs, the open ones first."""
    return Need.objects.filter(order=row.id).order_by("met_at", "-is_urgent", "at", "id")


def appeals_of(row: Order) -> QuerySet[Appeal]:
    return Appeal.objects.filter(order=row.id).order_by("-at", "-id")


def appeal(number: int) -> Appeal | None:
    return Appeal.objects.filter(id=number).select_related("order").first() if 0 < number < 2**63 else None


def reports_of(row: Order) -> QuerySet[SelfReport]:
    return SelfReport.objects.filter(order=row.id).order_by("-day", "-at", "-id")


def link_of(row: Order) -> OrderLink | None:
    """The link that opens this order now."""
    return links_of([row.id]).get(row.id)


def links_of(orders: Collection[int]) -> dict[int, OrderLink]:
    """The same for many orders."""
    return {one.order_id: one for one in OrderLink.objects.filter(order__in=list(orders), revoked=None)}


def ends_at(row: Order) -> datetime | None:
    """The moment at which an order ends: the end of its last local day, however long that day is."""
    return clock.start_of(row.until + timedelta(days=1)) if row.until else None


def days_left(row: Order, at: datetime) -> int | None:
    """How many days are left, today included."""
    return (row.until - clock.local_day(at)).days + 1 if row.until else None


def day_number(row: Order, at: datetime) -> tuple[int, int] | None:
    """Which day of how many it is; None before the first, after the last and without days."""
    today: date = clock.local_day(at)
    if not (row.starts and row.until and row.starts <= today <= row.until):
        return None
    return (today - row.starts).days + 1, (row.until - row.starts).days + 1


def with_names(found: QuerySet[Order]) -> QuerySet[Order]:
    return found.select_related("district", "case", "follow_up").defer("district__border")
