"""What is done about an order on its page: each action one form, refused with the field and the rule, or done and said."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods, require_POST

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.forms import (
    AnswerForm,
    AskForm,
    DaysForm,
    DraftForm,
    ErrandForm,
    IssueForm,
    MoveForm,
    NeedsForm,
    PageForm,
    ReasonForm,
    ToldForm,
    WatchForm,
    WellForm,
)
from epipolis.act.quarantine.models import Order, State
from epipolis.act.quarantine.queries import Planned
from epipolis.act.quarantine.services import OrderError, Terms
from epipolis.core import clock
from epipolis.core.access import View, needs
from epipolis.core.rules import Decision
from epipolis.sense.people import queries as people
from epipolis.understand.tracing import queries as tracing

from .order import page
from .shown import order_or_404

_BY_HAND = gettext_noop("Drafted by hand: %(reason)s")
_TERMS = (
    "how", "told_at", "starts", "until", "place", "facility", "address", "lon", "lat", "radius", "legal_basis", "purpose",
    "language", "reason",
)  # fmt: skip
_PLACE = ("place", "facility", "address", "lon", "lat", "radius", "reason")


def _act(
    request: HttpRequest, number: int, name: str, form: Any, run: Callable[[Order, dict[str, Any]], Any], done: str
) -> HttpResponse:
    """Do what a form asks; a refusal shows the page again with the form as it was filled in."""
    row = order_or_404(number)
    if not _is_on_page(row, name):  # somebody else was faster, or the page is an old one
        return page(request, row, 422, refused=_("This order has changed meanwhile: that cannot be done any more."))
    if not form.is_valid():
        return page(request, row, 422, **{name: form}, refused=_("Something could not be read; look at the marked fields."))
    try:
        found = run(row, form.cleaned_data)
    except OrderError as error:
        if error.field in form.fields:
            form.add_error(error.field, _(error.rule))
        return page(
            request, order_or_404(number), 422, **{name: form}, refused=capfirst(f"{_field(form, error)}{_(error.rule)}")
        )
    messages.success(request, done)
    if getattr(found, "asks", "") == "follow_up":
        messages.warning(request, _("The follow-up of this person ends on another day. Should it be changed too?"))
    return redirect("quarantine:order", row.id)


def _is_on_page(row: Order, name: str) -> bool:
    """Whether the page of an order, as it stands now, shows this form."""
    if name in ("issue_form", "withdraw_form"):
        return row.state == State.DRAFT
    return name == "answer_form" or (row.is_open if name == "needs_form" else row.state == State.ISSUED)


def _action(permission: str, name: str, form: type[PageForm], run: Callable[..., Any], done: str, what: str) -> View:
    """A view that does one thing to an order with what its form tells."""

    @needs(permission)
    @require_POST
    def view(request: HttpRequest, number: int) -> HttpResponse:
        told = form(request.POST, **({"auto_id": name.replace("form", "%s")} if form is ReasonForm else {}))
        by, at = request.user, clock.now()
        return _act(request, number, name, told, lambda row, data: run(row.id, **data, by=by, at=at), _(done))

    view.__doc__ = what
    return view


def _field(form: Any, error: OrderError) -> str:
    return f"{form.fields[error.field].label}: " if error.field in form.fields and form.fields[error.field].label else ""


@needs("quarantine.issue")
@require_POST
def issue(request: HttpRequest, number: int) -> HttpResponse:
    """Issue a draft, and if wanted those of the same household at the same address."""

    def run(row: Order, told: dict[str, Any]) -> Any:
        given = {name: told[name] for name in _TERMS}
        today = clock.today()
        shown = max(row.starts, today) if row.starts else today
        terms = Terms(**(given | {"radius": told["radius"], "facility": told["facility"]}))
        if terms.starts == shown and row.starts:
            terms = replace(terms, starts=None)
        with transaction.atomic():  # a household is issued together or not at all
            found = services.issue_order(row.id, terms, by=request.user, at=clock.now())
            if told["household"]:
                others = [one.id for one in queries.household_of_order(row) if one.state == "draft"]
                own = replace(terms, starts=None, until=None, language="", reason="")
                services.issue_household(others, own, by=request.user, at=clock.now())
        return found

    return _act(request, number, "issue_form", IssueForm(request.POST), run, _("The order is issued; the person is told."))


withdraw = _action(
    "quarantine.issue", "withdraw_form", ReasonForm, services.withdraw_draft,
    gettext_noop("This draft is not issued."), "Decide that a draft is not issued.",
)  # fmt: skip


days = _action(
    "quarantine.issue", "days_form", DaysForm, services.change_days,
    gettext_noop("The last day is changed; the person is told."), "Extend or shorten.",
)  # fmt: skip


accept = _action(
    "quarantine.issue", "ask_form", AskForm, services.accept_ask,
    gettext_noop("Done; the person is told."), "Do what is asked.",
)  # fmt: skip


decline = _action(
    "quarantine.issue", "decline_form", ReasonForm, services.decline_ask,
    gettext_noop("The order stays as it is."), "Leave an order as it is.",
)  # fmt: skip


lift = _action(
    "quarantine.issue", "lift_form", ReasonForm, services.lift_order,
    gettext_noop("The order is lifted; the person is told."), "End an order before its time.",
)  # fmt: skip


@needs("quarantine.issue")
@require_POST
def move(request: HttpRequest, number: int) -> HttpResponse:
    """Let somebody stay elsewhere."""

    def run(row: Order, told: dict[str, Any]) -> None:
        services.move_order(row.id, **{name: told[name] for name in _PLACE}, by=request.user, at=clock.now())

    return _act(request, number, "move_form", MoveForm(request.POST), run, _("The place is changed; the person is told."))


told = _action(
    "quarantine.issue", "told_form", ToldForm, services.note_told,
    gettext_noop("Noted."), "Note that an order was told or given in writing.",
)  # fmt: skip


well = _action(
    "quarantine.issue", "well_form", WellForm, services.note_well,
    gettext_noop("Noted; the days follow from it."), "Note since when there are no symptoms.",
)  # fmt: skip


errand = _action(
    "quarantine.issue", "errand_form", ErrandForm, services.agree_errand,
    gettext_noop("The errand is agreed; the person is told."), "Agree that somebody may be elsewhere for a while.",
)  # fmt: skip


@needs("quarantine.issue")
@require_POST
def end_errand(request: HttpRequest, number: int, errand: int) -> HttpResponse:
    """Take an errand back."""
    row = order_or_404(number)
    if not 0 < errand < 2**63 or not queries.errands_of(row).filter(id=errand).exists():
        raise Http404
    try:
        services.end_errand(errand, by=request.user, at=clock.now())
    except OrderError as error:
        return page(request, row, 422, refused=_(error.rule))
    messages.success(request, _("The errand is taken back; the person is told."))
    return redirect("quarantine:order", row.id)


watch = _action(
    "quarantine.watch", "watch_form", WatchForm, services.watch_order,
    gettext_noop("Watching by phone is switched on; the person is told."), "Switch watching by phone on.",
)  # fmt: skip


unwatch = _action(
    "quarantine.watch", "unwatch_form", ReasonForm, services.unwatch_order,
    gettext_noop("Watching by phone is switched off."), "Switch watching by phone off.",
)  # fmt: skip


@needs("quarantine.help")
@require_POST
def tell_needs(request: HttpRequest, number: int) -> HttpResponse:
    """Note what somebody needs, or that they need nothing."""
    form = NeedsForm(request.POST)
    return _act(
        request,
        number,
        "needs_form",
        form,
        lambda row, told: services.tell_needs(row.id, form.needs, by=request.user, at=clock.now()),
        _("Noted, and passed on to those who help."),
    )


@needs("quarantine.help")
@require_POST
def meet_need(request: HttpRequest, number: int, need: int) -> HttpResponse:
    """Note that somebody got what they needed."""
    row = order_or_404(number)
    if not 0 < need < 2**63 or not queries.needs_of(row).filter(id=need).exists():
        raise Http404
    services.meet_need(need, by=request.user, at=clock.now())
    return redirect("quarantine:order", row.id)


@needs("quarantine.decide")
@require_POST
def answer(request: HttpRequest, number: int, appeal: int) -> HttpResponse:
    """Answer an appeal."""
    row = order_or_404(number)
    if not 0 < appeal < 2**63 or not queries.appeals_of(row).filter(id=appeal).exists():
        raise Http404
    return _act(
        request,
        number,
        "answer_form",
        AnswerForm(request.POST),
        lambda _row, told: services.answer_appeal(appeal, **told, by=request.user, at=clock.now()),
        _("The appeal is answered; the person is told."),
    )


@needs("quarantine.issue")
@require_POST
def undo(request: HttpRequest, number: int, change: int) -> HttpResponse:
    """Take a change back."""
    row = order_or_404(number)
    if not 0 < change < 2**63 or not queries.changes_of(row).filter(id=change).exists():
        raise Http404
    try:
        services.undo(change, by=request.user, at=clock.now())
    except OrderError as error:
        return page(request, row, 422, refused=_(error.rule))
    messages.success(request, _("Taken back."))
    return redirect("quarantine:order", row.id)


@needs("quarantine.issue")
@require_POST
def link(request: HttpRequest, number: int) -> HttpResponse:
    """Make a new link for the person; the former one opens nothing any more."""
    row = order_or_404(number)
    if row.issued_at is None:
        return page(request, row, 422, refused=_("A draft has no link."))
    made = services.renew_link(row.id, by=request.user, at=clock.now())
    return page(request, order_or_404(number), new_link=services.address_of(made))


@needs("quarantine.issue")
@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HttpRequest, person: UUID) -> HttpResponse:
    """Draft an order by hand for somebody who is known."""
    if not people.registered([person]):
        raise Http404
    form = DraftForm(request.POST if request.method == "POST" else None, initial={"starts": clock.today()})
    context = {"form": form, "person": person, "pseudonym": tracing.pseudonym(person)}
    if request.method != "POST" or not form.is_valid():
        return render(request, "quarantine/draft.html", context, status=422 if request.method == "POST" else 200)
    told, at = form.cleaned_data, clock.now()
    if told["until"] < told["starts"]:
        form.add_error("until", _("must not lie before the first day"))
        return render(request, "quarantine/draft.html", context, status=422)
    why = ((_BY_HAND, {"reason": told["reason"]}),)
    decision = Decision(told["until"].isoformat(), "by hand", clock.local_day(at), {}, why)
    planned = Planned(told["starts"], told["until"], False, decision)
    kind, disease = told["kind"], told["disease"]
    row = services.draft_order(person=person, kind=kind, disease=disease, planned=planned, by=request.user, at=at)
    return redirect("quarantine:order", row.id)
