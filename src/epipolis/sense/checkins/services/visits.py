"""Visits: check-ins one by one and in batches, check-outs, and whose pseudonym is whose."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
import numpy as np
from django.db import transaction
from msgspec import Meta

from epipolis.core import audit, clock, live
from epipolis.core.events import publish
from epipolis.core.intake import DUPLICATE, STORED, Outcome, rejected
from epipolis.sense.checkins import queries
from epipolis.sense.checkins.events import RouteTold
from epipolis.sense.checkins.models import Source, Visit, VisitorLink

from .doors import ALWAYS, NEVER, Door, doors, micros
from .drafts import UNKNOWN, Drafts, judge
from .storing import store

Moment = Annotated[datetime, Meta(tz=True)]


class CheckIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One check-in as a kiosk, a partner or a phone sends it: the place by its code or by the venue code at its door."""

    visitor: UUID
    arrived: Moment
    place: Annotated[str, Meta(max_length=60)] = ""
    venue: Annotated[str, Meta(max_length=60)] = ""
    left: Moment | None = None
    stay_minutes: Annotated[int, Meta(ge=1, le=1440)] | None = None
    companions: Annotated[int, Meta(ge=0, le=20)] = 0
    staff: bool = False
    sent: Moment | None = None


def record_visits(items: Sequence[CheckIn], *, by: audit.Actor, at: datetime) -> list[Outcome]:
    """Store a batch of check-ins in one transaction; return what became of each.

    The same check-in twice (in one batch or later) is stored once. An earlier check-in of the same visitor that is
    still open ends when the later one begins.
    """
    drafts = draft(items, at=at)
    verdict = judge(drafts, at=at)
    _, new = store(drafts, verdict, by=by, at=at, keys=True)
    outcomes = [STORED if not bad else rejected(*verdict.rule(row)) for row, bad in enumerate(verdict.bad.tolist())]
    if new is None:
        return outcomes
    left = set(new)
    for row in verdict.rows.tolist():
        key = (items[row].visitor, int(drafts.arrived[row]), int(verdict.place_id[row]))
        if key not in left:
            outcomes[row] = DUPLICATE
        left.discard(key)
    return outcomes


def draft(items: Sequence[CheckIn], *, at: datetime) -> Drafts:
    """Check-ins as columns, each place code looked up once."""
    codes = [f"v:{i.venue}" if i.venue else f"p:{i.place}" for i in items]
    found = doors(set(codes), at)
    number = {code: position for position, code in enumerate(found)}
    staff = [i.staff for i in items]
    return Drafts(
        visitor=np.frombuffer(b"".join([i.visitor.bytes for i in items]), "V16"),
        arrived=_times([i.arrived for i in items]),
        left=_times([i.left for i in items]),
        stay=np.array([i.stay_minutes or 0 for i in items], np.int64),
        door=np.array([number.get(code, -1) for code in codes], np.int64),
        doors=list(found.values()),
        companions=np.array([i.companions for i in items], np.int64),
        source=np.where(
            staff, int(Source.STAFF), np.where([bool(i.venue) for i in items], int(Source.CODE), int(Source.DEVICE))
        ),
        sent=_times([i.sent for i in items]),
        exact=np.ones(len(items), bool),
    )


def _times(moments: Sequence[datetime | None]) -> np.ndarray:
    return np.array([micros(m, UNKNOWN) for m in moments], np.int64)


def check_in(
    visitor: UUID,
    place_id: int,
    *,
    at: datetime,
    by: audit.Actor = None,
    arrived: datetime | None = None,
    stay: timedelta | None = None,
    companions: int = 0,
    staff: bool = False,
    source: Source = Source.CODE,
) -> Outcome:
    """Check one visitor in; the visit ends by itself after `stay` or the venue's usual stay, or with a check-out."""
    venue = queries.venue(place_id)
    usual = queries.usual_stays(clock.local_day(at))["other"] if venue is None else venue.default_stay
    door = Door(place_id, usual)
    if venue:
        ends = min(micros(venue.closes, NEVER), micros(venue.closed, NEVER))
        door = door._replace(opens=micros(venue.opens, ALWAYS), closes=ends)
    one = Drafts(
        visitor=np.frombuffer(visitor.bytes, "V16"),
        arrived=_times([arrived or at]),
        left=_times([None]),
        stay=np.array([int(stay / timedelta(minutes=1)) if stay else 0]),
        door=np.array([0]),
        doors=[door],
        companions=np.array([companions]),
        source=np.array([int(Source.STAFF if staff else source)]),
        sent=_times([None]),
        exact=np.ones(1, bool),
    )
    verdict = judge(one, at=at)
    if verdict.bad[0]:
        return rejected(*verdict.rule(0))
    added, _ = store(one, verdict, by=by, at=at)
    return STORED if added else DUPLICATE


@transaction.atomic
def check_out(visitor: UUID, *, at: datetime, left: datetime | None = None, by: audit.Actor = None) -> bool:
    """End the visitor's open visit at `left` (now, when it is not said); False when there is none that could end then."""
    left = left or at
    if left > at + timedelta(minutes=queries.times(at)["ahead_minutes"]):
        return False
    visit = Visit.objects.filter(visitor=visitor, is_open=True, arrived__lt=left, left__gt=left).order_by("-arrived").first()
    if visit is None:
        return False
    Visit.objects.filter(pk=visit.pk).update(left=left, is_open=False)
    audit.record("checkins.check_out", by=by, at=at, subject=visit.place_id)
    live.tell("visits")
    return True


@transaction.atomic
def end_due_visits(*, at: datetime) -> int:
    """Automatic check-out: a visit whose usual stay is over is closed; return how many."""
    ended = Visit.objects.filter(is_open=True, left__lte=at).update(is_open=False)
    if ended:
        audit.record("checkins.check_out_due", by="platform", at=at, rows=ended)
        live.tell("visits")
    return ended


@transaction.atomic
def link_visitor(visitor: UUID, person_id: UUID, *, by: audit.Actor, at: datetime) -> bool:
    """Note that this phone's check-ins are a person's, who showed or told its pseudonym. Twice changes nothing.

    Raises:
        ValueError: the pseudonym already belongs to somebody else.
    """
    link, created = VisitorLink.objects.get_or_create(
        visitor=visitor, defaults={"person_id": person_id, "linked": at, "linked_by": audit.actor_name(by)}
    )
    if link.person_id != person_id:
        raise ValueError("this phone is already linked to somebody else")
    if created:
        audit.record("checkins.link", by=by, at=at, subject=visitor, person=person_id)
        publish(RouteTold(person_id))
    return created


@transaction.atomic
def unlink_visitor(visitor: UUID, *, by: audit.Actor, at: datetime) -> bool:
    """Take a wrong link back."""
    link = VisitorLink.objects.filter(visitor=visitor).first()
    if link is None:
        return False
    person = link.person_id
    link.delete()
    audit.record("checkins.unlink", by=by, at=at, subject=visitor, person=person)
    publish(RouteTold(person))
    return True
