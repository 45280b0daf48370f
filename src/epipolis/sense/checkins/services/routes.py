"""Routes: where a person says they have been, written down in an interview."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
from django.db import transaction

from epipolis.core import audit, clock
from epipolis.core.events import publish
from epipolis.sense.checkins.events import RouteTold
from epipolis.sense.checkins.models import Source, Visit

from .doors import Door, micros
from .drafts import UNKNOWN, Drafts, judge
from .storing import store


@dataclass(frozen=True)
class Stop:
    """One stop of a route: a place with exact times, or with the day alone (then the stay is possible, never certain)."""

    place_id: int
    arrived: datetime | None = None
    left: datetime | None = None
    day: date | None = None
    companions: int = 0

    def span(self) -> tuple[datetime, datetime]:
        """From when until when; a day is the whole local calendar day."""
        if self.day:
            return clock.start_of(self.day), clock.start_of(self.day + timedelta(days=1))
        if self.arrived is None or self.left is None:
            raise ValueError("a stop needs its times, or its day")
        return self.arrived, self.left


@dataclass(frozen=True)
class Told:
    """What became of a told route: how many stops are new, and the stops that break a rule (position, field, rule)."""

    stored: int
    unchanged: int
    rejected: tuple[tuple[int, str, str], ...] = ()


@transaction.atomic
def tell_route(person_id: UUID, stops: Sequence[Stop], *, by: audit.Actor, at: datetime, simulated: bool = False) -> Told:
    """Keep the stops that a person told; the person's id is the visitor. The same stop twice changes nothing."""
    return tell_routes([(person_id, stop) for stop in stops], by=by, at=at, simulated=simulated)


@transaction.atomic
def tell_routes(told: Sequence[tuple[UUID, Stop]], *, by: audit.Actor, at: datetime, simulated: bool = False) -> Told:
    """The same for the stops of many people at once, as investigators' files hold them."""
    drafts = _drafts(told)
    verdict = judge(drafts, at=at, keeps=False)  # casework, kept from the day it became known
    added, _ = store(drafts, verdict, by=by, at=at, simulated=simulated)
    for person in {told[row][0] for row in verdict.rows.tolist()} if added else ():
        audit.record("checkins.tell", by=by, at=at, subject=person, person=person)
        publish(RouteTold(person))
    bad = tuple((row, *verdict.rule(row)) for row in np.flatnonzero(verdict.bad).tolist())
    return Told(added, len(verdict.rows) - added, bad)


@transaction.atomic
def forget_stop(person_id: UUID, place_id: int, arrived: datetime, *, by: audit.Actor, at: datetime) -> bool:
    """Take back a stop that was written down wrongly; only told stops can be taken back."""
    stop = Visit.objects.filter(visitor=person_id, place_id=place_id, arrived=arrived, source=Source.INTERVIEW)
    if not stop.delete()[0]:
        return False
    audit.record("checkins.forget_stop", by=by, at=at, subject=place_id, person=person_id)
    publish(RouteTold(person_id))
    return True


def _drafts(told: Sequence[tuple[UUID, Stop]]) -> Drafts:
    places = {place: number for number, place in enumerate(dict.fromkeys(stop.place_id for _, stop in told))}
    spans = [stop.span() for _, stop in told]
    size = len(told)
    return Drafts(
        visitor=np.frombuffer(b"".join(person.bytes for person, _ in told), "V16"),
        arrived=np.array([micros(arrived) for arrived, _ in spans], np.int64),
        left=np.array([micros(left) for _, left in spans], np.int64),
        stay=np.zeros(size, np.int64),
        door=np.array([places[stop.place_id] for _, stop in told], np.int64),
        doors=[Door(place, 60) for place in places],
        companions=np.array([stop.companions for _, stop in told], np.int64),
        source=np.full(size, int(Source.INTERVIEW)),
        sent=np.full(size, UNKNOWN),
        exact=np.array([stop.day is None for _, stop in told], bool),
    )
