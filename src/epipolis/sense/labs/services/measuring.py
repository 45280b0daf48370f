"""Measuring: a reading of a test device is stored, checked and filed with its case in one transaction, once."""

import logging
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError, transaction

from epipolis.core import audit, clock, live, rules
from epipolis.core.models import DeviceToken
from epipolis.core.sealing import seal, unseal
from epipolis.engines.messages import MessageError
from epipolis.sense.labs.models import Device, LabMessage, Reading

from .envelopes import digest_of
from .locks import hold
from .measurements import (
    KNOWN_SERIAL,
    Measurement,
    clock_error,
    corrected,
    kept,
    open_signed,
    read_hello,
    read_measurement,
)
from .processing import announce, understand
from .readings import PACK
from .reasons import UNREADABLE, broken, no_reason

log = logging.getLogger(__name__)
State = LabMessage.State
STORED, KNOWN, REJECTED = "stored", "known", "rejected"
MOST_ANNOUNCED = 200  # devices that nobody registered; more are not listened to
HTTP, MQTT = "http", "mqtt"


class Taken(NamedTuple):
    """What the device is told: never whose the sample is. `waits`: a person must look. `rule` says why it was rejected."""

    status: str
    reading: str = ""
    waits: bool = False
    where: str = ""
    rule: str = ""
    clock_offset: float | None = None


def take_over_http(raw: bytes, account: DeviceToken, *, at: datetime) -> Taken:
    """A reading that came with a device's token.

    Raises:
        LookupError: the token belongs to no device.
    """
    device = _device_of(account)
    return take_reading(raw, device, road=HTTP, is_proven=True, by=account, at=at)


def take_over_mqtt(raw: bytes, serial: str, *, at: datetime) -> Taken:
    """A reading that was published under a serial number; only its signature proves who sent it."""
    device = _announced(serial, at=at)
    if device is None:
        return Taken(REJECTED, where="topic", rule="names no device that can be listened to")
    text, is_proven = open_signed(raw, serial, unseal(device.signing_key) if _may_send(device, at) else "")
    return take_reading(text, device, road=MQTT, is_proven=is_proven, by=f"device:{serial}", at=at)


@transaction.atomic
def take_reading(raw: bytes, device: Device, *, road: str, is_proven: bool, by: audit.Actor, at: datetime) -> Taken:
    """Store a reading and file it, in one transaction. The same again changes nothing; what cannot be read is kept, rejected.

    A mistake of ours while filing leaves the reading stored, and it is tried again like every laboratory message.
    """
    try:
        found = read_measurement(raw)
    except MessageError as error:
        return _reject(raw, device, error, road=road, by=by, at=at)
    is_proven = is_proven and found.device in ("", device.serial)
    hold(f"laboratory message {_sender(device)}\n{found.reading}")
    offset = _listen(found, device, at, road) if is_proven else 0.0
    message, is_new = _stored(kept(found), found.reading, device, road=road, by=by, at=at)
    if is_new:
        _add_reading(message, device, found, offset, is_proven=is_proven, at=at)
        audit.record("labs.receive", by=by, at=at, subject=message.id, rows=1)
        _understand(message, by=by, at=at)
    elif is_proven and Reading.objects.filter(message=message, is_proven=False).exists():
        message.reading.delete()  # it had come without proof, and comes with it now
        _add_reading(message, device, found, offset, is_proven=True, at=message.received)
        if message.is_waiting:
            _understand(message, by=by, at=at)
    return Taken(STORED if is_new else KNOWN, found.reading, message.is_waiting, clock_offset=offset if is_proven else None)


@transaction.atomic
def hear(raw: bytes, device: Device, *, by: audit.Actor, at: datetime, road: str, is_kept: bool = False) -> Taken:
    """What a device says of itself, and when; `is_kept`: the broker kept it, so it says nothing about now."""
    try:
        found = read_hello(raw)
    except MessageError as error:
        return Taken(REJECTED, where=error.where, rule=error.rule)
    about = {name: getattr(found, name) for name in ("model", "firmware", "kinds") if getattr(found, name)}
    if about and about != device.about:
        Device.objects.filter(id=device.id).update(about=about, model=device.model or found.model)
        audit.record("labs.describe_device", by=by, at=at, subject=device.serial)
    offset = None
    if not is_kept:
        offset = (at - found.sent_at).total_seconds() if found.sent_at else None
        _note_heard(device, offset, found.battery, at)
    live.tell("labs", device=device.id)
    return Taken(KNOWN, clock_offset=offset)


def hear_over_http(raw: bytes, account: DeviceToken, *, at: datetime) -> Taken:
    """What the device with this token says of itself.

    Raises:
        LookupError: the token belongs to no device.
    """
    return hear(raw, _device_of(account), by=account, at=at, road=HTTP)


def hear_over_mqtt(raw: bytes, serial: str, *, at: datetime, is_kept: bool) -> Taken:
    """What a device says of itself over a broker. One that nobody registered is listed, so that it can be."""
    device = _announced(serial, at=at)
    if device is None:
        return Taken(REJECTED, where="topic", rule="names no device that can be listened to")
    text, is_proven = open_signed(raw, serial, unseal(device.signing_key) if _may_send(device, at) else "")
    if not is_proven and device.state != Device.State.ANNOUNCED:
        return Taken(REJECTED, where="mac", rule="proves nothing")
    return hear(text, device, by=f"device:{serial}", at=at, road=MQTT, is_kept=is_kept)


def _device_of(account: DeviceToken) -> Device:
    device = Device.objects.filter(account=account).first() if isinstance(account, DeviceToken) else None
    if device is None:
        raise LookupError("this token belongs to no registered test device")
    return device


def _announced(serial: str, *, at: datetime) -> Device | None:
    """The device with this number; one that is unknown is listed as such, as long as those are few."""
    device = Device.objects.select_related("account").filter(serial=serial).first()
    if device is not None or not KNOWN_SERIAL.match(serial):
        return device
    if Device.objects.filter(state=Device.State.ANNOUNCED).count() >= MOST_ANNOUNCED:
        return None
    defaults = {"state": Device.State.ANNOUNCED, "heard": at, "known_at": at}
    return Device.objects.get_or_create(serial=serial, defaults=defaults)[0]


def _may_send(device: Device, at: datetime) -> bool:
    return device.account is not None and device.account.is_valid(at)


def _sender(device: Device) -> str:
    return f"device {device.serial}"


def _stored(
    raw: bytes, number: str, device: Device, *, road: str, by: audit.Actor, at: datetime, **ended: Any
) -> tuple[LabMessage, bool]:
    values = {
        "laboratory_id": device.laboratory_id,
        "format": LabMessage.Format.READING,
        "raw": seal(raw.decode("latin-1")),
        "road": road,
        "by": audit.actor_name(by)[:150],
        "received": at,
        "simulated": device.simulated,
    }
    return LabMessage.objects.get_or_create(
        sender=_sender(device), message_id=number, digest=digest_of(raw), defaults=values | ended
    )


def _reject(raw: bytes, device: Device, error: MessageError, *, road: str, by: audit.Actor, at: datetime) -> Taken:
    raw = raw[:65_536]
    ended = {
        "state": State.REJECTED,
        "problem": UNREADABLE,
        "is_waiting": True,
        "reason": broken(error),
        "processed": at,
        "attempts": 1,
    }
    _message, is_new = _stored(raw, f"sha256:{digest_of(raw)}", device, road=road, by=by, at=at, **ended)
    if is_new:
        audit.record("labs.receive", by=by, at=at, subject=_message.id, rows=1, state=str(State.REJECTED))
        live.tell("labs", message=_message.id)
    return Taken(REJECTED, waits=True, where=error.where, rule=error.rule)


def _listen(found: Measurement, device: Device, at: datetime, road: str) -> float:
    """Note that a device was heard; the seconds to add to its clock."""
    hours = rules.in_force(PACK, clock.local_day(at))["clock_hours"]
    is_fresh = device.clock_measured is not None and at - device.clock_measured <= timedelta(hours=hours)
    known = device.clock_offset if is_fresh else None
    offset, is_measured = clock_error(found.sent_at, at, known, is_direct=road == HTTP)
    _note_heard(device, offset if is_measured else None, found.battery, at)
    return offset


def _note_heard(device: Device, offset: float | None, battery: int | None, at: datetime) -> None:
    values: dict[str, Any] = {"heard": at}
    if offset is not None:
        values |= {"clock_offset": offset, "clock_measured": at}
    if battery is not None:
        values["battery"] = battery
    Device.objects.filter(id=device.id).update(**values)
    for name, value in values.items():
        setattr(device, name, value)


def _add_reading(
    message: LabMessage, device: Device, found: Measurement, offset: float, *, is_proven: bool, at: datetime
) -> Reading:
    tolerated = rules.in_force(PACK, clock.local_day(at))["clock_seconds"]
    measured_at, added = corrected(found.measured_at, offset, tolerated=tolerated)
    return Reading.objects.create(
        message=message,
        device=device,
        number=found.reading,
        is_first=is_proven and not Reading.objects.filter(device=device, number=found.reading, is_first=True).exists(),
        is_proven=is_proven,
        barcode="".join(found.sample.split()).upper(),
        lot=found.lot,
        operator=found.operator,
        result=found.result,
        device_time=found.measured_at,
        measured_at=measured_at,
        clock_offset=added,
        control_valid=found.control_valid,
        battery=found.battery,
        temperature=found.temperature,
        received=at,
        simulated=device.simulated,
    )


def _understand(message: LabMessage, *, by: audit.Actor, at: datetime) -> None:
    message.reason = no_reason()
    try:
        with transaction.atomic():
            understand(message, by=by, at=at)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("reading %s", message.id)
        message.refresh_from_db(fields=["state", "problem", "is_waiting", "reason", "processed", "attempts", "laboratory"])
        announce([message.id])
