"""The inbox: what waits for a person, one message beside what was understood of it, and what can be done."""

from typing import Any
from uuid import UUID

from django.contrib import messages as told
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from epipolis.core import audit, clock
from epipolis.core.access import needs
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.forms import HandleForm, InboxFilter, ManyForm
from epipolis.sense.labs.models import Handling, LabMessage
from epipolis.sense.people import queries as people_queries

_PAGE = 30
_MOST = 8  # people that a search shows


@needs("labs.view")
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Messages by state, laboratory, problem and age; at first those that a person must look at."""
    at = clock.now()
    form = InboxFilter(request.GET if request.GET else {"state": queries.WAITING})
    asked: dict[str, Any] = form.cleaned_data if form.is_valid() else {"state": queries.WAITING}
    found = queries.messages(
        state=asked.get("state", ""),
        laboratory=asked["lab"].id if asked.get("lab") else None,
        problem=asked.get("problem", ""),
        older_than=asked.get("age", ""),
        at=at,
    )
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [_row(one) for one in page.object_list],
        "form": form,
        "is_waiting": asked.get("state") == queries.WAITING,
        "is_filtered": any(asked.get(name) for name in ("lab", "problem", "age")) or asked.get("state") != queries.WAITING,
        "counts": [(name, _(services.PROBLEMS.get(name, name)), count) for name, count in queries.waiting_counts().items()],
        "left": queries.count_unprocessed(at),
        "has_any": queries.messages().exists(),
        "done": _done(request),
    }
    return render(request, "labs/inbox.html", context)


@needs("labs.view")
@require_safe
def message(request: HttpRequest, message_id: int) -> HttpResponse:
    """One message beside what was understood of it; names stay hidden."""
    return render(request, "labs/message.html", _page(request, _message(message_id), is_open=False))


@needs("labs.open")
@require_POST
def open_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """The same with the names in it; that somebody looked is written down, and the person can see it."""
    found, at = _message(message_id), clock.now()
    people = list(dict.fromkeys(queries.results_of_message(message_id).values_list("person_id", flat=True)))
    audit.record("labs.open", by=request.user, at=at, subject=found.id)
    audit.record_reads(people, by=request.user, at=at, why="laboratory")
    return render(request, "labs/message.html", _page(request, found, is_open=True))


@needs("labs.handle")
@require_POST
def handle(request: HttpRequest, message_id: int) -> HttpResponse:
    """Take one step with a message."""
    found, form = _message(message_id), HandleForm(request.POST)
    if not form.is_valid():
        told.error(request, _("This step is not known."))
        return redirect("labs:message", message_id)
    asked = form.cleaned_data
    try:
        step = _step(found.id, asked, request.user)
    except services.HandlingError as error:
        told.error(request, str(error))
        return redirect("labs:message", message_id)
    home = reverse("labs:inbox") if asked["back"] == "inbox" else reverse("labs:message", args=[message_id])
    return redirect(f"{home}?done={step.id}")


@needs("labs.handle")
@require_POST
def undo(request: HttpRequest, handling_id: int) -> HttpResponse:
    """Take the newest step with a message back."""
    wanted = queries.handling_by_id(handling_id)
    if wanted is None:
        raise Http404
    try:
        services.undo_handling(handling_id, by=request.user, at=clock.now())
        told.success(request, _("Taken back."))
    except services.HandlingError as error:
        told.error(request, str(error))
    return redirect("labs:message", wanted.message_id)


@needs("labs.handle")
@require_POST
def reject_shown(request: HttpRequest) -> HttpResponse:
    """Reject several messages with one reason."""
    form = ManyForm(request.POST)
    if not form.is_valid():
        told.error(request, _("Choose messages and say why."))
        return redirect("labs:inbox")
    asked = form.cleaned_data
    done = services.reject_many(asked["messages"], asked["note"], by=request.user, at=clock.now())
    text = ngettext("%(count)d message is rejected.", "%(count)d messages are rejected.", done) % {"count": done}
    told.success(request, text)
    return redirect("labs:inbox")


def _step(message_id: int, asked: dict[str, Any], by: Any) -> Handling:
    at, action = clock.now(), asked["action"]
    if action == "forward":
        return services.forward_message(message_id, asked["note"], by=by, at=at)
    if action == "reject":
        return services.reject_message(message_id, asked["note"], by=by, at=at)
    if action == "again":
        return services.process_anew(message_id, by=by, at=at)
    makes_case = action == "case"
    if asked["person"]:
        return services.file_under(message_id, asked["person"], by=by, at=at, makes_case=makes_case)
    if action == "link":
        raise services.HandlingError(_("Choose a person."))
    return services.file_anyway(message_id, by=by, at=at, makes_case=makes_case)


def _page(request: HttpRequest, found: LabMessage, *, is_open: bool) -> dict[str, Any]:
    raw = services.raw_of(found)
    reports, fault = services.understood(raw, found.format) if raw else ([], [])
    results = list(queries.results_of_message(found.id))
    newest = queries.newest_handling(found.id)
    can_search = bool(raw) and request.user.has_perm("people.view_names") and request.user.has_perm("labs.handle")
    text = request.GET.get("q", "").strip()[:200]
    return _row(found) | {
        "lines": queries.shown(raw, found.format, is_open=is_open),
        "is_open": is_open,
        "has_raw": bool(raw),
        "reports": queries.summary(reports),
        "fault": _sentences(fault),
        "results": results,
        "cases": case_queries.cases_by_id([row.case_id for row in results if row.case_id]),
        "handlings": queries.handlings_of(found.id),
        "newest": newest,
        "namesakes": queries.namesakes(found),
        "can_handle": found.state in ("unclear", "rejected", "forwarded"),
        "can_search": can_search,
        "q": text,
        "people": _people(request, text) if can_search and text else [],
        "codes": _codes(reports) if found.problem == "test" else [],
        "done": _done(request, found),
    }


def _people(request: HttpRequest, text: str) -> list[tuple[UUID, Any]]:
    """People who are found by what was typed; each name that is shown is written down."""
    by, at = request.user, clock.now()
    found = [row.id for row in people_queries.search(text, by=by, at=at)][:_MOST]
    names = people_queries.named(found, by=by, at=at, why="search")
    return [(person, names.get(person)) for person in found]


def _codes(reports: Any) -> list[dict[str, str]]:
    """Codes of answers that nobody knows, to be explained with one click."""
    found = {}
    for report in reports:
        for one in report.findings:
            if one.result and not one.disease:
                found[(one.system, one.code or one.text)] = {
                    "code": one.code or one.text,
                    "system": one.system,
                    "text": one.text,
                }
    return list(found.values())


def _row(found: LabMessage) -> dict[str, Any]:
    return {
        "message": found,
        "problem": _(services.PROBLEMS[found.problem]) if found.problem in services.PROBLEMS else "",
        "reasons": _sentences(found.reason),
    }


def _sentences(reason: Any) -> list[str]:
    return [_(text) % values for text, values in reason]


def _done(request: HttpRequest, found: LabMessage | None = None) -> Handling | None:
    """The step that was just taken, to offer taking it back."""
    text = request.GET.get("done", "")
    step = queries.handling_by_id(int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None
    if step is None or step.undoes_id or (found is not None and step.message_id != found.id):
        return None
    newest = queries.newest_handling(step.message_id)
    return step if newest is not None and newest.id == step.id else None


def _message(message_id: int) -> LabMessage:
    found = queries.message(message_id)
    if found is None:
        raise Http404
    return found
