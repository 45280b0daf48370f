"""A small town that the stories share: two cafés' guests, a line list with a past, and an account with its second factor."""

import subprocess
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

ZONE = ZoneInfo("Asia/Taipei")
SECRET, PASSWORD = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "correct horse battery"
SETTLED = """
from django.contrib.auth.models import Group
from epipolis.core.accounts import add_totp
from epipolis.core.models import User

user = User.objects.create_user("ana", password=ARGUMENTS["password"])
user.groups.set(Group.objects.filter(name="tracer"))
add_totp(user, ARGUMENTS["secret"])
from datetime import timedelta
from epipolis.core import clock
from epipolis.sense.cases import services
from epipolis.sense.people import services as people

now = clock.now()
for number in range(6):
    at = now - timedelta(days=9 - number)
    day = clock.local_day(at)
    person, _new = people.find_or_make_person([("history", str(number))], by="test", at=at, sex="F", birth=(1980, None, None))
    facts = {"classification": "confirmed", "onset": day - timedelta(days=1), "reported": day, "confirmed": day}
    services.report_case(person.id, facts, disease="COVID-19", source="history", source_key=str(number), by="test", at=at)
"""


@pytest.fixture(scope="session")
def town(platform, tmp_path_factory):
    """Two cafés' guests of yesterday: K-1 is a confirmed case and met three people, K-2 a suspected one and met four others."""
    folder = tmp_path_factory.mktemp("town")
    noon = datetime.now(ZONE).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    onset, report = (noon - timedelta(days=1)).date(), noon.date()
    people = [("K-1", "confirmed", "CAFE"), ("K-2", "suspected", "HALL")]
    people += [(f"N-{n}", "not_a_case", "CAFE" if n < 3 else "HALL") for n in range(7)]
    tables = {
        "cases": ["number,date of onset,report date,classification,given_name,family_name"]
        + [
            f"{number},{onset},{report},{kind},Ana{number[-1]},{'Lin' if number[0] == 'K' else 'Chen'}"
            for number, kind, _ in people
        ],
        "places": [
            "code,name,kind,lon,lat",
            "CAFE,Blue Door Café,restaurant,121.53,25.04",
            "HALL,North Hall,market,121.54,25.05",
        ],
        "visits": ["person,place,arrived,left"]
        + [f"{number},{place},{noon.isoformat()},{(noon + timedelta(hours=1)).isoformat()}" for number, _, place in people],
    }
    for name, lines in tables.items():
        path = folder / f"{name}.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        command = [sys.executable, "-W", "ignore", "-m", "epipolis.server", "import", name, str(path), "--source", "office"]
        done = subprocess.run(command, env=platform.environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "rejected 0" in done.stdout, done.stdout
    platform.run(SETTLED, password=PASSWORD, secret=SECRET)
    return platform
