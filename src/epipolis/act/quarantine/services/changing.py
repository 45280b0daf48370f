"""Orders in force are changed by officers: longer, shorter, elsewhere, in writing; each with a reason, and a notice."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Kind, Order, PlaceKind, State
from epipolis.core import audit, clock
from epipolis.sense.cases import queries as cases

from .drafting import follow
from .follow_ups import tell_follow_up
from .issuing import Issued, check_days, lift_order, place_of, say_why
from .storing import OrderError, locked, store, values
from .telling import tell_person

DAYS = ("until", "standard_until", "is_earliest", "well_since", "asks", "decision")
PLACE = ("place", "facility", "radius", "moved_at")
TOLD = ("verbal_at", "written_at")
_SAME = gettext_noop("The order stays as it is: %(reason)s")


def in_force(order_id: int) -> Order:
    """The order, held, if it binds somebody.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is not in force.
    """
    row = locked(order_id)
    if row.state != State.ISSUED:
        raise OrderError("state", gettext_noop("this order is not in force"))
    return row


@transaction.atomic
def change_days(order_id: int, *, until: date, reason: str, by: audit.Actor, at: datetime) -> Issued:
    """Let an order end on another day, later or earlier. What was asked about its days is answered with that.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is not in force, there is no reason, or the day cannot be.
    """
    row, reason = in_force(order_id), say_why(reason)
    check_days(row, row.starts, until, at=at)
    if until == row.until and not row.is_earliest:
        raise OrderError("until", gettext_noop("is the last day already"))
    return _set_days(row, until, False, reason, by=by, at=at)


@transaction.atomic
def accept_ask(order_id: int, *, by: audit.Actor, at: datetime, reason: str = "") -> Issued:
    """Do what is asked about an order: take over the days of the rule, or lift it.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: nothing is asked that could simply be done.
    """
    row = in_force(order_id)
    asks = dict(row.asks)
    why = reason.strip() or str(asks.get("reason", ""))
    if asks.get("kind") == "lift":
        return Issued(lift_order(row.id, reason=why, by=by, at=at))
    if asks.get("kind") != "days" or not asks.get("until"):
        raise OrderError("asks", gettext_noop("nothing is asked that could simply be done"))
    until = date.fromisoformat(asks["until"])
    if until < clock.local_day(at):  # the rule would have ended it before today
        return Issued(lift_order(row.id, reason=why, by=by, at=at))
    check_days(row, row.starts, until, at=at)
    return _set_days(row, until, bool(asks.get("is_earliest")), why, by=by, at=at, decision=asks["decision"])


@transaction.atomic
def decline_ask(order_id: int, *, reason: str, by: audit.Actor, at: datetime) -> Order:
    """Leave an order as it is although something was asked; the same is not asked again.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: nothing is asked, or there is no reason.
    """
    row, reason = in_force(order_id), say_why(reason)
    if not row.asks:
        raise OrderError("asks", gettext_noop("nothing is asked about this order"))
    before = values(row, DAYS)
    if row.asks.get("kind") == "days":
        row.standard_until = date.fromisoformat(row.asks["until"]) if row.asks.get("until") else None
        row.decision = row.decision | {"declined": row.asks["decision"]["outcome"]}
    row.asks = {}
    store(row, "declined", before, values(row, DAYS), by=by, at=at, reason=reason)
    return row


@transaction.atomic
def note_well(order_id: int, *, well_since: date | None, reason: str, by: audit.Actor, at: datetime) -> Issued:
    """Note since when somebody in isolation has no symptoms (None: they have some); the days follow from it by the rule.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is no isolation in force, or the day cannot be.
    """
    row = in_force(order_id)
    if row.kind != Kind.ISOLATION or row.case_id is None:
        raise OrderError("kind", gettext_noop("only isolation depends on symptoms"))
    if well_since is not None and well_since > clock.local_day(at):
        raise OrderError("well_since", gettext_noop("must not lie in the future"))
    case = cases.cases_by_id([row.case_id])[row.case_id]
    if well_since is not None and case.onset and well_since <= case.onset:
        raise OrderError("well_since", gettext_noop("must lie after the first symptoms"))
    row.well_since = well_since
    day = clock.local_day(at)
    planned = queries.plan_isolation(
        queries.illness_of(case, well_since=well_since), day=day, pack=queries.rules_of(row.kind, day)
    )
    if planned.until is None or planned.until < day:
        follow(row, planned, by=by, at=at)
        return Issued(row)
    why = reason.strip() or gettext_noop("It became known since when there are no symptoms.")
    return _set_days(row, planned.until, planned.is_earliest, why, by=by, at=at, decision=planned.decision.to_json())


@transaction.atomic
def move_order(
    order_id: int,
    *,
    place: str,
    reason: str,
    by: audit.Actor,
    at: datetime,
    facility: str = "",
    address: str = "",
    lon: float | None = None,
    lat: float | None = None,
    radius: int | None = None,
) -> Order:
    """Let somebody stay elsewhere from now on, at home or in a facility.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is not in force, there is no reason, or the place cannot be.
    """
    row, reason = in_force(order_id), say_why(reason)
    before, former = values(row, PLACE), bytes(row.address) + _BETWEEN + bytes(row.spot)
    sealed_address, sealed_spot = place_of(place, facility, address, lon, lat)
    if row.watched and not sealed_spot:
        raise OrderError("lat", gettext_noop("who is watched by phone needs a place on the map; switch watching off first"))
    row.address, row.spot = sealed_address, sealed_spot
    row.place, row.facility = place, facility.strip() if place == PlaceKind.FACILITY else ""
    row.radius, row.moved_at = radius or row.radius, at
    store(
        row, "moved", before, values(row, PLACE), by=by, at=at, reason=reason, former_place=former, told=("place",)
    )  # fmt: skip
    tell_person(row, "moved", by=by, at=at, reason=reason)
    return row


@transaction.atomic
def note_told(order_id: int, *, how: str, told_at: datetime, by: audit.Actor, at: datetime) -> Order:
    """Note that an order was also told by word of mouth, or given in writing.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is not in force, or the moment cannot be.
    """
    row = in_force(order_id)
    if how not in ("verbal", "written"):
        raise OrderError("how", gettext_noop("must be verbal or written"))
    if not (row.known_at - timedelta(days=1) <= told_at <= at + timedelta(minutes=5)):
        raise OrderError("told_at", gettext_noop("must lie after the draft, and not in the future"))
    before = values(row, TOLD)
    setattr(row, f"{how}_at", told_at)
    store(row, how, before, values(row, TOLD), by=by, at=at, told=("written",) if how == "written" else ())
    tell_follow_up(row, reason=gettext_noop("The order was given in writing."), by=by, at=at)
    return row


_BETWEEN = b"\n--\n"


def former_place(kept: bytes) -> tuple[bytes, bytes]:
    """Address and spot, sealed, as they were before a move."""
    address, _, spot = bytes(kept).partition(_BETWEEN)
    return address, spot


def _set_days(
    row: Order,
    until: date,
    is_earliest: bool,
    reason: str,
    *,
    by: audit.Actor,
    at: datetime,
    decision: dict[str, Any] | None = None,
) -> Issued:
    before, former = values(row, DAYS), row.until
    row.until, row.is_earliest = until, is_earliest
    if decision is not None:
        row.decision, row.standard_until = decision, until
    elif row.asks.get("kind") == "days" and row.asks.get("until"):
        row.standard_until = date.fromisoformat(row.asks["until"])
        row.decision = row.decision | {"declined": row.asks["decision"]["outcome"]}
    row.asks = {}
    kind = "confirmed" if former is None or until == former else "extended" if until > former else "shortened"
    store(row, kind, before, values(row, DAYS), by=by, at=at, reason=reason, told=("days",))
    asks = tell_follow_up(row, reason=reason, by=by, at=at)
    tell_person(row, kind, by=by, at=at, reason=reason)
    return Issued(row, asks)
