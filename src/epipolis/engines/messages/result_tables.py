"""A laboratory's results as a table: one row a result, fixed columns, some of which must be filled."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from epipolis.engines.messages.codes import Tests, system_of, usual_tests
from epipolis.engines.messages.hl7_patients import sex_of
from epipolis.engines.messages.reports import (
    KINDS,
    RESULTS,
    STATUSES,
    Finding,
    LabReport,
    Mark,
    MessageError,
    Patient,
    Specimen,
)
from epipolis.engines.messages.times import birth_of, fhir_time, hl7_time


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `must` if a row without it is refused (R); the others have to be there and may be empty (RE)."""

    name: str
    must: bool
    meaning: str


# In this order, when a table has no heading. Dates are YYYYMMDD; YYYY-MM-DD and times are taken too.
RESULT_COLUMNS = (
    Column("message_id", True, "number of the row, never used twice by one sender"),
    Column("order", True, "number of the order or of the sample in the laboratory"),
    Column("laboratory", True, "name or number of the laboratory"),
    Column("patient_id", False, "number of the patient"),
    Column("patient_id_kind", False, "national_id, passport, medical_record; empty: number of the laboratory"),
    Column("family_name", True, "family name"),
    Column("given_name", True, "given names"),
    Column("birth_date", False, "YYYYMMDD, YYYYMM or YYYY"),
    Column("sex", False, "M, F, O or U"),
    Column("phone", False, "telephone"),
    Column("email", False, "e-mail address"),
    Column("address", False, "street and number"),
    Column("city", False, "city"),
    Column("postcode", False, "post code"),
    Column("test_code", True, "LOINC code, or the laboratory's own"),
    Column("test_system", False, "LN for LOINC (also when empty), else the name of the code system"),
    Column("test_name", False, "name of the test"),
    Column("kind", False, "pcr, antigen, culture, sequencing, antibody, other; for codes that the table of tests lacks"),
    Column("disease", False, "disease; for codes that the table of tests lacks"),
    Column("result", True, "positive, negative, inconclusive, unsatisfactory, pending, or the laboratory's words"),
    Column("value", False, "number or text as measured"),
    Column("unit", False, "unit of a number"),
    Column("status", False, "F final (also when empty), P preliminary, C corrected, W withdrawn"),
    Column("specimen", False, "kind of sample"),
    Column("sampled", False, "when the sample was taken"),
    Column("received", False, "when it came to the laboratory"),
    Column("reported", False, "when the result was reported"),
    Column("device", False, "test kit or instrument"),
    Column("lot", False, "lot of the kit"),
    Column("ordered_by", False, "who ordered"),
    Column("onset", False, "first day of symptoms; empty when it is not known"),
    Column("note", False, "note"),
)
_MOST_COLUMNS = 500
_NAMES = tuple(column.name for column in RESULT_COLUMNS)
_LETTERS = {"": "final", "F": "final", "P": "preliminary", "C": "corrected", "W": "withdrawn", "D": "withdrawn"}
_LETTERS |= {status.upper(): status for status in STATUSES}


def read_results_table(
    rows: Iterable[Sequence[str]], zone: tzinfo, tests: Tests | None = None, *, sender: str = ""
) -> Iterator[LabReport | MessageError]:
    """For each row after the heading its report, or what is wrong with it; one bad row does not stop the others.

    The first row is a heading if it names a column; columns may then stand in any order. Without one they are RESULT_COLUMNS.
    A place is named "row 3 birth_date", rows counted from 1 with the heading.

    Raises:
        MessageError: the heading lacks columns that must be there, or names one twice.
    """
    table = tests or usual_tests()
    order: tuple[str, ...] | None = None
    for number, row in enumerate(rows, start=1):
        if order is None:
            order = _heading(row)
            if order != _NAMES or _is_heading(row):
                continue
        if not any(str(cell or "").strip() for cell in row):
            continue
        try:
            if len(row) > len(order):
                raise MessageError(f"row {number}", f"has {len(row)} cells, the table {len(order)} columns")
            told = {name: str(cell or "").replace("\0", "").strip() for name, cell in zip(order, row, strict=False)}
            yield _report(number, told, zone, table, sender)
        except MessageError as error:
            yield error


def _is_heading(row: Sequence[str]) -> bool:
    return any(_named(cell) in _NAMES for cell in row)


def _named(cell: object) -> str:
    return str(cell or "").strip().lstrip("\ufeff").lower().replace(" ", "_")


def _heading(row: Sequence[str]) -> tuple[str, ...]:
    if not _is_heading(row):
        return _NAMES
    if len(row) > _MOST_COLUMNS:
        raise MessageError("row 1", f"has more than {_MOST_COLUMNS} columns")
    names = tuple(_named(cell) for cell in row)
    if lacking := [column.name for column in RESULT_COLUMNS if column.must and column.name not in names]:
        raise MessageError("row 1", f"the heading lacks {', '.join(lacking)}")
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise MessageError("row 1", "the heading names a column twice", twice[0])
    return names


def _report(number: int, told: Mapping[str, str], zone: tzinfo, tests: Tests, sender: str) -> LabReport:
    for column in RESULT_COLUMNS:
        if column.must and not told.get(column.name):
            raise MessageError(f"row {number} {column.name}", "must be filled")
    row = _Row(number, told, zone)
    finding = _finding(row, tests)
    reported, reported_only = row.time("reported")
    onset, onset_only = row.time("onset")
    specimen = _specimen(row)
    return LabReport(
        message_id=told["message_id"],
        sender=sender or told["laboratory"],
        laboratory=told["laboratory"],
        sent_at=reported,
        order=told["order"],
        code=finding.code,
        system=finding.system,
        text=finding.text,
        status=finding.status,
        reported_at=reported,
        patient=_patient(row),
        specimen=specimen,
        findings=(finding,),
        ordered_by=row.text("ordered_by"),
        onset=onset,
        disease=finding.disease,
        note=row.text("note"),
        marks=tuple(row.marks),
        days_only=("reported_at",) * reported_only + ("onset",) * onset_only,
    )


class _Row:
    """One row: its texts, and its dates held against the calendar."""

    def __init__(self, number: int, told: Mapping[str, str], zone: tzinfo) -> None:
        self.number, self._told, self._zone = number, told, zone
        self.marks: list[Mark] = []

    def text(self, name: str) -> str:
        return self._told.get(name, "")

    def where(self, name: str) -> str:
        return f"row {self.number} {name}"

    def time(self, name: str) -> tuple[datetime | None, bool]:
        text = self.text(name)
        found, only = hl7_time(text, self._zone)
        if found is None:
            found, only = fhir_time(text.replace(" ", "T", 1), self._zone)
        if text and found is None:
            raise MessageError(self.where(name), "is no date (YYYYMMDD)", text)
        return found, found is not None and only


def _patient(row: _Row) -> Patient:
    birth, sex = birth_of(row.text("birth_date")), sex_of(row.text("sex"))
    if birth is None:
        raise MessageError(row.where("birth_date"), "is no date (YYYYMMDD, YYYYMM or YYYY)", row.text("birth_date"))
    if sex is None:
        raise MessageError(row.where("sex"), "must be M, F, O or U", row.text("sex"))
    number, kind = row.text("patient_id"), row.text("patient_id_kind") or "patient"
    return Patient(
        identifiers=((kind.lower(), number, row.text("laboratory") if kind == "patient" else ""),) if number else (),
        given=row.text("given_name"),
        family=row.text("family_name"),
        birth=birth,
        sex=sex,
        phones=tuple(filter(None, [row.text("phone")])),
        emails=tuple(filter(None, [row.text("email")])),
        address=row.text("address"),
        city=row.text("city"),
        postcode=row.text("postcode"),
    )


def _finding(row: _Row, tests: Tests) -> Finding:
    code, system = row.text("test_code"), system_of(row.text("test_system") or "LN")
    disease, kind = tests.test([(system, code)])
    told_kind = row.text("kind").lower()
    if told_kind and told_kind not in KINDS:
        raise MessageError(row.where("kind"), f"must be one of {', '.join(KINDS)}", told_kind)
    status = _LETTERS.get(row.text("status").upper())
    if status is None:
        raise MessageError(row.where("status"), "must be F, P, C or W", row.text("status"))
    said = row.text("result")
    result = said.lower() if said.lower() in RESULTS else tests.result([("SCT", said), ("LN", said)], said, said)[0]
    if not result:
        row.marks.append(Mark(row.where("result"), "is no result that is known", said))
    taken, only = row.time("sampled")
    return Finding(
        ref=code,
        code=code,
        system=system,
        text=row.text("test_name"),
        kind=kind or told_kind,
        disease=disease or row.text("disease"),
        result=result,
        value=row.text("value") or said,
        value_type="ST",
        unit=row.text("unit"),
        status=status,
        observed_at=taken,
        resulted_at=row.time("reported")[0],
        device=row.text("device"),
        lot=row.text("lot"),
        days_only=("observed_at",) * only,
    )


def _specimen(row: _Row) -> Specimen:
    taken, taken_only = row.time("sampled")
    received, received_only = row.time("received")
    days = ("taken_at",) * taken_only + ("received_at",) * received_only
    return Specimen(kind=row.text("specimen"), taken_at=taken, received_at=received, days_only=days)
