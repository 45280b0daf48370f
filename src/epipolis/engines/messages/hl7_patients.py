"""The patient of an HL7 message: segment PID."""

from datetime import tzinfo

from epipolis.engines.messages.reports import NO_BIRTH, Mark, Patient
from epipolis.engines.messages.segments import Segment
from epipolis.engines.messages.times import birth_of, hl7_time

# HL7 table 0203 → the kinds that people's numbers have here.
IDENTIFIER_KINDS = {
    **dict.fromkeys(("NI", "SS", "SB", "NNCHN", "CZ", "PE"), "national_id"),
    "PPN": "passport",
    "DL": "driver_licence",
    "MR": "medical_record",
    "MRN": "medical_record",
    "PI": "patient",
    "PT": "patient",
    "": "patient",
}
_SEXES = {"M": "M", "MALE": "M", "F": "F", "FEMALE": "F", "O": "X", "X": "X", "A": "X", "OTHER": "X", "N": "X"}
_UNSURE = frozenset(["", "U", "UNK", "UNKNOWN"])


def identifier_kind(code: str) -> str:
    """national_id, passport, driver_licence, medical_record, patient, or the code itself in lower case."""
    upper = code.strip().upper()
    if upper in IDENTIFIER_KINDS:
        return IDENTIFIER_KINDS[upper]
    return "national_id" if upper.startswith("NN") else code.strip().lower()


def sex_of(text: str) -> str | None:
    """M, F, X, "" for unknown; None for a word that is none."""
    upper = text.strip().upper()
    return "" if upper in _UNSURE else _SEXES.get(upper)


def patient_of(pid: Segment, zone: tzinfo) -> tuple[Patient, list[Mark]]:
    """Whom the message is about, and what of it cannot be read."""
    marks: list[Mark] = []
    birth = birth_of(pid.text(7))
    if birth is None:
        marks.append(Mark(pid.at(7), "is no date of birth", pid.text(7)))
    sex = sex_of(pid.text(8))
    if sex is None:
        marks.append(Mark(pid.at(8), "is no sex of HL7 table 0001", pid.text(8)))
    died_at, _ = hl7_time(pid.text(29), zone)
    family, given = _name(pid)
    phones, emails = _reached(pid)
    address = next((one for one in pid.repetitions(11) if one), "")
    street = ", ".join(line for number in (1, 2) if (line := pid.part(address, number)))
    died = {"Y": True, "N": False}.get((pid.text(30) or pid.whole(30)).upper()[:1])
    return Patient(
        identifiers=_identifiers(pid),
        given=given,
        family=family,
        birth=birth or NO_BIRTH,
        sex=sex or "",
        phones=phones,
        emails=emails,
        address=street,
        city=pid.part(address, 3),
        region=pid.part(address, 4),
        postcode=pid.part(address, 5),
        country=pid.part(address, 6),
        language=pid.text(15),
        died=True if died_at and died is None else died,
        died_at=died_at,
    ), marks


def _identifiers(pid: Segment) -> tuple[tuple[str, str, str], ...]:
    found: dict[tuple[str, str], str] = {}
    for number, usual in ((3, ""), (2, ""), (4, ""), (19, "SS"), (20, "DL")):
        for one in pid.repetitions(number):
            value = pid.part(one, 1)
            if not value:
                continue
            kind = identifier_kind((pid.part(one, 5) if number < 19 else "") or usual)
            issuer = pid.part(one, 4) if number < 19 else ""
            found.setdefault((kind, value), issuer)
    return tuple((kind, value, issuer) for (kind, value), issuer in found.items())


def _name(pid: Segment) -> tuple[str, str]:
    """Family and given names of the legal name (type L), else of the first that is given."""
    names = [one for one in pid.repetitions(5) if one]
    if not names:
        return "", ""
    chosen = next((one for one in names if pid.part(one, 7).upper() == "L"), names[0])
    given = " ".join(part for number in (2, 3) if (part := pid.part(chosen, number)))
    return pid.part(chosen, 1), given


def _reached(pid: Segment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    phones: dict[str, None] = {}
    emails: dict[str, None] = {}
    for number in (13, 14, 40):
        for one in pid.repetitions(number):
            first, mail = pid.part(one, 1), pid.part(one, 4)
            equipment = pid.part(one, 3).upper()
            if "@" in mail or "@" in first or equipment in ("INTERNET", "X.400"):
                if address := next((text for text in (mail, first) if "@" in text), ""):
                    emails[address] = None
                continue
            if phone := _phone(pid, one, first):
                phones[phone] = None
    return tuple(phones), tuple(emails)


def _phone(pid: Segment, one: str, first: str) -> str:
    if first:
        return first
    if whole := pid.part(one, 12):  # the number unformatted
        return whole
    country, area, local = (pid.part(one, number) for number in (5, 6, 7))
    if not local:
        return ""
    return (f"+{country.lstrip('+')} " if country else "") + " ".join(part for part in (area, local) if part)
