"""Keeping: how long visits stay, and their erasure in batches."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef

from epipolis.core import clock
from epipolis.sense.checkins import queries
from epipolis.sense.checkins.models import Source, Visit, VisitorLink

CHECK_INS = (Source.CODE, Source.DEVICE, Source.FILE, Source.STAFF)
ROUTES = (Source.INTERVIEW,)
_BATCH = 50_000
_FORGET = """
DELETE FROM checkins_visit WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM checkins_visit WHERE {age} < %s AND arrived < %s AND source = ANY(%s) LIMIT %s))
"""


def keep_days() -> int:
    return int(queries.times(clock.now())["keep_days"])


def keep_route_days() -> int:
    return int(queries.times(clock.now())["keep_route_days"])


def forget_old_visits(before: datetime, at: datetime) -> int:
    """Erase check-ins that ended before a moment; return how many."""
    return _forget('"left"', before, CHECK_INS)


def forget_old_routes(before: datetime, at: datetime) -> int:
    """Erase told routes, which are casework, by the day on which they became known; return how many."""
    return _forget("known_at", before, ROUTES)


def forget_old_links(before: datetime, at: datetime) -> int:
    """Erase which person a phone was, once the link is older than a moment and no visit under it is left; return how many."""
    left = Visit.objects.filter(visitor=OuterRef("visitor"))
    return VisitorLink.objects.filter(~Exists(left), linked__lt=before).delete()[0]


def _forget(age: str, before: datetime, sources: Collection[Source]) -> int:
    total = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_FORGET.format(age=age), [before, before + timedelta(hours=1), [int(s) for s in sources], _BATCH])
            total += cursor.rowcount
            if cursor.rowcount < _BATCH:
                return total
