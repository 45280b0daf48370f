"""The stream: everything that reaches the fence in one order, whatever process it comes to, and each step exactly once.

Each step (positions, a look for silence, a fence, an errand, a phone) is an entry that commits together with what follows
from it: transitions and alarms. The states live in memory. A process that lags plays the entries that it has not seen; a
process that was killed loads the last checkpoint and plays those since. A checkpoint writes who changed, some people in each
turn; with the last of them the entries before its first step are erased, and with them all positions but the last few of
each person. A row may so be ahead of the checkpoint: it says by how much, and steps that it holds are not done again.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from django.db import connection, transaction

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Entry, PhoneHolder, Stream, Watch
from epipolis.core import clock
from epipolis.core.sealing import seal, unseal
from epipolis.engines.fence import FenceRule, Fences, excuse, follow, notice_silence
from epipolis.engines.fence.following import TRANSITION

from .checkpoints import Checkpoint
from .memory import Memory, seconds, to_json
from .raising import TOPIC as TOPIC
from .raising import tell_transitions

_EVERY = 3.0  # seconds between two checkpoints, or more where they take long
_LAGS = 5.0  # seconds without a turn after which a process has probably missed much
_SHARE = 15  # of the time at most one part in so many goes into checkpoints


class Follower:
    """The states in this process, and the one way to change them: a turn."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._saved, self._cost, self._turned = float("-inf"), 0.0, float("-inf")
        self._forget()

    def _forget(self) -> None:
        self.memory = Memory()
        self._stream: UUID | None = None
        self._seq = self._base = -1
        self._checkpoint: Checkpoint | None = None

    @contextmanager
    def turn(self, at: datetime) -> Iterator["Turn"]:
        """Hold the stream for one transaction, with everything that came before known. Not within another transaction."""
        with self._lock:
            turn = None
            try:
                if time.monotonic() - self._turned > _LAGS:
                    self._approach()
                with transaction.atomic():
                    stream = _hold()
                    self._catch_up(stream)
                    turn = Turn(self, stream, at)
                    yield turn
                    turn.finish()
                    self._seq, self._base = stream.seq, stream.base
                self._turned = time.monotonic()
            except BaseException:
                if turn is None or turn.changes_memory:  # what is in memory may be ahead of what is stored
                    self._forget()
                raise

    def _approach(self) -> None:
        """Learn what came before without holding the stream: a process that lags keeps nobody waiting for all it missed."""
        if connection.in_atomic_block:
            return
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")  # rows and entries of one moment
            if (stream := Stream.objects.filter(only=True).first()) is not None:
                self._catch_up(stream)

    def _catch_up(self, stream: Stream) -> None:
        if self._stream != stream.id or self._seq > stream.seq:
            self._forget()
            self._stream = stream.id
        if self._seq < stream.base:
            self._load(stream)
        if self._seq < stream.seq:
            for entry in Entry.objects.filter(seq__gt=self._seq).order_by("seq"):
                self.apply(entry.kind, unseal(entry.body), entry.at, entry.seq)
        self.memory.changed[self.memory.changed <= stream.base] = 0  # another process has written them
        if self._checkpoint and self._checkpoint.upto <= stream.base:
            self._checkpoint = None
        self._seq, self._base = stream.seq, stream.base

    def _load(self, stream: Stream) -> None:
        """Rows that a checkpoint changed since; all phones."""
        memory, is_new, bare = self.memory, self._seq < 0, []
        rows = Watch.objects.filter(seq__gt=self._seq) if not is_new else Watch.objects.filter(ended=None)
        for order, ended, seq, body in rows.values_list("order_id", "ended", "seq", "body").iterator(5_000):
            if ended is not None:
                memory.release(order)
            elif not memory.unpack(order, unseal(body), seq):
                memory.release(order)
                if facts := queries.fence_facts(order, since=None):
                    memory.fence(facts)
                    bare.append(order)
        memory.phones = {}
        open_ones = PhoneHolder.objects.filter(until=None, order__watch__ended=None).order_by("id")
        for secret, order in open_ones.values_list("phone__token_hash", "order_id").iterator(5_000):
            if order in memory.row_of:
                secret = bytes.fromhex(secret)
                memory.phones[secret] = (*memory.phones.get(secret, ()), order)
        spoken_for = {order for orders in memory.phones.values() for order in orders}
        for order in bare:
            memory.has_phone[memory.row_of[order]] = order in spoken_for
        memory.changed[:] = 0
        self._seq = stream.base

    def apply(self, kind: str, body: str, at: datetime, seq: int) -> pa.Table:
        """Do one step in memory; the same step from the same states gives the same transitions."""
        memory = self.memory
        memory.step = seq
        if kind == "positions":
            table = _read(body, memory)
            return self.apply_positions(table.filter(pa.array(memory.held[table.column("person").to_numpy()] < seq)), at)
        facts = json.loads(body)
        if kind == "silence":
            return self._look(facts, at)
        if kind == "clock":
            for order, ahead in facts["orders"]:
                if order in memory.row_of and memory.held[memory.row_of[order]] < seq:
                    memory.clocks[memory.row_of[order]] = ahead
                    memory.changed[memory.row_of[order]] = seq
        elif facts["order"] in memory.row_of and memory.held[memory.row_of[facts["order"]]] >= seq:
            return TRANSITION.empty_table()
        elif kind == "fence":
            memory.fence(facts)
        elif kind == "errand":
            return self._excuse(facts, at)
        elif kind == "phone":
            memory.meet_phone(bytes.fromhex(facts["phone"]), facts["order"], seconds(at))
        elif kind == "unphone":
            memory.lose_phone(bytes.fromhex(facts["phone"]), facts["order"])
        elif kind == "end":
            memory.release(facts["order"])
        return TRANSITION.empty_table()

    def _look(self, facts: Mapping[str, Any], at: datetime) -> pa.Table:
        memory, now = self.memory, seconds(at)
        if facts["forget"]:
            memory.forget_fixes(facts["forget"], memory.held < memory.step)
        rule = fence_rule(clock.local_day(at))
        quiet = np.full(len(memory.states), facts["quiet"]) | ~memory.has_phone | (memory.held >= memory.step)
        quiet |= memory.on_errands(now, int(rule.silent_after))
        found = notice_silence(memory.states, rule, now, quiet, Fences(memory.fences))
        memory.changed[found.column("person").to_numpy()] = memory.step
        return found

    def _excuse(self, facts: Mapping[str, Any], at: datetime) -> pa.Table:
        """The errands of somebody as they are from now on; an excursion within one that holds now is none."""
        memory = self.memory
        memory.set_errands(facts["order"], facts["errands"])
        found = TRANSITION.empty_table()
        for since, until in facts["errands"] if facts["order"] in memory.row_of else ():
            ended = excuse(memory.states, memory.row_of[facts["order"]], since, until, seconds(at))
            found = ended if ended.num_rows else found
        return found

    def apply_positions(self, table: pa.Table, at: datetime, rule: FenceRule | None = None) -> pa.Table:
        """Follow positions whose `person` is a row of the memory."""
        memory, rule = self.memory, rule or fence_rule(clock.local_day(at))
        excused = memory.excused(table)
        own = table if excused is None else table.append_column("excused", pa.array(excused))
        found = follow(memory.states, own, Fences(memory.fences), rule, now=seconds(at))
        memory.note_fixes(table)
        return found

    def checkpoint(self, at: datetime) -> None:
        """Write everybody who changed until now, in turns of their own, so that others come in between."""
        upto = None
        while upto is None or self._base < upto:
            with self.turn(at) as turn:
                upto = turn.stream.seq if upto is None else upto
                turn.goes_on = True

    def save_if_due(self, turn: "Turn", *, now: bool) -> None:
        """Go on with the checkpoint, or begin one; `now`: the whole of it at once."""
        rest = _EVERY if self._checkpoint is None else 0.0
        began = time.monotonic()
        if not (now or turn.goes_on or began - self._saved > max(rest, _SHARE * self._cost)):
            return
        if now or self._checkpoint is None:
            self._checkpoint = Checkpoint.begun(self.memory, turn.stream)
        while not (done := self._checkpoint.go_on(self.memory, turn.stream)) and now:
            pass
        if done:
            self._checkpoint = None
        self._saved = time.monotonic()
        self._cost = self._saved - began


class Turn:
    """One transaction of the stream."""

    def __init__(self, follower: Follower, stream: Stream, at: datetime) -> None:
        self.follower, self.stream, self.at = follower, stream, at
        self.memory = follower.memory
        self.wants_checkpoint = self.goes_on = self.changes_memory = False

    @cached_property
    def rule(self) -> FenceRule:
        """The rule of the day, read once."""
        return fence_rule(clock.local_day(self.at))

    def step(self, kind: str, facts: Mapping[str, Any]) -> pa.Table:
        """A step that is not positions."""
        body = to_json(facts)
        self.changes_memory = True
        found = self.follower.apply(kind, body, self.at, self.stream.seq + 1)
        return self._done(kind, body, found)

    def positions(self, table: pa.Table) -> pa.Table:
        """Follow positions; columns as the fence has them, `person` a row of the memory."""
        body = _write(table, self.memory)
        self.changes_memory, self.memory.step = True, self.stream.seq + 1
        found = self.follower.apply_positions(table, self.at, self.rule)
        return self._done("positions", body, found)

    def _done(self, kind: str, body: str, found: pa.Table) -> pa.Table:
        self.stream.seq += 1
        Entry.objects.create(seq=self.stream.seq, kind=kind, at=self.at, body=seal(body))
        if found.num_rows:
            tell_transitions(self.memory, found, at=self.at)
        return found

    def finish(self) -> None:
        self.changes_memory = True
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
