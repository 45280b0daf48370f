"""For staff: how many are ill by their own word, a caller's declaration, and one list for each purpose."""

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from epipolis.core import clock, exports
from epipolis.core.access import needs
from epipolis.sense.cases.models import Circumstance, Symptom
from epipolis.sense.declarations import queries
from epipolis.sense.declarations.models import Channel, Need, Purpose
from epipolis.sense.people import queries as people

from .citizens import first_declaration

_PAGE = 50


@needs("declarations.view")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Counts by district, and the lists that this reader may open."""
    at = clock.now()
    rows = queries.by_district(at)
    shown = [row for row in rows if row.share is not None]
    context = {
        "today": queries.count_today(at),
        "rows": rows,
        "chart": {
            "kind": "bar",
            "x": [row.district for row in shown],
            "series": [{"name": _("ill by their own word, %"), "values": [round(100 * (row.share or 0), 1) for row in shown]}],
            "y_title": _("ill by their own word, %"),
        },
        "has_chart": bool(shown),
        "lists": [(name, text) for name, text in Purpose.choices if request.user.has_perm(f"declarations.{name}")],
    }
    return render(request, "declarations/overview.html", context)


@needs("declarations.enter")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def declare_by_phone(request: HttpRequest) -> HttpResponse:
    """Somebody calls: the same questions, read out and entered by staff."""
    return first_declaration(request, channel=str(Channel.PHONE), by=request.user)


@needs("declarations.view")
@never_cache
@require_safe
def purpose_list(request: HttpRequest, purpose: str) -> HttpResponse:
    """Who allowed this purpose, with the fields that it needs; names when asked for, each look written down."""
    _may(request, purpose)
    at = clock.now()
    urgent = request.GET.get("all") != "1"
    page = Paginator(queries.declared_for(purpose, at, urgent=urgent), _PAGE).get_page(request.GET.get("page"))
    names = {}
    if request.GET.get("names") == "1" and request.user.has_perm("people.view_names"):
        wanted = [one.member.person_id for one in page if one.member.person_id]
        names = people.named(wanted, by=request.user, at=at, why="declarations")
    context = {
        "purpose": purpose,
        "title": dict(Purpose.choices)[purpose],
        "fields": queries.FIELDS[purpose],
        "page": page,
        "rows": [(one, names.get(one.member.person_id)) for one in page],
        "with_names": bool(names),
        "urgent": urgent,
        "symptom_words": dict(Symptom.choices),
        "circumstance_words": dict(Circumstance.choices),
        "need_words": dict(Need.choices),
    }
    return render(request, "declarations/purpose.html", context)


@needs("declarations.view")
@require_safe
def export_purpose(request: HttpRequest, purpose: str, kind: str) -> HttpResponseBase:
    """The same as a file, without names."""
    _may(request, purpose)
    if kind not in exports.FORMATS:
        raise Http404
    return exports.download(f"declarations-{purpose}", kind, queries.FIELDS[purpose], queries.export_rows(purpose, clock.now()))


def _may(request: HttpRequest, purpose: str) -> None:
    if purpose not in Purpose.values:
        raise Http404
    if not request.user.has_perm(f"declarations.{purpose}"):
        raise PermissionDenied
