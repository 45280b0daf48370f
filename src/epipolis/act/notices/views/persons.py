"""What one person was told: for staff, and for the person with their own code."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.act.notices import queries, services
from epipolis.act.notices.forms import CodeForm, PreferenceForm, WriteForm
from epipolis.act.notices.models import Channel
from epipolis.act.notices.settings import settings
from epipolis.core import clock
from epipolis.core.access import needs, public
from epipolis.sense.people import queries as people
from epipolis.sense.people import services as people_services

from .outbox import shown

_WORKER = (Path(__file__).parents[1] / "static" / "notices" / "worker.js").read_bytes()


@needs("notices.send")
@require_safe
def person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Everything that was sent to a person, how they want to be told, and a form to write to them."""
    return _person(request, person_id)


@needs("notices.send")
@require_POST
def write(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Write to a person in one's own words. The form carries a key, so that a second click is no second message."""
    form, at = WriteForm(request.POST), clock.now()
    if not form.is_valid():
        return _person(request, person_id, write_form=form, status=422)
    key = request.POST.get("key", "")[:60] or at.isoformat()
    told = form.cleaned_data
    try:
        made = services.send(
            person_id, "message", {"text": told["text"]}, dedupe_key=f"written {person_id} {key}",
            about=("person", str(person_id)), urgent=told["urgent"], by=request.user, at=at,
        )  # fmt: skip
    except services.NoticeError as error:
        form.add_error("text", _(error.text) % error.values)
        return _person(request, person_id, write_form=form, status=422)
    if made is None:
        raise Http404
    messages.success(request, _("It is in the outbox."))
    return redirect("notices:notice", notice_id=made.id)


@needs("notices.send")
@require_POST
def prefer(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Note how somebody wants to be told."""
    form = PreferenceForm(request.POST)
    if not form.is_valid():
        return _person(request, person_id, preference_form=form, status=422)
    try:
        services.prefer(person_id, **_wanted(form, person_id), by=request.user, at=clock.now())
    except LookupError as error:
        raise Http404 from error
    messages.success(request, _("Noted."))
    return redirect("notices:person", person_id=person_id)


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """For everybody: what was written to me, and how I want to be told. The code never stands in an address."""
    form, at = CodeForm(request.POST or None), clock.now()
    if request.method != "POST" or not form.is_valid():
        return render(request, "notices/mine.html", {"form": form})
    code = form.cleaned_data["code"]
    try:
        found = people_services.open_return_code(code, at=at)
    except people_services.CodeError as error:
        form.add_error("code", _(str(error)))
        return render(request, "notices/mine.html", {"form": form}, status=429 if error.locked else 403)
    is_saved, told = False, PreferenceForm(request.POST) if "prefer" in request.POST else None
    if told is not None and (is_saved := told.is_valid()):
        services.prefer(found, **_wanted(told, found), by=services.THE_PERSON, at=at)
    rows = [
        {**one, "subject": subject, "body": body}
        for row, subject, body in services.read_own(found, at=at)
        for one in shown([row])
    ]
    context = {
        "rows": rows,
        "code": code,
        "preference_form": _preference_form(found) if told is None or is_saved else told,
        "is_saved": is_saved,
        "push_key": services.push_key() if settings.push_contact else "",
    }
    return render(request, "notices/mine_messages.html", context, status=200 if told is None or is_saved else 422)


@public
@require_POST
def add_browser(request: HttpRequest) -> HttpResponse:
    """Let the browser of whoever has the code show their messages."""
    try:
        told = json.loads(request.body[:4_000])
        found = people_services.open_return_code(str(told.get("code", "")), at=clock.now())
        keys = told["subscription"]["keys"]
        browser = {"endpoint": told["subscription"]["endpoint"], "p256dh": keys["p256dh"], "auth": keys["auth"]}
        services.add_browser(found, browser, by=services.THE_PERSON, at=clock.now())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        text = (
            _(str(error)) if isinstance(error, people_services.CodeError | services.NoticeError) else _("This cannot be read.")
        )
        return JsonResponse({"detail": text}, status=422)
    return JsonResponse({"ok": True})


@public
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The small program in the browser that shows messages; it must be served from this address."""
    return HttpResponse(_WORKER, content_type="text/javascript")


def _person(
    request: HttpRequest,
    person_id: UUID,
    *,
    write_form: WriteForm | None = None,
    preference_form: PreferenceForm | None = None,
    status: int = 200,
) -> HttpResponse:
    at = clock.now()
    if people.person(person_id) is None:
        raise Http404
    name = people.named([person_id], by=request.user, at=at, why="notice").get(person_id)
    context = {
        "person_id": person_id,
        "name": name,
        "rows": shown(list(queries.notices(queries.Wanted(person=person_id))[:100])),
        "write_form": write_form or WriteForm(),
        "preference_form": preference_form or _preference_form(person_id),
        "key": at.strftime("%Y%m%d%H%M%S%f"),
    }
    return render(request, "notices/person.html", context, status=status)


def _wanted(form: PreferenceForm, person_id: UUID) -> dict[str, Any]:
    """What a form says; ways beyond the three that it shows stay where those are as they were."""
    held, channels = queries.preference(person_id), form.channels
    more = held.channels[len(channels) :] if held and len(channels) == 3 and held.channels[:3] == channels else []
    return {
        "channels": [*channels, *more],
        "language": form.cleaned_data["language"],
        "stopped": form.cleaned_data["stopped"],
    }


def _preference_form(person_id: UUID) -> PreferenceForm:
    found = queries.preference(person_id)
    if found is None:
        return PreferenceForm()
    first = dict(zip(("first", "second", "third"), found.channels, strict=False))
    known = {code for code, _name in Channel.choices}
    initial = {name: one for name, one in first.items() if one in known}
    return PreferenceForm(initial=initial | {"language": found.language, "stopped": found.stopped})
