"""The background process dies in the middle of its work."""

import pytest

from .conftest import kill
from .files import take, write_cases, write_places, write_visits

CASES, PLACES = 120, 12
EVENTS = (
    "SELECT event->>'case' FROM procrastinate_jobs, jsonb_path_query(args, '$.body[*]') event"
    " WHERE status IN ('todo', 'doing') AND task_name = 'deliver' ORDER BY id"
)
TRACED = "SELECT count(*) FROM tracing_trace WHERE is_current"


@pytest.fixture
def queued(city, tmp_path):
    """A city with many confirmed cases that nobody has traced yet; at each place ten of them met."""
    files = {
        "cases": write_cases(tmp_path / "cases.csv", CASES),
        "places": write_places(tmp_path / "places.csv", PLACES),
        "visits": write_visits(tmp_path / "visits.csv", CASES, PLACES),
    }
    assert take(city, files) == [CASES, PLACES, CASES]
    assert len(city.ask(EVENTS)) >= CASES
    return city


def test_each_case_is_traced_once_though_the_worker_was_killed_in_the_middle_of_one(queued):
    city = queued
    middle = city.ask(f"{EVENTS} OFFSET 30")
    with city.connect() as obstacle:  # so that this case's trace has begun, and cannot end, when the worker dies
        obstacle.execute("SELECT pg_advisory_lock(7301, hashtext(%s))", [middle[0][0]])
        worker = city.start("worker")
        city.until(lambda: city.count("pg_locks", "NOT granted AND locktype = 'advisory'"), "the trace has begun")
        kill(worker)

    assert city.count("procrastinate_jobs", "status = 'doing' AND task_name = 'deliver'") >= 1
    assert city.ask(TRACED)[0][0] < CASES
    city.start("worker")
    city.until(lambda: not city.ask(EVENTS), "everything is traced")

    met = CASES // PLACES - 1
    assert city.ask(TRACED)[0][0] == CASES
    assert city.ask("SELECT count(*), count(DISTINCT (case_id, visitor)) FROM tracing_contact") == [(CASES * met, CASES * met)]
    assert city.count("tracing_encounter") == CASES * met
    assert city.count("procrastinate_jobs", "status IN ('failed', 'aborted')") == 0


def test_the_regular_work_goes_on_after_a_worker_died_in_it(city):
    worker = city.start("worker")
    city.until(lambda: city.count("core_periodicrun", "name = 'core.retention'"), "the first worker did its regular work")
    kill(worker)
    city.ask(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args, status) VALUES "
        "('tasks', 'tick', 'tick', '{\"timestamp\": 1}', 'doing'), "
        "('tasks', 'run_job', 'core.retention', '{\"name\": \"core.retention\"}', 'doing'), "
        "('tasks', 'run_job', 'core.retention', '{\"name\": \"core.retention\"}', 'todo') RETURNING id"
    )
    city.ask("DELETE FROM core_periodicrun RETURNING name")

    city.start("worker")

    city.until(lambda: city.count("core_periodicrun", "name = 'core.uploads'"), "the regular work is done again")
    city.until(lambda: city.count("procrastinate_jobs", "status = 'doing' AND worker_id IS NULL") == 0, "nothing hangs")
    assert city.count("procrastinate_jobs", "status = 'failed'") == 0
