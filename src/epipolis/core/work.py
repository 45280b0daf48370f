"""Background work: long tasks that a person starts and watches, and jobs that the platform runs by its own clock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from epipolis.core import audit, clock, live, retention
from epipolis.core.models import PeriodicRun, TaskRun, User
from epipolis.core.modules import Job, Task, modules

_EVERY = 0.5  # seconds between two reports of progress
_RETRY = RetryStrategy(max_attempts=4, wait=2, exponential_wait=3)
HEARTBEAT, DEAD_AFTER = 3.0, 20.0  # seconds between two signs of life of a worker; without one for so long it is dead


class Progress:
    """How a long task says how far it is: `progress(done, total, note)`; cheap to call often."""

    def __init__(self, report: Callable[[int, int, str], None]) -> None:
        self._report, self._last = report, 0.0

    def __call__(self, done: int, total: int, note: str = "") -> None:
        if done >= total or time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            self._report(done, total, note)


def silent() -> Progress:
    """Progress that nobody watches."""
    return Progress(lambda done, total, note: None)


def runs_of(user: User) -> QuerySet[TaskRun]:
    """The tasks that this person started, newest first."""
    return TaskRun.objects.filter(asked_by=user).order_by("-asked", "-id")


def find_task(name: str) -> Task:
    """A task that the core or some module declares.

    Raises:
        LookupError: no module that is switched on declares it.
    """
    from epipolis.core.uploads import IMPORT  # noqa: PLC0415 -- importers report their progress through this file

    declared = [task for module in modules().values() for task in module.tasks]
    for task in (IMPORT, *declared):
        if task.name == name:
            return task
    raise LookupError(f"no task {name!r}")


@transaction.atomic
def start_task(name: str, arguments: dict[str, Any], *, by: User | None, at: datetime, title: str = "") -> TaskRun:
    """Queue a task in the caller's transaction and return its run, which shows the progress."""
    task = find_task(name)
    run = TaskRun.objects.create(task=name, title=title or task.title, arguments=arguments, asked_by=by, asked=at)
    audit.record("task.start", by=by, at=at, subject=name, run=str(run.id))
    run_task.defer(run=str(run.id))
    return run


@app.task(name="run_task", retry=_RETRY, queue="tasks")
def run_task(run: str) -> None:
    """Do a task; killed in the middle, it starts again, which is why tasks must be safe to run twice."""
    row = TaskRun.objects.get(id=UUID(run))
    if row.state == TaskRun.State.DONE:
        return
    TaskRun.objects.filter(id=row.id).update(state=TaskRun.State.RUNNING)
    try:
        result = find_task(row.task).run(Progress(lambda *step: _show(row.id, *step)), **row.arguments)
    except ValueError as error:  # a wrong input stays wrong however often it is tried
        _finish(row.id, str(TaskRun.State.FAILED), {"error": str(error)})
    except Exception as error:
        _finish(row.id, str(TaskRun.State.FAILED), {"error": type(error).__name__})
        raise
    else:
        _finish(row.id, str(TaskRun.State.DONE), result)


def _show(run: UUID, done: int, total: int, note: str) -> None:
    TaskRun.objects.filter(id=run).update(done=done, total=total, note=note[:200])
    live.tell("tasks", run=str(run))


def _finish(run: UUID, state: str, result: Any) -> None:
    TaskRun.objects.filter(id=run).update(state=state, result=result, finished=clock.now())
    live.tell("tasks", run=str(run))


@contextmanager
def worker_app() -> Iterator[Any]:
    """The job queue as a worker uses it: it fetches by its own connections, but what a listener or task defers itself
    still joins that function's transaction. Without this an event could be heard before its change is committed."""
    own: Any = app.connector
    fetching = own.get_worker_connector()
    fetching.get_sync_connector = lambda: own
    with app.replace_connector(fetching) as ready:
        yield ready


@app.periodic(cron="* * * * * */5")
@app.task(name="tick", queue="tasks", queueing_lock="tick", pass_context=False)
def tick(timestamp: int) -> None:
    """Every few seconds: take up what a dead worker left, chain the audit trail, start the declared jobs that are due."""
    take_up_abandoned()
    audit.seal()
    for name, job in declared_jobs().items():
        if is_due(name, job.every, at=clock.now()):
            with suppress(AlreadyEnqueued):  # it waits already, perhaps for its next try
                run_job.configure(queueing_lock=name).defer(name=name)


@transaction.atomic
def take_up_abandoned() -> int:
    """Queue again what a worker was doing when it died; return how many. Everything queued is safe to run twice."""
    with connection.cursor() as cursor:
        cursor.execute(_ABANDONED, [DEAD_AFTER])
        rows = cursor.fetchall()
        for job, returns_by_itself in rows:  # the regular ones do, and two of one name may not wait
            statement = _DROP if returns_by_itself else _AGAIN
            cursor.execute(statement, [job])
    return len(rows)


_ABANDONED = """
SELECT job.id, job.queueing_lock IS NOT NULL FROM procrastinate_jobs job
LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
WHERE job.status = 'doing' AND coalesce(worker.last_heartbeat, '-infinity') < now() - make_interval(secs => %s)
FOR UPDATE OF job SKIP LOCKED
"""
_AGAIN = "SELECT procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)"
_DROP = "SELECT procrastinate_finish_job_v1(%s, 'aborted', true)"


@app.task(name="run_job", retry=_RETRY, queue="tasks")
def run_job(name: str) -> None:
    """Run one declared job and note when."""
    at = clock.now()
    declared_jobs()[name].run()
    PeriodicRun.objects.update_or_create(name=name, defaults={"last": at})


def is_due(name: str, every: timedelta, *, at: datetime) -> bool:
    last = PeriodicRun.objects.filter(name=name).first()
    return last is None or not timedelta() <= at - last.last < every


def declared_jobs() -> dict[str, Job]:
    """Every job of every module, and the platform's own: enforcing how long things are kept."""
    from epipolis.core.uploads import forget_old_uploads  # noqa: PLC0415 -- importers report their progress through this file

    found = {
        "core.retention": Job(lambda: retention.enforce(at=clock.now()), timedelta(hours=12)),
        "core.uploads": Job(lambda: forget_old_uploads(at=clock.now()), timedelta(hours=6)),
    }
    for name, module in modules().items():
        found |= {f"{name}.{job.run.__name__}": job for job in module.jobs}
    return found
