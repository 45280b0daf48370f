"""What tracing does when something upstream changed, and what it does by itself from time to time."""

from datetime import datetime, timedelta
from uuid import UUID

from epipolis.core import clock
from epipolis.core.audit import Actor
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.cases.models import Classification
from epipolis.sense.checkins.events import RouteTold
from epipolis.understand.tracing import queries
from epipolis.understand.tracing.settings import settings

from .traces import trace_case

RELEVANT = frozenset(
    (
        "classification",
        "onset",
        "sampled",
        "reported",
        "confirmed",
        "has_symptoms",
        "outcome",
        "ended",
        "exposed_from",
        "exposed_until",
    )
)
_AT_ONCE = 300  # cases that one run of the regular job traces again


def on_case_confirmed(event: CaseConfirmed) -> None:
    _trace(event.case)


def on_case_revised(event: CaseRevised) -> None:
    """Trace again when something that moves the window changed, for a case that is confirmed or was traced before."""
    if RELEVANT.isdisjoint(event.changed):
        return
    case = cases.cases_by_id([event.case]).get(event.case)
    if case and (case.classification == Classification.CONFIRMED or queries.current_trace(case.id)):
        _trace(case.id)


def on_route_told(event: RouteTold) -> None:
    """A person's stays became known: each of their confirmed or traced cases is traced again."""
    for case in cases.cases_of(event.person):
        if case.classification == Classification.CONFIRMED or queries.current_trace(case.id):
            _trace(case.id)


def trace_open_cases(at: datetime | None = None) -> int:
    """Trace cases again whose infectious time went on after the last look: visits may have come since."""
    now = at or clock.now()
    due = queries.unfinished_traces(before=now - timedelta(hours=settings.again_hours))[:_AT_ONCE]
    for case_id in due:
        trace_case(case_id, by="tracing", at=now)
    return len(due)


def _trace(case_id: UUID, by: Actor = "tracing") -> None:
    if cases.cases_by_id([case_id]):  # erased since the event: nothing is left to trace
        trace_case(case_id, by=by, at=clock.now())
