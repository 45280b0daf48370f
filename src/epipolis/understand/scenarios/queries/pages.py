"""What the pages of results show, put together from charts, tables and words."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from epipolis.sense.city import queries as city
from epipolis.understand.scenarios.queries import charts, contents, figures, tables, words
from epipolis.understand.scenarios.queries.figures import Shown
from epipolis.understand.scenarios.queries.menu import KINDS
from epipolis.understand.scenarios.queries.prices import has_example_prices
from epipolis.understand.scenarios.queries.scenarios import latest_finished, plain_first
from epipolis.understand.scenarios.queries.scenarios import shown as shown_of

USUAL_DISEASE = "covid_19_ancestral"
_ONLY_WHEN_THERE = ("days_isolated", "days_quarantined", "traced", "vaccinated", "cost")


def usual_disease() -> str:
    """The disease with which a new scenario begins."""
    names = [name for name, _title in contents.disease_choices()]
    return USUAL_DISEASE if USUAL_DISEASE in names else names[0]


def our_people() -> int:
    return city.total_population()


def measure_lines(content: Mapping[str, Any]) -> list[dict[str, str]]:
    """The measures of a version as the page lists them."""
    start = date.fromisoformat(content["start"])
    return [
        {
            "title": words.measure_title(entry),
            "kind": str(KINDS[entry["kind"]].title) if entry["kind"] in KINDS else entry["kind"],
            "icon": KINDS[entry["kind"]].icon if entry["kind"] in KINDS else "square",
            "words": words.measure_words(entry, start),
        }
        for entry in content["measures"]
    ]


def result_of(shown: Sequence[Shown]) -> dict[str, Any]:
    """Charts and totals of one or more finished scenarios."""
    first = shown[0]
    whats = words.whats()
    totals = [
        {
            "what": whats[what],
            "cells": [(words.total_words(one, what), _changed(one, first, what)) for one in shown],
        }
        for what in figures.TOTALS
        if what not in _ONLY_WHEN_THERE or any(figures.total(one, what)[2] for one in shown)
    ]
    return {
        "shown": shown,
        "curves": [
            (_("Infections per day"), "infections", charts.curve_chart(shown, "infections")),
            (_("Deaths of 7 days"), "deaths", charts.curve_chart(shown, "deaths", window=7)),
        ],
        "beds": [
            (_("Hospital wards"), "ward", charts.beds_chart(shown, "ward")),
            (_("Intensive care"), "icu", charts.beds_chart(shown, "icu")),
        ],
        "work": [
            (whats[what], what, charts.curve_chart(shown, what))
            for what in ("tests", "quarantined")
            if any(figures.daily(one, what).any() for one in shown)
        ],
        "totals": totals,
        "ages": charts.age_chart(shown, "infections"),
        "where": charts.setting_chart(shown),
        "costs": charts.cost_chart(shown) if any(figures.total(one, "cost")[1] for one in shown) else None,
        "has_example_prices": any(has_example_prices(entry) for one in shown for entry in one.content["measures"]),
        "cost_lines": [(one.name, _cost_lines(one)) for one in shown],
    }


def _cost_lines(one: Shown) -> list[dict[str, Any]]:
    units = {"day": _("days in force"), "person-day": _("days of one person"), "unit": _("units")}
    return [{**row, "unit_words": units.get(row["unit"], row["unit"])} for row in figures.cost_rows(one)]


def comparison_of(shown: Sequence[Shown]) -> dict[str, Any]:
    """What only a comparison has: sentences, who carries the burden, and what was assumed."""
    first = shown[0]
    return {
        "sentences": [words.sentence(one, first) for one in shown[1:]],
        "is_paired": all(figures.are_paired(one, first) for one in shown[1:]),
        "age_deaths": charts.age_chart(shown, "deaths"),
        "areas": _areas(shown),
        "gaps": [_gap(one) for one in shown],
        "assumed": [(one.name, words.assumptions(one), measure_lines(one.content)) for one in shown],
    }


def _changed(one: Shown, first: Shown, what: str) -> str:
    if one is first or what == "peak_day":
        return ""
    found = figures.change(one, first, what)
    return "" if found is None else f"{words.signed(found[1])} ({words.signed(found[0])} … {words.signed(found[2])})"


def _areas(shown: Sequence[Shown]) -> list[dict[str, Any]]:
    """The areas of the first scenario's city with everybody's infections per 100,000, the hardest hit first."""
    rates = [{row["group"]: row["infections"] for row in figures.area_rows(one)} for one in shown]
    rows = figures.area_rows(shown[0])
    rows.sort(key=lambda row: -row["infections"])
    return [{**row, "rates": [rate.get(row["group"]) for rate in rates]} for row in rows]


def _gap(one: Shown) -> dict[str, Any]:
    """In plain words, how unequally infections fall on age groups and areas."""
    return {
        "name": one.name,
        "ages": figures.gap(figures.age_rows(one), "infections"),
        "areas": figures.gap(figures.area_rows(one), "infections"),
    }


def drawn_days(one: Shown) -> dict[str, Any]:
    """The map of a scenario: GeoJSON of its areas and their figures day by day."""
    found = tables.day_values(one)
    borders = _borders(one)
    features = [
        {
            "type": "Feature",
            "id": number,
            "properties": {"name": area["name"] or area["code"], "code": area["code"], "people": area["people"]},
            "geometry": json.loads(area["geometry"]) if area["geometry"] else borders.get(area["code"]),
        }
        for number, area in enumerate(found["areas"])
    ]
    return {
        "name": one.name,
        "start": found["start"],
        "days": found["days"],
        "areas": {"type": "FeatureCollection", "features": features},
    }


def _borders(one: Shown) -> dict[str, Any]:
    """The borders of our own city's areas, by their codes."""
    if one.content["city"]["kind"] != "ours":
        return {}
    drawn = [city.border_geojson(level)["features"] for level in ("districts", "neighbourhoods")]
    return {feature["properties"]["code"]: feature["geometry"] for features in drawn for feature in features}


def comparison_tile(at: datetime) -> dict[str, Any]:
    """The last comparison on the dashboard: what was found, and the curves of infections. Shared scenarios only."""
    ready, _missing = shown_of(plain_first(latest_finished()))
    if not ready:
        return {"value": None, "note": _("No scenario was simulated and shared yet.")}
    note = words.sentence(ready[1], ready[0]) if len(ready) > 1 else ready[0].name
    as_of = max(one.run.finished for one in ready if one.run.finished)
    return {"chart": charts.curve_chart(ready, "infections"), "note": note, "as_of": as_of}
