"""What every page shows around its content: menu, clock, language, theme, and whether data are simulated."""

import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import DatabaseError, models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.core import clock
from epipolis.core.modules import WINGS, modules, wing_of

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "epipolis_theme"
_LOOK_EVERY = 60.0  # seconds between two looks whether anything is simulated
_NEWEST = 10_000  # rows of each table that are looked at
_WINGS = {
    "sense": (gettext_noop("Sense"), gettext_noop("What is happening?")),
    "understand": (gettext_noop("Understand"), gettext_noop("What does it mean?")),
    "act": (gettext_noop("Act"), gettext_noop("What do we do?")),
    "share": (gettext_noop("Share"), gettext_noop("Who should know?")),
}
ROLE_NAMES = (
    gettext_noop("tracer"),
    gettext_noop("epidemiologist"),
    gettext_noop("commander"),
    gettext_noop("registrar"),
    gettext_noop("operator"),
    gettext_noop("auditor"),
    gettext_noop("kiosk"),
    gettext_noop("partner"),
)
_simulated: tuple[float, bool] = (float("-inf"), False)


@dataclass(frozen=True)
class Entry:
    """One line of the menu."""

    title: str
    url: str
    icon: str
    is_current: bool


@dataclass(frozen=True)
class Group:
    """One wing in the menu."""

    name: str
    title: str
    question: str
    entries: tuple[Entry, ...]


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context processor of every template; nothing here is computed before a template asks for it."""
    return {
        "menu": SimpleLazyObject(lambda: menu(request)),
        "city": settings.EPIPOLIS_CITY,
        "platform_clock": SimpleLazyObject(platform_clock),
        "theme": theme_of(request),
        "login_url": settings.LOGIN_URL,
        "is_simulated": SimpleLazyObject(is_simulated),
        "platform_version": platform_version(),
    }


def menu(request: HttpRequest) -> list[Group]:
    """The wings with the pages that this person may open; a wing without one is left out."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    found: dict[str, list[Entry]] = {wing: [] for wing in WINGS}
    for name, module in modules().items():
        for page in module.menu:
            if page.needs and not user.has_perm(page.needs):
                continue
            try:
                url = reverse(page.url)
            except NoReverseMatch:  # a module from outside may name a page it does not have: the menu stays whole
                continue
            found[wing_of(name)].append(Entry(_(page.title), url, page.icon or module.icon, request.path == url))
    return [Group(wing, _(_WINGS[wing][0]), _(_WINGS[wing][1]), tuple(entries)) for wing, entries in found.items() if entries]


def theme_of(request: HttpRequest) -> str:
    """The colours that this browser asked for; `auto` follows its system."""
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    return theme if theme in THEMES else "auto"


def platform_clock() -> dict[str, Any]:
    """What the page's clock needs to go on by itself: the moment now and how fast time runs."""
    return {"now": clock.now(), "speed": clock.speed(), "zone": settings.EPIPOLIS_ZONE}


@cache
def platform_version() -> str:
    try:
        return installed_version("epipolis")
    except PackageNotFoundError:
        return ""


def is_simulated() -> bool:
    """Whether stored rows are marked as simulated: always so in a demonstration, else looked up once a minute."""
    global _simulated
    if settings.EPIPOLIS_DEMO:
        return True
    looked, found = _simulated
    if time.monotonic() - looked > _LOOK_EVERY:
        found = any(_has_simulated(model) for model in apps.get_models())
        _simulated = (time.monotonic(), found)
    return found


def _has_simulated(model: type[models.Model]) -> bool:
    """Looks at the newest rows only, so that ten million real visits are not read for a banner."""
    try:
        model._meta.get_field("simulated")
        newest = model._base_manager.order_by("-pk").values_list("simulated", flat=True)[:_NEWEST]
        return any(newest.iterator(chunk_size=_NEWEST))
    except (FieldDoesNotExist, DatabaseError):
        return False
