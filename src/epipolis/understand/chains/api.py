"""Chains for programs: links, clusters, and decisions. Cases under their ids and numbers, no names."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import Limit
from epipolis.core.idempotency import once
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError
from epipolis.sense.cases import queries as cases
from epipolis.sense.cases.models import Case

from . import queries, services
from .models import Judgement

router = Router(tags=["Chains"])
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Share = Annotated[float, Field(ge=0, le=1)]


class LinkOut(Schema):
    """`probability`: beside all others that may have infected this case, and a source that nobody saw."""

    infectee: UUID
    infector: UUID
    probability: float
    days: int | None
    basis: str
    minutes: int
    rule: str
    made: datetime

    @staticmethod
    def resolve_infectee(link: Any) -> UUID:
        return link.infectee_id

    @staticmethod
    def resolve_infector(link: Any) -> UUID:
        return link.infector_id


class LinkPage(Schema):
    items: list[LinkOut]
    next: str | None = None


class ClusterOut(Schema):
    """Cases that hang together."""

    first_case: UUID
    number: str
    cases: int
    generations: int
    first: date | None
    last: date | None
    simulated: bool


class JudgeIn(Schema):
    infector: UUID
    is_source: bool
    reason: Reason


class JudgementOut(Schema):
    id: int
    infectee: UUID
    infector: UUID
    is_source: bool
    reason: str
    by: str
    at: datetime
    undone: datetime | None

    @staticmethod
    def resolve_infectee(made: Any) -> UUID:
        return made.infectee_id

    @staticmethod
    def resolve_infector(made: Any) -> UUID:
        return made.infector_id


@router.get("/links", response=LinkPage, auth=Needs("chains.view"), summary="Who may have infected whom")
def links(
    request: HttpRequest, case: UUID | None = None, at_least: Share = 0.0, cursor: str | None = None, limit: Limit = 100
) -> dict[str, Any]:
    """Every link, or those from and to one case, from a probability on."""
    found = queries.links_between([case] if case else None, shown_from=at_least)
    return page_of(found, cursor, limit, key="id")


@router.get("/clusters", response=list[ClusterOut], auth=Needs("chains.view"), summary="Cases that hang together")
def clusters(request: HttpRequest, days: Annotated[int, Query(ge=1, le=3_650)] = 120) -> list[dict[str, Any]]:
    """The clusters of the last days, the largest first."""
    found = queries.figures_of(clock.now(), days=days).clusters
    return [
        {
            "first_case": one.first_case.id,
            "number": one.first_case.number,
            "cases": one.cases,
            "generations": one.generations,
            "first": one.first,
            "last": one.last,
            "simulated": one.first_case.simulated,
        }
        for one in found
    ]


@router.post(
    "/cases/{uuid:case_id}/judgements", response={201: JudgementOut}, auth=Needs("chains.judge"), summary="Decide on a link"
)
@once
def judge(request: HttpRequest, case_id: UUID, body: JudgeIn) -> Status[Judgement]:
    """Say that a case was infected by another, or was not; it stands above the probabilities until it is taken back."""
    try:
        cases.case(case_id)
    except Case.DoesNotExist as error:
        raise ProblemError(404, "no_case", "There is no such case.") from error
    try:
        by = request.auth  # type: ignore[attr-defined]  # -- ninja sets it
        made = services.judge_link(case_id, body.infector, is_source=body.is_source, reason=body.reason, by=by, at=clock.now())
    except services.JudgementError as error:
        raise ProblemError(422, "not_decided", str(error)) from error
    return Status(201, made)
