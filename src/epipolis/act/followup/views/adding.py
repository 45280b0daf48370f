"""Somebody whom a case named: found or registered, and followed from now on."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from epipolis.act.followup import queries, services
from epipolis.act.followup.forms import ExposureForm
from epipolis.act.followup.services import NewExposure
from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.cases.models import Case
from epipolis.sense.people import services as people
from epipolis.sense.people.services import PersonError, PersonRow


@needs("followup.work")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Add a contact by hand."""
    form = ExposureForm(request.POST or None, initial={"case": request.GET.get("case", "")[:100], "risk": "medium"})
    if request.method != "POST" or not form.is_valid():
        return render(request, "followup/add.html", {"form": form}, status=422 if request.method == "POST" else 200)
    data = form.cleaned_data
    source = queries.case_numbered(data["case"])
    if source is None:
        form.add_error("case", _("No case has this number."))
        return render(request, "followup/add.html", {"form": form}, status=422)
    try:
        row = _store(request, data, source)
    except PersonError as error:
        form.add_error(error.field if error.field in form.fields else None, error.rule)
        return render(request, "followup/add.html", {"form": form}, status=422)
    messages.success(request, _("Added. The page shows until when, and why."))
    return redirect("followup:contact", row.id)


def _store(request: HttpRequest, data: dict[str, Any], source: Case) -> Any:
    at = clock.now()
    told = PersonRow(
        identifiers=[("national_id", data["national_id"])] if data["national_id"] else (),
        given_name=data["given_name"],
        family_name=data["family_name"],
        language=data["language"],
        phones=[data["phone"]] if data["phone"] else (),
    )
    match = people.match_person(told, by=request.user, at=at)
    return services.add_exposure(
        NewExposure(
            reference=f"interview:{uuid4()}",
            case=source.id,
            disease=source.disease,
            origin="household" if data["household"] else "interview",
            person=match.person,
            risk=data["risk"],
            relation=data["relation"],
            first_contact=data["first_contact"],
            last_contact=data["last_contact"],
            reported=clock.local_day(at),
            simulated=source.simulated,
        ),
        by=request.user,
        at=at,
    )
