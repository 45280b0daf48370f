"""Scenarios side by side: curves, beds, burden, costs and the map by day."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from epipolis.core import audit, clock
from epipolis.core.access import needs
from epipolis.core.exports import FORMATS, download
from epipolis.understand.scenarios import queries

MOST = 4


@needs("scenarios.view")
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Two to four scenarios; the first is what the others are measured against."""
    chosen = _chosen(request)
    shown, missing = queries.shown(chosen)
    offered = [one for one in queries.listed(request.user)[:200] if one not in chosen]
    context = {"chosen": chosen, "missing": missing, "offered": offered, "most": MOST, "shown": shown, "formats": list(FORMATS)}
    context |= {"query": "&".join(f"s={one.id}" for one in chosen)}
    if shown:
        context |= queries.result_of(shown) | queries.comparison_of(shown)
    return render(request, "scenarios/compare.html", context)


@needs("scenarios.view")
@require_safe
def compare_table(request: HttpRequest, table: str, kind: str) -> HttpResponseBase:
    """One table of the comparison as a file."""
    if table not in queries.COLUMNS or kind not in FORMATS:
        raise Http404
    shown, _missing = queries.shown(_chosen(request))
    rows = queries.rows(table, shown)
    audit.record("scenarios.export", by=request.user, at=clock.now(), subject=table, rows=len(rows))
    return download(f"scenarios-{table}", kind, queries.COLUMNS[table], rows)


@needs("scenarios.view")
@require_safe
def areas_by_day(request: HttpRequest) -> JsonResponse:
    """For the map: each scenario's areas and, day by day, infections of seven days per 100,000 people."""
    shown, _missing = queries.shown(_chosen(request))
    return JsonResponse({"scenarios": [queries.drawn_days(one) for one in shown]})


def _chosen(request: HttpRequest):
    """The scenarios that the address names, at most four; without any, the last two that were finished.

    They keep the address's order, but `first` names the one to measure against, and where nobody chose one ("plain", as the
    list sends it) those without measures come first.
    """
    wanted: list[UUID] = []
    for text in request.GET.getlist("s"):
        try:
            key = UUID(text)
        except ValueError:
            continue
        if key not in wanted:
            wanted.append(key)
    if not wanted and "s" not in request.GET:
        return queries.plain_first(queries.latest_finished(request.user))
    found = {one.id: one for one in queries.visible_to(request.user).filter(id__in=wanted[:MOST])}
    chosen = [found[key] for key in wanted if key in found]
    if "plain" in request.GET:
        return queries.plain_first(chosen)
    return sorted(chosen, key=lambda one: str(one.id) != request.GET.get("first"))
