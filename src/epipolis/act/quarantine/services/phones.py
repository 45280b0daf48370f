"""Phones: enrolled for somebody who is watched on a legal basis, known by a secret that only the phone has, ended at once."""

import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.conf import settings as platform
from django.urls import reverse
from django.utils.translation import gettext_noop

from epipolis.act.quarantine.models import Order, Phone, PhoneHolder, State, Watch
from epipolis.core import audit, live

from .storing import OrderError
from .streaming import TOPIC, Turn, follower
from .watches import sync_watch

_BYTES = 24


def enrol_phone(
    order_id: int, *, kind: str, by: audit.Actor, at: datetime, share: str = "", simulated: bool = False
) -> tuple[Phone, str]:
    """Make a telephone speak for somebody; the former one no longer does. Returns the secret, which is kept nowhere.

    `share`: the secret of a phone that is enrolled already and speaks for this person too from now on.

    Raises:
        Order.DoesNotExist: there is no such order.
        OrderError: the order is not watched on a legal basis, or there is no such phone to share.
    """
    if kind not in Phone.Kind.values:
        raise OrderError("kind", gettext_noop("must be app, operator or device"))
    if not Order.objects.filter(id=order_id).exists():
        raise Order.DoesNotExist
    sync_watch(order_id, at=at)
    with follower.turn(at) as turn:
        row = Order.objects.get(id=order_id)
        grounds = row.watch_basis and row.watch_law and row.watch_purpose
        if row.state != State.ISSUED or not row.watched or not grounds or not Watch.objects.filter(order=row, ended=None):
            raise OrderError("phone", gettext_noop("only who is watched by phone, on a legal basis, can have one here"))
        token = share or f"epf_{secrets.token_urlsafe(_BYTES)}"
        if share:
            phone = _open_phone(share)
            if phone is None:
                raise OrderError("share", gettext_noop("there is no such phone"))
        else:
            phone = Phone.objects.create(
                kind=kind, token_hash=_hash(token), made=at, made_by=audit.actor_name(by), simulated=simulated
            )
        _end_holding(turn, row.id, by=by, at=at, but=phone.id)
        if not PhoneHolder.objects.filter(phone=phone, order=row, until=None).exists():
            PhoneHolder.objects.create(phone=phone, order=row, since=at)
            turn.step("phone", {"phone": phone.token_hash, "order": row.id})
            audit.record("quarantine.enrol", by=by, at=at, subject=row.id, person=row.person_id, kind=phone.kind)
            live.tell(TOPIC, order=row.id)
    return phone, token


def end_phone(order_id: int, *, by: audit.Actor, at: datetime) -> bool:
    """Let the telephone of an order say nothing any more, from this moment: it was lost, stolen or given back."""
    with follower.turn(at) as turn:
        done = _end_holding(turn, order_id, by=by, at=at)
        if done:
            audit.record("quarantine.end_phone", by=by, at=at, subject=order_id)
            live.tell(TOPIC, order=order_id)
    return done


def _end_holding(turn: Turn, order_id: int, *, by: audit.Actor, at: datetime, but: UUID | None = None) -> bool:
    held = PhoneHolder.objects.filter(order=order_id, until=None).exclude(phone=but).select_related("phone")
    for one in held:
        one.until = at
        one.save(update_fields=["until"])
        turn.step("unphone", {"phone": one.phone.token_hash, "order": order_id})
        if not one.phone.holders.filter(until=None).exists():
            Phone.objects.filter(id=one.phone_id).update(ended=at, ended_by=audit.actor_name(by))
    return bool(held)


def orders_of_phone(token: str) -> list[Order]:
    """For whom a telephone speaks; nobody where its secret is unknown or ended."""
    held = PhoneHolder.objects.filter(phone__token_hash=_hash(token), phone__ended=None, until=None)
    return [one.order for one in held.select_related("order").order_by("order_id")]


def phone_address(token: str) -> str:
    """What the square shows: the page on which the telephone says where it is."""
    return f"{platform.EPIPOLIS_ADDRESS}{reverse('quarantine:phone', args=[token])}"


def _open_phone(token: str) -> Phone | None:
    return Phone.objects.filter(token_hash=_hash(token), ended=None).first()


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
