"""What the pages say of a follow-up: why it stands where it stands, what to ask, what was promised."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from epipolis.act.followup.models import Change, Exposure, FollowUp, State
from epipolis.core import clock, rules

SYMPTOMS = {  # what is asked every day, with the names that a case's symptoms have
    "fever": gettext_lazy("Fever"),
    "cough": gettext_lazy("Cough"),
    "dyspnoea": gettext_lazy("Trouble breathing"),
    "sore_throat": gettext_lazy("Sore throat"),
    "anosmia": gettext_lazy("Loss of smell"),
    "ageusia": gettext_lazy("Loss of taste"),
    "fatigue": gettext_lazy("Weakness, fatigue"),
    "headache": gettext_lazy("Headache"),
    "myalgia": gettext_lazy("Muscle pain"),
    "diarrhoea": gettext_lazy("Diarrhoea"),
}
LANE_NAMES = {
    "promised": lambda: _("Promised a call now"),
    "new": lambda: _("New, high risk"),
    "overdue": lambda: _("Overdue"),
    "today": lambda: _("Due today"),
    "later": lambda: _("Later"),
}


@dataclass(frozen=True)
class Told:
    """One row of a list in sentences."""

    why: list[str]
    ask: list[str]
    promised: str = ""
    met: str = ""
    day: str = ""
    until_why: list[str] = field(default_factory=list)


def told(row: FollowUp, lane: str, exposure: Exposure | None, at: datetime) -> Told:
    """Why somebody is to be called now, what to ask, and what was promised."""
    return Told(
        why=why(row, lane, at),
        ask=what_to_ask(row, exposure),
        promised=promised(row),
        met=met(exposure),
        day=day_text(row, at),
        until_why=rules.explain(row.decision),
    )


def why(row: FollowUp, lane: str, at: datetime) -> list[str]:
    """The reason for a row's place in the list."""
    if lane == "promised" and row.promised_at:
        return [_("A call was promised for %(time)s.") % {"time": _moment(row.promised_at, at)}]
    found = []
    if lane == "new":
        found.append(_("High risk, known since %(time)s, not told yet.") % {"time": _moment(row.known_at, at)})
    elif not row.is_told and row.first_reached is None:
        found.append(_("Not told yet; known since %(time)s.") % {"time": _moment(row.known_at, at)})
    elif not row.is_told:
        found.append(_("Met a case again: the new end was not told yet."))
    elif lane == "overdue" and row.last_seen:
        found.append(_("Nobody knows how they are since %(day)s.") % {"day": _day(row.last_seen)})
    elif lane == "overdue":
        found.append(_("No check was done yet."))
    elif lane == "today":
        found.append(_("The check of today."))
    if row.failed_days:
        text = ngettext("Not reached on %(n)s day.", "Not reached on %(n)s days in a row.", row.failed_days)
        found.append(text % {"n": row.failed_days})
    return found


def what_to_ask(row: FollowUp, exposure: Exposure | None) -> list[str]:
    """What this conversation must settle."""
    found = []
    if not row.is_told:
        if row.until:
            found.append(_("Tell that they met a case, that they are followed until %(day)s, and what to watch for.") % {
                "day": _day(row.until)
            })  # fmt: skip
        else:
            found.append(_("Tell that they met a case, and what to watch for."))
        if row.first_reached is None:
            found.append(_("Ask who lives with them and what they need at home."))
    if exposure is not None and exposure.counted_by != Exposure.CountedBy.LAST_CONTACT:
        found.append(_("Ask for the day of the last contact: it is not known."))
    found.append(_("Ask for symptoms and temperature."))
    if row.quarantine_differs:
        found.append(_("Clear up whether the quarantine ends with the follow-up: the two days differ."))
    return found


def promised(row: FollowUp) -> str:
    """What somebody was promised, in their own words where there are any."""
    return _(row.promise) if row.promised_at and row.promise else ""


def met(exposure: Exposure | None) -> str:
    """Whom they met, as far as it may be said: the case's number, never a name."""
    if exposure is None:
        return ""
    number = exposure.case.source_key if exposure.case else _("unknown source")
    if exposure.last_contact:
        return _("Met case %(number)s, last on %(day)s.") % {"number": number, "day": _day(exposure.last_contact)}
    return _("Met case %(number)s; the day is not known.") % {"number": number}


def day_text(row: FollowUp, at: datetime) -> str:
    """Day 5 of 14."""
    if not (row.starts and row.until):
        return _("no end known")
    number = (clock.local_day(at) - row.starts).days + 1
    if number < 1:
        return _("starts on %(day)s") % {"day": _day(row.starts)}
    return _("day %(n)s of %(all)s") % {"n": number, "all": (row.until - row.starts).days + 1}


def change_text(change: Change) -> str:
    """What a line of the history says."""
    before, after = change.before, change.after
    if change.kind == "state":
        return _("%(before)s → %(after)s") % {
            "before": State(before["state"]).label,
            "after": State(after["state"]).label,
        }
    if change.kind in ("end", "dates"):
        return _("Last day %(before)s → %(after)s") % {"before": before.get("until") or "–", "after": after.get("until") or "–"}
    if change.kind == "quarantine":
        return _("Quarantine until %(before)s → %(after)s") % {
            "before": before.get("quarantine_until") or "–",
            "after": after.get("quarantine_until") or "–",
        }
    if change.kind == "owner":
        return _("Given to somebody else") if after.get("assigned_to_id") else _("Given back to everybody")
    if change.kind == "test":
        return _("Test taken on %(day)s") % {"day": after.get("sampled", "")}
    if change.kind == "joined":
        return _("Joined with follow-up %(number)s") % {"number": after.get("part_of")}
    return _("Taken apart from follow-up %(number)s") % {"number": before.get("part_of")}


def offer_text(offer: dict[str, Any]) -> str:
    """An earlier end or an order that somebody may decide, in one sentence."""
    day = _day(offer["until"])
    if offer["kind"] == "shorten":
        return _("The rule would now end the follow-up on %(day)s.") % {"day": day}
    if offer["kind"] == "quarantine":
        return _("The rule proposes quarantine until %(day)s. It begins only when somebody orders it.") % {"day": day}
    if offer.get("tested"):
        return _("The rule allows an end on %(day)s: a negative test was taken on %(tested)s.") % {
            "day": day,
            "tested": _day(offer["tested"]),
        }
    if offer["test_from"]:
        return _("The rule allows an end on %(day)s with a negative test taken on %(from)s or later.") % {
            "day": day,
            "from": _day(offer["test_from"]),
        }
    return _("The rule allows an end on %(day)s without a test.") % {"day": day}


def _day(day: Any) -> str:
    return date_format(day, "DATE_FORMAT")


def _moment(moment: datetime, at: datetime) -> str:
    local, today = moment.astimezone(clock.zone()), clock.local_day(at)
    return local.strftime("%H:%M") if local.date() == today else date_format(local, "SHORT_DATETIME_FORMAT")
