"""The phone's pages: open the code at a door, one tap, done. No account, no name, and no script is needed."""

from typing import Any
from uuid import UUID, uuid4

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from epipolis.core import clock
from epipolis.core.access import public
from epipolis.sense.checkins import queries, services
from epipolis.sense.checkins.forms import PhoneCheckIn

_COOKIE, _SALT, _PATH = "visitor", "epipolis.checkins.visitor", "/checkins/in/"
_STATUS = {"forged": 404, "renewed": 410, "closed": 410, "not_yet": 403, "over": 410}


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def door(request: HttpRequest, code: str) -> HttpResponse:
    """The page behind the square on a poster: GET asks, POST checks in."""
    at = clock.now()
    found = services.open_door(code, at=at)
    visitor = visitor_of(request)
    facts: dict[str, Any] = {"door": found, "code": code, "keep_days": queries.times(at)["keep_days"]}
    if found.venue is None or found.problem:
        return render(request, "checkins/phone_problem.html", facts, status=_STATUS[found.problem])
    if visitor:
        facts["open"] = queries.open_visit(visitor, at)
        facts["is_here"] = bool(facts["open"]) and facts["open"].place_id == found.venue.place_id
    if request.method != "POST":
        return render(request, "checkins/phone.html", facts)
    return _check_in(request, found.venue, visitor, facts)


def _check_in(request: HttpRequest, venue: Any, visitor: UUID | None, facts: dict[str, Any]) -> HttpResponse:
    form, at = PhoneCheckIn(request.POST), clock.now()
    if not form.is_valid():
        return render(request, "checkins/phone.html", facts | {"error": _("Choose from 0 to 20 companions.")}, status=422)
    if facts.get("is_here"):
        return redirect("checkins:phone_here")
    known = visitor or uuid4()
    outcome = services.check_in_by_phone(
        known,
        venue,
        at=at,
        peer=request.META.get("REMOTE_ADDR", ""),
        companions=form.cleaned_data["companions"] or 0,
        stay_minutes=form.cleaned_data["stay_minutes"],
    )
    if outcome.rule == services.TOO_MANY:
        text = _("Too many check-ins for now. Wait a little and try again.")
        return render(request, "checkins/phone.html", facts | {"error": text}, status=429)
    if outcome.rule:
        text = _("This check-in could not be taken. Try again.")
        return render(request, "checkins/phone.html", facts | {"error": text}, status=422)
    response = redirect("checkins:phone_here")
    _remember(response, known)
    return response


@public
@never_cache
@require_safe
def here(request: HttpRequest) -> HttpResponse:
    """Where this phone is checked in, until when by itself, and the way out."""
    at, visitor = clock.now(), visitor_of(request)
    visit = queries.open_visit(visitor, at) if visitor else None
    venue = queries.venue(visit.place_id) if visit else None
    facts = {"visit": visit, "venue": venue, "visitor": visitor, "keep_days": queries.times(at)["keep_days"]}
    return render(request, "checkins/phone_here.html", facts)


@public
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Check this phone out."""
    visitor = visitor_of(request)
    if visitor:
        services.check_out(visitor, at=clock.now(), by="phone")
    return redirect("checkins:phone_here")


@public
@never_cache
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """The phone's code, for an interview: to be read out, or to be scanned."""
    visitor = visitor_of(request)
    facts: dict[str, Any] = {"visitor": visitor}
    if visitor:
        facts["spelled"] = services.spell(visitor)
        facts["square"] = segno.make(facts["spelled"], error="m", micro=False).svg_data_uri(scale=6, border=4, dark="#000")
    return render(request, "checkins/phone_mine.html", facts)


@public
@require_POST
def forget_me(request: HttpRequest) -> HttpResponse:
    """Drop this phone's code: later check-ins cannot be connected with earlier ones."""
    response = redirect("checkins:phone_here")
    response.delete_cookie(_COOKIE, path=_PATH, samesite="Lax")
    return response


def visitor_of(request: HttpRequest) -> UUID | None:
    """The pseudonym in the phone's cookie, if it is ours, whole and young enough."""
    days = queries.times(clock.now())["pseudonym_days"]
    text = request.get_signed_cookie(_COOKIE, default="", salt=_SALT, max_age=days * 86_400)
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _remember(response: HttpResponse, visitor: UUID) -> None:
    days = queries.times(clock.now())["pseudonym_days"]
    response.set_signed_cookie(
        _COOKIE,
        str(visitor),
        salt=_SALT,
        max_age=days * 86_400,
        path=_PATH,
        httponly=True,
        samesite="Lax",
        secure=settings.IS_HTTPS,
    )
