"""Storing visits: COPY into a table of this connection, then one insert that leaves alone what is already there."""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from epipolis.core import audit, live

from .drafts import Drafts, Verdict

_SINCE_2000 = 946_684_800_000_000  # PostgreSQL counts microseconds from 2000, everybody else from 1970
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_COLUMNS = (
    ("visitor", "V16", 16),
    ("arrived", ">i8", 8),
    ("place_id", ">i8", 8),
    ("left", ">i8", 8),
    ("is_open", "u1", 1),
    ("exact", "u1", 1),
    ("companions", ">i2", 2),
    ("source", ">i2", 2),
)
_LINE = np.dtype(
    [("fields", ">i2")] + [part for name, kind, _ in _COLUMNS for part in ((f"{name}_size", ">i4"), (name, kind))]
)
_NAMES = 'visitor, arrived, place_id, "left", is_open, exact, companions, source'
_MAKE = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_visit (visitor uuid, arrived timestamptz, place_id bigint, "left" timestamptz,
is_open boolean, exact boolean, companions smallint, source smallint) ON COMMIT DELETE ROWS
"""
_COPY_IN = f"COPY incoming_visit ({_NAMES}) FROM STDIN (FORMAT BINARY)"
_ADD = f"""
INSERT INTO checkins_visit ({_NAMES}, known_at, simulated) SELECT {_NAMES}, %s, %s FROM incoming_visit
ON CONFLICT DO NOTHING
"""  # noqa: S608 -- the names are the constants above
_SAY_LEFT = """
UPDATE checkins_visit v SET "left" = i."left", is_open = false FROM incoming_visit i
WHERE v.is_open AND NOT i.is_open AND (v.visitor, v.arrived, v.place_id) = (i.visitor, i.arrived, i.place_id)
"""
_CLOSE = """
WITH ended AS (
  SELECT o.visitor, o.arrived, o.place_id, min(n.arrived) AS at
  FROM checkins_visit o JOIN checkins_visit n
    ON n.visitor = o.visitor AND n.arrived > o.arrived AND n.arrived < o."left" AND n.exact
  WHERE o.is_open AND o.visitor IN (SELECT visitor FROM incoming_visit)
  GROUP BY o.visitor, o.arrived, o.place_id)
UPDATE checkins_visit v SET "left" = ended.at, is_open = false FROM ended
WHERE (v.visitor, v.arrived, v.place_id) = (ended.visitor, ended.arrived, ended.place_id)
"""


@transaction.atomic
def store(
    drafts: Drafts, verdict: Verdict, *, by: audit.Actor, at: datetime, simulated: bool = False, keys: bool = False
) -> tuple[int, set[tuple[UUID, datetime, int]] | None]:
    """Store what the verdict lets through, in one transaction; return how many rows are new.

    With `keys`, and when some were there already, the second value holds the keys of the new ones. A visit that is
    still open ends when its visitor arrives elsewhere, in whatever order the two become known; and a repeat of an open
    check-in that says when the visitor left closes it.
    """
    if not len(verdict.rows):
        return 0, set()
    lines = encode(drafts, verdict)
    with connection.cursor() as cursor:
        cursor.execute(_MAKE)
        with cursor.copy(_COPY_IN) as copy:
            copy.write(lines)
        cursor.execute(_ADD + ("RETURNING visitor, arrived, place_id" if keys else ""), [at, simulated])
        added = cursor.rowcount
        new = {tuple(row) for row in cursor.fetchall()} if keys and added < len(verdict.rows) else None
        if added < len(verdict.rows):
            cursor.execute(_SAY_LEFT)
        cursor.execute(_CLOSE)
    digest = sha256(lines).hexdigest()
    rejected, flagged = len(drafts) - len(verdict.rows), int(verdict.flagged.sum())
    audit.record("checkins.record", by=by, at=at, rows=len(verdict.rows), new=added, rejected=rejected, flagged=flagged, sha256=digest)
    live.tell("visits")
    return added, new


def encode(drafts: Drafts, verdict: Verdict) -> bytes:
    """The rows in PostgreSQL's binary format."""
    rows = verdict.rows
    lines: NDArray[Any] = np.empty(len(rows), _LINE)
    lines["fields"] = len(_COLUMNS)
    for name, _, size in _COLUMNS:
        lines[f"{name}_size"] = size
    lines["visitor"] = drafts.visitor[rows]
    lines["arrived"] = drafts.arrived[rows] - _SINCE_2000
    lines["place_id"] = verdict.place_id[rows]
    lines["left"] = verdict.left[rows] - _SINCE_2000
    lines["is_open"] = verdict.is_open[rows]
    lines["exact"] = drafts.exact[rows]
    lines["companions"] = drafts.companions[rows]
    lines["source"] = drafts.source[rows]
    return _HEADER + lines.tobytes() + _TRAILER
