import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from epipolis.engines.messages import (
    Finding,
    MessageError,
    NoResultError,
    Specimen,
    peek_fhir,
    read_fhir,
    read_hl7,
    read_patient_fhir,
    result_key,
    write_fhir,
    write_hl7,
)

from .written import OBR, OBX, PID, SPM, ZONE, message, obr, obx

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"type": {"coding": [{"code": "NI"}]}, "value": "A123456789", "system": "urn:oid:2.16.158.1"}],
    "name": [{"use": "nickname", "family": "No"}, {"use": "official", "family": "王", "given": ["小", "明"]}],
    "birthDate": "1980-03",
    "gender": "male",
    "telecom": [{"system": "phone", "value": "+886 2 5550100"}, {"system": "email", "value": "ming@example.org"}],
    "address": [{"line": ["1 Main St"], "city": "Taipei", "postalCode": "100"}],
}
TEST = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
    "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "260373001", "display": "Detected"}]},
    "effectiveDateTime": "2026-01-04",
    "subject": {"reference": "Patient/p1"},
}
REPORT = {
    "resourceType": "DiagnosticReport",
    "id": "d1",
    "identifier": [{"value": "F1"}],
    "status": "final",
    "code": {"text": "SARS-CoV-2"},
    "subject": {"reference": "Patient/p1"},
    "issued": "2026-01-05T12:00:00+08:00",
    "result": [{"reference": "Observation/o1"}],
    "performer": [{"display": "City Lab"}],
}


def bundle(*resources, **more):
    entries = [
        {"fullUrl": f"https://example.org/fhir/{one['resourceType']}/{one.get('id')}", "resource": one} for one in resources
    ]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries, **more}).encode()


def read_one(*resources, **more):
    (report,) = read_fhir(bundle(*resources, **more), ZONE)
    return report


def test_a_report_says_who_what_and_when():
    report = read_one(PATIENT, TEST, REPORT, identifier={"value": "B1"}, timestamp="2026-01-05T13:00:00Z")
    assert (report.message_id, report.laboratory, report.order, report.disease) == ("B1", "City Lab", "F1", "COVID-19")
    assert report.sent_at == datetime(2026, 1, 5, 13, tzinfo=UTC)
    assert report.reported_at == datetime(2026, 1, 5, 12, tzinfo=timezone(timedelta(hours=8)))
    patient = report.patient
    assert patient.identifiers == (("national_id", "A123456789", "urn:oid:2.16.158.1"),)
    assert (patient.family, patient.given, patient.birth, patient.sex) == ("王", "小 明", (1980, 3, None), "M")
    (finding,) = report.findings
    assert (finding.kind, finding.disease, finding.result, finding.status) == ("pcr", "COVID-19", "positive", "final")
    assert (finding.observed_at, finding.days_only) == (datetime(2026, 1, 4, tzinfo=ZONE), ("observed_at",))


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("final", "final"),
        ("corrected", "corrected"),
        ("amended", "corrected"),
        ("entered-in-error", "withdrawn"),
        ("x", "preliminary"),
    ],
)
def test_the_status_is_that_of_the_observation(told, status):
    assert read_one(PATIENT, TEST | {"status": told}, REPORT).findings[0].status == status


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"valueString": "Not detected"}, "negative"),
        ({"valueBoolean": True}, "positive"),
        ({"valueQuantity": {"value": 31.5, "unit": "Ct"}}, ""),
        ({"valueQuantity": {"value": 1}, "interpretation": [{"coding": [{"code": "POS"}]}]}, "positive"),
        ({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, "unsatisfactory"),
        ({"status": "registered"}, "pending"),
        ({"valueCodeableConcept": {"text": "陰性"}}, "negative"),
        ({"valueInteger": 7}, ""),
    ],
)
def test_the_result_is_what_the_value_says(value, result):
    told = {name: one for name, one in TEST.items() if name != "valueCodeableConcept"}
    assert read_one(PATIENT, told | value, REPORT).findings[0].result == result


def test_the_same_result_by_hl7_and_by_fhir_has_one_key():
    (by_hl7,) = read_hl7(message(PID, OBR, obx(f23="City Lab")), ZONE)
    by_fhir = read_one(PATIENT, TEST, REPORT)
    assert result_key(by_hl7, by_hl7.findings[0]) == result_key(by_fhir, by_fhir.findings[0])


def test_references_are_followed_by_address_by_type_and_into_what_is_contained():
    inside = {**TEST, "id": "in", "subject": {"reference": "https://example.org/fhir/Patient/p1"}}
    sample = {"resourceType": "Specimen", "id": "s", "type": {"text": "Swab"}, "receivedTime": "2026-01-04T18:00:00Z"}
    report = REPORT | {"contained": [inside, sample], "result": [{"reference": "#in"}], "specimen": [{"reference": "#s"}]}
    made = read_one(PATIENT, report | {"subject": {"reference": "https://other.example/Patient/p1/_history/3"}})
    assert (made.findings[0].result, made.specimen.kind, made.patient.family) == ("positive", "Swab", "王")


def test_what_is_contained_and_not_pointed_at_is_no_report_of_its_own():
    other = {**TEST, "id": "other", "subject": {"reference": "#gone"}}
    assert read_one(PATIENT, TEST, REPORT | {"contained": [other]}).findings[0].result == "positive"


def test_members_and_components_are_findings_of_their_own():
    part = {"code": {"coding": [{"system": "http://loinc.org", "code": "94533-7"}]}, "valueString": "positive"}
    panel = {
        **TEST,
        "id": "panel",
        "hasMember": [{"reference": "Observation/o1"}, {"reference": "Observation/panel"}],
        "component": [part],
    }
    panel.pop("valueCodeableConcept")
    made = read_one(PATIENT, panel, TEST, REPORT | {"result": [{"reference": "Observation/panel"}]})
    assert [one.ref for one in made.findings] == ["94500-6/94533-7", "94500-6"]
    assert [one.result for one in made.findings] == ["positive", "positive"]


def test_a_control_within_an_observation_is_no_result_of_its_disease():
    parts = [{"code": {"text": name}, "valueString": "positive"} for name in ("RNase P", "N gene")]
    made = read_one(PATIENT, TEST | {"component": parts}, REPORT)
    assert [(one.text, one.disease) for one in made.findings][1:] == [("RNase P", ""), ("N gene", "")]
    alone = {key: value for key, value in TEST.items() if key != "valueCodeableConcept"} | {"component": parts[1:]}
    assert read_one(PATIENT, alone, REPORT).findings[0].disease == "COVID-19"


def test_a_laboratory_observation_in_no_report_is_one():
    height = {**TEST, "id": "o2", "code": {"text": "Body height"}, "category": [{"coding": [{"code": "vital-signs"}]}]}
    made = read_fhir(bundle(PATIENT, TEST, height), ZONE)
    assert [(len(one.findings), one.findings[0].code) for one in made] == [(1, "94500-6")]


def test_one_resource_alone_is_a_message():
    told = TEST | {"subject": {"identifier": {"value": "77"}, "display": "Wang"}}
    (made,) = read_fhir(json.dumps(told).encode(), ZONE)
    assert (made.patient.identifiers[0][1], made.patient.family, made.message_id) == ("77", "Wang", "o1")


def test_a_message_without_a_number_is_known_by_its_content():
    told = {key: value for key, value in TEST.items() if key != "id"} | {"subject": {"identifier": {"value": "77"}}}
    raw = json.dumps(told).encode()
    assert read_fhir(raw, ZONE)[0].message_id == peek_fhir(raw).message_id
    assert peek_fhir(raw).message_id.startswith("sha256:")
    assert peek_fhir(raw + b" ").message_id != peek_fhir(raw).message_id


def test_the_onset_is_that_of_the_diagnosis_of_the_same_disease():
    condition = {"resourceType": "Condition", "id": "c", "onsetDateTime": "2026-01-02", "subject": {"reference": "Patient/p1"}}
    condition["code"] = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "U07.1"}]}
    assert read_one(PATIENT, TEST, REPORT, condition).onset == datetime(2026, 1, 2, tzinfo=ZONE)
    condition["code"]["coding"][0]["code"] = "J11"
    assert read_one(PATIENT, TEST, REPORT, condition).onset is None


def test_what_cannot_be_read_as_meant_is_marked():
    made = read_one(
        PATIENT | {"birthDate": "14/03/80", "gender": "m"}, REPORT | {"result": [{"reference": "Observation/gone"}]}
    )
    assert [mark.where for mark in made.marks] == [
        *("$.entry[0].resource.birthDate", "$.entry[0].resource.gender", "$.entry[1].resource.result[0]"),
    ]


def test_bytes_that_are_not_utf_8_are_marked_and_lone_halves_of_signs_go():
    raw = bundle(PATIENT, TEST, REPORT).replace(b"\\u738b", b"\xe9\\ud800x\\u0000")
    (made,) = read_fhir(raw, ZONE)
    assert made.patient.family.encode() == "�?x".encode()
    assert made.marks[0].rule == "bytes that are not of the character set"


def test_pictures_are_no_laboratory():
    with pytest.raises(NoResultError) as caught:
        read_fhir(bundle(PATIENT, TEST, REPORT | {"category": [{"coding": [{"code": "RAD"}]}]}), ZONE)
    assert caught.value.patient.family == "王"


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", "$"),
        (b"MSH|^~\\&|", "$"),
        (b"[1]", "$.resourceType"),
        (b'{"resourceType": null}', "$.resourceType"),
        (b"[" * 100_000, "$"),
        (bundle(TEST), "$.entry[0].resource.subject"),
        (bundle(PATIENT, TEST | {"subject": {"reference": "Patient/other"}}), "$.entry[1].resource.subject"),
    ],
)
def test_what_cannot_be_filed_is_refused_with_its_place(raw, where):
    with pytest.raises(MessageError) as caught:
        read_fhir(raw, ZONE)
    assert caught.value.where == where


def test_the_patient_alone_can_be_read():
    assert read_patient_fhir(json.dumps(PATIENT).encode(), ZONE).family == "王"
    with pytest.raises(MessageError, match="no Patient"):
        read_patient_fhir(json.dumps(TEST).encode(), ZONE)


def full_report():
    (report,) = read_hl7(
        message(PID, OBR, "NTE|1||on the order", OBX, "NTE|1||a | note", obx(f1="2", f4="b", f11="C"), SPM), ZONE
    )
    findings = (
        replace(report.findings[0], lot="L7"),
        report.findings[1],
        Finding("x", "x", "L", "own", result="pending", status="preliminary"),
    )
    return replace(
        report,
        findings=findings,
        onset=datetime(2026, 1, 2, tzinfo=ZONE),
        days_only=("onset",),
        answers=(("health_worker", "yes"),),
    )


def test_a_report_written_as_hl7_is_read_as_it_was():
    before = full_report()
    (after,) = read_hl7(write_hl7(before), ZONE)
    assert replace(after, findings=()) == replace(before, findings=())
    assert [replace(one, device="", lot="") for one in after.findings][:2] == [
        replace(one, device="", lot="") for one in before.findings
    ][:2]
    assert (after.findings[2].result, after.findings[2].status) == ("pending", "preliminary")


def test_a_report_written_as_fhir_is_read_as_it_was_but_for_local_code_systems():
    before = full_report()
    written = write_fhir(before)
    (after,) = read_fhir(json.dumps(written).encode(), ZONE)
    assert after.findings[:2] == before.findings[:2]
    assert (after.findings[2].result, after.findings[2].system) == ("pending", "")
    assert replace(after, findings=(), patient=before.patient) == replace(before, findings=())
    assert after.patient == replace(before.patient, identifiers=(("national_id", "A123456789", "TW"),))
    assert write_fhir(before) == written


def test_a_report_without_a_sample_or_an_order_number_is_written_too():
    report = replace(full_report(), specimen=Specimen(), order="", placer_order="", code="", text="", sender="")
    assert read_fhir(json.dumps(write_fhir(report)).encode(), ZONE)[0].findings[0].result == "positive"


def test_only_reports_of_one_message_are_written_together():
    report = full_report()
    assert len(read_hl7(write_hl7([report, replace(report, order="F2")]), ZONE)) == 2
    with pytest.raises(ValueError, match="one patient"):
        write_hl7([report, replace(report, message_id="M2")])
    for write in (write_hl7, write_fhir):
        with pytest.raises(ValueError, match="needs a report"):
            write([])


def test_what_would_be_no_valid_fhir_is_not_written():
    report = replace(full_report(), patient=replace(full_report().patient, birth=(0, 1, 1)))
    with pytest.raises(MessageError) as caught:
        write_fhir(report)
    assert "birthDate" in caught.value.where


def test_an_order_that_says_no_status_is_preliminary_as_long_as_a_result_is():
    assert read_hl7(message(PID, obr(f25=""), obx(f11="P"), obx(f1="2", f11="F")), ZONE)[0].status == "preliminary"
    assert read_hl7(message(PID, obr(f25=""), obx(f11="F")), ZONE)[0].status == "final"
