"""The stream: everything that reaches the fence in one order, whatever process it comes to, and each step exactly once.

Each step (positions, a look for silence, a fence, a phone) is an entry that commits together with what follows from it:
transitions and alarms. The states live in memory. A process that lags plays the entries that it has not seen; a process that
was killed loads the last checkpoint and plays those since. A checkpoint writes who changed and erases the entries, and with
them all positions but the last few of each person.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from django.db import connection, transaction

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Entry, PhoneHolder, Stream, Watch
from epipolis.core import clock, live
from epipolis.core.sealing import seal, unseal
from epipolis.engines.fence import STATES, FenceRule, Fences, follow, notice_silence
from epipolis.engines.fence.fences import NEVER
from epipolis.engines.fence.following import TRANSITION

from .memory import Memory, seconds, to_json
from .raising import keep_evidence, tell_transitions

TOPIC = "fence"
_EVERY = 3.0  # seconds between two checkpoints, or more where they take long
_SHARE = 15  # of the time at most one part in so many goes into checkpoints
_SAVE = """
UPDATE quarantine_watch w SET seq = %s, body = n.body, state = n.state, since = to_timestamp(n.since),
  heard = to_timestamp(n.heard), battery = n.battery, charging = n.charging
FROM unnest(%s::bigint[], %s::bytea[], %s::text[], %s::bigint[], %s::bigint[], %s::float8[], %s::boolean[])
  AS n(order_id, body, state, since, heard, battery, charging)
WHERE w.order_id = n.order_id AND w.ended IS NULL
"""


class Follower:
    """The states in this process, and the one way to change them: a turn."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._saved, self._cost = float("-inf"), 0.0
        self._forget()

    def _forget(self) -> None:
        self.memory = Memory()
        self._stream: UUID | None = None
        self._seq = self._base = -1

    @contextmanager
    def turn(self, at: datetime) -> Iterator["Turn"]:
        """Hold the stream for one transaction, with everything that came before known. Not within another transaction."""
        with self._lock:
            try:
                with transaction.atomic():
                    stream = _hold()
                    self._catch_up(stream)
                    turn = Turn(self, stream, at)
                    yield turn
                    turn.finish()
                    self._seq, self._base = stream.seq, stream.base
            except BaseException:
                self._forget()  # what is in memory may be ahead of what is stored
                raise

    def _catch_up(self, stream: Stream) -> None:
        if self._stream != stream.id or self._seq > stream.seq:
            self._forget()
            self._stream = stream.id
        if self._seq < stream.base:
            self._load(stream)
        if self._seq < stream.seq:
            for entry in Entry.objects.filter(seq__gt=self._seq).order_by("seq"):
                self.apply(entry.kind, unseal(entry.body), entry.at)
        self._seq, self._base = stream.seq, stream.base

    def _load(self, stream: Stream) -> None:
        """Rows that a checkpoint changed since; all phones."""
        memory, is_new = self.memory, self._seq < 0
        rows = Watch.objects.filter(seq__gt=self._seq) if not is_new else Watch.objects.filter(ended=None)
        for order, ended, body in rows.values_list("order_id", "ended", "body").iterator(5_000):
            if ended is not None:
                memory.release(order)
            elif not memory.unpack(order, unseal(body)) and (facts := queries.fence_facts(order, since=None)):
                memory.fence(facts)
        memory.phones, memory.has_phone[:] = {}, False
        open_ones = PhoneHolder.objects.filter(until=None, order__watch__ended=None).order_by("id")
        for secret, order in open_ones.values_list("phone__token_hash", "order_id").iterator(5_000):
            if order in memory.row_of:
                secret = bytes.fromhex(secret)
                memory.phones[secret] = (*memory.phones.get(secret, ()), order)
                memory.has_phone[memory.row_of[order]] = True
        memory.dirty[:] = False
        self._seq = stream.base

    def apply(self, kind: str, body: str, at: datetime) -> pa.Table:
        """Do one step in memory; the same step from the same states gives the same transitions."""
        if kind == "positions":
            return self.apply_positions(_read(body, self.memory), at)
        facts, memory = json.loads(body), self.memory
        if kind == "silence":
            if facts["forget"]:
                memory.forget_fixes(facts["forget"])
            rule, quiet = fence_rule(clock.local_day(at)), np.full(len(memory.states), facts["quiet"]) | ~memory.has_phone
            found = notice_silence(memory.states, rule, seconds(at), quiet, Fences(memory.fences))
            memory.dirty[found.column("person").to_numpy()] = True
            return found
        if kind == "fence":
            memory.fence(facts)
        elif kind == "phone":
            memory.meet_phone(bytes.fromhex(facts["phone"]), facts["order"], seconds(at))
        elif kind == "unphone":
            memory.lose_phone(bytes.fromhex(facts["phone"]), facts["order"])
        elif kind == "end":
            memory.release(facts["order"])
        return TRANSITION.empty_table()

    def apply_positions(self, table: pa.Table, at: datetime) -> pa.Table:
        """Follow positions whose `person` is a row of the memory."""
        memory = self.memory
        rule = fence_rule(clock.local_day(at))
        found = follow(memory.states, table, Fences(memory.fences), rule, now=seconds(at))
        memory.note_fixes(table)
        return found

    def save_if_due(self, turn: "Turn", *, now: bool = False) -> None:
        waited = time.monotonic() - self._saved
        if now or waited > max(_EVERY, _SHARE * self._cost):
            began = time.monotonic()
            self._save(turn)
            self._saved = time.monotonic()
            self._cost = self._saved - began

    def _save(self, turn: "Turn") -> None:
        """The checkpoint: who changed since the last one is written, and the entries go."""
        memory, stream = self.memory, turn.stream
        rows = np.flatnonzero(memory.dirty & (memory.orders >= 0))
        if rows.size:
            own = memory.states.rows[rows]
            keep_evidence(memory, rows[(own["excursion"] > NEVER) | (own["doubts"] > 0)])
            with connection.cursor() as cursor:
                cursor.execute(
                    _SAVE,
                    [
                        stream.seq,
                        memory.orders[rows].tolist(),
                        [seal(memory.packed(row)) for row in rows.tolist()],
                        [STATES[state] for state in own["state"].tolist()],
                        [value if value > 0 else None for value in own["since"].tolist()],
                        [value if value > 0 else None for value in own["time"].tolist()],
                        [None if np.isnan(value) else float(value) for value in own["battery"].tolist()],
                        [None if value < 0 else bool(value) for value in own["charging"].tolist()],
                    ],
                )
            live.tell(TOPIC)
        Entry.objects.filter(seq__lte=stream.seq).delete()
        stream.base = stream.seq
        memory.dirty[:] = False


class Turn:
    """One transaction of the stream."""

    def __init__(self, follower: Follower, stream: Stream, at: datetime) -> None:
        self.follower, self.stream, self.at = follower, stream, at
        self.memory = follower.memory
        self.wants_checkpoint = False

    def step(self, kind: str, facts: Mapping[str, Any]) -> pa.Table:
        """A step that is not positions."""
        body = to_json(facts)
        found = self.follower.apply(kind, body, self.at)
        return self._done(kind, body, found)

    def positions(self, table: pa.Table) -> pa.Table:
        """Follow positions; columns as the fence has them, `person` a row of the memory."""
        body = _write(table, self.memory)
        found = self.follower.apply_positions(table, self.at)
        return self._done("positions", body, found)

    def _done(self, kind: str, body: str, found: pa.Table) -> pa.Table:
        self.stream.seq += 1
        Entry.objects.create(seq=self.stream.seq, kind=kind, at=self.at, body=seal(body))
        if found.num_rows:
            tell_transitions(self.memory, found, at=self.at)
        return found

    def finish(self) -> None:
        self.follower.save_if_due(self, now=self.wants_checkpoint)
        self.stream.save(update_fields=["seq", "base"])


follower = Follower()


def _hold() -> Stream:
    held = Stream.objects.select_for_update().filter(only=True).first()
    if held is None:
        Stream.objects.bulk_create([Stream()], ignore_conflicts=True)
        held = Stream.objects.select_for_update().get(only=True)
    return held


@lru_cache(64)
def _rule_of(text: str) -> FenceRule:
    return FenceRule(**json.loads(text))


def fence_rule(day: Any) -> FenceRule:
    """The distances and times by which the fence decides on a day."""
    return _rule_of(json.dumps(queries.fence_rules(day)["rule"]))


def _write(table: pa.Table, memory: Memory) -> str:
    orders = memory.orders[table.column("person").to_numpy()]
    kept = table.set_column(table.column_names.index("person"), "order", pa.array(orders))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, kept.schema) as writer:
        writer.write_table(kept)
    return sink.getvalue().to_pybytes().decode("latin-1")


def _read(body: str, memory: Memory) -> pa.Table:
    table = pa.ipc.open_stream(body.encode("latin-1")).read_all()
    rows = np.fromiter((memory.row_of.get(one, -1) for one in table.column("order").to_pylist()), np.int32, table.num_rows)
    table = table.set_column(table.column_names.index("order"), "person", pa.array(rows))
    return table.filter(pa.array(rows >= 0))
