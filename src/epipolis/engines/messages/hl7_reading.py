"""HL7 v2 into reports: one for every order of a message (ORU^R01 and its kin; other messages hold no result).

The rules are those of HL7 v2.5.1, chapter 7, and of the US public health guide for laboratory reports: status by OBX-11, the
test kit in OBX-17 and 18 or in an OBX of its own, the specimen in SPM, else in OBR-15, else in an OBX.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from epipolis.engines.messages.charsets import decode
from epipolis.engines.messages.codes import Tests, usual_tests
from epipolis.engines.messages.hl7_findings import REPORT_STATUSES, Answers, codes_of, finding_of
from epipolis.engines.messages.hl7_patients import patient_of
from epipolis.engines.messages.reports import Finding, Header, LabReport, Mark, MessageError, NoResultError, Patient, Specimen
from epipolis.engines.messages.segments import MOST_BYTES, Segment, header_of, segments_of, split_batch
from epipolis.engines.messages.times import hl7_time


def peek_hl7(raw: bytes) -> Header:
    """Who sent which message, for any message that tells so much; an empty Header for one that does not."""
    try:
        text, _ = decode(raw[:65_536])
        first = split_batch(text)[0]
        return header_of(segments_of(first.replace("\n", "\r").split("\r", 1)[0])[0])
    except MessageError:
        return Header()


def read_hl7(raw: bytes, zone: tzinfo, tests: Tests | None = None) -> list[LabReport]:
    """The reports of a message, or of the messages of a batch file. `zone` is that of times that name none.

    Raises:
        NoResultError: it can be read and holds no laboratory result; its `patient` is what PID tells.
        MessageError: it is no HL7 message, or breaks a rule without which nothing can be filed.
    """
    if len(raw) > MOST_BYTES:
        raise MessageError("message", f"is larger than {MOST_BYTES} bytes")
    text, marks = decode(raw)
    table = tests or usual_tests()
    made: list[LabReport] = []
    empty: NoResultError | None = None
    for message in split_batch(text):
        try:
            made.extend(_reports(segments_of(message), zone, table, marks))
        except NoResultError as none:
            empty = none
    if empty is not None and not made:
        raise empty
    return made


@dataclass(slots=True)
class _Order:
    """The segments of one order, in the sequence in which they came."""

    orc: Segment | None = None
    obr: Segment | None = None
    notes: list[Segment] = field(default_factory=list)
    results: list[tuple[Segment, list[Segment]]] = field(default_factory=list)
    specimens: list[Segment] = field(default_factory=list)


def _reports(segments: list[Segment], zone: tzinfo, tests: Tests, marks: tuple[Mark, ...]) -> Iterator[LabReport]:
    head = segments[0]
    told = header_of(head)
    patients = [segment for segment in segments if segment.name == "PID"]
    if not told.kind.startswith("ORU") and not (told.kind[:3] in ("OUL", "ORM", "") and _has_results(segments)):
        whose = patient_of(patients[0], zone)[0] if patients else None
        raise NoResultError("MSH-9", told.kind or "no message type", told, whose)
    if not told.message_id:
        raise MessageError("MSH-10", "no message control id: a repeated message could not be known again")
    if not patients:
        raise MessageError("PID", "no segment PID: nobody knows whose result this is")
    sent_at, _ = hl7_time(told.sent, zone)
    common = [*marks, *([Mark("MSH-7", "is no time", told.sent)] if told.sent and sent_at is None else [])]
    found = False
    for patient, orders in _by_patient(segments, zone, common):
        for order in orders:
            if order.obr is None:
                raise MessageError("OBX[1]", "results without a segment OBR before them")
            found = True
            yield _report(order, told, sent_at, patient, zone, tests, common)
    if not found:
        raise NoResultError("OBR", told.kind, told, patient_of(patients[0], zone)[0])


def _has_results(segments: list[Segment]) -> bool:
    names = {segment.name for segment in segments}
    return {"OBR", "OBX"} <= names


def _by_patient(segments: list[Segment], zone: tzinfo, marks: list[Mark]) -> Iterator[tuple[Patient, list[_Order]]]:
    """Patients with their orders; segments that stand outside any order (visits, notes on the patient) are passed over."""
    patient: Patient | None = None
    orders: list[_Order] = []
    waiting: Segment | None = None
    for segment in segments:
        name = segment.name
        if name == "PID":
            if patient is not None:
                yield patient, orders
            patient, wrong = patient_of(segment, zone)
            marks.extend(wrong)
            orders, waiting = [], None
        elif name == "ORC":
            waiting = segment
        elif name == "OBR":
            orders.append(_Order(orc=waiting, obr=segment))
            waiting = None
        elif name == "OBX":
            if orders:
                if orders[-1].specimens:
                    continue  # an observation about the specimen is none about the patient
                orders[-1].results.append((segment, []))
        elif name == "NTE" and orders:
            last = orders[-1]
            (last.results[-1][1] if last.results else last.notes).append(segment)
        elif name == "SPM" and orders:
            orders[-1].specimens.append(segment)
    if patient is not None:
        yield patient, orders


def _report(
    order: _Order, told: Header, sent_at: datetime | None, patient: Patient, zone: tzinfo, tests: Tests, common: list[Mark]
) -> LabReport:
    obr, orc = order.obr, order.orc
    assert obr is not None  # noqa: S101 -- seen by the caller, told to the type checker
    marks = list(common)
    answers = Answers()
    findings = _findings(order, obr, zone, tests, answers, marks)
    specimen = _specimen(order, obr, zone, answers)
    reported_at, only = hl7_time(obr.text(22), zone)
    named = {one.disease for one in findings if one.disease}
    first = order.results[0][0] if order.results else None
    return LabReport(
        message_id=told.message_id,
        sender=told.sender or told.facility,
        laboratory=(first.text(23) if first else "") or told.facility or told.sender,
        sent_at=sent_at,
        order=obr.text(3) or (orc.text(3) if orc else ""),
        placer_order=obr.text(2) or (orc.text(2) if orc else ""),
        code=obr.text(4) or obr.text(4, 4),
        system=obr.text(4, 3) if obr.text(4) else obr.text(4, 6),
        text=obr.text(4, 2) or obr.text(4, 9) or obr.text(4, 5),
        status=_status(obr.text(25).upper(), findings),
        reported_at=reported_at,
        patient=patient,
        specimen=specimen,
        findings=tuple(findings),
        ordered_by=_person(obr, 16) or (_person(orc, 12) if orc else ""),
        onset=answers.onset,
        answers=tuple(answers.told.items()),
        questions=tuple(answers.questions),
        disease=named.pop() if len(named) == 1 else "",
        note="\n".join(note.whole(3) for note in order.notes if note.raw(3)),
        is_test_message=told.processing.upper() in ("T", "D"),
        marks=tuple(marks),
        days_only=("reported_at",) * (reported_at is not None and only) + answers.days_only,
    )


def _status(letter: str, findings: list[Finding]) -> str:
    """That of the order (OBR-25); of an order that says none, preliminary as long as one of its findings is."""
    if letter in REPORT_STATUSES:
        return REPORT_STATUSES[letter][0]
    return "final" if findings and all(one.status != "preliminary" for one in findings) else "preliminary"


def _findings(order: _Order, obr: Segment, zone: tzinfo, tests: Tests, answers: Answers, marks: list[Mark]) -> list[Finding]:
    taken = [one for one in order.results if not answers.take(one[0], zone, tests)]
    # A control or a comment beside the result must not become a result of the disease that the order is about.
    asked = tests.test(codes_of(obr, 4)) if len(taken) == 1 else ("", "")
    made: list[Finding] = []
    seen: dict[str, int] = {}
    for obx, notes in taken:
        one = finding_of(obx, notes, obr, zone, tests, asked, marks)
        count = seen[one.ref] = seen.get(one.ref, 0) + 1
        made.append(replace(one, ref=f"{one.ref}#{count}") if count > 1 else one)
    if not answers.device and not answers.lot:
        return made
    return [one if one.device else replace(one, device=answers.device) for one in made]


def _specimen(order: _Order, obr: Segment, zone: tzinfo, answers: Answers) -> Specimen:
    """The sample by SPM, else by OBR-15 and OBR-7, else by an observation that names its kind."""
    if not order.specimens:
        taken, taken_only = hl7_time(obr.text(7), zone)
        received, received_only = hl7_time(obr.text(14), zone)
        code, kind, system = obr.text(15, 1), obr.text(15, 2), ""
        if not (code or kind):
            code, kind, system = answers.specimen
        return Specimen("", kind or code, code, system, taken, received, "", _days(taken, taken_only, received, received_only))
    spm = order.specimens[0]
    taken, taken_only = hl7_time(spm.text(17), zone)
    if taken is None:
        taken, taken_only = hl7_time(obr.text(7), zone)
    received, received_only = hl7_time(spm.text(18), zone)
    ids = [spm.part(spm.raw(2), component) for component in (2, 1)]
    return Specimen(
        ref=next((one for one in ids if one), ""),
        kind=spm.text(4, 2) or spm.text(4, 9) or spm.text(4, 1),
        code=spm.text(4, 1),
        system=spm.text(4, 3),
        taken_at=taken,
        received_at=received,
        rejected=spm.text(21, 2) or spm.text(21, 1),
        days_only=_days(taken, taken_only, received, received_only),
    )


def _days(taken: datetime | None, taken_only: bool, received: datetime | None, received_only: bool) -> tuple[str, ...]:
    return ("taken_at",) * (taken is not None and taken_only) + ("received_at",) * (received is not None and received_only)


def _person(segment: Segment, number: int) -> str:
    """A provider (XCN): the name as written, else the number."""
    parts = [segment.text(number, component) for component in (6, 3, 4, 2)]
    return " ".join(part for part in parts if part) or segment.text(number, 1)


def read_patient_hl7(raw: bytes, zone: tzinfo) -> Patient:
    """The patient of any HL7 message that names one.

    Raises:
        MessageError: it is no HL7 message, or has no segment PID.
    """
    for segment in segments_of(split_batch(decode(raw[:MOST_BYTES])[0])[0]):
        if segment.name == "PID":
            return patient_of(segment, zone)[0]
    raise MessageError("PID", "no segment PID")
