"""What follow-up does when something upstream changed; each listener may hear a thing twice."""

from uuid import UUID

from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.cases.models import Classification
from epipolis.sense.labs.events import ResultFiled
from epipolis.sense.people.events import PeopleMerged, PeopleUnmerged
from epipolis.understand.tracing import queries as tracing
from epipolis.understand.tracing.events import ContactsFound
from epipolis.understand.tracing.models import Contact

from .ending import convert, unconvert
from .keeping import join, part
from .opening import NewExposure, add_exposures, note_source
from .results import note_result

_BY = "followup"
_AT_ONCE = 2_000


def on_contacts_found(event: ContactsFound) -> None:
    """Everybody whom tracing found, lost or saw again: people are followed, unknown visitors are kept and counted."""
    at = clock.now()
    ids = sorted(event.contacts)
    for start in range(0, len(ids), _AT_ONCE):
        found = tracing.contacts_by_id(ids[start : start + _AT_ONCE])
        add_exposures([_told(contact) for contact in found], by=_BY, at=at)


def on_case_confirmed(event: CaseConfirmed) -> None:
    """A followed person who became a case is no contact any more."""
    case = cases.cases_by_id([event.case]).get(event.case)
    if case and case.classification == Classification.CONFIRMED:
        convert(event.person, event.case, case.disease, by=_BY, at=clock.now())


def on_case_revised(event: CaseRevised) -> None:
    """A case that is no longer confirmed opens again what it had closed."""
    if "classification" not in event.changed:
        return
    case = cases.cases_by_id([event.case]).get(event.case)
    if case is None:
        return
    if case.classification != Classification.CONFIRMED:  # else CaseConfirmed says so too
        unconvert(event.case, by=_BY, at=clock.now())
    note_source(event.case, is_case=case.classification != Classification.NOT_A_CASE, by=_BY, at=clock.now())


def on_result_filed(event: ResultFiled) -> None:
    """A result of somebody under follow-up is told to whoever follows them."""
    note_result(event.result, at=clock.now())


def on_people_merged(event: PeopleMerged) -> None:
    """One person has one open follow-up; and a case of either is a case of both."""
    at = clock.now()
    join(event.person, at=at)
    _convert_known(event.person)


def on_people_unmerged(event: PeopleUnmerged) -> None:
    part(event.unmerged, at=clock.now())


def _convert_known(person: UUID) -> None:
    for case in cases.cases_of(person):
        if case.classification == Classification.CONFIRMED and case.ended is None:
            convert(person, case.id, case.disease, by=_BY, at=clock.now())


def _told(contact: Contact) -> NewExposure:
    first = contact.first_met  # type: ignore[attr-defined]  # -- the query adds it
    return NewExposure(
        reference=f"tracing:{contact.id}",
        case=contact.case_id,
        disease=contact.case.disease,
        origin="tracing",
        person=contact.person_id,
        visitor=None if contact.person_id else contact.visitor,
        risk=contact.risk,
        certain=contact.certain,
        first_contact=clock.local_day(first) if first else None,
        last_contact=clock.local_day(contact.last_met),
        tracing_contact=contact.id,
        gone=contact.gone,
        simulated=contact.simulated,
    )
