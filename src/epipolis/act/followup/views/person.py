"""The page of the person: one link, no account, a minute a day on a phone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from epipolis.act.followup import queries, services
from epipolis.act.followup.forms import CheckForm
from epipolis.act.followup.models import FollowUp, State
from epipolis.act.followup.services import Answer, FollowUpError
from epipolis.act.followup.settings import settings
from epipolis.core import clock, rules
from epipolis.core.access import public


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def self_report(request: HttpRequest, token: str) -> HttpResponse:
    """Tell how one is today. The page names nobody: a link may be seen by others."""
    at = clock.now()
    found = services.find_link(token, at=at)
    if found is None or found[1].state != State.OPEN:
        status, is_over = (200, True) if found else (404, False)
        return render(request, "followup/person_over.html", {"is_over": is_over, "hotline": settings.hotline}, status=status)
    _link, row = found
    if request.method != "POST":
        return _page(request, row, token)
    form = CheckForm(_with_day(request, row))
    if not form.is_valid():
        return _page(request, row, token, error=_("Something could not be read. Please look at the temperature."), form=form)
    if not form.symptoms and form.cleaned_data["temperature"] is None:
        return _page(request, row, token, error=_("Please answer at least one question."), form=form)
    answer = Answer(
        state=form.told_state,
        day=form.cleaned_data["day"],
        part=form.cleaned_data["part"] or 0,
        temperature=form.cleaned_data["temperature"],
        symptoms=form.symptoms,
        note=form.cleaned_data["note"],
        client_id=form.cleaned_data["client_id"],
    )
    try:
        noted = services.self_report(token, answer, at=at)
    except FollowUpError as error:
        return _page(request, row, token, error=_(error.rule), form=form)
    return render(request, "followup/person_done.html", {"noted": noted, "row": row, "hotline": settings.hotline})


def _with_day(request: HttpRequest, row: FollowUp) -> dict[str, str]:
    """A person tells about now; which day that is the platform knows."""
    at = clock.now()
    told = {name: str(value) for name, value in request.POST.items() if name.startswith("symptom_")}
    if "all_well" in request.POST:
        told = {f"symptom_{name}": "no" for name in queries.SYMPTOMS}
    kept = {name: request.POST.get(name, "") for name in ("note", "client_id")}
    kept["temperature"] = request.POST.get("temperature", "").replace(",", ".")
    part = queries.part_of_day(at, queries.times_a_day(row, at))
    return told | kept | {"day": clock.local_day(at).isoformat(), "part": str(part)}


def _page(request: HttpRequest, row: FollowUp, token: str, error: str = "", form: CheckForm | None = None) -> HttpResponse:
    at = clock.now()
    today = clock.local_day(at)
    days = queries.days_of(row, at)
    context = {
        "row": row,
        "token": token,
        "form": form or CheckForm(),
        "error": error,
        "why": rules.explain(row.decision)[:1],
        "is_done": any(day.day == today and day.state in queries.SEEN for day in days),
        "told": queries.told(row, "later", None, at),
        "hotline": settings.hotline,
    }
    return render(request, "followup/person.html", context, status=422 if error else 200)
