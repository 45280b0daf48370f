"""Watching by phone is switched on for one order at a time: on a legal basis, for a purpose, with a reason."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Basis, Order
from epipolis.core import audit, clock

from .changing import in_force
from .issuing import say_why
from .storing import OrderError, store, values
from .telling import tell_person

_WATCH = ("watched", "watch_basis", "watch_law", "watch_purpose")


@transaction.atomic
def watch_order(order_id: int, *, basis: str, reason: str, by: audit.Actor, at: datetime) -> Order:
    """Switch watching by phone on for an order. The legal basis and the purpose in force are kept with it, and told.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: the city has no legal basis or purpose for it, the place is not on the map, or there is no reason.
    """
    row, reason = in_force(order_id), say_why(reason)
    law, purpose = queries.watch_grounds(clock.local_day(at))
    if not (law and purpose):
        raise OrderError("watch", gettext_noop("this city has set no legal basis and purpose for watching phones"))
    if basis not in Basis.values:
        raise OrderError("basis", gettext_noop("must be law or consent"))
    if not row.spot:
        raise OrderError("lat", gettext_noop("the place of the order is not on the map"))
    if row.watched:
        raise OrderError("watch", gettext_noop("is switched on already"))
    before = values(row, _WATCH)
    row.watched, row.watched_since = True, at
    row.watch_basis, row.watch_law, row.watch_purpose = basis, law, purpose
    store(
        row, "watch_on", before, values(row, _WATCH), by=by, at=at, reason=reason, told=("watch",), basis=basis
    )  # fmt: skip
    tell_person(row, "watch_on", by=by, at=at, reason=reason)
    return row


@transaction.atomic
def unwatch_order(order_id: int, *, reason: str, by: audit.Actor, at: datetime) -> Order:
    """Switch watching off. Who agreed to it may say so at any time, and it is off at once.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is not watched, or there is no reason.
    """
    row, reason = in_force(order_id), say_why(reason)
    if not row.watched:
        raise OrderError("watch", gettext_noop("is not switched on"))
    before = values(row, _WATCH)
    row.watched = False
    store(row, "watch_off", before, values(row, _WATCH), by=by, at=at, reason=reason, told=("watch",))
    tell_person(row, "watch_off", by=by, at=at, reason=reason)
    return row
