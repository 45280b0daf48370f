"""Forty days go by on the platform's clock, and nobody does anything."""

import re

from .files import take, write_cases, write_check_ins, write_places, write_visits

LATER = """
from datetime import timedelta
from epipolis.core import clock
clock.set_clock(clock.now() + timedelta(days=40))
"""
ENFORCE = """
from epipolis.core import clock, retention
ANSWER = retention.enforce(at=clock.now())
"""


def test_check_ins_end_by_themselves_and_leave_a_receipt_that_everybody_can_read(city, tmp_path):
    files = {
        "cases": write_cases(tmp_path / "cases.csv", 30),
        "places": write_places(tmp_path / "places.csv", 5),
        "visits": write_visits(tmp_path / "told.csv", 12, 5),
    }
    assert take(city, files) == [30, 5, 12]
    assert take(city, {"visits": write_check_ins(tmp_path / "visits.csv", 30, 5)}) == [30]
    city.serve()
    city.until(lambda: city.count("core_periodicrun", "name = 'core.retention'"), "the rules of erasure are enforced")
    assert city.count("checkins_visit") == 42

    city.python(LATER)
    city.until(lambda: city.count("checkins_visit") == 12, "the check-ins are erased")

    receipts = "SELECT what, before, rows, at FROM core_deletionreceipt ORDER BY id"
    city.until(lambda: city.ask(receipts), "the receipt is written")
    assert ("check-ins", 30) in [(what, rows) for what, _, rows, _ in city.ask(receipts)]
    left = city.ask(receipts)
    assert sum(city.python(ENFORCE).values()) == 0
    assert city.ask(receipts) == left

    status, page = city.get("/about/retention/")
    assert status == 200
    rows = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)) for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
    assert any("check-ins" in row and " 30 " in row for row in rows), rows
    assert city.count("cases_case") == 30  # casework, and the routes told in it, is kept longer
