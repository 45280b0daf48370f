"""Readings of test devices: the checks by rule, and the one result that a reading is."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop

from epipolis.core import audit, clock, rules
from epipolis.engines.messages import Patient
from epipolis.sense.labs.models import Device, KitLot, LabMessage, LabResult, Reading, SampleLabel
from epipolis.sense.people import queries as people_queries

from .filing import Chosen, Filed, file_all
from .locks import hold
from .measurements import RESULTS, read_measurement, report_of
from .reading import Told, raw_of, reports_of
from .reasons import CLOCK, DEVICE, IDENTITY, LOT, OPERATOR, SAMPLE, TWIN, Reason, UnclearError, told

PACK = "device_readings"
_FINAL = "final"


def file_reading(message: LabMessage, *, by: audit.Actor, at: datetime, chosen: Chosen | None) -> list[Filed]:
    """File a stored reading under the person who was given the sample's label. Somebody who looked may say otherwise.

    Raises:
        UnclearError: a person must look.
        RejectedError: it cannot be read.
    """
    raw = raw_of(message)
    reports_of(raw, message.format)
    found = read_measurement(raw)
    reading = Reading.objects.select_related("device").get(message=message)
    hold(f"sample {reading.barcode}")
    if chosen is None:
        _check_sending(reading)
        _check_times(reading)
    lot = _lot(reading, is_asked=chosen is not None)
    person = chosen.person if chosen is not None and chosen.person else _person(reading)
    status, marks = weigh(reading, lot)
    if chosen is None:
        marks += _check_repeats(reading, status)
    report = report_of(found, measured_at=reading.measured_at, status=status, serial=reading.device.serial)
    report = replace(report, patient=_patient(person))
    ref = f"{reading.device.serial} {reading.number}"[:100]
    one = Told(report, report.findings[0], lot.disease, lot.kind, ref)
    filed = file_all(message, [one], by=by, at=at, chosen=Chosen(person, bool(chosen and chosen.makes_case)))
    Reading.objects.filter(id=reading.id).update(marks=marks)
    return [replace(row, reason=[*row.reason, *marks]) for row in filed]


def weigh(reading: Reading, lot: KitLot) -> tuple[str, Reason]:
    """What a reading is worth, by the rules in force: "final", or "preliminary" which confirms nothing; and its marks."""
    pack = rules.in_force(PACK, clock.local_day(reading.received))
    statuses, marks = [], []
    if clock.local_day(reading.measured_at) > lot.expires:
        statuses.append(pack["expired"])
        marks += told(gettext_noop("The lot %(lot)s ended on %(day)s."), lot=lot.number, day=lot.expires)
    if _is_outside(reading.temperature, lot, pack.content):
        statuses.append(pack["out_of_temperature"])
        text = gettext_noop("It was read at %(degrees)s °C, outside the temperatures of the kit.")
        marks += told(text, degrees=reading.temperature)
    if not reading.control_valid:
        marks += told(gettext_noop("The control line is missing: the test says nothing."))
    if reading.clock_offset:
        text = gettext_noop("The device’s clock was wrong by %(seconds)s seconds; its time was corrected.")
        marks += told(text, seconds=round(reading.clock_offset))
    if reading.battery is not None and reading.battery < pack["battery_percent"]:
        marks += told(gettext_noop("The battery was at %(percent)s %%."), percent=reading.battery)
    return next((one for one in statuses if one != _FINAL), _FINAL), marks


def _is_outside(degrees: float | None, lot: KitLot, content: Mapping[str, Any]) -> bool:
    if degrees is None:
        return False
    coldest = content["coldest"] if lot.coldest is None else lot.coldest
    warmest = content["warmest"] if lot.warmest is None else lot.warmest
    return not coldest <= degrees <= warmest


def _check_sending(reading: Reading) -> None:
    device = reading.device
    if device.state == Device.State.ANNOUNCED:
        raise UnclearError(DEVICE, gettext_noop("No device is registered as %(serial)s."), serial=device.serial)
    if device.state != Device.State.ACTIVE:
        text = gettext_noop("The device %(serial)s is said to be lost.")
        if device.state == Device.State.PAUSED:
            text = gettext_noop("The device %(serial)s is paused.")
        raise UnclearError(DEVICE, text, serial=device.serial)
    if not reading.is_proven:
        text = gettext_noop("Nothing proves that the device %(serial)s sent it.")
        raise UnclearError(IDENTITY, text, serial=device.serial)
    if not reading.is_first:
        text = gettext_noop("The device has used the number %(number)s before, for another reading.")
        raise UnclearError(TWIN, text, number=reading.number)
    if not device.operators.filter(username=reading.operator, is_active=True).exists():
        text = gettext_noop("%(operator)s does not work with the device %(serial)s.")
        raise UnclearError(OPERATOR, text, operator=reading.operator, serial=device.serial)


def _check_times(reading: Reading) -> None:
    ahead = clock.local_day(reading.measured_at) > clock.local_day(reading.received)
    oldest = timedelta(days=rules.in_force(PACK, clock.local_day(reading.received))["oldest_days"])
    if ahead or reading.received - reading.measured_at > oldest:
        text = gettext_noop("It says that it was measured at %(time)s, which cannot be right.")
        raise UnclearError(CLOCK, text, time=reading.measured_at.isoformat(timespec="minutes"))


def _lot(reading: Reading, *, is_asked: bool) -> KitLot:
    lot = KitLot.objects.filter(number=reading.lot).first()
    if lot is None:
        raise UnclearError(LOT, gettext_noop("No lot is registered as %(lot)s."), lot=reading.lot)
    if not lot.is_allowed and not is_asked:
        raise UnclearError(LOT, gettext_noop("The lot %(lot)s must not be used."), lot=reading.lot)
    return lot


def _person(reading: Reading) -> UUID:
    """Whom the sample is of, as the counter said."""
    label = SampleLabel.objects.filter(barcode=reading.barcode).first()
    if label is None:
        raise UnclearError(SAMPLE, gettext_noop("No label has the barcode %(barcode)s."), barcode=reading.barcode)
    if label.taken_back is not None:
        raise UnclearError(SAMPLE, gettext_noop("The label %(barcode)s was taken back."), barcode=reading.barcode)
    if label.person_id is None:
        text = gettext_noop("The label %(barcode)s was not given to anybody yet.")
        raise UnclearError(SAMPLE, text, barcode=reading.barcode)
    holder = people_queries.holding([label.person_id]).get(label.person_id, label.person_id)
    row = people_queries.person(holder)
    if row is None or row.erased is not None:
        raise UnclearError(SAMPLE, gettext_noop("The person with the label %(barcode)s is erased."), barcode=reading.barcode)
    return holder


def _patient(person: UUID) -> Patient:
    """What a case may know without anybody's looking: sex and year of birth."""
    row = people_queries.person(person)
    return Patient(sex=row.sex, birth=(row.birth_year, None, None)) if row is not None else Patient()


def _check_repeats(reading: Reading, status: str) -> Reason:
    """Other readings of the same sample: one that says the same is noted, one that says the opposite needs a person."""
    others = LabResult.objects.filter(message__reading__barcode=reading.barcode, taken_back=None)
    others = others.exclude(message=reading.message_id)
    answers = set(others.filter(status=_FINAL).values_list("result", flat=True)) & {"positive", "negative"}
    own = RESULTS[reading.result] if reading.control_valid else ""
    if status == _FINAL and own in ("positive", "negative") and answers - {own}:
        text = gettext_noop("Another reading of the sample %(barcode)s says the opposite.")
        raise UnclearError(SAMPLE, text, barcode=reading.barcode)
    count = others.count()
    return told(gettext_noop("The sample had been read before, %(count)s times."), count=count) if count else []
