"""Signals in plain words: what was seen, against what, by which rule, and how often that rule is wrong."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from epipolis.understand.forecast import queries as forecast
from epipolis.understand.signals.models import Signal

_MOST_PLACES = 4


def series_title(name: str) -> str:
    return str(forecast.target(name).title)


def number(value: float | None) -> str:
    """A figure as people say it: counts whole, small values with one or two decimals."""
    if value is None:
        return "–"
    places = 2 if 0 < abs(value) < 0.095 else 1
    if abs(value) >= 100 or abs(value - round(value)) < 0.005:
        places = 0
    return formats.number_format(round(value, places), decimal_pos=places, use_l10n=True)


def day(value: date) -> str:
    return formats.date_format(value, "DATE_FORMAT")


def places(areas: Iterable[str], names: Mapping[str, str]) -> str:
    """The places of a hot spot in one line."""
    found = sorted(names.get(code, code) for code in areas)
    more = len(found) - _MOST_PLACES
    if more <= 0:
        return ", ".join(found)
    shown = ", ".join(found[:_MOST_PLACES])
    return ngettext("%(shown)s and %(n)d more", "%(shown)s and %(n)d more", more) % {"shown": shown, "n": more}


def figure(one: Signal) -> str:
    """What was seen against what was expected, in few words."""
    if one.method == Signal.Method.LEVEL:
        return _("%(value)s per 100,000 and week; limit %(upper)s") % {"value": number(one.value), "upper": number(one.upper)}
    words = {"value": number(one.value), "expected": number(one.expected)}
    return _("%(value)s where %(expected)s were expected") % words


def why(one: Signal, area: str, names: Mapping[str, str]) -> list[str]:
    """Why it was raised, sentence by sentence."""
    title = series_title(one.series)
    if one.method == Signal.Method.LEVEL:
        found = _why_level(one, area)
    elif one.method == Signal.Method.SCAN:
        found = _why_spot(one, title, names)
    else:
        found = _why_count(one, title, area)
    if not one.stands:
        found.append(_ended(one))
    return found


def how_often(one: Signal) -> str:
    """The stated rate of false alarms of the rule that raised it."""
    if one.rate is None:
        return _("A limit is no test of chance: it is passed or it is not. No false alarms are stated for it.")
    if one.method == Signal.Method.SCAN:
        text = _("False alarms that this rule states: about %(rate)s a year in the whole city.")
    elif one.detail.get("together"):
        text = _("False alarms that this rule states: about %(rate)s a year in all places together.")
    else:
        text = _("False alarms that this rule states: about %(rate)s a year in each place.")
    return text % {"rate": number(one.rate)}


def tile_note(spots: int, newest: date | None) -> str:
    """What the figure on the dashboard adds."""
    if newest is None and not spots:
        return _("nothing stands out")
    parts = []
    if newest is not None:
        parts.append(_("newest of %(day)s") % {"day": formats.date_format(newest, "MONTH_DAY_FORMAT")})
    if spots:
        parts.append(ngettext("%(n)d hot spot", "%(n)d hot spots", spots) % {"n": spots})
    return ", ".join(parts)


def rarity(days: float) -> str:
    """How rare a hot spot is by chance."""
    if days >= 365:
        years = days / 365.25
        return _("once in %(years)s years or less often") % {"years": number(round(years, 1))}
    return ngettext("once in %(n)d day", "once in %(n)d days", round(days)) % {"n": round(days)}


def _why_count(one: Signal, title: str, area: str) -> list[str]:
    values = {"title": title, "area": area, "day": day(one.day), "value": number(one.value)}
    values |= {"expected": number(one.expected), "upper": number(one.upper)}
    if one.step == 7:
        found = [_("%(area)s, the week until %(day)s: %(value)s (%(title)s).") % values]
    else:
        found = [_("%(area)s, %(day)s: %(value)s (%(title)s).") % values]
    by = {
        Signal.Method.REGRESSION: _(
            "From weekdays, trend and season of the time before, %(expected)s were to be expected; chance alone rarely gives"
            " more than %(upper)s."
        ),
        Signal.Method.CUSUM: _(
            "From the time before, %(expected)s were to be expected. Several days in a row were a little higher: together"
            " more than chance gives."
        ),
        Signal.Method.EARS: _(
            "From the last weeks, %(expected)s were to be expected; chance alone rarely gives more than %(upper)s."
        ),
    }
    found.append(by[Signal.Method(one.method)] % values)
    if str(one.detail.get("marked", "")).startswith("follows missing days"):
        found.append(_("To be read with care: the day follows days without a value and may hold their counts."))
    return found


def _why_level(one: Signal, area: str) -> list[str]:
    values: dict[str, Any] = {"area": area, "day": day(one.day), "value": number(one.value), "upper": number(one.upper)}
    values["days"] = one.detail.get("window_days", 7)
    first = _("%(area)s, %(day)s: %(value)s cases per 100,000 people and week, counted over %(days)s days.") % values
    return [first, _("That reaches the limit of %(upper)s, which was not reached in the week before.") % values]


def _why_spot(one: Signal, title: str, names: Mapping[str, str]) -> list[str]:
    spot = one.hot_spot
    values = {
        "places": places(spot.areas, names), "first": day(spot.first_day), "last": day(spot.last_day), "title": title,
        "value": number(spot.observed), "expected": number(spot.expected), "rarity": rarity(spot.recurrence_days),
    }  # fmt: skip
    return [
        _("%(places)s, %(first)s to %(last)s: %(value)s (%(title)s).") % values,
        _("By what these places and these days otherwise have, %(expected)s were to be expected.") % values,
        _("With a search each day, chance gives so strong a hot spot %(rarity)s.") % values,
    ]


def _ended(one: Signal) -> str:
    if one.method == Signal.Method.SCAN:
        return _("The newest search no longer finds it: it has ended, or later reports took it back.")
    return _("By what became known later it no longer stands out.")
