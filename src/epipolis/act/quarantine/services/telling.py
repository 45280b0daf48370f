"""People are told what happens with their order: at once, in their language, with the reason and the link to all of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, gettext_noop, override

from epipolis.act.notices import queries as wordings
from epipolis.act.notices import services as notices
from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Order, OrderLink, PlaceKind
from epipolis.core import audit, clock

from .links import address_of

_CHANGED = ("extended", "shortened", "confirmed", "corrected")
_ENDED = ("lifted", "ended")
_TEXTS = {
    "moved": gettext_noop("You are to stay at %(place)s from now on. Why: %(reason)s All about it: %(link)s"),
    "watch_on": gettext_noop(
        "Your phone now shows whether you are at %(place)s. What is seen, by whom and on what legal basis: %(link)s"
    ),
    "watch_off": gettext_noop("Your phone is no longer watched. What was seen and what is erased: %(link)s"),
    "appealed": gettext_noop("We have your request to look at your order again. The answer will be here: %(link)s"),
    "answered": gettext_noop("Your request to look at your order again has been answered: %(link)s"),
    "report": gettext_noop("Your time at home may be over. Please tell us whether you still have symptoms: %(link)s"),
}


def tell_person(row: Order, what: str, *, by: audit.Actor, at: datetime, reason: str = "") -> None:
    """Send a notice about an order in the caller's transaction. Each change of an order is told once."""
    notices.send_each([_asked(row, what, reason, queries.link_of(row), at=at)], by=by, at=at)


def tell_people(rows: Iterable[Order], what: str, *, by: audit.Actor, at: datetime) -> int:
    """The same for many orders at once; return how many messages there are."""
    rows = list(rows)
    links = queries.links_of([row.id for row in rows])
    sent = notices.send_each([_asked(row, what, "", links.get(row.id), at=at) for row in rows], by=by, at=at)
    return sum(one is not None for one in sent)


def _asked(row: Order, what: str, reason: str, link: OrderLink | None, *, at: datetime) -> notices.Asked:
    language = wordings.language_of(row.language)
    template, values = _said(row, what, reason, link, language, at=at)
    return notices.Asked(
        person=row.person_id,
        template=template,
        values=values,
        dedupe_key=f"order:{row.id}:{row.revision}:{what}",
        about=("order", str(row.id)),
        language=language if row.language else "",
    )


def _said(
    row: Order, what: str, reason: str, link: OrderLink | None, language: str, *, at: datetime
) -> tuple[str, dict[str, Any]]:
    with override(language):
        values = {
            "place": gettext("home") if row.place == PlaceKind.HOME else row.facility,
            "starts": row.starts.isoformat() if row.starts else "",
            "until": row.until.isoformat() if row.until else "",
            "reason": gettext(reason) if reason else "",
            "link": address_of(link) if link else "",
        }
        if what == "issued":
            return "order_issued", values
        if what in _CHANGED:
            return "order_changed", values
        if what in _ENDED:
            ended = clock.local_day(row.ended or at).isoformat()
            return "order_ended", values | ({"until": ended} if what == "lifted" else {})
        return "order_news", {"text": gettext(_TEXTS[what]) % values}
