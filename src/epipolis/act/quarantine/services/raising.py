"""What follows from transitions: they are written once, and an excursion or a silence raises one alarm."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection
from numpy.typing import NDArray

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.events import AlarmRaised
from epipolis.act.quarantine.models import Alarm, Order, Step, Transition
from epipolis.core import audit, clock, events, live
from epipolis.core.sealing import seal, unseal
from epipolis.engines.fence import REASONS, STATES

from .memory import Memory, as_fixes

TOPIC = "fence"
MOST_FIXES = 200  # of one alarm's evidence
_BY_STATE = {"outside": "left", "silent": "silent", "off": "off"}
_NOW = """
UPDATE quarantine_watch w SET state = n.state, since = to_timestamp(n.since)
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS n(order_id, state, since)
WHERE w.order_id = n.order_id AND w.ended IS NULL
"""


def tell_transitions(memory: Memory, found: pa.Table, *, at: datetime) -> None:
    """Write transitions and what follows: the state of the moment, alarms, returns; and tell the open pages."""
    rows = found.to_pylist()
    for row in rows:
        row["order"] = int(memory.orders[row["person"]])
        row["at"] = datetime.fromtimestamp(row["time"], UTC)
        row["before"], row["after"], row["reason"] = (
            STATES[row["before"]],
            STATES[row["after"]],
            REASONS[row["reason"]],
        )
    Transition.objects.bulk_create(
        [
            Transition(
                order_id=row["order"],
                known_at=at,
                **{name: row[name] for name in ("at", "before", "after", "reason", "excursion", "distance", "accuracy")},
            )
            for row in rows
        ],
        ignore_conflicts=True,
        batch_size=2_000,
    )
    last = {row["order"]: row for row in rows if row["before"] != row["after"]}
    if last:
        with connection.cursor() as cursor:
            cursor.execute(_NOW, [list(last), [r["after"] for r in last.values()], [r["time"] for r in last.values()]])
    _raise(memory, rows, at=at)
    _note_returns(rows, at=at)
    _note_errands(rows, at=at)
    live.tell(TOPIC)


def _kind(row: dict[str, Any]) -> str:
    if row["reason"] == "agreed":
        return ""
    return "spoofed" if row["reason"] == "spoofed" else _BY_STATE.get(row["after"], "")


def _raise(memory: Memory, rows: list[dict[str, Any]], *, at: datetime) -> None:
    wanted: dict[tuple[int, str, int], dict[str, Any]] = {}
    for row in rows:
        if (kind := _kind(row)) and row["excursion"] is not None:
            wanted.setdefault((row["order"], kind, row["excursion"]), row)
    if not wanted:
        return
    known = set(
        Alarm.objects.filter(order__in={one for one, _, _ in wanted}, excursion__in={one for _, _, one in wanted}).values_list(
            "order_id", "kind", "excursion"
        )
    )
    fresh = {key: row for key, row in wanted.items() if key not in known}
    pack = queries.fence_rules(clock.local_day(at))
    made = Alarm.objects.bulk_create(
        [
            Alarm(
                order_id=order,
                kind=kind,
                excursion=excursion,
                at=row["at"],
                known_at=at,
                due=queries.first_due(kind, at, pack),
                evidence=seal(json.dumps(as_fixes(memory.fixes[row["person"]]))),
            )
            for (order, kind, excursion), row in fresh.items()
        ],
        batch_size=2_000,
    )
    Step.objects.bulk_create([Step(alarm=one, kind="raised", at=at, by=TOPIC) for one in made], batch_size=2_000)
    people = dict(Order.objects.filter(id__in={one.order_id for one in made}).values_list("id", "person_id"))
    for one in made:
        audit.record("quarantine.alarm", by=TOPIC, at=at, subject=one.id, person=people[one.order_id], kind=one.kind)
    events.publish_many(
        [AlarmRaised(alarm=one.id, order=one.order_id, person=people[one.order_id], kind=one.kind) for one in made]
    )


def _note_returns(rows: Iterable[dict[str, Any]], *, at: datetime) -> None:
    """Who is back is asked, not accused; who is heard again needs nobody's call."""
    back = {row["order"]: row["at"] for row in rows if row["after"] == "inside" and row["reason"] == "position"}
    heard = {row["order"] for row in rows if row["before"] in ("silent", "off") and row["reason"] == "position"}
    if not back and not heard:
        return
    open_ones = Alarm.objects.select_for_update().filter(order__in={*back, *heard}).exclude(state=Alarm.State.CLOSED)
    for one in open_ones.order_by("id"):
        if one.kind == Alarm.Kind.LEFT and one.returned is None and (returned := back.get(one.order_id)) and returned > one.at:
            one.returned = returned
            if one.next_step == Alarm.Next.VISIT:  # nobody needs to go there any more; somebody still asks
                one.next_step, one.due = Alarm.Next.CALL, at
            one.save(update_fields=["returned", "next_step", "due"])
            Step.objects.create(alarm=one, kind="returned", at=at, by=TOPIC)
        elif one.kind in (Alarm.Kind.SILENT, Alarm.Kind.OFF) and one.order_id in heard:
            close_quietly(one, str(Alarm.Outcome.HEARD), "heard", at=at)


def _note_errands(rows: Iterable[dict[str, Any]], *, at: datetime) -> None:
    """What was agreed after the alarm rose: nobody need ask any more where the person is."""
    for row in rows:
        if row["reason"] == "agreed":
            open_ones = Alarm.objects.select_for_update().exclude(state=Alarm.State.CLOSED)
            for one in open_ones.filter(order=row["order"], kind=Alarm.Kind.LEFT, excursion=row["excursion"]):
                close_quietly(one, str(Alarm.Outcome.ALLOWED), "errand", at=at)


def close_quietly(one: Alarm, outcome: str, kind: str, *, at: datetime) -> None:
    """An alarm that is over by itself; one that somebody has taken is left to them, with a note."""
    if one.state == Alarm.State.NEW or outcome == Alarm.Outcome.ENDED:
        one.state, one.outcome, one.next_step, one.due = Alarm.State.CLOSED, outcome, Alarm.Next.NOTHING, None
        one.closed_at, one.closed_by = at, TOPIC
    if outcome != Alarm.Outcome.ALLOWED:
        one.returned = one.returned or at
    one.save()
    Step.objects.create(alarm=one, kind=kind, at=at, by=TOPIC)


def keep_evidence(memory: Memory, rows: NDArray[np.int64]) -> None:
    """Add the newest fixes of people on an excursion to what their open alarm keeps."""
    if not rows.size:
        return
    of = {int(memory.orders[row]): int(row) for row in rows}
    changed = []
    open_ones = Alarm.objects.filter(order__in=of, kind__in=(Alarm.Kind.LEFT, Alarm.Kind.SPOOFED), returned=None)
    for one in open_ones.filter(closed_at=None).only("id", "order_id", "evidence"):
        kept = {fix["time"]: fix for fix in json.loads(unseal(one.evidence) or "[]")}
        kept |= {fix["time"]: fix for fix in as_fixes(memory.fixes[of[one.order_id]])}
        newest = [kept[time] for time in sorted(kept, reverse=True)[:MOST_FIXES]]
        one.evidence = seal(json.dumps(newest))
        changed.append(one)
    Alarm.objects.bulk_update(changed, ["evidence"], batch_size=500)
