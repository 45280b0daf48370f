"""What was written down without a network and is sent now: stored once, and shown beside what others said meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from epipolis.act.followup import queries, services
from epipolis.act.followup.forms import AttemptForm, CheckForm
from epipolis.act.followup.models import DailyCheck, FollowUp, How, State
from epipolis.act.followup.services import FollowUpError, InterviewError, StaleAnswersError
from epipolis.core import clock
from epipolis.core.access import needs

from .interviews import Guide, named_answers, reread
from .shown import follow_up

_WORKER = (Path(__file__).parents[1] / "static" / "followup" / "worker.js").read_bytes()
_BACK = {"check": "followup:contact", "attempt": "followup:contact"}


@needs("followup.work")
@never_cache
@require_GET
def drafts(request: HttpRequest) -> JsonResponse:
    """Who is signed in, and the token with which drafts may be sent."""
    return JsonResponse({"user": request.user.pk, "token": get_token(request)})


@needs("followup.work")
@require_GET
def worker(_request: HttpRequest) -> HttpResponse:
    """The script that keeps opened pages of follow-up on the device; it may see no others."""
    return HttpResponse(_WORKER, content_type="text/javascript")


@needs("followup.work")
@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """What stands in for a page that was not opened while there was a network. It holds no data of anybody."""
    return render(request, "followup/offline.html")


@needs("followup.work")
@require_POST
def send_draft(request: HttpRequest, kind: str, target: str) -> JsonResponse:
    """Store one draft: `stored`, `refused` with the reason, or `conflict` with what stands there now."""
    take = _TAKES.get(kind)
    if take is None:
        raise Http404
    return take(request, target)


def _check(request: HttpRequest, target: str) -> JsonResponse:
    row, form, at = _row(target), CheckForm(request.POST), clock.now()
    if not form.is_valid():
        return _refused(form.errors)
    told = form.answer
    if not _is_settled(request, row):
        now = queries.current_check(row, told.day, told.part)
        mine = {"state": told.state, "temperature": told.temperature, "symptoms": told.symptoms}
        if now and now.client_id != told.client_id and now.how != How.PLATFORM and _differs(now, mine):
            return _conflict(_sides(_check_words(mine), _check_words(_as_told(now))), by=now.by, at=now.at)
        if row.state != State.OPEN:
            return _ended(row, _check_words(mine))
    return _store(request, row, lambda: services.record_check(row.id, told, by=request.user, at=at))


def _attempt(request: HttpRequest, target: str) -> JsonResponse:
    row, form, at = _row(target), AttemptForm(request.POST), clock.now()
    if not form.is_valid():
        return _refused(form.errors)
    data = form.cleaned_data
    if not _is_settled(request, row) and row.state != State.OPEN:
        outcome = dict(form.fields["outcome"].choices)[data["outcome"]]  # type: ignore[attr-defined]  # -- a field of choices has them
        return _ended(row, {_("What came of the call"): str(outcome), _("Note"): data["note"]})
    return _store(request, row, lambda: services.record_attempt(row.id, **data, by=request.user, at=at))


def _interview(request: HttpRequest, target: str) -> JsonResponse:
    try:
        found = queries.interview(UUID(target))
    except ValueError as error:
        raise Http404 from error
    if found is None:
        raise Http404
    address = reverse("followup:interview", args=[found.client_id])
    guide = Guide(found, request.POST)
    if not found.finished and not guide.is_valid():
        return _refused(guide.errors())
    try:
        if not found.finished:
            services.finish_interview(found.client_id, guide.told(), by=request.user, at=clock.now())
    except StaleAnswersError as stale:
        mine = guide.answers()
        sides = [{"what": what, "mine": mine.get(what, "–"), "theirs": theirs} for what, theirs in named_answers(stale)]
        return _conflict(sides, revision=reread(request, stale.case)["revision"])
    except InterviewError as error:
        return JsonResponse({"state": "refused", "text": f"{error.part} {error.number + 1}: {_(error.rule)}"}, status=422)
    return JsonResponse({"state": "stored", "next": address})


_TAKES: dict[str, Callable[[HttpRequest, str], JsonResponse]] = {
    "check": _check,
    "attempt": _attempt,
    "interview": _interview,
}


def _row(target: str) -> FollowUp:
    if not target.isascii() or not target.isdecimal() or len(target) > 19:
        raise Http404
    return follow_up(int(target))


def _is_settled(request: HttpRequest, row: FollowUp) -> bool:
    """Whether somebody has looked at the conflict, or read the record as it is now."""
    return "settled" in request.POST or request.POST.get("revision", "") == str(row.revision)


def _store(request: HttpRequest, row: FollowUp, write: Callable[[], Any]) -> JsonResponse:
    try:
        write()
    except FollowUpError as error:
        return JsonResponse({"state": "refused", "text": _(error.rule)}, status=422)
    messages.success(request, _("Noted."))
    back = reverse("followup:work_list") + f"#contact-{row.id}" if request.POST.get("back") == "list" else ""
    return JsonResponse({"state": "stored", "next": back or reverse("followup:contact", args=[row.id])})


def _refused(errors: Any) -> JsonResponse:
    text = "; ".join(f"{name}: {' '.join(map(str, found))}" for name, found in errors.items())
    return JsonResponse({"state": "refused", "text": text}, status=422)


def _conflict(sides: list[dict[str, str]], **more: Any) -> JsonResponse:
    if "at" in more:
        more["at"] = date_format(more["at"].astimezone(clock.zone()), "SHORT_DATETIME_FORMAT")
    return JsonResponse({"state": "conflict", "sides": sides, **more}, status=409)


def _ended(row: FollowUp, mine: dict[str, str]) -> JsonResponse:
    theirs = {_("Follow-up"): str(row.get_state_display())}
    return _conflict(_sides(mine, theirs), **({"at": row.ended} if row.ended else {}))


def _sides(mine: dict[str, str], theirs: dict[str, str]) -> list[dict[str, str]]:
    return [{"what": what, "mine": mine.get(what, "–"), "theirs": theirs.get(what, "–")} for what in mine | theirs]


def _as_told(check: DailyCheck) -> dict[str, Any]:
    return {"state": check.state, "temperature": check.temperature, "symptoms": check.symptoms}


def _differs(check: DailyCheck, mine: dict[str, Any]) -> bool:
    return _as_told(check) != {**mine, "symptoms": dict(mine["symptoms"])}


def _check_words(told: dict[str, Any]) -> dict[str, str]:
    form = CheckForm()
    states: Any = dict(form.fields["state"].choices)  # type: ignore[attr-defined]  # -- a field of choices has them
    found = {_("Result"): str(states.get(told["state"], told["state"]))}
    if told["temperature"] is not None:
        found[_("Temperature, °C")] = str(told["temperature"])
    for name, answer in told["symptoms"].items():
        found[str(queries.SYMPTOMS.get(name, name))] = _ANSWER_WORDS[answer]()
    return found


_ANSWER_WORDS: dict[str, Callable[[], str]] = {
    "yes": lambda: _("yes"),
    "no": lambda: _("no"),
    "unknown": lambda: _("not known"),
}
