"""Pages of the laboratories themselves, of their codes, and of one result."""

from django.contrib import messages as told
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.forms import LaboratoryForm, MeaningForm
from epipolis.sense.labs.models import LabMessage
from epipolis.sense.people import queries as people_queries


@needs("labs.view")
@require_safe
def laboratories(request: HttpRequest) -> HttpResponse:
    """Who sends, when each was last heard, and what became of their messages."""
    rows = queries.laboratory_rows(clock.now())
    states = [(value, words) for value, words in LabMessage.State.choices if value != "received"]
    context = {
        "rows": [(row, [row.counts.get(value, 0) for value, _words in states]) for row in rows],
        "states": states,
        "unknown": queries.unknown_senders(),
        "silent": sum(row.is_silent for row in rows),
    }
    return render(request, "labs/laboratories.html", context)


@needs("labs.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Register a laboratory."""
    code = request.GET.get("code", "")[:100]
    form = LaboratoryForm(request.POST or None, initial={"code": code, "name": code})
    if request.method == "POST" and form.is_valid():
        try:
            services.register_laboratory(form.cleaned_data, by=request.user, at=clock.now())
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            told.success(request, _("The laboratory is registered. Messages of it that waited for that are processed now."))
            return redirect("labs:laboratories")
    return render(request, "labs/laboratory.html", {"form": form})


@needs("labs.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, laboratory_id: int) -> HttpResponse:
    """Change what is known about a laboratory."""
    found = queries.laboratory(laboratory_id)
    if found is None:
        raise Http404
    form = LaboratoryForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_laboratory(laboratory_id, form.cleaned_data, by=request.user, at=clock.now())
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            told.success(request, _("The laboratory is changed."))
            return redirect("labs:laboratories")
    return render(request, "labs/laboratory.html", {"form": form, "laboratory": found})


@needs("labs.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def codes(request: HttpRequest) -> HttpResponse:
    """What the codes of laboratories mean here, beyond the platform's own table."""
    first = {name: request.GET.get(name, "")[:100] for name in ("code", "system")}
    first["laboratory"] = request.GET.get("laboratory", "")[:18]
    form = MeaningForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        try:
            services.explain_code(**form.cleaned_data, by=request.user, at=clock.now())
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            told.success(request, _("The code is explained. Messages that waited for that are processed now."))
            return redirect("labs:codes")
    return render(request, "labs/codes.html", {"form": form, "meanings": queries.meanings()})


@needs("labs.manage")
@require_POST
def forget(request: HttpRequest, meaning_id: int) -> HttpResponse:
    """Take back what a code was said to mean."""
    services.forget_code(meaning_id, by=request.user, at=clock.now())
    told.success(request, _("The code is no longer explained. What was filed by it stays."))
    return redirect("labs:codes")


@needs("labs.view")
@require_safe
def result(request: HttpRequest, result_id: int) -> HttpResponse:
    """One result, every version of it, and where it belongs."""
    found = queries.result(result_id)
    if found is None:
        raise Http404
    name = None
    if request.user.has_perm("people.view_names"):
        names = people_queries.named([found.person_id], by=request.user, at=clock.now(), why="laboratory")
        name = names.get(found.person_id)
    context = {
        "result": found,
        "name": name,
        "versions": queries.versions_of(found),
        "case": case_queries.cases_by_id([found.case_id]).get(found.case_id) if found.case_id else None,
    }
    return render(request, "labs/result.html", context)
