"""Many new follow-ups and exposures at once, by COPY: a case in a crowd has thousands, and a file has more."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from django.db import connection

from epipolis.act.followup.models import Exposure, FollowUp
from epipolis.core.rows import update_rows

_FOLLOW_UP = (
    "id", "person_id", "visitor", "disease", "state", "risk", "rank", "certain", "starts", "standard_until", "until",
    "chosen_until", "chosen_at", "decision", "quarantine_from", "quarantine_until", "quarantine_first_until", "order_kind",
    "ordered_verbally", "ordered_officially", "language", "district_id", "team_id", "assigned_to_id", "assignment", "is_told",
    "seen_part", "noted_until", "reports", "failed_days", "due_from", "overdue_from", "promise", "known_at", "restarted_at",
    "ended", "end_reason", "case_id", "note", "revision", "simulated",
)  # fmt: skip
_EXPOSURE = (
    "follow_up_id", "case_id", "who", "origin", "reference", "relation", "category", "risk", "certain", "first_contact",
    "last_contact", "reported", "counted_from", "counted_by", "starts", "until", "rule", "days", "tracing_contact", "known_at",
    "moved_at", "gone", "note",
)  # fmt: skip
_PLANNED = (
    "starts", "standard_until", "until", "extended_until", "decision", "risk", "rank", "certain", "due_from", "overdue_from",
    "is_told", "restarted_at", "state", "ended", "end_reason", "revision",
)  # fmt: skip
_TOLD_ANEW = (
    "relation", "category", "risk", "certain", "first_contact", "last_contact", "reported", "tracing_contact", "note",
    "follow_up_id", "who", "gone", "counted_from", "counted_by", "starts", "until", "rule", "days", "moved_at",
)  # fmt: skip
_JSON = frozenset(("decision", "assignment", "end_reason"))


def next_ids(table: str, count: int) -> list[int]:
    """Numbers for rows that do not exist yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(nextval(ids)) FROM generate_series(1, %s),"
            " (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS ids OFFSET 0) sequence",
            [count, table],
        )
        [[ids]] = cursor.fetchall()
    return list(ids)


def copy_follow_ups(rows: Sequence[FollowUp]) -> None:
    _copy("followup_followup", _FOLLOW_UP, rows)


def copy_exposures(rows: Sequence[Exposure]) -> None:
    _copy("followup_exposure", _EXPOSURE, rows)


def update_plans(rows: Sequence[FollowUp]) -> None:
    """What planning again may change."""
    update_rows(rows, _PLANNED)


def update_exposures(rows: Collection[Exposure]) -> None:
    """What news about an exposure may change."""
    update_rows(rows, _TOLD_ANEW)


def _copy(table: str, columns: Sequence[str], rows: Sequence[Any]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_cell(name, getattr(row, name)) for name in columns])


def _cell(name: str, value: Any) -> Any:
    if name in _JSON:
        return msgspec.json.encode(value).decode()
    # As text: the adapters of days, moments, enums and numbers of people take longer than all the rest of a row.
    return value if value is None or type(value) in (bool, int, str) else str(value)
