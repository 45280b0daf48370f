"""What every test stands on: an embedded database of its own, events delivered on demand, no network but loopback."""

import os
from pathlib import Path

import pytest

from tests.installations import make_fresh
from tests.scheduling import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401 -- hooks

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


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory) -> Path:
    """An installation with empty tables, to be copied; one for all workers of a run."""
    folder = tmp_path_factory.getbasetemp()
    return make_fresh(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)


@pytest.fixture
def deliver_events():
    """Run everything that is queued, as a worker would; again until nothing is left. Returns how many events and tasks."""
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
                done += len(job.args["body"]) if isinstance(job.args.get("body"), list) else 1

    assert app is not None
    return run_all


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Tests that commit leave every table as it was when the database was new, the queue's as well."""
    from django.test import TransactionTestCase

    from tests.databases import end_others, keep_seeds

    with django_db_blocker.unblock():
        bring_back = keep_seeds()
    own = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = lambda self: bring_back()
    yield
    TransactionTestCase._fixture_teardown = own
    with django_db_blocker.unblock():
        end_others()


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
