"""When a case could infect others, and when it was infected: from its facts and the rules in force, by values alone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from epipolis.core.rules import Decision, RulePack
from epipolis.sense.cases.models import Classification, Facts, Outcome

Reason = tuple[str, dict[str, Any]]
_FIRST, _LAST = date(1900, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """Whole local days, both included, and the moments at which the first begins and the last ends (UTC)."""

    first: date
    last: date
    since: datetime
    until: datetime


def window_of_days(first: date, last: date, zone: ZoneInfo) -> Window:
    return Window(first, last, day_starts(first, zone), day_starts(last + timedelta(days=1), zone))


def day_starts(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def infectious_window(facts: Facts, rules: RulePack, zone: ZoneInfo, *, day: date) -> tuple[Window | None, Decision]:
    """The local days on which a case could infect others (WHO: R2), with the decision that explains them.

    None where the facts give no usable day, or say that this is not a case. `day` is the day as of which is decided.
    """
    inputs = _inputs(facts, "classification", "onset", "sampled", "reported", "confirmed", "has_symptoms", "outcome", "ended")
    if facts.classification == Classification.NOT_A_CASE:
        return None, Decision("none", rules.reference, day, inputs, ((gettext_noop("This is not a case (any more)."), {}),))
    if facts.same_as:
        text = gettext_noop("This is the same illness as another case, and is traced there.")
        return None, Decision("none", rules.reference, day, inputs, ((text, {}),))
    start, reasons = start_day(facts)
    if start is None:
        return None, Decision("none", rules.reference, day, inputs, tuple(reasons))
    symptomatic = facts.has_symptoms is not False or _is_usable(facts.onset)
    if facts.has_symptoms is None and not _is_usable(facts.onset):
        text = gettext_noop(
            "Whether there were symptoms is not known: the longer period, that of people with symptoms, is used."
        )
        reasons.append((text, {}))
    period = rules["symptomatic" if symptomatic else "asymptomatic"]
    first = start - timedelta(days=period["days_before"])
    last = start + timedelta(days=period["days_after"] + period.get("symptom_free_days", 0))
    reasons.append(_period_reason(period))
    if facts.outcome == Outcome.DIED and facts.ended and first <= facts.ended < last:
        last = facts.ended
        reasons.append((gettext_noop("The person died on %(day)s, which ends the period."), {"day": last.isoformat()}))
    reasons.append(
        (
            gettext_noop("So the infectious days are %(first)s to %(last)s."),
            {"first": first.isoformat(), "last": last.isoformat()},
        )
    )
    return window_of_days(first, last, zone), Decision("window", rules.reference, day, inputs, tuple(reasons))


def source_window(facts: Facts, rules: RulePack, zone: ZoneInfo, *, day: date) -> tuple[Window | None, Decision]:
    """The local days on which a case was infected: the incubation before onset, or what is known of the exposure."""
    inputs = _inputs(facts, "onset", "sampled", "reported", "confirmed", "has_symptoms", "exposed_from", "exposed_until")
    start, reasons = start_day(facts)
    if _is_usable(facts.exposed_from) and _is_usable(facts.exposed_until) and facts.exposed_from <= facts.exposed_until:
        first, last = facts.exposed_from, facts.exposed_until
        reasons = [(gettext_noop("The time of the exposure is known."), {})]
    elif start is None:
        return None, Decision("none", rules.reference, day, inputs, tuple(reasons))
    else:
        longest, shortest = rules["longest_incubation_days"], rules["shortest_incubation_days"]
        first, last = start - timedelta(days=longest), start - timedelta(days=shortest)
        text = gettext_noop("From infection to symptoms take %(shortest)s to %(longest)s days.")
        reasons.append((text, {"shortest": shortest, "longest": longest}))
    reasons.append(
        (
            gettext_noop("So the infection happened on %(first)s to %(last)s."),
            {"first": first.isoformat(), "last": last.isoformat()},
        )
    )
    return window_of_days(first, last, zone), Decision("window", rules.reference, day, inputs, tuple(reasons))


def start_day(facts: Facts) -> tuple[date | None, list[Reason]]:
    """The day from which the illness is counted: onset, else an earlier sample, else the report (R6), and which it was.

    Without symptoms the day of the sample stands before all others (R2).
    """
    onset, sampled, reported = facts.onset, facts.sampled, facts.reported
    usable = {name: day for name in ("onset", "sampled", "reported", "confirmed") if _is_usable(day := getattr(facts, name))}
    reasons: list[Reason] = [
        (gettext_noop("The day %(day)s cannot be right and is not used."), {"day": day.isoformat()})
        for day in (onset, sampled, reported, facts.confirmed)
        if day and not _is_usable(day)
    ]
    if "onset" in usable:
        return onset, [*reasons, (gettext_noop("Symptoms began on %(day)s."), {"day": usable["onset"].isoformat()})]
    if facts.has_symptoms is False and "sampled" in usable:
        text = gettext_noop("There were no symptoms; the sample was taken on %(day)s.")
        return sampled, [*reasons, (text, {"day": usable["sampled"].isoformat()})]
    if "sampled" in usable and usable["sampled"] < usable.get("reported", _LAST):
        text = gettext_noop("The start of symptoms is not known; the sample of %(day)s, taken before the report, is used.")
        return sampled, [*reasons, (text, {"day": usable["sampled"].isoformat()})]
    for name, text in (
        (
            "reported",
            gettext_noop("Neither the start of symptoms nor an earlier sample is known; the report of %(day)s is used."),
        ),
        ("confirmed", gettext_noop("Only the day of confirmation is known; %(day)s is used.")),
    ):
        if name in usable:
            return usable[name], [*reasons, (text, {"day": usable[name].isoformat()})]
    return None, [*reasons, (gettext_noop("No day of this case is known, so nobody can be traced yet."), {})]


def _is_usable(day: date | None) -> bool:
    return day is not None and _FIRST <= day < _LAST


def _period_reason(period: dict[str, int]) -> Reason:
    values = {"before": period["days_before"], "after": period["days_after"], "free": period.get("symptom_free_days", 0)}
    if values["free"]:
        text = gettext_noop(
            "Infectious from %(before)s days before to %(after)s days after, and at least %(free)s more days without symptoms; "
            "it ends later where symptoms last longer."
        )
        return text, values
    return gettext_noop("Infectious from %(before)s days before to %(after)s days after."), values


def _inputs(facts: Facts, *names: str) -> dict[str, Any]:
    values = {name: getattr(facts, name) for name in names}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
