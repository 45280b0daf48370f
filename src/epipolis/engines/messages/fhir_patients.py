"""The patient of a FHIR message, and the sample."""

from collections.abc import Iterable
from datetime import tzinfo

from epipolis.engines.messages.fhir_resources import Json, codes_in, dict_of, dicts_of, text_of, texts_of, words_of
from epipolis.engines.messages.hl7_patients import identifier_kind
from epipolis.engines.messages.reports import NO_BIRTH, Mark, Patient, Specimen
from epipolis.engines.messages.times import birth_of, fhir_time

_SEXES = {"male": "M", "female": "F", "other": "X", "unknown": "", "": ""}
_NATIONAL = ("http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1")


def patient_in(told: Json, path: str, zone: tzinfo) -> tuple[Patient, list[Mark]]:
    """Whom a Patient resource is about, and what of it cannot be read."""
    marks = []
    birth = birth_of(text_of(told.get("birthDate")))
    if birth is None:
        marks.append(Mark(f"{path}.birthDate", "is no date", text_of(told.get("birthDate"))))
    gender = text_of(told.get("gender")).lower()
    if gender not in _SEXES:
        marks.append(Mark(f"{path}.gender", "is none of male, female, other, unknown", gender))
    names = dicts_of(told.get("name"))
    name = next((one for one in names if text_of(one.get("use")) == "official"), names[0] if names else {})
    family, given = text_of(name.get("family")), " ".join(texts_of(name.get("given")))
    if not (family or given):
        family = text_of(name.get("text"))
    reached = [(text_of(one.get("system")), text_of(one.get("value"))) for one in dicts_of(told.get("telecom"))]
    homes = dicts_of(told.get("address"))
    home = next((one for one in homes if text_of(one.get("use")) == "home"), homes[0] if homes else {})
    spoken = next(iter(dicts_of(told.get("communication"))), {})
    died_at, _ = fhir_time(text_of(told.get("deceasedDateTime")), zone)
    died = told.get("deceasedBoolean")
    return Patient(
        identifiers=_identifiers(told),
        given=given,
        family=family,
        birth=birth or NO_BIRTH,
        sex=_SEXES.get(gender, ""),
        phones=_kept(value for system, value in reached if "@" not in value and system in ("phone", "sms", "")),
        emails=_kept(value for system, value in reached if system == "email" or (not system and "@" in value)),
        address=", ".join(texts_of(home.get("line"))) or text_of(home.get("text")),
        city=text_of(home.get("city")),
        region=text_of(home.get("state")),
        postcode=text_of(home.get("postalCode")),
        country=text_of(home.get("country")),
        language=next((code for _, code in codes_in(spoken.get("language"))), words_of(spoken.get("language"))),
        died=True if died_at else died if isinstance(died, bool) else None,
        died_at=died_at,
    ), marks


def _kept(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _identifiers(told: Json) -> tuple[tuple[str, str, str], ...]:
    found: dict[tuple[str, str], str] = {}
    for one in dicts_of(told.get("identifier")):
        value, system = text_of(one.get("value")), text_of(one.get("system"))
        if not value:
            continue
        code = next((code for _, code in codes_in(one.get("type"))), "")
        kind = "national_id" if system in _NATIONAL else identifier_kind(code)
        found.setdefault((kind, value), system or text_of(dict_of(one.get("assigner")).get("display")))
    # A number with a kind is better than the same number without one.
    named = {value for kind, value in found if kind != "patient"}
    return tuple((kind, value, issuer) for (kind, value), issuer in found.items() if kind != "patient" or value not in named)


def specimen_in(told: Json, zone: tzinfo) -> Specimen:
    """The sample that a Specimen resource describes."""
    taken = dict_of(told.get("collection"))
    at, only = fhir_time(
        text_of(taken.get("collectedDateTime")) or text_of(dict_of(taken.get("collectedPeriod")).get("start")), zone
    )
    received, received_only = fhir_time(text_of(told.get("receivedTime")), zone)
    numbers = [*dicts_of(told.get("accessionIdentifier")), *dicts_of(told.get("identifier"))]
    system, code = next(iter(codes_in(told.get("type"))), ("", ""))
    conditions = [words_of(one) for one in dicts_of(told.get("condition"))]
    refused = text_of(told.get("status")) == "unsatisfactory"
    return Specimen(
        ref=next((value for one in numbers if (value := text_of(one.get("value")))), ""),
        kind=words_of(told.get("type")),
        code=code,
        system=system,
        taken_at=at,
        received_at=received,
        rejected=", ".join(one for one in conditions if one) or "unsatisfactory" if refused else "",
        days_only=("taken_at",) * (at is not None and only) + ("received_at",) * (received is not None and received_only),
    )
