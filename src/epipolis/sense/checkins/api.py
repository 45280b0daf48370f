"""Check-ins over the API: kiosks and partners record visits, staff manage venues, tracers write down routes.

Behind the server's fast road the two endpoints under `visits` are answered before they reach this file, by the same
rules; here they are what the documentation shows, what a signed-in person uses, and what any WSGI server runs.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from ninja import Router, Schema, Status
from pydantic import Field

from epipolis.core import audit, clock
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Day, Limit, Moment
from epipolis.core.idempotency import once
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError
from epipolis.sense.city import queries as city
from epipolis.sense.people import queries as people

from . import queries, services
from .models import Venue, VenueKind

router = Router(tags=["Check-ins"])
Cursor = Annotated[str, Field(max_length=200)]
Code = Annotated[str, Field(max_length=60, pattern=r"^[^\x00]*$")]
Minutes = Annotated[int, Field(ge=1, le=1440)]
Companions = Annotated[int, Field(ge=0, le=20)]
_BULK_BYTES = 64 * 2**20
_KINDS = {"application/json": "json", "application/x-ndjson": "ndjson", "text/csv": "csv"}


class CheckInBody(Schema):
    """One check-in: the place by its code, or the venue code from the poster at its door."""

    visitor: UUID
    arrived: Moment
    place: Code = ""
    venue: Code = ""
    left: Moment | None = None
    stay_minutes: Minutes | None = None
    companions: Companions = 0
    staff: bool = False
    sent: Moment | None = None


class Stored(Schema):
    status: str


class RowProblem(Schema):
    row: int
    field: str
    rule: str


class LoadReportOut(Schema):
    """What became of the rows; `rejected` lists the first thousand with field and rule, `flagged` counts odd clocks."""

    accepted: int
    duplicates: int
    rejected_rows: int
    flagged: int
    rejected: list[RowProblem]


class CheckOutBody(Schema):
    visitor: UUID
    left: Moment | None = None


class VenueBody(Schema):
    place: Code
    kind: VenueKind
    default_stay: Minutes | None = None
    opens: Moment | None = None
    closes: Moment | None = None


class VenueOut(Schema):
    place_id: int
    place: str
    name: str
    kind: str
    default_stay: int
    opens: datetime | None
    closes: datetime | None
    closed: datetime | None
    key_number: int

    @staticmethod
    def resolve_place(venue: Venue) -> str:
        return venue.place.code

    @staticmethod
    def resolve_name(venue: Venue) -> str:
        return venue.place.name


class VenuePage(Schema):
    items: list[VenueOut]
    next: str | None


class CodeOut(Schema):
    code: str
    link: str


class StopBody(Schema):
    """A stop with its times, or with the day alone when no more is known."""

    place: Code
    arrived: Moment | None = None
    left: Moment | None = None
    day: Day | None = None
    companions: Companions = 0


class RouteBody(Schema):
    """A route as told; the person agreed to its being kept for tracing."""

    consent: bool
    stops: Annotated[list[StopBody], Field(min_length=1, max_length=200)]


class RouteReport(Schema):
    stored: int
    unchanged: int
    rejected: list[RowProblem]


class StopOut(Schema):
    place_id: int
    arrived: datetime
    left: datetime
    exact: bool


class LinkBody(Schema):
    visitor: UUID
    person: UUID


@router.post("visits", auth=Needs("checkins.record"), response={201: Stored, 200: Stored})
def record_visit(request: HttpRequest, data: CheckInBody):
    """Record one check-in. Sent twice it is stored once: the first answer is 201, each repeat 200."""
    item = services.CheckIn(**data.dict())
    outcome = services.record_visits([item], by=request.auth, at=clock.now())[0]
    if outcome.rule:
        problem = [{"field": outcome.field, "rule": outcome.rule}]
        raise ProblemError(outcome.status, "invalid", "A field breaks a rule; nothing was stored.", problem)
    return Status(outcome.status, {"status": "stored"})


@router.post(
    "visits:bulk",
    auth=Needs("checkins.record"),
    response=LoadReportOut,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/CheckInBody"}}},
                "application/x-ndjson": {"schema": {"type": "string", "description": "One check-in a line."}},
                "text/csv": {"schema": {"type": "string", "description": "The first line names the columns."}},
            },
        }
    },
)
def record_many_visits(request: HttpRequest):
    """Record many check-ins; all that are right are stored, the others listed with row (from 1), field and rule."""
    kind = _KINDS.get(request.content_type or "")
    if kind is None:
        raise ProblemError(415, "kind", "Send application/json, application/x-ndjson or text/csv.")
    if int(request.headers.get("Content-Length") or 0) > _BULK_BYTES:
        raise ProblemError(413, "too_large", f"One request is {_BULK_BYTES} bytes at most; send several.")
    try:
        return services.load_visits(request.read(), kind, by=request.auth, at=clock.now())
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)[:500]) from error


@router.post("checkouts", auth=Needs("checkins.record"), response=Stored)
def record_checkout(request: HttpRequest, data: CheckOutBody):
    """End a visitor's open visit, now or at `left`."""
    if not services.check_out(data.visitor, at=clock.now(), left=data.left, by=request.auth):
        raise ProblemError(404, "not_open", "This visitor has no open visit that could end then.")
    return {"status": "stored"}


@router.get("venues", auth=Needs("checkins.view"), response=VenuePage)
def list_venues(request: HttpRequest, cursor: Cursor = "", limit: Limit = 100):
    """Venues, in order of their places."""
    return page_of(queries.venues(), cursor, limit, ("place_id",))


@router.get("venues.geojson", auth=Needs("checkins.view"), include_in_schema=False)
def venue_layer(request: HttpRequest):
    """Venues as a map layer, with how many people are checked in."""
    return JsonResponse(queries.venue_points(clock.now()), content_type="application/geo+json")


@router.post("venues", auth=Needs("checkins.manage"), response={201: VenueOut, 200: VenueOut})
@once
def register_venue(request: HttpRequest, data: VenueBody):
    """Let people check in at a place. An event needs `opens` and `closes`."""
    place = city.place_coded(data.place)
    if place is None:
        raise ProblemError(
            422, "invalid", "There is no such place.", [{"field": "place", "rule": "is not a place of this city"}]
        )
    facts = data.dict(exclude={"place", "kind"})
    try:
        venue, changed = services.register_venue(place, data.kind, by=request.auth, at=clock.now(), **facts)
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)) from error
    return Status(201 if changed else 200, venue)


@router.get("venues/{place}", auth=Needs("checkins.view"), response=VenueOut)
def get_venue(request: HttpRequest, place: BigId):
    """One venue by the number of its place."""
    return _venue(place)


@router.get("venues/{place}/code", auth=Needs("checkins.manage"), response=CodeOut)
def get_code(request: HttpRequest, place: BigId):
    """The code on the venue's present poster, and the link in its square."""
    code = services.code_of(_venue(place))
    return {"code": code, "link": services.link_of(code)}


@router.post("venues/{place}/close", auth=Needs("checkins.manage"), response=VenueOut)
def close_venue(request: HttpRequest, place: BigId):
    """Let nobody check in from now on."""
    venue = _venue(place)
    services.close_venue(venue, by=request.auth, at=clock.now())
    return venue


@router.post("venues/{place}/reopen", auth=Needs("checkins.manage"), response=VenueOut)
def reopen_venue(request: HttpRequest, place: BigId):
    """Let people check in again."""
    venue = _venue(place)
    services.reopen_venue(venue, by=request.auth, at=clock.now())
    return venue


@router.post("venues/{place}/renew", auth=Needs("checkins.manage"), response=VenueOut)
def renew_code(request: HttpRequest, place: BigId, though_not_empty: bool = False):
    """Make the posters that hang there invalid. Refused while somebody is checked in, unless `though_not_empty`."""
    venue = _venue(place)
    try:
        services.renew_code(venue, by=request.auth, at=clock.now(), though_not_empty=though_not_empty)
    except ValueError as error:
        raise ProblemError(409, "not_empty", str(error)) from error
    return venue


@router.post("routes/{person}", auth=Needs("checkins.tell"), response=RouteReport)
def tell_route(request: HttpRequest, person: UUID, data: RouteBody):
    """Keep the stops that a person told in an interview."""
    if not data.consent:
        raise ProblemError(422, "no_consent", "Ask the person first: without consent nothing is kept.")
    if people.person(person) is None:
        raise ProblemError(404, "not_found", "There is no such person.")
    places = city.places_coded([stop.place for stop in data.stops])
    problems = [(n, "place", "is not a place of this city") for n, stop in enumerate(data.stops) if stop.place not in places]
    good = [(n, stop) for n, stop in enumerate(data.stops) if stop.place in places]
    timed = [(n, stop) for n, stop in good if stop.day or (stop.arrived and stop.left)]
    problems += [(n, "arrived", "a stop needs its times, or its day") for n, stop in good if (n, stop) not in timed]
    stops = [services.Stop(places[s.place], s.arrived, s.left, s.day, s.companions) for _, s in timed]
    told = services.tell_route(person, stops, by=request.auth, at=clock.now())
    problems += [(timed[position][0], field, rule) for position, field, rule in told.rejected]
    return {
        "stored": told.stored,
        "unchanged": told.unchanged,
        "rejected": [{"row": n + 1, "field": field, "rule": rule} for n, field, rule in sorted(problems)],
    }


@router.get("routes/{person}", auth=Needs("checkins.tell"), response=list[StopOut])
def get_route(request: HttpRequest, person: UUID, since: Moment, until: Moment):
    """Where a person was in a period: told, or checked in with a phone that is theirs. The look is written down."""
    if people.person(person) is None:
        raise ProblemError(404, "not_found", "There is no such person.")
    audit.record_read(person, by=request.auth, at=clock.now(), why="visits")
    return queries.visits_of(queries.visitors_of(person), since=since, until=until)[:1_000]


@router.post("links", auth=Needs("checkins.tell"), response={201: Stored, 200: Stored})
def link_visitor(request: HttpRequest, data: LinkBody):
    """Note that a phone's check-ins are a person's, who showed its code."""
    if people.person(data.person) is None:
        raise ProblemError(404, "not_found", "There is no such person.")
    try:
        created = services.link_visitor(data.visitor, data.person, by=request.auth, at=clock.now())
    except ValueError as error:
        raise ProblemError(409, "linked", str(error)) from error
    return Status(201 if created else 200, {"status": "stored"})


def _venue(place: int) -> Venue:
    venue = queries.venue(place)
    if venue is None:
        raise ProblemError(404, "not_found", "There is no such venue.")
    return venue
