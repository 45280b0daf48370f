"""Lists of orders, the same as files, and how orders go."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.forms import ListFilter
from epipolis.core import clock
from epipolis.core.access import needs

from .shown import shown

_PAGE = 50


@needs("quarantine.view")
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """Orders of one list; at first those about which somebody must decide."""
    at = clock.now()
    form = ListFilter(request.GET or None)
    chosen: dict[str, Any] = form.cleaned_data if form.is_bound and form.is_valid() else {}
    wanted = queries.Wanted(**(chosen | {"view": chosen.get("view") or "decide"})) if chosen else queries.Wanted()
    page = Paginator(queries.orders(at, wanted), _PAGE).get_page(request.GET.get("page"))
    counted = queries.counts(at)
    rows = shown(request, page.object_list, at)
    context = {
        "form": form,
        "view": wanted.view,
        "title": queries.VIEW_NAMES[wanted.view],
        "page": page,
        "rows": rows,
        "has_drafts": any(item["row"].state == "draft" for item in rows),
        "views": [(name, queries.VIEW_NAMES[name], counted[name]) for name in counted],
        "is_filtered": any((wanted.kind, wanted.place, wanted.district, wanted.ends_by, wanted.number)),
    }
    return render(request, "quarantine/orders.html", context)


@needs("quarantine.view")
@require_GET
def statistics(request: HttpRequest) -> HttpResponse:
    """How orders go: how many, how fast, how often changed, appealed and helped."""
    at = clock.now()
    since, until = queries.last_days(at, 28)
    days = queries.by_day(since, until)
    chart = {
        "kind": "bar",
        "x": [one["day"].isoformat() for one in days],
        "series": [
            {"name": title, "values": [one[name] for one in days]}
            for name, title in (("issued", _("issued")), ("ended", _("ended")), ("lifted", _("lifted")))
        ],
    }
    context = {
        "since": since,
        "until": until,
        "shares": queries.shares(since, until),
        "spreads": queries.spreads(since, until),
        "in_force": queries.count_in_force(),
        "has_any": any(one["issued"] or one["ended"] or one["lifted"] for one in days),
        "chart": chart,
    }
    return render(request, "quarantine/statistics.html", context)
