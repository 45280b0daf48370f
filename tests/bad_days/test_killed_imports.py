"""An import dies in the middle; the same file again ends where one clean run ends."""

import json

import pytest

from .conftest import kill
from .files import write_cases

ROWS = 1_200
PICTURE = """
SELECT c.source_key, c.classification, c.onset, c.confirmed, c.sex, c.age_from, c.revision, count(r.id)
FROM cases_case c JOIN cases_caserevision r ON r.case_id = c.id GROUP BY c.id ORDER BY c.source_key
"""
ANNOUNCED = (
    "SELECT count(*), count(DISTINCT event->>'case') FROM procrastinate_jobs, jsonb_path_query(args, '$.body[*]') event"
    " WHERE args->>'event' LIKE '%%CaseConfirmed'"
)


def killed_in_the_middle(city, process):
    """Let the import store some rows, then hold its next batch up by a lock, and kill it there."""
    city.until(lambda: city.count("cases_case") > 0, "the first rows are stored", every=0.01)
    with city.connect() as obstacle:
        obstacle.execute("BEGIN; LOCK TABLE cases_caserevision IN SHARE MODE")
        city.until(lambda: city.count("pg_locks", "NOT granted"), "a batch has begun", every=0.01)
        kill(process)
        obstacle.execute("ROLLBACK")
    stored = city.count("cases_case")
    assert 0 < stored < ROWS
    return stored


@pytest.fixture
def lines(tmp_path):
    return write_cases(tmp_path / "office.csv", ROWS)


@pytest.fixture
def small_batches(city):
    city.environment["EPIPOLIS_CASES_IMPORT_ROWS"] = "40"
    return city


@pytest.fixture(scope="module")
def clean(installations, tmp_path_factory):
    """What one run that nobody disturbed leaves."""
    city = installations()
    city.hold()
    city.epipolis("import", "cases", write_cases(tmp_path_factory.mktemp("files") / "office.csv", ROWS))
    found = picture(city)
    city.close()
    return found


def picture(city):
    """The line list with its history, who is known, and what was announced; without times and made-up ids."""
    people = city.count("people_person"), city.count("people_identifier")
    return city.ask(PICTURE), people, city.ask(ANNOUNCED)


def test_a_killed_command_is_simply_run_again(small_batches, lines, clean):
    city = small_batches
    stored = killed_in_the_middle(city, city.start("import", "cases", lines))

    again = json.loads(city.epipolis("import", "cases", lines, "--json").stdout)

    assert (again["accepted"], again["rejected"], again["changed"]) == (ROWS, 0, 0)
    assert (again["created"], again["unchanged"]) == (ROWS - stored, stored)
    assert picture(city) == clean


def test_a_killed_worker_leaves_an_import_that_another_one_ends(small_batches, lines, clean):
    city = small_batches
    run = city.python(START, file=str(lines))
    killed_in_the_middle(city, city.start("worker"))
    assert city.ask("SELECT state FROM core_taskrun") == [("running",)]
    city.ask("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day' WHERE task_name = 'deliver' RETURNING id")

    city.start("worker")
    city.until(lambda: city.ask("SELECT state FROM core_taskrun WHERE id = %s", run) == [("done",)], "the import is done")

    (report,) = city.ask("SELECT result FROM core_taskrun")[0]
    assert (report["accepted"], report["rejected"]) == (ROWS, 0)
    assert list((city.home / "uploads").iterdir()) == []
    rows, people, _ = picture(city)
    assert (rows, people) == clean[:2]
    assert city.ask("SELECT count(DISTINCT case_id), count(*) FROM cases_caserevision") == [(ROWS, ROWS)]


START = """
from django.core.files.uploadedfile import SimpleUploadedFile
from pathlib import Path
from epipolis.core import clock, uploads, work
from epipolis.core.models import User

user = User.objects.create(username="registrar")
name = uploads.keep_upload(SimpleUploadedFile("office.csv", Path(ARGUMENTS["file"]).read_bytes()), at=clock.now())
arguments = {"importer": "cases", "file": name, "source": "office", "by": user.pk, "dry_run": False}
ANSWER = str(work.start_task("core.import", arguments, by=user, at=clock.now()).id)
"""
