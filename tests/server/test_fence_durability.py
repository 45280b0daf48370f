"""The fence through kill -9: what was acknowledged is followed, and the stream again gives the same transitions."""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from .running import Running, wait_until

SEED = """
import django; django.setup()
from datetime import UTC, date, datetime, timedelta
from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Order
from epipolis.core import access
from epipolis.core.sealing import seal
from epipolis.sense.people.models import Person
now = datetime.now(UTC)
began = now - timedelta(days=1)
for number in range(20):
    order = Order.objects.create(person=Person.objects.create(known_at=now), disease="COVID-19", kind="quarantine",
        state="issued", starts=began.date(), until=(now + timedelta(days=5)).date(), issued_at=began, known_at=began,
        spot=seal(f"{121.5 + number / 100} 25.0"), watched=True, watched_since=began, watch_basis="law", watch_law="test",
        watch_purpose="test")
    print("PHONE", services.enrol_phone(order.id, kind="device", by="test", at=began)[1])
print("TOKEN", access.issue_token("network", ["quarantine.position"], by=None, at=now)[1])
"""
TOLD = "SELECT order_id, at, before, after, reason, excursion FROM quarantine_transition ORDER BY 1, 2, 3, 4"


@pytest.fixture(scope="module")
def running(fresh_home):
    with tempfile.TemporaryDirectory(prefix="epipolis-fence-") as folder:
        found = Running(Path(folder), fresh_home)
        yield found
        if found.process and found.process.poll() is None:
            found.stop()
        with_database = Path(folder) / "database" / "postmaster.pid"
        if with_database.exists():
            os.kill(int(with_database.read_text().splitlines()[0]), signal.SIGQUIT)
            wait_until(lambda: not with_database.exists(), 20)


def _post(running, token, rows):
    line = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    body = "\n".join(map(json.dumps, rows))
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        line.request("POST", "/api/v1/quarantine/positions:bulk", body, headers)
        answer = line.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        line.close()


def _stream(phones):
    """Three hours of twenty people, a minute a batch; every second one leaves for half an hour."""
    start = int(time.time()) - 4 * 3600
    for minute in range(180):
        rows = []
        for number, phone in enumerate(phones):
            away = number % 2 == 0 and 60 <= minute < 90
            place = {"lon": 121.5 + number / 100 + 0.02 * away, "lat": 25.0}
            rows.append({"phone": phone, "time": start + 60 * minute, "accuracy": 10, "source": "gps", **place})
        yield rows


def test_killed_again_and_again_the_fence_tells_each_excursion_once(running):
    told = subprocess.run([sys.executable, "-c", SEED], env=running.env(), check=True, capture_output=True, text=True).stdout
    phones = [line.split()[1] for line in told.splitlines() if line.startswith("PHONE")]
    token = told.split("TOKEN ")[1].strip()
    batches = list(_stream(phones))
    running.start()
    sent, kills = 0, {40, 70}

    while sent < len(batches):
        if sent in kills:  # killed while a request is under way: whether it was committed nobody knows, so it is sent again
            kills.remove(sent)
            sending = threading.Thread(target=_post, args=(running, token, batches[sent]))
            sending.start()
            running.kill()
            sending.join()
            running.start()
        sent += _post(running, token, batches[sent]) == 200

    found = running.sql(TOLD)
    alarms = running.sql("SELECT order_id, kind, count(*) FROM quarantine_alarm GROUP BY 1, 2")
    assert [(kind, count) for _, kind, count in alarms] == [("left", 1)] * 10
    running.kill()
    running.start()
    assert {_post(running, token, batch) for batch in batches} == {200}
    assert running.sql(TOLD) == found
    assert running.sql("SELECT count(*) FROM quarantine_alarm") == [(10,)]
