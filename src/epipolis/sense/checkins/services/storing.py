"""Storing visits: one COPY in the common case; where some are there already, an insert that leaves those alone."""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
from django.db import IntegrityError, connection, transaction
from numpy.typing import NDArray

from epipolis.core import audit, live

from .doors import micros
from .drafts import Drafts, Verdict

_SINCE_2000 = 946_684_800_000_000  # PostgreSQL counts microseconds from 2000, everybody else from 1970
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_COLUMNS = (
    ("visitor", "uuid", "V16", 16),
    ("arrived", "timestamptz", ">i8", 8),
    ("place_id", "bigint", ">i8", 8),
    ("left", "timestamptz", ">i8", 8),
    ("is_open", "boolean", "u1", 1),
    ("exact", "boolean", "u1", 1),
    ("companions", "smallint", ">i2", 2),
    ("source", "smallint", ">i2", 2),
    ("known_at", "timestamptz", ">i8", 8),
    ("simulated", "boolean", "u1", 1),
)
_LINE = np.dtype(
    [("fields", ">i2")] + [part for name, _, kind, _ in _COLUMNS for part in ((f"{name}_size", ">i4"), (name, kind))]
)
_NAMES = ", ".join(f'"{name}"' for name, *_ in _COLUMNS)
_COPY = f"COPY checkins_visit ({_NAMES}) FROM STDIN (FORMAT BINARY)"
_COPY_ASIDE = _COPY.replace("checkins_visit", "incoming_visit")
_MAKE_ASIDE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_visit ("
    + ", ".join(f'"{name}" {kind}' for name, kind, *_ in _COLUMNS)
    + ") ON COMMIT DELETE ROWS"
)
_ADD = f"""
INSERT INTO checkins_visit ({_NAMES}) SELECT {_NAMES} FROM incoming_visit ON CONFLICT DO NOTHING
"""  # noqa: S608 -- the names are the constants above
_SAY_LEFT = """
UPDATE checkins_visit v SET "left" = i."left", is_open = false FROM incoming_visit i
WHERE v.is_open AND NOT i.is_open AND (v.visitor, v.arrived, v.place_id) = (i.visitor, i.arrived, i.place_id)
"""
_FIND_ENDED = """
SELECT o.visitor, o.arrived, o.place_id, n.at
FROM (SELECT DISTINCT unnest(%s::uuid[]) AS visitor) i
CROSS JOIN LATERAL (
  SELECT visitor, arrived, place_id, "left" FROM checkins_visit WHERE visitor = i.visitor AND is_open OFFSET 0) o
CROSS JOIN LATERAL (
  SELECT min(arrived) AS at FROM checkins_visit
  WHERE visitor = o.visitor AND arrived > o.arrived AND arrived < o."left" AND exact) n
WHERE n.at IS NOT NULL
"""
_END = """
UPDATE checkins_visit v SET "left" = e.at, is_open = false
FROM unnest(%s::uuid[], %s::timestamptz[], %s::bigint[], %s::timestamptz[]) AS e(visitor, arrived, place_id, at)
WHERE (v.visitor, v.arrived, v.place_id) = (e.visitor, e.arrived, e.place_id)
"""
Keys = set[tuple[UUID, datetime, int]]


def store(
    drafts: Drafts, verdict: Verdict, *, by: audit.Actor, at: datetime, simulated: bool = False, keys: bool = False
) -> tuple[int, Keys | None]:
    """Store what the verdict lets through, in one transaction; return how many rows are new.

    With `keys`, and when some were there already, the second value holds the keys of the new ones. A visit that is
    still open ends when its visitor arrives elsewhere, in whatever order the two become known; and a repeat of an open
    check-in that says when the visitor left closes it.
    """
    if not len(verdict.rows):
        return 0, set()
    lines = encode(drafts, verdict, at=at, simulated=simulated)
    try:
        with transaction.atomic():
            _copy(_COPY, lines)
            _conclude(drafts, verdict, len(verdict.rows), lines, by=by, at=at)
        return len(verdict.rows), None
    except IntegrityError:  # at least one is known already
        with transaction.atomic():
            added, new = _store_aside(lines, keys=keys)
            _conclude(drafts, verdict, added, lines, by=by, at=at)
        return added, new


def _store_aside(lines: bytes, *, keys: bool) -> tuple[int, Keys]:
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_ASIDE)
        _copy(_COPY_ASIDE, lines)
        cursor.execute(_ADD + ("RETURNING visitor, arrived, place_id" if keys else ""))
        added = cursor.rowcount
        new = {tuple(row) for row in cursor.fetchall()} if keys else set()
        cursor.execute(_SAY_LEFT)
        cursor.execute("TRUNCATE incoming_visit")  # a caller's transaction may store a second batch
    return added, new


def _copy(statement: str, lines: bytes) -> None:
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(lines)


def _conclude(drafts: Drafts, verdict: Verdict, added: int, lines: bytes, *, by: audit.Actor, at: datetime) -> None:
    _end_earlier(drafts.visitor[verdict.rows])
    audit.record(
        "checkins.record",
        by=by,
        at=at,
        rows=len(verdict.rows),
        new=added,
        rejected=len(drafts) - len(verdict.rows),
        flagged=int(verdict.flagged.sum()),
        sha256=sha256(lines).hexdigest(),
    )
    live.tell("visits")


def _end_earlier(visitors: NDArray[Any]) -> None:
    """End every open visit of these visitors at their next arrival elsewhere."""
    digits = visitors.tobytes().hex()
    text = ",".join([digits[at : at + 32] for at in range(0, len(digits), 32)])
    with connection.cursor() as cursor:
        cursor.execute(_FIND_ENDED, [f"{{{text}}}"])
        if ended := cursor.fetchall():
            cursor.execute(_END, [list(column) for column in zip(*ended, strict=True)])


def encode(drafts: Drafts, verdict: Verdict, *, at: datetime, simulated: bool) -> bytes:
    """The rows in PostgreSQL's binary format."""
    rows = verdict.rows
    lines: NDArray[Any] = np.empty(len(rows), _LINE)
    lines["fields"] = len(_COLUMNS)
    for name, _, _, size in _COLUMNS:
        lines[f"{name}_size"] = size
    lines["visitor"] = drafts.visitor[rows]
    lines["arrived"] = drafts.arrived[rows] - _SINCE_2000
    lines["place_id"] = verdict.place_id[rows]
    lines["left"] = verdict.left[rows] - _SINCE_2000
    lines["is_open"] = verdict.is_open[rows]
    lines["exact"] = drafts.exact[rows]
    lines["companions"] = drafts.companions[rows]
    lines["source"] = drafts.source[rows]
    lines["known_at"] = micros(at) - _SINCE_2000
    lines["simulated"] = simulated
    return _HEADER + lines.tobytes() + _TRAILER
