"""The city over the API: areas, places, what lies at a point, and map layers."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Lat, Limit, Lon, ShortText
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError

from . import queries

router = Router(tags=["City"], auth=Needs("city.view"))
Cursor = Annotated[str, Field(max_length=200)]


class DistrictOut(Schema):
    id: int
    code: str
    name: str
    full_name: str
    area_m2: float | None
    people: int | None
    known_at: datetime
    simulated: bool


class NeighbourhoodOut(Schema):
    id: int
    code: str
    name: str
    full_name: str
    district_id: int
    area_m2: float | None
    people: int | None
    known_at: datetime
    simulated: bool


class PlaceOut(Schema):
    id: int
    code: str
    name: str
    kind: str
    address: str
    lon: float | None
    lat: float | None
    neighbourhood_id: int | None
    district_id: int | None
    known_at: datetime
    simulated: bool


class DistrictPage(Schema):
    items: list[DistrictOut]
    next: str | None


class NeighbourhoodPage(Schema):
    items: list[NeighbourhoodOut]
    next: str | None


class PlacePage(Schema):
    items: list[PlaceOut]
    next: str | None


class Around(Schema):
    """What lies at a point; nulls outside the city."""

    neighbourhood_id: int | None = None
    neighbourhood: str | None = None
    district_id: int | None = None
    district: str | None = None


@router.get("/districts", response=DistrictPage)
def list_districts(request: HttpRequest, cursor: Cursor = "", limit: Limit = 100):
    """Districts with the people who live there."""
    return page_of(queries.with_people(queries.districts().defer("border")), cursor, limit, "id")


@router.get("/districts/{district}", response=DistrictOut)
def get_district(request: HttpRequest, district: BigId):
    """One district."""
    return _found(queries.with_people(queries.districts().defer("border")).filter(id=district).first())


@router.get("/neighbourhoods", response=NeighbourhoodPage)
def list_neighbourhoods(
    request: HttpRequest, q: ShortText = "", district: BigId | None = None, cursor: Cursor = "", limit: Limit = 100
):
    """Neighbourhoods, all or those whose name contains `q` or whose code it is."""
    return page_of(queries.with_people_here(queries.matching_neighbourhoods(q, district)), cursor, limit, "id")


@router.get("/neighbourhoods/{neighbourhood}", response=NeighbourhoodOut)
def get_neighbourhood(request: HttpRequest, neighbourhood: BigId):
    """One neighbourhood."""
    return _found(queries.with_people_here(queries.matching_neighbourhoods()).filter(id=neighbourhood).first())


@router.get("/places", response=PlacePage)
def list_places(
    request: HttpRequest,
    q: ShortText = "",
    kind: ShortText = "",
    district: BigId | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
):
    """Places, all or those that fit."""
    return page_of(queries.matching_places(q, kind, district), cursor, limit, "id")


@router.get("/places/{place}", response=PlaceOut)
def get_place(request: HttpRequest, place: BigId):
    """One place."""
    return _found(queries.places_by_id([place]).get(place))


@router.get("/at", response=Around)
def at_point(request: HttpRequest, lon: Query[Lon], lat: Query[Lat]):
    """The neighbourhood and district around a point in WGS84."""
    area = queries.neighbourhood_at(lon, lat)
    if area is None:
        return Around()
    return Around(neighbourhood_id=area.id, neighbourhood=area.name, district_id=area.district_id, district=area.district.name)


@router.get("/districts.geojson", include_in_schema=False)
def district_layer(request: HttpRequest):
    """Districts as a map layer."""
    return _drawn(request, "districts")


@router.get("/neighbourhoods.geojson", include_in_schema=False)
def neighbourhood_layer(request: HttpRequest):
    """Neighbourhoods as a map layer."""
    return _drawn(request, "neighbourhoods")


@router.get("/places.geojson", include_in_schema=False)
def place_layer(request: HttpRequest):
    """Places as a map layer."""
    return _drawn(request, "places")


def _found(thing):
    if thing is None:
        raise ProblemError(404, "not_found", "There is no such thing here.")
    return thing


def _drawn(request: HttpRequest, level: str) -> HttpResponse:
    """The layer, or 304 where the browser's copy is still right."""
    layer = queries.layer(level)
    tag = f'"{layer.tag}"'
    known = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(status=304) if tag in known else HttpResponse(layer.packed if packed else layer.body)
    if response.status_code == 200:
        response["Content-Type"] = "application/geo+json"
        if packed:
            response["Content-Encoding"] = "gzip"
    response["ETag"], response["Vary"] = tag, "Accept-Encoding, Cookie, Authorization"
    response["Cache-Control"] = "private, no-cache"
    return response
