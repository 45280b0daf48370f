"""Forecasts for programs: the newest round and its figures, scores, and the exchange with other teams."""

import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from ninja import Query, Router, Schema, Status
from pydantic import Field

from epipolis.core import audit, clock
from epipolis.core.access import Needs
from epipolis.core.exports import download
from epipolis.core.fields import Day, Limit, Moment, ShortText
from epipolis.core.idempotency import once
from epipolis.core.imports import ImportOptions
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError

from . import queries, services
from .models import Round

router = Router(tags=["Forecast"])
Name = Annotated[ShortText, Field(max_length=60)]
_TYPES = {"text/csv": ".csv", "application/x-ndjson": ".ndjson"}
_MOST = 100 * 2**20
_ROWS = 50_000


class RoundOut(Schema):
    """`made_at` later than `known_at` by a day or more: made afterwards, from nothing but what was known at `known_at`."""

    id: UUID
    kind: str
    state: str
    team: str
    known_at: datetime
    made_at: datetime | None
    made_on: date
    engine: str
    seed: int
    digest: str
    problem: str
    problems: list[dict[str, Any]]


class RoundPage(Schema):
    items: list[RoundOut]
    next: str | None = None


class WholeRoundOut(RoundOut):
    settings: dict[str, Any]
    levels: list[float]
    targets: list[str]


class ForecastOut(Schema):
    """`days`: 7, the sum of the seven days that end on `day`; 1, that day alone. `values` belong to the round's `levels`."""

    model: str
    target: str
    area: str
    days: int
    horizon: int
    day: date
    values: list[float | None]
    marked: str


class ForecastsOut(Schema):
    round: RoundOut
    levels: list[float]
    forecasts: list[ForecastOut]


class RtOut(Schema):
    area: str
    area_name: str
    day: date
    mean: float | None
    low: float | None
    quarter: float | None
    median: float | None
    three_quarters: float | None
    high: float | None
    is_pooled: bool
    marked: str


class RecordOut(Schema):
    """Skill below 1 is better than the baseline, which assumes that all stays as it is."""

    model: str
    horizon: int | None
    count: int
    wis: float
    error: float
    relative: float | None
    within_50: float | None
    within_95: float | None
    is_team: bool


class Narrow(Schema):
    target: Name = ""
    area: Name = ""
    model: Name = ""
    as_known_at: Moment | None = None


class PastIn(Schema):
    since: Day
    until: Day
    every: Annotated[int, Field(ge=1, le=28)] = 7


class WorkOut(Schema):
    work: UUID


@router.get("/rounds", response=RoundPage, auth=Needs("forecast.view"))
def rounds(request: HttpRequest, cursor: str | None = None, limit: Limit = 50):
    """Every round and every submission of other teams, the newest data first."""
    return page_of(queries.rounds(), cursor, limit, ("-known_at", "-asked_at", "id"))


@router.post("/rounds", response={202: RoundOut}, auth=Needs("forecast.run"))
@once
def run(request: HttpRequest):
    """Queue a round from what is known now; one that waits or runs is answered instead."""
    found = services.start_round(by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    return Status(202, found)


@router.post("/rounds/past", response={202: WorkOut}, auth=Needs("forecast.run"))
@once
def past(request: HttpRequest, data: PastIn):
    """Queue the question how we would have done: rounds from what was known on past days."""
    try:
        run = services.start_past(data.since, data.until, every=data.every, by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)) from error
    return Status(202, {"work": run.id})


@router.get("/rounds/latest", response=WholeRoundOut, auth=Needs("forecast.view"))
def latest(request: HttpRequest, as_known_at: Moment | None = None):
    """The newest finished round, or the newest from data known at a moment."""
    return _whole(_latest(as_known_at))


@router.get("/rounds/{uuid:round_id}", response=WholeRoundOut, auth=Needs("forecast.view"))
def one_round(request: HttpRequest, round_id: UUID):
    """One round."""
    return _whole(_round(round_id))


@router.get("/rounds/{uuid:round_id}/forecasts", response=ForecastsOut, auth=Needs("forecast.view"))
def forecasts_of_round(request: HttpRequest, round_id: UUID, asked: Query[Narrow]):
    """The forecasts of one round."""
    return _forecasts(_round(round_id), asked)


@router.get("/forecasts", response=ForecastsOut, auth=Needs("forecast.view"))
def forecasts(request: HttpRequest, asked: Query[Narrow]):
    """The forecasts of the newest round; narrow them down by target, area (`city`: all of it) and model."""
    return _forecasts(_latest(asked.as_known_at), asked)


@router.get("/nowcast", response=ForecastsOut, auth=Needs("forecast.view"))
def nowcast(request: HttpRequest, asked: Query[Narrow]):
    """The latest days with what is still to be reported, of the newest round."""
    asked.model = queries.NOWCAST
    return _forecasts(_latest(asked.as_known_at), asked)


@router.get("/rt", response=list[RtOut], auth=Needs("forecast.view"))
def rt(request: HttpRequest, asked: Query[Narrow]):
    """The reproduction number of the newest round, day by day: median, 50 % and 95 % ranges."""
    return queries.rt_rows(_latest(asked.as_known_at), asked.area)


@router.get("/scores", response=list[RecordOut], auth=Needs("forecast.view"))
def scores(
    request: HttpRequest, target: Name = queries.CASES, area: Name = "", days: Annotated[int, Field(ge=7, le=1_830)] = 84
):
    """How every model did over the last days, other teams' too: first in all, then by horizon."""
    return queries.score_summary(target, area, clock.now(), days=days)


@router.get("/hub", auth=Needs("forecast.export"))
def hub(request: HttpRequest, asked: Query[Narrow]) -> HttpResponseBase:
    """One model's forecasts of the newest round as a CSV file in the format of the forecast hubs."""
    found = _latest(asked.as_known_at)
    rows = queries.hub_rows(found, asked.model or queries.ENSEMBLE, asked.target)
    if not rows:
        raise ProblemError(404, "not_found", f"The round holds no forecast of {asked.model or queries.ENSEMBLE!r}.")
    audit.record("forecast.export", by=request.auth, at=clock.now(), subject=found.id, kind="hub")  # type: ignore[attr-defined]  # -- ninja sets it
    return download(f"{found.made_on:%Y-%m-%d}-{queries.ENSEMBLE}", "csv", queries.HUB_COLUMNS, rows)


@router.post(
    "/hub",
    auth=Needs("forecast.import"),
    openapi_extra={"requestBody": {"content": {kind: {"schema": {"type": "string"}} for kind in _TYPES}, "required": True}},
)
def import_hub(request: HttpRequest, team: Name = "", dry_run: bool = False) -> dict[str, Any]:
    """Take another team's forecasts in that format. Every bad row is named; the same file again changes nothing."""
    return _import(request, team, services.import_hub, dry_run=dry_run)


@router.post(
    "/series",
    auth=Needs("forecast.import"),
    openapi_extra={"requestBody": {"content": {kind: {"schema": {"type": "string"}} for kind in _TYPES}, "required": True}},
)
def import_series(request: HttpRequest, source: Name = "", dry_run: bool = False) -> dict[str, Any]:
    """Take occupancies or other counts. A corrected value is kept beside the earlier one."""
    return _import(request, source, services.import_series, dry_run=dry_run)


def _import(request: HttpRequest, source: str, work: Any, *, dry_run: bool) -> dict[str, Any]:
    ending = _TYPES.get((request.content_type or "").lower())
    if ending is None:
        raise ProblemError(415, "kind", f"Send one of {', '.join(_TYPES)}.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{ending}"
        _save(request, path)
        options = ImportOptions(by=request.auth, at=clock.now(), dry_run=dry_run, source=source or "api")  # type: ignore[attr-defined]  # -- ninja sets it
        try:
            found: dict[str, Any] = work(path, options).to_json()
        except ValueError as error:
            raise ProblemError(422, "unreadable", str(error)) from error
    return found


def _save(request: HttpRequest, path: Path) -> None:
    size = 0
    with path.open("wb") as out:
        while block := request.read(1 << 20):
            size += len(block)
            if size > _MOST:
                raise ProblemError(413, "too_large", f"At most {_MOST} bytes over the API.")
            out.write(block)


def _forecasts(found: Round, asked: Narrow) -> dict[str, Any]:
    rows = queries.forecasts_of(found, target=asked.target, area=asked.area, model=asked.model)[:_ROWS]
    names = ("model", "target", "area", "horizon", "day", "values", "marked")
    told = [{name: getattr(row, name) for name in names} | {"days": row.step} for row in rows]
    return {"round": found, "levels": found.levels, "forecasts": told}


def _whole(found: Round) -> dict[str, Any]:
    names = (*RoundOut.model_fields, "settings", "levels")
    return {name: getattr(found, name) for name in names} | {"targets": queries.targets_of(found)}


def _latest(at: datetime | None) -> Round:
    found = queries.latest_round(at)
    if found is None:
        raise ProblemError(404, "no_round", "No round has been made yet.")
    return found


def _round(round_id: UUID) -> Round:
    found = queries.round_by_id(round_id)
    if found is None:
        raise ProblemError(404, "not_found", "There is no such round.")
    return found
