"""Figures of the laboratories: what waits, how long results take, and who has fallen silent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from epipolis.sense.labs.models import LabMessage, Laboratory
from epipolis.sense.labs.settings import settings

from .messages import laboratories

State = LabMessage.State
_DAYS = 7
_LONGEST = timedelta(days=30)  # a sample older than that when its result comes says nothing about the laboratory
_HOURS = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY hours), percentile_cont(0.9) WITHIN GROUP (ORDER BY hours), count(*)
FROM (
  SELECT extract(epoch FROM received - sampled_at) / 3600 AS hours FROM labs_labresult
  WHERE received >= %s AND received <= %s AND sampled_at <= received AND sampled_at > received - %s
    AND supersedes_id IS NULL AND taken_back IS NULL) one
"""


@dataclass(frozen=True, slots=True)
class LaboratoryRow:
    """A laboratory with what it has sent. `is_silent`: it should have sent something by now."""

    laboratory: Laboratory
    heard: datetime | None
    is_silent: bool
    counts: dict[str, int]
    total: int


def laboratory_rows(at: datetime) -> list[LaboratoryRow]:
    """Every laboratory, when it was last heard, and its messages by state."""
    heard = dict(LabMessage.objects.values("laboratory").annotate(last=Max("received")).values_list("laboratory", "last"))
    counts: dict[int, dict[str, int]] = {}
    grouped = LabMessage.objects.exclude(laboratory=None).values_list("laboratory", "state").annotate(rows=Count("id"))
    for laboratory, state, rows in grouped:
        counts.setdefault(laboratory, {})[state] = rows
    return [_row(row, heard.get(row.id), counts.get(row.id, {}), at) for row in laboratories().select_related("account")]


def _row(laboratory: Laboratory, heard: datetime | None, counts: dict[str, int], at: datetime) -> LaboratoryRow:
    return LaboratoryRow(laboratory, heard, is_silent(laboratory, heard, at), counts, sum(counts.values()))


def is_silent(laboratory: Laboratory, heard: datetime | None, at: datetime) -> bool:
    """Whether it should have sent something by now; a feed that is stale is shown as stale, not as nothing (R24)."""
    if laboratory.is_closed:
        return False
    hours = laboratory.silent_after or settings.silent_hours
    return at - (heard or laboratory.known_at) > timedelta(hours=hours)


def unknown_senders() -> list[dict[str, Any]]:
    """Senders that no registered laboratory is, with how many of their messages wait."""
    rows = (
        LabMessage.objects.filter(laboratory=None, is_waiting=True).exclude(format=LabMessage.Format.READING).values("sender")
    )
    found = rows.annotate(rows=Count("id"), last=Max("received")).order_by("-rows")[:50]
    return [row | {"code": row["sender"].rsplit("|", 1)[-1]} for row in found]  # HL7: the facility of sender and facility


def count_unprocessed(at: datetime) -> int:
    """Messages that should have been processed by now."""
    before = at - timedelta(minutes=settings.stuck_minutes)
    return LabMessage.objects.filter(state=State.RECEIVED, received__lt=before).count()


def waiting_tile(at: datetime) -> dict[str, Any]:
    """How many messages wait for a person, and since when the oldest does."""
    found = LabMessage.objects.filter(is_waiting=True).aggregate(rows=Count("id"), oldest=Min("received"))
    notes = []
    if found["oldest"]:
        hours = int((at - found["oldest"]).total_seconds() // 3600)
        notes.append(ngettext("the oldest for %(count)d hour", "the oldest for %(count)d hours", hours) % {"count": hours})
    if left := count_unprocessed(at):
        notes.append(ngettext("%(count)d not yet processed", "%(count)d not yet processed", left) % {"count": left})
    return {"value": found["rows"], "note": ", ".join(notes)}


def hours_tile(at: datetime) -> dict[str, Any]:
    """Hours from the sample to the arrival of its result, over the last week."""
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, [at - timedelta(days=_DAYS), at, _LONGEST])
        half, most, rows = cursor.fetchone()
    if not rows:
        return {"value": "–", "note": _("no results with the time of their sample in the last week")}
    return {"value": round(half, 1), "note": _("nine of ten within %(hours)s hours") % {"hours": round(most, 1)}}


def silent_tile(at: datetime) -> dict[str, Any]:
    """Laboratories that should have sent something by now."""
    rows = [row for row in laboratory_rows(at) if row.is_silent]
    return {"value": len(rows), "note": ", ".join(row.laboratory.name for row in rows[:3])}
