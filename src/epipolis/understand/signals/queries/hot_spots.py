"""Hot spots: where and when there was more than chance gives, as a list and on the map."""

from datetime import date
from typing import Any

from django.db.models import QuerySet

from epipolis.understand.forecast import queries as forecast
from epipolis.understand.signals.models import HotSpot, Look
from epipolis.understand.signals.queries import inputs, words
from epipolis.understand.signals.queries.signals import newest_look


def hot_spots(*, only_now: bool = False) -> QuerySet[HotSpot]:
    """Hot spots, those of the newest days first; `only_now`: those that the newest search still finds."""
    found = HotSpot.objects.select_related("signal").order_by("-last_day", "-first_day", "signal_id")
    return found.filter(signal__stands=True, last_day__gte=_last_searched()) if only_now else found


def spot_rows(found: list[HotSpot]) -> list[dict[str, Any]]:
    names = forecast.area_names()
    now = _last_searched()
    return [
        {
            "spot": one,
            "signal": one.signal,
            "title": words.series_title(one.signal.series),
            "places": words.places(one.areas, names),
            "figure": words.figure(one.signal),
            "rarity": words.rarity(one.recurrence_days),
            "is_now": one.signal.stands and one.last_day >= now,
        }
        for one in found
    ]


def spots_geojson() -> dict[str, Any]:
    """District borders with how many times the expected cases the hot spots of now hold there."""
    borders = inputs.borders()
    excess: dict[str, dict[str, Any]] = {}
    for one in hot_spots(only_now=True):
        for code in one.areas:
            found: dict[str, Any] = {"excess": round(one.observed / one.expected, 1) if one.expected else None}
            found |= {"observed": round(one.observed), "expected": round(one.expected, 1)}
            found |= {"since": one.first_day.isoformat(), "until": one.last_day.isoformat()}
            excess.setdefault(code, found)
    features = []
    for feature in borders["features"]:
        properties = feature["properties"]
        kept = {name: properties[name] for name in ("code", "name")}
        features.append({**feature, "properties": kept | excess.get(properties["code"], {})})
    return {**borders, "features": features}


def without_place(look: Look | None) -> list[str]:
    """The areas that the newest search left out for want of a border."""
    names = forecast.area_names()
    return [names.get(code, code) for code in look.skipped] if look else []


def _last_searched() -> date:
    look = newest_look()
    return look.day if look else date.max
