"""Devices: who measures, how many of their readings went wrong, the lots, and whose a sample is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from epipolis.core import clock, rules
from epipolis.core.models import DeviceToken, User
from epipolis.sense.labs.models import Device, KitLot, LabMessage, LabResult, Reading, SampleLabel
from epipolis.sense.people import queries as people_queries

State = Device.State
_DAYS = 30  # over which shares are told
_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device with the readings of the last 30 days. `is_stale`: it is in use and was not heard for too long."""

    device: Device
    readings: int
    invalid: int
    waiting: int
    marked: int
    is_stale: bool
    is_clock_wrong: bool

    @property
    def error_percent(self) -> float | None:
        """Of 100 readings, those that said nothing or wait for a person; None without readings."""
        return round(100 * min(self.readings, self.invalid + self.waiting) / self.readings, 1) if self.readings else None


@dataclass(frozen=True, slots=True)
class LotRow:
    """A lot and how much it was used. `state`: good, soon (it ends within 30 days), expired or barred."""

    lot: KitLot
    readings: int
    state: str


def device_rows(at: datetime) -> list[DeviceRow]:
    """Every device: those that nobody registered first, then by place."""
    since = at - timedelta(days=_DAYS)
    recent = Reading.objects.filter(received__gte=since, received__lte=at)
    counts = {row["device"]: row for row in recent.values("device").annotate(**_counts())}
    pack = rules.in_force("device_readings", clock.local_day(at))
    found = Device.objects.select_related("laboratory", "account").order_by("place", "serial")
    rows = [_row(device, counts.get(device.id, {}), pack, at) for device in found]
    return sorted(rows, key=lambda row: row.device.state != State.ANNOUNCED)


def device_row(device: Device, at: datetime) -> DeviceRow:
    since = at - timedelta(days=_DAYS)
    found = Reading.objects.filter(device=device, received__gte=since, received__lte=at).aggregate(**_counts())
    return _row(device, found, rules.in_force("device_readings", clock.local_day(at)), at)


def _counts() -> dict[str, Any]:
    return {
        "rows": Count("id"),
        "invalid": Count("id", filter=Q(control_valid=False) | Q(result="invalid")),
        "waiting": Count("id", filter=Q(message__is_waiting=True)),
        "marked": Count("id", filter=~Q(marks=[])),
    }


def _row(device: Device, counts: dict[str, Any], pack: Any, at: datetime) -> DeviceRow:
    heard = device.heard or device.known_at
    stale = device.state == State.ACTIVE and at - heard > timedelta(hours=pack["stale_hours"])
    wrong = device.clock_offset is not None and abs(device.clock_offset) > pack["clock_seconds"]
    return DeviceRow(
        device,
        counts.get("rows", 0),
        counts.get("invalid", 0),
        counts.get("waiting", 0),
        counts.get("marked", 0),
        stale,
        wrong,
    )


def device(device_id: int) -> Device | None:
    return Device.objects.select_related("laboratory", "account").filter(id=device_id).first()


def device_of(account: DeviceToken) -> Device | None:
    """The device to which a token belongs."""
    return Device.objects.filter(account=account).first()


def operators_of(found: Device) -> list[User]:
    return list(found.operators.order_by("username"))


def readings_of(found: Device) -> QuerySet[Reading]:
    """A device's readings, newest first, with the messages in which they came."""
    return found.readings.select_related("message").defer("message__raw").order_by("-received", "-id")


def unreadable_of(found: Device) -> int:
    """How many things came from a device that could not be read."""
    return LabMessage.objects.filter(sender=f"device {found.serial}", problem="unreadable").count()


def lot_rows(at: datetime) -> list[LotRow]:
    """Every lot, the one that ends first at the top."""
    counts = dict(Reading.objects.values_list("lot").annotate(rows=Count("id")).values_list("lot", "rows"))
    today = clock.local_day(at)
    return [LotRow(lot, counts.get(lot.number, 0), _lot_state(lot, today)) for lot in KitLot.objects.order_by("expires", "id")]


def _lot_state(lot: KitLot, today: Any) -> str:
    if not lot.is_allowed:
        return "barred"
    if lot.expires < today:
        return "expired"
    return "soon" if lot.expires - today <= _SOON else "good"


def lot(lot_id: int) -> KitLot | None:
    return KitLot.objects.filter(id=lot_id).first()


def unknown_lots() -> list[str]:
    """Lots that readings name and nobody registered."""
    waiting = Reading.objects.filter(message__is_waiting=True, message__problem="lot")
    known = KitLot.objects.values("number")
    return list(waiting.exclude(lot__in=known).order_by("lot").values_list("lot", flat=True).distinct()[:50])


def labels() -> QuerySet[SampleLabel]:
    """Sample labels, the newest first."""
    return SampleLabel.objects.order_by("-made", "-id")


def label(label_id: int) -> SampleLabel | None:
    return SampleLabel.objects.filter(id=label_id).first()


def label_with(barcode: str) -> SampleLabel | None:
    return SampleLabel.objects.filter(barcode=barcode).first()


def labels_of(person: UUID) -> QuerySet[SampleLabel]:
    """The labels of a person, of all rows that are this person, newest first."""
    return SampleLabel.objects.filter(person__in=people_queries.same_person(person)).order_by("-given", "-id")


def printed(ids: Collection[int]) -> list[SampleLabel]:
    """Labels in the order in which they were made."""
    return list(SampleLabel.objects.filter(id__in=ids).order_by("id"))


def results_of_samples(barcodes: Collection[str]) -> dict[str, list[LabResult]]:
    """What came of samples, oldest first."""
    rows = LabResult.objects.filter(message__reading__barcode__in=barcodes, taken_back=None)
    found: dict[str, list[LabResult]] = {}
    for row in rows.select_related("message__reading").defer("message__raw").order_by("id"):
        found.setdefault(row.message.reading.barcode, []).append(row)
    return found


def results_of_readings(prefix: str) -> dict[str, list[str]]:
    """The results in force of readings whose numbers begin so."""
    rows = Reading.objects.filter(
        number__startswith=prefix, message__results__taken_back=None, message__results__is_in_force=True
    )
    found: dict[str, list[str]] = {}
    for number, result in rows.order_by("id").values_list("number", "message__results__result"):
        found.setdefault(number, []).append(result)
    return found


def stale_tile(at: datetime) -> dict[str, Any]:
    """Test devices in use that were not heard for too long."""
    rows = [row for row in device_rows(at) if row.is_stale]
    return {"value": len(rows), "note": ", ".join(row.device.place or row.device.serial for row in rows[:3])}
