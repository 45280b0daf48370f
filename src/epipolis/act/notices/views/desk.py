"""What people carry: calls to make, letters to print; and what citizens wrote back."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from epipolis.act.notices import queries, services
from epipolis.act.notices.models import Channel, Notice
from epipolis.core import audit, clock
from epipolis.core.access import needs
from epipolis.core.sealing import unseal
from epipolis.sense.people import queries as people

_MOST = 50
_WHY = "notice"


@needs("notices.carry")
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """Calls with the words to read, and letters to print; each name that is seen is written down."""
    at = clock.now()
    calls, letters = list(queries.desk(str(Channel.VOICE))[:_MOST]), list(queries.desk(str(Channel.LETTER))[:_MOST])
    names = people.named_in_list(
        [row.person_id for row in (*calls, *letters) if row.person_id], by=request.user, at=at, why=_WHY
    )
    context = {
        "calls": [_carried(row, names) for row in calls],
        "letters": [_carried(row, names) for row in letters],
        "calls_in_all": queries.desk(str(Channel.VOICE)).count(),
        "letters_in_all": queries.desk(str(Channel.LETTER)).count(),
    }
    return render(request, "notices/desk.html", context)


@needs("notices.carry")
@require_POST
def call(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Say how a call went."""
    if request.POST.get("reached") not in ("yes", "no"):
        messages.error(request, _("Say whether somebody was reached."))
        return redirect("notices:desk")
    try:
        reached = request.POST["reached"] == "yes"
        services.note_call(
            notice_id, reached, by=request.user, at=clock.now(), text=request.POST.get("note", "")[:300].replace("\0", "")
        )
        messages.success(request, _("Noted.") if reached else _("Noted; the next way is tried."))
    except services.NoticeError as error:
        messages.error(request, _(error.text) % error.values)
    return redirect("notices:desk")


@needs("notices.carry")
@require_POST
def letters(request: HttpRequest) -> HttpResponse:
    """The chosen letters as one PDF, ready for window envelopes."""
    try:
        pdf = services.print_letters(_chosen(request), by=request.user, at=clock.now())
    except services.NoticeError as error:
        messages.error(request, _(error.text) % error.values)
        return redirect("notices:desk")
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = 'attachment; filename="letters.pdf"'
    return response


@needs("notices.carry")
@require_POST
def posted(request: HttpRequest) -> HttpResponse:
    """Say that letters are in the post."""
    try:
        count = services.note_posted(_chosen(request), by=request.user, at=clock.now())
        messages.success(
            request, ngettext("%(n)d letter is in the post.", "%(n)d letters are in the post.", count) % {"n": count}
        )
    except services.NoticeError as error:
        messages.error(request, _(error.text) % error.values)
    return redirect("notices:desk")


@needs("notices.open")
@require_safe
def answers(request: HttpRequest) -> HttpResponse:
    """What citizens wrote back; each answer that is seen is written down."""
    at, rows = clock.now(), list(queries.answers()[:_MOST])
    known = list({row.person_id for row in rows if row.person_id})
    names = people.named_in_list(known, by=request.user, at=at, why=_WHY)
    audit.record("notices.answers", by=request.user, at=at, answers=len(rows))
    shown = [{"row": row, "text": unseal(row.text), "name": names.get(row.person_id)} for row in rows]
    return render(request, "notices/answers.html", {"rows": shown})


def _carried(row: Notice, names: dict[UUID, Any]) -> dict[str, Any]:
    name = names.get(row.person_id) if row.person_id else None
    language = queries.languages().get(row.language, row.language)
    return {
        "row": row,
        "language": language,
        "name": name,
        "to": unseal(row.to),
        "subject": unseal(row.subject),
        "body": unseal(row.body),
    }


def _chosen(request: HttpRequest) -> list[UUID]:
    found = []
    for told in request.POST.getlist("notice")[:_MOST]:
        try:
            found.append(UUID(told))
        except ValueError:
            continue
    return found
