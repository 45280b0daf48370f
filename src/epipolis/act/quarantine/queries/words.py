"""What pages and papers say of an order: where it stands, what would change it, what was done to it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from epipolis.act.quarantine.models import Kind, Order, OrderChange, PlaceKind, State
from epipolis.core import clock, rules

from .errands import span_text
from .orders import day_number, days_left
from .schedules import rules_of

CHANGE_NAMES = {
    "imported": gettext_lazy("taken over from another list"),
    "drafted": gettext_lazy("drafted by the rule"),
    "redrafted": gettext_lazy("the draft follows new facts"),
    "agreed": gettext_lazy("the rule now says the same day"),
    "issued": gettext_lazy("issued"),
    "verbal": gettext_lazy("told by word of mouth"),
    "written": gettext_lazy("given in writing"),
    "extended": gettext_lazy("extended"),
    "shortened": gettext_lazy("shortened"),
    "confirmed": gettext_lazy("last day confirmed"),
    "declined": gettext_lazy("left as it is"),
    "moved": gettext_lazy("moved to another place"),
    "asked": gettext_lazy("a question to the officers"),
    "appealed": gettext_lazy("appealed"),
    "answered": gettext_lazy("appeal answered"),
    "needs": gettext_lazy("asked about needs"),
    "errand": gettext_lazy("an errand agreed"),
    "errand_off": gettext_lazy("an errand taken back"),
    "watch_on": gettext_lazy("watching by phone switched on"),
    "watch_off": gettext_lazy("watching by phone switched off"),
    "ended": gettext_lazy("ended"),
    "lifted": gettext_lazy("lifted"),
    "withdrawn": gettext_lazy("not issued"),
}
ASKS = {
    "days": gettext_noop("The rule says another last day now: %(until)s. The order says %(now)s."),
    "lift": gettext_noop("What made this order necessary is gone. Should it be lifted?"),
    "well": gettext_noop("The earliest last day is over. Have the symptoms ended?"),
    "double": gettext_noop("The same person has another order of this kind in force. Lift one of them."),
}
VIEW_NAMES = {
    "decide": gettext_lazy("To decide"),
    "drafts": gettext_lazy("Drafts"),
    "asked": gettext_lazy("Questions"),
    "appeals": gettext_lazy("Appeals"),
    "in_force": gettext_lazy("In force"),
    "needs": gettext_lazy("Needs"),
    "unwritten": gettext_lazy("Not in writing yet"),
    "ending": gettext_lazy("Ending by tomorrow"),
    "watched": gettext_lazy("Watched by phone"),
    "over": gettext_lazy("Over"),
    "all": gettext_lazy("All"),
}


def change_name(line: OrderChange) -> str:
    return str(CHANGE_NAMES.get(line.kind, line.kind))


def change_text(line: OrderChange) -> str:
    """What a line of the history says beyond its name: the days before and after."""
    if line.kind in ("errand", "errand_off"):
        return span_text(*(datetime.fromisoformat(line.after[name]) for name in ("begins", "stops")))
    before, after = _day(line.before.get("until")), _day(line.after.get("until"))
    if (line.kind in ("drafted", "asked") or (line.kind == "imported" and not before)) and after:
        return _("last day %(until)s") % {"until": after}
    if before != after and after:
        return _("last day %(before)s → %(after)s") % {"before": before or "–", "after": after}
    if line.kind == "issued" and after:
        return _("last day %(until)s") % {"until": after}
    return ""


def ask_text(row: Order) -> str:
    """What an officer should decide about an order, in a sentence; empty where nothing is asked."""
    kind = row.asks.get("kind", "")
    if not kind:
        return ""
    until = _day(row.asks.get("until")) or _("none")
    return _(ASKS[kind]) % {"until": until, "now": date_format(row.until, "SHORT_DATE_FORMAT") if row.until else "–"}


def why_asked(row: Order) -> list[str]:
    """The reasons of what is asked: those of the new days, else the one that was given."""
    decision = row.asks.get("decision")
    if decision:
        return rules.explain(decision)
    reason = _(row.asks["reason"]) if row.asks.get("reason") else ""
    return [reason] if reason and reason != ask_text(row) else []


def day_text(row: Order, at: datetime) -> str:
    """Day 5 of 14, or what stands in its place."""
    if row.state in (State.ENDED, State.LIFTED, State.WITHDRAWN):
        return str(row.get_state_display())
    if row.until is None:
        return _("no last day known")
    found, left = day_number(row, at), days_left(row, at)
    if found is None:
        over = left is not None and left < 1
        return _("the last day is over") if over else _("begins on %(day)s") % {"day": _day(_text(row.starts))}
    return _("day %(n)s of %(all)s") % {"n": found[0], "all": found[1]}


def place_text(row: Order) -> str:
    """Where somebody stays, as far as everybody may read it."""
    return row.facility or str(PlaceKind(row.place).label)


def what_changes(row: Order, day: date) -> list[str]:
    """What would make the last day earlier or later, by the rule."""
    pack = rules_of(row.kind, day)
    if row.kind == Kind.ISOLATION:
        found = []
        if row.is_earliest:
            found.append(
                _("Each further day with symptoms makes it later: %(days)s days without symptoms are needed.")
                % {"days": pack["free_days"]}
            )
        found.append(_("If your illness began on another day than we think, tell us: the days are counted again."))
        tests = pack["negative_tests"]
        if tests:
            found.append(
                _("A doctor may end it after %(count)s negative samples taken at least %(hours)s hours apart.")
                % {"count": tests["count"], "hours": tests["hours_apart"]}
            )
        return found
    found = [_("If you meet an infectious person again, it is counted again from that day; the later day holds.")]
    for one in pack["earlier"]:
        text = (
            _("It may end after %(days)s days with a negative test from day %(test)s on.")
            if one["test_from_day"]
            else _("It may end after %(days)s days.")
        )
        found.append(text % {"days": one["days"], "test": one["test_from_day"]})
    found.append(_("If you fall ill, tell us: then another rule holds, and you get help."))
    return found


def dates_of(row: Order) -> list[tuple[str, str]]:
    """Each date of an order with what it is."""
    named: Mapping[str, Any] = {
        _("First day"): row.starts,
        _("Last day"): row.until,
        _("Last day by the rule"): row.standard_until if row.standard_until != row.until else None,
        _("Told by word of mouth"): row.verbal_at,
        _("Given in writing"): row.written_at,
    }
    return [(name, _shown(value)) for name, value in named.items() if value]


def _shown(value: date | datetime) -> str:
    if isinstance(value, datetime):
        return date_format(value.astimezone(clock.zone()), "SHORT_DATETIME_FORMAT")
    return date_format(value, "DATE_FORMAT")


def _day(text: str | None) -> str:
    return date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT") if text else ""


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
