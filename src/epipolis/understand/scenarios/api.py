"""Scenarios for programs: make one, run it, ask how far it is, take its results. Everything is simulated."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from epipolis.core import clock
from epipolis.core.access import Needs
from epipolis.core.fields import Day, Limit, LongText, Word
from epipolis.core.idempotency import once
from epipolis.core.pages import page_of
from epipolis.core.problems import ProblemError

from . import queries, services
from .models import Run, Scenario, Version
from .settings import settings

router = Router(tags=["Scenarios"])
Share = Annotated[float, Field(ge=0, le=1)]
PerPeople = Annotated[float, Field(ge=0, le=100_000)]


class Asked(Schema):
    """What a program sends; a field that is not known is refused rather than left out."""

    model_config = ConfigDict(extra="forbid")


class CityIn(Asked):
    """`procedural` with a number of people, or `ours`: the areas and people of this platform."""

    kind: Literal["procedural", "ours"] = "procedural"
    people: Annotated[int, Field(ge=500, le=settings.most_people)] = 20_000
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1


class BedsIn(Asked):
    ward: PerPeople = settings.ward_beds_per_100k
    icu: PerPeople = settings.icu_beds_per_100k


class BeginIn(Asked):
    """What if from here: begin with the people infected in the last weeks as this platform knows them."""

    under_reporting: Annotated[float, Field(ge=1, le=100)] = settings.under_reporting
    immune_share: Share = 0.0


class ScenarioIn(Asked):
    """Measures are written as in files: `{"masks": {"effect": 0.5, "from": 14}}`, or just `"isolate_cases"`."""

    name: Word
    description: LongText = ""
    city: CityIn = CityIn()
    disease: Word = "covid_19_ancestral"
    start: Day | None = None
    days: Annotated[int, Field(ge=1, le=settings.most_days)] = 120
    seeds: Annotated[int, Field(ge=1, le=settings.most_seeds)] = 5
    beds: BedsIn = BedsIn()
    measures: Annotated[list[str | dict[str, Any]], Field(max_length=settings.most_measures)] = []
    begin: BeginIn | None = None


class ScenarioOut(Schema):
    id: UUID
    name: str
    description: str
    author: str
    made: datetime
    shared: datetime | None
    archived: datetime | None
    version: int


class ScenarioPage(Schema):
    items: list[ScenarioOut]
    next: str | None = None


class VersionOut(ScenarioOut):
    """A scenario with what its newest version says and the runs of that version."""

    content: dict[str, Any]
    runs: list["RunOut"]


class RunOut(Schema):
    """`digest` is one text for all numbers of a finished run: the same scenario again gives the same digest."""

    id: UUID
    state: str
    done: int
    total: int
    asked: datetime
    finished: datetime | None
    seconds: float | None
    problem: str
    engine: str
    digest: str
    simulated: bool = True


class ResultOut(Schema):
    """Totals of a finished run: low (10 %), median and high (90 %) over the seeds."""

    scenario: UUID
    version: int
    run: RunOut
    people: int
    disease: dict[str, Any]
    totals: list[dict[str, Any]]
    summaries: list[dict[str, Any]]
    assumptions: list[str]


class Filter(Schema):
    archived: bool = False
    cursor: Annotated[str, Field(max_length=500)] = ""
    limit: Limit = 100


@router.get("", response=ScenarioPage, auth=Needs("scenarios.view"))
def scenarios(request: HttpRequest, asked: Query[Filter]):
    """The scenarios that the caller may see, the newest first."""
    found = queries.visible_to(request.auth).filter(archived__isnull=not asked.archived)  # type: ignore[attr-defined]  # -- ninja sets it
    page = page_of(found, asked.cursor, asked.limit, key=("-made", "id"))
    return {"items": [_out(one) for one in page["items"]], "next": page["next"]}


@router.post("", response={201: VersionOut}, auth=Needs("scenarios.run"))
@once
def make(request: HttpRequest, data: ScenarioIn):
    """Make a scenario; it is not computed before it is run."""
    at = clock.now()
    try:
        content = _content(data, at)
        made = services.make_scenario(data.name, data.description, content, by=request.auth, at=at)  # type: ignore[attr-defined]  # -- ninja sets it
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)) from error
    return Status(201, _whole(made))


@router.get("/diseases", auth=Needs("scenarios.view"), response=list[dict[str, Any]])
def diseases(request: HttpRequest):
    """The diseases that can be simulated, with their vaccines."""
    found = queries.disease_choices()
    return [{"name": name, "title": title, "vaccines": queries.vaccines_of(name)} for name, title in found]


@router.get("/{uuid:scenario_id}", response=VersionOut, auth=Needs("scenarios.view"))
def scenario(request: HttpRequest, scenario_id: UUID):
    """One scenario with the newest version of what it says."""
    return _whole(_scenario(request, scenario_id))


@router.post("/{uuid:scenario_id}/run", response={202: RunOut}, auth=Needs("scenarios.run"))
@once
def run(request: HttpRequest, scenario_id: UUID):
    """Queue a computation of the newest version; one that waits or runs already is answered instead."""
    version = queries.version(_scenario(request, scenario_id))
    started = services.start_run(version, by=request.auth, at=clock.now())  # type: ignore[attr-defined]  # -- ninja sets it
    return Status(202, _run_out(started))


@router.get("/runs/{uuid:run_id}", response=RunOut, auth=Needs("scenarios.view"))
def one_run(request: HttpRequest, run_id: UUID):
    """How far a run is."""
    return _run_out(_run(request, run_id))


@router.post("/runs/{uuid:run_id}/cancel", response=RunOut, auth=Needs("scenarios.run"))
@once
def cancel(request: HttpRequest, run_id: UUID):
    """Stop a run that waits or runs."""
    found = _run(request, run_id)
    return _run_out(services.cancel_run(found.id, by=request.auth, at=clock.now()))  # type: ignore[attr-defined]  # -- ninja sets it


@router.get("/{uuid:scenario_id}/results", response=ResultOut, auth=Needs("scenarios.view"))
def results(request: HttpRequest, scenario_id: UUID):
    """The totals of the newest finished run."""
    found = _scenario(request, scenario_id)
    shown = _finished(found)
    version = shown.version
    return {
        "scenario": found.id,
        "version": version.number,
        "run": _run_out(shown.run),
        "people": shown.people,
        "disease": shown.run.disease or {},
        "totals": queries.rows("totals", [shown]),
        "summaries": shown.run.summaries,
        "assumptions": queries.assumptions(shown),
    }


@router.get("/{uuid:scenario_id}/results/{table}", auth=Needs("scenarios.view"), response=list[dict[str, Any]])
def result_table(request: HttpRequest, scenario_id: UUID, table: str):
    """One table of the newest finished run: `curves`, `totals`, `equity`, `costs` or `settings`."""
    found = _scenario(request, scenario_id)
    if table not in queries.COLUMNS:
        raise ProblemError(404, "not_found", f"There is no table {table[:40]!r}; there are {', '.join(queries.COLUMNS)}.")
    return queries.rows(table, [_finished(found)])


def _content(data: ScenarioIn, at: datetime) -> dict[str, Any]:
    start: date = data.start or clock.local_day(at)
    content = queries.empty_content(data.disease, start)
    place = data.city.dict() if data.city.kind == "procedural" else {"kind": "ours", "seed": data.city.seed}
    content |= {"city": place, "days": data.days, "seeds": data.seeds, "beds": data.beds.dict()}
    content["measures"] = queries.read_entries(data.measures)
    queries.check_shape(content)
    if data.begin:
        content["begin"] = queries.beginning(
            at,
            disease=data.disease,
            under_reporting=data.begin.under_reporting,
            immune_share=data.begin.immune_share,
            with_areas=data.city.kind == "ours",
        )
    return content


def _out(found: Scenario) -> dict[str, Any]:
    names = ("id", "name", "description", "made", "shared", "archived")
    author = found.author.username if found.author else ""
    return {name: getattr(found, name) for name in names} | {"author": author, "version": queries.version(found).number}


def _whole(found: Scenario) -> dict[str, Any]:
    version: Version = queries.version(found)
    content = version.content | {"measures": queries.plain_measures(version.content)}
    return _out(found) | {"content": content, "runs": [_run_out(one) for one in queries.runs_of(version)]}


def _run_out(found: Run) -> dict[str, Any]:
    names = ("id", "state", "asked", "finished", "seconds", "problem", "engine", "digest")
    work = found.work
    return {name: getattr(found, name) for name in names} | {
        "done": work.done if work else 0,
        "total": work.total if work else 0,
    }


def _scenario(request: HttpRequest, scenario_id: UUID) -> Scenario:
    found = queries.scenario(scenario_id, user=request.auth)  # type: ignore[attr-defined]  # -- ninja sets it
    if found is None:
        raise ProblemError(404, "not_found", "There is no such scenario, or it was not shared with you.")
    return found


def _run(request: HttpRequest, run_id: UUID) -> Run:
    found = queries.run(run_id, user=request.auth)  # type: ignore[attr-defined]  # -- ninja sets it
    if found is None:
        raise ProblemError(404, "not_found", "There is no such run, or its scenario was not shared with you.")
    return found


def _finished(found: Scenario) -> queries.Shown:
    ready, _missing = queries.shown([found])
    if not ready:
        raise ProblemError(404, "not_finished", "No run of this scenario is finished yet.")
    return ready[0]
