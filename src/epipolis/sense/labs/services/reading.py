"""Reading: a stored message as reports, what its codes mean here, and its patient as people are told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from django.utils.translation import gettext_noop

from epipolis.core import clock
from epipolis.core.sealing import fingerprint, unseal
from epipolis.engines.messages import Finding, LabReport, MessageError, NoResultError, Patient, read_hl7, result_key
from epipolis.engines.messages.fhir_reading import read_fhir
from epipolis.engines.messages.result_tables import read_results_table
from epipolis.sense.labs.models import CodeMeaning, LabMessage, Laboratory
from epipolis.sense.people.services import PersonError, PersonRow
from epipolis.sense.people.services.rows import NO_BIRTH, check_row

from .measurements import read_reading
from .reasons import (
    ANSWER,
    FUTURE,
    NO_RESULT,
    NOBODY,
    NOT_OURS,
    TEST,
    UNREADABLE,
    Reason,
    RejectedError,
    UnclearError,
    broken,
    told,
)

NATIONAL = ("national_id", "passport")
_LONGEST_REF = 100
Meanings = dict[tuple[str, str], CodeMeaning]  # by system and code
_LOCAL = 60  # characters of the kind of a number


@dataclass(frozen=True, slots=True)
class Told:
    """One finding that counts here, with what its code means."""

    report: LabReport
    finding: Finding
    disease: str
    kind: str
    ref: str


def raw_of(message: LabMessage) -> bytes:
    """The message's bytes as they came; empty once they were forgotten."""
    return unseal(message.raw).encode("latin-1")


def reports_of(raw: bytes, form: str) -> list[LabReport]:
    """Every report of a message.

    Raises:
        RejectedError: it cannot be read, or holds no result.
    """
    zone = clock.zone()
    try:
        if form == LabMessage.Format.HL7:
            return read_hl7(raw, zone)
        if form == LabMessage.Format.FHIR:
            return read_fhir(raw, zone)
        if form == LabMessage.Format.READING:
            return [read_reading(raw)]
        return read_row(raw)
    except NoResultError as error:
        raise RejectedError(NO_RESULT, broken(error)) from error
    except MessageError as error:
        raise RejectedError(UNREADABLE, broken(error), is_waiting=True) from error


def understood(raw: bytes, form: str) -> tuple[list[LabReport], Reason]:
    """What can be understood of a message for a person who looks at it, and what cannot."""
    try:
        return reports_of(raw, form), []
    except RejectedError as error:
        return [], error.reason


def read_row(raw: bytes) -> list[LabReport]:
    """The report of one row of a table, which is kept as a JSON object of its columns.

    Raises:
        MessageError: a column is missing or breaks a rule; the place is the column's name.
    """
    row = msgspec.json.decode(raw, type=dict[str, str])
    try:
        [found] = read_results_table([list(row), list(row.values())], clock.zone())
    except ValueError as error:
        raise error if isinstance(error, MessageError) else MessageError("row", "holds no result") from error
    if isinstance(found, MessageError):
        raise MessageError(found.where.rsplit(" ", 1)[-1], found.rule, found.value)
    return [found]


def findings_of(
    reports: Sequence[LabReport], laboratory: Laboratory | None, *, at: datetime, meanings: Meanings | None = None
) -> list[Told]:
    """The findings that count here; `meanings` where `meanings_of` was asked before.

    Raises:
        RejectedError: the message is nothing for this city.
        UnclearError: a test or an answer that nobody here knows.
    """
    meanings = meanings_of(laboratory) if meanings is None else meanings
    found: list[Told] = []
    unknown: list[Finding] = []
    for report in reports:
        for finding in report.findings:
            meant = _meaning(finding, meanings, laboratory)
            if meant is None:
                continue
            if not meant[0]:
                unknown.append(finding)
                continue
            found.append(Told(report, finding, *meant, ref_of(report, finding)))
    if unknown and not found:
        text = gettext_noop("No test of this message is known here: %(codes)s. Say what the code means.")
        raise UnclearError(TEST, text, codes=", ".join(dict.fromkeys(name_of(one) for one in unknown)))
    if not found:
        raise RejectedError(NOT_OURS, told(gettext_noop("Nothing in it is a result of a disease that is watched here.")))
    for one in found:
        _check(one, at)
    return found


def name_of(finding: Finding) -> str:
    """A test by its code, or its words where it has no code."""
    return finding.code or finding.text[:60] or "–"


def ref_of(report: LabReport, finding: Finding) -> str:
    """What the laboratory calls this finding, the same in every version of it."""
    name = result_key(report, finding)
    return name if len(name) <= _LONGEST_REF else f"{name[:40]}…{fingerprint(name)[:48]}"


def sampled_at(one: Told) -> datetime | None:
    return one.report.specimen.taken_at or one.finding.observed_at


def reported_at(one: Told) -> datetime | None:
    return one.finding.resulted_at or one.report.reported_at or one.report.sent_at


def _check(one: Told, at: datetime) -> None:
    if not one.finding.result and one.finding.status != "withdrawn":
        text = gettext_noop("The answer of the test %(code)s says neither positive nor negative.")
        raise UnclearError(ANSWER, text, code=name_of(one.finding))
    for moment in (sampled_at(one), reported_at(one)):
        if moment is not None and clock.local_day(moment) > clock.local_day(at):
            text = gettext_noop("The test %(code)s has a time that is still to come: %(time)s.")
            raise UnclearError(FUTURE, text, code=name_of(one.finding), time=moment.isoformat())


def meanings_of(laboratory: Laboratory | None) -> Meanings:
    """What staff said that codes mean, by system and code; what was said for this laboratory alone goes first."""
    rows = CodeMeaning.objects.filter(laboratory=None)
    if laboratory is not None:
        rows = rows | CodeMeaning.objects.filter(laboratory=laboratory)
    return {(row.system, row.code): row for row in sorted(rows, key=lambda row: row.laboratory_id is not None)}


def _meaning(finding: Finding, meanings: Meanings, laboratory: Laboratory | None) -> tuple[str, str] | None:
    """Disease and kind of a finding; ("", "") where nobody knows its test, None where it is nothing for us."""
    said = meanings.get((finding.system, finding.code or finding.text)) or meanings.get(("", finding.code or finding.text))
    if said is not None:
        return (said.disease, said.kind or finding.kind or "other") if said.disease else None
    if finding.disease:
        return finding.disease, finding.kind or "other"
    if not finding.result:  # a number, a text: it goes with a result, and is none
        return None
    if laboratory is not None and laboratory.disease:
        return laboratory.disease, finding.kind or "other"
    return "", ""


def person_row(patient: Patient, *, owner: str, simulated: bool, at: datetime) -> PersonRow:
    """The patient as a person is told: what breaks a rule is left out, for a wrong phone must not stop a result.

    Raises:
        UnclearError: nothing tells who it is.
    """
    kinds = [(_kind(kind, issuer or owner), value) for kind, value, issuer in patient.identifiers if value.strip()]
    row = PersonRow(
        identifiers=tuple(dict.fromkeys(kinds)),
        given_name=patient.given,
        family_name=patient.family,
        birth=patient.birth,
        sex=patient.sex,
        language=patient.language,
        address=", ".join(part for part in (patient.address, patient.postcode, patient.city) if part),
        phones=patient.phones,
        emails=patient.emails,
        simulated=simulated,
    )
    for _ in range(8):
        try:
            check_row(row, at=at)
            break
        except PersonError as error:
            row = _without(row, error.field)
    if not (row.identifiers or row.given_name or row.family_name or row.phones):
        raise UnclearError(NOBODY, gettext_noop("The message does not say whom the result is about."))
    return row


def _kind(kind: str, owner: str) -> str:
    """A number that an office of the state gives is one everywhere; any other only with who gave it."""
    if kind in NATIONAL:
        return kind
    name = f"{kind or 'number'}:{owner}"
    return name if len(name) <= _LOCAL else f"{name[:40]}{fingerprint(name)[:20]}"


_EMPTY: dict[str, Any] = {"identifiers": (), "birth": NO_BIRTH, "phones": (), "emails": ()}
_NAMES = {"birth_date": "birth", "phone": "phones", "email": "emails"}
_CUT = {"given_name": 150, "family_name": 150, "address": 300}


def _without(row: PersonRow, field: str) -> PersonRow:
    """The row without the value that breaks a rule; a name that is too long is cut."""
    name = _NAMES.get(field, field)
    value: Any = _EMPTY.get(name, "")
    if name in _CUT:
        value = getattr(row, name).replace("\0", "")[: _CUT[name]]
    return replace(row, **{name: value})
