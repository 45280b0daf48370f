"""Texts of messages: those that ship, the city's own versions, what they look like, and who approved them."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.http import require_POST, require_safe

from epipolis.act.notices import queries, services
from epipolis.act.notices.forms import TemplateForm
from epipolis.act.notices.models import Channel
from epipolis.core import clock
from epipolis.core.access import needs

_SAMPLES = {
    "place": gettext_lazy("home"),
    "starts": "2026-03-10",
    "until": "2026-03-24",
    "reason": gettext_lazy("You met a case again."),
    "link": "https://city.example/q/7KX2",
    "since": "14:20",
    "day": "2026-03-09",
    "result": gettext_lazy("negative"),
    "advice": gettext_lazy("You may end your isolation."),
    "time": gettext_lazy("tomorrow between 9:00 and 12:00"),
    "text": gettext_lazy("This is what we have to say."),
    "headline": gettext_lazy("Boil your water"),
    "instruction": gettext_lazy("Let it boil for three minutes."),
}


@needs("notices.view")
@require_safe
def templates(request: HttpRequest) -> HttpResponse:
    """Every message that the platform writes, with how many drafts wait for a second person."""
    drafts: dict[str, int] = {}
    own: dict[str, int] = {}
    for row in queries.templates():
        drafts[row.name] = drafts.get(row.name, 0) + (row.state == "draft")
        own[row.name] = own.get(row.name, 0) + (row.state == "approved")
    rows = [
        {"kind": one, "about": _(one.about), "drafts": drafts.get(one.name, 0), "own": own.get(one.name, 0)}
        for one in queries.kinds()
    ]
    return render(request, "notices/templates.html", {"rows": rows})


@needs("notices.view")
@require_safe
def template(request: HttpRequest, name: str) -> HttpResponse:
    """One message in the three languages, its versions, and a form for the next."""
    return _page(request, name)


@needs("notices.write")
@require_POST
def write_template(request: HttpRequest, name: str) -> HttpResponse:
    """Draft a new version; with `preview` it is only shown."""
    if queries.kind(name) is None:
        raise Http404
    form = TemplateForm(request.POST)
    if not form.is_valid():
        return _page(request, name, form=form, status=422)
    if "preview" in request.POST:
        return _page(request, name, form=form)
    try:
        told = dict(form.cleaned_data)
        services.write_template(name, told.pop("language"), told.pop("body"), by=request.user, at=clock.now(), **told)
        messages.success(request, _("It is drafted. A second person approves it; until then nobody gets it."))
    except services.NoticeError as error:
        form.add_error("body", _(error.text) % error.values)
        return _page(request, name, form=form, status=422)
    return redirect("notices:template", name=name)


@needs("notices.approve")
@require_POST
def approve(request: HttpRequest, number: int) -> HttpResponse:
    """Let a draft take the place of the version in use."""
    return _step(request, number, services.approve_template, _("It is in use from now on."))


@needs("notices.approve")
@require_POST
def retire(request: HttpRequest, number: int) -> HttpResponse:
    """Use a version no more."""
    return _step(request, number, services.retire_template, _("It is not used any more; the text that ships holds again."))


def _step(request: HttpRequest, number: int, act: Any, done: str) -> HttpResponse:
    row = queries.template(number) if number < 2**63 else None
    if row is None:
        raise Http404
    try:
        act(number, by=request.user, at=clock.now())
        messages.success(request, done)
    except services.NoticeError as error:
        messages.error(request, _(error.text) % error.values)
    return redirect("notices:template", name=row.name)


def _page(request: HttpRequest, name: str, *, form: TemplateForm | None = None, status: int = 200) -> HttpResponse:
    kind = queries.kind(name)
    if kind is None:
        raise Http404
    at = clock.now()
    context = {
        "kind": kind,
        "about": _(kind.about),
        "shown": [_preview(name, language, at) for language in queries.languages()],
        "draft": _of_form(name, form) if form and form.is_bound and form.is_valid() else None,
        "versions": [(row, queries.languages().get(row.language, row.language)) for row in queries.templates(name)],
        "languages": queries.languages(),
        "only": ", ".join(str(Channel(one).label) for one in kind.channels),
        "form": form or TemplateForm(),
        "places": [f"{{{one}}}" for one in (*kind.places, *queries.OWN_WORDS)],
    }
    return render(request, "notices/template.html", context, status=status)


def _preview(name: str, language: str, at: Any) -> dict[str, Any]:
    """A wording with made-up values, as an SMS of how many parts."""
    return _filled(queries.wording(name, "", language, at))


def _of_form(name: str, form: TemplateForm) -> dict[str, Any] | None:
    told = form.cleaned_data
    if queries.problems_of(name, told["subject"], told["body"]):
        form.add_error("body", " ".join(queries.problems_of(name, told["subject"], told["body"])))
        return None
    body = " ".join(told["body"].split())
    return _filled(queries.Wording(name, told["channel"], told["language"], _("draft"), told["subject"], body))


def _filled(text: queries.Wording) -> dict[str, Any]:
    with override(text.language):
        subject, body = queries.filled(text, _SAMPLES)
    parts = queries.sms_parts(body)
    name = queries.languages().get(text.language, text.language)
    return {"wording": text, "language": name, "code": text.language, "subject": subject, "body": body, "parts": parts}
