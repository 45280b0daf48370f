"""How long somebody is followed and when they are asked next: values and a dated rule in, days and reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_noop

from epipolis.core import clock, rules
from epipolis.core.rules import Decision, RulePack

UNTIL_BECAUSE = {
    "last_contact": gettext_noop(
        "Until %(until)s because the last contact was on %(day)s and the rule %(rule)s says %(days)s days, from %(starts)s on."
    ),
    "sample": gettext_noop(
        "Until %(until)s: the day of the last contact is not known, so it is counted from the first positive sample, %(day)s;"
        " the rule %(rule)s says %(days)s days, from %(starts)s on."
    ),
    "report": gettext_noop(
        "Until %(until)s: the day of the last contact is not known, so it is counted from the report, %(day)s;"
        " the rule %(rule)s says %(days)s days, from %(starts)s on."
    ),
}
_NO_DAY = gettext_noop("No end: the day of the last contact is not known. Ask for it.")
_ONE_OF = gettext_noop("The latest end of %(n)s exposures counts.")
_CHOSEN = gettext_noop("Set to %(until)s by a person: %(reason)s")
_LATER_WINS = gettext_noop("The end that a person chose, %(chosen)s, no longer holds: a later exposure ends later.")
_NOT_REACHED = gettext_noop(
    "Longer, until %(until)s: nobody was reached on %(planned)s or later, and the last try was on %(tried)s."
)
_KEPT = gettext_noop(
    "The rule would now end it earlier, on %(earlier)s. It is never shortened by itself: somebody must decide that."
)


@dataclass(frozen=True, slots=True)
class Span:
    """One exposure with the end that its rule gives it; `moved_at` is since when this end is known."""

    counted_from: date | None
    counted_by: str
    starts: date | None
    until: date | None
    rule: str
    days: int
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """The days of a follow-up and why."""

    starts: date | None
    standard_until: date | None
    until: date | None
    extended_until: date | None
    decision: Decision


def rules_of(day: date, *, jurisdiction: str = "") -> RulePack:
    """The rules of follow-up in force on a day."""
    return rules.in_force("follow_up", day, jurisdiction=jurisdiction)


def counted_from(last_contact: date | None, sampled: date | None, reported: date | None) -> tuple[date | None, str]:
    """The day from which the days are counted and what kind of day it is: the last contact, else the earliest positive
    sample where it is earlier than the report, else the report."""
    if last_contact:
        return last_contact, "last_contact"
    if sampled and (reported is None or sampled < reported):
        return sampled, "sample"
    return (reported, "report") if reported else (None, "")


def first_and_last(day: date, pack: RulePack) -> tuple[date, date]:
    """The first and the last day of a follow-up counted from a day; local calendar days."""
    starts = day + timedelta(days=pack["start_offset"])
    return starts, starts + timedelta(days=pack["days"] - (1 if pack["counts_first_day"] else 0))


def span_of(last_contact: date | None, sampled: date | None, reported: date | None, pack: RulePack, *, at: datetime) -> Span:
    """The end that one exposure asks for."""
    day, kind = counted_from(last_contact, sampled, reported)
    if day is None:
        return Span(None, "", None, None, pack.reference, pack["days"], at)
    starts, until = first_and_last(day, pack)
    return Span(day, kind, starts, until, pack.reference, pack["days"], at)


def plan(
    spans: Sequence[Span],
    *,
    day: date,
    pack: RulePack,
    chosen: tuple[date, datetime, str] | None = None,
    former_until: date | None = None,
    last_seen: date | None = None,
    last_try: date | None = None,
    may_shorten: bool = False,
) -> Plan:
    """The first and last day of a follow-up: the latest end of all exposures, what a person chose, and the extension for
    those who were not reached at the end.

    Args:
        spans: the exposures that still hold.
        day: today, the day of the decision.
        chosen: an end that a person set, when, and why. An exposure that became known later still wins.
        former_until: the end that held so far; only a person may bring it forward (`may_shorten`).
        last_seen: the last day on which the person cooperated.
        last_try: the last day on which somebody tried in vain.
    """
    known = [span for span in spans if span.until and span.starts]
    inputs: dict[str, Any] = {"exposures": len(spans)}
    if not known and chosen is None:
        return Plan(None, None, former_until, None, Decision("", pack.reference, day, inputs, ((_NO_DAY, {}),)))
    last = max(known, key=lambda span: (span.until, span.starts), default=None)
    standard = last.until if last else None
    reasons = _reasons(last, len(known))
    until = standard
    if chosen:
        until = _after_choice(chosen, known, reasons)
    assert until is not None  # noqa: S101 -- one of the two is there
    extended, until = _extended(until, last_seen, last_try, pack, reasons)
    if former_until and until < former_until and not may_shorten:
        reasons.append((_KEPT, {"earlier": until.isoformat()}))
        until = former_until
    inputs |= {"last_day": until.isoformat()}
    starts = min((span.starts for span in known if span.starts), default=None)
    decision = Decision(until.isoformat(), last.rule if last else pack.reference, day, inputs, tuple(reasons))
    return Plan(starts, standard, until, extended, decision)


def _reasons(last: Span | None, count: int) -> list[tuple[str, dict[str, Any]]]:
    if last is None or not (last.until and last.starts and last.counted_from):
        return [(_NO_DAY, {})]
    values = {
        "until": last.until.isoformat(),
        "day": last.counted_from.isoformat(),
        "starts": last.starts.isoformat(),
        "rule": last.rule,
        "days": last.days,
    }
    found: list[tuple[str, dict[str, Any]]] = [(UNTIL_BECAUSE[last.counted_by], values)]
    return [*found, (_ONE_OF, {"n": count})] if count > 1 else found


def _after_choice(chosen: tuple[date, datetime, str], known: Sequence[Span], reasons: list[tuple[str, dict[str, Any]]]) -> date:
    wanted, since, reason = chosen
    later = max((span.until for span in known if span.until and span.moved_at > since), default=None)
    if later and later > wanted:
        reasons.append((_LATER_WINS, {"chosen": wanted.isoformat()}))
        return later
    reasons.append((_CHOSEN, {"until": wanted.isoformat(), "reason": reason}))
    return wanted


def _extended(
    until: date,
    last_seen: date | None,
    last_try: date | None,
    pack: RulePack,
    reasons: list[tuple[str, dict[str, Any]]],
) -> tuple[date | None, date]:
    rule = pack["extension"]
    if not rule["days_after_attempt"] or last_try is None or last_try < until or (last_seen and last_seen >= until):
        return None, until
    longest = until + timedelta(days=rule["at_most"])
    longer = min(last_try + timedelta(days=rule["days_after_attempt"]), longest)
    if longer <= until:
        return None, until
    values = {"until": longer.isoformat(), "planned": until.isoformat(), "tried": last_try.isoformat()}
    reasons.append((_NOT_REACHED, values))
    return longer, longer


def checks_a_day(risk: str, pack: RulePack) -> int:
    """How often a day somebody of this risk is asked; 0: told once, and not asked."""
    return int(pack["checks"][risk]["a_day"])


def next_check(
    *,
    pack: RulePack,
    risk: str,
    at: datetime,
    known_at: datetime,
    is_told: bool,
    starts: date | None,
    until: date | None,
    last_seen: date | None = None,
    seen_part: int = 0,
    reports: bool = False,
    failed_at: datetime | None = None,
) -> tuple[datetime | None, datetime | None]:
    """From when the next check may be done, and when it is overdue; (None, None) when nobody needs to ask.

    Who was not told yet is to be called at once, and late after a day. Who reports by a link is left alone until the
    time for it is over. After a try in vain the next comes some hours later.
    """
    waits_until = failed_at + timedelta(hours=pack["again_hours"]) if failed_at else None
    if not is_told:
        return max(known_at, waits_until or known_at), known_at + timedelta(hours=pack["first_call_hours"])
    times = checks_a_day(risk, pack)
    if not times:
        return None, None
    day, part = _slot_after(last_seen, seen_part, starts, times, at)
    if until is not None and day > until:
        return None, None
    length = timedelta(hours=24 / times)
    due = clock.start_of(day) + part * length
    overdue = due + length
    if reports:
        due = overdue
    return max(due, waits_until or due), overdue


def _slot_after(last_seen: date | None, seen_part: int, starts: date | None, times: int, at: datetime) -> tuple[date, int]:
    if last_seen is None:
        first = clock.local_day(at)
        return (max(starts, first) if starts else first), 0
    slot = (last_seen, seen_part + 1) if seen_part + 1 < times else (last_seen + timedelta(days=1), 0)
    return max(slot, (starts, 0)) if starts else slot


def part_of_day(at: datetime, times: int) -> int:
    """Which part of its local day a moment lies in, where a day has so many checks."""
    hours = (at - clock.start_of(clock.local_day(at))) / timedelta(hours=1)
    return min(int(hours * max(times, 1) / 24), max(times, 1) - 1)


def fever_from(at: datetime) -> Decimal:
    """The temperature in °C from which on somebody counts as ill, by the rule in force."""
    return Decimal(str(rules_of(clock.local_day(at))["fever_from"]))
