"""Legal basis and purpose: texts of the rules in the reader's language, and what an officer wrote as it was written."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from django.conf import settings as platform
from django.utils.translation import get_language

from epipolis.act.quarantine.models import Order
from epipolis.act.quarantine.settings import settings
from epipolis.core import rules

from .schedules import paper_rules

_NAMES = ("legal_basis", "purpose")


def default_grounds(day: date) -> dict[str, str]:
    """Legal basis and purpose as the city's rules propose them, in the language of who asks."""
    pack = paper_rules(day)
    return {name: in_language(pack.content.get(name)) for name in _NAMES}


def watch_grounds(day: date) -> tuple[str, str]:
    """Legal basis and purpose of watching phones; where either is empty nobody may be watched."""
    told = paper_rules(day).content.get("watch") or {}
    law, purpose = (in_language(told.get(name)) for name in _NAMES)
    return law or settings.watch_law.strip(), purpose or settings.watch_purpose.strip()


def grounds_of(row: Order) -> dict[str, str]:
    """The grounds of an order and of watching its phone, as they are shown: what stands in the rules in several languages is
    read in one's own; all else stays as it was typed."""
    names = {"legal_basis": row.legal_basis, "purpose": row.purpose, "watch_law": row.watch_law}
    found = names | {"watch_purpose": row.watch_purpose}
    known = list(_texts()) if any(found.values()) else []
    return {
        name: next((in_language(one) for one in known if text and text in one.values()), text) for name, text in found.items()
    }


def in_language(told: Any) -> str:
    """A text of a rule pack: one for everybody, or one for each language, of which the reader's is taken."""
    if not isinstance(told, Mapping):
        return str(told or "").strip()
    spoken = {str(code).casefold(): str(text).strip() for code, text in told.items()}
    own = (get_language() or platform.LANGUAGE_CODE).casefold()
    wanted = (own, own.partition("-")[0], platform.LANGUAGE_CODE.casefold(), *spoken)
    return next((spoken[code] for code in wanted if spoken.get(code)), "")


def _texts() -> Iterator[dict[str, str]]:
    """Every text of the rules, now and before, that is told in several languages."""
    for pack in rules.versions("orders"):
        for part in (pack.content, pack.content.get("watch") or {}):
            for name in _NAMES:
                if isinstance(part.get(name), Mapping):
                    yield {str(code): str(text).strip() for code, text in part[name].items()}
