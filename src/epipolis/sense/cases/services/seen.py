"""Which numbers a file has named so far, kept in the database so that the longest file needs no more memory."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from .rows import ReadRow


class Seen:
    """A table for one import, gone when the import ends in whichever way."""

    def __enter__(self) -> "Seen":
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS cases_seen")
            cursor.execute("CREATE TEMP TABLE cases_seen (id uuid PRIMARY KEY, number bigint, infector uuid, text text)")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE cases_seen")

    def add(self, rows: Sequence[ReadRow]) -> set[UUID]:
        """Note the rows' cases; return those that no earlier row named."""
        told = [_told(row) for row in rows]
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO cases_seen SELECT * FROM json_to_recordset(%s)"
                " AS told (id uuid, number bigint, infector uuid, text text) ON CONFLICT DO NOTHING RETURNING id",
                [msgspec.json.encode(told).decode()],
            )
            return {row[0] for row in cursor.fetchall()}

    def unknown_infectors(self, *, stored: bool) -> Iterator[tuple[int, str]]:
        """Row and number of each infecting case that neither the platform nor (in a dry run) the file knows."""
        in_file = "" if stored else " AND NOT EXISTS (SELECT 1 FROM cases_seen o WHERE o.id = s.infector)"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT number, text FROM cases_seen s WHERE infector IS NOT NULL"  # noqa: S608 -- two constant texts
                f" AND NOT EXISTS (SELECT 1 FROM cases_case c WHERE c.id = s.infector){in_file} ORDER BY number"
            )
            yield from cursor.fetchall()


def _told(row: ReadRow) -> dict[str, Any]:
    infector = row.facts.get("infected_by")
    return {"id": row.id, "number": row.number, "infector": infector, "text": row.infectors[0] if infector else ""}
