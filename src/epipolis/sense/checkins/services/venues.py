"""Venues: places with a code at the door."""

from datetime import datetime

from django.db import transaction

from epipolis.core import audit, clock
from epipolis.sense.checkins import queries
from epipolis.sense.checkins.models import Venue, VenueKind
from epipolis.sense.city.models import Place

from .codes import write_code
from .doors import forget_doors

_MOST_KEYS = 32_767


@transaction.atomic
def register_venue(
    place: Place | int,
    kind: str,
    *,
    by: audit.Actor,
    at: datetime,
    default_stay: int | None = None,
    opens: datetime | None = None,
    closes: datetime | None = None,
    simulated: bool = False,
) -> tuple[Venue, bool]:
    """Let people check in at a place; return the venue, and whether it is new or changed. Twice changes nothing.

    Raises:
        ValueError: the kind is unknown, an event lacks its times, or a permanent place has some.
    """
    place_id = place if isinstance(place, int) else place.id
    stays = queries.usual_stays(clock.local_day(at))
    if kind not in stays:
        raise ValueError(f"{kind!r} is not a kind of venue: {', '.join(stays)}")
    if queries.is_temporary(kind, clock.local_day(at)):
        if opens is None or closes is None or closes <= opens:
            raise ValueError("an event needs its beginning and, later, its end")
    elif opens or closes:
        raise ValueError("only an event has a beginning and an end")
    stay = default_stay or stays[kind]
    if not 1 <= stay <= 24 * 60:
        raise ValueError("the usual stay is from 1 minute to 24 hours")
    facts = {"kind": VenueKind(kind), "default_stay": stay, "opens": opens, "closes": closes}
    venue, created = Venue.objects.select_for_update().get_or_create(
        place_id=place_id, defaults=facts | {"registered": at, "simulated": simulated}
    )
    changed = [name for name, value in facts.items() if getattr(venue, name) != value]
    if not created and not changed:
        return venue, False
    for name, value in facts.items():
        setattr(venue, name, value)
    venue.save()
    audit.record("checkins.register_venue", by=by, at=at, subject=place_id, fields=changed, new=created)
    forget_doors()
    return venue, True


def close_venue(venue: Venue, *, by: audit.Actor, at: datetime) -> None:
    """Let nobody check in from now on; visits that are open end by themselves."""
    _change(venue, "close", by=by, at=at, closed=venue.closed or at)


def reopen_venue(venue: Venue, *, by: audit.Actor, at: datetime) -> None:
    """Let people check in again, with the posters that hang there."""
    _change(venue, "reopen", by=by, at=at, closed=None)


def renew_code(venue: Venue, *, by: audit.Actor, at: datetime, though_not_empty: bool = False) -> None:
    """Make every poster that hangs there invalid; new ones must be printed (R45).

    Raises:
        ValueError: somebody is checked in there now, and `though_not_empty` was not said.
    """
    if not though_not_empty and not queries.is_empty(venue.place_id, at):
        raise ValueError("somebody is checked in there now; renew the code when the venue is empty")
    _change(venue, "renew_code", by=by, at=at, key_number=venue.key_number % _MOST_KEYS + 1)


def code_of(venue: Venue) -> str:
    """The code that stands on this venue's present poster."""
    return write_code(venue.place_id, venue.key_number)


@transaction.atomic
def _change(venue: Venue, what: str, *, by: audit.Actor, at: datetime, **fields: object) -> None:
    Venue.objects.filter(pk=venue.pk).update(**fields)
    for name, value in fields.items():
        setattr(venue, name, value)
    audit.record(f"checkins.{what}", by=by, at=at, subject=venue.pk)
    forget_doors()
