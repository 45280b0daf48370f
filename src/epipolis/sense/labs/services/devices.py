"""Devices: which test devices may send, who works with them, and which lots of kits may be used."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from epipolis.core import access, audit, live
from epipolis.core.models import DeviceToken, User
from epipolis.core.sealing import seal
from epipolis.sense.labs.models import Device, KitLot, LabMessage

from .measurements import KNOWN_SERIAL, signing_key
from .reasons import LOT, OPERATOR
from .registering import receive_again

SCOPE = "labs.measure"
FIELDS = ("model", "place", "laboratory")
LOT_FIELDS = ("product", "kind", "disease", "expires", "coldest", "warmest", "is_allowed")


@transaction.atomic
def register_device(
    serial: str,
    values: Mapping[str, Any],
    operators: Iterable[User],
    *,
    by: audit.Actor,
    at: datetime,
    simulated: bool = False,
) -> tuple[Device, str]:
    """Register a device, or one that announced itself; return it with its token, which is shown this once.

    Raises:
        ValueError: the serial number cannot be one, or is registered already.
    """
    if not KNOWN_SERIAL.match(serial):
        raise ValueError(_("A serial number has letters, digits, dots, dashes and underscores, at most 60."))
    device = Device.objects.select_for_update().filter(serial=serial).first()
    if device is not None and device.state != Device.State.ANNOUNCED:
        raise ValueError(_("A device with this serial number is registered already."))
    device = device or Device(serial=serial)
    device.state, device.known_at, device.simulated = Device.State.ACTIVE, at, simulated
    _set(device, values)
    token = _issue(device, by=by, at=at)
    try:
        with transaction.atomic():
            device.save()
    except IntegrityError as error:
        raise ValueError(_("A device with this serial number is registered already.")) from error
    device.operators.set(operators)
    audit.record("labs.register_device", by=by, at=at, subject=device.serial)
    live.tell("labs", device=device.id)
    return device, token


@transaction.atomic
def change_device(
    device_id: int, values: Mapping[str, Any], operators: Iterable[User], *, by: audit.Actor, at: datetime
) -> Device:
    """Change where a device stands and who works with it; readings of operators who were unknown are processed again.

    Raises:
        LookupError: there is no such device, or nobody registered it.
    """
    device = _registered(device_id)
    _set(device, values)
    device.save()
    device.operators.set(operators)
    audit.record("labs.change_device", by=by, at=at, subject=device.serial, fields=sorted(values))
    receive_again(LabMessage.objects.filter(problem=OPERATOR, is_waiting=True, reading__device=device))
    live.tell("labs", device=device.id)
    return device


@transaction.atomic
def set_state(device_id: int, state: str, reason: str, *, by: audit.Actor, at: datetime) -> Device:
    """Put a device into use, pause it or say that it is lost; from then on readings of one that is not in use wait.

    Raises:
        LookupError: there is no such device, or nobody registered it.
        ValueError: no such state, or no reason.
    """
    if state not in (Device.State.ACTIVE, Device.State.PAUSED, Device.State.LOST):
        raise ValueError(_("A device is in use, paused or lost."))
    reason = reason.replace("\0", "").strip()[:200]
    if state != Device.State.ACTIVE and not reason:
        raise ValueError(_("Say why."))
    device = _registered(device_id)
    device.state, device.state_reason = state, reason
    device.save(update_fields=["state", "state_reason"])
    audit.record("labs.device_state", by=by, at=at, subject=device.serial, state=state)
    live.tell("labs", device=device.id)
    return device


@transaction.atomic
def renew_token(device_id: int, *, by: audit.Actor, at: datetime) -> tuple[Device, str]:
    """Give a device another token; the former ends at once.

    Raises:
        LookupError: there is no such device, or nobody registered it.
    """
    device = _registered(device_id)
    if device.account is not None:
        DeviceToken.objects.filter(id=device.account_id, revoked=None).update(revoked=at)
        audit.record("access.revoke_token", by=by, at=at, subject=device.account_id)
    token = _issue(device, by=by, at=at)
    device.save(update_fields=["account", "signing_key"])
    return device, token


@transaction.atomic
def register_lot(
    number: str, values: Mapping[str, Any], *, by: audit.Actor, at: datetime, simulated: bool = False
) -> tuple[KitLot, bool]:
    """Register a lot or change it; readings that wait for it are processed again. Results that are filed stay as they are.

    Raises:
        ValueError: a part is missing, or the temperatures are the wrong way round.
    """
    number = number.strip()
    if not number or not str(values.get("disease", "")).strip():
        raise ValueError(_("A lot has a number and tests for a disease."))
    coldest, warmest = values.get("coldest"), values.get("warmest")
    if coldest is not None and warmest is not None and coldest > warmest:
        raise ValueError(_("The lower temperature is above the upper one."))
    known = {name: values[name] for name in LOT_FIELDS if name in values}
    lot, is_new = KitLot.objects.select_for_update().update_or_create(
        number=number, defaults=known, create_defaults=known | {"known_at": at, "simulated": simulated}
    )
    audit.record("labs.register_lot", by=by, at=at, subject=number, fields=sorted(known))
    if lot.is_allowed:
        receive_again(LabMessage.objects.filter(problem=LOT, is_waiting=True, reading__lot=number))
    live.tell("labs")
    return lot, is_new


def _set(device: Device, values: Mapping[str, Any]) -> None:
    for name in FIELDS:
        if name in values:
            setattr(device, name, values[name])


def _issue(device: Device, *, by: audit.Actor, at: datetime) -> str:
    issuer, name = by if isinstance(by, User) else None, f"test device {device.serial}"
    device.account, token = access.issue_token(name, [SCOPE], by=issuer, at=at, simulated=device.simulated)
    device.signing_key = seal(signing_key(token))
    return token


def _registered(device_id: int) -> Device:
    device = Device.objects.select_for_update(of=("self",)).select_related("account").filter(id=device_id).first()
    if device is None or device.state == Device.State.ANNOUNCED:
        raise LookupError("there is no such registered device")
    return device
