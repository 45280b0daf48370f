"""None lost and none doubled: a worker that is killed in the middle, again and again, against a provider that counts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from epipolis.act.notices.models import DeliveryEvent, Notice
from tests.server.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 600
SEED = f"""
import django; django.setup()
from datetime import UTC, datetime
from epipolis.act.notices.services import Asked, send_each
from epipolis.sense.people.services import find_or_make_people
from epipolis.sense.people.services.rows import PersonRow
now = datetime.now(UTC)
rows = [PersonRow(identifiers=[("test", str(n))], phones=[f"+8869{{n:08d}}"], language="en") for n in range({MANY})]
people = [person for person, _ in find_or_make_people(rows, by="test", at=now)]
asked = [Asked(one, "message", {{"text": "x"}}, f"n{{one}}", ("test", "1"), True, ("sms",)) for one in people]
send_each(asked, by="test", at=now)
"""
WORK = """
import django; django.setup()
import time
from epipolis.act.notices import services
print("ready", flush=True)
while True:
    services.send_waiting()
    time.sleep(0.05)
"""


@pytest.fixture
def provider(tmp_path):
    path = tmp_path / "taken"
    path.touch()
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("provider.py")), str(path)], stdout=subprocess.PIPE
    )
    assert process.stdout
    yield int(process.stdout.readline()), path
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def env(provider):
    """The tests' database, and a gateway where the provider is."""
    found = connection.settings_dict
    return os.environ | {
        "EPIPOLIS_DATABASE_URL": f"postgresql://{found['USER']}@/{found['NAME']}?host={found['HOST']}",
        "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
        "PYTHONWARNINGS": "ignore",
        "EPIPOLIS_NOTICES_SMS_URL": f"http://127.0.0.1:{provider[0]}/send",
        "EPIPOLIS_NOTICES_AT_ONCE": "50",
        "EPIPOLIS_NOTICES_LINES": "4",
    }


def test_messages_survive_a_worker_that_is_killed_again_and_again(env, provider):
    _port, path = provider
    subprocess.run([sys.executable, "-c", SEED], env=env, check=True)

    for killed_after in (60, 200, 350):
        worker = subprocess.Popen([sys.executable, "-c", WORK], env=env)
        wait_until(lambda least=killed_after: path.read_bytes().count(b"\n") >= least, 60)
        worker.kill()
        worker.wait()
    lines = path.read_text().splitlines()
    assert len(lines) < MANY  # otherwise nothing was interrupted

    worker = subprocess.Popen([sys.executable, "-c", WORK], env=env)
    try:
        wait_until(lambda: Notice.objects.filter(state="sent").count() == MANY, 60)
    finally:
        worker.kill()
        worker.wait()

    lines = path.read_text().splitlines()
    assert sum(line.endswith(" new") for line in lines) == MANY
    assert len({line.split()[0] for line in lines}) == MANY
    assert Notice.objects.values("provider_ref").distinct().count() == MANY
    assert DeliveryEvent.objects.filter(state="accepted").count() == MANY
