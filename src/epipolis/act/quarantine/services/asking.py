"""The operator of a network is asked where the terminals are that were enrolled with it; its answers are positions by cell."""

import logging
from collections.abc import Sequence
from datetime import datetime

from epipolis.act.quarantine.models import Phone, PhoneHolder, State
from epipolis.act.quarantine.settings import settings
from epipolis.core import clock
from epipolis.sense.people import queries as people

from .networks import Located, Network, NetworkError, SimulatedNetwork, network_of
from .positions import Position, Taken, take

_AT_ONCE, _MOST = 100, 5_000
_WHY = "network"
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
    real = network_of(settings.network)
    for made_up in (False, True):
        own = [one for one in holders if (one.phone.simulated or real is None) == made_up]
        for start in range(0, len(own), _AT_ONCE):
            _ask(own[start : start + _AT_ONCE], None if made_up else real, told, at)
    return told


def _ask(holders: Sequence[PhoneHolder], network: Network | None, told: dict[str, int], at: datetime) -> None:
    by = f"network {network.name if network else SimulatedNetwork.name}"
    ways = people.reach({one.order.person_id for one in holders}, by=by, at=at, why=_WHY)
    numbers = {one.id: next(iter(way.phones), "") if (way := ways.get(one.order.person_id)) else "" for one in holders}
    asked = [one for one in holders if numbers[one.id]]
    told["asked"] += len(asked)
    places = {numbers[one.id]: (one.order.lon, one.order.lat) for one in asked if one.order.spot}
    try:
        answers = (network or SimulatedNetwork(places, clock.now)).locate([numbers[one.id] for one in asked]) if asked else []
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


def _position(one: Located) -> Position:
    assert one.time is not None  # noqa: S101 -- only who was located comes here
    return Position(phone="", time=one.time, lon=one.lon, lat=one.lat, accuracy=one.accuracy, source=one.source)
