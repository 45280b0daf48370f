"""Cases as a table and back: one row a case. What a row has no room for is lost, and `lost` tells it."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from epipolis.engines.messages.case_documents import (
    DAYS,
    NUMBERS,
    STATES,
    TEXTS,
    CaseDocument,
    DocumentTest,
    facts_of,
    facts_text,
)
from epipolis.engines.messages.hl7_patients import sex_of
from epipolis.engines.messages.reports import KINDS, RESULTS, STATUSES, MessageError, Patient
from epipolis.engines.messages.times import birth_of, fhir_time, write_birth

MOST_TESTS = 3
MOST_CELL = 100_000
_PERSON = ("family_name", "given_name", "birth_date", "sex", "patient_id", "patient_id_kind", "phone", "email")
_HOME = ("address", "city", "home_region", "postcode", "country", "language", "died", "died_at")
_TEST = ("kind", "disease", "result", "status", "specimen", "sampled_at", "resulted_at", "source", "source_ref")
CASE_COLUMNS = (
    *("case_id", "source", "disease", *_PERSON, *_HOME, "classification", *DAYS, "has_symptoms", *NUMBERS, *TEXTS),
    *("symptoms", "circumstances"),
    *(f"test_{number}_{name}" for number in range(1, MOST_TESTS + 1) for name in _TEST),
)
_ANSWER = re.compile(r"([^;=]+)=([a-z]+)")


def write_cases_csv(documents: Iterable[CaseDocument]) -> str:
    """The cases as CSV, a heading first: the first number, phone and e-mail of a person and the first tests of a case."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CASE_COLUMNS, restval="")
    writer.writeheader()
    for document in documents:
        writer.writerow(_row(document))
    return out.getvalue()


def _row(document: CaseDocument) -> dict[str, str]:
    person = document.person
    kind, number = next(((kind, value) for kind, value, _ in person.identifiers), ("", ""))
    row = {"case_id": document.case_id, "source": document.source, "disease": document.disease} | facts_text(document)
    row |= {"family_name": person.family, "given_name": person.given, "birth_date": write_birth(person.birth, "-")}
    row |= {"sex": person.sex, "patient_id": number, "patient_id_kind": kind, "address": person.address, "city": person.city}
    row |= {"phone": next(iter(person.phones), ""), "email": next(iter(person.emails), ""), "home_region": person.region}
    row |= {"postcode": person.postcode, "country": person.country, "language": person.language}
    row |= {"died": {True: "yes", False: "no", None: ""}[person.died], "died_at": _time(person.died_at)}
    row["symptoms"] = ";".join(f"{name}={said}" for name, said in document.symptoms)
    row["circumstances"] = ";".join(f"{name}={said}" for name, said in document.circumstances)
    for place, test in enumerate(document.tests[:MOST_TESTS], start=1):
        for name in _TEST:
            value = getattr(test, name)
            row[f"test_{place}_{name}"] = _time(value) if name.endswith("_at") else value
    return row


def _time(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


def read_cases_csv(text: str, zone: tzinfo) -> list[CaseDocument]:
    """The cases of a table that `write_cases_csv` wrote; columns may be fewer and stand in any order.

    Raises:
        MessageError: the heading lacks case_id or disease, or a cell breaks a rule; row and column are named.
    """
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        rows = list(lines)
    except csv.Error as error:
        raise MessageError(f"row {lines.line_num}", f"is no CSV: {error}") from error
    if not rows or not {"case_id", "disease"} <= {*rows[0]}:
        raise MessageError("row 1", "the heading must name case_id and disease")
    return [_document(rows[0], row, number, zone) for number, row in enumerate(rows[1:], start=2) if any(row)]


def _document(names: Sequence[str], row: Sequence[str], number: int, zone: tzinfo) -> CaseDocument:
    where = f"row {number}"
    told = {name: cell.replace("\0", "") for name, cell in zip(names, row, strict=False)}
    for name in ("case_id", "disease"):
        if not told.get(name):
            raise MessageError(f"{where} {name}", "must be filled")
    return CaseDocument(
        case_id=told["case_id"],
        disease=told["disease"],
        source=told.get("source", ""),
        person=_person(told, where, zone),
        symptoms=_answers(told, "symptoms", where),
        circumstances=_answers(told, "circumstances", where),
        tests=tuple(
            _test({name: told.get(f"test_{place}_{name}", "") for name in _TEST}, f"{where} test_{place}", zone)
            for place in range(1, MOST_TESTS + 1)
            if any(told.get(f"test_{place}_{name}") for name in _TEST)
        ),
        **facts_of(told, where),
    )


def _person(told: dict[str, str], where: str, zone: tzinfo) -> Patient:
    birth, sex = birth_of(told.get("birth_date", "")), sex_of(told.get("sex", ""))
    if birth is None:
        raise MessageError(f"{where} birth_date", "is no date (YYYY-MM-DD, YYYY-MM or YYYY)", told["birth_date"])
    if sex is None:
        raise MessageError(f"{where} sex", "must be M, F, X or empty", told["sex"])
    number = told.get("patient_id", "")
    return Patient(
        identifiers=((told.get("patient_id_kind") or "patient", number, ""),) if number else (),
        given=told.get("given_name", ""),
        family=told.get("family_name", ""),
        birth=birth,
        sex=sex,
        phones=tuple(filter(None, [told.get("phone", "")])),
        emails=tuple(filter(None, [told.get("email", "")])),
        address=told.get("address", ""),
        city=told.get("city", ""),
        region=told.get("home_region", ""),
        postcode=told.get("postcode", ""),
        country=told.get("country", ""),
        language=told.get("language", ""),
        died={"yes": True, "no": False}.get(told.get("died", "")),
        died_at=_at(told.get("died_at", ""), f"{where} died_at", zone),
    )


def _answers(told: dict[str, str], name: str, where: str) -> tuple[tuple[str, str], ...]:
    made = []
    for one in filter(None, told.get(name, "").split(";")):
        found = _ANSWER.fullmatch(one.strip())
        if found is None or found[2] not in STATES:
            raise MessageError(f"{where} {name}", "must be name=yes;name=no;name=unknown", one)
        made.append((found[1], found[2]))
    return tuple(made)


def _test(told: dict[str, str], where: str, zone: tzinfo) -> DocumentTest:
    for name, allowed in (("kind", KINDS), ("result", RESULTS), ("status", STATUSES)):
        if told[name] and told[name] not in allowed:
            raise MessageError(f"{where}_{name}", f"must be one of {', '.join(allowed)}", told[name])
    return DocumentTest(
        source=told["source"],
        source_ref=told["source_ref"],
        kind=told["kind"],
        disease=told["disease"],
        result=told["result"],
        status=told["status"] or "final",
        specimen=told["specimen"],
        sampled_at=_at(told["sampled_at"], f"{where}_sampled_at", zone),
        resulted_at=_at(told["resulted_at"], f"{where}_resulted_at", zone),
    )


def _at(text: str, where: str, zone: tzinfo) -> datetime | None:
    found, _ = fhir_time(text.replace(" ", "T", 1), zone)
    if text and found is None:
        raise MessageError(where, "is no time", text)
    return found
