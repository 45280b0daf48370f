"""Whom to call now, the most urgent first: plain SQL over partial indexes, so that a city of 200,000 contacts costs the
same as one of 500."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet

from epipolis.act.followup.models import FollowUp, State
from epipolis.act.followup.settings import settings

from .follow_ups import follow_ups_by_id

LANES = ("promised", "new", "overdue", "today")
LATER = "later"
COUNTED = 1_000  # more than so many are not counted one by one
_LISTED = "state = 'open' AND part_of_id IS NULL AND person_id IS NOT NULL"
_FREE = "promised_at IS NULL AND due_from <= %(at)s"
_NEW = "NOT is_told AND rank = 1"
_CONDITIONS = {
    "promised": "promised_at IS NOT NULL AND promised_at <= %(soon)s",
    "new": f"{_FREE} AND {_NEW}",
    "overdue": f"{_FREE} AND overdue_from <= %(at)s AND NOT ({_NEW})",
    "today": f"{_FREE} AND overdue_from > %(at)s AND NOT ({_NEW})",
    "later": "(promised_at > %(soon)s OR (promised_at IS NULL AND (due_from > %(at)s OR due_from IS NULL)))",
}
_ORDERS = {
    "promised": "promised_at, id",
    "new": "rank, known_at, id",
    "overdue": "rank, overdue_from, id",
    "today": "rank, overdue_from, id",
    "later": "rank, coalesce(promised_at, due_from), id",
}


@dataclass(frozen=True)
class Wanted:
    """Which part of the list: of one tracer, of a team, of a district, of a risk, of one lane; empty: everything."""

    mine: int | None = None
    team: int | None = None
    district: int | None = None
    risk: str = ""
    language: str = ""
    lane: str = ""
    unassigned: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the work list and the reason for its place."""

    row: FollowUp
    lane: str


@dataclass(frozen=True)
class WorkList:
    """One page of the work list. A count of `COUNTED` means: so many or more."""

    rows: list[Listed]
    counts: dict[str, int] = field(default_factory=dict)
    has_more: bool = False

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def work_list(at: datetime, wanted: Wanted | None = None, *, limit: int = 50, offset: int = 0) -> WorkList:
    """Whom to call now: who was promised a call, new contacts with high risk, overdue checks, checks due today."""
    wanted = wanted or Wanted()
    lanes = (wanted.lane,) if wanted.lane in _CONDITIONS else LANES
    found = _numbers(lanes, at, wanted, limit=limit + 1, offset=offset)
    rows = follow_ups_by_id([number for number, _ in found[:limit]])
    listed = [Listed(rows[number], lane) for number, lane in found[:limit] if number in rows]
    return WorkList(listed, counts(at, wanted), len(found) > limit)


def counts(at: datetime, wanted: Wanted | None = None) -> dict[str, int]:
    """How many wait in each lane, counted up to a bound."""
    wanted = wanted or Wanted()
    before, table = _source(wanted)
    parts = []
    for lane in LANES:
        some = f"SELECT FROM {table} WHERE {_where(lane, wanted)} LIMIT {COUNTED}"
        parts.append(f"SELECT '{lane}', count(*) FROM ({some}) x")  # noqa: S608 -- own texts
    with connection.cursor() as cursor:
        cursor.execute(before + " UNION ALL ".join(parts), _values(at, wanted))
        return dict(cursor.fetchall())


def count_to_call(at: datetime) -> dict[str, int]:
    """For the tile: everybody who waits, exactly, and how many of them are new with high risk."""
    with connection.cursor() as cursor:
        conditions = " OR ".join(f"({_CONDITIONS[lane]})" for lane in LANES)
        cursor.execute(
            f"SELECT count(*) FILTER (WHERE {conditions}), count(*) FILTER (WHERE {_CONDITIONS['new']}),"  # noqa: S608 -- own texts
            f" count(*) FROM followup_followup WHERE {_LISTED}",
            _values(at, Wanted()),
        )
        waiting, new, everybody = cursor.fetchone()
    return {"waiting": waiting, "new": new, "open": everybody}


def count_by_state() -> dict[str, int]:
    """How many follow-ups stand in each state; those that are part of another are counted with it."""
    rows = FollowUp.objects.filter(part_of=None).order_by().values_list("state")
    return dict(rows.annotate(n=Count("id")))


def count_unknown() -> int:
    """Open follow-ups of visitors of whom nobody knows who they are."""
    return FollowUp.objects.filter(state=State.OPEN, person=None).count()


def unknown_visitors() -> QuerySet[FollowUp]:
    """The same as a list: they cannot be called, only warned through the place or the phone."""
    return FollowUp.objects.filter(state=State.OPEN, person=None).order_by("rank", "-restarted_at", "id")


def printed(at: datetime, wanted: Wanted, *, most: int = 500) -> list[Listed]:
    """The whole list for paper."""
    return work_list(at, wanted, limit=most).rows


def export_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Every follow-up as a row: numbers and days, no names."""
    found = FollowUp.objects.select_related("district", "team", "assigned_to").defer("district__border").order_by("id")
    for row in found.iterator(2_000):
        yield {
            "follow_up": row.id,
            "person": row.person_id,
            "visitor": row.visitor,
            "district": row.district.name if row.district else "",
            "team": row.team.name if row.team else "",
            "assigned_to": row.assigned_to.username if row.assigned_to else "",
            "rule": row.decision.get("rule", ""),
            **{name: getattr(row, name) for name in _SAME},
        }


_SAME = (
    "disease", "state", "risk", "certain", "starts", "standard_until", "until", "is_extended", "is_reduced", "quarantine_from",
    "quarantine_until", "order_kind", "language", "known_at", "first_reached", "last_seen", "failed_days", "ended",
    "simulated",
)  # fmt: skip
EXPORTED = ("follow_up", "person", "visitor", *_SAME, "district", "team", "assigned_to", "rule")


def _numbers(lanes: Sequence[str], at: datetime, wanted: Wanted, *, limit: int, offset: int) -> list[tuple[int, str]]:
    # Each lane stops as soon as it has enough rows; the lanes follow each other in the order of their urgency.
    most = limit + offset
    before, table = _source(wanted)
    parts = [
        f"(SELECT {place} AS place, row_number() OVER (ORDER BY {_ORDERS[lane]}) AS nth, id, '{lane}' AS lane"  # noqa: S608 -- own
        f" FROM {table} WHERE {_where(lane, wanted)} ORDER BY {_ORDERS[lane]} LIMIT {most})"
        for place, lane in enumerate(lanes)
    ]
    union = " UNION ALL ".join(parts)
    sql = f"{before}SELECT id, lane FROM ({union}) found ORDER BY place, nth LIMIT {limit} OFFSET {offset}"  # noqa: S608 -- own
    with connection.cursor() as cursor:
        cursor.execute(sql, _values(at, wanted))
        return list(cursor.fetchall())


def _source(wanted: Wanted) -> tuple[str, str]:
    """Where the rows come from: the whole table in the order of its indexes, or, for the few of one tracer, team or
    district, those rows at once; a plan by the order of the city would walk past everybody else's."""
    if wanted.mine is None and wanted.team is None and wanted.district is None:
        return "", "followup_followup"
    columns = "id, rank, known_at, due_from, overdue_from, promised_at, is_told"
    rows = f"SELECT {columns} FROM followup_followup WHERE {' AND '.join(_filters(wanted))}"  # noqa: S608 -- own texts
    return f"WITH own AS MATERIALIZED ({rows}) ", "own"


def _where(lane: str, wanted: Wanted) -> str:
    is_chosen_already = _source(wanted)[1] == "own"
    return " AND ".join([_CONDITIONS[lane]] if is_chosen_already else [*_filters(wanted), _CONDITIONS[lane]])


def _filters(wanted: Wanted) -> list[str]:
    parts = [_LISTED]
    parts += ["assigned_to_id = %(mine)s"] if wanted.mine is not None else []
    parts += ["assigned_to_id IS NULL"] if wanted.unassigned else []
    parts += ["team_id = %(team)s"] if wanted.team is not None else []
    parts += ["district_id = %(district)s"] if wanted.district is not None else []
    parts += ["risk = %(risk)s"] if wanted.risk else []
    parts += ["language = %(language)s"] if wanted.language else []
    return parts


def _values(at: datetime, wanted: Wanted) -> dict[str, Any]:
    soon = at + timedelta(minutes=settings.call_early_minutes)
    return {"at": at, "soon": soon} | {name: getattr(wanted, name) for name in ("mine", "team", "district", "risk", "language")}
