"""What a laboratory's message says, whatever format it came in."""

from dataclasses import dataclass
from datetime import datetime

Birth = tuple[int | None, int | None, int | None]
NO_BIRTH: Birth = (None, None, None)

KINDS = ("pcr", "antigen", "culture", "sequencing", "antibody", "other")
RESULTS = ("positive", "negative", "inconclusive", "unsatisfactory", "pending")
STATUSES = ("preliminary", "final", "corrected", "withdrawn")


class MessageError(ValueError):
    """What of a message cannot be read: `where` (PID-7, OBX[2]-5.1, $.entry[3].resource), `rule` broken, `value` found."""

    def __init__(self, where: str, rule: str, value: str = "") -> None:
        super().__init__(f"{where}: {rule}" + (f" (found {value[:80]!r})" if value else ""))
        self.where, self.rule, self.value = where, rule, value


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that could not be read as meant; the message was taken without it or by the best guess."""

    where: str
    rule: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """Whom the sample is from. `identifiers` are (kind, value, issuer); kinds as people have them, others lower-case codes.

    `birth` is year, month, day, each of which may be None; `sex` F, M, X or "" for unknown; `died` None for not told.
    """

    identifiers: tuple[tuple[str, str, str], ...] = ()
    given: str = ""
    family: str = ""
    birth: Birth = NO_BIRTH
    sex: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    address: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    language: str = ""
    died: bool | None = None
    died_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Specimen:
    """A sample: its number, what it is in words and as a code, and when it was taken and came in.

    `days_only` names those of the times of which only the day was told; they stand at that day's midnight.
    """

    ref: str = ""
    kind: str = ""
    code: str = ""
    system: str = ""
    taken_at: datetime | None = None
    received_at: datetime | None = None
    rejected: str = ""
    days_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of the laboratory.

    `ref` is the same for the same test of the same order, so that a correction finds what it corrects. `kind` and `disease`
    are "" for a test that the table of tests does not know, `result` "" for an answer that is none of RESULTS (a number, a
    text), which `value` and `unit` then hold as sent. `flag` is the laboratory's own mark (HL7 table 0078), `device` the test
    kit or instrument, `observed_at` when the sample was taken or the observation made.
    """

    ref: str
    code: str
    system: str = ""
    text: str = ""
    kind: str = ""
    disease: str = ""
    result: str = ""
    value: str = ""
    value_code: str = ""
    value_system: str = ""
    value_type: str = ""
    unit: str = ""
    range: str = ""
    flag: str = ""
    status: str = "final"
    observed_at: datetime | None = None
    resulted_at: datetime | None = None
    device: str = ""
    lot: str = ""
    note: str = ""
    days_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabReport:
    """One order of one patient and its findings; a message holds one report for each of its orders.

    `sender` and `message_id` name the message; `laboratory` is who answers for the result; `order` the laboratory's number,
    or the one of who ordered; `answers` what was asked at the order ((name, "yes"|"no"|"unknown"), as circumstances of a
    case), `questions` those that the table of tests does not know, as they stand; `disease` the one that all findings with
    a disease share, or "". `marks` tells what could not be read as meant.
    """

    message_id: str
    sender: str
    patient: Patient
    findings: tuple[Finding, ...]
    laboratory: str = ""
    sent_at: datetime | None = None
    order: str = ""
    placer_order: str = ""
    code: str = ""
    system: str = ""
    text: str = ""
    status: str = "final"
    reported_at: datetime | None = None
    specimen: Specimen = Specimen()
    ordered_by: str = ""
    onset: datetime | None = None
    answers: tuple[tuple[str, str], ...] = ()
    questions: tuple[tuple[str, str], ...] = ()
    disease: str = ""
    note: str = ""
    is_test_message: bool = False
    marks: tuple[Mark, ...] = ()
    days_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """Who sent which message, read from any message that tells so much; the rest of it may be broken.

    `kind` is "ORU^R01", "ADT^A01" or a FHIR resource type; `event` a test (T), training (D) or production (P) message.
    """

    message_id: str = ""
    sender: str = ""
    facility: str = ""
    receiver: str = ""
    kind: str = ""
    processing: str = ""
    version: str = ""
    charset: str = ""
    sent: str = ""


class NoResultError(MessageError):
    """A message that can be read and holds no laboratory result: an admission, a vaccination, an appointment."""

    def __init__(self, where: str, kind: str, header: Header, patient: Patient | None = None) -> None:
        super().__init__(where, "no laboratory result in it", kind)
        self.header, self.patient = header, patient


def result_key(report: LabReport, finding: Finding) -> str:
    """The same for every message about one result, so that a correction finds what it corrects, whatever its message id."""
    owner = report.laboratory or report.sender
    if report.order or report.placer_order:
        return f"{owner}|order {report.order or report.placer_order}|{finding.ref}"
    if report.specimen.ref:
        return f"{owner}|specimen {report.specimen.ref}|{finding.ref}"
    return f"{owner}|message {report.message_id}|{finding.ref}"
