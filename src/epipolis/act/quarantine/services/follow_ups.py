"""The follow-up of a person learns the days of their quarantine. Its own end stays: where they differ, somebody is asked."""

from datetime import datetime

from django.utils.translation import gettext_noop

from epipolis.act.followup import services as followup
from epipolis.act.quarantine.models import Kind, Order, State
from epipolis.core import audit, clock

_NO_ORDER = gettext_noop("The order is no longer in force.")


def tell_follow_up(row: Order, *, reason: str, by: audit.Actor, at: datetime) -> str:
    """Note the days of an order at its follow-up; "follow_up" where the two end on different days now, else nothing."""
    if row.follow_up_id is None or row.kind != Kind.QUARANTINE:
        return ""
    holds = row.state == State.ISSUED
    ended = clock.local_day(row.ended) if row.ended else None
    until = row.until if holds or ended is None or row.until is None else min(row.until, ended)
    official, told = row.written_at is not None, row.written_at or row.verbal_at
    noted = followup.set_quarantine(
        row.follow_up_id,
        starts=row.starts,
        until=max(until, row.starts) if until and row.starts else until,
        order="official" if official else "verbal",
        ordered_on=clock.local_day(told) if told else None,
        reason=reason or _NO_ORDER,
        by=by,
        at=at,
    )
    return noted.asks if holds else ""
