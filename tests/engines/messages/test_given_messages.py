"""The sample messages of the reference data load whole, and ours beside the FHIR that another converter makes of them."""

import json
from collections import Counter

import pytest

from epipolis.engines.messages import (
    NoResultError,
    compare_fhir,
    differences,
    read_fhir,
    read_hl7,
    read_patient_hl7,
    result_key,
    write_fhir,
    write_hl7,
)

from .written import ZONE

# file → (fields that are equal, fields that differ by reason). What is new here is either a mistake or wants a reason.
KNOWN = {
    "LAB-ORU-1": (
        194,
        {
            "an extension of the converter, a race or a legal note": 58,
            "written here only": 25,
            "a resource that a laboratory report does not need": 24,
            "one sample for an order, and only what is read of it": 20,
            "words and versions of a code that both have": 11,
            "people and offices by name": 8,
            "uses of names, addresses and telephones": 6,
            "the address of a code system that only its sender knows": 6,
            "who gave a number, by name and not by address": 3,
            "a report is dated by its sample": 2,
            "a result that is not there yet is registered, not unknown": 2,
            "facts of a person that are not read": 2,
            "an order that says no status has that of its results": 1,
            "addresses and programs of the systems": 1,
            "all national numbers have one kind": 1,
        },
    ),
    "LRI_2.0-NG_CBC_Typ_Message": (
        385,
        {
            "an extension of the converter, a race or a legal note": 149,
            "written here only": 112,
            "the unit as its code, not in words": 57,
            "a resource that a laboratory report does not need": 40,
            "the original text beside the name of a code": 37,
            "people and offices by name": 33,
            "words and versions of a code that both have": 32,
            "groups of orders, and who gave an order its number": 10,
            "one sample for an order, and only what is read of it": 10,
            "the address of a code system that only its sender knows": 6,
            "a second code for the same test": 2,
            "who gave a number, by name and not by address": 2,
            "an order is active whatever its results": 1,
            "the code system that the message names, not table 0487 for all": 1,
        },
    ),
    "ORU-R01-01": (
        61,
        {
            "a resource that a laboratory report does not need": 940,
            "one sample for an order, and only what is read of it": 93,
            "an extension of the converter, a race or a legal note": 47,
            "the address of a code system that only its sender knows": 42,
            "words and versions of a code that both have": 39,
            "groups of orders, and who gave an order its number": 18,
            "people and offices by name": 18,
            "facts of a person that are not read": 12,
            "a document that came along, and sections of the laboratory": 10,
            "the original text beside the name of a code": 9,
            "observations on the visit and on the sample are no results": 8,
            "addresses and programs of the systems": 7,
            "the name of a finding within its order": 5,
            "notes in one text, without who wrote them": 5,
            "uses of names, addresses and telephones": 5,
            "written here only": 4,
            "the test kit as a device": 3,
            "a second code for the same test": 3,
            "who gave a number, by name and not by address": 3,
            "a report is dated by its sample": 2,
            "details of the sample and of the order that nothing here reads": 2,
            "notes on an order as its conclusion": 1,
            "an order is active whatever its results": 1,
        },
    ),
}
UNLIKE = {  # of what matters of a result
    "LAB-ORU-1": [],
    "LRI_2.0-NG_CBC_Typ_Message": [],
    # The sample was taken in 2011 (SPM-17), though the order gives 2002 (OBR-7).
    "ORU-R01-01": [("DiagnosticReport", "effectiveDateTime", "2011-01-03T22:34:28+00:00", "2002-02-15T05:15:00+00:00")],
}


def reports_of(shared_data, name):
    return read_hl7((shared_data / "hl7v2" / f"{name}.hl7").read_bytes(), ZONE)


def compared(shared_data, name):
    expected = json.loads((shared_data / "hl7v2" / f"{name}-expected-fhir.json").read_text(encoding="utf-8"))
    return compare_fhir(write_fhir(reports_of(shared_data, name)), expected)


def test_every_given_hl7_message_is_read(shared_data):
    orders, without = {}, []
    for file in sorted((shared_data / "hl7v2").glob("*.hl7")):
        try:
            orders[file.stem] = [(one.order, len(one.findings)) for one in read_hl7(file.read_bytes(), ZONE)]
        except NoResultError as none:
            without.append(f"{file.stem} {none.value}")
    assert orders == {
        "LAB-ORU-1": [("82503246", 5), ("890775544", 5)],
        "LRI_2.0-NG_CBC_Typ_Message": [("R-991133", 28)],
        "ORU-R01-01": [("986", 1)],
    }
    assert without == [
        *("ADT-A01-01 ADT^A01", "ADT-A03-01 ADT^A03", "ADT-A04-01 ADT^A04", "ADT-A08-01 ADT^A08"),
        *("SIU-S12-01 SIU^S12", "SIU-S13-01 SIU^S13", "SIU-S14-01 SIU^S14", "SIU-S15-01 SIU^S15", "SIU-S16-01 SIU^S16"),
        *("SIU-S17-01 SIU^S17", "SIU-S26-01 SIU^S26", "VXU-V04-01 VXU^V04"),
    ]


def test_the_patients_of_given_admissions_are_read(shared_data):
    for file in sorted((shared_data / "hl7v2").glob("ADT*.hl7")):
        patient = read_patient_hl7(file.read_bytes(), ZONE)
        assert (patient.family, patient.birth) == ("Josh", (1988, 8, 18))
        assert ("medical_record", "1234567", "test") in patient.identifiers


def test_the_given_results_say_what_the_message_says(shared_data):
    first, second = reports_of(shared_data, "LAB-ORU-1")
    assert [one.status for one in first.findings] == ["preliminary"] * 4 + ["final"]
    assert [(one.value, one.unit, one.flag) for one in first.findings][1] == ("4.06", "tera.l-1", "N")
    assert [one.result for one in first.findings] == ["pending", "", "pending", "", ""]
    assert first.is_test_message
    (cbc,) = reports_of(shared_data, "LRI_2.0-NG_CBC_Typ_Message")
    assert Counter(one.result for one in cbc.findings) == {"": 23, "negative": 5}
    assert (cbc.laboratory, cbc.ordered_by, cbc.specimen.code) == ("Century Hospital", "Nicholas Radon", "119297000")
    (stool,) = reports_of(shared_data, "ORU-R01-01")
    (found,) = stool.findings
    assert (found.result, found.disease, found.status, found.device) == (
        *("positive", "Salmonellosis", "preliminary", "Bacterial Culture"),
    )
    assert len({result_key(one, finding) for one in (first, second) for finding in one.findings}) == 10


def test_the_given_reports_written_as_hl7_are_read_as_they_were(shared_data):
    for name in KNOWN:
        reports = reports_of(shared_data, name)
        assert read_hl7(write_hl7(reports), ZONE) == reports


@pytest.mark.parametrize("name", KNOWN)
def test_the_given_fhir_differs_from_ours_only_in_known_fields(shared_data, name):
    made = compared(shared_data, name)
    assert [one for one in made.differences if not one.reason] == []
    assert (made.equal, dict(Counter(one.reason for one in made.differences))) == KNOWN[name]


@pytest.mark.parametrize("name", KNOWN)
def test_what_matters_of_a_result_is_equal_in_the_given_fhir(shared_data, name):
    wanted = (
        *("birthDate", "gender", "name.family", "name.given", "identifier.value", "address.line", "address.city"),
        *("code.coding.code", "valueQuantity.value", "valueCodeableConcept.coding.code", "effectiveDateTime"),
        *("interpretation.coding.code", "valueString", "receivedTime"),
    )
    unlike = [
        (one.resource.split()[0], one.field, one.ours, one.expected)
        for one in compared(shared_data, name).differences
        if one.field in wanted and one.ours and one.expected
    ]
    assert unlike == UNLIKE[name]


def test_a_changed_value_is_a_difference_without_a_reason(shared_data):
    reports = reports_of(shared_data, "LRI_2.0-NG_CBC_Typ_Message")
    ours = write_fhir(reports)
    assert differences(ours, ours) == []
    changed = json.loads(json.dumps(ours).replace("12.5", "99.5").replace('"gender": "male"', '"gender": "female"'))
    assert [(one.field, one.ours, one.expected, one.reason) for one in differences(ours, changed)] == [
        *(("valueQuantity.value", "12.5", "99.5", ""), ("gender", "male", "female", "")),
    ]


def test_every_given_fhir_bundle_is_read(shared_data):
    files = sorted((shared_data / "fhir_synthea_r4").glob("*.json"))
    made = {file.stem: read_fhir(file.read_bytes(), ZONE) for file in files}
    assert sum(len(reports) for reports in made.values()) == 32
    findings = [finding for reports in made.values() for report in reports for finding in report.findings]
    assert (len(findings), {one.status for one in findings}) == (215, {"final"})
    assert all(one.code and one.observed_at for one in findings)
    assert [mark for reports in made.values() for report in reports for mark in report.marks] == []
    patients = {report.patient for reports in made.values() for report in reports}
    assert len(patients) == 10
    assert all(patient.family and patient.birth[2] and patient.sex and patient.identifiers for patient in patients)


def test_the_given_fhir_of_other_messages_holds_no_result(shared_data):
    for file in sorted((shared_data / "hl7v2").glob("ADT*.json")):
        with pytest.raises(NoResultError):
            read_fhir(file.read_bytes(), ZONE)
