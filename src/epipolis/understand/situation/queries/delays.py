"""Delays: how long each hop of the chain takes, from illness to the call (R60)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.understand.situation.settings import settings
from epipolis.understand.tracing import queries as tracing


@dataclass(frozen=True)
class Hop:
    """One step of the chain: days at the median and the 90th percentile, over how many cases that have both ends."""

    name: str
    title: Any
    cases: int
    missing: int
    median: float | None
    slowest_tenth: float | None


_STEPS = (
    ("onset_to_sample", _("illness begins → sample taken"), "onset", "sampled"),
    ("sample_to_report", _("sample taken → reported"), "sampled", "reported"),
    ("report_to_confirmation", _("reported → confirmed"), "reported", "confirmed"),
    ("onset_to_isolation", _("illness begins → isolated"), "onset", "isolated"),
)


def hops(at: datetime) -> list[Hop]:
    """Every hop over the cases reported in the last weeks, as known at a moment."""
    today = clock.local_day(at)
    first = today - timedelta(days=settings.delay_days)
    columns = ("onset", "sampled", "reported", "confirmed", "isolated", "case_id", "known_at")
    recent = (
        cases.facts_as_known(at)
        .filter(classification="confirmed")
        .filter(Q(reported__gt=first) | Q(reported=None, confirmed__gt=first))
    )
    rows = list(recent.order_by().values(*columns, first_known=F("case__known_at"))[:50_000])
    found = []
    for name, title, begins, ends in _STEPS:
        days = [(row[ends] - row[begins]).days for row in rows if row[begins] and row[ends]]
        found.append(_hop(name, title, days, missing=len(rows) - len(days)))
    traced = tracing.hours_to_trace(since=clock.start_of(first), until=at)
    found.append(_hop("confirmation_to_trace", _("confirmed → contacts found"), [h / 24 for h in traced], missing=0))
    return found


def _hop(name: str, title: Any, days: list[float], *, missing: int) -> Hop:
    if not days:
        return Hop(name, title, 0, missing, None, None)
    cut = quantiles(days, n=10, method="inclusive") if len(days) > 1 else [days[0]] * 9
    return Hop(name, title, len(days), missing, round(cut[4], 2), round(cut[8], 2))
