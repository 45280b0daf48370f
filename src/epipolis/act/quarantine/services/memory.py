"""What one process remembers of everybody who is watched: fences, states, the last fixes, and whose phone is whose."""

import json
from collections.abc import Mapping
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
_SHAPE = f"{crc32(repr((FENCE.descr, STATE.descr, FIX.descr, KEPT)).encode()):08x}"
_FENCE, _STATE = FENCE.itemsize, STATE.itemsize


@dataclass
class Memory:
    """Arrays with one row for each watched person; a row that is given back belongs to nobody until it is needed again."""

    states: States = field(default_factory=lambda: States.new(0))
    fences: Rows = field(default_factory=lambda: np.zeros(0, FENCE))
    fixes: Rows = field(default_factory=lambda: np.zeros((0, KEPT), FIX))
    orders: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    has_phone: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    dirty: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    row_of: dict[int, int] = field(default_factory=dict)
    phones: dict[bytes, tuple[int, ...]] = field(default_factory=dict)  # hash of the secret → orders
    free: list[int] = field(default_factory=list)

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
        self.dirty = np.concatenate([self.dirty, np.zeros(more, bool)])
        self._empty(slice(had, had + more))
        self.free += range(had + more - 1, had - 1, -1)

    def _empty(self, rows: slice) -> None:
        self.states.rows[rows] = States.new(1).rows[0]
        self.fences[rows] = np.zeros(1, FENCE)[0]
        for name, value in (("starts", ALWAYS), ("ends", ALWAYS), ("move_from", ALWAYS), ("move_until", ALWAYS)):
            self.fences[name][rows] = value
        self.fixes[rows] = np.zeros(1, FIX)[0]
        self.orders[rows], self.has_phone[rows], self.dirty[rows] = -1, False, False

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
        self.dirty[row] = True

    def meet_phone(self, secret: bytes, order: int, at: int) -> None:
        """From now on this phone speaks for an order; silence counts from now."""
        if order not in self.row_of:
            return
        row = self.row_of[order]
        self.phones[secret] = (*(one for one in self.phones.get(secret, ()) if one != order), order)
        self.has_phone[row] = True
        if self.states.rows["time"][row] == NEVER:
            self.fences["starts"][row] = max(self.fences["starts"][row], at)
        self.dirty[row] = True

    def lose_phone(self, secret: bytes, order: int) -> None:
        left = tuple(one for one in self.phones.pop(secret, ()) if one != order)
        if left:
            self.phones[secret] = left
        if order in self.row_of:
            self.has_phone[self.row_of[order]] = False

    def note_fixes(self, table: pa.Table) -> None:
        """Keep the newest fixes of each person, each moment once; those without a place say nothing that could be shown."""
        person, time, lon = (table.column(name).to_numpy() for name in ("person", "time", "lon"))
        some = np.flatnonzero(~np.isnan(lon))
        self.dirty[person] = True
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

    def forget_fixes(self, before: int) -> int:
        """Erase fixes older than a moment; returns how many."""
        old = (self.fixes["time"] > 0) & (self.fixes["time"] < before)
        if found := int(old.sum()):
            self.fixes[old] = np.zeros(1, FIX)[0]
            self.dirty[old.any(axis=1)] = True
        return found

    def packed(self, row: int) -> str:
        """One person as text to be sealed."""
        kept = self.fixes[row][self.fixes["time"][row] > 0]
        raw = self.fences[row].tobytes() + self.states.rows[row].tobytes() + kept.tobytes()
        return _SHAPE + raw.decode("latin-1")

    def unpack(self, order: int, text: str) -> bool:
        """Restore one person; False where the text is of another version or empty."""
        if not text.startswith(_SHAPE):
            return False
        row, raw = self.row(order), text[len(_SHAPE) :].encode("latin-1")
        self.fences[row] = np.frombuffer(raw[:_FENCE], FENCE)[0]
        self.states.rows[row] = np.frombuffer(raw[_FENCE : _FENCE + _STATE], STATE)[0]
        kept = np.frombuffer(raw[_FENCE + _STATE :], FIX)
        self.fixes[row] = np.zeros(1, FIX)[0]
        self.fixes[row][: len(kept)] = kept
        self.dirty[row] = False
        return True


def _longer(rows: Rows, more: int) -> Rows:
    found = np.zeros((len(rows) + more, *rows.shape[1:]), rows.dtype)  # np.concatenate would change the layout
    found[: len(rows)] = rows
    return found


def shown_fixes(text: str) -> list[dict[str, Any]]:
    """The fixes in a packed person, the newest first."""
    if not text.startswith(_SHAPE):
        return []
    raw = text[len(_SHAPE) :].encode("latin-1")[_FENCE + _STATE :]
    return as_fixes(np.frombuffer(raw, FIX))


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
