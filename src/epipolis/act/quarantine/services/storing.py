"""How a change of an order is written: the row, its history, the trail, the open pages, and what is told downstream."""

from datetime import datetime
from typing import Any

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.events import OrderChanged, OrderEnded
from epipolis.act.quarantine.models import Order, OrderChange, State
from epipolis.core import audit, clock, events, live
from epipolis.core.rules import Decision

TOPIC = "quarantine"


class OrderError(ValueError):
    """Something about an order that cannot be: the field and the rule it breaks."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule


def locked(order_id: int) -> Order:
    """The order, held until the transaction ends.

    Raises:
        Order.DoesNotExist: there is none.
    """
    return Order.objects.select_for_update().get(id=order_id)


def values(row: Order, names: tuple[str, ...]) -> dict[str, Any]:
    """Some columns as the history keeps them."""
    found = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in found.items()}


def store(
    row: Order,
    kind: str,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    by: audit.Actor,
    at: datetime,
    reason: str = "",
    former_place: bytes = b"",
    told: tuple[str, ...] = (),
    **detail: Any,
) -> OrderChange:
    """Save an order that the caller has locked, with one line of its history; `told` names what changed, for others."""
    row.revision += 1
    row.save()
    line = OrderChange.objects.create(
        order=row,
        kind=kind,
        before=before,
        after=after,
        former_place=former_place,
        reason=reason,
        by=audit.actor_name(by),
        at=at,
    )
    audit.record(f"quarantine.{kind}", by=by, at=at, subject=row.id, person=row.person_id, **detail)
    live.tell(TOPIC, order=row.id)
    if told and row.state == State.ISSUED:
        events.publish(OrderChanged(order=row.id, person=row.person_id, changed=told))
    return line


def finish(
    row: Order,
    state: str,
    why: tuple[str, dict[str, Any]],
    *,
    by: audit.Actor,
    at: datetime,
    reason: str = "",
) -> OrderChange:
    """End an order that the caller has locked, as lifted, ended or withdrawn; who was watched is watched no longer."""
    before, was_issued = {"state": str(row.state)}, row.state == State.ISSUED
    day = clock.local_day(at)
    row.state, row.ended, row.asks, row.watched = state, at, {}, False
    row.end_reason = Decision(str(state), queries.rules_of(row.kind, day).reference, day, {}, (why,)).to_json()
    line = store(row, str(state), before, {"state": str(state)}, by=by, at=at, reason=reason or why[0] % why[1])
    if was_issued:
        events.publish(OrderEnded(order=row.id, person=row.person_id, state=str(state)))
    return line
