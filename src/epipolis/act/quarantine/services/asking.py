"""The operator of a network is asked where the terminals are that were enrolled with it; its answers are positions by cell."""

import logging
from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from epipolis.act.quarantine.models import Phone, PhoneHolder, State
from epipolis.act.quarantine.settings import settings
from epipolis.core import clock
from epipolis.sense.people import queries as people

from .networks import Located, Network, NetworkError, SimulatedNetwork, network_of
from .positions import Position, Taken, take

_AT_ONCE, _MOST = 100, 5_000
_WHY = "network"
_known: dict[tuple[date, str, UUID], str] = {}
log = logging.getLogger(__name__)


def ask_network(at: datetime | None = None) -> dict[str, int]:
    """Ask for everybody who is watched by a terminal of the network; one that is made up is asked of a made-up network."""
    at = at or clock.now()
    told = {"asked": 0, "located": 0, "failed": 0}
    if not settings.network:
        return told
    open_ones = PhoneHolder.objects.filter(until=None, phone__kind=Phone.Kind.OPERATOR, phone__ended=None)
    watched = open_ones.filter(order__state=State.ISSUED, order__watched=True, order__watch__ended=None)
    holders = list(watched.select_related("order", "phone").order_by("id")[:_MOST])
    made_up = [one for one in holders if one.phone.simulated]
    for start in range(0, len(made_up), _AT_ONCE):
        _ask(made_up[start : start + _AT_ONCE], None, told, at)
    if (real := network_of(settings.network)) is not None:  # of real people nothing is ever made up
        own = [one for one in holders if not one.phone.simulated]
        for start in range(0, len(own), _AT_ONCE):
            _ask(own[start : start + _AT_ONCE], real, told, at)
    return told


def _ask(holders: Sequence[PhoneHolder], network: Network | None, told: dict[str, int], at: datetime) -> None:
    by = f"network {network.name if network else SimulatedNetwork.name}"
    numbers = _numbers({one.order.person_id for one in holders}, by=by, at=at)
    asked = [one for one in holders if numbers[one.order.person_id]]
    told["asked"] += len(asked)
    of = [numbers[one.order.person_id] for one in asked]
    places = {number: (one.order.lon, one.order.lat) for number, one in zip(of, asked, strict=True) if one.order.spot}
    try:
        answers = (network or SimulatedNetwork(places, clock.now)).locate(of) if asked else []
    except NetworkError as error:
        log.warning("a network was not asked: %s", error)
        told["failed"] += len(asked)
        return
    found = [
        (_position(answer), (one.order_id,)) for one, answer in zip(asked, answers, strict=True) if answer.time is not None
    ]
    told["failed"] += len(asked) - len(found)
    taken = Taken()
    take([item for item, _ in found], taken, by=by, at=at, orders=[orders for _, orders in found])
    told["located"] += taken.accepted


def _numbers(persons: Collection[UUID], *, by: str, at: datetime) -> dict[UUID, str]:
    """The number of each, empty where none is known. It is looked up once a day, so that the person reads of it once a day
    and not of each of three hundred questions."""
    day = clock.local_day(at)
    for key in [key for key in _known if key[0] != day]:
        del _known[key]
    wanted = [person for person in persons if (day, by, person) not in _known]
    ways = people.reach(wanted, by=by, at=at, why=_WHY) if wanted else {}
    for person in wanted:
        _known[day, by, person] = next(iter(way.phones), "") if (way := ways.get(person)) else ""
    return {person: _known[day, by, person] for person in persons}


def _position(one: Located) -> Position:
    assert one.time is not None  # noqa: S101 -- only who was located comes here
    return Position(phone="", time=one.time, lon=one.lon, lat=one.lat, accuracy=one.accuracy, source=one.source)
