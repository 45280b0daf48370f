"""Every change of one case: each writes a revision, and nothing that was believed before is lost."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from epipolis.core import audit, clock
from epipolis.core.events import publish
from epipolis.sense.cases import queries
from epipolis.sense.cases.events import CaseConfirmed
from epipolis.sense.cases.models import Case, CaseRevision, Classification

from .classifying import JUDGED_BY, classify_case
from .facts import believed, check, complete
from .revisions import RULES, WORD, StaleRevisionError, keep, locked, revise_locked


class AlreadyReportedError(ValueError):
    """This source has reported this number before, as `case`."""

    def __init__(self, case: UUID) -> None:
        super().__init__("a case with this number from this source is known already")
        self.case = case


@transaction.atomic
def report_case(
    person_id: UUID,
    facts: Mapping[str, Any],
    *,
    disease: str,
    source: str,
    source_key: str,
    by: audit.Actor,
    at: datetime,
    simulated: bool = False,
) -> Case:
    """Take a new case into the line list; without a number in the source it gets one of its own.

    Raises:
        FactsError: the facts cannot be true.
        AlreadyReportedError: the source has reported this number before.
    """
    believes = complete(facts)
    check(believes, today=clock.local_day(at))
    source_key = source_key or uuid4().hex[:12]
    if known := queries.case_numbered(source, source_key):
        raise AlreadyReportedError(known.id)
    case = Case(
        id=queries.case_id_of(source, source_key),
        person_id=person_id,
        disease=disease,
        source=source,
        source_key=source_key,
        known_at=at,
        revised_at=at,
        simulated=simulated,
        **believes,
    )
    try:
        with transaction.atomic():
            case.save(force_insert=True)
    except IntegrityError as error:  # two reports of one number at the same moment, or a person who is gone
        if known := queries.case_numbered(source, source_key):
            raise AlreadyReportedError(known.id) from error
        raise
    changed = sorted(name for name, value in believes.items() if value not in (None, "", {}) and name not in WORD)
    keep(case, changed, by=by, at=at)
    audit.record("cases.report", by=by, at=at, subject=case.id, person=person_id, source=source, fields=changed)
    if case.classification == Classification.CONFIRMED:
        publish(CaseConfirmed(case.id, person_id))
    return classify_case(case.id, by=by, at=at) if case.symptoms or case.circumstances else case


@transaction.atomic
def revise_case(
    case_id: UUID,
    changes: Mapping[str, Any],
    *,
    by: audit.Actor,
    at: datetime,
    expected: int | None = None,
    action: str = "cases.revise",
    origin: str = "",
) -> Case:
    """Believe something else about a case from now on. What is the same already changes nothing, and nobody is told.

    `expected` is the revision that the editor had read, `origin` the source whose file says so.

    Raises:
        Case.DoesNotExist: there is no such case.
        StaleRevisionError: the case is at another revision than `expected`.
        FactsError: the facts cannot be true together with those that stay.
    """
    case = locked(case_id)
    if expected is not None and case.revision != expected:
        raise StaleRevisionError(case)
    former = case.same_as
    changed = revise_locked(case, changes, by=by, at=at, action=action, origin=origin)
    if JUDGED_BY.isdisjoint(changed):
        return case
    if former and former != case.same_as:
        classify_case(former, by=by, at=at)
    judged = classify_case(case.id, by=by, at=at)
    return case if case.same_as else judged


def confirm_case(
    case_id: UUID, *, by: audit.Actor, at: datetime, sampled: date | None = None, expected: int | None = None
) -> Case:
    """Say that a case is confirmed, as of the local day unless a day of confirmation is known. Twice changes nothing."""
    changes: dict[str, Any] = {"classification": str(Classification.CONFIRMED)}
    if sampled is not None:
        changes["sampled"] = sampled
    with transaction.atomic():
        case = locked(case_id)
        if case.confirmed is None:
            changes["confirmed"] = clock.local_day(at)
        return revise_case(case_id, changes, by=by, at=at, expected=expected, action="cases.confirm")


@transaction.atomic
def undo_revision(case_id: UUID, *, by: audit.Actor, at: datetime, expected: int | None = None) -> Case:
    """Believe again what was believed before the last revision; this is a revision too, and can be undone.

    What the rules concluded by themselves is not undone alone: it goes with the change that it followed from.

    Raises:
        ValueError: nothing was revised yet.
        StaleRevisionError: as in `revise_case`.
    """
    case = locked(case_id)
    own = CaseRevision.objects.filter(case=case).exclude(origin=RULES).order_by("-revision").first()
    former = CaseRevision.objects.filter(case=case, revision=own.revision - 1).first() if own else None
    if former is None:
        raise ValueError("this case has no earlier revision")
    return revise_case(case_id, believed(former), by=by, at=at, expected=expected, action="cases.undo")
