"""Why a field of our bundle differs from what another program makes of the same message, as far as it is known.

Learned from the messages and bundles of microsoft/FHIR-Converter (70fd328e); each rule names what we do otherwise.
"""

import re

_WRITTEN = ("Bundle", "MessageHeader", "Patient", "Observation", "DiagnosticReport", "Specimen", "ServiceRequest", "Device")

_WHO = r"(performer|requester|collector|receiver|sender|resultsInterpreter|authorReference)\."
# (resource, field, who has it: ours, theirs, both, or the two values themselves), the reason; the first that fits holds.
_RULES: tuple[tuple[str, str, str, str], ...] = (
    (rf"(?!{'|'.join(_WRITTEN)})", "", "theirs", "a resource that a laboratory report does not need"),
    ("Device", "", "theirs", "a resource that a laboratory report does not need"),
    ("Device", "", "ours", "the test kit as a device"),
    ("", r"(^|\.)_?extension|text\.div", "theirs", "an extension of the converter, a race or a legal note"),
    ("", r"_endpoint\.|endpoint$|source\.(software|version)|destination\.name", "", "addresses and programs of the systems"),
    ("", r"\.(display|version)$|coding\.userSelected", "theirs", "words and versions of a code that both have"),
    ("", _WHO, "", "people and offices by name"),
    ("Observation", r"category\.|issued|^specimen", "ours", "written here only"),
    ("Observation", r"identifier\.", "", "the name of a finding within its order"),
    ("Observation", r"valueQuantity\.(unit|code|system)", "", "the unit as its code, not in words"),
    ("Observation", r"^status", "registered|unknown", "a result that is not there yet is registered, not unknown"),
    ("Observation", r"^status", "theirs", "observations on the visit and on the sample are no results"),
    ("Observation", r"note\.", "", "notes in one text, without who wrote them"),
    ("Observation", r"method\.", "theirs", "the test kit as a device"),
    ("Observation", r"bodySite\.", "theirs", "details of the sample and of the order that nothing here reads"),
    ("", r"(code|valueCodeableConcept|type)\.text", "theirs", "the original text beside the name of a code"),
    ("Patient", r"identifier\.(system|assigner)", "", "who gave a number, by name and not by address"),
    ("Patient", r"identifier\.type", "both", "all national numbers have one kind"),
    ("Patient", r"telecom\.|address\.(type|use|district)|name\.use", "", "uses of names, addresses and telephones"),
    ("Patient", r"maritalStatus|contact\.|generalPractitioner|communication", "theirs", "facts of a person that are not read"),
    ("", r"coding\.system", "theirs", "the address of a code system that only its sender knows"),
    ("(DiagnosticReport|ServiceRequest)", r"code\.coding", "theirs", "a second code for the same test"),
    ("(DiagnosticReport|ServiceRequest)", r"identifier\.", "theirs", "groups of orders, and who gave an order its number"),
    ("DiagnosticReport", r"conclusion", "ours", "notes on an order as its conclusion"),
    ("DiagnosticReport", r"^effectiveDateTime", "", "a report is dated by its sample"),
    ("DiagnosticReport", r"^status", "preliminary|unknown", "an order that says no status has that of its results"),
    ("DiagnosticReport", r"", "theirs", "a document that came along, and sections of the laboratory"),
    ("Specimen", r"type\.coding", "both", "the code system that the message names, not table 0487 for all"),
    ("ServiceRequest", r"^status", "active|unknown", "an order is active whatever its results"),
    ("ServiceRequest", r"^status", "active|completed", "an order is active whatever its results"),
    ("(Specimen|ServiceRequest)", r"", "ours", "one sample for an order, and only what is read of it"),
    ("(Specimen|ServiceRequest)", r"", "theirs", "one sample for an order, and only what is read of it"),
    ("Observation", r"", "theirs", "observations on the visit and on the sample are no results"),
    ("MessageHeader", r"eventCoding\.display", "both", "words and versions of a code that both have"),
)


def reason_of(resource: str, path: str, ours: str, expected: str) -> str:
    """The known reason for a difference; "" if there is none."""
    side = "both" if ours and expected else "ours" if ours else "theirs"
    for kind, name, whose, reason in _RULES:
        if whose in ("", side, f"{ours}|{expected}") and re.match(kind, resource) and re.search(name, path):
            return reason
    return ""
