"""Does the method keep what it states? False alarms stated against those that people found."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from epipolis.understand.signals.models import Signal, Watched
from epipolis.understand.signals.queries import words


def record() -> list[dict[str, Any]]:
    """For each series and method: what was watched, what was stated, what was raised and what people made of it.

    `stated`: false alarms that the stated rate gives for the places and days watched. `found`: judged false so far;
    `at_most`: with all that have no final word yet.
    """
    state = Signal.State
    wanted = {
        "raised": Count("id"),
        "found": Count("id", filter=Q(state=state.FALSE_ALARM)),
        "explained": Count("id", filter=Q(state=state.EXPLAINED)),
        "waiting": Count("id", filter=Q(state__in=(state.OPEN, state.LOOKED_AT))),
    }
    raised = {
        (row["series"], row["method"]): row for row in Signal.objects.order_by().values("series", "method").annotate(**wanted)
    }
    facts = {"first": Min("day"), "last": Max("day"), "days": Count("id"), "places": Max("places"), "stated": Sum("stated")}
    watched = {
        (row["series"], row["method"]): row for row in Watched.objects.order_by().values("series", "method").annotate(**facts)
    }
    return [_row(key, watched.get(key), raised.get(key)) for key in sorted(raised.keys() | watched.keys())]


def in_all(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The same for everything that states a rate, in one sentence's figures."""
    listed = [row for row in rows if row["stated"] is not None]
    names = ("stated", "found", "explained", "waiting", "raised")
    found: dict[str, Any] = {name: sum(row[name] for row in listed) for name in names}
    first = min((row["first"] for row in listed if row["first"]), default=None)
    last = max((row["last"] for row in listed if row["last"]), default=None)
    days = (last - first).days + 1 if first and last else 0
    return found | {"at_most": found["found"] + found["waiting"], "first": first, "last": last, "days": days}


def _row(key: tuple[str, str], watched: dict[str, Any] | None, raised: dict[str, Any] | None) -> dict[str, Any]:
    series, method = key
    counts = {name: (raised or {}).get(name, 0) for name in ("raised", "found", "explained", "waiting")}
    facts = {name: (watched or {}).get(name) for name in ("first", "last", "days", "places", "stated")}
    return {
        "series": series,
        "title": words.series_title(series),
        "method": method,
        "method_title": str(Signal.Method(method).label),
        **facts,
        **counts,
        "at_most": counts["found"] + counts["waiting"],
    }
