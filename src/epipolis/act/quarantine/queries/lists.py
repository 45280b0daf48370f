"""Lists of orders: what an officer decides next, who is under an order, what is over; and the same as files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, When

from epipolis.act.quarantine.models import Appeal, Kind, Need, Order, State
from epipolis.core import clock
from epipolis.core.sealing import fingerprint

from .orders import with_names
from .schedules import paper_rules

_UNANSWERED = Exists(Appeal.objects.filter(order=OuterRef("pk"), answered_at=None))
_UNMET = Exists(Need.objects.filter(order=OuterRef("pk"), met_at=None))
_ASKED = ~Q(asks={})
_OWN_NUMBER = re.compile(r"(?:[Oo]-?\d{4}-?)?([0-9]{1,17})", re.ASCII)  # as on papers, or its last part


@dataclass(frozen=True)
class Wanted:
    """Which orders: a list by name, and what narrows it; empty: everything of that list."""

    view: str = "decide"
    kind: str = ""
    place: str = ""
    district: int | None = None
    ends_by: date | None = None
    number: str = ""


VIEWS = ("decide", "drafts", "asked", "appeals", "in_force", "needs", "unwritten", "ending", "watched", "over", "all")


# What can still prevent most comes first: who is infectious, then who would stay longest.
_PRESSING = Case(When(_UNANSWERED, then=0), When(state=State.ISSUED, then=1), When(kind=Kind.ISOLATION, then=2), default=3)
_DECIDE = (_PRESSING, F("until").desc(nulls_first=True), "id")
_ORDER: dict[str, tuple[Any, ...]] = {"decide": _DECIDE, "drafts": _DECIDE, "over": ("-ended", "-id")}


def orders(at: datetime, wanted: Wanted) -> QuerySet[Order]:
    """Orders of one list in the order in which they should be looked at, each with `is_appealed` and `has_needs`."""
    found = Order.objects.filter(_view(wanted.view, at))
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.place:
        found = found.filter(place=wanted.place)
    if wanted.district:
        found = found.filter(district=wanted.district)
    if wanted.ends_by:
        found = found.filter(until__lte=wanted.ends_by)
    if wanted.number:
        found = found.filter(_numbered(wanted.number.strip()))
    found = with_names(found).annotate(is_appealed=_UNANSWERED, has_needs=_UNMET)
    return found.order_by(*_ORDER.get(wanted.view, (F("until").asc(nulls_first=True), "id")))


def _numbered(number: str) -> Q:
    """The order of this number, or the one that had it in the list from which it was taken over."""
    own = _OWN_NUMBER.fullmatch(number)
    listed = Q(reference__endswith=f":{fingerprint(number)}")
    return Q(id=int(own[1])) | listed if own else listed


def _view(view: str, at: datetime) -> Q:
    today, issued = clock.local_day(at), Q(state=State.ISSUED)
    late = at - timedelta(hours=paper_rules(today)["written_hours"])
    views = {
        "drafts": Q(state=State.DRAFT),
        "asked": issued & _ASKED,
        "appeals": Q(_UNANSWERED),
        "in_force": issued,
        "needs": issued & (Q(_UNMET) | Q(needs_asked=None)),
        "unwritten": issued & Q(written_at=None, verbal_at__lt=late),
        "ending": issued & Q(until__lte=today + timedelta(days=1)),
        "watched": issued & Q(watched=True),
        "over": Q(state__in=(State.ENDED, State.LIFTED, State.WITHDRAWN)),
        "all": Q(),
    }
    return views.get(view, Q(state=State.DRAFT) | (issued & _ASKED) | Q(_UNANSWERED))


def counts(at: datetime) -> dict[str, int]:
    """How many orders stand in each of the lists that ask for something."""
    shown = ("decide", "drafts", "asked", "appeals", "in_force", "needs", "unwritten", "ending")
    return Order.objects.aggregate(**{name: Count("id", filter=_view(name, at)) for name in shown})


def count_in_force() -> dict[str, int]:
    """Who is under an order now, by kind."""
    rows = Order.objects.filter(state=State.ISSUED).order_by().values_list("kind").annotate(n=Count("id"))
    return dict(rows)


def export_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Every order as a row: numbers and days; no name, no address, no text that somebody wrote."""
    found = Order.objects.select_related("district").defer("district__border").order_by("id")
    for row in found.iterator(2_000):
        yield {
            "order": row.number,
            "district": row.district.name if row.district else "",
            "rule": row.decision.get("rule", ""),
            "person": row.person_id,
            "case": row.case_id,
            "follow_up": row.follow_up_id,
            **{name: getattr(row, name) for name in _SAME},
        }


_SAME = (
    "kind", "state", "place", "disease", "starts", "standard_until", "first_until", "until", "is_earliest", "is_extended",
    "is_shortened", "verbal_at", "written_at", "issued_at", "watched", "language", "needs_asked", "ended", "known_at",
    "simulated",
)  # fmt: skip
EXPORTED = ("order", "person", "case", "follow_up", *_SAME, "district", "rule")
