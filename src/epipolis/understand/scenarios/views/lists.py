"""The list of scenarios, the two that are ready to begin with, and scenarios from files."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.understand.scenarios import queries, services
from epipolis.understand.scenarios.forms import ListFilter, UploadForm

_PAGE = 25


@needs("scenarios.view")
@require_safe
def scenario_list(request: HttpRequest) -> HttpResponse:
    """Every scenario that this person may open, with what came of it."""
    form = ListFilter(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    found = queries.listed(request.user, archived=bool(chosen.get("archived")), text=chosen.get("q", ""))
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    rows = [_row(one) for one in page.object_list]
    context = {
        "form": form, "page": page, "rows": rows, "ready": queries.READY, "upload": UploadForm(),
        "is_filtered": any(chosen.values()), "can_compare": sum(row["done"] is not None for row in rows) > 1,
    }  # fmt: skip
    return render(request, "scenarios/list.html", context)


def _row(one):
    versions = list(one.versions.all())
    runs = [run for version in versions for run in version.runs.all()]
    newest = versions[0]
    return {
        "scenario": one,
        "version": newest,
        "content": newest.content,
        "measures": [queries.measure_title(entry) for entry in newest.content["measures"]],
        "last": next(iter(newest.runs.all()), None),
        "done": next((run for run in runs if run.state == "done"), None),
    }


@needs("scenarios.run")
@require_POST
def first(request: HttpRequest) -> HttpResponse:
    """Make and start two ready scenarios."""
    disease = queries.usual_disease()
    made = services.make_first_scenarios(by=request.user, at=clock.now(), disease=disease)
    messages.success(request, _("Two scenarios are being simulated. Open the comparison when both are done."))
    return redirect("scenarios:scenario", scenario_id=made[-1].id)


@needs("scenarios.run")
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Keep the scenario of a file."""
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, " ".join(sentence for errors in form.errors.values() for sentence in errors))
        return redirect("scenarios:list")
    try:
        made = services.import_scenario(
            form.cleaned_data["file"], by=request.user, at=clock.now(), disease=queries.usual_disease()
        )
    except ValueError as error:
        messages.error(request, _("This file was not taken: %(why)s") % {"why": error})
        return redirect("scenarios:list")
    return redirect("scenarios:scenario", scenario_id=made.id)
