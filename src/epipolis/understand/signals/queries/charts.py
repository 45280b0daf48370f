"""The picture of one signal: the days before as they were known, what was expected, and what came after."""

from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from epipolis.understand.forecast import queries as forecast
from epipolis.understand.signals.models import Look, Signal
from epipolis.understand.signals.queries import inputs
from epipolis.understand.signals.queries.signals import is_spot

_AFTER, _AFTER_LEVEL = 28, 7  # days; an incidence that goes on growing soon dwarfs its limit
_COUNTED, _EXPECTED, _SIGNAL, _SINCE = 0, 7, 5, 4  # colours, as numbers of the palette


def signal_chart(one: Signal, newest: Look | None) -> dict[str, Any] | None:
    """Counted, expected and the range of chance, the signal marked, and what is known since; None without a course."""
    if not one.course:
        return None
    known = {line[0]: line[1:] for line in one.course}
    since = _since(one, newest)
    days = sorted({*known, *since})
    empty = (None, None, None)
    expected = [known.get(day, empty)[1] for day in days]
    upper = [known.get(day, empty)[2] for day in days]
    mark = one.day.isoformat()
    series: list[dict[str, Any]] = [
        {"name": _("as known then"), "values": [known.get(day, empty)[0] for day in days], "colour": _COUNTED},
        *_ranges(one, expected, upper),
        {"name": _("signal"), "values": _only(days, mark, known.get(mark, empty)[0]), "points": True, "colour": _SIGNAL},
    ]
    if since:
        later = [since.get(day) for day in days]
        series.append({"name": _("as known now"), "values": later, "dashed": True, "colour": _SINCE})
    unit = _("per 100,000 and week") if one.method == Signal.Method.LEVEL else str(forecast.target(one.series).unit)
    return {
        "kind": "line",
        "fractions": one.method == Signal.Method.LEVEL,
        "x": days,
        "x_title": _("week until") if one.step == 7 else _("day"),
        "y_title": unit,
        "mark": {"x": mark, "name": _("signal")},
        "series": series,
    }


def _ranges(one: Signal, expected: list[Any], upper: list[Any]) -> list[dict[str, Any]]:
    if one.method == Signal.Method.SCAN:
        return []
    if one.method == Signal.Method.LEVEL:
        return [{"name": _("limit"), "values": [one.upper] * len(expected), "dashed": True, "colour": _EXPECTED}]
    low = [None if high is None else 0 for high in upper]
    return [{"name": _("expected, and the range of chance"), "values": expected, "lo": low, "hi": upper, "colour": _EXPECTED}]


def _since(one: Signal, newest: Look | None) -> dict[str, float]:
    """The same days and some more, by what the newest look knew, where that is later than the signal."""
    if newest is None or newest.known_at <= one.known_at:
        return {}
    known, areas = inputs.known_before(newest.known_at), one.hot_spot.areas if is_spot(one) else [one.area]
    values = inputs.values_of(known, one.series, list(areas))
    if one.method == Signal.Method.LEVEL:
        values = _weekly(values, known.people.get(one.area), one.detail.get("window_days", 7))
    after = _AFTER_LEVEL if one.method == Signal.Method.LEVEL else _AFTER
    first, last = date.fromisoformat(one.course[0][0]), one.day + timedelta(days=after)
    return {day.isoformat(): round(value, 2) for day, value in sorted(values.items()) if first <= day <= last}


def _weekly(values: dict[date, float], people: float | None, window: int) -> dict[date, float]:
    """Cases per 100,000 people and week, mean of `window` days; nothing where nobody counted the people."""
    share = 100_000 * 7 / window / people if people else 0
    return {day: share * sum(values.get(day - timedelta(days=n), 0.0) for n in range(window)) for day in values if share}


def _only(days: list[str], wanted: str, value: float | None) -> list[float | None]:
    return [value if day == wanted else None for day in days]
