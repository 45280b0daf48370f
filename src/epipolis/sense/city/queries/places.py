"""Places: which there are, by code, by id, and by what a person looks for."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from epipolis.sense.city.models import District, Place

from .areas import with_people

PLACE_COLUMNS = ("code", "name", "kind", "address", "lon", "lat", "neighbourhood", "district", "known_at", "simulated")
DISTRICT_COLUMNS = ("code", "name", "full_name", "area_m2", "people", "known_at", "simulated")
_PLACE_VALUES = tuple(f"{name}_code" if name in ("neighbourhood", "district") else name for name in PLACE_COLUMNS)


def places() -> QuerySet[Place]:
    return Place.objects.select_related("neighbourhood", "district").defer("neighbourhood__border", "district__border")


def places_by_id(ids: Iterable[int]) -> dict[int, Place]:
    """Places with their neighbourhoods and districts; ids that do not exist are left out."""
    return places().in_bulk(list(set(ids)))


def place_coded(code: str) -> Place | None:
    return places().filter(code=code).first() if "\0" not in code else None


def places_coded(codes: Iterable[str]) -> dict[str, int]:
    """The number of each place that has one of these codes; fast for tens of thousands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, id FROM city_place WHERE code = ANY(%s)", [list(codes)])
        return dict(cursor.fetchall())


def matching_places(text: str = "", kind: str = "", district: int | None = None) -> QuerySet[Place]:
    """Places whose name, address or code contains the text, by name."""
    found = places().order_by("name", "id")
    if text := text.replace("\0", "").strip():
        found = found.filter(Q(name__icontains=text) | Q(address__icontains=text) | Q(code__iexact=text))
    found = found.filter(kind=kind) if kind else found
    return found.filter(district=district) if district else found


def kinds() -> list[tuple[str, int]]:
    """Each kind of place that exists, and how many there are."""
    return list(Place.objects.values_list("kind").annotate(n=Count("id")).order_by("kind"))


def place_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Every place as a row to export; the columns are those that an import understands, and two more."""
    codes = {"neighbourhood": Coalesce("neighbourhood__code", Value("")), "district": Coalesce("district__code", Value(""))}
    rows = Place.objects.order_by("code").annotate(**{f"{name}_code": code for name, code in codes.items()})
    for row in rows.values(*_PLACE_VALUES).iterator(5_000):
        yield {name.removesuffix("_code") if name.endswith("_code") else name: value for name, value in row.items()}


def district_rows(at: datetime) -> Iterator[dict[str, Any]]:
    """Every district as a row to export."""
    yield from with_people(District.objects.order_by("code")).values(*DISTRICT_COLUMNS).iterator(5_000)
