"""Pages for auditors: the trail itself, whether its chain is whole, and its export."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST

from epipolis.core import audit, clock, exports
from epipolis.core.access import needs
from epipolis.core.forms import AuditFilter, EarlierHead
from epipolis.core.models import AuditEntry

_PAGE = 50
COLUMNS = ("position", "at", "actor", "action", "subject", "person", "detail", "digest")


@needs("core.audit")
def trail(request: HttpRequest) -> HttpResponse:
    """Who did or saw what, newest first."""
    form, found = _filtered(request)
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "head": audit.head(), "earlier": EarlierHead()}
    return render(request, "core/accounts/audit.html", context)


@needs("core.audit")
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Go over the whole chain and say whether it is whole; an earlier head shows that its end was not cut off."""
    audit.seal()
    earlier = EarlierHead(request.POST)
    asked = earlier.is_valid() and earlier.cleaned_data["position"] and earlier.cleaned_data["digest"]
    context = {
        "broken": audit.broken_link(),
        "head": audit.head(),
        "asked": bool(asked),
        "earlier_stands": audit.has_link(earlier.cleaned_data["position"], earlier.cleaned_data["digest"]) if asked else None,
    }
    audit.record("audit.verify", by=request.user, at=clock.now(), broken=context["broken"])
    return render(request, "core/accounts/verified.html", context)


@needs("core.audit")
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The trail as a file, under the same filter as the page."""
    if kind not in exports.FORMATS:
        raise Http404
    _form, found = _filtered(request)
    audit.record("audit.export", by=request.user, at=clock.now(), kind=kind)
    return exports.download("audit", kind, COLUMNS, _rows(found))


def _filtered(request: HttpRequest) -> tuple[AuditFilter, QuerySet[AuditEntry]]:
    form = AuditFilter(request.GET)
    if not form.is_valid():
        return form, AuditEntry.objects.none()
    wanted = form.cleaned_data
    since = clock.start_of(wanted["day"]) if wanted["day"] and 1900 <= wanted["day"].year <= 2200 else None
    until = clock.start_of(wanted["day"] + timedelta(days=1)) if since else None
    found = audit.entries(actor=wanted["actor"], action=wanted["action"], person=wanted["person"], since=since, until=until)
    return form, found


def _rows(found: QuerySet[AuditEntry]) -> Iterator[dict[str, Any]]:
    for entry in found.iterator(2_000):
        yield {name: getattr(entry, name) for name in COLUMNS}
