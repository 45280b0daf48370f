"""Phones: check-ins by people who opened the code at a door; nobody asks who they are."""

import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from epipolis.core.intake import Outcome, rejected
from epipolis.sense.checkins import queries
from epipolis.sense.checkins.models import Venue
from epipolis.sense.checkins.settings import settings

from .codes import read_code
from .visits import check_in

TOO_MANY = "too many check-ins; wait a little"
_peers: dict[str, deque[float]] = {}
_MOST_PEERS = 50_000


@dataclass(frozen=True)
class Door:
    """What a code leads to: a venue where one may check in, or the reason why not."""

    venue: Venue | None = None
    problem: str = ""  # forged | renewed | closed | not_yet | over


def open_door(code: str, *, at: datetime) -> Door:
    """The venue behind a code, and whether one may check in there now."""
    said = read_code(code)
    venue = queries.venue(said.place_id) if said else None
    if said is None or venue is None:
        return Door(None, "forged")
    if said.key_number != venue.key_number:
        return Door(venue, "renewed")
    if venue.closed and venue.closed <= at:
        return Door(venue, "closed")
    if venue.opens and at < venue.opens:
        return Door(venue, "not_yet")
    if venue.closes and at >= venue.closes:
        return Door(venue, "over")
    return Door(venue)


def check_in_by_phone(
    visitor: UUID, venue: Venue, *, at: datetime, peer: str, companions: int = 0, stay_minutes: int | None = None
) -> Outcome:
    """Check a phone in; at most as often a day as the rules allow (R44), and not too often from one network address."""
    if queries.check_ins_today(visitor, at) >= queries.times(at)["check_ins_a_day"] or not _may(peer):
        return rejected("visitor", TOO_MANY)
    stay = timedelta(minutes=stay_minutes) if stay_minutes else None
    return check_in(visitor, venue.place_id, at=at, by="phone", stay=stay, companions=companions)


def _may(peer: str) -> bool:
    """At most so many check-ins a minute from one address, counted in this process."""
    now = time.monotonic()
    if len(_peers) > _MOST_PEERS:
        _peers.clear()
    seen = _peers.setdefault(peer, deque(maxlen=settings.peer_check_ins))
    if len(seen) == settings.peer_check_ins and now - seen[0] < 60:
        return False
    seen.append(now)
    return True
