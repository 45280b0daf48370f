"""Measures, results and assumptions in plain words, in the reader's language."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from epipolis.understand.scenarios.queries import figures
from epipolis.understand.scenarios.queries.contents import Content, disease_choices
from epipolis.understand.scenarios.queries.figures import Shown, Spread
from epipolis.understand.scenarios.queries.menu import AGES, KINDS, LAYERS, TRIGGERS, Ask
from epipolis.understand.scenarios.queries.prices import has_example_prices
from epipolis.understand.scenarios.settings import settings


def whats() -> dict[str, str]:
    """What each column and each total is, in words."""
    return {
        "infections": _("infections"),
        "infectious": _("infectious people"),
        "symptoms": _("people who fall ill"),
        "tests": _("tests"),
        "cases": _("confirmed cases"),
        "in_ward": _("people in hospital wards"),
        "in_icu": _("people in intensive care"),
        "deaths": _("deaths"),
        "isolated": _("isolated cases"),
        "quarantined": _("people in quarantine"),
        "traced": _("traced contacts"),
        "vaccinated": _("first doses"),
        "cost": _("cost"),
        "attack_rate": _("infections per 100 people"),
        "peak_day": _("day of the peak"),
        "peak_infections": _("infections on the worst day"),
        "peak_in_ward": _("most people in wards"),
        "peak_in_icu": _("most people in intensive care"),
        "days_isolated": _("days in isolation"),
        "days_quarantined": _("days in quarantine"),
        "r_early": _("infections by each early case"),
    }


def settings_words() -> dict[str, str]:
    """Where infections happen, in words."""
    return {**{name: str(label) for name, label in LAYERS}, "abroad": _("brought in from outside"), **_kinds_of_place()}


def _kinds_of_place() -> dict[str, str]:
    return {
        "workplace": _("workplaces"),
        "school": _("schools"),
        "nursery": _("nurseries"),
        "shop": _("shops"),
        "restaurant": _("restaurants"),
        "market": _("markets"),
        "gym": _("gyms"),
        "worship": _("places of worship"),
        "bar": _("bars"),
        "cinema": _("cinemas and theatres"),
        "transit_hub": _("stations"),
        "clinic": _("clinics"),
        "hospital": _("hospitals"),
        "library": _("libraries"),
        "care_home": _("care homes"),
    }


def measure_title(entry: Mapping[str, Any]) -> str:
    kind = KINDS.get(entry["kind"])
    return str(entry.get("title") or (kind.title if kind else entry["kind"]))


def measure_words(entry: Mapping[str, Any], start: date) -> str:
    """What a measure says, in one line."""
    kind = KINDS.get(entry["kind"])
    parts = [f"{ask.label}: {said(ask, entry[ask.name])}" for ask in kind.asks if ask.name in entry] if kind else []
    parts.append(when(entry, start))
    if entry.get("compliance", 1.0) < 1:
        parts.append(_("%(share)s follow") % {"share": percent(entry["compliance"])})
    ages = dict(AGES)
    parts += [f"{ages.get(group, group)}: {percent(share)}" for group, share in (entry.get("compliance_by_age") or {}).items()]
    if areas := entry.get("compliance_by_area"):
        parts.append(_("by area: %(areas)s") % {"areas": _listed(areas)})
    return " · ".join(part for part in parts if part)


def kept_words(kept: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a measure says that the form does not ask, one line for each part."""
    names = {"compliance_by_area": _("People who follow, by area"), "compliance_by_age": _("People who follow, by age")}
    asked = {ask.name: str(ask.label) for kind in KINDS.values() for ask in kind.asks if ask.kind == "shares"}
    return [f"{names.get(part) or asked.get(part, part)}: {_listed(shares)}" for part, shares in kept.items() if shares]


def _listed(shares: Mapping[str, Any], most: int = 12) -> str:
    found = [f"{name} {percent(share) if isinstance(share, int | float) else share}" for name, share in shares.items()]
    more = [_("%(n)s more") % {"n": number(len(found) - most)}] if len(found) > most else []
    return ", ".join(found[:most] + more)


def said(ask: Ask, value: Any) -> str:
    """One value of a measure in words."""
    choices = {name: str(label) for name, label in ask.choices}
    if value is None:
        return _("no limit")
    if ask.kind == "percent":
        return percent(value)
    if ask.kind == "shares":
        return ", ".join(f"{choices.get(name, name)} {percent(share)}" for name, share in value.items())
    if ask.kind in ("many", "order"):
        return ", ".join(choices.get(name, name) for name in value)
    if ask.kind == "one":
        return choices.get(value, str(value))
    return f"{value if isinstance(value, str) else number(value)} {ask.unit}".strip()


def when(entry: Mapping[str, Any], start: date) -> str:
    """From which day until which, and what puts it in force."""
    first, last, trigger = entry.get("first_day", 0), entry.get("last_day"), entry.get("trigger")
    begins, ends = start + timedelta(days=first), start + timedelta(days=last) if last is not None else None
    words = ""
    if first and ends:
        words = _("%(first)s to %(last)s") % {"first": shown_day(begins), "last": shown_day(ends)}
    elif first:
        words = _("from %(first)s") % {"first": shown_day(begins)}
    elif ends:
        words = _("until %(last)s") % {"last": shown_day(ends)}
    if trigger:
        what = str(dict(TRIGGERS).get(trigger["what"], trigger["what"]))
        if trigger.get("above") is not None:
            words += (", " if words else "") + _("while %(what)s exceed %(above)s") % {
                "what": what, "above": number(trigger["above"]),
            }  # fmt: skip
        if trigger.get("below") is not None:
            words += (", " if words else "") + _("until below %(below)s") % {"below": number(trigger["below"])}
    return words


def content_words(content: Content) -> list[tuple[str, str]]:
    """What a version says beside its measures: name and value."""
    place = content["city"]
    where = _("our city") if place["kind"] == "ours" else _("an invented city of %(people)s people") % {
        "people": number(place["people"])
    }  # fmt: skip
    found = [
        (_("City"), where),
        (_("Disease"), dict(disease_choices()).get(content["disease"], content["disease"])),
        (_("From"), shown_day(date.fromisoformat(content["start"]))),
        (_("Days"), number(content["days"])),
        (_("Repetitions"), number(content["seeds"])),
    ]
    if begin := content.get("begin"):
        words = _("%(cases)s reported cases until %(day)s, times %(factor)s; %(immune)s immune") % {
            "cases": number(begin.get("reported", 0)),
            "day": shown_day(date.fromisoformat(begin["as_of"])) if begin.get("as_of") else "–",
            "factor": number(begin.get("under_reporting", 1)),
            "immune": percent(begin["immune_share"]),
        }
        found.append((_("Begins with"), words))
    return found


def assumptions(shown: Shown) -> list[str]:
    """What a reader must know before believing a figure."""
    seeds = len(shown.run.summaries)
    found = [
        _("Simulated, not observed: %(disease)s in %(city)s, %(days)s days from %(start)s.")
        % {
            "disease": (shown.run.disease or {}).get("name", ""),
            "city": content_words(shown.content)[0][1],
            "days": number(shown.content["days"]),
            "start": shown_day(shown.start),
        },
        ngettext(
            "One repetition only: there is no range, chance alone may explain a difference.",
            "Middle of %(n)s repetitions; the range in brackets and the shaded band hold eight in ten of them.",
            seeds,
        )
        % {"n": number(seeds)},
        _("The range is that of chance in the model. That the model or its parameters are wrong is not in it."),
    ]
    measures = shown.content["measures"]
    late = [measure_title(entry) for entry in measures if entry.get("first_day", 0) >= shown.content["days"]]
    if late:
        found.append(_("Never in force, because the run ends before: %(names)s.") % {"names": ", ".join(late)})
    if examples := [measure_title(entry) for entry in measures if has_example_prices(entry)]:
        found.append(_("Example prices, not those of your city: %(names)s.") % {"names": ", ".join(examples)})
    if shown.content.get("begin"):
        found.append(_("It begins with %(words)s.") % {"words": content_words(shown.content)[-1][1]})
    return found


def sentence(shown: Shown, first: Shown) -> str:
    """One scenario against the first, in plain words."""
    found = figures.change(shown, first, "infections")
    if found is None:
        return _("%(first)s has no infections to compare with.") % {"first": first.name}
    deaths = figures.change(shown, first, "deaths")
    words = {"name": shown.name, "first": first.name, "share": spread_words(found)}
    if found[0] < 0 < found[2]:
        whole = _("With %(name)s infections are about as many as with %(first)s (%(low)s to %(high)s)") % {
            **words, "low": signed(found[0]), "high": signed(found[2]),
        }  # fmt: skip
    elif found[1] < 0:
        whole = _("With %(name)s %(share)s fewer infections than with %(first)s") % words
    else:
        whole = _("With %(name)s %(share)s more infections than with %(first)s") % words
    if deaths and deaths[1] <= 0 and deaths[2] <= 0:
        whole += _(", %(share)s fewer deaths") % {"share": spread_words(deaths)}
    cost = figures.total(shown, "cost")
    if cost[1]:
        if any(has_example_prices(entry) for entry in shown.content["measures"]):
            return whole + _(", at a cost of %(cost)s at example prices.") % {"cost": money(cost[1])}
        return whole + _(", at a cost of %(cost)s.") % {"cost": money(cost[1])}
    return whole + _("; no costs were entered.")


def spread_words(found: Spread) -> str:
    """A change without its sign: 41 % (38–44 %)."""
    low, high = sorted((abs(found[0]), abs(found[2])))
    return f"{percent(abs(found[1]))} ({number(100 * low, 0)}–{number(100 * high, 0)} %)"


def total_words(shown: Shown, what: str) -> str:
    """A total with its range."""
    low, middle, high = figures.total(shown, what)
    if what == "peak_day":
        day = shown.start + timedelta(days=round(middle))
        first, last = (shown_day(shown.start + timedelta(days=round(value))) for value in (low, high))
        return f"{shown_day(day)} ({first} – {last})"
    if what == "attack_rate":
        return f"{number(100 * middle, 1)} ({number(100 * low, 1)}–{number(100 * high, 1)})"
    digits = 1 if what == "r_early" else 0
    text = f"{number(middle, digits)} ({number(low, digits)}–{number(high, digits)})"
    return f"{text} {settings.money}".strip() if what == "cost" else text


def percent(share: float) -> str:
    value = 100 * share
    return f"{number(value, 0 if value >= 1 or not value else 1)} %"


def signed(share: float) -> str:
    """A change with its sign, which no colour replaces."""
    return f"{'+' if share > 0 else '−' if share < 0 else ''}{number(abs(100 * share), 0)} %"


def money(amount: float) -> str:
    for size, words in ((1e9, _("%(n)s billion")), (1e6, _("%(n)s million"))):
        if amount >= size:
            return f"{words % {'n': number(amount / size, 1)}} {settings.money}".strip()
    return f"{number(amount, 0)} {settings.money}".strip()


def number(value: float, digits: int | None = None) -> str:
    """A number as the reader's language writes it."""
    if digits is None:
        digits = next((n for n in (0, 1) if abs(round(value, n) - value) < 1e-6), 2)
    return str(number_format(round(float(value), digits), digits, use_l10n=True, force_grouping=True))


def shown_day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")
