"""What the charts show: fans over what was counted, earlier fans beside them, reproduction numbers, occupancies."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.utils import formats
from django.utils.translation import gettext as _

from epipolis.understand.forecast.models import Reproduction, Round
from epipolis.understand.forecast.queries.inputs import Known
from epipolis.understand.forecast.queries.results import Quantiles
from epipolis.understand.forecast.queries.targets import WEEK, Target

Chart = dict[str, Any]
PAST_DAYS = 63
_WIDE, _NARROW = (0.025, 0.975), (0.25, 0.75)
_COUNTED, _MEAN, _NOW, _AHEAD, _EARLIER = 7, 0, 2, 1, 4  # colours, as numbers of the palette


def fan_chart(
    target: Target,
    area: str,
    *,
    now: Round,
    known: Known,
    truth: Known,
    weeks: Sequence[Quantiles],
    latest: Sequence[Quantiles],
    earlier: Sequence[tuple[Round, Sequence[Quantiles]]],
) -> Chart:
    """Counts a day, the nowcast and the forecast of one area, with the forecasts that were made before.

    `known` is what the round knew, `truth` what is known by now; weekly sums are shown as their mean a day.
    """
    is_weekly = known.is_weekly(target.name)
    last = max([known.last_day, truth.last_day, *(one.day for one in weeks)])
    first = known.last_day - timedelta(days=PAST_DAYS * (4 if is_weekly else 1))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    share = 1 if is_weekly else WEEK
    counted = _counted(truth, target.name, area)
    means = counted if is_weekly else _means(counted)
    anchor = _anchor(known, target.name, area, latest, is_weekly=is_weekly)
    series = [
        *(_earlier(made, one, days, share) for made, one in reversed(earlier)),
        {"name": _("counted"), "values": _on(days, counted), "points": True, "colour": _COUNTED},
    ]
    if not is_weekly:
        series.append({"name": _("counted, mean of 7 days"), "values": _on(days, means), "colour": _MEAN})
    if latest:
        series.append(_fan_series(_("nowcast"), latest, days, 1, colour=_NOW, dashed=True))
    if weeks:
        series.append(_fan_series(_("forecast"), weeks, days, share, colour=_AHEAD, anchor=(known.last_day, anchor)))
    start = next((n for n, day in enumerate(days) if any(_value(one, n) is not None for one in series)), 0)
    scale = _scale([*counted.values()], weeks, latest, share)
    return {
        "kind": "line",
        "x": [day.isoformat() for day in days[start:]],
        "x_title": _("day"),
        "y_title": _("%(unit)s a week") % {"unit": target.unit} if is_weekly else _("%(unit)s a day") % {"unit": target.unit},
        "mark": {"x": known.last_day.isoformat(), "name": _("known until here")},
        "most": scale,
        "series": [_cut(one, start) for one in series],
    }


def _scale(counted: Sequence[float], weeks: Sequence[Quantiles], latest: Sequence[Quantiles], share: int) -> float | None:
    """The top of the chart: what was counted, the next two weeks and the narrow band fit; what is wider is cut off."""
    tops = [*counted, *((one.at(0.975) or 0) / share for one in weeks[:2]), *(one.at(0.975) or 0 for one in latest)]
    tops += [(one.at(0.75) or 0) / share for one in weeks]
    highest = max(tops, default=0.0)
    if highest <= 0:
        return None
    unit = 10 ** np.floor(np.log10(highest))
    return float(next(step * unit for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * unit >= highest))


def beds_chart(target: str, area: str, known: Known, days_ahead: Sequence[Quantiles], limit: float | None) -> Chart:
    """Occupied beds, what is to come, and the limit. A count that lacks late reports is not joined to what is to come."""
    first = known.last_day - timedelta(days=PAST_DAYS)
    last = days_ahead[-1].day if days_ahead else known.last_day
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    counted = {day: value for day, value in _counted(known, target, area).items() if day >= first}
    anchor = None if known.is_derived(target) else counted.get(known.last_day)
    series = [{"name": _("occupied"), "values": _on(days, counted), "colour": _MEAN}]
    series.append(_fan_series(_("forecast"), days_ahead, days, 1, colour=_AHEAD, anchor=(known.last_day, anchor)))
    if limit is not None:
        series.append({"name": _("limit"), "values": [round(limit, 1)] * len(days), "dashed": True, "colour": 5})
    start = next((n for n, day in enumerate(days) if day in counted), 0)
    return {
        "kind": "line",
        "x": [day.isoformat() for day in days[start:]],
        "x_title": _("day"),
        "y_title": _("occupied"),
        "mark": {"x": known.last_day.isoformat(), "name": _("known until here")},
        "series": [_cut(one, start) for one in series],
    }


def rt_chart(row: Reproduction) -> Chart:
    """The reproduction number of the last weeks with its 50 % and 95 % bands, and the line of one."""
    lines = row.table
    return {
        "kind": "line",
        "fractions": True,
        "x": [line["day"] for line in lines],
        "x_title": _("last day of seven"),
        "series": [
            {
                "name": "Rt",
                "values": [line["median"] for line in lines],
                "colour": 0,
                "bands": [
                    {"name": "95 %", "lo": [line["low"] for line in lines], "hi": [line["high"] for line in lines]},
                    {
                        "name": "50 %",
                        "lo": [line["quarter"] for line in lines],
                        "hi": [line["three_quarters"] for line in lines],
                    },
                ],
            },
            {"name": _("neither growing nor shrinking"), "values": [1] * len(lines), "dashed": True, "colour": 7},
        ],
    }


def _counted(known: Known, target: str, area: str) -> dict[date, float]:
    first, values = known.daily(target).get(area, (known.last_day, np.array([])))
    return {first + timedelta(days=n): round(float(v), 2) for n, v in enumerate(values) if not np.isnan(v)}


def _means(counted: dict[date, float]) -> dict[date, float]:
    found = {}
    for day in counted:
        week = [counted.get(day - timedelta(days=n)) for n in range(WEEK)]
        told = [value for value in week if value is not None]
        if len(told) == WEEK:
            found[day] = round(sum(told) / WEEK, 2)
    return found


def _anchor(known: Known, target: str, area: str, latest: Sequence[Quantiles], *, is_weekly: bool) -> float | None:
    """Where the forecast sets out from: the last seven days, completed by the nowcast where there is one."""
    counted = _counted(known, target, area)
    if is_weekly:
        return counted.get(known.last_day)
    completed = {one.day: one.at(0.5) for one in latest}
    week = [known.last_day - timedelta(days=n) for n in range(WEEK)]
    values = [completed.get(day) if completed.get(day) is not None else counted.get(day) for day in week]
    told = [value for value in values if value is not None]
    return sum(told) / WEEK if len(told) == WEEK else None


def _earlier(made: Round, fan: Sequence[Quantiles], days: list[date], share: int) -> dict[str, Any]:
    series = _fan_series(_("earlier forecasts"), fan, days, share, colour=_EARLIER, wide_only=True)
    return series | {"thin": True, "label": _("Forecast of %(day)s") % {"day": formats.date_format(made.made_on, "Y-m-d")}}


def _fan_series(
    name: str,
    fan: Sequence[Quantiles],
    days: list[date],
    share: int,
    *,
    colour: int,
    dashed: bool = False,
    wide_only: bool = False,
    anchor: tuple[date, float | None] | None = None,
) -> dict[str, Any]:
    def line(level: float) -> list[float | None]:
        points = {one.day: value / share for one in fan if (value := one.at(level)) is not None}
        if anchor and anchor[1] is not None and points:
            points[anchor[0]] = anchor[1]
        return _joined(days, points)

    bands = [{"name": "95 %", "lo": line(_WIDE[0]), "hi": line(_WIDE[1])}]
    if not wide_only:
        bands.append({"name": "50 %", "lo": line(_NARROW[0]), "hi": line(_NARROW[1])})
    return {"name": name, "values": line(0.5), "bands": bands, "colour": colour, "dashed": dashed}


def _joined(days: list[date], points: dict[date, float]) -> list[float | None]:
    """Values for every day between the first and the last point, on the straight lines that join the points."""
    if not points:
        return [None] * len(days)
    known = sorted(points)
    at = np.interp([d.toordinal() for d in days], [d.toordinal() for d in known], [points[d] for d in known])
    return [round(float(v), 2) if known[0] <= day <= known[-1] else None for day, v in zip(days, at, strict=True)]


def _on(days: list[date], values: dict[date, float]) -> list[float | None]:
    return [values.get(day) for day in days]


def _value(series: dict[str, Any], place: int) -> float | None:
    found: float | None = series["values"][place]
    return found


def _cut(series: dict[str, Any], start: int) -> dict[str, Any]:
    """The series from a day on."""
    bands = [{**band, "lo": band["lo"][start:], "hi": band["hi"][start:]} for band in series.get("bands", [])]
    return {**series, "values": series["values"][start:]} | ({"bands": bands} if bands else {})
