"""Storing visits: each once, in one transaction, with as few exchanges with the database as that takes.

A small batch is one insert from arrays, sent together with the statements after it. A large one is a COPY; where some
of its rows are there already, a COPY aside and an insert that leaves those alone.
"""

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
_FEW = f"""
SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
WITH given AS MATERIALIZED (
  SELECT visitor, 'epoch'::timestamptz + arrived * INTERVAL '1 microsecond' AS arrived, place_id,
    'epoch'::timestamptz + "left" * INTERVAL '1 microsecond' AS "left", is_open, exact, companions, source
  FROM unnest(
    %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[], %s::boolean[], %s::smallint[], %s::smallint[])
    AS one(visitor, arrived, place_id, "left", is_open, exact, companions, source)),
followed AS (
  SELECT g.*, LEAST(
    min(arrived) OVER (
      PARTITION BY visitor ORDER BY arrived RANGE BETWEEN '1 microsecond' FOLLOWING AND UNBOUNDED FOLLOWING),
    (SELECT min(v.arrived) FROM checkins_visit v
     WHERE g.is_open AND v.visitor = g.visitor AND v.arrived > g.arrived AND v.arrived < g."left" AND v.exact)) AS next
  FROM given g),
incoming AS (
  SELECT visitor, arrived, place_id, CASE WHEN is_open THEN LEAST("left", next) ELSE "left" END AS "left",
    is_open AND (next IS NULL OR next >= "left") AS is_open, exact, companions, source, %s::timestamptz AS known_at,
    %s::boolean AS simulated
  FROM followed),
ended AS (
  UPDATE checkins_visit v SET "left" = e.at, is_open = false
  FROM (
    SELECT o.visitor, o.arrived, o.place_id, min(CASE WHEN g.arrived > o.arrived THEN g.arrived ELSE g."left" END) AS at
    FROM given g JOIN checkins_visit o ON o.visitor = g.visitor AND o.is_open AND (
      (g.arrived > o.arrived AND g.arrived < o."left" AND g.exact)
      OR (g.arrived = o.arrived AND g.place_id = o.place_id AND NOT g.is_open))
    GROUP BY o.visitor, o.arrived, o.place_id) e
  WHERE (v.visitor, v.arrived, v.place_id) = (e.visitor, e.arrived, e.place_id)),
added AS (
  INSERT INTO checkins_visit ({_NAMES}) SELECT {_NAMES} FROM incoming ON CONFLICT DO NOTHING
  RETURNING visitor, arrived, place_id),
counted AS (SELECT count(*) AS rows FROM added)
SELECT rows, (SELECT pg_notify(%s, %s)) IS NULL, CASE WHEN rows < %s THEN ARRAY(
  SELECT visitor || ' ' || round(extract(epoch FROM arrived) * 1000000) || ' ' || place_id FROM added) END
FROM counted;
"""  # noqa: S608 -- the names are the constants above
_SMALL = 1_000  # rows; from there on a COPY is faster
Key = tuple[UUID, int, int]  # visitor, arrived (microseconds since 1970), place
Keys = set[Key]


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
    if keys or len(verdict.rows) <= _SMALL:
        return _store_few(drafts, verdict, by=by, at=at, simulated=simulated, keys=keys)
    lines = encode(drafts, verdict, at=at, simulated=simulated)
    try:
        with transaction.atomic():
            _copy(_COPY, lines)
            _conclude(drafts, verdict, len(verdict.rows), sha256(lines), by=by, at=at)
        return len(verdict.rows), None
    except IntegrityError:  # at least one is known already
        with transaction.atomic():
            added = _store_aside(lines)
            _conclude(drafts, verdict, added, sha256(lines), by=by, at=at)
        return added, None


def _store_few(
    drafts: Drafts, verdict: Verdict, *, by: audit.Actor, at: datetime, simulated: bool, keys: bool
) -> tuple[int, Keys | None]:
    rows = verdict.rows
    columns = (
        drafts.arrived[rows],
        verdict.place_id[rows],
        verdict.left[rows],
        verdict.is_open[rows],
        drafts.exact[rows],
        drafts.companions[rows],
        drafts.source[rows],
    )
    visitors = _array_of_uuids(drafts.visitor[rows])
    values = [visitors, *map(_array, columns)]
    told = [at, simulated, live.CHANNEL, live.message("visits"), len(rows) if keys else 0]
    entry, entered = audit.record_statement(
        "checkins.record", by=by, at=at, **_counts(drafts, verdict, len(rows), sha256("".join(values).encode()))
    )
    with connection.cursor() as cursor:
        cursor.execute(_FEW + entry, [*values, *told, *entered])
        for _ in range(3):  # the answer after those of the settings
            cursor.nextset()
        added, _, new = cursor.fetchone()
    return added, None if new is None else {_key(text) for text in new}


def _key(text: str) -> Key:
    visitor, arrived, place = text.split()
    return UUID(visitor), int(arrived), int(place)


def _array(values: NDArray[Any]) -> str:
    return f"{{{','.join(map(str, values.tolist()))}}}"


def _array_of_uuids(visitors: NDArray[Any]) -> str:
    digits = visitors.tobytes().hex()
    return f"{{{','.join([digits[at : at + 32] for at in range(0, len(digits), 32)])}}}"


def _store_aside(lines: bytes) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_ASIDE)
        _copy(_COPY_ASIDE, lines)
        cursor.execute(_ADD)
        added: int = cursor.rowcount
        cursor.execute(_SAY_LEFT)
        cursor.execute("TRUNCATE incoming_visit")  # a caller's transaction may store a second batch
    return added


def _copy(statement: str, lines: bytes) -> None:
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(lines)


def _conclude(drafts: Drafts, verdict: Verdict, added: int, digest: Any, *, by: audit.Actor, at: datetime) -> None:
    """End every open visit of these visitors at their next arrival elsewhere, and say what was stored."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND_ENDED, [_array_of_uuids(drafts.visitor[verdict.rows])])
        if ended := cursor.fetchall():
            cursor.execute(_END, [list(column) for column in zip(*ended, strict=True)])
    live.tell("visits")
    audit.record("checkins.record", by=by, at=at, **_counts(drafts, verdict, added, digest))


def _counts(drafts: Drafts, verdict: Verdict, rows: int, digest: Any) -> dict[str, Any]:
    rejected, flagged = len(drafts) - len(verdict.rows), int(verdict.flagged.sum())
    return {"rows": rows, "rejected": rejected, "flagged": flagged, "sha256": digest.hexdigest()}


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
