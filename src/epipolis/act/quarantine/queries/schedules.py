"""Until when somebody stays: facts and a dated rule in, days and reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_noop

from epipolis.act.followup.queries import UNTIL_BECAUSE, first_and_last
from epipolis.core import rules
from epipolis.core.rules import Decision, RulePack

_NO_CONTACT = gettext_noop("No last day: the day of the last contact is not known. Ask for it, or choose a day.")
_ONE_OF = gettext_noop("The latest end of %(n)s contacts counts.")
_FROM_CASE = {
    "onset": gettext_noop("Counted from the first symptoms on %(day)s."),
    "sample": gettext_noop("Counted from the first positive sample on %(day)s."),
    "report": gettext_noop("Neither first symptoms nor a sample are known: counted from the report on %(day)s."),
}
_ILL = gettext_noop(
    "The rule %(rule)s says %(days)s days after the first symptoms, and %(free)s further days without symptoms:"
    " %(until)s at the earliest."
)
_STILL_ILL = gettext_noop(
    "It is not known that the symptoms have ended: this is the earliest last day. Each further day with symptoms moves it."
)
_WELL = gettext_noop("Without symptoms since %(well)s: %(until)s is the last day.")
_UNASKED = gettext_noop("If nobody says how it is by then, the order ends by itself on %(last)s.")
_NEVER_ILL = gettext_noop("Never had symptoms: the rule %(rule)s says %(days)s days after the sample, so until %(until)s.")
_NO_DAY = gettext_noop("No last day: no day of symptoms, sample or report is known. Ask for it, or choose a day.")


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact from which quarantine is counted: the day, and what kind of day it is."""

    day: date
    counted_by: str = "last_contact"


@dataclass(frozen=True, slots=True)
class Illness:
    """What is known of a case that decides how long it isolates; `well_since` is the first day without symptoms."""

    onset: date | None = None
    sampled: date | None = None
    reported: date | None = None
    has_symptoms: bool | None = None
    well_since: date | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """The days of an order by the rule. `is_earliest`: the last day moves on while symptoms last."""

    starts: date | None
    until: date | None
    is_earliest: bool
    decision: Decision


def rules_of(kind: str, day: date, *, jurisdiction: str = "") -> RulePack:
    """The rules of isolation or quarantine in force on a day."""
    return rules.in_force(kind, day, jurisdiction=jurisdiction)


def paper_rules(day: date) -> RulePack:
    """What papers say, and how orders are handled, on a day."""
    return rules.in_force("orders", day)


def plan_quarantine(contacts: Sequence[Contact], *, day: date, pack: RulePack) -> Planned:
    """The days of a quarantine: of all contacts the one that ends last counts.

    Args:
        contacts: those that still hold, and whose day is known.
        day: today, the day of the decision.
    """
    inputs: dict[str, Any] = {"contacts": sorted((one.day.isoformat(), one.counted_by) for one in contacts)}
    if not contacts:
        return Planned(None, None, False, _decision(None, pack, day, inputs, [(_NO_CONTACT, {})]))
    last = max(contacts, key=lambda one: one.day)
    starts, until = first_and_last(last.day, pack)
    first = min(first_and_last(one.day, pack)[0] for one in contacts)
    values = _words({"until": until, "day": last.day, "starts": starts}) | {"days": pack["days"], "rule": pack.reference}
    reasons: list[tuple[str, dict[str, Any]]] = [(UNTIL_BECAUSE[last.counted_by], values)]
    if len(contacts) > 1:
        reasons.append((_ONE_OF, {"n": len(contacts)}))
    return Planned(first, until, False, _decision(until, pack, day, inputs, reasons))


def plan_isolation(illness: Illness, *, day: date, pack: RulePack) -> Planned:
    """The days of an isolation: from the first symptoms and the days without them, or from the sample of who had none."""
    inputs: dict[str, Any] = {name: _text(getattr(illness, name)) for name in ("onset", "sampled", "reported", "well_since")}
    inputs["has_symptoms"] = illness.has_symptoms
    counted, kind = counted_from(illness)
    if counted is None:
        return Planned(None, None, False, _decision(None, pack, day, inputs, [(_NO_DAY, {})]))
    reasons: list[tuple[str, dict[str, Any]]] = [(_FROM_CASE[kind], _words({"day": counted}))]
    if illness.onset is None and not illness.has_symptoms:
        until = counted + timedelta(days=pack["from_sample"])
        values = _words({"until": until}) | {"days": pack["from_sample"], "rule": pack.reference}
        return Planned(counted, until, False, _decision(until, pack, day, inputs, [*reasons, (_NEVER_ILL, values)]))
    until, is_earliest = _last_day_ill(counted, illness.well_since, pack)
    first = counted + timedelta(days=pack["from_onset"] + pack["free_days"])
    values = _words({"until": first}) | {"days": pack["from_onset"], "free": pack["free_days"], "rule": pack.reference}
    reasons.append((_ILL, values))
    if is_earliest:
        last = until + timedelta(days=pack["unasked_days"])
        reasons += [(_STILL_ILL, {}), (_UNASKED, _words({"last": last}))]
    elif illness.well_since:
        reasons.append((_WELL, _words({"well": illness.well_since, "until": until})))
    decision = _decision(until, pack, day, inputs, reasons)
    if is_earliest:
        decision = replace(decision, outcome=f"{decision.outcome} at the earliest")
    return Planned(counted, until, is_earliest, decision)


def counted_from(illness: Illness) -> tuple[date | None, str]:
    """The day from which isolation is counted: the onset, else the sample where it is earlier than the report, else the
    report."""
    if illness.onset:
        return illness.onset, "onset"
    if illness.sampled and (illness.reported is None or illness.sampled <= illness.reported):
        return illness.sampled, "sample"
    return (illness.reported, "report") if illness.reported else (None, "")


def _last_day_ill(counted: date, well_since: date | None, pack: RulePack) -> tuple[date, bool]:
    least = counted + timedelta(days=pack["from_onset"])
    if well_since is None:
        return least + timedelta(days=pack["free_days"]), pack["free_days"] > 0
    last_ill = well_since - timedelta(days=1)
    return max(least, last_ill) + timedelta(days=pack["free_days"]), False


def _decision(
    until: date | None, pack: RulePack, day: date, inputs: dict[str, Any], reasons: list[tuple[str, dict[str, Any]]]
) -> Decision:
    return Decision(_text(until) or "", pack.reference, day, inputs, tuple(reasons))


def _words(days: dict[str, date | None]) -> dict[str, Any]:
    return {name: _text(day) for name, day in days.items()}


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
