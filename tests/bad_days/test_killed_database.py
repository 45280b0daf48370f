"""The database is killed while the city uses it."""

import os
import signal
import threading
from datetime import UTC, datetime
from uuid import uuid4

from .files import take, write_cases, write_places, write_visits

TOKEN = """
from epipolis.core import access, clock
_device, ANSWER = access.issue_token("door", ["checkins.record"], by=None, at=clock.now(), days=1)
"""
PAGES = ("/", "/situation/public/", "/about/retention/", "/health/")


class Crowd:
    """Phones and browsers that go on whatever happens; remembers what was acknowledged and every status."""

    def __init__(self, city, token):
        self.city, self.headers = city, {"authorization": f"Bearer {token}"}
        self.acknowledged, self.intake, self.pages = [], [], []
        self.is_wanted = True
        self._threads = [threading.Thread(target=one) for one in (self._check_in, self._check_in, self._read)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_wanted = False
        for thread in self._threads:
            thread.join()

    def _check_in(self):
        while self.is_wanted:
            visitor, arrived = str(uuid4()), datetime.now(UTC).isoformat()
            body = {"visitor": visitor, "place": "P-0", "arrived": arrived}
            status, _ = self.city.get("/api/v1/checkins/visits", body, **self.headers)
            self.intake.append(status)
            if status in (200, 201):
                self.acknowledged.append(visitor)

    def _read(self):
        number = 0
        while self.is_wanted:
            number += 1
            self.pages.append(self.city.get(PAGES[number % len(PAGES)])[0])


def test_a_killed_database_comes_back_with_every_acknowledged_row_and_the_worker_goes_on(city, tmp_path):
    places = {"places": write_places(tmp_path / "places.csv", 2)}
    assert take(city, places) == [2]
    city.serve()
    token = city.python(TOKEN)

    with Crowd(city, token) as crowd:
        city.until(lambda: len(crowd.acknowledged) > 50 and len(crowd.pages) > 8, "the city is busy")
        first = city.postmaster()
        os.kill(first, signal.SIGKILL)
        pages, intake = len(crowd.pages), len(crowd.intake)
        city.until(lambda: 200 in crowd.pages[pages + 4 :] and 201 in crowd.intake[intake + 4 :], "the city is well again")
        before = len(crowd.acknowledged)
        city.until(lambda: len(crowd.acknowledged) > before + 50, "check-ins go on")

    assert city.postmaster() != first
    assert set(crowd.intake) <= {200, 201, 503}
    assert set(crowd.pages) <= {200, 503}
    stored = {str(visitor) for (visitor,) in city.ask("SELECT visitor FROM checkins_visit")}
    assert set(crowd.acknowledged) <= stored

    cases = {
        "cases": write_cases(tmp_path / "cases.csv", 4),
        "visits": write_visits(tmp_path / "visits.csv", 4, 2),
    }
    assert take(city, cases) == [4, 4]
    city.until(lambda: city.count("tracing_trace", "is_current") == 4, "the worker works again", every=0.5)
