"""Cases as files: FHIR, HL7 and CSV out, and any of the three back in."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.transfers import queries
from epipolis.act.transfers.settings import settings
from epipolis.core import audit, clock
from epipolis.core.exports import bare_cell, safe_cell
from epipolis.engines.messages import (
    CaseDocument,
    MessageError,
    read_case_fhir,
    read_case_hl7,
    read_cases_csv,
    split_batch,
    write_case_fhir,
    write_case_hl7,
    write_cases_csv,
)
from epipolis.engines.messages.charsets import decode
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.people import services as people

from .errors import TransferError
from .filing import Filed, file_document

KINDS = {
    "fhir": ("application/fhir+json", "json"),
    "hl7": ("x-application/hl7-v2+er7; charset=utf-8", "hl7"),
    "csv": ("text/csv; charset=utf-8", "csv"),
}
_SOURCE = "import"


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one document of a file: filed, or the sentence and values why not."""

    number: str
    filed: Filed | None = None
    problem: tuple[str, dict[str, str]] | None = None


def write_cases(found: Sequence[Case], kind: str, *, by: audit.Actor, at: datetime) -> bytes:
    """The whole cases in one format, with names: one FHIR bundle, or one a line where there are several; HL7 messages one
    after another; one table. It is written down for each person and once for the export.

    Raises:
        TransferError: the format is none, the cases are too many, or one cannot be written.
    """
    if kind not in KINDS or len(found) > settings.most_cases:
        raise TransferError(gettext_noop("One file holds at most %(n)s cases, as FHIR, HL7 or CSV."), n=settings.most_cases)
    documents = [queries.document_of(one, by=by, at=at) for one in found]
    audit.record("transfers.export", by=by, at=at, subject=found[0].id if len(found) == 1 else "", cases=len(found), kind=kind)
    try:
        return _written(documents, kind, at)
    except MessageError as error:
        raise TransferError(gettext_noop("A case cannot be written in this format: %(why)s"), why=str(error)) from error


def _written(documents: Sequence[CaseDocument], kind: str, at: datetime) -> bytes:
    if kind == "hl7":
        return b"".join(write_case_hl7(one, at=at, sender=queries.own_name()) for one in documents)
    if kind == "csv":
        return _each_cell(write_cases_csv(documents), safe_cell).encode()
    bundles = [json.dumps(write_case_fhir(one, at=at), ensure_ascii=False) for one in documents]
    return "\n".join(bundles).encode()


def import_documents(raw: bytes, *, by: audit.Actor, at: datetime) -> list[Line]:
    """File every document of a file; one that cannot be filed does not keep the others back. Twice changes nothing.

    Raises:
        TransferError: it is no such file, or holds too many cases.
    """
    found = read_documents(raw, clock.zone())
    if len(found) > settings.most_cases:
        raise TransferError(gettext_noop("One file holds at most %(n)s cases, as FHIR, HL7 or CSV."), n=settings.most_cases)
    lines = [_filed(one, by=by, at=at) for one in found]
    audit.record("transfers.import", by=by, at=at, cases=len(lines), refused=sum(one.problem is not None for one in lines))
    return lines


def _filed(one: CaseDocument | MessageError, *, by: audit.Actor, at: datetime) -> Line:
    if isinstance(one, MessageError):
        return Line(one.where, problem=(gettext_noop("Cannot be read: %(why)s"), {"why": str(one)}))
    try:
        with transaction.atomic():
            return Line(one.case_id, file_document(one, source=one.source[:100] or _SOURCE, by=by, at=at))
    except TransferError as error:
        return Line(one.case_id, problem=(error.text, error.values))
    except (cases.FactsError, cases.AlreadyReportedError, people.PersonError) as error:
        return Line(one.case_id, problem=(gettext_noop("Cannot be filed: %(why)s"), {"why": str(error)}))


def read_documents(raw: bytes, zone: tzinfo) -> list[CaseDocument | MessageError]:
    """The cases of a file, whichever format it is; what cannot be read stands as its error.

    Raises:
        TransferError: nothing in it can be read.
    """
    start = raw.lstrip(b"\xef\xbb\xbf\x0b \t\r\n")
    try:
        if start[:1] == b"{":
            return list(_bundles(start, zone))
        if start[:3] in (b"MSH", b"BHS", b"FHS"):
            texts = split_batch(decode(raw)[0])
            return [_read(read_case_hl7, one.encode(), zone) for one in texts]
        return list(read_cases_csv(_each_cell(raw.decode("utf-8-sig"), bare_cell), zone))
    except (MessageError, UnicodeDecodeError, csv.Error) as error:
        raise TransferError(gettext_noop("The file cannot be read: %(why)s"), why=str(error)) from error


def _bundles(raw: bytes, zone: tzinfo) -> Iterable[CaseDocument | MessageError]:
    """One bundle, or one a line."""
    try:
        json.loads(raw)
        parts = [raw]
    except ValueError:
        parts = [line for line in raw.splitlines() if line.strip()]
    for part in parts:
        yield _read(read_case_fhir, part, zone)


def _read(reader: Callable[[bytes, tzinfo], CaseDocument], raw: bytes, zone: tzinfo) -> CaseDocument | MessageError:
    try:
        return reader(raw, zone)
    except MessageError as error:
        return error


def _each_cell(text: str, change: Callable[[str], str]) -> str:
    """A table with each cell changed: none may be run by a spreadsheet, and each is read as it was."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in csv.reader(io.StringIO(text, newline="")):
        writer.writerow([change(cell) for cell in row])
    return out.getvalue()
