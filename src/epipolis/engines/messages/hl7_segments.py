"""Segments of HL7 v2.5.1 as they are written: the separators of the standard, escaped text, no empty tail."""

from collections.abc import Sequence
from datetime import datetime

from epipolis.engines.messages.reports import Birth, Patient
from epipolis.engines.messages.segments import Separators
from epipolis.engines.messages.times import write_birth, write_hl7_time

SIGNS = Separators("MSH|^~\\&|")
TYPES = {"national_id": "NI", "passport": "PPN", "driver_licence": "DL", "medical_record": "MR", "patient": "PI"}
_HL7_SEXES = {"M": "M", "F": "F", "X": "O", "": "U"}


def field(*components: str) -> str:
    """A field of escaped components, without its empty tail."""
    return "^".join(SIGNS.escaped(one) for one in components).rstrip("^")


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment of fields that are written already, by their numbers."""
    last = max((number for number, value in fields.items() if value), default=0)
    return "|".join([name, *(fields.get(number, "") for number in range(1, last + 1))])


def time(at: datetime | None, *, day_only: bool = False) -> str:
    """A time, or nothing."""
    return "" if at is None else write_hl7_time(at, day_only=day_only)


def head(message_id: str, kind: Sequence[str], at: datetime | None, *, sender: str, facility: str, processing: str) -> str:
    """MSH: UTF-8, version 2.5.1; facility as named here."""
    fields = {1: field(sender), 2: field(facility), 5: time(at), 7: "^".join(kind), 8: field(message_id), 9: processing}
    return segment("MSH|^~\\&", fields | {10: "2.5.1", 16: "UNICODE UTF-8"})  # numbered from MSH-3


def pid(patient: Patient) -> str:
    """PID with what is known of the patient."""
    numbers = [field(value, "", "", issuer, TYPES.get(kind, kind.upper())) for kind, value, issuer in patient.identifiers]
    street, city, region, postcode = patient.address, patient.city, patient.region, patient.postcode
    reached = [field("", "PRN", "PH", "", "", "", "", "", "", "", "", one) for one in patient.phones]
    reached += [field("", "NET", "Internet", one) for one in patient.emails]
    return segment(
        "PID",
        {
            1: "1",
            3: "~".join(numbers),
            5: field(patient.family, patient.given, "", "", "", "", "L"),
            7: birth(patient.birth),
            8: _HL7_SEXES.get(patient.sex, "U"),
            11: field(street, "", city, region, postcode, patient.country, "H") if street or city or postcode else "",
            13: "~".join(reached),
            15: field(patient.language),
            29: time(patient.died_at),
            30: {True: "Y", False: "N", None: ""}[patient.died],
        },
    )


def birth(parts: Birth) -> str:
    """A date of birth as far as it is known."""
    return write_birth(parts)
