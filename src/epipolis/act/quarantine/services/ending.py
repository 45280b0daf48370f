"""What orders do by themselves: end after their last day, and be forgotten in time."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Appeal, Need, Order, OrderChange, OrderLink, State
from epipolis.core import audit, clock, rules

from .drafting import ask
from .follow_ups import tell_follow_up
from .storing import TOPIC, finish, locked
from .telling import tell_person

_AT_ONCE = 5_000  # orders that one run ends; the next run goes on
_OVER = gettext_noop("Its last day, %(until)s, is over.")
_WELL = gettext_noop("Its last day, %(until)s, is over: reported to be without symptoms since %(well)s.")
_UNASKED = gettext_noop(
    "Its earliest last day, %(until)s, was over, and nobody said within %(days)s days that symptoms remained."
)
_STALE = gettext_noop("Its last day, %(until)s, was over before anybody issued it.")
_SYMPTOMS = gettext_noop("The earliest last day is over. Have the symptoms ended?")


def end_orders(at: datetime | None = None) -> dict[str, int]:
    """End orders and drafts whose last local day is over; each in its own transaction, so that a bad one stops nobody."""
    at = at or clock.now()
    today = clock.local_day(at)
    over = Order.objects.filter(state__in=(State.DRAFT, State.ISSUED), until__lt=today).order_by("until", "id")
    counts = {"ended": 0, "withdrawn": 0, "asked": 0}
    with rules.read_once():
        for number in list(over.values_list("id", flat=True)[:_AT_ONCE]):
            if done := _end_if_over(number, at=at):
                counts[done] += 1
    return counts


@transaction.atomic
def _end_if_over(number: int, *, at: datetime) -> str:
    row = locked(number)
    today = clock.local_day(at)
    if not row.is_open or row.until is None or row.until >= today:
        return ""
    if row.state == State.DRAFT:
        finish(row, str(State.WITHDRAWN), (_STALE, {"until": row.until.isoformat()}), by=TOPIC, at=at)
        return "withdrawn"
    why = _why_over(row, at=at)
    if why is None:
        if row.asks:
            return ""
        ask(row, "well", None, by=TOPIC, at=at, reason=_SYMPTOMS)
        tell_person(row, "report", by=TOPIC, at=at)
        return "asked"
    finish(row, str(State.ENDED), why, by=TOPIC, at=at)
    tell_follow_up(row, reason=why[0] % why[1], by=TOPIC, at=at)
    tell_person(row, "ended", by=TOPIC, at=at)
    return "ended"


def _why_over(row: Order, *, at: datetime) -> tuple[str, dict[str, Any]] | None:
    """Why an order whose last day has passed ends now; None while symptoms may still last."""
    assert row.until is not None  # noqa: S101 -- the caller looked
    until = row.until.isoformat()
    if not row.is_earliest:
        return _OVER, {"until": until}
    today, pack = clock.local_day(at), queries.rules_of(row.kind, row.until)
    free, ill, well = timedelta(days=pack["free_days"]), queries.last_told_ill(row), queries.told_well_since(row)
    if well is not None and (ill is None or ill < well):
        last = max(row.until, well - timedelta(days=1) + free)
        return (_WELL, {"until": last.isoformat(), "well": well.isoformat()}) if last < today else None
    last = max(row.until, ill + free) if ill else row.until
    if last + timedelta(days=pack["unasked_days"]) < today:
        return _UNASKED, {"until": until, "days": pack["unasked_days"]}
    return None


@transaction.atomic
def forget_orders(before: datetime, at: datetime) -> int:
    """Erase orders that ended before a moment, with all that belongs to them; return how many."""
    stale = Q(state=State.DRAFT, until=None, known_at__lt=before)
    _, counts = Order.objects.filter(Q(ended__lt=before) | stale).delete()
    return counts.get("quarantine.Order", 0)


@transaction.atomic
def forget_erased(at: datetime | None = None) -> int:
    """Empty what orders of erased people say of them: where they stayed, what they needed and wrote. The days stay."""
    at = at or clock.now()
    erased = Order.objects.filter(person__erased__isnull=False)
    told = ~Q(address=b"") | ~Q(spot=b"") | ~Q(own_number=b"") | Q(watched=True) | Q(links__revoked=None, links__isnull=False)
    numbers = sorted(set(erased.filter(told).values_list("id", flat=True)))
    for row in Order.objects.select_for_update().filter(id__in=numbers):
        row.address, row.spot, row.own_number, row.facility, row.watched = b"", b"", b"", "", False
        row.save()
        audit.record("quarantine.erase", by=TOPIC, at=at, subject=row.id, person=row.person_id)
    OrderChange.objects.filter(order__in=numbers).update(former_place=b"")
    Need.objects.filter(order__in=numbers).update(text=b"")
    Appeal.objects.filter(order__in=numbers).update(text=b"", answer_text=b"")
    OrderLink.objects.filter(order__in=numbers, revoked=None).update(revoked=at)
    return len(numbers)
