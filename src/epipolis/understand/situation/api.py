from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import Moment
from epipolis.core.problems import ProblemError

from . import queries

router = Router(tags=["Situation"])


class AsKnown(Schema):
    as_known_at: Moment | None = None


class Figures(Schema):
    """Confirmed cases by the day of their report; incidence is cases of seven days per 100,000 people."""

    as_known_at: datetime
    day: date
    total: int
    new: int
    week: int
    week_before: int
    active: int
    died: int
    people: int | None
    incidence: float | None
    without_district: int
    by_class: dict[str, int]


class HopOut(Schema):
    name: str
    cases: int
    missing: int
    median: float | None
    slowest_tenth: float | None


@router.get("", response=Figures, auth=Needs("situation.view"))
def figures(request: HttpRequest, asked: Query[AsKnown]) -> dict[str, Any]:
    """The headline figures, as known now or at a moment before."""
    found = _picture(asked.as_known_at)
    values = {name: getattr(found, name) for name in Figures.model_fields if hasattr(found, name)}
    return values | {"as_known_at": found.at, "day": found.today}


@router.get("/tables/{table}", auth=Needs("situation.view"))
def table(request: HttpRequest, table: str, asked: Query[AsKnown]) -> list[dict[str, Any]]:
    """One table of the page: `curve`, `ages` or `districts`."""
    tables = {"curve": queries.curve_table, "ages": queries.age_table, "districts": queries.district_table}
    if table not in tables:
        raise ProblemError(404, "not_found", f"There is no table {table[:40]!r}; there are {', '.join(tables)}.")
    return tables[table](_picture(asked.as_known_at))


@router.get("/delays", response=list[HopOut], auth=Needs("situation.view"))
def delays(request: HttpRequest, asked: Query[AsKnown]) -> list[queries.Hop]:
    """How long each hop of the chain takes, in days, over the cases of the last weeks."""
    return queries.hops(asked.as_known_at or clock.now())


@router.get("/public", auth=None)
def public(request: HttpRequest) -> dict[str, Any]:
    """The day's public release: hidden counts are null. Needs no account."""
    release = queries.published(clock.now())
    return {
        "released": release.released,
        "total": release.total,
        "died": release.died,
        "week_incidence": release.week_incidence,
        "weeks": list(release.weeks),
        "districts": list(release.districts),
        "smallest_shown": release.smallest,
    }


def _picture(at: datetime | None) -> queries.Picture:
    if at is not None and at > clock.now():
        raise ProblemError(
            422, "invalid", "as_known_at lies in the future.", [{"field": "as_known_at", "rule": "not later than now"}]
        )
    return queries.picture(at, now=clock.now())
