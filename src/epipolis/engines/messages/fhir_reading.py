"""FHIR R4 into reports: one for every DiagnosticReport, and one for every laboratory Observation that stands in none."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from epipolis.engines.messages.codes import Tests, usual_tests
from epipolis.engines.messages.fhir_findings import STATUSES, answer_in, findings_in
from epipolis.engines.messages.fhir_patients import patient_in, specimen_in
from epipolis.engines.messages.fhir_resources import (
    Json,
    Resources,
    codes_in,
    dict_of,
    dicts_of,
    header_of_fhir,
    read_resources,
    text_of,
    texts_of,
    words_of,
)
from epipolis.engines.messages.reports import (
    Finding,
    Header,
    LabReport,
    Mark,
    MessageError,
    NoResultError,
    Patient,
    Specimen,
)
from epipolis.engines.messages.times import fhir_time

# Sections of HL7 table 0074 that are no laboratory: pictures, heart, lungs, nursing, therapy.
_ELSEWHERE = frozenset(
    [
        *("RAD", "RUS", "OUS", "VUS", "CUS", "CT", "NMR", "NMS", "XRC", "RX"),
        *("EC", "EN", "NRS", "PHY", "PT", "OT", "CTH", "ICU"),
        *("vital-signs", "imaging", "survey", "exam", "social-history", "therapy", "activity", "procedure"),
    ]
)


def peek_fhir(raw: bytes) -> Header:
    """Who sent which message; an empty Header for what is no FHIR."""
    try:
        return header_of_fhir(read_resources(raw))
    except MessageError:
        return Header()


def read_fhir(raw: bytes, zone: tzinfo, tests: Tests | None = None) -> list[LabReport]:
    """The reports of a Bundle, a DiagnosticReport or an Observation. `zone` is that of times that name none.

    Raises:
        NoResultError: it can be read and holds no laboratory result; its `patient` is the first that it tells of.
        MessageError: it is no FHIR JSON, or a report does not say whose it is.
    """
    resources = read_resources(raw)
    told = header_of_fhir(resources)
    reading = _Reading(resources, told, zone, tests or usual_tests())
    made = list(reading.reports())
    if not made:
        patient = next((patient_in(one, path, zone)[0] for path, one in resources.of("Patient")), None)
        raise NoResultError("$", told.kind, told, patient)
    return made


@dataclass
class _Reading:
    """One message as it is read: patients are read once, and each observation is filed once."""

    resources: Resources
    told: Header
    zone: tzinfo
    tests: Tests
    patients: dict[str, tuple[Patient, list[Mark]]] = field(default_factory=dict)
    filed: set[str] = field(default_factory=set)
    onsets: dict[str, tuple[datetime, bool]] | None = None

    def reports(self) -> Iterator[LabReport]:
        for path, told in self.resources.of("DiagnosticReport"):
            if not _elsewhere(told):
                yield self._report(path, told, self._members(told.get("result"), path))
            else:
                self._members(told.get("result"), path)
        for path, told in self.resources.of("Observation"):
            if path not in self.filed and ".contained[" not in path and self._is_laboratory(told):
                self.filed.add(path)
                yield self._report(path, told, [(path, told), *self._members(told.get("hasMember"), path)])

    def _is_laboratory(self, told: Json) -> bool:
        known = any(code in self.tests.tests for code in codes_in(told.get("code")))
        return known or "laboratory" in {code for one in dicts_of(told.get("category")) for _, code in codes_in(one)}

    def _members(self, references: object, owner: str) -> list[tuple[str, Json]]:
        """The observations that are pointed at, and those that these point at in turn; each one once."""
        found, waiting = [], [(one, owner) for one in reversed(dicts_of(references))]
        while waiting:
            reference, owner = waiting.pop()
            path, told = self.resources.follow(reference, owner)
            if path and path not in self.filed and told.get("resourceType") == "Observation":
                self.filed.add(path)
                found.append((path, told))
                waiting.extend((one, path) for one in reversed(dicts_of(told.get("hasMember"))))
        return found

    def _report(self, path: str, told: Json, members: list[tuple[str, Json]]) -> LabReport:
        patient, wrong = self._patient(path, told)
        findings, answers, onset, days = self._findings(members)
        order, placer = _orders(told)
        system, code = next(iter(codes_in(told.get("code"))), ("", ""))
        zone, head = self.zone, self.told
        reported_at, only = fhir_time(text_of(told.get("issued")), zone)
        named = {one.disease for one in findings if one.disease}
        disease = named.pop() if len(named) == 1 else ""
        sent_at, _ = fhir_time(head.sent, zone)
        if onset is None:
            onset, days = self._onset(disease)
        return LabReport(
            message_id=head.message_id,
            sender=head.sender or head.facility,
            laboratory=self._who(told.get("performer"), path) or head.facility or head.sender,
            sent_at=sent_at,
            order=order,
            placer_order=placer or self._placer(path, told),
            code=code,
            system=system,
            text=words_of(told.get("code")),
            status=STATUSES.get(text_of(told.get("status")), ("preliminary", ""))[0],
            reported_at=reported_at,
            patient=patient,
            specimen=self._specimen(path, told, members),
            findings=findings,
            ordered_by=self._ordered_by(path, told),
            onset=onset,
            answers=tuple(answers.items()),
            disease=disease,
            note=text_of(told.get("conclusion")),
            is_test_message=head.processing == "T",
            marks=(*self.resources.marks, *wrong, *self._missing(path, told)),
            days_only=("reported_at",) * (reported_at is not None and only) + days,
        )

    def _missing(self, path: str, told: Json) -> Iterator[Mark]:
        for position, one in enumerate(dicts_of(told.get("result"))):
            if not self.resources.follow(one, path)[0]:
                place = f"{path}.result[{position}]"
                yield Mark(place, "points at an observation that is not in the message", text_of(one.get("reference")))

    def _patient(self, path: str, told: Json) -> tuple[Patient, list[Mark]]:
        reference = dict_of(told.get("subject"))
        where, found = self.resources.follow(reference, path)
        if not found:
            everyone = self.resources.of("Patient")
            if len(everyone) == 1 and not text_of(reference.get("reference")):
                where, found = everyone[0]
        if not found:
            number = text_of(dict_of(reference.get("identifier")).get("value"))
            if not number:
                raise MessageError(f"{path}.subject", "names no patient of the message", text_of(reference.get("reference")))
            where, found = path, {"identifier": [reference["identifier"]], "name": [{"text": reference.get("display")}]}
        if where not in self.patients or where == path:
            self.patients[where] = patient_in(found, where, self.zone)
        return self.patients[where]

    def _findings(
        self, members: list[tuple[str, Json]]
    ) -> tuple[tuple[Finding, ...], dict[str, str], datetime | None, tuple[str, ...]]:
        made: list[Finding] = []
        answers: dict[str, str] = {}
        onset: datetime | None = None
        days: tuple[str, ...] = ()
        seen: dict[str, int] = {}
        for path, told in members:
            said = answer_in(told, self.zone, self.tests)
            if said is not None:
                if said[0] and said[1]:
                    answers[said[0]] = said[1]
                if said[2] is not None:
                    onset, days = said[2], ("onset",) * said[3]
                continue
            for one in findings_in(told, path, self.resources, self.zone, self.tests):
                count = seen[one.ref] = seen.get(one.ref, 0) + 1
                made.append(replace(one, ref=f"{one.ref}#{count}") if count > 1 else one)
        return tuple(made), answers, onset, days

    def _onset(self, disease: str) -> tuple[datetime | None, tuple[str, ...]]:
        """When the illness began, if the message also holds the diagnosis and its beginning."""
        if self.onsets is None:
            self.onsets = {}
            for _, told in self.resources.of("Condition"):
                day, only = fhir_time(text_of(told.get("onsetDateTime")), self.zone)
                if day is not None:
                    for code in codes_in(told.get("code")):
                        self.onsets.setdefault(self.tests.disease_of(*code), (day, only))
        found = self.onsets.get(disease) if disease else None
        return (found[0], ("onset",) * found[1]) if found else (None, ())

    def _specimen(self, path: str, told: Json, members: list[tuple[str, Json]]) -> Specimen:
        for owner, one in ((path, told), *members):
            for reference in dicts_of(one.get("specimen")):
                _, found = self.resources.follow(reference, owner)
                if found.get("resourceType") == "Specimen":
                    return specimen_in(found, self.zone)
        at, only = fhir_time(text_of(told.get("effectiveDateTime")), self.zone)
        return Specimen(taken_at=at, days_only=("taken_at",) * (at is not None and only))

    def _placer(self, path: str, told: Json) -> str:
        for reference in dicts_of(told.get("basedOn")):
            _, found = self.resources.follow(reference, path)
            if number := _orders(found)[1] or next(iter(_numbers(found)), ""):
                return number
        return ""

    def _ordered_by(self, path: str, told: Json) -> str:
        for reference in dicts_of(told.get("basedOn")):
            where, found = self.resources.follow(reference, path)
            if name := self._who(found.get("requester"), where):
                return name
        return ""

    def _who(self, references: object, owner: str) -> str:
        """The name of an organisation or a person that is pointed at."""
        for reference in dicts_of(references):
            where, found = self.resources.follow(reference, owner)
            if found.get("resourceType") == "PractitionerRole":
                _, found = self.resources.follow(found.get("practitioner"), where)
            name = found.get("name")
            person = next(iter(dicts_of(name)), {})
            spoken = [*texts_of(person.get("prefix")), *texts_of(person.get("given")), text_of(person.get("family"))]
            told = text_of(name) or text_of(person.get("text")) or " ".join(one for one in spoken if one)
            if told := told or text_of(reference.get("display")):
                return told
        return ""


def _elsewhere(told: Json) -> bool:
    codes = {code for one in dicts_of(told.get("category")) for _, code in codes_in(one)}
    return bool(codes) and codes <= _ELSEWHERE


def _numbers(told: Json) -> list[str]:
    return [value for one in dicts_of(told.get("identifier")) if (value := text_of(one.get("value")))]


def _orders(told: Json) -> tuple[str, str]:
    """The laboratory's number of the order and that of who ordered."""
    filler, placer, other = "", "", ""
    for one in dicts_of(told.get("identifier")):
        value, kinds = text_of(one.get("value")), {code for _, code in codes_in(one.get("type"))}
        if "FILL" in kinds:
            filler = filler or value
        elif "PLAC" in kinds:
            placer = placer or value
        else:
            other = other or value
    return filler or other or text_of(told.get("id")), placer


def read_patient_fhir(raw: bytes, zone: tzinfo) -> Patient:
    """The first patient of a FHIR message.

    Raises:
        MessageError: it is no FHIR JSON, or tells of nobody.
    """
    for path, told in read_resources(raw).of("Patient"):
        return patient_in(told, path, zone)[0]
    raise MessageError("$", "no Patient")
