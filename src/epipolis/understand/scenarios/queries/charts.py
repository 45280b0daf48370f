"""What the charts of a scenario and of a comparison show."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from epipolis.understand.scenarios.queries import figures, words
from epipolis.understand.scenarios.queries.figures import Shown

Chart = dict[str, Any]
MOST_SETTINGS = 12


def curve_chart(shown: Sequence[Shown], what: str, window: int = 1) -> Chart:
    """One column of the curve for each scenario, with the band of eight in ten seeds; `window` adds so many days up."""
    longest = max(shown, key=lambda one: one.content["days"])
    series = []
    for one in shown:
        low, middle, high = figures.daily(one, what, window).round(1).tolist()
        series.append({"name": one.name, "values": middle, "lo": low, "hi": high})
    return {
        "kind": "line",
        "x": figures.days_of(longest),
        "x_title": _("day"),
        "y_title": words.whats()[what],
        "series": series,
    }


def beds_chart(shown: Sequence[Shown], part: str) -> Chart:
    """People in wards (`ward`) or intensive care (`icu`) against the beds that there are."""
    chart = curve_chart(shown, f"in_{part}")
    count = len(chart["x"])
    lines: dict[float, list[str]] = {}
    for one in shown:
        beds = round(one.content["beds"][part] * one.people / 100_000, 1)
        lines.setdefault(beds, []).append(one.name)
    for beds, names in lines.items():
        name = _("beds") if len(lines) == 1 else _("beds, %(names)s") % {"names": ", ".join(names)}
        chart["series"].append({"name": name, "values": [beds] * count, "dashed": True})
    return chart


def age_chart(shown: Sequence[Shown], what: str) -> Chart:
    """Infections, severe courses or deaths per 100,000 of each age group."""
    ages = [row["group"] for row in figures.age_rows(shown[0])]
    return {
        "kind": "bar",
        "x": [f"{age}+" if age == ages[-1] else f"{age}–{age + 9}" for age in ages],
        "x_title": _("age"),
        "y_title": _("%(what)s per 100,000 of the group") % {"what": words.whats().get(what, _("severe courses"))},
        "series": [{"name": one.name, "values": [row[what] for row in figures.age_rows(one)]} for one in shown],
    }


def cost_chart(shown: Sequence[Shown]) -> Chart:
    """Cost by measure."""
    rows = {one.name: {row["measure"]: row["cost"] for row in figures.cost_rows(one)} for one in shown}
    measures = list(dict.fromkeys(measure for costs in rows.values() for measure in costs))
    return {
        "kind": "stacked",
        "x": [one.name for one in shown],
        "x_title": _("scenario"),
        "y_title": words.whats()["cost"],
        "series": [{"name": m, "values": [round(rows[one.name].get(m, 0)) for one in shown]} for m in measures],
    }


def setting_chart(shown: Sequence[Shown]) -> Chart:
    """Where people were infected, as percent of all infections."""
    names = words.settings_words()
    rows = {one.name: {row["setting"]: row["share"] for row in figures.setting_rows(one)} for one in shown}
    most = {setting: max(shares.get(setting, 0) for shares in rows.values()) for shares in rows.values() for setting in shares}
    found = sorted(most, key=lambda setting: -most[setting])[:MOST_SETTINGS]
    return {
        "kind": "bar",
        "horizontal": True,
        "x": [names.get(setting, setting) for setting in found],
        "x_title": _("% of infections"),
        "series": [{"name": one.name, "values": [round(100 * rows[one.name].get(s, 0), 1) for s in found]} for one in shown],
    }
