"""The tracer's work list: whom to call next, and why."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from epipolis.core import clock, rules
from epipolis.core.access import needs
from epipolis.sense.people import queries as people
from epipolis.understand.tracing import queries, services
from epipolis.understand.tracing.forms import UndoForm, WorkFilter, WorkForm
from epipolis.understand.tracing.models import Contact

_PAGE = 20


@needs("tracing.view")
@require_GET
def work_list(request: HttpRequest) -> HttpResponse:
    """Whom to call next."""
    at = clock.now()
    form = WorkFilter(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    wanted = {**chosen, "mine": request.user if chosen.get("mine") else None}
    contacts = queries.work_list(at=at, **wanted)
    page = Paginator(contacts, _PAGE).get_page(request.GET.get("page"))
    rows = shown_contacts(request, list(page.object_list), why="contacts")
    counts = queries.counts_by_risk(at)
    context = {
        "form": form,
        "page": page,
        "rows": rows,
        "counts": [(risk, counts.get(risk, 0)) for risk in queries.RANKS],
        "is_filtered": any(chosen.values()),
        "oldest": queries.oldest_worth_a_call(at),
        "undo": None,
    }
    return render(request, "tracing/work_list.html", context)


def shown_contacts(
    request: HttpRequest, contacts: list[Contact], *, why: str, with_names: bool = True
) -> list[dict[str, object]]:
    """Contacts as the page shows them: with a name where the reader may see it (and the read is logged), else a pseudonym."""
    known = [contact.person_id for contact in contacts if contact.person_id]
    named = people.named_in_list(known, by=request.user, at=clock.now(), why=why) if with_names else {}
    ill, met = queries.people_who_are_cases(known), queries.cases_met([contact.visitor for contact in contacts])
    return [
        {
            "contact": contact,
            "is_case": contact.person_id in ill,
            "other_cases": met.get(contact.visitor, 1) - 1,
            "name": named.get(contact.person_id),
            "pseudonym": queries.pseudonym(contact.visitor),
            "reasons": rules.explain(contact.decision),
        }
        for contact in contacts
    ]


@needs("tracing.work")
@require_POST
def work(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Note what came of a call; the answer offers to take it back."""
    former, form = _contact(contact_id), WorkForm(request.POST)
    if not form.is_valid():
        return HttpResponse(_("The state or the note is not valid."), status=422)
    services.work_contact(contact_id, **form.cleaned_data, by=request.user, at=clock.now())
    return _answer(request, contact_id, undo=former)


@needs("tracing.work")
@require_POST
def undo(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Take the last step back."""
    _contact(contact_id)
    form = UndoForm(request.POST)
    if not form.is_valid():
        return HttpResponse(_("The state or the note is not valid."), status=422)
    services.undo_work(contact_id, **form.cleaned_data, by=request.user, at=clock.now())
    if not request.headers.get("HX-Request"):
        return _back(request)
    response = render(request, "tracing/parts/worked.html", {"row": None, "undo": None})
    response["HX-Trigger"] = "live:contacts"  # the row may have left the list: the list fetches itself again
    return response


@needs("tracing.work")
@require_POST
def assign(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Take a contact, or give it back to everybody."""
    _contact(contact_id)
    to = request.user if request.POST.get("to") == "me" else None
    services.assign_contact(contact_id, to=to, by=request.user, at=clock.now())
    return _answer(request, contact_id)


def _contact(contact_id: int) -> Contact:
    found = queries.contact(contact_id) if contact_id < 2**63 else None
    if found is None:
        raise Http404
    return found


def _answer(request: HttpRequest, contact_id: int, undo: Contact | None = None) -> HttpResponse:
    """One row for a script that asked for it; without a script, back to the page."""
    if not request.headers.get("HX-Request"):
        return _back(request)
    (row,) = shown_contacts(request, [_contact(contact_id)], why="contacts")
    return render(request, "tracing/parts/worked.html", {"row": row, "undo": undo})


def _back(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("back", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else reverse("tracing:work_list"))
