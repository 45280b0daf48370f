"""The city as map layers: GeoJSON, made once and kept until something changes."""

import gzip
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import shapely
from django.db.models import F, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop
from shapely.geometry import mapping, shape

from epipolis.core.modules import Layer
from epipolis.sense.city.models import District, Neighbourhood, Place, PopulationCount

from .areas import with_people, with_people_here

LEVELS: dict[str, type[District] | type[Neighbourhood] | type[Place]] = {
    "districts": District,
    "neighbourhoods": Neighbourhood,
    "places": Place,
}
LAYERS = (
    Layer(
        "districts",
        gettext_noop("People per km², by district"),
        "/api/v1/city/districts.geojson",
        "city.view",
        colour_by="density",
    ),
    Layer(
        "neighbourhoods",
        gettext_noop("People per km², by neighbourhood"),
        "/api/v1/city/neighbourhoods.geojson",
        "city.view",
        colour_by="density",
    ),
    Layer("places", gettext_noop("Places"), "/api/v1/city/places.geojson", "city.view", kind="circle"),
)
_DETAIL = {"districts": 0.0002, "neighbourhoods": 0.00005}  # degrees within which a drawn border may differ from the true one
_kept: dict[str, "DrawnLayer"] = {}


@dataclass(frozen=True)
class DrawnLayer:
    """One layer as bytes, plain and packed, with the tag by which a browser knows whether its copy is still right."""

    tag: str
    body: bytes
    packed: bytes


def layer(level: str) -> DrawnLayer:
    """The layer `districts`, `neighbourhoods` or `places`.

    Raises:
        LookupError: there is no such layer.
    """
    if level not in LEVELS:
        raise LookupError(f"no map layer {level!r}")
    tag = _tag(level)
    kept = _kept.get(level)
    if kept is None or kept.tag != tag:
        body = json.dumps(border_geojson(level), ensure_ascii=False, separators=(",", ":")).encode()
        kept = _kept[level] = DrawnLayer(tag, body, gzip.compress(body, 5, mtime=0))
    return kept


def border_geojson(level: str) -> dict[str, Any]:
    """The districts, neighbourhoods or places as a GeoJSON FeatureCollection, borders simplified for an overview."""
    features = _points() if level == "places" else _areas(level)
    return {"type": "FeatureCollection", "features": features}


def _areas(level: str) -> list[dict[str, Any]]:
    areas: Any = (
        with_people(District.objects.exclude(border=None).order_by("id"))
        if level == "districts"
        else with_people_here(Neighbourhood.objects.exclude(border=None).order_by("id"))
    )
    found = list(areas)
    shapes = shapely.simplify([shape(area.border) for area in found], _DETAIL[level], preserve_topology=True)
    rounded = [mapping(shapely.set_precision(border, 1e-5, mode="pointwise")) for border in shapes]
    return [_feature(area, border) for area, border in zip(found, rounded, strict=True)]


def _feature(area: Any, border: dict[str, Any]) -> dict[str, Any]:
    density = round(area.density) if area.density else None
    properties = {"code": area.code, "name": area.name, "people": area.people, "density": density}
    if isinstance(area, Neighbourhood):
        properties["district"] = area.district_id
    return {"type": "Feature", "id": area.id, "properties": properties, "geometry": border}


def _points() -> list[dict[str, Any]]:
    rows = Place.objects.exclude(lon=None).order_by("id").values_list("id", "code", "name", "kind", "lon", "lat")
    return [
        {
            "type": "Feature",
            "id": key,
            "properties": {"code": code, "name": name, "kind": kind},
            "geometry": {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]},
        }
        for key, code, name, kind, lon, lat in rows.iterator(5_000)
    ]


def _tag(level: str) -> str:
    total = Coalesce(Sum("edition"), 0), Coalesce(Sum(F("id") * F("edition")), 0)
    stamp = [*LEVELS[level].objects.aggregate(n=total[0], m=total[1]).values()]
    if level != "places":
        counts = PopulationCount.objects.aggregate(n=Coalesce(Sum("people"), 0), m=Coalesce(Sum(F("id") * F("people")), 0))
        stamp += counts.values()
    return sha256(json.dumps([level, *map(int, stamp)]).encode()).hexdigest()[:32]
