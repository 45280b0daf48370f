"""Pages of samples: the counter where a person is given a label, and the labels to print."""

from typing import Any
from uuid import UUID

from django.contrib import messages as told
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.forms import BarcodeForm, CountForm, FindForm
from epipolis.sense.labs.models import SampleLabel
from epipolis.sense.people import queries as people_queries

_PAGE = 50
_MOST = 20  # people that a search shows


@needs("labs.counter")
@require_http_methods(["GET", "HEAD", "POST"])
def counter(request: HttpRequest) -> HttpResponse:
    """Find the person who stands at the counter. What was typed is not in the address, for it may be a name."""
    may, form = request.user.has_perm("people.view_names"), FindForm(request.POST or None)
    text = form.cleaned_data["q"] if form.is_bound and form.is_valid() and may else ""
    found: list[tuple[UUID, Any]] = []
    if text:
        by, at = request.user, clock.now()
        ids = [row.id for row in people_queries.search(text, by=by, at=at)][:_MOST]
        names = people_queries.named(ids, by=by, at=at, why="search")
        found = [(person, names.get(person)) for person in ids]
    return render(request, "labs/counter.html", {"found": found, "q": text, "may": may})


@needs("labs.counter")
@require_http_methods(["GET", "HEAD", "POST"])
def counter_person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Give a person a label: scan it, or type its letters."""
    row = people_queries.person(person_id)
    if row is None or row.erased is not None:
        raise Http404
    by, at = request.user, clock.now()
    form = BarcodeForm(request.POST or None)
    if form.is_bound:
        _give(request, form, person_id)
        return redirect("labs:counter_person", person_id)
    labels = list(queries.labels_of(person_id)[:_PAGE])
    results = queries.results_of_samples([one.barcode for one in labels])
    name = None
    if request.user.has_perm("people.view_names"):
        name = people_queries.named([person_id], by=by, at=at, why="laboratory").get(person_id)
    context = {
        "person": person_id,
        "name": name,
        "birth_year": row.birth_year,
        "labels": [(one, results.get(one.barcode, [])) for one in labels],
        "is_simulated": row.simulated,
    }
    return render(request, "labs/counter_person.html", context)


@needs("labs.counter")
@require_safe
def labels(request: HttpRequest) -> HttpResponse:
    """Labels, newest first: which were given, and which wait for somebody."""
    page = Paginator(queries.labels(), _PAGE).get_page(request.GET.get("page"))
    results = queries.results_of_samples([one.barcode for one in page.object_list])
    rows = [(one, bool(results.get(one.barcode))) for one in page.object_list]
    return render(request, "labs/labels.html", {"page": page, "rows": rows, "form": CountForm(initial={"count": 48})})


@needs("labs.counter")
@require_POST
def print_labels(request: HttpRequest) -> HttpResponse:
    """Make labels and show them as pages to print."""
    form = CountForm(request.POST)
    if not form.is_valid():
        told.error(request, _("Print 1 to %(most)d labels at once.") % {"most": services.MOST_PRINTED})
        return redirect("labs:labels")
    return _pdf(services.make_labels(form.cleaned_data["count"], by=request.user, at=clock.now()))


@needs("labs.counter")
@require_safe
def print_label(request: HttpRequest, label_id: int) -> HttpResponse:
    """One label again."""
    return _pdf([_label(label_id)])


@needs("labs.counter")
@require_POST
def take_back_label(request: HttpRequest, label_id: int) -> HttpResponse:
    """A label was given by mistake."""
    found = _label(label_id)
    try:
        services.take_back_label(label_id, request.POST.get("reason", ""), by=request.user, at=clock.now())
        told.success(request, _("The label is taken back. Give another one."))
    except services.LabelError as error:
        told.error(request, str(error))
    if found.person_id is None:
        return redirect("labs:labels")
    return redirect("labs:counter_person", found.person_id)


def _give(request: HttpRequest, form: BarcodeForm, person: UUID) -> None:
    if not form.is_valid():
        told.error(request, _("Scan a barcode, or type its letters."))
        return
    try:
        label, is_new = services.give_label(form.cleaned_data["barcode"], person, by=request.user, at=clock.now())
    except services.LabelError as error:
        told.error(request, str(error))
        return
    text = _("The label %(barcode)s is given.") if is_new else _("The label %(barcode)s was given already.")
    told.success(request, text % {"barcode": label.barcode})


def _pdf(found: list[SampleLabel]) -> HttpResponse:
    answer = HttpResponse(services.draw_labels(found), content_type="application/pdf")
    answer["Content-Disposition"] = 'inline; filename="labels.pdf"'
    answer["Cache-Control"] = "no-store"
    return answer


def _label(label_id: int) -> SampleLabel:
    found = queries.label(label_id)
    if found is None:
        raise Http404
    return found
