"""Links by which people see their order, without an account: one for each order, made again from its number by a key."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import digest

from django.conf import settings as platform
from django.db import transaction
from django.urls import reverse

from epipolis.act.quarantine import queries
from epipolis.act.quarantine.models import Order, OrderLink, State
from epipolis.act.quarantine.settings import settings
from epipolis.core import audit
from epipolis.core.sealing import key

_BYTES = 15  # a guess succeeds once in 2^120


def open_link(row: Order, *, by: audit.Actor, at: datetime) -> OrderLink:
    """The link of a locked order; made where there is none."""
    known = queries.link_of(row)
    if known is not None:
        return known
    made = _new_link(row, by=by, at=at)
    made.save()
    audit.record("quarantine.link", by=by, at=at, subject=row.id, person=row.person_id)
    return made


def open_links(rows: Iterable[Order], *, by: audit.Actor, at: datetime) -> None:
    """Links for locked orders that have none."""
    made = [_new_link(row, by=by, at=at) for row in rows]
    OrderLink.objects.bulk_create(made, batch_size=1_000)
    audit.record_each("quarantine.link", [(one.order_id, one.order.person_id) for one in made], by=by, at=at)


def _new_link(row: Order, *, by: audit.Actor, at: datetime) -> OrderLink:
    made = OrderLink(order=row, made=at, made_by=audit.actor_name(by))
    made.token_hash = _hash(token_of(made))
    return made


@transaction.atomic
def renew_link(order_id: int, *, by: audit.Actor, at: datetime) -> OrderLink:
    """A new link for an order; whoever has the former one sees nothing any more.

    Raises:
        Order.DoesNotExist: there is none.
    """
    row = Order.objects.select_for_update().get(id=order_id)
    OrderLink.objects.filter(order=row, revoked=None).update(revoked=at)
    return open_link(row, by=by, at=at)


def token_of(link: OrderLink) -> str:
    """The secret of a link. It stands nowhere: it follows from the number by this city's key."""
    return urlsafe_b64encode(digest(key("orders"), b"order link" + link.id.bytes, "sha256")[:_BYTES]).decode()


def address_of(link: OrderLink) -> str:
    """What is written on paper and in messages."""
    return f"{platform.EPIPOLIS_ADDRESS}{reverse('quarantine:mine', args=[token_of(link)])}"


def find_link(token: str, *, at: datetime) -> tuple[OrderLink, Order] | None:
    """The link and the order behind a secret; None when it opens nothing (any more)."""
    if not 10 <= len(token) <= 60:
        return None
    link = OrderLink.objects.filter(token_hash=_hash(token), revoked=None).first()
    row = queries.order(link.order_id) if link else None
    if link is None or row is None or row.state in (State.DRAFT, State.WITHDRAWN):
        return None
    is_over = row.ended is not None and at > row.ended + timedelta(days=settings.link_days)
    return None if is_over else (link, row)


def note_use(link: OrderLink, *, at: datetime) -> None:
    if link.last_used is None or at - link.last_used > timedelta(minutes=10):
        OrderLink.objects.filter(id=link.id).update(last_used=at)


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
