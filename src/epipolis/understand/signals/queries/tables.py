"""Signals as rows, for files and other programs."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from epipolis.understand.forecast import queries as forecast
from epipolis.understand.signals.models import Signal
from epipolis.understand.signals.queries import words
from epipolis.understand.signals.queries.signals import is_spot, signals

COLUMNS = (
    "id", "series", "series_title", "area", "area_name", "day", "days", "method", "value", "expected", "upper", "stands",
    "false_alarms_per_year", "rule", "known_at", "raised_at", "revised_at", "state", "reason", "judged_by", "judged_at",
    "areas", "first_day", "last_day", "recurrence_days",
)  # fmt: skip


def signal_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Every signal with the last word on it; hot spots with their places and days."""
    names = forecast.area_names()
    titles: dict[str, str] = {}
    found = signals().prefetch_related("judgements")
    for one in found.iterator(chunk_size=2_000):
        title = titles.setdefault(one.series, words.series_title(one.series))
        yield signal_row(one, title, names.get(one.area, one.area))


def signal_row(one: Signal, title: str, area_name: str) -> dict[str, Any]:
    last = max(one.judgements.all(), key=lambda judged: judged.id, default=None)
    spot = one.hot_spot if is_spot(one) else None
    return {
        "id": str(one.id), "series": one.series, "series_title": title, "area": one.area, "area_name": area_name,
        "day": one.day, "days": one.step, "method": one.method, "value": one.value, "expected": one.expected,
        "upper": one.upper, "stands": one.stands, "false_alarms_per_year": one.rate, "rule": one.rule,
        "known_at": one.known_at, "raised_at": one.raised_at, "revised_at": one.revised_at, "state": one.state,
        "reason": last.reason if last else "", "judged_by": last.by_name if last else "",
        "judged_at": last.at if last else None,
        "areas": " ".join(spot.areas) if spot else None, "first_day": spot.first_day if spot else None,
        "last_day": spot.last_day if spot else None, "recurrence_days": spot.recurrence_days if spot else None,
    }  # fmt: skip
