"""Orders are issued, lifted and thrown away by officers, each with a reason; nothing here happens by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.events import OrderIssued
from epipolis.act.quarantine.models import Kind, Order, PlaceKind, State
from epipolis.core import audit, clock, events
from epipolis.core.sealing import seal
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases import services as case_services

from .follow_ups import tell_follow_up
from .links import open_link
from .storing import OrderError, finish, locked, store, values
from .telling import tell_person

ISSUED = (
    "state", "starts", "until", "place", "facility", "verbal_at", "written_at", "legal_basis", "purpose", "language",
)  # fmt: skip
_BY_A_PERSON = gettext_noop("Decided by a person: %(reason)s")
_ISOLATES = gettext_noop("The person isolates now as a case; the order of quarantine ends with that.")
HOW = ("verbal", "written")
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Terms:
    """What an officer decides when issuing an order. Days that are not given are those of the draft."""

    how: str  # verbal or written
    told_at: datetime
    starts: date | None = None
    until: date | None = None
    place: str = str(PlaceKind.HOME)
    facility: str = ""
    address: str = ""
    lon: float | None = None
    lat: float | None = None
    radius: int | None = None
    legal_basis: str = ""
    purpose: str = ""
    language: str = ""
    reason: str = ""  # needed where the days are not those of the rule


@dataclass(frozen=True, slots=True)
class Issued:
    """An issued order; `asks` is "follow_up" where the follow-up of this person ends on another day."""

    row: Order
    asks: str = ""


@transaction.atomic
def issue_order(order_id: int, terms: Terms, *, by: audit.Actor, at: datetime) -> Issued:
    """Make an order of a draft: it binds from now on, the person is told, and the follow-up learns the days.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is no draft, or a term cannot be.
    """
    row = locked(order_id)
    if row.state != State.DRAFT:
        raise OrderError("state", gettext_noop("only a draft can be issued"))
    before = values(row, ISSUED)
    _set_terms(row, terms, at=at)
    row.state, row.issued_at, row.issued_by, row.asks = State.ISSUED, at, audit.actor_name(by), {}
    row.first_until = row.until
    store(row, "issued", before, values(row, ISSUED), by=by, at=at, reason=terms.reason)
    if row.kind == Kind.ISOLATION:
        end_quarantine(row, by=by, at=at)
        note_isolated(row, by=by, at=at)
    open_link(row, by=by, at=at)
    asks = tell_follow_up(row, reason=terms.reason or gettext_noop("The order was issued."), by=by, at=at)
    tell_person(row, "issued", by=by, at=at)
    events.publish(OrderIssued(order=row.id, person=row.person_id, kind=str(row.kind)))
    return Issued(row, asks)


@transaction.atomic
def issue_household(order_ids: Sequence[int], terms: Terms, *, by: audit.Actor, at: datetime) -> list[Issued]:
    """Issue the drafts of several people at one address, each with its own days; all or none.

    Raises:
        OrderError: one of them cannot be issued.
    """
    return [issue_order(number, terms, by=by, at=at) for number in sorted(set(order_ids))]


@transaction.atomic
def lift_order(order_id: int, *, reason: str, by: audit.Actor, at: datetime) -> Order:
    """End an issued order before its time, for a reason.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is not issued, or there is no reason.
    """
    row = locked(order_id)
    if row.state != State.ISSUED:
        raise OrderError("state", gettext_noop("only an issued order can be lifted"))
    _end(row, str(State.LIFTED), reason, by=by, at=at)
    tell_follow_up(row, reason=reason, by=by, at=at)
    tell_person(row, "lifted", by=by, at=at, reason=reason)
    return row


@transaction.atomic
def withdraw_draft(order_id: int, *, reason: str, by: audit.Actor, at: datetime) -> Order:
    """Decide that a draft is not issued, for a reason. The same facts draft no other.

    Raises:
        Order.DoesNotExist: there is none.
        OrderError: it is no draft, or there is no reason.
    """
    row = locked(order_id)
    if row.state != State.DRAFT:
        raise OrderError("state", gettext_noop("only a draft can be thrown away"))
    _end(row, str(State.WITHDRAWN), reason, by=by, at=at)
    return row


def say_why(reason: str) -> str:
    """The reason, without spaces around it.

    Raises:
        OrderError: there is none.
    """
    if not is_said(reason):
        raise OrderError("reason", gettext_noop("say why"))
    return reason.strip()


def is_said(text: str) -> bool:
    """Whether a text has a letter or a digit at all: what only looks empty says nothing."""
    return any(letter.isalnum() for letter in text)


def check_days(row: Order, starts: date | None, until: date | None, *, at: datetime) -> None:
    """Refuse days that cannot be: none, in the past, the wrong way round, or longer than any order.

    Raises:
        OrderError: with the field and the rule.
    """
    most = queries.rules_of(row.kind, clock.local_day(at))["most_days"]
    if starts is None:
        raise OrderError("starts", gettext_noop("choose the first day: the facts do not say it"))
    if until is None:
        raise OrderError("until", gettext_noop("choose the last day: the facts do not say it"))
    if until < clock.local_day(at):
        raise OrderError("until", gettext_noop("must not lie in the past"))
    if until < starts:
        raise OrderError("until", gettext_noop("must not lie before the first day"))
    if until - starts > timedelta(days=most):
        raise OrderError("until", gettext_noop("is later than the rule allows for any order"))


def place_of(place: str, facility: str, address: str, lon: float | None, lat: float | None) -> tuple[bytes, bytes]:
    """Address and spot as they are kept.

    Raises:
        OrderError: the place is not told, or is nowhere.
    """
    if place not in PlaceKind.values:
        raise OrderError("place", gettext_noop("must be home or facility"))
    if place == PlaceKind.FACILITY and not is_said(facility):
        raise OrderError("facility", gettext_noop("say which facility"))
    if not is_said(address) and not (place == PlaceKind.FACILITY):
        raise OrderError("address", gettext_noop("say where the person stays"))
    if (lon is None) != (lat is None):
        raise OrderError("lat", gettext_noop("give both longitude and latitude, or none"))
    if lon is None or lat is None:
        return seal(address.strip()), b""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90) or (abs(lon) < 0.01 and abs(lat) < 0.01):
        raise OrderError("lat", gettext_noop("is no place on land"))
    return seal(address.strip()), seal(f"{lon:.6f} {lat:.6f}")


def _set_terms(row: Order, terms: Terms, *, at: datetime) -> None:
    if terms.how not in HOW:
        raise OrderError("how", gettext_noop("must be verbal or written"))
    if not at - timedelta(days=7) <= terms.told_at <= at + timedelta(minutes=5):
        raise OrderError("told_at", gettext_noop("must lie within the last seven days"))
    told = clock.local_day(terms.told_at)
    # Nobody can be held to a day before they were told; the rule still counts from the contact or the illness.
    starts = terms.starts or max(row.starts or told, told)
    until = terms.until or row.until
    check_days(row, starts, until, at=at)
    if starts < told:
        raise OrderError("starts", gettext_noop("must not lie before the day on which the person is told"))
    if until != row.until or terms.starts not in (None, max(row.starts or told, told)):
        say_why(terms.reason)
    row.is_earliest = row.is_earliest and until == row.until
    row.starts, row.until = starts, until
    if not (terms.legal_basis.strip() and terms.purpose.strip()):
        raise OrderError("legal_basis", gettext_noop("an order needs its legal basis and its purpose"))
    for name in ("legal_basis", "purpose", "address"):
        if len(getattr(terms, name)) > LONGEST:
            raise OrderError(name, gettext_noop("is too long"))
    row.legal_basis, row.purpose = terms.legal_basis.strip(), terms.purpose.strip()
    row.address, row.spot = place_of(terms.place, terms.facility, terms.address, terms.lon, terms.lat)
    row.place, row.facility = terms.place, terms.facility.strip() if terms.place == PlaceKind.FACILITY else ""
    row.radius = terms.radius or row.radius
    row.language = terms.language or row.language
    if terms.how == "verbal":
        row.verbal_at = terms.told_at
    else:
        row.written_at = terms.told_at


def _end(row: Order, state: str, reason: str, *, by: audit.Actor, at: datetime) -> None:
    why: tuple[str, dict[str, Any]] = (_BY_A_PERSON, {"reason": say_why(reason)})
    finish(row, state, why, by=by, at=at, reason=reason.strip())


def note_isolated(row: Order, *, by: audit.Actor, at: datetime) -> None:
    """The file of the case learns since when the person isolates, where it does not say so yet."""
    case = cases.cases_by_id([row.case_id]).get(row.case_id) if row.case_id else None
    told = row.verbal_at or row.written_at
    if case is not None and told is not None and case.isolated is None and not case.owner and case.ended is None:
        case_services.revise_case(case.id, {"isolated": clock.local_day(told)}, by=by, at=at)


def end_quarantine(row: Order, *, by: audit.Actor, at: datetime) -> None:
    """Who isolates as a case is no longer in quarantine as a contact of the same illness."""
    found = queries.open_orders_of(row.person_id).filter(kind=Kind.QUARANTINE, disease=row.disease)
    for number in list(found.values_list("id", flat=True)):
        other = locked(number)
        state = State.ENDED if other.state == State.ISSUED else State.WITHDRAWN
        finish(other, str(state), (_ISOLATES, {}), by=by, at=at)
        tell_follow_up(other, reason=_ISOLATES, by=by, at=at)
