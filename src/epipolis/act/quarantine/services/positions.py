"""Positions as phones and networks send them: proven by the phone's own secret, checked, followed, answered when committed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import pyarrow as pa
from django.db import connection
from django.utils.translation import gettext_noop
from msgspec import Meta
from numpy.typing import NDArray

from epipolis.act.quarantine import queries
from epipolis.core import audit, live
from epipolis.core.intake import STORED, Outcome, rejected
from epipolis.engines.fence import SOURCES, Problem, check_positions, counts_in
from epipolis.engines.fence.positions import FUTURE, ISLAND

from .memory import Memory, seconds
from .streaming import TOPIC, Turn, follower

Moment = Annotated[datetime, Meta(tz=True)]
_UNKNOWN = gettext_noop("is no phone of somebody who is watched (any more)")
_AT_ONCE, _SHOWN, _MOST_ROWS = 100_000, 1_000, 1_000_000
_SKEW = 120  # seconds by which a phone's clock may be wrong before it is set right
_CHANGES = 60  # seconds by which a wrong clock must change to be told anew
_CLOCKS = """
UPDATE quarantine_watch w SET clock_ahead = n.ahead FROM unnest(%s::bigint[], %s::bigint[]) AS n(order_id, ahead)
WHERE w.order_id = n.order_id AND w.ended IS NULL
"""
_NUMBER = {name: number for number, name in enumerate(SOURCES)}


class Position(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One word of a phone: where it is, or only that it is there. `phone` is the secret that it got when it was enrolled.

    `time` is epoch seconds or ISO with a zone, by the phone's clock; `sent`, by the same clock, sets a wrong one right.
    """

    phone: Annotated[str, Meta(min_length=10, max_length=80)]
    time: int | Moment
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    accuracy: Annotated[float, Meta(ge=0, le=2e7)] | None = None  # metres; farther nobody is from anywhere
    battery: Annotated[float, Meta(ge=0, le=1)] | None = None
    charging: bool | None = None
    source: Literal["gps", "network", "cell", "device"] = "device"
    sent: Moment | None = None


@dataclass
class Taken:
    """What became of the rows of a request; the first row is 1. A phone that several people share counts for each."""

    accepted: int = 0
    repeated: int = 0
    older: int = 0
    not_ordered: int = 0
    transitions: int = 0
    rejected_rows: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, row: int, name: str, rule: str) -> None:
        self.rejected_rows += 1
        if len(self.rejected) < _SHOWN:
            self.rejected.append({"row": row, "field": name, "rule": rule})


def record_positions(items: Sequence[Position], *, by: audit.Actor, at: datetime) -> list[Outcome]:
    """Follow a batch of positions in one transaction; return what became of each. Twice changes nothing."""
    outcomes = [STORED] * len(items)
    for row, name, rule in take(items, Taken(), by=by, at=at).problems:
        outcomes[row] = rejected(name, rule)
    return outcomes


def load_positions(body: bytes, kind: str, *, by: audit.Actor, at: datetime) -> dict[str, Any]:
    """Follow the positions of a JSON array or NDJSON body; answer once all are committed.

    Raises:
        ValueError: the body is not of that kind at all, or holds more rows than one request may.
    """
    taken = Taken()
    items, numbers = _decoded(body, kind, taken)
    return _load(items, numbers, taken, by=by, at=at)


def load_items(items: Sequence[Position], *, by: audit.Actor, at: datetime) -> dict[str, Any]:
    """As `load_positions`, for rows that are read already."""
    return _load(items, None, Taken(), by=by, at=at)


def _load(
    items: Sequence[Position], numbers: list[int] | None, taken: Taken, *, by: audit.Actor, at: datetime
) -> dict[str, Any]:
    for start in range(0, len(items), _AT_ONCE):
        part = items[start : start + _AT_ONCE]
        for row, name, rule in take(part, taken, by=by, at=at).problems:
            taken.reject(start + row + 1 if numbers is None else numbers[start + row], name, rule)
    taken.rejected.sort(key=lambda one: one["row"])
    found: dict[str, Any] = msgspec.to_builtins(taken)
    return found


@dataclass(frozen=True)
class Followed:
    """What was followed of some items: what was refused as row, field and rule, and what the fence made of the rest."""

    problems: list[tuple[int, str, str]]
    rows: pa.Table | None = None  # `person`, `time`, and `item`, the number of the item
    before: NDArray[np.int64] | None = None  # for each row when its person had been heard of last
    ordered: NDArray[np.bool_] | None = None  # for each row whether its time lies in that of the order
    found: pa.Table | None = None
    clocks: tuple[tuple[int, int, int], ...] = ()  # item, order, and by how many seconds its clock is ahead


def take(
    items: Sequence[Position], taken: Taken, *, by: audit.Actor, at: datetime, orders: Sequence[tuple[int, ...]] | None = None
) -> Followed:
    """Follow decoded rows in a turn of the stream; add to the counts. `orders`: of whom each is, where no secret proves it."""
    if not items:
        return Followed([])
    secrets = [sha256(one.phone.encode()).digest() for one in items] if orders is None else []
    table, ahead = _columns(items, at)
    with follower.turn(at) as turn:
        memory = turn.memory
        people, source_rows = _people(memory, orders or [memory.phones.get(one, ()) for one in secrets])
        source_rows = np.arange(len(items)) if source_rows is None else source_rows
        if len(source_rows) != len(items):
            table = table.take(pa.array(source_rows))
        table = table.add_column(0, "person", pa.array(people))
        clocks = _note_clocks(turn, people, ahead[source_rows])
        good, problems = check_positions(table, seconds(at), turn.rule)
        kept = np.ones(table.num_rows, bool)
        kept[[one.row for one in problems]] = False
        rows, before, ordered, found = None, None, None, None
        if good.num_rows:
            who, when = (good.column(name).to_numpy() for name in ("person", "time"))
            before = memory.states.rows["time"][who]
            ordered = (when >= memory.fences["starts"][who]) & (when < memory.fences["ends"][who])
            rows = pa.table({"person": who, "time": when, "item": source_rows[kept]})
            found = turn.positions(good)
            _count(taken, found)
        bad: dict[int, tuple[str, str]] = {}
        for one in problems:
            row = int(source_rows[one.row])
            bad.setdefault(row, _why(one, int(ahead[row])))
        audit.record("quarantine.positions", by=by, at=at, rows=good.num_rows, rejected=len(bad))
    wrong = tuple((int(source_rows[row]), order, off) for row, order, off in clocks)
    return Followed([(row, *why) for row, why in sorted(bad.items())], rows, before, ordered, found, wrong)


def _why(problem: Problem, ahead: int) -> tuple[str, str]:
    if problem.field == "person":
        return "phone", _UNKNOWN
    if problem.rule == FUTURE and ahead:
        return problem.field, queries.future_text(ahead)
    return problem.field, problem.rule


def _count(taken: Taken, found: pa.Table) -> None:
    counts = counts_in(found)
    taken.accepted += counts["taken"]
    taken.repeated += counts["repeated"]
    taken.older += counts["older"]
    taken.not_ordered += counts["not_ordered"]
    taken.transitions += found.num_rows


def _note_clocks(turn: Turn, people: NDArray[np.int32], ahead: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Tell the desk whose clock is wrong, or right again: a step of the stream where it changed by a minute or more.

    Returns row, order and seconds of those that are wrong now.
    """
    memory = turn.memory
    known = people >= 0
    if not (ahead[known].any() or memory.clocks[people[known]].any()):
        return []
    last = {int(who): row for row, who in enumerate(people.tolist()) if who >= 0}
    now = [(row, int(memory.orders[who]), int(ahead[row]), int(memory.clocks[who])) for who, row in last.items()]
    if changed := [[order, off] for _, order, off, had in now if abs(off - had) >= _CHANGES]:
        turn.step("clock", {"orders": changed})
        with connection.cursor() as cursor:
            cursor.execute(_CLOCKS, [[order for order, _ in changed], [off or None for _, off in changed]])
        live.tell(TOPIC)
    return [(row, order, off) for row, order, off, _ in now if off]


def _people(memory: Memory, orders: Sequence[tuple[int, ...]]) -> tuple[NDArray[np.int32], NDArray[np.int64] | None]:
    """For each position the row of its person, -1 for an unknown phone; and of which position, where phones are shared."""
    if all(len(one) <= 1 for one in orders):
        rows = (memory.row_of.get(one[0], -1) if one else -1 for one in orders)
        return np.fromiter(rows, np.int32, len(orders)), None
    pairs = [(number, memory.row_of.get(order, -1)) for number, had in enumerate(orders) for order in had or (-1,)]
    return np.array([row for _, row in pairs], np.int32), np.array([number for number, _ in pairs], np.int64)


def _columns(items: Sequence[Position], at: datetime) -> tuple[pa.Table, NDArray[np.int64]]:
    """The columns of the fence, and for each item by how many seconds the clock of its device is ahead, 0 as far as known."""

    def floats(name: str, kind: Any) -> NDArray[Any]:
        return np.fromiter((np.nan if (v := getattr(one, name)) is None else v for one in items), kind, len(items))

    lon, lat = floats("lon", np.float64), floats("lat", np.float64)
    nowhere = (np.abs(lon) < ISLAND) & (np.abs(lat) < ISLAND)  # phones that know no place; they are alive all the same
    nowhere |= np.isnan(lon) | np.isnan(lat)
    lon[nowhere] = lat[nowhere] = np.nan
    time, ahead = np.fromiter((_second(one, at) for one in items), np.dtype((np.int64, 2)), len(items)).T
    table = pa.table(
        {
            "time": np.ascontiguousarray(time),
            "lon": lon,
            "lat": lat,
            "accuracy": floats("accuracy", np.float32),
            "battery": floats("battery", np.float32),
            "charging": pa.array([one.charging for one in items], pa.bool_()),
            "source": np.fromiter((_NUMBER[one.source] for one in items), np.uint8, len(items)),
        }
    )
    return table, np.ascontiguousarray(ahead)


def _second(one: Position, at: datetime) -> tuple[int, int]:
    """The moment of a position, by the right clock, and by how many seconds the device's own is ahead."""
    time = one.time if type(one.time) is int else int(one.time.timestamp())  # type: ignore[union-attr]  # -- else a datetime
    time = max(-(2**53), min(2**53, time))
    if one.sent is None:
        late = time - seconds(at)
        return time, late if late > _SKEW else 0
    if abs(skew := (at - one.sent).total_seconds()) <= _SKEW:
        return time, 0
    return time + round(skew / 60) * 60, round(-skew)  # whole minutes: what is sent twice stays the same second


_many, _line = msgspec.json.Decoder(list[Position]), msgspec.json.Decoder(Position)
_raws = msgspec.json.Decoder(list[msgspec.Raw])


def _decoded(body: bytes, kind: str, taken: Taken) -> tuple[list[Position], list[int] | None]:
    if kind not in ("json", "ndjson"):
        raise ValueError("positions are sent as application/json or application/x-ndjson")
    try:
        items = _many.decode(body) if kind == "json" else _line.decode_lines(body)
        if len(items) > _MOST_ROWS:
            raise ValueError(f"one request holds {_MOST_ROWS} positions at most; send several")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decoded_singly(body, kind, taken, error)
    return items, None


def _decoded_singly(body: bytes, kind: str, taken: Taken, error: Exception) -> tuple[list[Position], list[int]]:
    """Row by row, when at least one cannot be read."""
    try:
        raws: list[Any] = _raws.decode(body) if kind == "json" else body.split(b"\n")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"the body is no list of positions: {error}") from error
    items, numbers = [], []
    for number, raw in enumerate(raws, 1):
        if kind == "ndjson" and not raw.strip():
            continue
        try:
            items.append(_line.decode(raw))
            numbers.append(number)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            text, _, where = str(wrong).partition(" - at `$")
            taken.reject(number, where.rstrip("`").lstrip("."), text)
    return items, numbers
