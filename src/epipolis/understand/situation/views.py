from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from epipolis.core import audit, clock
from epipolis.core.access import needs, public
from epipolis.core.exports import FORMATS, download
from epipolis.core.modules import Layer
from epipolis.sense.city import queries as city
from epipolis.understand.tracing import queries as tracing

from . import queries

TABLES: dict[str, Callable[[queries.Picture], list[dict[str, Any]]]] = {
    "curve": queries.curve_table,
    "ages": queries.age_table,
    "districts": queries.district_table,
}


@needs("situation.view")
def situation(request: HttpRequest) -> HttpResponse:
    """The live picture, with the slider that goes back to any day."""
    return render(request, "situation/situation.html", _context(request))


@needs("situation.view")
def picture_part(request: HttpRequest) -> HttpResponse:
    """The part of the page below the slider, asked for again when the slider moves."""
    return render(request, "situation/_picture.html", _context(request))


@needs("situation.view")
def figures_part(request: HttpRequest) -> HttpResponse:
    """The figures, charts and tables of now, asked for again when a case changes; the map stays as it is."""
    return render(request, "situation/_figures.html", _context(request))


@needs("situation.view")
def districts_layer(request: HttpRequest) -> JsonResponse:
    """District borders with their figures, for any map."""
    picture = queries.picture(_moment(request), now=clock.now())
    figures = {row["district_id"]: row for row in queries.district_table(picture)}
    borders = city.border_geojson("districts")
    features = [
        {**feature, "properties": {**feature["properties"], **figures.get(feature["id"], {})}}
        for feature in borders["features"]
    ]
    return JsonResponse({**borders, "features": features})


@needs("situation.export")
def table_download(request: HttpRequest, table: str, kind: str) -> HttpResponseBase:
    """One table of the page as a file."""
    if table not in TABLES or kind not in FORMATS:
        raise Http404
    rows = TABLES[table](queries.picture(_moment(request), now=clock.now()))
    audit.record("situation.export", by=request.user, at=clock.now(), subject=table, rows=len(rows))
    return download(f"situation-{table}", kind, list(rows[0]) if rows else ["day"], rows)


@public
def public_picture(request: HttpRequest) -> HttpResponse:
    """The day's release for everybody: no small cells."""
    release = queries.published(clock.now())
    return render(request, "situation/public.html", {"release": release, "chart": queries.week_chart(release)})


@public
def public_download(request: HttpRequest) -> HttpResponseBase:
    """The day's release as a file; a hidden count is empty."""
    release = queries.published(clock.now())
    rows = [
        {"week_from": week, "district": row["district"], "cases": count}
        for row in release.districts
        for week, count in zip(release.weeks, row["counts"], strict=True)
    ]
    return download("epidemic-by-district", "csv", ("week_from", "district", "cases"), rows)


def _context(request: HttpRequest) -> dict[str, Any]:
    now = clock.now()
    at = _moment(request)
    picture = queries.picture(at, now=now)
    first, last = queries.known_days()
    return {
        "picture": picture,
        "past": at,
        "first_day": first,
        "days": (last - first).days,
        "shown_day": (picture.today - first).days,
        "hops": queries.hops(at or now),
        "clusters": tracing.clusters(at or now, limit=8),
        "districts": queries.district_table(picture),
        "curve": queries.curve_chart(picture),
        "pyramid": queries.age_chart(picture),
        "classes": queries.class_counts(picture),
        "layers": [_layer(at, picture.today)],
        "formats": list(FORMATS),
        "week_change": _percent(picture.week_change),
    }


def _layer(at: datetime | None, day: date) -> Layer:
    address = reverse("situation:districts_layer") + (f"?day={day.isoformat()}" if at else "")
    return Layer("incidence", _("7-day incidence"), address, needs="situation.view", colour_by="incidence_7_days")


def _percent(change: float | None) -> str:
    """A change in words that do not depend on colour: ▲ 12 %."""
    if change is None:
        return ""
    return f"{'▲' if change > 0 else '▼' if change < 0 else '='} {abs(change):.0%}"


def _moment(request: HttpRequest) -> datetime | None:
    """The end of the day that `day` or `step` (days after the first) names. None for now, for days to come and for nonsense."""
    try:
        step = request.GET.get("step", "")
        named = request.GET.get("day", "")
        day = date.fromisoformat(named) if named else queries.known_days()[0] + timedelta(days=int(step))
        moment = clock.start_of(day + timedelta(days=1)) - timedelta(microseconds=1)  # still that day, not the next
    except (ValueError, OverflowError):
        return None
    return moment if moment < clock.now() else None
