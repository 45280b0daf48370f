"""Wordings: what a message says in a language, from the city's own approved version or the one that ships."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from django.conf import settings as platform
from django.db.models import QuerySet
from django.utils.translation import gettext, override

from epipolis.act.notices.models import Template
from epipolis.act.notices.settings import settings

SHIPPED = "2026"
OWN_WORDS = ("city", "answer")  # every wording may use these; nobody hands them in
_PLACE = re.compile(r"\{(\w*)\}")
_PACKAGE = "epipolis.act.notices"


@dataclass(frozen=True, slots=True)
class Wording:
    """One version of a wording; `version` is a number of the city's own, or the year of the one that ships."""

    name: str
    channel: str
    language: str
    version: str
    subject: str
    body: str
    provider_name: str = ""

    @property
    def reference(self) -> str:
        return f"{self.name} {self.language} {self.version}"

    @property
    def places(self) -> frozenset[str]:
        """What has to be handed in."""
        return frozenset(_PLACE.findall(self.subject + self.body)) - set(OWN_WORDS)


@dataclass(frozen=True, slots=True)
class Kind:
    """One wording's name with what it is for, every place that it may fill, and the channels that make sense, if not all."""

    name: str
    about: str
    places: tuple[str, ...]
    channels: tuple[str, ...] = ()


def languages() -> dict[str, str]:
    """The languages of the platform, by code."""
    return {code: str(name) for code, name in platform.LANGUAGES}


def language_of(told: str) -> str:
    """The platform's language that fits best: zh-TW is zh-hant; whatever is not spoken here is the first one."""
    wanted = told.casefold().replace("_", "-")
    if wanted in languages():
        return wanted
    start = wanted.split("-")[0]
    return next((code for code in languages() if start and code.split("-")[0] == start), next(iter(languages())))


@cache
def kinds() -> list[Kind]:
    """Every wording that ships, with its places."""
    return [
        Kind(name, one["about"], tuple(sorted(shipped(name, "en").places)), tuple(one.get("channels", ())))
        for name, one in _shipped().items()
    ]


def kind(name: str) -> Kind | None:
    return next((one for one in kinds() if one.name == name), None)


def shipped(name: str, language: str) -> Wording:
    """The wording as it ships.

    Raises:
        LookupError: there is none of this name.
    """
    found = _shipped().get(name)
    if found is None:
        raise LookupError(f"there is no wording {name!r}")
    told = found[language if language in found else "en"]
    return Wording(name, "", language, SHIPPED, told["subject"], told["body"].strip())


def wording(name: str, channel: str, language: str, at: datetime) -> Wording:
    """The wording in force: the city's own of this channel, else its own of every channel, else the one that ships.

    Raises:
        LookupError: there is none of this name.
    """
    own = Template.objects.filter(name=name, language=language, channel__in=("", channel), state=Template.State.APPROVED)
    rows = list(own.filter(valid_from__lte=at).order_by("-version"))
    for row in [one for one in rows if one.channel == channel] + rows:
        return of_row(row)
    return shipped(name, language)


def of_row(row: Template) -> Wording:
    return Wording(row.name, row.channel, row.language, str(row.version), row.subject, row.body, row.provider_name)


def filled(text: Wording, values: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and body with the values in their places.

    Raises:
        KeyError: a place has no value.
    """
    known = {name: str(value) for name, value in values.items()} | own_words(text.language)
    fill = _PLACE.sub(lambda found: known[found[1]], text.subject), _PLACE.sub(lambda found: known[found[1]], text.body)
    return fill[0].strip(), re.sub(" {2,}", " ", fill[1]).strip()  # an empty value leaves a gap


def own_words(language: str) -> dict[str, str]:
    """The words that every wording may use, in a language."""
    with override(language):
        answer = gettext("Questions? Call %(number)s.") % {"number": settings.hotline} if settings.hotline else ""
    return {"city": platform.EPIPOLIS_CITY, "answer": answer}


def parameters(text: Wording, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of a body in the order of their places, as WhatsApp wants them for a wording that it has approved."""
    known = {name: str(value) for name, value in values.items()} | own_words(text.language)
    return tuple(known[name] for name in _PLACE.findall(text.body))


def problems_of(name: str, subject: str, body: str) -> list[str]:
    """What is wrong with a new text, in the reader's language; nothing when it may be used."""
    known, found = kind(name), set(_PLACE.findall(subject + body))
    if known is None:
        return [gettext("There is no message of this name.")]
    problems = []
    if unknown := sorted(found - set(known.places) - set(OWN_WORDS)):
        problems.append(
            gettext("This message has no value for: %(names)s") % {"names": ", ".join(f"{{{one}}}" for one in unknown)}
        )
    if missing := sorted(({"link"} & set(known.places)) - found):
        problems.append(gettext("The text leaves out: %(names)s") % {"names": ", ".join(f"{{{one}}}" for one in missing)})
    if re.search(r"[{}]", _PLACE.sub("", subject + body)):
        problems.append(gettext("A place in the text looks like {until}; other braces are not allowed."))
    return problems


def template(number: int) -> Template | None:
    return Template.objects.select_related("written_by", "approved_by").filter(id=number).first()


def templates(name: str = "") -> QuerySet[Template]:
    """The city's own versions, the newest first."""
    found = Template.objects.select_related("written_by", "approved_by").order_by("name", "language", "-version")
    return found.filter(name=name) if name else found


@cache
def _shipped() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in sorted(files(_PACKAGE).joinpath("wordings").iterdir(), key=lambda one: one.name):
        found |= yaml.safe_load(item.read_text(encoding="utf-8"))
    return found
