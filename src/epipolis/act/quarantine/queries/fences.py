"""The fence as its services and pages ask for it: rules of the day, quiet hours, whose fence is where."""

from datetime import date, datetime, time, timedelta
from typing import Any

from epipolis.act.quarantine.models import Order, State
from epipolis.core import clock, rules
from epipolis.core.rules import RulePack

from .errands import errand_spans
from .orders import ends_at


def fence_rules(day: date) -> RulePack:
    """The rules of the fence and of what follows an alarm, on a day."""
    return rules.in_force("fence", day)


def is_quiet(at: datetime, pack: RulePack) -> bool:
    return quiet_until(at, pack) is not None


def quiet_until(at: datetime, pack: RulePack) -> datetime | None:
    """The end of the quiet hours in which a moment lies, by the city's clock; None outside of them."""
    here, hours = at.astimezone(clock.zone()), pack["quiet"]
    starts, ends = time.fromisoformat(hours["from"]), time.fromisoformat(hours["until"])
    now = here.time().replace(tzinfo=None)
    over_night = starts > ends
    if not (starts <= now or now < ends if over_night else starts <= now < ends):
        return None
    day = here.date() + timedelta(days=1 if over_night and now >= starts else 0)
    # Built from the local day: on a night when the clock is changed the morning is an hour nearer or further.
    return datetime.combine(day, ends, tzinfo=clock.zone()).astimezone(at.tzinfo)


def not_at_night(kind: str, at: datetime, pack: RulePack) -> datetime:
    """When something about an alarm is due: in quiet hours only for somebody who seems to be away."""
    return at if kind == "left" else quiet_until(at, pack) or at


def first_due(kind: str, at: datetime, pack: RulePack) -> datetime:
    """When the message that an alarm begins with is due."""
    return not_at_night(kind, at + timedelta(minutes=pack["message_after"][kind]), pack)


def fence_facts(order_id: int, *, since: datetime | None) -> dict[str, Any] | None:
    """The fence of an order as the stream takes it; None where nobody is to be watched. `since`: the person moved then."""
    row = Order.objects.filter(id=order_id, state=State.ISSUED, watched=True).first()
    if row is None or not row.spot or row.starts is None:
        return None
    ends = ends_at(row)
    assert ends is not None  # noqa: S101 -- an issued order has days, by a constraint
    starts = max(row.watched_since or clock.start_of(row.starts), clock.start_of(row.starts))
    facts: dict[str, Any] = {"order": row.id, "lon": row.lon, "lat": row.lat, "radius": float(row.radius)}
    facts |= {"starts": int(starts.timestamp()), "ends": max(int(ends.timestamp()), int(starts.timestamp()) + 1)}
    facts["errands"] = errand_spans(row.id)
    if since is not None:
        hours = fence_rules(clock.local_day(since))["move_hours"]
        facts |= {"moved_at": int(since.timestamp()), "move_until": int(since.timestamp()) + int(hours * 3600)}
    return facts


def appeal_days() -> int:
    """So many days after its end an order can be appealed."""
    return int(rules.in_force("orders", clock.today())["appeal_days"])
