"""What tracing does when something upstream changed, and what it does by itself from time to time."""

from datetime import datetime, timedelta

from epipolis.core import clock
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.cases.models import Case, Classification
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
        "same_as",
    )
)
_AT_ONCE = 300  # cases that one run of the regular job traces again


def on_case_confirmed(event: CaseConfirmed) -> None:
    """Trace a case that became confirmed, unless the other news of the same revision was handled before."""
    case = cases.cases_by_id([event.case]).get(event.case)
    if case and not _is_traced(case):
        _trace(case)


def on_case_revised(event: CaseRevised) -> None:
    """Trace again when something that moves the window changed, for a case that is confirmed or was traced before."""
    if RELEVANT.isdisjoint(event.changed):
        return
    case = cases.cases_by_id([event.case]).get(event.case)
    if case and not _is_traced(case) and _is_wanted(case):
        _trace(case)


def on_route_told(event: RouteTold) -> None:
    """A person's stays became known: each of their confirmed or traced cases is traced again."""
    for case in cases.cases_of(event.person):
        if _is_wanted(case):
            _trace(case)


def trace_open_cases(at: datetime | None = None) -> int:
    """Trace cases again whose infectious time went on after the last look: visits may have come since."""
    now = at or clock.now()
    due = queries.unfinished_traces(before=now - timedelta(hours=settings.again_hours))[:_AT_ONCE]
    for case_id in due:
        trace_case(case_id, by="tracing", at=now)
    return len(due)


def _is_wanted(case: Case) -> bool:
    return case.classification == Classification.CONFIRMED or queries.current_trace(case.id) is not None


def _is_traced(case: Case) -> bool:
    trace = queries.current_trace(case.id)
    return trace is not None and trace.case_revision == case.revision


def _trace(case: Case) -> None:
    trace_case(case.id, by="tracing", at=clock.now())
