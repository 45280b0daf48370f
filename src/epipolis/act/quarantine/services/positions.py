"""Positions as phones and networks send them: proven by the phone's own secret, checked, followed, answered when committed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import pyarrow as pa
from django.utils.translation import gettext_noop
from msgspec import Meta
from numpy.typing import NDArray

from epipolis.core import audit, clock
from epipolis.core.intake import STORED, Outcome, rejected
from epipolis.engines.fence import SOURCES, check_positions, counts_in
from epipolis.engines.fence.positions import ISLAND

from .memory import Memory, seconds
from .streaming import fence_rule, follower

Moment = Annotated[datetime, Meta(tz=True)]
_UNKNOWN = gettext_noop("is no phone of somebody who is watched (any more)")
_AT_ONCE, _SHOWN, _MOST_ROWS = 100_000, 1_000, 1_000_000
_SKEW = 120  # seconds by which a phone's clock may be wrong before it is set right
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
    for row, name, rule in _take(items, Taken(), by=by, at=at):
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
        for row, name, rule in _take(part, taken, by=by, at=at):
            taken.reject(start + row + 1 if numbers is None else numbers[start + row], name, rule)
    taken.rejected.sort(key=lambda one: one["row"])
    found: dict[str, Any] = msgspec.to_builtins(taken)
    return found


def _take(items: Sequence[Position], taken: Taken, *, by: audit.Actor, at: datetime) -> list[tuple[int, str, str]]:
    """Follow decoded rows; add to the counts, and return what was refused as row, field and rule."""
    if not items:
        return []
    secrets = [sha256(one.phone.encode()).digest() for one in items]
    table = _columns(items, at)
    with follower.turn(at) as turn:
        people, source_rows = _people(turn.memory, secrets)
        if source_rows is not None:
            table = table.take(pa.array(source_rows))
        table = table.add_column(0, "person", pa.array(people))
        good, problems = check_positions(table, seconds(at), fence_rule(clock.local_day(at)))
        refused = 0
        if good.num_rows:
            found = turn.positions(good)
            counts = counts_in(found)
            taken.accepted += counts["taken"]
            taken.repeated += counts["repeated"]
            taken.older += counts["older"]
            taken.not_ordered += counts["not_ordered"]
            taken.transitions += found.num_rows
        bad: dict[int, tuple[str, str]] = {}
        for one in problems:
            row = one.row if source_rows is None else int(source_rows[one.row])
            bad.setdefault(row, ("phone", _UNKNOWN) if one.field == "person" else (one.field, one.rule))
        refused = len(bad)
        audit.record("quarantine.positions", by=by, at=at, rows=good.num_rows, rejected=refused)
    return [(row, *why) for row, why in sorted(bad.items())]


def _people(memory: Memory, secrets: list[bytes]) -> tuple[NDArray[np.int32], NDArray[np.int64] | None]:
    """For each position the row of its person, -1 for an unknown phone; and of which position, where phones are shared."""
    orders = [memory.phones.get(one, ()) for one in secrets]
    if all(len(one) <= 1 for one in orders):
        rows = (memory.row_of.get(one[0], -1) if one else -1 for one in orders)
        return np.fromiter(rows, np.int32, len(orders)), None
    pairs = [(number, memory.row_of.get(order, -1)) for number, had in enumerate(orders) for order in had or (-1,)]
    return np.array([row for _, row in pairs], np.int32), np.array([number for number, _ in pairs], np.int64)


def _columns(items: Sequence[Position], at: datetime) -> pa.Table:
    def floats(name: str, kind: Any) -> NDArray[Any]:
        return np.fromiter((np.nan if (v := getattr(one, name)) is None else v for one in items), kind, len(items))

    lon, lat = floats("lon", np.float64), floats("lat", np.float64)
    nowhere = (np.abs(lon) < ISLAND) & (np.abs(lat) < ISLAND)  # phones that know no place; they are alive all the same
    nowhere |= np.isnan(lon) | np.isnan(lat)
    lon[nowhere] = lat[nowhere] = np.nan
    return pa.table(
        {
            "time": np.fromiter((_second(one, at) for one in items), np.int64, len(items)),
            "lon": lon,
            "lat": lat,
            "accuracy": floats("accuracy", np.float32),
            "battery": floats("battery", np.float32),
            "charging": pa.array([one.charging for one in items], pa.bool_()),
            "source": np.fromiter((_NUMBER[one.source] for one in items), np.uint8, len(items)),
        }
    )


def _second(one: Position, at: datetime) -> int:
    time = one.time if type(one.time) is int else int(one.time.timestamp())  # type: ignore[union-attr]  # -- else a datetime
    if one.sent is not None and abs(skew := (at - one.sent).total_seconds()) > _SKEW:
        time += round(skew / 60) * 60  # whole minutes: what is sent twice stays the same second
    return max(-(2**53), min(2**53, time))


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
