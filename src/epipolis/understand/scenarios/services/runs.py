"""Running scenarios: queued as work with progress, taken up again after a killed worker, kept whole or not at all."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
from django.db import transaction
from django.utils.translation import gettext as _

from epipolis.core import audit, clock, live, work
from epipolis.core.context import platform_version
from epipolis.core.models import User
from epipolis.engines import twin
from epipolis.understand.scenarios import queries
from epipolis.understand.scenarios.models import Run, RunTable, Scenario, Version
from epipolis.understand.scenarios.queries import Content
from epipolis.understand.scenarios.services.scenarios import make_scenario

TASK = "scenarios.run"
_LOOK_EVERY = 0.5  # seconds between two reports of progress and looks whether somebody cancelled


class _CancelledError(ValueError):
    """Ends a computation that nobody wants any more; as a ValueError it is not tried again."""


@transaction.atomic
def start_run(version: Version, *, by: audit.Actor, at: datetime) -> Run:
    """Queue one computation of a version; one that waits or runs already is returned instead."""
    list(Version.objects.select_for_update().filter(id=version.id))
    if running := Run.objects.filter(version=version, state__in=queries.OPEN).first():
        return running
    user = by if isinstance(by, User) else None
    run = Run.objects.create(version=version, asked_by=user, asked=at)
    scenario = Scenario.objects.get(id=version.scenario_id)
    title = _("Simulate: %(name)s") % {"name": scenario.name}
    run.work = work.start_task(TASK, {"run": str(run.id)}, by=user, at=at, title=title[:200])
    run.save(update_fields=["work"])
    audit.record("scenarios.run", by=by, at=at, subject=scenario.id, version=version.number, run=str(run.id))
    live.tell("scenarios", scenario=str(scenario.id))
    return run


@transaction.atomic
def cancel_run(run_id: UUID, *, by: audit.Actor, at: datetime) -> Run:
    """Stop a computation that waits or runs; a finished one stays as it is.

    Raises:
        Run.DoesNotExist: there is none.
    """
    run = Run.objects.select_for_update().get(id=run_id)
    if run.state not in queries.OPEN:
        return run
    run.is_unwanted = True
    if run.state == Run.State.WAITING:
        run.state, run.finished = Run.State.CANCELLED, at
    run.save(update_fields=["is_unwanted", "state", "finished"])
    audit.record("scenarios.cancel", by=by, at=at, subject=run_id)
    _tell(run)
    return run


def compute_run(progress: work.Progress, run: str) -> dict[str, Any]:
    """The task itself. Killed in the middle it begins again and gives the same numbers; finished, it changes nothing.

    Raises:
        ValueError: the scenario cannot be simulated, or somebody cancelled; the run says so.
    """
    row = Run.objects.select_related("version").get(id=UUID(run))
    if row.state == Run.State.DONE:
        return {"infections": row.summaries[0]["infections"]} if row.summaries else {}
    if queries.is_unwanted(row.id):
        _end(row, str(Run.State.CANCELLED))
        raise ValueError(_("Cancelled."))
    Run.objects.filter(id=row.id).update(state=Run.State.RUNNING, problem="")
    _tell(row)
    began = time.perf_counter()
    try:
        built, disease, results = _simulate(row, progress)
    except _CancelledError:
        _end(row, str(Run.State.CANCELLED))
        raise
    except Exception as error:
        _end(row, str(Run.State.FAILED), str(error) if isinstance(error, ValueError) else type(error).__name__)
        raise
    _keep(row, built, disease, results, seconds=time.perf_counter() - began)
    return {"seconds": round(row.seconds or 0, 1), "repetitions": len(results)}


def _simulate(row: Run, progress: work.Progress) -> tuple[Any, Any, list[Any]]:
    content: Content = row.version.content
    progress(0, 1, _("Building the city"))
    built = build_city(content)
    disease = twin.load_disease(content["disease"])
    measures = queries.measures_of(content)
    codes = built.neighbourhoods.column("code").to_pylist()
    people = len(built.homes.age)
    twin.check_measures(measures, people=people, areas=codes, days=content["days"], disease=disease)
    arguments = {"days": content["days"], "seeds": range(1, content["seeds"] + 1), "begin": begin_of(content)}
    start = date.fromisoformat(content["start"])
    results = _watched(
        row, progress, lambda step: twin.simulate_many(built, disease, measures, start=start, progress=step, **arguments)
    )
    return built, disease, list(results)


def _watched(row: Run, progress: work.Progress, compute: Callable[[Callable[[int, int], None]], Any]) -> Any:
    """Compute beside this thread, which alone talks to the database: it reports progress and sees whether to stop."""
    state = {"done": 0, "total": 1, "stop": 0}

    def step(done: int, total: int) -> None:
        state.update(done=done, total=total)
        if state["stop"]:
            raise _CancelledError(_("Cancelled."))

    with ThreadPoolExecutor(1) as beside:
        found = beside.submit(compute, step)
        while not wait([found], timeout=_LOOK_EVERY).done:
            progress(state["done"], state["total"], _("Simulating"))
            state["stop"] = int(queries.is_unwanted(row.id))
        return found.result()


def build_city(content: Content) -> Any:
    """The city that a content asks for.

    Raises:
        ValueError: our city has no areas with people yet.
    """
    place = content["city"]
    if place["kind"] == "ours":
        return twin.build_city(areas=queries.our_areas(), seed=place["seed"])
    return twin.build_city(place["people"], seed=place["seed"])


def begin_of(content: Content) -> Any:
    """The people already infected with whom the run begins; None for a fresh start."""
    begin = content.get("begin")
    if not begin:
        return None
    names = ("area", "age_from", "age_to", "days_since_infection", "count")
    columns = {name: [row.get(name) for row in begin["infected"]] for name in names}
    types = {name: pa.string() if name == "area" else pa.int64() for name in names}
    infected = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
    return twin.Begin(infected, begin["immune_share"])


@transaction.atomic
def _keep(row: Run, built: Any, disease: Any, results: list[Any], *, seconds: float) -> None:
    """Everything of a run at once, or nothing; a run that was finished meanwhile stays as it is."""
    held = Run.objects.select_for_update().get(id=row.id)
    if held.state == Run.State.DONE:
        return
    tables = queries.packed(built, results)
    RunTable.objects.filter(run=held).delete()
    RunTable.objects.bulk_create(
        RunTable(run=held, name=name, rows=table.num_rows, content=queries.to_bytes(table)) for name, table in tables.items()
    )
    row.state, row.finished, row.seconds = Run.State.DONE, clock.now(), seconds
    row.engine = f"epipolis {platform_version()[:30]}".strip() + f", sources {queries.engine_digest()}"
    row.people = len(built.homes.age)
    row.disease, row.summaries = _plain(asdict(disease)), [_plain(result.summary()) for result in results]
    row.digest, row.is_unwanted = queries.digest_of(tables), False
    row.save()
    audit.record("scenarios.finish", by="platform", at=row.finished, subject=row.id, digest=row.digest)
    _tell(row)


def _plain(value: Any) -> Any:
    """Plain values for JSON out of dataclasses, tuples and NumPy numbers."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if hasattr(value, "item"):
        return value.item()
    return value.isoformat() if isinstance(value, date) else value


def _end(row: Run, state: str, problem: str = "") -> None:
    Run.objects.filter(id=row.id).exclude(state=Run.State.DONE).update(state=state, problem=problem, finished=clock.now())
    _tell(row)


def _tell(row: Run) -> None:
    live.tell("scenarios", scenario=str(row.version.scenario_id))


@transaction.atomic
def make_first_scenarios(*, by: audit.Actor, at: datetime, disease: str) -> list[Scenario]:
    """Two ready scenarios, as is and with masks and tracing, made and started: something to compare in a minute."""
    found = []
    for name in ("as_is", "masks_tracing"):
        ready = queries.BY_NAME[name]
        content = queries.ready_content(name, disease=disease, start=clock.local_day(at))
        scenario = make_scenario(str(ready.title), str(ready.text), content, by=by, at=at)
        start_run(queries.version(scenario), by=by, at=at)
        found.append(scenario)
    return found
