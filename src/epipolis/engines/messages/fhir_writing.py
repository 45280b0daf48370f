"""Reports as a FHIR R4 bundle; what is written is held against the models of fhir.resources, which load slowly and so late."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from epipolis.engines.messages.codes import system_of, uri_of
from epipolis.engines.messages.fhir_findings import FINDING
from epipolis.engines.messages.fhir_resources import Json
from epipolis.engines.messages.hl7_segments import TYPES
from epipolis.engines.messages.hl7_writing import ASKED, ONSET
from epipolis.engines.messages.reports import Finding, LabReport, MessageError, Patient, Specimen
from epipolis.engines.messages.times import write_birth, write_fhir_time

_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_UNKNOWN = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
V2 = "http://terminology.hl7.org/CodeSystem/v2-"
_V3 = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_SEXES = {"M": "male", "F": "female", "X": "other", "": "unknown"}
_REPORTS = {"final": "final", "corrected": "corrected", "withdrawn": "cancelled", "preliminary": "preliminary"}
RESULTS = {
    "positive": ("260373001", "Detected"),
    "negative": ("260415000", "Not detected"),
    "inconclusive": ("419984006", "Inconclusive"),
    "unsatisfactory": ("125154007", "Specimen unsatisfactory for evaluation"),
}
_SAID = {"yes": ("Y", "Yes"), "no": ("N", "No")}


def write_fhir(reports: LabReport | Sequence[LabReport]) -> Json:
    """A bundle of one message as plain JSON: MessageHeader, Patient, DiagnosticReport, Observation, Specimen.

    The same reports always give the same bundle, its ids too.

    Raises:
        ValueError: there is no report.
        MessageError: the result would be no valid FHIR R4; the place is named.
    """
    every = [reports] if isinstance(reports, LabReport) else list(reports)
    if not every:
        raise ValueError("a message needs a report")
    first = every[0]
    entries = Entries(f"{first.sender}|{first.message_id}")
    entries.add("MessageHeader", _header(first))
    patients: dict[Patient, str] = {}
    for report in every:
        if report.patient not in patients:
            patients[report.patient] = entries.add("Patient", patient_json(report.patient))
        _add_report(entries, report, patients[report.patient])
    bundle: Json = {"resourceType": "Bundle", "type": "message"}
    if first.message_id:
        bundle["identifier"] = {"value": first.message_id}
    if first.sent_at:
        bundle["timestamp"] = write_fhir_time(first.sent_at)
    return checked(bundle | {"entry": entries.made})


def checked(bundle: Json) -> Json:
    """The bundle, if it is valid FHIR R4.

    Raises:
        MessageError: it is not; the first broken rule is named.
    """
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415 -- it takes half a second to load, and only writers need it
    from pydantic import ValidationError  # noqa: PLC0415 -- loaded by the same

    try:
        Bundle.model_validate(bundle)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise MessageError("$." + ".".join(str(part) for part in wrong["loc"]), wrong["msg"]) from error
    return bundle


class Entries:
    """The entries of a bundle; ids follow from the message and the place of a resource in it."""

    def __init__(self, seed: str) -> None:
        self.made: list[Json] = []
        self._seed = seed

    def add(self, kind: str, fields: Json) -> str:
        """Adds a resource and returns the address by which others point at it."""
        url = f"urn:uuid:{uuid5(NAMESPACE_URL, f'epipolis|{self._seed}|{len(self.made)}')}"
        resource = {"resourceType": kind, "id": url.removeprefix("urn:uuid:")} | told(fields)
        self.made.append({"fullUrl": url, "resource": resource})
        return url


def told(fields: Json) -> Json:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in ("", None, [], {})}


def concept(code: str, text: str, system: str) -> Json:
    """A CodeableConcept."""
    code = " ".join(code.split())  # FHIR has no codes with two blanks
    coding = told({"system": uri_of(system_of(system)), "code": code, "display": text})
    return told({"coding": [coding] if code else [], "text": "" if code else text})


def time(at: datetime | None, *, day_only: bool = False) -> str:
    """A dateTime, or nothing."""
    return "" if at is None else write_fhir_time(at, day_only=day_only)


def patient_json(patient: Patient) -> Json:
    """The fields of a Patient resource."""
    home = {"line": [patient.address] if patient.address else [], "city": patient.city, "state": patient.region}
    home |= {"postalCode": patient.postcode, "country": patient.country}
    name = told({"family": patient.family, "given": patient.given.split(" ") if patient.given else []})
    reached = [{"system": "phone", "value": one} for one in patient.phones]
    reached += [{"system": "email", "value": one} for one in patient.emails]
    spoken = [{"language": {"coding": [{"code": patient.language}]}}] if patient.language else []
    return {
        "identifier": [_identifier(*one) for one in patient.identifiers],
        "name": [name] if name else [],
        "telecom": reached,
        "gender": _SEXES[patient.sex],
        "birthDate": write_birth(patient.birth, "-"),
        "deceasedBoolean": patient.died if patient.died_at is None else None,
        "deceasedDateTime": time(patient.died_at),
        "address": [told(home)] if told(home) else [],
        "communication": spoken,
    }


def _identifier(kind: str, value: str, issuer: str) -> Json:
    sort = {"coding": [{"system": f"{V2}0203", "code": TYPES.get(kind, kind.upper())}]}
    address = uri_of(issuer)
    assigner = {"display": issuer} if issuer and not address else {}
    return told({"type": sort, "system": address, "value": value, "assigner": assigner})


def _header(report: LabReport) -> Json:
    test = [{"system": f"{V2}0103", "code": "T"}] if report.is_test_message else []
    return {
        "meta": {"tag": test} if test else {},
        "eventCoding": {"system": f"{V2}0003", "code": "R01", "display": "ORU^R01"},
        "source": told({"name": report.sender, "_endpoint": {"extension": [_UNKNOWN]}}),
    }


def _add_report(entries: Entries, report: LabReport, patient: str) -> None:
    subject = {"reference": patient}
    sample = ""
    if report.specimen != Specimen():
        sample = entries.add("Specimen", specimen_json(report.specimen, subject))
    sampled = {"reference": sample} if sample else {}
    order = ""
    if report.ordered_by or report.placer_order:
        order = entries.add("ServiceRequest", _request(report, subject))
    based = [{"reference": order}] if order else []
    results = []
    for one in report.findings:
        kit = {"reference": entries.add("Device", device_json(one))} if one.device or one.lot else {}
        results.append(entries.add("Observation", finding_json(one, subject, sampled, kit) | {"basedOn": based}))
    results += [entries.add("Observation", one) for one in _asked(report, subject)]
    entries.add(
        "DiagnosticReport",
        {
            "identifier": _orders(report),
            "basedOn": based,
            "status": _REPORTS[report.status],
            "code": concept(report.code, report.text, report.system) or {"text": "Laboratory report"},
            "subject": subject,
            "effectiveDateTime": time(report.specimen.taken_at, day_only="taken_at" in report.specimen.days_only),
            "issued": time(report.reported_at),
            "performer": [{"display": report.laboratory}] if report.laboratory else [],
            "specimen": [sampled] if sampled else [],
            "result": [{"reference": one} for one in results],
            "conclusion": report.note,
        },
    )


def _orders(report: LabReport) -> list[Json]:
    numbers = (("PLAC", report.placer_order), ("FILL", report.order))
    return [{"type": {"coding": [{"system": f"{V2}0203", "code": kind}]}, "value": one} for kind, one in numbers if one]


def _request(report: LabReport, subject: Json) -> Json:
    return {
        "identifier": _orders(report),
        "status": "active",
        "intent": "filler-order",
        "code": concept(report.code, report.text, report.system),
        "subject": subject,
        "requester": {"display": report.ordered_by} if report.ordered_by else {},
    }


def specimen_json(specimen: Specimen, subject: Json) -> Json:
    """The fields of a Specimen resource."""
    taken = time(specimen.taken_at, day_only="taken_at" in specimen.days_only)
    return {
        "identifier": [{"value": specimen.ref}] if specimen.ref else [],
        "status": "unsatisfactory" if specimen.rejected else "available",
        "type": concept(specimen.code, specimen.kind, specimen.system),
        "subject": subject,
        "receivedTime": time(specimen.received_at, day_only="received_at" in specimen.days_only),
        "collection": {"collectedDateTime": taken} if taken else {},
        "condition": [{"text": specimen.rejected}] if specimen.rejected not in ("", "unsatisfactory") else [],
    }


def device_json(finding: Finding) -> Json:
    """The fields of a Device resource: the test kit or instrument."""
    name = [{"name": finding.device, "type": "model-name"}] if finding.device else []
    return {"deviceName": name, "lotNumber": finding.lot}


def finding_json(finding: Finding, subject: Json, sample: Json, device: Json) -> Json:
    """The fields of an Observation resource."""
    return {
        "status": "registered" if finding.result == "pending" else _REPORTS[finding.status],
        "identifier": [{"system": FINDING, "value": finding.ref}] if finding.ref != finding.code else [],
        "category": [{"coding": [{"system": _CATEGORY, "code": "laboratory"}]}],
        "code": concept(finding.code, finding.text, finding.system) or {"text": finding.ref},
        "subject": subject,
        "effectiveDateTime": time(finding.observed_at, day_only="observed_at" in finding.days_only),
        "issued": time(finding.resulted_at),
        **_value(finding),
        "interpretation": [{"coding": [{"system": _V3, "code": finding.flag}]}] if finding.flag else [],
        "note": [{"text": finding.note}] if finding.note else [],
        "specimen": sample,
        "device": device,
        "referenceRange": [{"text": finding.range}] if finding.range else [],
    }


def _value(finding: Finding) -> Json:
    if finding.value_code:
        return {"valueCodeableConcept": concept(finding.value_code, finding.value, finding.value_system)}
    if finding.value_type == "NM" and (number := _number(finding.value)) is not None:
        return {"valueQuantity": told({"unit": finding.unit}) | {"value": number}}
    if finding.value:
        return {"valueString": f"{finding.value} {finding.unit}".strip()}
    if finding.result in RESULTS:
        return {"valueCodeableConcept": concept(*RESULTS[finding.result], "SCT")}
    return {}


def _number(text: str) -> float | int | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if value != value or abs(value) > 1e15:
        return None
    return int(value) if value.is_integer() else value


def _asked(report: LabReport, subject: Json) -> list[Json]:
    made: list[Json] = []
    usual: dict[str, Any] = {"status": "final", "subject": subject}
    if report.onset:
        day = time(report.onset, day_only="onset" in report.days_only)
        made.append(usual | {"code": concept(*ONSET, "LN"), "valueDateTime": day})
    for name, said in report.answers:
        if name in ASKED:
            code, words = _SAID.get(said, ("UNK", "Unknown"))
            value = {"coding": [{"system": f"{V2}0136", "code": code, "display": words}]}
            made.append(usual | {"code": concept(*ASKED[name], "LN"), "valueCodeableConcept": value})
    return made
