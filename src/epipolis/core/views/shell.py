"""The first page, the map, and the choices of language and colours."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from django.views.i18n import set_language

from epipolis.core import clock, dashboard
from epipolis.core.access import needs, public
from epipolis.core.context import THEME_COOKIE, THEMES
from epipolis.core.models import User

_YEAR = 365 * 86_400


@public
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The dashboard of those who are signed in; for everybody else, what this is and where to go."""
    if not request.user.is_authenticated:
        return render(request, "core/front.html", {"doors": dashboard.public_doors()})
    return render(request, "core/dashboard.html", {"tiles": dashboard.tiles_for(request.user, at=clock.now())})


@public
@require_GET
def tile(request: HttpRequest, name: str) -> HttpResponse:
    """One tile again, for pages that stay open; nothing for those who may not see it."""
    shown = dashboard.tile_for(request.user, name, at=clock.now())
    if shown is None:
        return HttpResponse(status=404)
    return render(request, "core/tiles/tile.html", {"tile": shown})


@needs("core.live")
@require_GET
def city_map(request: HttpRequest) -> HttpResponse:
    """Every layer of every module that this person may see."""
    return render(request, "core/map.html")


@public
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember the language in this browser, and for people with an account, with it."""
    response: HttpResponse = set_language(request)
    language = request.POST.get("language", "")
    if isinstance(request.user, User) and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return response


@public
@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or like the device in this browser."""
    theme, back = request.POST.get("theme", ""), request.POST.get("next", "/")
    if theme not in THEMES:
        return HttpResponseBadRequest()
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    response.set_cookie(THEME_COOKIE, theme, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    return response
