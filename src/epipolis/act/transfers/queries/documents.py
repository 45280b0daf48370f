"""A case as a document for another office: everything that belongs to it, or with the person made unknown."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from hmac import digest
from typing import Any
from uuid import UUID

import msgspec

from epipolis.act.followup import queries as followup
from epipolis.core import audit
from epipolis.core.sealing import key
from epipolis.engines.messages import CaseDocument, DocumentContact, DocumentTest, Patient
from epipolis.engines.messages.case_documents import DAYS
from epipolis.engines.messages.case_merging import flat
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.people import queries as people

WHY = "transfer"
_PLAIN = ("classification", "outcome", "has_symptoms", "age_from", "age_to", "region", "setting", "note")
_MOST_CONTACTS = 500


def document_of(case: Case, *, by: audit.Actor, at: datetime, contacts: bool = True) -> CaseDocument:
    """The whole case with the person's name and numbers; that they were opened is written down for each person."""
    made, seen = _document(case, contacts)
    audit.record_reads(sorted(seen), by=by, at=at, why=WHY)
    return made


def unread_document_of(case: Case, *, contacts: bool = True) -> CaseDocument:
    """The same for the machine that compares or makes unknown; nobody sees it, so it leaves no trace."""
    return _document(case, contacts)[0]


def pseudonymous(document: CaseDocument, case: UUID, person: UUID, key_id: str) -> CaseDocument:
    """A case to be read elsewhere without knowing whose it is.

    No name, number, telephone, address, note, neighbourhood, day of birth, contact or laboratory number is left. The same
    person has the same pseudonym for one office and another for every other office.
    """
    return replace(
        document,
        case_id=f"P-{pseudonym(key_id, 'case', case)}",
        source="",
        person=Patient(
            identifiers=(("pseudonym", pseudonym(key_id, "person", person), ""),),
            birth=(document.person.birth[0], None, None),
            sex=document.person.sex,
        ),
        neighbourhood="",
        setting="",
        infected_by="",
        note="",
        tests=tuple(
            replace(one, source="", source_ref=pseudonym(key_id, f"{one.source}|{one.source_ref}", case))
            for one in document.tests
        ),
        contacts=(),
    )


def pseudonym(key_id: str, what: str, of: UUID) -> str:
    """A name that says nothing without this office's key, for one office only."""
    return digest(key("transfers"), f"pseudonym\n{key_id}\n{what}\n{of}".encode(), "sha256").hex()[:16].upper()


def encode(document: CaseDocument) -> str:
    """A document as text, nothing lost."""
    return msgspec.json.encode(document).decode()


def plain_document(document: CaseDocument) -> dict[str, Any]:
    """A document as plain values."""
    found: dict[str, Any] = msgspec.to_builtins(document)
    return found


def decode(text: str | bytes) -> CaseDocument:
    """The document again.

    Raises:
        ValueError: it is none.
    """
    return msgspec.json.decode(text, type=CaseDocument)


def digest_of(document: CaseDocument) -> str:
    return digest(key("transfers"), sha256(encode(document).encode()).digest(), "sha256").hex()


def changes_between(before: CaseDocument, after: CaseDocument) -> list[str]:
    """The names of the fields in which two documents differ."""
    one, other = flat(before), flat(after)
    return [name for name in dict.fromkeys((*one, *other)) if one.get(name) != other.get(name)]


def _document(case: Case, contacts: bool) -> tuple[CaseDocument, set[UUID]]:
    rows = people.same_person(case.person_id)
    person, seen = _patient(rows, case), set(rows)
    met: tuple[DocumentContact, ...] = ()
    if contacts:
        met, others = _contacts(case)
        seen |= others
    infector = cases.cases_by_id([case.infected_by]).get(case.infected_by) if case.infected_by else None
    facts: dict[str, Any] = {name: getattr(case, name) for name in (*DAYS, *_PLAIN)}
    made = CaseDocument(
        case_id=case.source_key,
        disease=case.disease,
        source=case.source,
        person=person,
        district=case.district.name if case.district else "",
        neighbourhood=case.neighbourhood.name if case.neighbourhood else "",
        infected_by=f"{infector.source}|{infector.source_key}" if infector else "",
        symptoms=tuple(sorted(case.symptoms.items())),
        circumstances=tuple(sorted(case.circumstances.items())),
        tests=tuple(_test(one) for one in cases.tests_of(case.id).filter(superseded_by=None).order_by("id")),
        contacts=met,
        **facts,
    )
    return made, seen


def _patient(rows: Iterable[UUID], case: Case) -> Patient:
    found = people.held(tuple(rows))
    records = [found[one].record for one in rows if one in found]
    if not records:
        return Patient(sex=case.sex)
    named = next((one for one in records if one.given or one.family), records[0])
    born = next((one for one in records if one.birth_year), records[0])
    numbers = dict.fromkeys(number for one in records for number in one.identifiers)
    return Patient(
        identifiers=tuple((kind, value, "") for kind, value in numbers),
        given=named.given,
        family=named.family,
        birth=(born.birth_year, born.birth_month, born.birth_day),
        sex=case.sex or next((one.sex for one in records if one.sex), ""),
        phones=tuple(dict.fromkeys(phone for one in records for phone in one.phones)),
        emails=tuple(dict.fromkeys(email for one in records for email in one.emails)),
        address=next((one.address for one in records if one.address), ""),
        language=next((row.language for row in found.values() if row.language), ""),
    )


def _test(one: Any) -> DocumentTest:
    names = ("source", "source_ref", "kind", "disease", "result", "status", "specimen", "sampled_at", "resulted_at")
    return DocumentTest(**{name: getattr(one, name) for name in names})


def _contacts(case: Case) -> tuple[tuple[DocumentContact, ...], set[UUID]]:
    met = list(followup.exposures_from(case.id)[:_MOST_CONTACTS])
    found = people.held([one.who for one in met])
    made = []
    for one in met:
        if one.who in found:
            record = found[one.who].record
            made.append(
                DocumentContact(
                    ref=str(one.who),
                    given=record.given,
                    family=record.family,
                    birth=(record.birth_year, record.birth_month, record.birth_day),
                    sex=record.sex,
                    phones=record.phones,
                    relation=one.relation,
                    category=one.category or one.risk,
                    first_contact=one.first_contact,
                    last_contact=one.last_contact,
                )
            )
    return tuple(made), set(found)
