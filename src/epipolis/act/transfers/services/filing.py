"""Filing: a document becomes a case here, once, of the right person; what cannot be taken over is said."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from epipolis.act.followup import queries as followup_queries
from epipolis.act.followup import services as followup
from epipolis.act.transfers import queries
from epipolis.core import audit, clock
from epipolis.engines.linkage import FIELDS, MISSING, Record, compare
from epipolis.engines.linkage.levels import DIFFERENT
from epipolis.engines.messages import CaseDocument, DocumentTest, Patient
from epipolis.engines.messages.case_documents import DAYS
from epipolis.engines.messages.case_merging import Loss, merge_documents
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case, Circumstance, Symptom
from epipolis.sense.city import queries as city
from epipolis.sense.people import queries as people_queries
from epipolis.sense.people import services as people
from epipolis.sense.people.services.rows import check_row

from .errors import TransferError

Left = list[tuple[str, dict[str, str]]]
_PLAIN = ("classification", "outcome", *DAYS, "has_symptoms", "age_from", "age_to", "region", "setting", "note")
_NATIONAL = ("national_id", "passport")
_CUT = {"given_name": 150, "family_name": 150, "address": 300}
_BROKEN = {"birth_date": "birth", "phone": "phones", "email": "emails"}
_EMPTY: dict[str, Any] = {"identifiers": (), "birth": (None, None, None), "phones": (), "emails": ()}
_UNASKED = gettext_noop("%(field)s: %(names)s are not asked about here.")
_NO_AREA = gettext_noop("%(field)s: there is no %(name)s here.")
_NO_TEST = gettext_noop("A test %(number)s could not be noted: %(why)s")
_NO_CONTACT = gettext_noop("A contact could not be added: %(why)s")
_LATER = gettext_noop("Infected by case %(number)s, which is not in the line list.")


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a document: the case; "new", "existing" or "same" (nothing changed); what stayed out; what was lost
    because this office says otherwise."""

    case: Case
    outcome: str
    left: Left = field(default_factory=list)
    losses: tuple[Loss, ...] = ()


@transaction.atomic
def file_document(
    document: CaseDocument,
    *,
    source: str,
    by: audit.Actor,
    at: datetime,
    known: UUID | None = None,
    is_ours_now: bool = False,
    simulated: bool = False,
) -> Filed:
    """Take a document into the line list. `known` is the case where it is here already, else its number in `source` or an
    open illness of the same person tells. What is known here stays; with `is_ours_now` what the document says holds.

    Raises:
        TransferError: the number belongs to somebody else's case.
        FactsError: the facts cannot be true.
        PersonError: the person breaks a rule.
    """
    left: Left = []
    case = case_queries.cases_by_id([known]).get(known) if known else case_queries.case_numbered(source, document.case_id)
    if case is not None:
        _check_same_person(document.person, case)
        return _join(case, document, left, by=by, at=at, holds=is_ours_now)
    facts = facts_of(document, left)
    person = people.match_person(person_row(document, source, simulated=simulated, at=at), by=by, at=at).person
    day = document.onset or document.sampled or document.reported or document.confirmed or clock.local_day(at)
    found, band = cases.find_or_report_case(
        person,
        document.disease[:40],
        day,
        {name: value for name, value in facts.items() if value not in (None, "", {})},
        source=source,
        source_key=document.case_id[:100],
        by=by,
        at=at,
        simulated=simulated,
    )
    if band == "existing":
        return _join(found, document, left, by=by, at=at, holds=False)
    _add_tests(found, document.tests, source, left, by=by, at=at)
    _add_contacts(found, document, source, left, by=by, at=at)
    return Filed(case_queries.case(found.id), "new", left)


def _join(case: Case, document: CaseDocument, left: Left, *, by: audit.Actor, at: datetime, holds: bool) -> Filed:
    """Put what a document says with a case that is here: where both say something, this office's word stays."""
    own = queries.unread_document_of(case, contacts=False)
    base = own if holds else CaseDocument(own.case_id, "", own.source, classification="")
    merged = merge_documents(base, own, document)
    taken = [name for name in merged.taken if _may_take(name, document)]
    count = apply_changes(case, merged.document, taken, by=by, at=at, left=left)
    count += _add_contacts(case, document, document.source or case.source, left, by=by, at=at)
    losses = tuple(one for one in merged.losses if not one.field.startswith(("person.", "contacts.")) and one.lost is not None)
    return Filed(case_queries.case(case.id), "existing" if count else "same", left, losses)


def _may_take(name: str, document: CaseDocument) -> bool:
    """A field that the document leaves out is not known to its sender; that is no reason to forget it here."""
    group, _dot, part = name.partition(".")
    if group in ("symptoms", "circumstances"):
        return part in dict(getattr(document, group))
    if group == "tests":
        return any(f"{one.source}|{one.source_ref}" == part for one in document.tests)
    return group in _PLAIN or (group in ("district", "neighbourhood") and bool(getattr(document, group, None)))


def apply_changes(
    case: Case,
    document: CaseDocument,
    taken: Collection[str],
    *,
    by: audit.Actor,
    at: datetime,
    left: Left | None = None,
) -> int:
    """Believe the named fields of a document about a case; returns how many things changed.

    Raises:
        FactsError: the facts cannot be true together with those that stay, or another office owns the case.
    """
    left = [] if left is None else left
    told = facts_of(document, left)
    changes = {name: told[name] for name in taken if name in told}
    for group in ("symptoms", "circumstances"):
        if any(name.startswith(f"{group}.") for name in taken):
            changes[group] = told[group]
    before = case.revision
    if changes:
        case = cases.revise_case(case.id, changes, by=by, at=at, action="transfers.take_over", origin="transfers")
    wanted = {name.removeprefix("tests.") for name in taken if name.startswith("tests.")}
    tests = [one for one in document.tests if f"{one.source}|{one.source_ref}" in wanted]
    return (case.revision != before) + _add_tests(case, tests, case.source, left, by=by, at=at)


def facts_of(document: CaseDocument, left: Left) -> dict[str, Any]:
    """The facts of a case as this office holds them; what it has no place for goes into `left`."""
    facts: dict[str, Any] = {name: getattr(document, name) for name in _PLAIN}
    facts["sex"] = document.person.sex
    for group, names in (("symptoms", Symptom.values), ("circumstances", Circumstance.values)):
        told = dict(getattr(document, group))
        if other := sorted(told.keys() - set(names)):
            left.append((_UNASKED, {"field": group, "names": ", ".join(other)}))
        facts[group] = {name: said for name, said in told.items() if name in names}
    district = city.district_named(document.district)
    area = city.neighbourhood_named(document.neighbourhood, district)
    for name, text, found in (("district", document.district, district), ("neighbourhood", document.neighbourhood, area)):
        if found is not None:
            facts[name] = found
        elif text:
            left.append((_NO_AREA, {"field": name, "name": text}))
    if document.infected_by:
        source, _line, number = document.infected_by.rpartition("|")
        infector = case_queries.case_numbered(source or document.source, number)
        if infector is not None:
            facts["infected_by"] = infector.id
        else:
            left.append((_LATER, {"number": number}))
    return facts


def person_row(document: CaseDocument, source: str, *, simulated: bool, at: datetime) -> people.PersonRow:
    """The person as told: a value that breaks a rule is left out. Who has no number gets that of the case."""
    patient = document.person
    numbers = [
        (kind if kind in _NATIONAL else f"{kind or 'number'}:{source}"[:60], value) for kind, value, _ in patient.identifiers
    ]
    values: dict[str, Any] = {
        "identifiers": tuple(dict.fromkeys(one for one in numbers if one[1].strip())),
        "given_name": patient.given,
        "family_name": patient.family,
        "birth": patient.birth,
        "sex": patient.sex,
        "language": patient.language,
        "address": ", ".join(part for part in (patient.address, patient.postcode, patient.city) if part),
        "phones": patient.phones,
        "emails": patient.emails,
    }
    values["identifiers"] = values["identifiers"] or ((f"case:{source}"[:60], document.case_id),)
    for _ in range(8):
        row = people.PersonRow(**values, simulated=simulated)
        try:
            check_row(row, at=at)
            return row
        except people.PersonError as error:
            name = _BROKEN.get(error.field, error.field)
            values[name] = values[name][: _CUT[name]].replace("\0", "") if name in _CUT else _EMPTY.get(name, "")
    return people.PersonRow(identifiers=((f"case:{source}"[:60], document.case_id),), simulated=simulated)


def _check_same_person(patient: Patient, case: Case) -> None:
    """A number that two offices use for two people must not put one's illness into the other's file."""
    told = Record(patient.given, patient.family, *patient.birth, patient.sex)
    rows = people_queries.held(people_queries.same_person(case.person_id)).values()
    known = [one.record for one in rows if one.record.given or one.record.family]
    if known and patient.given and all(_is_somebody_else(told, one) for one in known):
        raise TransferError(gettext_noop("A case with this number is here already, of somebody else."))


def _is_somebody_else(told: Record, held: Record) -> bool:
    levels = dict(zip(FIELDS, compare(told, held).tolist(), strict=True))
    given, family, birth = (levels[name] for name in ("given", "family", "birth"))
    return bool(given == DIFFERENT and (birth == DIFFERENT or family == DIFFERENT) and birth in (DIFFERENT, MISSING))


def _add_tests(case: Case, tests: Collection[DocumentTest], source: str, left: Left, *, by: audit.Actor, at: datetime) -> int:
    before = case_queries.tests_of(case.id).count()
    for place, one in enumerate(tests, start=1):
        values: Mapping[str, Any] = {
            "source": (one.source or source)[:100],
            "source_ref": (one.source_ref or f"{case.source_key} {place}")[:200],
            "kind": one.kind or "other",
            "result": one.result,
            "status": one.status,
            "disease": one.disease[:40],
            "specimen": one.specimen[:100],
            "sampled_at": one.sampled_at,
            "resulted_at": one.resulted_at,
        }
        try:
            with transaction.atomic():
                cases.note_test(case.id, **values, by=by, at=at)
        except cases.NotOursError:
            raise
        except cases.FactsError as error:
            left.append((_NO_TEST, {"number": one.source_ref, "why": str(error)}))
    return case_queries.tests_of(case.id).count() - before


def _add_contacts(case: Case, document: CaseDocument, source: str, left: Left, *, by: audit.Actor, at: datetime) -> int:
    """Contacts with a name or a telephone come under follow-up; each once, however often it is told."""
    added = 0
    for one in document.contacts:
        if not (one.given or one.family or one.phones):
            continue
        number = ((f"contact:{source}"[:60], one.ref),) if one.ref else ()
        row = people.PersonRow(number, one.given, one.family, one.birth, one.sex, phones=one.phones, simulated=case.simulated)
        reference = f"transfer:{case.id}:{one.ref or f'{one.family} {one.given}'}"[:200]
        try:
            with transaction.atomic():
                added += _add_contact(case, one, row, reference, by=by, at=at)
        except ValueError as error:
            left.append((_NO_CONTACT, {"why": str(error)}))
    return added


def _add_contact(case: Case, one: Any, row: people.PersonRow, reference: str, *, by: audit.Actor, at: datetime) -> bool:
    person = people.match_person(row, by=by, at=at).person
    if followup_queries.exposures_from(case.id).filter(who=person).exists():
        return False
    told = followup.NewExposure(
        reference=reference,
        case=case.id,
        disease=case.disease,
        origin="import",
        person=person,
        risk=one.category if one.category in ("high", "medium", "low") else "medium",
        relation=one.relation[:100],
        category=one.category[:100],
        first_contact=one.first_contact,
        last_contact=one.last_contact,
        simulated=case.simulated,
    )
    followup.add_exposure(told, by=by, at=at)
    return True
