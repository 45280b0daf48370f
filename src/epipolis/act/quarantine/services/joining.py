"""Two records that are one person: of two drafts one is enough; of two orders in force an officer decides."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.quarantine.models import OPEN, Kind, Order, OrderChange, State
from epipolis.core import audit
from epipolis.sense.people import queries as people

from .contacts import draft_from_follow_up
from .drafting import ask, draft_from_case, hold
from .storing import TOPIC, finish

_MERGED = gettext_noop("Two records turned out to be one person, who has another order of the same kind.")


@transaction.atomic
def join(person: UUID, *, at: datetime) -> int:
    """Let one person have one order of a kind: a draft gives way, and of two in force it is asked which one stays."""
    rows, count = hold(person), 0
    for kind in Kind.values:
        found = Order.objects.select_for_update().filter(OPEN, person__in=rows, kind=kind)
        first, *others = [*found.order_by("-state", "-until", "id")] or [None]
        for other in others:
            if other is None or first is None:
                continue
            if other.state == State.DRAFT:
                finish(other, str(State.WITHDRAWN), (_MERGED, {}), by=TOPIC, at=at)
            elif other.asks.get("kind") != "double":
                ask(other, "double", None, by=TOPIC, at=at, reason=_MERGED)
            count += 1
    return count


@transaction.atomic
def part(person: UUID, unmerged: UUID, *, at: datetime) -> int:
    """A merge was undone: drafts that had given way come back, and what was asked about two orders is asked no more."""
    rows, count = {*people.same_person(person), *people.same_person(unmerged)}, 0
    for row in Order.objects.select_for_update().filter(person__in=rows, asks__kind="double"):
        row.asks = {}
        row.save(update_fields=["asks"])
        audit.record("quarantine.parted", by=TOPIC, at=at, subject=row.id, person=row.person_id)
        count += 1
    gone = OrderChange.objects.filter(order__person__in=rows, kind=str(State.WITHDRAWN), reason=_MERGED, by=TOPIC)
    for line in gone.select_related("order"):
        again = line.order
        if again.follow_up_id:
            draft_from_follow_up(again.follow_up_id, by=TOPIC, at=at)
        elif again.case_id:
            draft_from_case(again.case_id, by=TOPIC, at=at)
        count += 1
    return count
