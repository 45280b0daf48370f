"""Cases as HL7 v2.5.1 and back: one ORU^R01 with the case as its first order and each test as one more.

Facts are OBX in local codes (99EPI), as public health offices notify cases; contacts are NK1.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, tzinfo

from epipolis.engines.messages.case_documents import (
    CaseDocument,
    DocumentContact,
    DocumentTest,
    day_of,
    facts_of,
    facts_text,
)
from epipolis.engines.messages.charsets import decode
from epipolis.engines.messages.codes import answer_of, usual_tests
from epipolis.engines.messages.hl7_findings import STATUSES, codes_of
from epipolis.engines.messages.hl7_patients import patient_of, sex_of
from epipolis.engines.messages.hl7_segments import field, head, pid, segment, time
from epipolis.engines.messages.hl7_writing import LETTERS, ONSET, RESULT_CODES
from epipolis.engines.messages.reports import MessageError
from epipolis.engines.messages.segments import MOST_BYTES, Segment, header_of, segments_of, split_batch
from epipolis.engines.messages.times import birth_of, hl7_time, write_birth

_CODES = "99EPI"
_NOTIFICATION = ("68991-9", "Epidemiologically important information", "LN")
_SAID = {"yes": ("Y", "Yes"), "no": ("N", "No"), "unknown": ("UNK", "Unknown")}
_SEXES = {"M": "M", "F": "F", "X": "O"}


def write_case_hl7(document: CaseDocument, *, at: datetime, sender: str = "epipolis") -> bytes:
    """The case as one message, written at a time by a sender."""
    number = f"{document.case_id}-{at:%Y%m%d%H%M%S}"
    lines = [
        head(number, ("ORU", "R01", "ORU_R01"), at, sender=sender, facility=document.source, processing="P"),
        pid(document.person),
    ]
    lines += [_contact_line(contact, place) for place, contact in enumerate(document.contacts, start=1)]
    reported = document.reported.strftime("%Y%m%d") if document.reported else ""
    lines.append(segment("OBR", {1: "1", 3: field(document.case_id), 4: field(*_NOTIFICATION), 22: reported, 25: "F"}))
    lines += _fact_lines(document)
    for place, test in enumerate(document.tests, start=2):
        lines += _test_lines(test, place)
    return ("\r".join(lines) + "\r").encode()


def _contact_line(contact: DocumentContact, place: int) -> str:
    days = (contact.first_contact, contact.last_contact)
    first, last = (day.strftime("%Y%m%d") if day else "" for day in days)
    return segment(
        "NK1",
        {
            1: str(place),
            2: field(contact.family, contact.given),
            3: field("", contact.relation) if contact.relation else "",
            5: "~".join(field("", "PRN", "PH", "", "", "", "", "", "", "", "", one) for one in contact.phones),
            8: first,
            9: last,
            12: field(contact.ref),
            15: _SEXES.get(contact.sex, ""),
            16: write_birth(contact.birth),
        },
    )


def _fact_lines(document: CaseDocument) -> list[str]:
    lines = [_observation(1, "disease", "ST", field(document.disease))]
    if document.onset:
        day = document.onset.strftime("%Y%m%d")
        lines.append(segment("OBX", {1: "2", 2: "DT", 3: field(*ONSET, "LN"), 5: day, 11: "F"}))
    for name, text in facts_text(replace(document, onset=None)).items():
        lines.append(_observation(len(lines) + 1, name, "ST", field(text)))
    for group, answers in (("symptom", document.symptoms), ("circumstance", document.circumstances)):
        for name, said in answers:
            value = field(*_SAID[said], "HL70136")
            lines.append(_observation(len(lines) + 1, f"{group}:{name}", "CWE", value))
    return lines


def _observation(place: int, name: str, sort: str, value: str) -> str:
    return segment("OBX", {1: str(place), 2: sort, 3: field(name, "", _CODES), 5: value, 11: "F"})


def _test_lines(test: DocumentTest, place: int) -> list[str]:
    code, words = RESULT_CODES.get(test.result, ("", ""))
    letter = "I" if test.result == "pending" else LETTERS[test.status]
    taken = time(test.sampled_at)
    order = {
        1: str(place),
        2: field(test.source),
        3: field(test.source_ref),
        4: field(f"test:{test.kind}", test.disease, _CODES),
    }
    finding = {1: "1", 2: "CWE", 3: order[4], 5: field(code, words, "SCT") if code else "", 11: letter}
    lines = [
        segment("OBR", order | {7: taken, 22: time(test.resulted_at), 25: "P" if letter == "I" else "F"}),
        segment("OBX", finding | {14: taken, 19: time(test.resulted_at)}),
    ]
    if test.specimen:
        lines.append(segment("SPM", {1: "1", 4: field("", test.specimen), 17: taken}))
    return lines


def read_case_hl7(raw: bytes, zone: tzinfo) -> CaseDocument:
    """The case of a message that `write_case_hl7` wrote. `zone` is that of times that name none.

    Raises:
        MessageError: it is no HL7 message, or no case.
    """
    if len(raw) > MOST_BYTES:
        raise MessageError("message", f"is larger than {MOST_BYTES} bytes")
    segments = segments_of(split_batch(decode(raw)[0])[0])
    orders = _orders(segments)
    if not orders or orders[0][0].text(4) != _NOTIFICATION[0]:
        raise MessageError("OBR[1]-4", f"is no notification of a case ({_NOTIFICATION[0]})")
    number = orders[0][0].text(3)
    if not number:
        raise MessageError("OBR[1]-3", "a case needs its number")
    told: dict[str, str] = {}
    answers: dict[str, list[tuple[str, str]]] = {"symptom": [], "circumstance": []}
    for obx in orders[0][1]:
        group, _, name = obx.text(3).partition(":")
        if name and group in answers:
            answers[group].append((name, answer_of(obx.text(5)) or "unknown"))
        else:
            told["onset" if obx.text(3) == ONSET[0] else obx.text(3)] = obx.text(5)
    patient = next((patient_of(one, zone)[0] for one in segments if one.name == "PID"), None)
    document = CaseDocument(
        case_id=number,
        disease=told.get("disease", ""),
        source=header_of(segments[0]).facility,
        symptoms=tuple(answers["symptom"]),
        circumstances=tuple(answers["circumstance"]),
        tests=tuple(_test(obr, results, samples, zone) for obr, results, samples in orders[1:]),
        contacts=tuple(_contact(one) for one in segments if one.name == "NK1"),
        **facts_of(told, "OBX"),
    )
    return document if patient is None else replace(document, person=patient)


def _orders(segments: Iterable[Segment]) -> list[tuple[Segment, list[Segment], list[Segment]]]:
    """(OBR, its OBX, its SPM) of each order."""
    made: list[tuple[Segment, list[Segment], list[Segment]]] = []
    for one in segments:
        if one.name == "OBR":
            made.append((one, [], []))
        elif made and one.name == "OBX":
            made[-1][1].append(one)
        elif made and one.name == "SPM":
            made[-1][2].append(one)
    return made


def _test(obr: Segment, results: list[Segment], samples: list[Segment], zone: tzinfo) -> DocumentTest:
    result, status, taken, resulted = "", "preliminary", obr.text(7), obr.text(22)
    if results:
        status, says = STATUSES.get(results[0].text(11), ("preliminary", ""))
        result = usual_tests().result(codes_of(results[0], 5), "", "")[0] or says
    return DocumentTest(
        source=obr.text(2),
        source_ref=obr.text(3),
        kind=obr.text(4).removeprefix("test:"),
        disease=obr.text(4, 2),
        result=result,
        status=status,
        specimen=next((one.text(4, 2) for one in samples), ""),
        sampled_at=hl7_time(taken, zone)[0],
        resulted_at=hl7_time(resulted, zone)[0],
    )


def _contact(nk1: Segment) -> DocumentContact:
    first, last = (_contact_day(nk1, number) for number in (8, 9))
    return DocumentContact(
        ref=nk1.text(12),
        given=nk1.text(2, 2),
        family=nk1.text(2, 1),
        birth=birth_of(nk1.text(16)) or (None, None, None),
        sex=sex_of(nk1.text(15)) or "",
        phones=tuple(phone for one in nk1.repetitions(5) if (phone := nk1.part(one, 12) or nk1.part(one, 1))),
        relation=nk1.text(3, 2),
        first_contact=first,
        last_contact=last,
    )


def _contact_day(nk1: Segment, number: int) -> date | None:
    return day_of(nk1.text(number), nk1.at(number))
