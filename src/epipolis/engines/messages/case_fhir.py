"""Cases as FHIR R4 and back: a bundle of Patient, Condition, Encounter, Observation, Specimen, DiagnosticReport, RelatedPerson.

What FHIR has no field for is an Observation in a code of epipolis (system urn:epipolis:case): others keep it unread.
"""

from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Any

from epipolis.engines.messages.case_documents import CaseDocument, DocumentContact, DocumentTest, day_of
from epipolis.engines.messages.codes import answer_of, usual_tests
from epipolis.engines.messages.fhir_patients import patient_in, specimen_in
from epipolis.engines.messages.fhir_resources import (
    Json,
    Resources,
    codes_in,
    dict_of,
    dicts_of,
    read_resources,
    text_of,
    texts_of,
    words_of,
)
from epipolis.engines.messages.fhir_writing import RESULTS, V2, Entries, checked, concept, patient_json, specimen_json
from epipolis.engines.messages.reports import KINDS, MessageError, Patient, Specimen
from epipolis.engines.messages.times import birth_of, fhir_time, write_fhir_time

_CASE, _SYMPTOM, _CIRCUMSTANCE = "urn:epipolis:case", "urn:epipolis:symptom", "urn:epipolis:circumstance"
_TEST, _SOURCE = "urn:epipolis:test", "urn:epipolis:source:"
_VERIFICATION = {"suspected": "unconfirmed", "probable": "provisional", "confirmed": "confirmed", "not_a_case": "refuted"}
_CLINICAL = {"ill": "active", "recovered": "resolved", "died": "inactive"}
_STATUSES = {"final": "final", "corrected": "corrected", "withdrawn": "entered-in-error", "preliminary": "preliminary"}
_SEXES = {"M": "male", "F": "female", "X": "other"}
_STATES = {"yes": ("Y", "Yes"), "no": ("N", "No"), "unknown": ("UNK", "Unknown")}
_TERMS = "http://terminology.hl7.org/CodeSystem/"
OWN_FACTS = (
    *("exposed_from", "exposed_until", "sampled", "confirmed", "isolated", "has_symptoms", "age_from", "age_to"),
    *("neighbourhood", "region", "setting", "infected_by"),
)


def write_case_fhir(document: CaseDocument, *, at: datetime) -> Json:
    """A bundle of the case as plain JSON, written at a time.

    Raises:
        MessageError: the result would be no valid FHIR R4; the place is named.
    """
    entries = Entries(f"case|{document.source}|{document.case_id}")
    person = patient_json(document.person)
    if document.district:
        person["address"] = [{**(person["address"][0] if person["address"] else {}), "district": document.district}]
    subject = {"reference": entries.add("Patient", person)}
    entries.add("Condition", _condition(document, subject))
    if document.hospitalised:
        stay = {"system": f"{_TERMS}v3-ActCode", "code": "IMP"}
        begins = {"start": document.hospitalised.isoformat()}
        entries.add("Encounter", {"status": "unknown", "class": stay, "subject": subject, "period": begins})
    for name in OWN_FACTS:
        value = getattr(document, name)
        if value not in (None, ""):
            entries.add("Observation", _observation(concept(name, "", _CASE), subject) | _fact(value))
    for system, answers in ((_SYMPTOM, document.symptoms), (_CIRCUMSTANCE, document.circumstances)):
        for name, said in answers:
            value = {"coding": [{"system": f"{V2}0136", "code": _STATES[said][0], "display": _STATES[said][1]}]}
            entries.add("Observation", _observation(concept(name, "", system), subject) | {"valueCodeableConcept": value})
    for test in document.tests:
        _add_test(entries, test, subject)
    for contact in document.contacts:
        entries.add("RelatedPerson", _related(contact, subject))
    bundle = {"resourceType": "Bundle", "type": "collection", "timestamp": write_fhir_time(at), "entry": entries.made}
    return checked(bundle)


def _condition(document: CaseDocument, subject: Json) -> Json:
    codes = usual_tests().diseases.get(document.disease, {})
    coding = [concept(code, "", system)["coding"][0] for system, code in codes.items()]
    course = {"system": f"{_TERMS}condition-clinical", "code": _CLINICAL.get(document.outcome, "")}
    proof = {"system": f"{_TERMS}condition-ver-status", "code": _VERIFICATION[document.classification]}
    return {
        "identifier": [{"system": f"{_SOURCE}{document.source}", "value": document.case_id}],
        "clinicalStatus": {"coding": [course]} if document.outcome else {},
        "verificationStatus": {"coding": [proof]},
        "code": {"coding": coding, "text": document.disease} if coding else {"text": document.disease},
        "subject": subject,
        "onsetDateTime": document.onset.isoformat() if document.onset else "",
        "abatementDateTime": document.ended.isoformat() if document.ended else "",
        "recordedDate": document.reported.isoformat() if document.reported else "",
        "note": [{"text": document.note}] if document.note else [],
    }


def _observation(code: Json, subject: Json) -> Json:
    return {"status": "final", "code": code, "subject": subject}


def _fact(value: object) -> Json:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    return {"valueDateTime": value.isoformat()} if isinstance(value, date) else {"valueString": value}


def _add_test(entries: Entries, test: DocumentTest, subject: Json) -> None:
    sample = Specimen(kind=test.specimen, taken_at=test.sampled_at)
    specimen = {"reference": entries.add("Specimen", specimen_json(sample, subject))} if sample != Specimen() else {}
    code = concept(test.kind or "other", "", _TEST) | ({"text": test.disease} if test.disease else {})
    pending = test.result == "pending"
    result = entries.add(
        "Observation",
        {
            "identifier": [{"system": f"{_SOURCE}{test.source}", "value": test.source_ref}] if test.source_ref else [],
            "status": "registered" if pending else _STATUSES[test.status],
            "code": code,
            "subject": subject,
            "issued": write_fhir_time(test.resulted_at) if test.resulted_at else "",
            "valueCodeableConcept": concept(*RESULTS[test.result], "SCT") if test.result in RESULTS else {},
            "specimen": specimen,
        },
    )
    report = {"status": "registered" if pending else _STATUSES[test.status], "code": code, "subject": subject}
    entries.add("DiagnosticReport", report | {"specimen": [specimen] if specimen else [], "result": [{"reference": result}]})


def _related(contact: DocumentContact, subject: Json) -> Json:
    name = {"family": contact.family, "given": contact.given.split(" ") if contact.given else []}
    span = {"start": contact.first_contact, "end": contact.last_contact}
    whole = patient_json(Patient(birth=contact.birth, sex=contact.sex, phones=contact.phones))
    return {
        "identifier": [{"value": contact.ref}] if contact.ref else [],
        "patient": subject,
        "relationship": [{"text": contact.relation}] if contact.relation else [],
        "name": [{key: value for key, value in name.items() if value}] if contact.family or contact.given else [],
        "telecom": whole["telecom"],
        "gender": _SEXES.get(contact.sex, ""),
        "birthDate": whole["birthDate"],
        "period": {key: day.isoformat() for key, day in span.items() if day},
    }


def read_case_fhir(raw: bytes, zone: tzinfo) -> CaseDocument:
    """The case of a bundle. `zone` is that of times that name none.

    Raises:
        MessageError: it is no FHIR JSON, or has not one Condition and one Patient.
    """
    resources = read_resources(raw)
    conditions, patients = list(resources.of("Condition")), list(resources.of("Patient"))
    if len(conditions) != 1 or len(patients) != 1:
        raise MessageError("$", "one case has one Condition and one Patient", f"{len(conditions)} and {len(patients)}")
    (where, told), (_, person) = conditions[0], patients[0]
    patient, _ = patient_in(person, patients[0][0], zone)
    tests, filed = _tests(resources, zone)
    document = replace(
        _case(told, where, zone, tests),
        person=patient,
        district=next((text for one in dicts_of(person.get("address")) if (text := text_of(one.get("district")))), ""),
        contacts=tuple(_contact(one, path) for path, one in resources.of("RelatedPerson")),
    )
    stay = next((dict_of(one.get("period")) for _, one in resources.of("Encounter")), {})
    facts: dict[str, Any] = {"hospitalised": day_of(text_of(stay.get("start")), "$.Encounter.period.start")}
    symptoms: list[tuple[str, str]] = []
    circumstances: list[tuple[str, str]] = []
    for path, one in resources.of("Observation"):
        if path in filed:
            continue
        for system, code in codes_in(one.get("code")):
            if system == _CASE and code in OWN_FACTS:
                facts[code] = _value(one, code, path)
            elif system in (_SYMPTOM, _CIRCUMSTANCE):
                said = answer_of(*(code for _, code in codes_in(one.get("valueCodeableConcept")))) or "unknown"
                (symptoms if system == _SYMPTOM else circumstances).append((code, said))
    return replace(document, symptoms=tuple(symptoms), circumstances=tuple(circumstances), **facts)


def _case(told: Json, where: str, zone: tzinfo, tests: tuple[DocumentTest, ...]) -> CaseDocument:
    number = next(iter(dicts_of(told.get("identifier"))), {})
    if not text_of(number.get("value")):
        raise MessageError(f"{where}.identifier", "a case needs its number")
    proof = next((code for _, code in codes_in(told.get("verificationStatus"))), "unconfirmed")
    clinical = next((code for _, code in codes_in(told.get("clinicalStatus"))), "")
    known = (usual_tests().disease_of(system, code) for system, code in codes_in(told.get("code")))
    disease = text_of(dict_of(told.get("code")).get("text")) or next((one for one in known if one), "")
    return CaseDocument(
        case_id=text_of(number.get("value")),
        disease=disease or words_of(told.get("code")),
        source=text_of(number.get("system")).removeprefix(_SOURCE),
        classification=next((name for name, code in _VERIFICATION.items() if code == proof), "suspected"),
        outcome=next((name for name, code in _CLINICAL.items() if code == clinical), ""),
        onset=day_of(text_of(told.get("onsetDateTime")), f"{where}.onsetDateTime"),
        ended=day_of(text_of(told.get("abatementDateTime")), f"{where}.abatementDateTime"),
        reported=day_of(text_of(told.get("recordedDate")), f"{where}.recordedDate"),
        note="\n".join(text for one in dicts_of(told.get("note")) if (text := text_of(one.get("text")))),
        tests=tests,
    )


def _value(told: Json, name: str, path: str) -> object:
    if name == "has_symptoms":
        return told.get("valueBoolean") if isinstance(told.get("valueBoolean"), bool) else None
    if name in ("age_from", "age_to"):
        text = text_of(told.get("valueInteger"))
        if not text.isascii() or not text.isdigit() or len(text) > 3:
            raise MessageError(f"{path}.valueInteger", "is no age", text)
        return int(text)
    if "valueDateTime" in told:
        return day_of(text_of(told.get("valueDateTime")), f"{path}.valueDateTime")
    return text_of(told.get("valueString"))


def _tests(resources: Resources, zone: tzinfo) -> tuple[tuple[DocumentTest, ...], set[str]]:
    made, filed = [], set()
    for path, told in resources.of("Observation"):
        kind = next((code for system, code in codes_in(told.get("code")) if system == _TEST and code in KINDS), "")
        if not kind:
            continue
        filed.add(path)
        number = next(iter(dicts_of(told.get("identifier"))), {})
        status = text_of(told.get("status"))
        _, sample = resources.follow(told.get("specimen"), path)
        specimen = specimen_in(sample, zone) if sample else Specimen()
        result = usual_tests().result(codes_in(told.get("valueCodeableConcept")), "", "")[0]
        made.append(
            DocumentTest(
                source=text_of(number.get("system")).removeprefix(_SOURCE),
                source_ref=text_of(number.get("value")),
                kind=kind,
                disease=text_of(dict_of(told.get("code")).get("text")),
                result=result or ("pending" if status == "registered" else ""),
                status=next((name for name, code in _STATUSES.items() if code == status), "preliminary"),
                specimen=specimen.kind,
                sampled_at=specimen.taken_at,
                resulted_at=fhir_time(text_of(told.get("issued")), zone)[0],
            )
        )
    return tuple(made), filed


def _contact(told: Json, path: str) -> DocumentContact:
    name, span = next(iter(dicts_of(told.get("name"))), {}), dict_of(told.get("period"))
    number = next(iter(dicts_of(told.get("identifier"))), {})
    reached = [text_of(one.get("value")) for one in dicts_of(told.get("telecom")) if text_of(one.get("system")) == "phone"]
    sexes = {word: sex for sex, word in _SEXES.items()}
    return DocumentContact(
        ref=text_of(number.get("value")),
        given=" ".join(texts_of(name.get("given"))),
        family=text_of(name.get("family")),
        birth=birth_of(text_of(told.get("birthDate"))) or (None, None, None),
        sex=sexes.get(text_of(told.get("gender")), ""),
        phones=tuple(one for one in reached if one),
        relation=next((words_of(one) for one in dicts_of(told.get("relationship"))), ""),
        first_contact=day_of(text_of(span.get("start")), f"{path}.period.start"),
        last_contact=day_of(text_of(span.get("end")), f"{path}.period.end"),
    )
