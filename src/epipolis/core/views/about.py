"""What the platform decides by, and what it erases: for everybody to read."""

from collections.abc import Iterator, Mapping
from typing import Any

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
        values = list(spoken(current.content)) if current else []
        packs.append({"name": name, "title": _words(name), "current": current, "versions": versions, "values": values})
    return render(request, "core/rules.html", {"packs": packs, "today": today})


def spoken(content: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """A rule's content line by line: where a value stands, and the value."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from spoken(value, f"{before} › {_words(str(key))}" if before else _words(str(key)))
    elif isinstance(content, list) and any(isinstance(value, Mapping | list) for value in content):
        for number, value in enumerate(content, start=1):
            yield from spoken(value, f"{before} › {number}")
    else:
        yield before, ", ".join(map(str, content)) if isinstance(content, list) else str(content)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


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
