"""How well the response works: each indicator over a period, day by day, by district and by team."""

from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from epipolis.act.followup import queries
from epipolis.act.followup.forms import PeriodForm
from epipolis.core import clock, exports
from epipolis.core.access import needs
from epipolis.sense.city import queries as city

_DAYS, _MOST_DAYS = 14, 400
_FIRST = date(1950, 1, 1)
_COLUMNS = ("indicator", "day", "district", "team", "met", "of", "share", "target", "definition")


@needs("followup.view")
@require_safe
def indicators(request: HttpRequest) -> HttpResponse:
    """Every indicator as a figure with its target, the chosen one as a chart and a table."""
    at = clock.now()
    form = PeriodForm(request.GET)
    since, until = _period(form)
    context: dict[str, Any] = {"form": form, "since": since, "until": until, "problem": ""}
    try:
        rows = queries.counted(since, until, at)
    except ValueError as error:
        return render(request, "followup/indicators.html", context | {"problem": _(str(error))}, status=422)
    found = queries.shares(rows)
    chosen = request.GET.get("show", "")
    chosen = chosen if chosen in queries.INDICATORS else found[0].indicator.name
    districts, teams = dict(city.districts().values_list("id", "name")), {one.id: one.name for one in queries.teams()}
    by_day = queries.shares_by(rows, lambda row: row.day, chosen)
    context |= {
        "shares": found,
        "chosen": queries.INDICATORS[chosen],
        "chart": _chart(queries.INDICATORS[chosen], by_day, since, until),
        "has_any": any(one.of for one in by_day.values()),
        "by_district": _named(queries.shares_by(rows, lambda row: row.district, chosen), districts, _("no district known")),
        "by_team": _named(queries.shares_by(rows, lambda row: row.team, chosen), teams, _("no team")),
        "hops": queries.hops(since, until, at),
    }
    return render(request, "followup/indicators.html", context)


@needs("followup.export")
@require_safe
def export_indicators(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Every indicator by day, district and team as a file."""
    if kind not in exports.FORMATS:
        raise Http404
    since, until = _period(PeriodForm(request.GET))
    try:
        rows = queries.counted(since, until, clock.now())
    except ValueError as error:
        raise Http404 from error
    districts, teams = dict(city.districts().values_list("id", "name")), {one.id: one.name for one in queries.teams()}
    table = (
        {
            "indicator": row.name,
            "day": row.day,
            "district": districts.get(row.district, ""),
            "team": teams.get(row.team, ""),
            "met": row.met,
            "of": row.of,
            "share": round(row.met / row.of, 4) if row.of else None,
            "target": queries.INDICATORS[row.name].target,
            "definition": str(queries.INDICATORS[row.name].definition),
        }
        for row in rows
    )
    return exports.download("indicators", kind, _COLUMNS, table)


def _period(form: PeriodForm) -> tuple[date, date]:
    today = clock.today()
    told = form.cleaned_data if form.is_valid() else {}
    # What has not been cannot be counted, and a longer time is no working figure.
    until = max(min(told.get("until") or today, today), _FIRST)
    return max(told.get("since") or until - timedelta(days=_DAYS - 1), until - timedelta(days=_MOST_DAYS)), until


def _chart(indicator: Any, by_day: dict[date, Any], since: date, until: date) -> dict[str, Any]:
    days = [since + timedelta(days=n) for n in range(max(0, min((until - since).days, 400)) + 1)]
    percents = [round(100 * by_day[day].share, 1) if day in by_day and by_day[day].of else None for day in days]
    return {
        "kind": "line",
        "x": [day.isoformat() for day in days],
        "series": [
            {"name": str(indicator.title), "values": percents},
            {"name": _("to reach"), "values": [100 * indicator.target] * len(days), "dashed": True, "thin": True},
        ],
        "y_title": "%",
    }


def _named(found: dict[Any, Any], names: dict[int, str], nobody: str) -> list[tuple[str, Any]]:
    rows = [(names.get(key, nobody), share) for key, share in found.items() if share.of]
    return sorted(rows, key=lambda row: (row[1].share or 0.0, row[0]))
