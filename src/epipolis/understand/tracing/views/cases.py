"""One case: whom it met, from whom it may come, who was where when."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from epipolis.core import audit, clock, exports, rules
from epipolis.core.access import needs
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case
from epipolis.understand.tracing import queries, services
from epipolis.understand.tracing.models import Trace

from .work import shown_contacts

_PAGE = 15
_SOURCE_COLUMNS = ("case", "case_number", "likelihood", "minutes", "certain", "named", "places", "last_met")


@needs("tracing.view")
@require_GET
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Everything that tracing knows about one case."""
    found, at = _case(case_id), clock.now()
    trace = queries.current_trace(case_id)
    page = Paginator(queries.contacts_of(case_id), _PAGE).get_page(request.GET.get("page"))
    with_names = "names" in request.GET
    context = {
        "case": found,
        "trace": trace,
        "last_day": trace.window_until - timedelta(seconds=1) if trace and trace.window_until else None,
        "reasons": rules.explain(trace.decision) if trace else [],
        "changes": changes_of(trace) if trace else [],
        "page": page,
        "rows": shown_contacts(request, list(page.object_list), why="tracing", with_names=with_names),
        "with_names": with_names,
        "sources": queries.sources_of(found, at=at),
        "network": queries.network(case_id, at=at),
        "timeline": queries.timeline(found, at=at),
        "traces": queries.traces_of(case_id)[:20],
    }
    return render(request, "tracing/case.html", context)


def changes_of(trace: Trace) -> list[str]:
    """What the last trace changed, in sentences."""
    found = []
    for name, text in (
        ("added", lambda n: ngettext("%(n)d contact is new.", "%(n)d contacts are new.", n)),
        ("gone", lambda n: ngettext("%(n)d contact is no longer one; the work on it is kept.",
                                    "%(n)d contacts are no longer any; the work on them is kept.", n)),
        ("changed", lambda n: ngettext("%(n)d contact met for another time or has another risk.",
                                       "%(n)d contacts met for another time or have another risk.", n)),
    ):  # fmt: skip
        if count := len(trace.changes.get(name, ())):
            found.append(text(count) % {"n": count})
    return found


@needs("tracing.run")
@require_POST
def trace_again(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Look again, now."""
    _case(case_id)
    before = queries.current_trace(case_id)
    trace = services.trace_case(case_id, by=request.user, at=clock.now())
    is_same = before is not None and before.id == trace.id
    messages.success(
        request, _("Nothing has changed since the last trace.") if is_same else _("Traced again: the page shows what changed.")
    )
    return redirect("tracing:case", case_id)


@needs("tracing.view")
@require_GET
def onward(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Whom a contact met since: computed when asked for, not stored."""
    contact = queries.contact(contact_id) if contact_id < 2**63 else None
    if contact is None:
        raise Http404
    at = clock.now()
    found = queries.contacts_of_contacts(contact, at=at)
    audit.record("tracing.onward", by=request.user, at=at, subject=contact.id, person=contact.person_id, found=len(found))
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    rows = [
        {"found": one, "pseudonym": queries.pseudonym(one.visitor), "reasons": rules.explain(one.decision.to_json())}
        for one in page
    ]
    context = {
        "contact": contact,
        "pseudonym": queries.pseudonym(contact.visitor),
        "page": page,
        "rows": rows,
        "total": len(found),
    }
    return render(request, "tracing/onward.html", context)


@needs("tracing.view")
@require_GET
def network(request: HttpRequest) -> HttpResponse:
    """The cases traced last and what links them."""
    return render(request, "tracing/network.html", {"network": queries.network(at=clock.now())})


@needs("tracing.export")
@require_GET
def export_contacts(request: HttpRequest, case_id: UUID, kind: str) -> HttpResponseBase:
    """The contacts of a case as a file, without names."""
    found = _case(case_id)
    return _download(
        request, f"contacts-{found.source_key}", kind, queries.EXPORTED, queries.contact_rows(clock.now(), case=case_id)
    )


@needs("tracing.export")
@require_GET
def export_sources(request: HttpRequest, case_id: UUID, kind: str) -> HttpResponseBase:
    """The possible sources of a case as a file."""
    found = _case(case_id)
    rows = (
        {
            "case": source.case.id,
            "case_number": source.case.source_key,
            "likelihood": round(source.likelihood, 4),
            "minutes": source.minutes,
            "certain": source.certain,
            "named": source.is_named,
            "places": ", ".join(source.places),
            "last_met": source.last_met,
        }
        for source in queries.sources_of(found, at=clock.now())
    )
    return _download(request, f"sources-{found.source_key}", kind, _SOURCE_COLUMNS, rows)


def _download(request: HttpRequest, name: str, kind: str, columns: Any, rows: Any) -> HttpResponseBase:
    if kind not in exports.FORMATS:
        raise Http404
    audit.record("export", by=request.user, at=clock.now(), subject=name)
    return exports.download("".join(c if c.isalnum() or c in "-_" else "-" for c in name), kind, columns, rows)


def _case(case_id: UUID) -> Case:
    found = cases.cases_by_id([case_id]).get(case_id)
    if found is None:
        raise Http404
    return found
