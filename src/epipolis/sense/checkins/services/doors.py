"""Doors: what must be known of a place to judge a check-in there, remembered for a few seconds because every check-in asks."""

import time
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from epipolis.core import clock
from epipolis.sense.checkins import queries
from epipolis.sense.checkins.settings import settings
from epipolis.sense.city import queries as city

from .codes import read_code

ALWAYS, NEVER = -(2**62), 2**62  # microseconds since 1970, far outside every time that is let in
_MOST = 200_000


class Door(NamedTuple):
    """A place as check-ins see it; times in microseconds since 1970."""

    place_id: int
    stay_minutes: int
    opens: int = ALWAYS
    closes: int = NEVER
    is_venue: bool = False


_PLACE_SECONDS = 60.0  # a place keeps its code; a code that is unknown is looked up again like a venue
_places: dict[str, tuple[float, int | None]] = {}
_venues: tuple[float, dict[int, queries.VenueFacts]] = (0.0, {})


def micros(at: datetime | None, otherwise: int = 0) -> int:
    """A moment in microseconds since 1970."""
    if at is None:
        return otherwise
    return round(at.timestamp() * 1_000_000)


def doors(codes: Collection[str], at: datetime) -> dict[str, Door]:
    """The door behind each place code (`p:CODE`) or venue code (`v:CODE`); unknown and invalid ones are missing."""
    stays = queries.usual_stays(clock.local_day(at))
    places, venues = _place_ids([code[2:] for code in codes if code.startswith("p:")]), _known_venues()
    found = {f"p:{name}": _door(place, venues.get(place), stays) for name, place in places.items()}
    for code in codes:
        said = read_code(code[2:]) if code.startswith("v:") else None
        venue = venues.get(said.place_id) if said else None
        if said and venue and venue.key_number == said.key_number:
            found[code] = _door(venue.place_id, venue, stays)
    return found


def forget_doors() -> None:
    """Look every place up again: a venue has changed."""
    global _venues
    _venues = (0.0, {})
    _places.clear()


def _place_ids(names: Collection[str]) -> dict[str, int]:
    now = time.monotonic()
    unknown = [name for name in names if name and "\0" not in name and _places.get(name, (0.0, None))[0] < now]
    if unknown:
        if len(_places) > _MOST:
            _places.clear()
        fresh = city.places_coded(unknown)
        for name in unknown:
            place = fresh.get(name)
            _places[name] = now + (settings.cache_seconds if place is None else _PLACE_SECONDS), place
    return {name: place for name in names if (place := _places.get(name, (0.0, None))[1]) is not None}


def _known_venues() -> dict[int, queries.VenueFacts]:
    global _venues
    until, found = _venues
    if until < time.monotonic():
        found = queries.venue_facts()
        _venues = time.monotonic() + settings.cache_seconds, found
    return found


def _door(place_id: int, venue: queries.VenueFacts | None, stays: dict[str, int]) -> Door:
    if venue is None:
        return Door(place_id, stays["other"])
    closes = min(micros(venue.closes, NEVER), micros(venue.closed, NEVER))
    return Door(place_id, venue.default_stay, micros(venue.opens, ALWAYS), closes, True)
