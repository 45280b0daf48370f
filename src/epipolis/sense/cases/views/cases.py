"""Pages of the line list: the list, one case with its history, reporting and changing."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import audit, clock
from epipolis.core.access import needs
from epipolis.core.exports import FORMATS, download
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.forms import CaseFilter, FactsForm, OverrideForm, ReportForm, TestForm
from epipolis.sense.cases.models import Case, ClassifiedBy
from epipolis.sense.people import queries as people_queries
from epipolis.sense.people import services as people

from .shown import found_case

_ROWS = 50
_TOLD = ("classification", "onset", "sampled", "reported", "setting", "note", "district", "sex")
_DESK = "desk"  # the source of cases that staff type in


@needs("cases.view")
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    """The line list, filtered, in pages; as known now or at an earlier moment."""
    form = CaseFilter(request.GET or None)
    wanted = _wanted(form)
    found = _found(wanted)
    order = wanted.get("order") or "-known_at"
    key = (order, "-id" if order.startswith("-") else "id")
    is_broken = form.is_bound and not form.is_valid()
    try:
        page = page_of(found.none() if is_broken else found, wanted.get("cursor"), _ROWS, key)
    except ProblemError:  # a cursor of another order or another platform: begin again
        page = page_of(found, None, _ROWS, key)
    rows = [(getattr(row, "case", row), row) for row in page["items"]]
    count = 0 if is_broken else found.count()
    context = {"form": form, "rows": rows, "next": page["next"], "count": count, "is_filtered": bool(wanted)}
    return render(request, "cases/cases.html", context)


@needs("cases.export")
@require_safe
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The line list as filtered on the page, as a file without names."""
    form = CaseFilter(request.GET or None)
    if kind not in FORMATS or (form.is_bound and not form.is_valid()):
        raise Http404
    at = clock.now()
    audit.record("export", by=request.user, at=at, subject="cases", filters=sorted(_wanted(form)))
    return download("cases", kind, queries.COLUMNS, queries.export_rows(_found(_wanted(form))))


@needs("cases.view")
@require_safe
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """One case: what is believed, since when, and all that was believed before."""
    found = found_case(case_id)
    history = list(queries.revisions(case_id))
    name = None
    if request.user.has_perm("people.view_names"):
        name = people_queries.named([found.person_id], by=request.user, at=clock.now(), why="case").get(found.person_id)
    infector = queries.cases_by_id([found.infected_by]).get(found.infected_by) if found.infected_by else None
    context = {
        "case": found,
        "name": name,
        "facts": queries.ages_of_facts(found, history),
        "timeline": queries.timeline(history),
        "infector": infector,
        "infected": queries.infected_by(case_id)[:100],
        "others": queries.cases_of(found.person_id).exclude(id__in=[case_id, found.same_as] if found.same_as else [case_id])[
            :20
        ],
        "can_undo": any(step.number > 1 and step.origin != services.RULES for step in queries.timeline(history)),
    }
    context |= _judged(found)
    return render(request, "cases/case.html", context)


def _judged(found: Case) -> dict[str, Any]:
    """What the rules say, and what they go by."""
    at = clock.now()
    duplicates = list(queries.duplicates_of(found.id))
    main = queries.cases_by_id([found.same_as]).get(found.same_as) if found.same_as else None
    return {
        "judged": queries.judged(main or found, at),
        "answers": queries.answers_of(found),
        "tests": queries.tests_of(found.id)[:200],
        "test_form": TestForm(initial={"disease": found.disease}),
        "override_form": OverrideForm(initial={"classification": found.classification}),
        "main": main,
        "duplicates": duplicates,
        "questions": queries.duplicate_questions(found.id)[:20],
    }


@needs("cases.revise")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Change what is believed; if somebody else did so meanwhile, show both versions first."""
    found = found_case(case_id)
    form = FactsForm(request.POST or None, instance=found, initial={"revision": found.revision})
    conflicts: list[dict[str, Any]] = []
    if request.method == "POST" and form.is_valid():
        wanted = dict(form.cleaned_data)
        expected = wanted.pop("revision")
        try:
            services.revise_case(case_id, wanted, by=request.user, at=clock.now(), expected=expected)
            messages.success(request, _("The case is changed."))
            return redirect("cases:case", case_id=case_id)
        except services.FactsError as error:
            _show_broken(form, error)
        except services.StaleRevisionError:
            now = found_case(case_id)
            form, conflicts = _merged(now, expected, wanted)
    return render(request, "cases/edit.html", {"case": found, "form": form, "conflicts": conflicts})


@needs("cases.confirm")
@require_POST
def confirm(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Say that the case is confirmed."""
    return _change(request, case_id, services.confirm_case, _("The case is confirmed."))


@needs("cases.revise")
@require_POST
def undo(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Take the last change back."""
    return _change(request, case_id, services.undo_revision, _("The last change is taken back; it stays in the history."))


@needs("cases.report")
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """A new case, typed in."""
    form = ReportForm(request.POST or None, initial={"reported": clock.today()})
    if request.method == "POST" and form.is_valid():
        try:
            made = _report(request, form.cleaned_data)
        except services.FactsError as error:
            _show_broken(form, error)
        except people.PersonError as error:
            form.add_error(error.field if error.field in form.fields else None, _(error.rule))
        except services.AlreadyReportedError as error:
            form.add_error("source_key", _("This number is in the line list already."))
            return render(request, "cases/report.html", {"form": form, "known": error.case})
        else:
            messages.success(request, _("The case is in the line list."))
            return redirect("cases:case" if request.user.has_perm("cases.view") else "cases:report", **_place(request, made))
    return render(request, "cases/report.html", {"form": form})


@transaction.atomic
def _report(request: HttpRequest, told: dict[str, Any]) -> Case:
    by, at = request.user, clock.now()
    facts = {name: told[name] for name in _TOLD if name != "classification" or told[name]}
    facts |= {"age_from": told["age"], "age_to": told["age"]}
    if told["classification"] == "confirmed":
        facts["confirmed"] = told["reported"] or clock.local_day(at)
    person, _created = people.find_or_make_person(
        [("national_id", told["national_id"])] if told["national_id"] else [],
        by=by,
        at=at,
        given_name=told["given_name"],
        family_name=told["family_name"],
        sex=told["sex"],
        phones=[told["phone"]] if told["phone"] else [],
    )
    names = {"disease": told["disease"], "source": _DESK, "source_key": told["source_key"]}
    return services.report_case(person.id, facts, **names, by=by, at=at)


def _place(request: HttpRequest, made: Case) -> dict[str, Any]:
    return {"case_id": made.id} if request.user.has_perm("cases.view") else {}


def _change(request: HttpRequest, case_id: UUID, change: Any, done: str) -> HttpResponse:
    read = request.POST.get("revision", "")
    try:
        expected = int(read) if read.isascii() and read.isdecimal() and len(read) < 10 else None
        change(case_id, by=request.user, at=clock.now(), expected=expected)
        messages.success(request, done)
    except Case.DoesNotExist as error:
        raise Http404 from error
    except services.StaleRevisionError:
        messages.error(request, _("Somebody changed this case while you looked at it. This is what is believed now."))
    except ValueError as error:
        messages.error(request, str(error))
    return redirect("cases:case", case_id=case_id)


def _merged(now: Case, expected: int, wanted: dict[str, Any]) -> tuple[FactsForm, list[dict[str, Any]]]:
    """A form with both editors' changes: mine where I changed something, theirs elsewhere; and where the two differ."""
    read = next((row for row in queries.revisions(now.id) if row.revision == expected), now)
    values: dict[str, Any] = {"revision": now.revision}
    conflicts = []
    for name, mine in wanted.items():
        theirs, before = getattr(now, name), getattr(read, name)
        values[name] = theirs if mine == before else mine
        if theirs != before:
            label = Case._meta.get_field(name).verbose_name
            conflicts.append(
                {"field": label, "before": before, "theirs": theirs, "mine": mine, "is_both": mine not in (before, theirs)}
            )
    return FactsForm(instance=now, initial=values), conflicts


def _show_broken(form: Any, error: services.FactsError) -> None:
    for broken in error.broken:
        form.add_error(broken.field if broken.field in form.fields else None, _(broken.rule))


def _wanted(form: CaseFilter) -> dict[str, Any]:
    if not form.is_bound or not form.is_valid():
        return {}
    return {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}


def _found(wanted: dict[str, Any]) -> Any:
    filters = {name: wanted.get(name) for name in ("since", "until", "district", "classification", "outcome", "symptom")}
    filters |= {name: True for name in ("conflict", "duplicates") if wanted.get("show") == name}
    filters |= {"classified": wanted["show"]} if wanted.get("show") in ClassifiedBy.values else {}
    return queries.line_list(wanted.get("known"), text=wanted.get("q", ""), **filters)
