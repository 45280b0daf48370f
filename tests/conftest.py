"""What every test stands on: an embedded database of its own, events delivered on demand, no network but loopback."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """The folder of real reference data; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the reference data folder is not on this machine")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def nothing_is_looked_up_again_by_the_second():
    """What a process looks up again every second or minute would be one query more in whichever test is slow enough."""
    from epipolis.core import clock, context

    clock._REREAD = context._LOOK_EVERY = 3_600.0


@pytest.fixture
def deliver_events():
    """Run everything that is queued (events, tasks), as a worker would; again until nothing is left. Returns the count."""
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.models import ProcrastinateJob

    def run_all(twice: bool = False) -> int:
        from epipolis.core import events, work

        done = 0
        while True:
            jobs = list(ProcrastinateJob.objects.filter(status="todo").order_by("id"))
            if not jobs:
                return done
            for job in jobs:
                function = {"deliver": events.deliver, "run_task": work.run_task, "run_job": work.run_job}[job.task_name]
                for _ in range(2 if twice else 1):
                    function.func(**job.args)
                ProcrastinateJob.objects.filter(id=job.id)._raw_delete("default")
                done += 1

    assert app is not None
    return run_all


@pytest.fixture(autouse=True)
def nothing_that_was_queued_outlives_its_test(request, django_db_blocker):
    """A test that commits is cleaned up by emptying the tables of models; the queue is none of them."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if (marker and marker.kwargs.get("transaction")) or {"transactional_db", "live_server"} & set(request.fixturenames):
        from django.db import connection

        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Tests that commit are cleaned up by TRUNCATE, which the audit table refuses; only the tests' owner lifts that, here.

    The trigger against changed and deleted rows stays on, and the tests of the trail switch this one on again.
    """
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_auditentry DISABLE TRIGGER audit_table_stays")


@pytest.fixture
def staff(django_user_model):
    """Make a member of staff with a second factor: `staff("tracer")` has that role's permissions."""
    from django.contrib.auth.models import Group

    from epipolis.core.accounts import add_totp

    def make(*roles: str, name: str = "", second_factor: bool = True):
        user = django_user_model.objects.create_user(name or "-".join(roles) or "nobody", password="correct horse battery")
        user.groups.set(Group.objects.filter(name__in=roles))
        if second_factor:
            add_totp(user, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
        return user

    return make
