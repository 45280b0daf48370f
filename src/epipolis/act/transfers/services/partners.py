"""Other offices: added, their key compared by telephone, opened, closed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from epipolis.act.transfers import queries
from epipolis.act.transfers.models import Partner
from epipolis.core import audit, live

from .errors import TransferError
from .posting import check_address

MAY = ("may_hand_over", "may_share", "with_contacts", "may_change", "diseases")


@transaction.atomic
def add_partner(
    name: str, address: str, public_key: str, *, by: audit.Actor, at: datetime, may: Mapping[str, Any] | None = None
) -> Partner:
    """Add an office. Nothing goes to it and nothing is taken from it before its key was compared.

    Raises:
        TransferError: the address or the key is none, or the office is there already.
    """
    try:
        address, key_id = check_address(address), queries.key_id_of(public_key)
    except ValueError as error:
        raise TransferError("%(why)s", why=str(error)) from error
    if key_id == queries.own_key_id():
        raise TransferError(gettext_noop("This is the key of this office itself."))
    values = {name: value for name, value in (may or {}).items() if name in MAY}
    try:
        with transaction.atomic():
            made = Partner.objects.create(
                name=name.strip(),
                address=address,
                public_key=public_key.strip(),
                key_id=key_id,
                added=at,
                added_by=audit.actor_name(by),
                **values,
            )
    except IntegrityError as error:
        raise TransferError(gettext_noop("An office with this name or this key is there already.")) from error
    audit.record("transfers.add_partner", by=by, at=at, subject=made.id, key=key_id)
    live.tell("transfers")
    return made


@transaction.atomic
def change_partner(partner_id: int, *, by: audit.Actor, at: datetime, address: str = "", **may: Any) -> Partner:
    """Change where an office is and what may be sent to it; its name and its key stay.

    Raises:
        TransferError: the address is none.
    """
    row = _locked(partner_id)
    try:
        row.address = check_address(address) if address else row.address
    except ValueError as error:
        raise TransferError("%(why)s", why=str(error)) from error
    for name in MAY:
        setattr(row, name, may.get(name, getattr(row, name)))
    row.save()
    audit.record("transfers.change_partner", by=by, at=at, subject=row.id, **{name: getattr(row, name) for name in MAY})
    return row


@transaction.atomic
def compare_key(partner_id: int, digits: str, *, by: audit.Actor, at: datetime) -> Partner:
    """Say that both sides read the same digits to each other; from now on the office is open.

    Raises:
        TransferError: the digits that were heard are others.
    """
    row = _locked(partner_id)
    if "".join(digits.split()) != "".join(queries.spoken(row.public_key).split()):
        audit.record("transfers.compare_key", by=by, at=at, subject=row.id, same=False)
        raise TransferError(
            gettext_noop("These are not the digits of this key. Do not open the office; ask for its key again.")
        )
    row.compared, row.compared_by, row.closed = at, audit.actor_name(by), None
    row.save()
    audit.record("transfers.compare_key", by=by, at=at, subject=row.id, same=True)
    live.tell("transfers")
    return row


@transaction.atomic
def close_partner(partner_id: int, *, by: audit.Actor, at: datetime, closed: bool = True) -> Partner:
    """Take nothing more from an office and send it nothing more; what waits stays until it is opened again."""
    row = _locked(partner_id)
    row.closed = (row.closed or at) if closed else None
    row.save(update_fields=["closed"])
    audit.record("transfers.close_partner", by=by, at=at, subject=row.id, closed=closed)
    live.tell("transfers")
    return row


def _locked(partner_id: int) -> Partner:
    row = Partner.objects.select_for_update().filter(id=partner_id).first() if 0 < partner_id < 2**63 else None
    if row is None:
        raise TransferError(gettext_noop("There is no such office."))
    return row
