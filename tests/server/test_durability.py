"""What was acknowledged is there: whatever process is killed in the middle, and when the disk is full."""

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest

from .running import Running, wait_until

FULL = """
CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER disk_is_full BEFORE INSERT ON checkins_visit EXECUTE FUNCTION disk_is_full()
"""


@pytest.fixture(scope="module")
def running(fresh_home):
    with tempfile.TemporaryDirectory(prefix="epipolis-killed-") as folder:
        found = Running(Path(folder), fresh_home)
        yield found
        if found.process and found.process.poll() is None:
            found.stop()
        with_database = Path(folder) / "database" / "postmaster.pid"
        if with_database.exists():
            os.kill(int(with_database.read_text().splitlines()[0]), signal.SIGQUIT)
            wait_until(lambda: not with_database.exists(), 20)


def test_a_server_killed_under_load_has_stored_all_that_it_acknowledged(running):
    running.start()
    with running.load():
        time.sleep(2)
        running.kill()

    assert len(running.acknowledged) > 100
    assert running.acknowledged - running.stored() == set()


def test_a_server_that_answers_before_the_commit_is_caught(running):
    """The control: were answers early, the test above would see it."""
    running.acknowledged.clear()
    lost = set()
    for _ in range(4):
        running.start(early=True)
        with running.load():
            time.sleep(1)
            running.kill()
        lost = running.acknowledged - running.stored()
        if lost:
            break

    assert lost
    running.acknowledged.clear()


def test_a_killed_database_comes_back_by_itself_with_all_acknowledged_rows(running):
    running.start()
    with running.load():
        time.sleep(1)
        os.kill(running.postmaster()[0], signal.SIGKILL)
        wait_until(lambda: running.statuses.get(503, 0) > 0, 60)  # its backends go on for a moment after their master
        before = len(running.acknowledged)
        wait_until(lambda: len(running.acknowledged) > before + 200, 60)

    assert running.acknowledged - running.stored() == set()
    assert running.statuses.get(503, 0) > 0
    assert set(running.statuses) <= {201, 503}


def test_a_full_disk_is_said_and_nothing_acknowledged_is_lost(running):
    if running.process is None or running.process.poll() is not None:
        running.start()
    running.sql(FULL)
    with running.load(2):
        wait_until(lambda: running.statuses.get(507, 0) > 5, 20)
    full = len(running.acknowledged)

    assert running.send() == 507
    running.sql("DROP TRIGGER disk_is_full ON checkins_visit; DROP FUNCTION disk_is_full()")

    assert running.send() == 201
    assert len(running.acknowledged) == full + 1
    assert running.acknowledged - running.stored() == set()


def test_a_server_told_to_stop_stores_what_waits_and_ends_well(running):
    if running.process is None or running.process.poll() is not None:
        running.start()
    with running.load():
        time.sleep(0.5)
        code = running.stop()

    running.start()  # the embedded database ended with its last process
    assert code in (0, -signal.SIGTERM)
    assert running.acknowledged - running.stored() == set()
