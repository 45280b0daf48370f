"""Tracing for programs: contacts, the work list, clusters, sources and the network. No names, only pseudonyms."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from epipolis.core import clock, rules
from epipolis.core.access import Needs
from epipolis.core.fields import BigId, Limit, LongText
from epipolis.core.idempotency import once
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case

from . import queries, services
from .models import Contact

router = Router(tags=["Tracing"])
Risk = Literal["high", "medium", "low"]
State = Literal["open", "tried", "reached", "closed"]


class ContactOut(Schema):
    """A contact under a pseudonym. `minutes` is an upper bound where the meeting is only possible."""

    id: int
    case: UUID
    case_number: str
    contact: UUID
    registered: bool
    risk: str
    certain: bool
    minutes: int
    companions: int
    last_met: datetime
    place: str
    reasons: list[str]
    found: datetime
    gone: datetime | None
    state: str
    assigned_to: str
    worked_at: datetime | None
    simulated: bool


class ContactPage(Schema):
    items: list[ContactOut]
    next: str | None = None


class TraceOut(Schema):
    """One look at a case: its window, the rule and why, and what changed since the look before."""

    case: UUID
    made: datetime
    checked: datetime
    window_from: datetime | None
    window_until: datetime | None
    rule: str
    reasons: list[str]
    visits: int
    found: int
    added: int
    gone: int
    changed: int


class WorkIn(Schema):
    state: State
    note: LongText = ""


class SourceOut(Schema):
    """An earlier case that may be the source; `likelihood` is a share of 1 among those listed."""

    case: UUID
    case_number: str
    likelihood: float
    minutes: int
    certain: bool
    named: bool
    places: list[str]
    last_met: datetime | None


class ClusterOut(Schema):
    """A place with several cases, and in which time of theirs they were there."""

    place: int
    code: str
    name: str
    kind: str
    district: str
    lon: float | None
    lat: float | None
    cases: int
    certain: int
    exposed: int
    infectious: int
    hours: int
    first: date
    last: date


class OnwardOut(Schema):
    """Somebody whom a contact met since; computed, not stored."""

    contact: UUID
    risk: str
    certain: bool
    minutes: int
    companions: int
    last_met: datetime
    reasons: list[str]


class NetworkOut(Schema):
    nodes: list[dict[str, Any]]
    links: list[dict[str, Any]]
    left_out: int


@router.get("/cases/{uuid:case_id}/contacts", response=ContactPage, auth=Needs("tracing.view"))
def contacts_of_case(
    request: HttpRequest,
    case_id: UUID,
    with_gone: bool = False,
    cursor: Annotated[str, Field(max_length=500)] = "",
    limit: Limit = 100,
):
    """The contacts of a case, the one to be called first at the top."""
    _case(case_id)
    return _page(queries.contacts_of(case_id, with_gone=with_gone), cursor, limit)


@router.get("/contacts", response=ContactPage, auth=Needs("tracing.view"))
def work_list(
    request: HttpRequest,
    state: State | Literal["", "all"] = "",
    risk: Risk | Literal[""] = "",
    certain: bool | None = None,
    place: BigId | None = None,
    district: BigId | None = None,
    older: bool = False,
    cursor: Annotated[str, Field(max_length=500)] = "",
    limit: Limit = 100,
):
    """Whom to call next: the highest risk first, then who met a case last."""
    wanted = {"state": state, "risk": risk, "certain": certain, "place": place, "district": district, "older": older}
    return _page(queries.work_list(at=clock.now(), **wanted), cursor, limit)


@router.post("/contacts/{int:contact_id}/work", response=ContactOut, auth=Needs("tracing.work"))
@once
def work(request: HttpRequest, contact_id: BigId, data: WorkIn):
    """Note what came of calling a contact."""
    _contact(contact_id)
    services.work_contact(contact_id, state=data.state, note=data.note, by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    return _out(_contact(contact_id))


@router.get("/contacts/{int:contact_id}/contacts", response=list[OnwardOut], auth=Needs("tracing.view"))
def onward(request: HttpRequest, contact_id: BigId, limit: Limit = 100):
    """Whom a contact met since the first meeting with the case."""
    found = queries.contacts_of_contacts(_contact(contact_id), at=clock.now())[:limit]
    return [
        {
            "contact": one.visitor,
            "reasons": rules.explain(one.decision.to_json()),
            **{name: getattr(one, name) for name in ("risk", "certain", "minutes", "companions", "last_met")},
        }
        for one in found
    ]


@router.post("/cases/{uuid:case_id}/trace", response=TraceOut, auth=Needs("tracing.run"))
@once
def trace(request: HttpRequest, case_id: UUID):
    """Look at a case's contacts again, now."""
    _case(case_id)
    return _trace_out(services.trace_case(case_id, by=request.auth, at=clock.now()))  # type: ignore[attr-defined]  # -- ninja sets it


@router.get("/cases/{uuid:case_id}/trace", response=TraceOut, auth=Needs("tracing.view"))
def current_trace(request: HttpRequest, case_id: UUID):
    """The trace of a case that holds now."""
    found = queries.current_trace(_case(case_id).id)
    if found is None:
        raise ProblemError(404, "not_traced", "This case was not traced yet.")
    return _trace_out(found)


@router.get("/cases/{uuid:case_id}/sources", response=list[SourceOut], auth=Needs("tracing.view"))
def sources(request: HttpRequest, case_id: UUID):
    """Earlier cases from whom a case may have caught the disease, the likeliest first."""
    return [
        {
            "case": one.case.id,
            "case_number": one.case.source_key,
            "named": one.is_named,
            **{name: getattr(one, name) for name in ("likelihood", "minutes", "certain", "places", "last_met")},
        }
        for one in queries.sources_of(_case(case_id), at=clock.now())
    ]


@router.get("/cases/{uuid:case_id}/network", response=NetworkOut, auth=Needs("tracing.view"))
def case_network(request: HttpRequest, case_id: UUID, limit: Limit = 300):
    """A case, its contacts, and the cases linked with them, as nodes and links."""
    return queries.network(_case(case_id).id, at=clock.now(), limit=limit)


@router.get("/network", response=NetworkOut, auth=Needs("tracing.view"))
def network(request: HttpRequest, limit: Limit = 300):
    """The cases traced last, and what links them."""
    return queries.network(at=clock.now(), limit=limit)


@router.get("/clusters", response=list[ClusterOut], auth=Needs("tracing.view"))
def clusters(
    request: HttpRequest,
    limit: Limit = 100,
    district: BigId | None = None,
    days: Annotated[int | None, Query(ge=1, le=60)] = None,
):
    """Places where several cases were within the days of the rules in force, most cases first."""
    return [
        {
            "place": one.place.id,
            "district": one.place.district.name if one.place.district else "",
            **{name: getattr(one.place, name) for name in ("code", "name", "kind", "lon", "lat")},
            **{name: getattr(one, name) for name in ("cases", "certain", "exposed", "infectious", "hours", "first", "last")},
        }
        for one in queries.clusters(clock.now(), limit=limit, district=district, days=days)
    ]


def _page(found: Any, cursor: str, limit: int) -> dict[str, Any]:
    page = page_of(found, cursor, limit, ("rank", "-last_met", "id"))
    return {"items": [_out(contact) for contact in page["items"]], "next": page["next"]}


def _out(contact: Contact) -> dict[str, Any]:
    names = ("id", "risk", "certain", "minutes", "companions", "last_met", "found", "gone", "state", "worked_at", "simulated")
    return {
        "case": contact.case_id,
        "case_number": contact.case.source_key,
        "contact": contact.visitor,
        "registered": contact.person_id is not None,
        "place": contact.place_name or "",
        "reasons": rules.explain(contact.decision),
        "assigned_to": contact.assigned_to.username if contact.assigned_to else "",
        **{name: getattr(contact, name) for name in names},
    }


def _trace_out(found: Any) -> dict[str, Any]:
    names = ("made", "checked", "window_from", "window_until", "visits", "found", "added", "gone", "changed")
    decision = {"rule": found.decision["rule"], "reasons": rules.explain(found.decision)}
    return {"case": found.case_id, **decision, **{name: getattr(found, name) for name in names}}


def _case(case_id: UUID) -> Case:
    found = cases.cases_by_id([case_id]).get(case_id)
    if found is None:
        raise ProblemError(404, "not_found", "There is no such case.")
    return found


def _contact(contact_id: int) -> Any:
    found = queries.contact(contact_id)
    if found is None:
        raise ProblemError(404, "not_found", "There is no such contact.")
    return found
