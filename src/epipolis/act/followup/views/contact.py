"""One contact: the person, whom they met, every day, every call, what was changed, and what can be done now."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from epipolis.act.followup import queries, services
from epipolis.act.followup.forms import (
    AssignForm,
    AttemptForm,
    CheckForm,
    EndForm,
    FinishForm,
    QuarantineForm,
    ReasonForm,
)
from epipolis.act.followup.models import Change, FollowUp, How
from epipolis.act.followup.services import FollowUpError
from epipolis.core import clock, rules
from epipolis.core.access import needs
from epipolis.sense.people import queries as people

from .shown import follow_up, pseudonym


@needs("followup.view")
@require_GET
def contact(request: HttpRequest, number: int) -> HttpResponse:
    """Everything about one follow-up."""
    return _page(request, follow_up(number))


def _page(request: HttpRequest, row: FollowUp, status: int = 200, **more: Any) -> HttpResponse:
    at = clock.now()
    exposures = list(queries.exposures_of(row))
    record = None
    if row.person_id and request.user.has_perm("people.view_names"):
        record = people.record_of(row.person_id, by=request.user, at=at, why="contact")
    part = queries.part_of_day(at, queries.times_a_day(row, at))
    context = {
        "row": row,
        "record": record,
        "pseudonym": pseudonym(row),
        "exposures": exposures,
        "why": rules.explain(row.decision),
        "rule": row.decision.get("rule", ""),
        "ended_why": rules.explain(row.end_reason),
        "assigned_why": rules.explain(row.assignment),
        "told": queries.told(row, "later", exposures[0] if exposures else None, at),
        "offers": [{**offer, "text": queries.offer_text(offer)} for offer in queries.offers(row, at)],
        "days": queries.days_of(row, at),
        "checks": queries.checks_of(row).exclude(how=How.PLATFORM)[:100],  # days without an answer stand under "Each day"
        "attempts": queries.attempts_of(row)[:100],
        "changes": _changes(row),
        "links": queries.links_of(row).filter(revoked=None, expires__gt=at),
        "others": queries.follow_ups_of(people.same_person(row.person_id)).exclude(id=row.id) if row.person_id else [],
        "check_form": CheckForm(initial={"day": clock.local_day(at), "part": part}),
        "attempt_form": AttemptForm(),
        "end_form": EndForm(initial={"until": row.until}),
        "quarantine_form": QuarantineForm(initial=_quarantine(row)),
        "finish_form": FinishForm(),
        "assign_form": AssignForm(initial={"to": row.assigned_to_id}),
        "symptoms": queries.SYMPTOMS,
        "today": clock.local_day(at),
    }
    return render(request, "followup/contact.html", context | more, status=status)


def _quarantine(row: FollowUp) -> dict[str, Any]:
    return {"starts": row.quarantine_from, "until": row.quarantine_until, "order": row.order_kind}


def _changes(row: FollowUp) -> list[dict[str, Any]]:
    lines = list(queries.changes_of(row)[:100])
    newest: dict[str, int] = {}
    for line in lines:
        if line.undone_at is None:
            newest.setdefault(line.kind, line.id)
    return [
        {
            "line": line,
            "text": queries.change_text(line),
            "can_undo": line.kind in services.UNDOABLE and newest.get(line.kind) == line.id,
        }
        for line in lines
    ]


@needs("followup.work")
@require_POST
def check(request: HttpRequest, number: int) -> HttpResponse:
    """Note how somebody is on one day."""
    row, form, at = follow_up(number), CheckForm(request.POST), clock.now()
    if not form.is_valid():
        return _page(request, row, 422, check_form=form)
    try:
        noted = services.record_check(row.id, form.answer, by=request.user, at=at)
    except FollowUpError as error:
        return _refused(request, row, error, check_form=form)
    if noted.replaced:
        messages.warning(request, _("There was another answer for this day already. Both are kept; look at them below."))
    else:
        messages.success(request, _("Noted."))
    return _back(request, row)


@needs("followup.work")
@require_POST
def attempt(request: HttpRequest, number: int) -> HttpResponse:
    """Note a call and what came of it."""
    row, form, at = follow_up(number), AttemptForm(request.POST), clock.now()
    if not form.is_valid():
        return _page(request, row, 422, attempt_form=form)
    try:
        services.record_attempt(row.id, **form.cleaned_data, by=request.user, at=at)
    except FollowUpError as error:
        return _refused(request, row, error, attempt_form=form)
    messages.success(request, _("The call is noted."))
    return _back(request, row)


@needs("followup.decide")
@require_POST
def end(request: HttpRequest, number: int) -> HttpResponse:
    """Set another last day."""
    row, form = follow_up(number), EndForm(request.POST)
    if not form.is_valid():
        return _page(request, row, 422, end_form=form)
    try:
        found = services.set_end(row.id, **form.cleaned_data, by=request.user, at=clock.now())
    except FollowUpError as error:
        return _refused(request, row, error, end_form=form)
    messages.success(request, _("The last day is set."))
    if found.asks:
        messages.warning(request, _("The quarantine ends on another day. Should it be changed too?"))
    return redirect("followup:contact", row.id)


@needs("followup.decide")
@require_POST
def quarantine(request: HttpRequest, number: int) -> HttpResponse:
    """Order, change or lift a quarantine."""
    row, form = follow_up(number), QuarantineForm(request.POST)
    if not form.is_valid():
        return _page(request, row, 422, quarantine_form=form)
    try:
        found = services.set_quarantine(row.id, **form.cleaned_data, by=request.user, at=clock.now())
    except FollowUpError as error:
        return _refused(request, row, error, quarantine_form=form)
    messages.success(request, _("The quarantine is noted."))
    if found.asks:
        messages.warning(request, _("The follow-up ends on another day. Should it be changed too?"))
    return redirect("followup:contact", row.id)


@needs("followup.decide")
@require_POST
def finish(request: HttpRequest, number: int) -> HttpResponse:
    """End a follow-up before its time."""
    row, form = follow_up(number), FinishForm(request.POST)
    if not form.is_valid():
        return _page(request, row, 422, finish_form=form)
    try:
        services.end_follow_up(row.id, **form.cleaned_data, by=request.user, at=clock.now())
    except FollowUpError as error:
        return _refused(request, row, error, finish_form=form)
    messages.success(request, _("The follow-up has ended. It can be opened again below."))
    return redirect("followup:contact", row.id)


@needs("followup.decide")
@require_POST
def reopen(request: HttpRequest, number: int) -> HttpResponse:
    """Go on with a follow-up that had ended."""
    row, form = follow_up(number), ReasonForm(request.POST)
    try:
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        services.reopen(row.id, reason=reason, by=request.user, at=clock.now())
    except FollowUpError as error:
        return _refused(request, row, error)
    return redirect("followup:contact", row.id)


@needs("followup.decide")
@require_POST
def undo(request: HttpRequest, number: int, change: int) -> HttpResponse:
    """Take a change back."""
    row = follow_up(number)
    if not 0 < change < 2**63 or not queries.changes_of(row).filter(id=change).exists():
        raise Http404
    try:
        services.undo(change, by=request.user, at=clock.now())
    except (FollowUpError, Change.DoesNotExist) as error:
        return _refused(request, row, error)
    messages.success(request, _("Taken back."))
    return redirect("followup:contact", row.id)


@needs("followup.work")
@require_POST
def assign(request: HttpRequest, number: int) -> HttpResponse:
    """Give a contact to somebody, take it, or give it back to everybody."""
    row = follow_up(number)
    form = AssignForm({"to": request.user.pk} if request.POST.get("to") == "me" else request.POST)
    to = form.cleaned_data["to"] if form.is_valid() else None
    if request.POST.get("to") and to is None:
        return HttpResponse(_("There is no such colleague."), status=422)
    services.assign(row.id, to=to, by=request.user, at=clock.now())
    return _back(request, row)


@needs("followup.work")
@require_POST
def link(request: HttpRequest, number: int) -> HttpResponse:
    """Make a link by which the person reports; it is shown this once."""
    row = follow_up(number)
    try:
        token = services.open_link(row.id, by=request.user, at=clock.now())
    except FollowUpError as error:
        return _refused(request, row, error)
    address = request.build_absolute_uri(reverse("followup:self_report", args=[token]))
    return _page(request, follow_up(number), new_link=address)


@needs("followup.work")
@require_POST
def close_link(request: HttpRequest, number: int) -> HttpResponse:
    """Let no link of this contact open anything any more."""
    row = follow_up(number)
    services.close_links(row.id, by=request.user, at=clock.now())
    return redirect("followup:contact", row.id)


def _refused(request: HttpRequest, row: FollowUp, error: Exception, **forms: Any) -> HttpResponse:
    rule = _(error.rule) if isinstance(error, FollowUpError) else str(error)
    return _page(request, row, 422, refused=rule, **forms)


def _back(request: HttpRequest, row: FollowUp) -> HttpResponse:
    return redirect("followup:work_list") if request.POST.get("back") == "list" else redirect("followup:contact", row.id)
