"""The telephones of people who were made up: what they got, and what they answer. Nothing here reaches a real one."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from epipolis.act.notices import queries, services
from epipolis.act.notices.forms import AnswerForm
from epipolis.act.notices.models import SimulatedMessage
from epipolis.core import clock
from epipolis.core.access import needs
from epipolis.core.sealing import unseal

_MOST = 200


@needs("notices.view")
@require_safe
def phones(request: HttpRequest) -> HttpResponse:
    """Every simulated telephone and mailbox that got something."""
    rows = [_phone(last, count) for last, count in queries.simulated_phones()]
    return render(request, "notices/phones.html", {"rows": rows})


@needs("notices.view")
@require_safe
def phone(request: HttpRequest, to_hash: str) -> HttpResponse:
    """One simulated telephone with its messages and its answers, as its owner sees it."""
    rows = list(queries.simulated_messages(to_hash).reverse()[:_MOST])[::-1]
    if not rows:
        raise Http404
    shown = [
        {"at": row.at, "mine": False, "row": row, "subject": unseal(row.subject), "text": unseal(row.body)} for row in rows
    ]
    shown += [{"at": one.at, "mine": True, "text": unseal(one.text)} for one in queries.answers_of(to_hash)]
    channels = {row.channel for row in rows}
    context = {
        "to": unseal(rows[-1].to) if rows[-1].channel != "push" else "",
        "to_hash": to_hash,
        "bubbles": sorted(shown, key=lambda one: one["at"]),
        "channel": "whatsapp" if rows[-1].channel == "whatsapp" else "sms",
        "may_answer": bool(channels & {"sms", "whatsapp"}),
        "now": clock.now(),
    }
    return render(request, "notices/phone.html", context)


@needs("notices.view")
@require_POST
def answer_from_phone(request: HttpRequest, to_hash: str) -> HttpResponse:
    """Answer as the owner of a simulated telephone."""
    form = AnswerForm(request.POST)
    if form.is_valid():
        services.answer_from_phone(to_hash, form.cleaned_data["channel"], form.cleaned_data["text"], at=clock.now())
    else:
        messages.error(request, _("An answer has 1 to 500 letters."))
    return redirect("notices:phone", to_hash=to_hash)


def _phone(last: SimulatedMessage, count: int) -> dict[str, Any]:
    to = unseal(last.to) if last.channel != "push" else ""
    return {"to_hash": last.to_hash, "count": count, "to": to, "last": last, "text": Truncator(unseal(last.body)).chars(140)}
