"""Doors: what must be known of a place to judge a check-in there, remembered for a few seconds because every check-in asks."""

import time
from collections.abc import Collection, Iterable
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


_known: dict[str, tuple[float, Door | None]] = {}


def micros(at: datetime | None, otherwise: int = 0) -> int:
    """A moment in microseconds since 1970."""
    if at is None:
        return otherwise
    return round(at.timestamp() * 1_000_000)


def doors(codes: Collection[str], at: datetime) -> dict[str, Door]:
    """The door behind each place code (`p:CODE`) or venue code (`v:CODE`); unknown and invalid ones are missing."""
    now = time.monotonic()
    unknown = {code for code in codes if (found := _known.get(code)) is None or found[0] < now}
    if unknown:
        if len(_known) > _MOST:
            _known.clear()
        fresh = _look_up(unknown, at)
        until = now + settings.cache_seconds
        _known.update((code, (until, fresh.get(code))) for code in unknown)
    return {code: door for code in codes if (door := _known[code][1])}


def forget_doors() -> None:
    """Look every place up again: a venue has changed."""
    _known.clear()


def _look_up(codes: Iterable[str], at: datetime) -> dict[str, Door]:
    names = [code[2:] for code in codes if code.startswith("p:") and len(code) > 2 and "\0" not in code]
    signed = {code: said for code in codes if code.startswith("v:") and (said := read_code(code[2:]))}
    stays = queries.usual_stays(clock.local_day(at))
    places = city.places_coded(names) if names else {}
    found_venues = queries.venue_facts([*places.values(), *(said.place_id for said in signed.values())])
    found = {f"p:{name}": _door(place, found_venues.get(place), stays) for name, place in places.items()}
    for code, said in signed.items():
        venue = found_venues.get(said.place_id)
        if venue and venue.key_number == said.key_number:
            found[code] = _door(venue.place_id, venue, stays)
    return found


def _door(place_id: int, venue: queries.VenueFacts | None, stays: dict[str, int]) -> Door:
    if venue is None:
        return Door(place_id, stays["other"])
    closes = min(micros(venue.closes, NEVER), micros(venue.closed, NEVER))
    return Door(place_id, venue.default_stay, micros(venue.opens, ALWAYS), closes, True)
