"""What the platform decides by, and what it erases: for everybody to read."""

from django.core.paginator import Paginator
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from epipolis.core import clock, retention, rules
from epipolis.core.access import public

_A_PAGE = 50


@public
@require_GET
def rules_in_force(request: HttpRequest) -> HttpResponse:
    """Every rule pack with its versions and the one that decides today."""
    today, packs = clock.today(), []
    for name in rules.names():
        try:
            current = rules.in_force(name, today)
        except LookupError:
            current = None
        versions = sorted(rules.versions(name), key=lambda pack: pack.valid_from, reverse=True)
        packs.append({"name": name, "current": current, "versions": versions})
    return render(request, "core/rules.html", {"packs": packs, "today": today})


@public
@require_GET
def receipts(request: HttpRequest) -> HttpResponse:
    """How long each kind of record is kept, and how many were erased on each day; counts only."""
    days = (
        retention.receipts()
        .order_by()
        .values("what", day=TruncDate("at", tzinfo=clock.zone()))
        .annotate(erased=Sum("rows"), times=Count("id"))
        .order_by("-day", "what")
    )
    page = Paginator(days, _A_PAGE).get_page(request.GET.get("page"))
    return render(request, "core/retention.html", {"keeps": retention.keeps().values(), "days": page})
