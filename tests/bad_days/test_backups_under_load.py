"""A backup while the city goes on writing."""

import json
import tarfile

from .conftest import kill

WRITE = """
import time
from epipolis.core import clock
from epipolis.sense.city import services
number = 0
while True:
    services.add_place(f"P-{number}", f"Kitchen {number}", "restaurant", lon=121.5, lat=25.0, by="test", at=clock.now())
    number += 1
"""
TORN = """
SELECT count(*) FROM city_place p
WHERE NOT EXISTS (SELECT 1 FROM core_auditentry e WHERE e.action LIKE 'city.%%' AND e.subject IN (p.id::text, p.code))
"""


def test_a_backup_made_while_rows_are_written_is_one_moment_and_whole(city, installations):
    writer = city.run_beside(WRITE)
    city.until(lambda: city.count("city_place") > 20, "rows are being written")
    before = city.count("city_place")

    made = json.loads(city.epipolis("backup", city.home / "city.epipolis", "--json").stdout)
    after = city.count("city_place")
    kill(writer)
    assert after > before + 20  # else nothing was written meanwhile and this proves nothing
    with tarfile.open(city.home / "city.epipolis") as tar:
        about = json.load(tar.extractfile("about.json"))

    other = installations(is_bare=True)
    restored = json.loads(other.epipolis("restore", city.home / "city.epipolis", "--json").stdout)

    assert restored == {"rows": made["rows"], "tables": len(about["rows"]), "audit_chain": "whole"}
    assert before <= about["rows"]["city_place"] <= after
    other.hold()
    assert other.count("city_place") == about["rows"]["city_place"]
    assert other.count("core_auditentry") == about["rows"]["core_auditentry"]
    assert other.ask(TORN) == [(0,)]
    other.close()
