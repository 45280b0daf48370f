"""What every test stands on: an embedded database of its own, events delivered on demand, no network but loopback."""

import os
import tempfile
from pathlib import Path

# Before Django's settings are read: the suite must never touch a city's own database or keys.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["EPIPOLIS_HOME"] = tempfile.mkdtemp(prefix="epipolis-test-")
    for name in ("EPIPOLIS_DATABASE_URL", "EPIPOLIS_DEMO", "EPIPOLIS_WITHOUT"):
        os.environ.pop(name, None)

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """The folder of real reference data; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the reference data folder is not on this machine")
    return SHARED


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


@pytest.fixture
def staff(django_user_model):
    """Make (or get) a signed-in member of staff: `staff("tracer")` has that role's permissions."""
    from django.contrib.auth.models import Group

    def make(*roles: str, name: str = ""):
        user = django_user_model.objects.create_user(name or "-".join(roles) or "nobody", password="correct horse battery")
        user.groups.set(Group.objects.filter(name__in=roles))
        return user

    return make
