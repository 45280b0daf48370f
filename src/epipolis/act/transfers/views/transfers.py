"""Pages of transfers: what comes and goes with its state and age, and one of them in words."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from epipolis.act.transfers import queries, services
from epipolis.act.transfers.forms import ReasonForm, SharedForm, TransferFilter
from epipolis.act.transfers.models import Transfer
from epipolis.core import audit, clock
from epipolis.core.access import View, needs
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError

_ROWS = 50
_STEPS: dict[str, tuple[str, Callable[..., Any], Any]] = {
    "send": (
        "transfers.send",
        services.send_transfer,
        gettext_lazy("It is on its way. For some seconds it can be taken back."),
    ),
    "take_back": ("transfers.send", services.take_back, gettext_lazy("It is a draft again; nothing has left.")),
    "discard": ("transfers.send", services.discard_draft, gettext_lazy("The draft is thrown away.")),
    "withdraw": ("transfers.send", services.withdraw_transfer, gettext_lazy("The other office is asked to give it back.")),
    "resend": ("transfers.send", services.resend, gettext_lazy("It is tried again now.")),
    "accept": ("transfers.decide", services.accept_transfer, gettext_lazy("The case is accepted.")),
    "reject": (
        "transfers.decide",
        services.reject_transfer,
        gettext_lazy("The case is rejected. For some seconds that can be taken back."),
    ),
    "undo": ("transfers.decide", services.undo_decision, gettext_lazy("The answer is taken back; it has not left.")),
    "change": ("transfers.decide", services.change_shared, gettext_lazy("The change is proposed to the owner of the case.")),
}
_WITH_REASON = ("withdraw", "reject")


@needs("transfers.view")
@require_safe
def transfers(request: HttpRequest) -> HttpResponse:
    """What comes and what goes, those without an answer first."""
    form = TransferFilter(request.GET if "state" in request.GET or "direction" in request.GET else {"state": "open"})
    wanted = form.cleaned_data if form.is_valid() else {"direction": "", "state": "open"}
    found = queries.transfers(wanted["direction"], wanted["state"])
    try:
        page = page_of(found, request.GET.get("cursor"), _ROWS, ("-drafted", "-id"))
    except ProblemError:
        page = page_of(found, None, _ROWS, ("-drafted", "-id"))
    context = {
        "form": form,
        "rows": page["items"],
        "next": page["next"],
        "is_open_only": wanted["state"] == "open" and not wanted["direction"],
        "has_any": bool(page["items"]) or queries.transfers().exists(),
        "has_partner": queries.open_partners().exists(),
    }
    return render(request, "transfers/transfers.html", context)


@needs("transfers.view")
@require_safe
def transfer(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """One transfer: its state, what can be done, and its document without the person."""
    return _page(request, _transfer(transfer_id))


@needs("transfers.open")
@require_POST
def open_document(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """The same with the person; that it was opened is written down."""
    found = _transfer(transfer_id)
    person = found.case.person_id if found.case else None
    audit.record("transfers.open", by=request.user, at=clock.now(), subject=found.id, person=person)
    if person is not None:
        audit.record_read(person, by=request.user, at=clock.now(), why="transfer")
    return _page(request, found, is_open=True)


def _step(name: str, permission: str, act: Callable[..., Any], done: Any) -> View:
    """The page of one step: send, take back, withdraw, accept, reject, undo."""

    @needs(permission)
    @require_POST
    def step(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
        found = _transfer(transfer_id)
        try:
            act(transfer_id, *_told(request, name), by=request.user, at=clock.now())
            messages.success(request, done)
        except services.TransferError as error:
            messages.error(request, _(error.text) % error.values)
        if name == "discard" and queries.transfer(transfer_id) is None:
            return redirect("transfers:case", case_id=found.case_id) if found.case_id else redirect("transfers:transfers")
        return redirect("transfers:transfer", transfer_id=transfer_id)

    return step


def _told(request: HttpRequest, step: str) -> tuple[Any, ...]:
    if step in _WITH_REASON:
        form = ReasonForm(request.POST)
        return (form.cleaned_data["reason"] if form.is_valid() else "",)
    if step == "change":
        changes = SharedForm(request.POST)
        if not changes.is_valid():
            raise services.TransferError("%(why)s", why=_("A value cannot be read: %s") % ", ".join(changes.errors))
        return (changes.cleaned_data,)
    return ()


def _page(request: HttpRequest, found: Transfer, *, is_open: bool = False) -> HttpResponse:
    at, document = clock.now(), queries.document(found)
    changed = queries.changed_document(found)
    is_shared_here = found.direction == "in" and found.what == "share" and found.state == "accepted" and document is not None
    context = {
        "transfer": found,
        "document": document,
        "facts": queries.facts_in_words(document) if document else [],
        "person": queries.person_in_words(document.person) if document and (is_open or found.what == "share") else [],
        "tests": queries.tests_in_words(document) if document else [],
        "contacts": document.contacts if document and is_open else (),
        "contact_count": len(document.contacts) if document else 0,
        "is_open": is_open or found.what == "share",
        "changed": queries.differences_in_words(document, changed) if document and changed else [],
        "left": [_(text) % values for text, values in found.left],
        "losses": queries.losses_of(found),
        "messages_sent": list(queries.messages_of(found)[:20]),
        "held_until": queries.held_until(found, at),
        "shared_form": SharedForm(initial=queries.first_values(changed or document)) if is_shared_here else None,
    }
    return render(request, "transfers/transfer.html", context)


def _transfer(transfer_id: UUID) -> Transfer:
    found = queries.transfer(transfer_id)
    if found is None:
        raise Http404
    return found


STEPS: dict[str, View] = {name: _step(name, *rest) for name, rest in _STEPS.items()}
