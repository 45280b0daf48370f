"""Pages on which the facts are told that a classification rests on, and the classification itself."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.forms import OverrideForm, StatesForm, TestForm
from epipolis.sense.cases.models import Case

from .shown import found_case

_TRUTH = {"yes": True, "no": False, "": None}


@needs("cases.revise")
@require_http_methods(["GET", "HEAD", "POST"])
def states(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Symptoms and circumstances, each yes, no, not known or not asked; somebody else's answers meanwhile are kept."""
    found = found_case(case_id)
    form = StatesForm(request.POST or None, case=found)
    if request.method == "POST" and form.is_valid():
        told = _told(form)
        try:
            services.revise_case(case_id, told, by=request.user, at=clock.now(), expected=form.cleaned_data["revision"])
        except services.StaleRevisionError:
            found = found_case(case_id)
            form = StatesForm(case=found, initial=_merged(found, form))
            messages.warning(
                request, _("Somebody changed this case meanwhile. Their answers are filled in; look and save again.")
            )
        except services.FactsError as error:
            for broken in error.broken:
                form.add_error(None, f"{broken.field}: {_(broken.rule)}")
        else:
            messages.success(request, _("The answers are stored, and the case is judged by them."))
            return redirect("cases:case", case_id=case_id)
    return render(request, "cases/states.html", {"case": found, "form": form})


@needs("cases.note_tests")
@require_POST
def note_test(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """A finding from paper or the telephone."""
    found, form = found_case(case_id), TestForm(request.POST)
    if not form.is_valid():
        return _again(request, case_id, form)
    told = dict(form.cleaned_data)
    days = {name: _moment(told.pop(f"{name[:-3]}_on")) for name in ("sampled_at", "resulted_at")}
    try:
        services.note_test(found.id, **told, **days, by=request.user, at=clock.now())
        messages.success(request, _("The finding is noted, and the case is judged by it."))
    except services.FactsError as error:
        for broken in error.broken:
            messages.error(request, f"{broken.field}: {_(broken.rule)}")
    return redirect("cases:case", case_id=case_id)


@needs("cases.classify")
@require_POST
def override(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Say another classification than the rules, and why."""
    form = OverrideForm(request.POST)
    if not form.is_valid():
        return _again(request, case_id, form)
    return _change(request, case_id, services.override_classification, _("Your classification stands."), **form.cleaned_data)


@needs("cases.classify")
@require_POST
def follow_rules(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Let the rules decide again."""
    return _change(request, case_id, services.follow_rules, _("The rules decide about this case again."))


def _change(request: HttpRequest, case_id: UUID, change: Any, done: str, **told: Any) -> HttpResponse:
    read = request.POST.get("revision", "")
    expected = int(read) if read.isascii() and read.isdecimal() and len(read) < 10 else None
    try:
        change(case_id, **told, by=request.user, at=clock.now(), expected=expected)
        messages.success(request, done)
    except Case.DoesNotExist as error:
        raise Http404 from error
    except services.StaleRevisionError:
        messages.error(request, _("Somebody changed this case while you looked at it. This is what is believed now."))
    except (ValueError, LookupError) as error:
        messages.error(request, str(error))
    return redirect("cases:case", case_id=case_id)


def _told(form: StatesForm) -> dict[str, Any]:
    answers: dict[str, Any] = {kind: form.answers(kind) for kind in ("symptoms", "circumstances")}
    return answers | {"has_symptoms": _TRUTH[form.cleaned_data["has_symptoms"]]}


def _merged(now: Case, form: StatesForm) -> dict[str, str]:
    """My answers where I changed one, theirs elsewhere."""
    read = next((row for row in queries.revisions(now.id) if row.revision == form.cleaned_data["revision"]), None)
    before: Any = read or now
    mine: dict[str, str] = {}
    for kind in ("symptoms", "circumstances"):
        told, known = form.answers(kind), getattr(before, kind)
        mine |= {f"{kind}-{name}": told.get(name, "") for name in told | known if told.get(name, "") != known.get(name, "")}
    return mine


def _again(request: HttpRequest, case_id: UUID, form: Any) -> HttpResponse:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        messages.error(request, f"{label}: {' '.join(errors)}")
    return redirect("cases:case", case_id=case_id)


def _moment(day: date | None) -> datetime | None:
    return datetime.combine(day, time(12), tzinfo=clock.zone()) if day else None
