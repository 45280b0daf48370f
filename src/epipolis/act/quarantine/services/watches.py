"""Whom the fence follows: as orders say. When watching ends, positions are deleted and a receipt counts what went."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Q

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.events import OrderChanged, OrderEnded, OrderIssued
from epipolis.act.quarantine.models import Alarm, Order, Phone, PhoneHolder, Receipt, ShiftNote, State, Step, Transition, Watch
from epipolis.core import audit, clock

from .memory import seconds
from .raising import close_quietly
from .streaming import TOPIC, Turn, follower

_MATTERS = {"watch", "place", "days"}


def sync_watch(order_id: int, *, at: datetime) -> None:
    """Let the fence of an order be as the order says: begun, moved, ended. Twice changes nothing."""
    with follower.turn(at) as turn:
        facts = queries.fence_facts(order_id, since=None)
        row = Watch.objects.filter(order=order_id).first()
        if facts is None:
            if row is not None and row.ended is None:
                _end(turn, row, at=at)
            return
        is_new = row is None or row.ended is not None
        if is_new:
            fresh = {"began": at, "body": b"", "state": "unknown"} | dict.fromkeys(("ended", "since", "heard", "clock_ahead"))
            Watch.objects.update_or_create(order_id=order_id, defaults=fresh)
            audit.record("quarantine.follow", by=TOPIC, at=at, subject=order_id)
        elif _stands(turn, facts):
            return
        elif _is_elsewhere(turn, facts):
            moved = Order.objects.values_list("moved_at", flat=True).get(id=order_id)
            facts = queries.fence_facts(order_id, since=moved or at) or facts
        turn.step("fence", facts)


def _stands(turn: Turn, facts: dict[str, Any]) -> bool:
    if facts["order"] not in turn.memory.row_of:
        return False
    own = turn.memory.fences[turn.memory.row_of[facts["order"]]]
    errands = turn.memory.errands.get(turn.memory.row_of[facts["order"]], [])
    return not _is_elsewhere(turn, facts) and bool(own["ends"] == facts["ends"]) and errands == [*map(tuple, facts["errands"])]


def _is_elsewhere(turn: Turn, facts: dict[str, Any]) -> bool:
    if facts["order"] not in turn.memory.row_of:
        return False
    own = turn.memory.fences[turn.memory.row_of[facts["order"]]]
    prefix = "next_" if not np.isnan(own["next_lon"]) and own["next_lat"] != 0 else ""
    return any(own[f"{prefix}{name}"] != facts[name] for name in ("lon", "lat", "radius"))


def _end(turn: Turn, row: Watch, *, at: datetime) -> None:
    """Tracking stops now: the state, the fixes and the ways between states go; what an alarm stands on stays for appeals."""
    memory, order = turn.memory, row.order_id
    seen = set(memory.fixes["time"][memory.row_of[order]].tolist()) - {0} if order in memory.row_of else set()
    turn.step("end", {"order": order})
    for one in Alarm.objects.select_for_update().filter(order=order).exclude(state=Alarm.State.CLOSED):
        close_quietly(one, str(Alarm.Outcome.ENDED), "ended", at=at)
    kept = Alarm.objects.filter(order=order).exclude(evidence=b"")
    told = Transition.objects.filter(order=order).filter(
        Q(excursion=None) | ~Q(excursion__in=kept.values_list("excursion", flat=True))
    )
    transitions, _ = told.delete()
    phones = _end_phones(order, by=TOPIC, at=at)
    row.ended, row.body, row.seq, row.battery, row.charging = at, b"", turn.stream.seq, None, None
    row.clock_ahead = None
    row.save()
    days = queries.paper_rules(clock.local_day(at))["appeal_days"]
    evidence = kept.count()
    fixes = len(seen - queries.kept_fixes(order))
    Receipt.objects.create(
        order_id=order, at=at, fixes=fixes, transitions=transitions, phones=phones, evidence=evidence,
        evidence_until=at + timedelta(days=days) if evidence else None,
    )  # fmt: skip
    audit.record("quarantine.unfollow", by=TOPIC, at=at, subject=order, fixes=fixes, transitions=transitions, phones=phones)
    turn.wants_checkpoint = True  # the entries since the last one still hold positions


def _end_phones(order: int, *, by: audit.Actor, at: datetime) -> int:
    held = list(PhoneHolder.objects.filter(order=order, until=None).values_list("phone_id", flat=True))
    PhoneHolder.objects.filter(order=order, until=None).update(until=at)
    alone = Phone.objects.filter(id__in=held, ended=None).exclude(holders__until=None)
    alone.update(ended=at, ended_by=audit.actor_name(by))
    return len(held)


def on_order_issued(event: OrderIssued) -> None:
    """Nearly nobody is watched from the beginning: then the stream is not held for them."""
    if Order.objects.filter(Q(watched=True) | Q(watch__isnull=False), id=event.order).exists():
        sync_watch(event.order, at=clock.now())


def on_order_changed(event: OrderChanged) -> None:
    if _MATTERS & set(event.changed):
        sync_watch(event.order, at=clock.now())


def on_order_ended(event: OrderEnded) -> None:
    sync_watch(event.order, at=clock.now())


def sync_watches(at: datetime | None = None) -> dict[str, int]:
    """What was missed: watches without a watched order, watched orders without a watch, and orders of erased people."""
    at = at or clock.now()
    over = Watch.objects.filter(ended=None).exclude(order__state=State.ISSUED, order__watched=True)
    missing = Order.objects.filter(state=State.ISSUED, watched=True).filter(Q(watch=None) | Q(watch__ended__isnull=False))
    numbers = [*over.values_list("order_id", flat=True)[:2_000], *missing.values_list("id", flat=True)[:2_000]]
    for number in numbers:
        sync_watch(number, at=at)
    gone = Alarm.objects.filter(order__person__erased__isnull=False)
    gone.exclude(evidence=b"").update(evidence=b"")
    Step.objects.filter(alarm__in=gone).exclude(text=b"").update(text=b"")
    Phone.objects.filter(holders=None).delete()
    return {"synced": len(numbers)}


def look_for_silence(at: datetime | None = None) -> dict[str, int]:
    """Notice who has fallen silent, outside quiet hours; and forget fixes that are old enough."""
    at = at or clock.now()
    pack = queries.fence_rules(clock.local_day(at))
    before = at - timedelta(hours=pack["fixes_kept"])
    with follower.turn(at) as turn:
        quiet = queries.is_quiet(at, pack)
        found = turn.step("silence", {"quiet": quiet, "forget": seconds(before)})
    follower.checkpoint(at)
    return {"silent": found.num_rows}


@transaction.atomic
def forget_evidence(before: datetime, at: datetime) -> int:
    """Erase what alarms stood on when the time for appeals is over; `before`: the end of watching. Open appeals wait."""
    over = Watch.objects.filter(ended__lt=before).exclude(order__appeals__answered_at=None, order__appeals__isnull=False)
    orders = list(over.filter(order__receipts__evidence_gone=None).values_list("order_id", flat=True).distinct())
    kept = Alarm.objects.filter(order__in=orders).exclude(evidence=b"")
    count = kept.update(evidence=b"")
    gone, _ = Transition.objects.filter(order__in=orders).delete()
    Step.objects.filter(alarm__order__in=orders).exclude(text=b"").update(text=b"")
    Receipt.objects.filter(order__in=orders, evidence_gone=None).update(evidence_gone=at)
    return count + gone


@transaction.atomic
def forget_shift_notes(before: datetime, at: datetime) -> int:
    """Erase what shifts told each other long ago."""
    gone, _ = ShiftNote.objects.filter(at__lt=before).delete()
    return gone
