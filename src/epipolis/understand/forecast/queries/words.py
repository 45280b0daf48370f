"""A round in plain sentences, which never say more than is known."""

from datetime import timedelta
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from epipolis.understand.forecast.models import Reproduction
from epipolis.understand.forecast.queries.results import Quantiles
from epipolis.understand.forecast.queries.targets import WEEK, Target

LEVEL_LOW, LEVEL_HIGH = 0.05, 0.95
_FEWEST_COMPARED = 6  # forecasts, before skill is spoken of
_LONGEST_DOUBLING = 60  # days


def number(value: float | None, digits: int = 0) -> str:
    """A number as the reader writes it; small ones with one digit more."""
    if value is None:
        return "–"
    return formats.number_format(round(value, digits), digits, use_l10n=True, force_grouping=True)


def percent(share: float | None) -> str:
    """A probability in whole percent; never 0 or 100, which no forecast knows."""
    if share is None:
        return "–"
    if share < 0.01:
        return _("below 1 %")
    return _("above 99 %") if share > 0.99 else f"{share:.0%}".replace("%", " %")


def trend(newest: dict[str, Any] | None) -> str:
    """Where the epidemic goes, as far as the reproduction number tells."""
    if not newest or newest.get("low") is None or newest.get("high") is None:
        return _("not known")
    if newest["low"] > 1:
        return _("growing")
    if newest["high"] < 1:
        return _("shrinking")
    if newest.get("quarter") is not None and newest["quarter"] > 1:
        return _("probably growing")
    if newest.get("three_quarters") is not None and newest["three_quarters"] < 1:
        return _("probably shrinking")
    return _("neither clearly growing nor shrinking")


def rt_sentence(row: Reproduction | None) -> str:
    """What the reproduction number says."""
    newest = row.table[-1] if row and row.table else None
    if not newest or newest.get("median") is None:
        return _("The reproduction number cannot be told yet: too few cases are known.")
    values = {name: number(newest[name], 2) for name in ("median", "low", "high")}
    said = _("Rt is %(median)s (between %(low)s and %(high)s with 95 %% probability): the number of cases is %(trend)s.")
    text = said % (values | {"trend": trend(newest)})
    if newest.get("marked"):
        text += " " + _("Few cases stand behind this.")
    return text


def doubling_sentence(row: Reproduction | None) -> str:
    """How fast cases double or halve; empty when the direction is not certain."""
    growth = row.growth if row else None
    if not growth or growth.get("low") is None or growth.get("high") is None:
        return ""
    low, high = growth["low"], growth["high"]
    days = _days(min(abs(low), abs(high)), max(abs(low), abs(high)))
    if low > 0 and not days["high"]:
        return _("At the speed of the last two weeks cases double in %(low)s days or more.") % days
    if high < 0 and not days["high"]:
        return _("At the speed of the last two weeks cases halve in %(low)s days or more.") % days
    if low > 0:
        return _("At the speed of the last two weeks cases double in %(low)s to %(high)s days.") % days
    if high < 0:
        return _("At the speed of the last two weeks cases halve in %(low)s to %(high)s days.") % days
    return ""


def _days(slow: float, fast: float) -> dict[str, str]:
    """The days, and no longest where it would be months: growth of so little is hardly told from none."""
    longest = 0.6931 / max(slow, 1e-9)
    return {"low": number(0.6931 / max(fast, 1e-9)), "high": number(longest) if longest <= _LONGEST_DOUBLING else ""}


def ahead_sentence(target: Target, weeks: list[Quantiles], *, is_weekly: bool) -> str:
    """What is likely in two weeks."""
    if len(weeks) < 2:
        return _("No forecast could be made: there is too little to look ahead from.")
    one = weeks[1]
    low, high = one.at(LEVEL_LOW), one.at(LEVEL_HIGH)
    if low is None or high is None:
        return _("No forecast could be made: there is too little to look ahead from.")
    share = 1 if is_weekly or target.is_occupancy else WEEK
    values = {
        "low": number(low / share, 0 if high / share >= 10 else 1),
        "high": number(high / share, 0 if high / share >= 10 else 1),
        "unit": target.unit,
        "day": formats.date_format(one.day, "MONTH_DAY_FORMAT"),
    }
    if is_weekly:
        return _("In the week until %(day)s between %(low)s and %(high)s %(unit)s are likely (9 in 10).") % values
    return _("In two weeks between %(low)s and %(high)s %(unit)s a day are likely (9 in 10).") % values


def record_sentence(held: int, count: int) -> str:
    """How often such forecasts held before."""
    if not count:
        return _("No forecast of this kind could be checked yet, so nobody knows how good this one is.")
    text = ngettext(
        "Of our last %(count)d forecast two weeks ahead %(held)d contained what happened (95 %% were promised).",
        "Of our last %(count)d forecasts two weeks ahead %(held)d contained what happened (95 %% were promised).",
        count,
    ) % {"count": count, "held": held}
    if count >= 4 and held / count < 0.75:
        text += " " + _("That is too few: take the range as too narrow.")
    elif count < 4:
        text += " " + _("That is too few forecasts to judge by.")
    return text


def skill_sentence(relative: float | None, count: int) -> str:
    """A warning where our forecasts were no better than the plainest one; empty where they were, or nobody knows yet."""
    if relative is None or count < _FEWEST_COMPARED or relative < 1:
        return ""
    return _("In the last month our forecasts were no better than assuming that all stays as it is.")


def beds_record_sentence(held: int, count: int) -> str:
    """How often forecasts of these beds held before."""
    if not count:
        return _("No forecast of these beds could be checked yet.")
    text = ngettext(
        "Of the last %(n)s forecast one week ahead %(held)s contained what happened (95 %% were promised).",
        "Of the last %(n)s forecasts one week ahead %(held)s contained what happened (95 %% were promised).",
        count,
    ) % {"n": count, "held": held}
    if count >= 4 and held / count < 0.75:
        text += " " + _("That is too few: take the range as too narrow.")
    return text


def few_sentence(recent: float | None, fewest: int) -> str:
    """A warning where hardly anything was counted."""
    if recent is None or recent >= fewest:
        return ""
    text = ngettext(
        "Only %(count)d was counted here in the last four weeks: little can be said, and the ranges are wide.",
        "Only %(count)d were counted here in the last four weeks: little can be said, and the ranges are wide.",
        round(recent),
    )
    return text % {"count": round(recent)}


def made_sentence(is_later: bool) -> str:
    return _("Made afterwards, from nothing but what was known then.") if is_later else ""


def weakness(marked: str) -> str:
    """Why a forecast rests on less than usual, by what the engines noted; empty when they noted nothing."""
    if not marked:
        return ""
    for word, text in _WEAKNESSES.items():
        if word in marked:
            return _("This forecast rests on less than usual: %(why)s.") % {"why": _(text)}
    return _("This forecast rests on less than usual.")


_WEAKNESSES = {
    "no value": gettext_noop("nothing is known of this area, so it is taken to be as the others"),
    "nothing known": gettext_noop("nothing is known of this area, so it is taken to be as the others"),
    "missing": gettext_noop("the newest values are missing"),
    "old": gettext_noop("the last value is old"),
    "only": gettext_noop("few values are known"),
    "few": gettext_noop("few values are known"),
    "jump": gettext_noop("the values jump"),
    "negative": gettext_noop("some values cannot be true"),
}


def no_beds_sentence() -> str:
    return _("no occupied beds are known")


def bed_sentence(row: dict[str, Any]) -> str:
    """What one occupancy comes to."""
    passing, values = row["passing"], {"name": row["name"], "what": row["title"]}
    if passing is None:
        return _("%(name)s, %(what)s: no limit is stated.") % values
    last = passing.first_day + timedelta(days=len(passing.probabilities) - 1)
    values |= {
        "limit": number(passing.limit),
        "chance": percent(row["probability"]),
        "last": formats.date_format(last, "MONTH_DAY_FORMAT"),
    }
    if row["likely_from"]:
        values["first"] = formats.date_format(row["likely_from"], "MONTH_DAY_FORMAT")
        text = _(
            "%(name)s, %(what)s: the limit of %(limit)s is likely passed for the first time on %(first)s; on any day until"
            " %(last)s with a probability of %(chance)s."
        )
        return text % values
    return _("%(name)s, %(what)s: the limit of %(limit)s is passed until %(last)s with a probability of %(chance)s.") % values
