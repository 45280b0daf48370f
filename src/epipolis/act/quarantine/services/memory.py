"""What one process remembers of everybody who is watched: fences, states, last fixes, errands, and whose phone is whose."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epipolis.engines.fence import Fences, States
from epipolis.engines.fence.fences import ALWAYS, FENCE, NEVER
from epipolis.engines.fence.states import STATE

KEPT = 12  # last fixes of a person; around an excursion they become its evidence
FIX = np.dtype([("time", "<i8"), ("lon", "<f8"), ("lat", "<f8"), ("accuracy", "<f4"), ("source", "<i4")])
Rows = NDArray[Any]
_HEAD = np.dtype([("has_phone", "<i4"), ("errands", "<i4"), ("clock", "<i8")])
_SPAN = np.dtype([("since", "<i8"), ("until", "<i8")])
_SHAPE = f"{crc32(repr((FENCE.descr, STATE.descr, _HEAD.descr, FIX.descr, KEPT)).encode()):08x}"
_FENCE, _STATE = FENCE.itemsize, STATE.itemsize
_FIXED = _FENCE + _STATE + _HEAD.itemsize
_SECONDS = 34  # bits of a moment in a key of person and moment


@dataclass
class Memory:
    """Arrays with one row for each watched person; a row that is given back belongs to nobody until it is needed again."""

    states: States = field(default_factory=lambda: States.new(0))
    fences: Rows = field(default_factory=lambda: np.zeros(0, FENCE))
    fixes: Rows = field(default_factory=lambda: np.zeros((0, KEPT), FIX))
    orders: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    has_phone: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    changed: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # by which step; 0: stands in the table
    held: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # the step up to which it was read
    clocks: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # seconds ahead; 0: right, as far as known
    errands: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # row → times at which one may be elsewhere
    row_of: dict[int, int] = field(default_factory=dict)
    phones: dict[bytes, tuple[int, ...]] = field(default_factory=dict)  # hash of the secret → orders
    free: list[int] = field(default_factory=list)
    step: int = 1  # the one that is being done
    _keys: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None  # of all errands: where they begin, and end

    def row(self, order: int) -> int:
        """The row of an order, a new one where there is none."""
        if order not in self.row_of:
            if not self.free:
                self._grow()
            row = self.free.pop()
            self.row_of[order], self.orders[row] = row, order
        return self.row_of[order]

    def release(self, order: int) -> int:
        """Forget a person altogether; returns how many fixes were kept."""
        if order not in self.row_of:
            return 0
        row = self.row_of.pop(order)
        kept = int((self.fixes["time"][row] > 0).sum())
        self._empty(slice(row, row + 1))
        self.free.append(row)
        self.phones = {one: left for one, had in self.phones.items() if (left := tuple(o for o in had if o != order))}
        return kept

    def _grow(self) -> None:
        had = len(self.orders)
        more = max(64, had)
        self.states = self.states.grown(had + more)
        self.fences = _longer(self.fences, more)
        self.fixes = _longer(self.fixes, more)
        self.orders = np.concatenate([self.orders, np.full(more, -1)])
        self.has_phone = np.concatenate([self.has_phone, np.zeros(more, bool)])
        for name in ("changed", "held", "clocks"):
            setattr(self, name, np.concatenate([getattr(self, name), np.zeros(more, np.int64)]))
        self._empty(slice(had, had + more))
        self.free += range(had + more - 1, had - 1, -1)

    def _empty(self, rows: slice) -> None:
        self.states.rows[rows] = States.new(1).rows[0]
        self.fences[rows] = np.zeros(1, FENCE)[0]
        for name, value in (("starts", ALWAYS), ("ends", ALWAYS), ("move_from", ALWAYS), ("move_until", ALWAYS)):
            self.fences[name][rows] = value
        self.fixes[rows] = np.zeros(1, FIX)[0]
        self.orders[rows], self.has_phone[rows] = -1, False
        self.changed[rows] = self.held[rows] = self.clocks[rows] = 0
        for row in range(rows.start, rows.stop) if self.errands else ():
            self._set_errands(row, [])

    def fence(self, facts: Mapping[str, Any]) -> None:
        """Set or move the fence of an order. Somebody who moves may be at both places until `move_until`."""
        row = self.row(facts["order"])
        new = Fences.of(facts["lon"], facts["lat"], facts["radius"], starts=facts["starts"], ends=facts["ends"]).rows[0].copy()
        own = self.fences[row]
        since = facts.get("move_until") and own["lat"] != 0 and facts["moved_at"]
        if since:
            if own["move_until"] <= since:  # the former move is over
                for name in ("lon", "lat", "radius", "narrow"):
                    own[name] = own[f"next_{name}"]
            for name in ("lon", "lat", "radius", "narrow"):
                own[f"next_{name}"] = new[name]
            own["move_from"], own["move_until"] = since, facts["move_until"]
            own["starts"], own["ends"] = min(own["starts"], new["starts"]), new["ends"]
        elif own["move_from"] < ALWAYS and (own["next_lon"], own["next_lat"]) == (new["lon"], new["lat"]):
            own["ends"], own["next_radius"] = new["ends"], new["radius"]
        else:
            if own["starts"] < ALWAYS and (own["lon"], own["lat"]) == (new["lon"], new["lat"]):
                new["starts"] = max(own["starts"], new["starts"])  # the phone came later than the order
            self.fences[row] = new
        self.set_errands(facts["order"], facts.get("errands", ()))
        self.changed[row] = self.step

    def set_errands(self, order: int, spans: Iterable[Sequence[int]]) -> None:
        """All times (epoch seconds, in their order, none overlapping) at which somebody may be elsewhere."""
        if order in self.row_of:
            self._set_errands(self.row_of[order], [(int(since), int(until)) for since, until in spans])
            self.changed[self.row_of[order]] = self.step

    def _set_errands(self, row: int, spans: list[tuple[int, int]]) -> None:
        if self.errands.pop(row, None) or spans:
            self._keys = None
        if spans:
            self.errands[row] = spans

    def excused(self, table: pa.Table) -> NDArray[np.bool_] | None:
        """For each position whether an errand of its person holds at its time; None where nobody has one."""
        if not self.errands:
            return None
        if self._keys is None:
            spans = [(row, *span) for row in sorted(self.errands) for span in self.errands[row]]
            who, since, until = np.array(spans, np.int64).T
            self._keys = (who << _SECONDS) + since, (who << _SECONDS) + until
        begins, ends = self._keys
        keys = (table.column("person").to_numpy().astype(np.int64) << _SECONDS) + table.column("time").to_numpy()
        last = np.searchsorted(begins, keys, side="right") - 1
        return np.asarray((last >= 0) & (keys < ends[np.maximum(last, 0)]), bool)

    def on_errands(self, at: int, grace: int) -> NDArray[np.bool_]:
        """Whose silence does not count: an errand holds, or ended less than `grace` seconds ago and nothing was heard since."""
        found = np.zeros(len(self.orders), bool)
        heard = self.states.rows["time"]
        for row, spans in self.errands.items():
            found[row] = any(
                since <= at < until or (until <= at < until + grace and heard[row] < until) for since, until in spans
            )
        return found

    def meet_phone(self, secret: bytes, order: int, at: int) -> None:
        """From now on this phone speaks for an order; silence counts from now."""
        if order not in self.row_of:
            return
        row = self.row_of[order]
        self.phones[secret] = (*(one for one in self.phones.get(secret, ()) if one != order), order)
        self.has_phone[row] = True
        if self.states.rows["time"][row] == NEVER:
            self.fences["starts"][row] = max(self.fences["starts"][row], at)
        self.changed[row] = self.step

    def lose_phone(self, secret: bytes, order: int) -> None:
        left = tuple(one for one in self.phones.pop(secret, ()) if one != order)
        if left:
            self.phones[secret] = left
        if order in self.row_of:
            self.has_phone[self.row_of[order]] = False
            self.changed[self.row_of[order]] = self.step

    def note_fixes(self, table: pa.Table) -> None:
        """Keep the newest fixes of each person, each moment once; those without a place say nothing that could be shown."""
        person, time, lon = (table.column(name).to_numpy() for name in ("person", "time", "lon"))
        some = np.flatnonzero(~np.isnan(lon))
        self.changed[person] = self.step
        if not some.size:
            return
        order = some[np.lexsort((time[some], person[some]))]
        first = np.append(True, (person[order[1:]] != person[order[:-1]]) | (time[order[1:]] != time[order[:-1]]))
        order = order[first]
        who = person[order]
        ends = np.flatnonzero(np.append(who[1:] != who[:-1], True))
        sizes = np.diff(np.append(-1, ends))
        rank = np.repeat(ends, sizes) - np.arange(len(who))  # 0: the newest of its person
        order, rank = order[rank < KEPT], rank[rank < KEPT]
        fresh = np.zeros((len(ends), KEPT), FIX)
        at = np.repeat(np.arange(len(ends)), np.minimum(sizes, KEPT))
        for name in ("time", "lon", "lat", "accuracy", "source"):
            fresh[name][at, rank] = table.column(name).to_numpy()[order]
        rows = who[ends]
        if sizes.max() == 1 and (fresh["time"][:, 0] > self.fixes["time"][rows, 0]).all():  # the usual batch
            self.fixes[rows, 1:] = self.fixes[rows, :-1]
            self.fixes[rows, 0] = fresh[:, 0]
            return
        both = np.concatenate([self.fixes[rows], fresh], axis=1)
        both = np.take_along_axis(both, np.argsort(-both["time"], axis=1, kind="stable"), axis=1)
        again = both["time"][:, 1:] == both["time"][:, :-1]  # sent twice: what was known first stays
        both[:, 1:][again] = np.zeros(1, FIX)[0]
        newest = np.argsort(-both["time"], axis=1, kind="stable")[:, :KEPT]
        self.fixes[rows] = np.take_along_axis(both, newest, axis=1)

    def forget_fixes(self, before: int, whose: NDArray[np.bool_]) -> int:
        """Erase fixes of some people that are older than a moment; returns how many."""
        old = (self.fixes["time"] > 0) & (self.fixes["time"] < before) & whose[:, None]
        if found := int(old.sum()):
            self.fixes[old] = np.zeros(1, FIX)[0]
            self.changed[old.any(axis=1)] = self.step
        return found

    def packed(self, row: int) -> str:
        """One person as text to be sealed."""
        kept = self.fixes[row][self.fixes["time"][row] > 0]
        spans = np.array(self.errands.get(row, []), _SPAN)
        head = np.array([(self.has_phone[row], len(spans), self.clocks[row])], _HEAD)
        raw = b"".join(one.tobytes() for one in (self.fences[row], self.states.rows[row], head, spans, kept))
        return _SHAPE + raw.decode("latin-1")

    def unpack(self, order: int, text: str, step: int = 0) -> bool:
        """Restore one person as of a step; False where the text is of another version or empty."""
        if not text.startswith(_SHAPE):
            return False
        row, raw = self.row(order), text[len(_SHAPE) :].encode("latin-1")
        head = np.frombuffer(raw[_FENCE + _STATE : _FIXED], _HEAD)[0]
        spans = np.frombuffer(raw[_FIXED : (after := _FIXED + int(head["errands"]) * _SPAN.itemsize)], _SPAN)
        self.has_phone[row], self.clocks[row], self.held[row] = bool(head["has_phone"]), head["clock"], step
        self._set_errands(row, [(int(since), int(until)) for since, until in spans])
        self.fences[row] = np.frombuffer(raw[:_FENCE], FENCE)[0]
        self.states.rows[row] = np.frombuffer(raw[_FENCE : _FENCE + _STATE], STATE)[0]
        kept = np.frombuffer(raw[after:], FIX)
        self.fixes[row] = np.zeros(1, FIX)[0]
        self.fixes[row][: len(kept)] = kept
        self.changed[row] = 0
        return True


def _longer(rows: Rows, more: int) -> Rows:
    found = np.zeros((len(rows) + more, *rows.shape[1:]), rows.dtype)  # np.concatenate would change the layout
    found[: len(rows)] = rows
    return found


def shown_fixes(text: str) -> list[dict[str, Any]]:
    """The fixes in a packed person, the newest first."""
    if not text.startswith(_SHAPE):
        return []
    raw = text[len(_SHAPE) :].encode("latin-1")
    head = np.frombuffer(raw[_FENCE + _STATE : _FIXED], _HEAD)[0]
    return as_fixes(np.frombuffer(raw[_FIXED + int(head["errands"]) * _SPAN.itemsize :], FIX))


def shown_fence(text: str) -> dict[str, float] | None:
    """The circle in a packed person and, where there is one, the second."""
    if not text.startswith(_SHAPE):
        return None
    own = np.frombuffer(text[len(_SHAPE) :].encode("latin-1")[:_FENCE], FENCE)[0]
    return {name: float(own[name]) for name in ("lon", "lat", "radius", "next_lon", "next_lat", "next_radius")}


def as_fixes(rows: Rows) -> list[dict[str, Any]]:
    """Fixes as plain values."""
    return [
        {
            "time": int(one["time"]),
            "lon": float(one["lon"]),
            "lat": float(one["lat"]),
            "accuracy": None if np.isnan(one["accuracy"]) else float(one["accuracy"]),
            "source": int(one["source"]),
        }
        for one in rows
        if one["time"] > 0
    ]


def to_json(facts: Mapping[str, Any]) -> str:
    return json.dumps(dict(facts))


def seconds(at: datetime) -> int:
    return int(at.timestamp())
