"""Taking back what was done by mistake, as long as nothing stands on it; the history keeps both."""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.quarantine.events import OrderIssued
from epipolis.act.quarantine.models import OPEN, Order, OrderChange, State
from epipolis.core import audit, clock, events, live
from epipolis.sense.people import queries as people

from .changing import DAYS, PLACE, TOLD, former_place
from .follow_ups import tell_follow_up
from .storing import TOPIC, OrderError, locked
from .telling import tell_person

_FIELDS = {
    "extended": DAYS, "shortened": DAYS, "confirmed": DAYS, "declined": DAYS, "moved": PLACE, "verbal": TOLD, "written": TOLD,
    "lifted": ("state",), "withdrawn": ("state",),
}  # fmt: skip
UNDOABLE = frozenset(_FIELDS)
_DATES = {"until", "standard_until", "well_since"}
_MOMENTS = {"moved_at", "verbal_at", "written_at"}
_REASON = gettext_noop("A mistake was taken back.")


@transaction.atomic
def undo(change_id: int, *, by: audit.Actor, at: datetime) -> Order:
    """Take a change of an order back: the newest one of its kind, while the order still stands where it led.

    Raises:
        OrderChange.DoesNotExist: there is none.
        OrderError: it cannot be taken back (any more).
    """
    line = OrderChange.objects.select_for_update().get(id=change_id)
    row = locked(line.order_id)
    fields = _FIELDS.get(line.kind)
    if fields is None or line.undone_at is not None:
        raise OrderError("change", gettext_noop("cannot be taken back"))
    if _stands_on(line, fields):
        raise OrderError("change", gettext_noop("take the later change back first"))
    if line.kind in (State.LIFTED, State.WITHDRAWN):
        _reopen(row, line, at=at)
    elif row.state != State.ISSUED:
        raise OrderError("state", gettext_noop("this order is not in force"))
    else:
        _restore(row, line, fields, at=at)
    line.undone_at, line.undone_by = at, audit.actor_name(by)
    line.save(update_fields=["undone_at", "undone_by"])
    row.revision += 1
    row.save()
    audit.record("quarantine.undo", by=by, at=at, subject=row.id, person=row.person_id, kind=line.kind)
    live.tell(TOPIC, order=row.id)
    if row.state == State.ISSUED and line.kind in (*_TOLD, State.LIFTED):
        tell_follow_up(row, reason=_REASON, by=by, at=at)
        tell_person(row, "corrected", by=by, at=at, reason=_REASON)
    return row


_TOLD = ("extended", "shortened", "confirmed", "moved")


def _stands_on(line: OrderChange, fields: tuple[str, ...]) -> bool:
    """Whether a later change touched the same columns."""
    kinds = [kind for kind, names in _FIELDS.items() if names == fields]
    later = OrderChange.objects.filter(order=line.order_id, id__gt=line.id, undone_at=None, kind__in=kinds)
    return later.exists()


def _restore(row: Order, line: OrderChange, fields: tuple[str, ...], *, at: datetime) -> None:
    before: dict[str, Any] = line.before
    until = _read("until", before.get("until"))
    if "until" in fields and (until is None or until < clock.local_day(at)):
        raise OrderError("change", gettext_noop("its former last day is over"))
    newer = row.asks  # what was asked since is asked still
    for name in fields:
        setattr(row, name, _read(name, before.get(name)))
    row.asks = newer or row.asks
    if line.kind == "moved":
        row.address, row.spot = former_place(line.former_place)
        row.moved_at = at  # the phone is on its way back
        if row.watched and not row.spot:
            raise OrderError("change", gettext_noop("the former place was not on the map, and the person is watched by phone"))


def _reopen(row: Order, line: OrderChange, *, at: datetime) -> None:
    if row.state != line.kind:
        raise OrderError("state", gettext_noop("the order has changed since"))
    if row.until is not None and row.until < clock.local_day(at):
        raise OrderError("change", gettext_noop("its last day is over"))
    others = Order.objects.filter(OPEN, person__in=people.same_person(row.person_id), kind=row.kind)
    if others.exists():
        raise OrderError("change", gettext_noop("the person has another order now"))
    row.state, row.ended, row.end_reason = line.before["state"], None, {}
    if row.state == State.ISSUED:
        events.publish(OrderIssued(order=row.id, person=row.person_id, kind=str(row.kind)))


def _read(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DATES:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if name in _MOMENTS else value
