"""The dashboard: the tiles that modules declare, each computed for the person who looks, none able to break the page."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.urls import NoReverseMatch, reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from epipolis.core.modules import Module, Tile, modules

_log = logging.getLogger(__name__)
_DOORS = (
    (
        "situation:public",
        "activity",
        gettext_noop("The situation"),
        gettext_noop("Cases in the city, without names."),
    ),
    (
        "notices:alerts",
        "speakerphone",
        gettext_noop("Warnings of the city"),
        gettext_noop("What is dangerous now, and what to do."),
    ),
    ("checkins:phone_here", "qrcode", gettext_noop("Check in"), gettext_noop("Scan a venue’s code so that you can be warned.")),
    ("people:mine", "user-search", gettext_noop("My data"), gettext_noop("What is kept about you, and who looked at it.")),
    (
        "notices:mine",
        "message",
        gettext_noop("My messages"),
        gettext_noop("What the health office wrote to you, and how you want to be told."),
    ),
)


@dataclass(frozen=True)
class ShownTile:
    """One tile with what it shows now: `as_of` is when its fact became true, `failed` that it could not be computed."""

    name: str
    module: str
    icon: str
    title: str
    definition: str
    source: str
    url: str
    template: str
    as_of: datetime
    topics: tuple[str, ...] = ()
    failed: bool = False
    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_wide(self) -> bool:
        return bool(self.content.get("wide") or self.content.get("chart") or self.content.get("rows"))


def tiles_for(user: Any, *, at: datetime) -> list[ShownTile]:
    """Every tile that this person may see, in the order that the modules wish: figures first, then charts and lists."""
    return sorted((_show(*found, at=at) for found in _allowed(user)), key=lambda tile: tile.is_wide)


def tile_for(user: Any, name: str, *, at: datetime) -> ShownTile | None:
    """One tile by its name; None when there is none or this person may not see it."""
    return next((_show(*found, at=at) for found in _allowed(user) if found[0] == name), None)


def public_doors() -> list[dict[str, str]]:
    """The pages for everybody that the modules switched on have."""
    found = []
    for name, icon, title, text in _DOORS:
        try:
            found.append({"url": reverse(name), "icon": icon, "title": _(title), "text": _(text)})
        except NoReverseMatch:
            continue
    return found


def _allowed(user: AbstractBaseUser | AnonymousUser) -> list[tuple[str, str, Module, Tile]]:
    if not user.is_authenticated:
        return []
    found = [
        (f"{name}-{slugify(str(tile.title))}", name, module, tile)
        for name, module in modules().items()
        for tile in module.tiles
        if not tile.needs or user.has_perm(tile.needs)  # type: ignore[union-attr]  # -- the account model has it
    ]
    return sorted(found, key=lambda item: item[3].order)


def _show(name: str, module_name: str, module: Module, tile: Tile, *, at: datetime) -> ShownTile:
    shown: dict[str, Any] = {
        "name": name,
        "module": module_name,
        "icon": module.icon,
        "title": _(str(tile.title)),
        "definition": _(str(tile.definition)) if tile.definition else "",
        "source": _(str(tile.source)) if tile.source else "",
        "url": _url(tile.url),
        "template": tile.template,
        "topics": tile.topics,
    }
    try:
        value = tile.value(at)
    except Exception:  # one module's mistake must not take the commander's whole picture away
        _log.exception("tile %s", name)
        return ShownTile(**shown, as_of=at, failed=True)
    content = value if isinstance(value, Mapping) else {"value": value}
    return ShownTile(**shown, as_of=content.get("as_of") or at, content=content)


def _url(url: str) -> str:
    if not url or url.startswith("/"):
        return url
    try:
        return reverse(url)
    except NoReverseMatch:
        return ""
