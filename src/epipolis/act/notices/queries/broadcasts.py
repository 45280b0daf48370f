"""Warnings: their areas, what they say in a language, and the lists of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings as platform
from django.db.models import Count, QuerySet
from django.utils.translation import gettext, gettext_noop
from shapely.geometry import shape
from shapely.validation import explain_validity

from epipolis.act.notices.models import Broadcast
from epipolis.sense.city import queries as city

CAP_WORDS = {
    "severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
    "response": ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"),
}
"""The words of CAP 1.2 for how bad, how soon, how sure, and what to do."""
_MOST_POINTS = 200


def broadcast_values(row: Broadcast, language: str) -> dict[str, str]:
    return {
        "headline": said(row.headlines, language),
        "text": said(row.texts, language),
        "instruction": said(row.instructions, language),
        "link": f"{platform.EPIPOLIS_ADDRESS}/notices/alerts/{row.id}/",
    }


def said(texts: Mapping[str, str], language: str) -> str:
    """A text in a language, or in the first one that there is."""
    return texts.get(language) or next(iter(texts.values()), "")


def said_exactly(row: Broadcast, part: str, language: str) -> str:
    """One part of a warning in one language, or nothing."""
    texts: Mapping[str, str] = {"headline": row.headlines, "text": row.texts, "instruction": row.instructions}[part]
    return texts.get(language, "")


def broadcast(number: UUID) -> Broadcast | None:
    return Broadcast.objects.select_related("drafted_by", "approved_by", "ended_by").filter(id=number).first()


def broadcasts() -> QuerySet[Broadcast]:
    return Broadcast.objects.select_related("drafted_by", "approved_by").order_by("-drafted", "id")


def count_to_approve() -> int:
    return Broadcast.objects.filter(state=Broadcast.State.DRAFTED).count()


def published() -> QuerySet[Broadcast]:
    """Warnings that went out, those called off among them, the newest first."""
    return Broadcast.objects.filter(approved__isnull=False).order_by("-approved", "id")


def earlier(row: Broadcast) -> list[Broadcast]:
    """The warnings that this one changes, the newest first."""
    found: list[Broadcast] = []
    while row.replaces is not None:
        row = row.replaces
        found.append(row)
    return found


def newer(row: Broadcast) -> Broadcast | None:
    """The warning that changes this one, once it is out."""
    return row.newer.filter(approved__isnull=False).first()


def states_of_broadcast(row: Broadcast) -> dict[str, int]:
    """How many messages of a warning are in which state."""
    return dict(row.notices.order_by().values_list("state").annotate(n=Count("id")))


def count_without_way(row: Broadcast, why: str) -> int:
    """Of how many people in the area no number or address is known that a warning could go to."""
    return row.notices.filter(state="failed", reason=why, channel="").count()


def neighbourhoods_of(row: Broadcast) -> list[int]:
    """The neighbourhoods whose people get a warning: those of its districts, or whose border the polygon meets."""
    found = city.neighbourhoods()
    if row.polygon is None:
        return list(found.filter(district__in=row.districts).values_list("id", flat=True))
    area = shape(row.polygon)
    borders = found.exclude(border=None).values_list("id", "border")
    return [number for number, border in borders if shape(border).intersects(area)]


def polygon_of(corners: Sequence[Sequence[float]]) -> dict[str, Any] | None:
    """The area between corners (lon, lat), closed where it was not; None without corners."""
    ring = [list(one) for one in corners]
    return {"type": "Polygon", "coordinates": [ring if ring[0] == ring[-1] else [*ring, ring[0]]]} if ring else None


def area_in_words(districts: Collection[int], polygon: Mapping[str, Any] | None) -> str:
    names = city.districts().filter(id__in=districts).values_list("name", flat=True)
    return (", ".join(names) if districts else gettext("an area drawn on the map"))[:300]


def area_said(row: Broadcast) -> str:
    """The area in the reader's language."""
    return gettext("an area drawn on the map") if row.polygon else row.area


def problem_of_area(districts: Collection[int], polygon: Mapping[str, Any] | None) -> str:
    """What is wrong with an area, as a sentence to translate; nothing when it may be warned."""
    if polygon is None:
        known = set(city.districts().filter(id__in=districts).values_list("id", flat=True))
        return (
            gettext_noop("Choose at least one district, or draw an area.") if not districts or known != set(districts) else ""
        )
    try:
        ring = [(float(lon), float(lat)) for lon, lat in polygon["coordinates"][0]]
        if polygon.get("type") != "Polygon" or not 4 <= len(ring) <= _MOST_POINTS or ring[0] != ring[-1]:
            return gettext_noop("An area has three to 199 corners.")
        if not all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in ring):
            return gettext_noop("A corner lies nowhere on earth.")
        if explain_validity(shape(polygon)) != "Valid Geometry":
            return gettext_noop("The border of the area crosses itself.")
    except (KeyError, IndexError, TypeError, ValueError):
        return gettext_noop("An area has three to 199 corners.")
    return ""
