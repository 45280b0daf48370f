"""The page of the person under an order: one link, no account, no script, three languages, a few kilobytes."""

import re
from datetime import datetime
from typing import Any
from unicodedata import normalize
from uuid import uuid4

from django.conf import settings as platform
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.forms import AppealForm, NeedsForm, ReportForm
from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.services import OrderError
from epipolis.act.quarantine.settings import settings
from epipolis.core import clock, rules
from epipolis.core.access import public
from epipolis.core.sealing import unseal
from epipolis.sense.people import queries as people

from .shown import needs_initial, shown_errands

_PERSON = "the person"
_TOLD = frozenset({"imported", "issued", "verbal", "written", "extended", "shortened", "confirmed", "moved", "errand",
                   "errand_off", "appealed", "answered", "watch_on", "watch_off", "ended", "lifted"})  # fmt: skip
_LOOKS = 40
_DEGREES = re.compile(r"\s*°?\s*[cC]?$")
_NO_LONGER = gettext_noop("The person no longer agrees.")


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest, token: str) -> HttpResponse:
    """Why, until when, what changes it, what is seen and by whom; tell, ask, appeal. Names nobody: others may see a link."""
    at = clock.now()
    found = services.find_link(token, at=at)
    if found is None:
        return render(request, "quarantine/mine_gone.html", {"hotline": settings.hotline}, status=404)
    link, row = found
    services.note_use(link, at=at)
    language = _language(request, row)
    with translation.override(language):
        answer = _page(request, row, at) if request.method != "POST" else _do(request, row, at)
        answer["Content-Language"] = language
    return answer


def _language(request: HttpRequest, row: Order) -> str:
    """The one that was chosen on the page, else that of the order, else the browser's."""
    spoken = dict(platform.LANGUAGES)
    chosen = request.GET.get("language", "").lower()
    if chosen in spoken:
        return chosen
    own = row.language.casefold()
    return next((code for code in spoken if own and code.split("-")[0] == own.split("-")[0]), translation.get_language())


def _do(request: HttpRequest, row: Order, at: datetime) -> HttpResponse:
    """Each form says what it is; what arrives twice is done once."""
    known = {"report": _report, "needs": _needs, "appeal": _appeal, "unwatch": _unwatch, "phone": _phone}
    run = known.get(request.POST.get("what", ""))
    if run is None:
        return _page(request, row, at, status=422, error=_("Nothing was sent. Please try again."))
    try:
        error, forms = run(request, row, at)
    except OrderError as refused:
        error, forms = capfirst(_(refused.rule)), {}
    if "token" in forms:
        return redirect("quarantine:phone", forms["token"])
    if error:
        return _page(request, row, at, status=422, error=error, **forms)
    language = f"&language={request.GET['language']}" if request.GET.get("language") in dict(platform.LANGUAGES) else ""
    return redirect(f"{request.path}?done={request.POST['what']}{language}#done")


def _report(request: HttpRequest, row: Order, at: datetime) -> tuple[str, dict[str, Any]]:
    told = request.POST.copy()
    told["temperature"] = _degrees(told.get("temperature", ""))
    form = ReportForm(told)
    if not form.is_valid():
        if "temperature" in form.errors:
            return _("The temperature could not be read. Write it like 36.6, between 30 and 45 °C."), {"report_form": form}
        return _("Something could not be read. Please try again."), {"report_form": form}
    report = form.report(clock.local_day(at), all_well="all_well" in request.POST)
    if report is None:
        return _("Please answer at least one question."), {"report_form": form}
    services.self_report(row.id, report, by=_PERSON, at=at)
    return "", {}


def _degrees(text: str) -> str:
    """A temperature as people write it: 37,5, 37.5 °C, and in the wide digits of Chinese keyboards."""
    return _DEGREES.sub("", normalize("NFKC", text).strip()).replace(",", ".")


def _needs(request: HttpRequest, row: Order, at: datetime) -> tuple[str, dict[str, Any]]:
    form = NeedsForm(request.POST)
    if not form.is_valid():
        return _too_long(form) or _("Please say what you need."), {"needs_form": form}
    services.tell_needs(row.id, form.needs, by=_PERSON, at=at)
    return "", {}


def _too_long(form: NeedsForm | AppealForm) -> str:
    most = form.fields["text"].max_length  # type: ignore[attr-defined]  # -- it is a field of words
    if form.has_error("text", "max_length"):
        return _("This is too long: please say it in at most %(most)s characters.") % {"most": most}
    return ""


def _appeal(request: HttpRequest, row: Order, at: datetime) -> tuple[str, dict[str, Any]]:
    form = AppealForm(request.POST)
    if not form.is_valid():
        return _too_long(form) or _("Please say in your words what should be looked at again."), {"appeal_form": form}
    services.file_appeal(row.id, form.cleaned_data["text"], client_id=form.cleaned_data["client_id"], by=_PERSON, at=at)
    return "", {}


def _unwatch(request: HttpRequest, row: Order, at: datetime) -> tuple[str, dict[str, Any]]:
    """Who agreed to be watched by phone may take that back."""
    if not row.watched:
        return _("Your phone is not watched."), {}
    if row.watch_basis != "consent":
        return _("This was ordered by law; you can appeal against it below."), {}
    services.unwatch_order(row.id, reason=_NO_LONGER, by=_PERSON, at=at)
    return "", {}


def _phone(request: HttpRequest, row: Order, at: datetime) -> tuple[str, dict[str, Any]]:
    """This telephone, in which the page is open, speaks for the person from now on."""
    return "", {"token": services.enrol_phone(row.id, kind="app", by=_PERSON, at=at)[1]}


def _alarms(row: Order) -> list[dict[str, Any]]:
    """Every alarm with every step, as it is written down."""
    found = list(queries.alarms_of(row)[:20])
    steps = queries.steps_of(found)
    return [
        {
            "alarm": one,
            "fixes": queries.evidence_of(one)[:1],
            "steps": [(step, queries.step_text(step), unseal(step.text)) for step in steps.get(one.id, [])],
        }
        for one in found
    ]


def _page(request: HttpRequest, row: Order, at: datetime, *, status: int = 200, **more: Any) -> HttpResponse:
    today = clock.local_day(at)
    proposed = queries.proposed_needs(row, at)
    lines = [one for one in queries.changes_of(row)[:200] if one.kind in _TOLD]
    context = {
        "row": row,
        "day": queries.day_text(row, at),
        "place": queries.place_text(row),
        "ends_at": queries.ends_at(row),
        "why": rules.explain(row.decision),
        "grounds": queries.grounds_of(row),
        "ended_why": rules.explain(row.end_reason),
        "changes_it": queries.what_changes(row, today),
        "lines": [{"line": one, "name": queries.change_name(one), "text": queries.change_text(one)} for one in lines],
        "looks": people.by_day(people.looks_at(row.person_id, most=_LOOKS)),
        "needs_told": [{"need": one, "text": unseal(one.text)} for one in queries.needs_of(row)[:30]],
        "appeals": [
            {"appeal": one, "text": unseal(one.text), "answer": unseal(one.answer_text)} for one in queries.appeals_of(row)
        ],
        "errands": shown_errands(row, at),
        "watch": queries.watch_of(row),
        "holder": queries.phone_of(row),
        "alarms": _alarms(row),
        "receipts": queries.receipts_of(row),
        "last_report": queries.reports_of(row).first(),
        "has_reported": queries.reports_of(row).filter(day=today).exists(),
        "report_form": ReportForm(initial={"client_id": uuid4()}),
        "proposed": proposed,
        "needs_form": NeedsForm(initial=needs_initial(proposed)),
        "appeal_form": AppealForm(initial={"client_id": uuid4()}),
        "appeal_days": queries.paper_rules(today)["appeal_days"],
        "done": request.GET.get("done", "") if status == 200 else "",
        "hotline": settings.hotline,
        "languages": [("en", "English"), ("zh-hant", "中文"), ("es", "Español")],
        "now_language": translation.get_language(),
    }
    return render(request, "quarantine/mine.html", context | more, status=status)
