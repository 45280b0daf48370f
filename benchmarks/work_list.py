"""The page of whom to call: a tracer with 500 contacts in a city where 200,000 people are followed.

    .venv/bin/python benchmarks/work_list.py [--quick] [--runs 40]

The page is asked for as a browser does, through every middleware, by an account that is signed in; what is measured is
the server's time from the request to the last byte of the answer, with names opened and each read written down. "Mine" is
the tracer's own list, "everybody" the list of the whole city. The rows hold what a real city's would: every risk, calls
promised, tries in vain, checks that are overdue, due and done.
"""

import argparse
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from _platform import own_platform
from _report import Report

NOW = datetime(2021, 3, 20, 4, tzinfo=UTC)
CITY, OWN = 200_000, 500


def fill(people: int, own: int) -> Any:
    """A city under follow-up; returns the tracer's account."""
    from django.contrib.auth.models import Group
    from django.db import connection, transaction

    from epipolis.act.followup import services
    from epipolis.act.followup.models import FollowUp
    from epipolis.core.models import User
    from epipolis.sense.cases.models import Case
    from epipolis.sense.people.models import Person
    from epipolis.sense.people.services import PersonRow, find_or_make_people

    rng = random.Random(7)
    tracer = User.objects.create_user("tina")
    tracer.groups.set(Group.objects.filter(name="tracer"))
    others = User.objects.bulk_create([User(username=f"tracer {n}") for n in range(max(people // own, 1))])
    rows = [PersonRow(given_name=f"Given {n}", family_name=f"Family {n}", phones=[f"+999 {n:08d}"]) for n in range(people)]
    with transaction.atomic():
        ids = [one for one, _ in find_or_make_people(rows, by="bench", at=NOW)]
    ill = [
        Case(id=uuid4(), person=Person(id=rng.choice(ids)), disease="COVID-19", source="bench", source_key=str(n),
             classification="suspected", known_at=NOW, revised_at=NOW)
        for n in range(max(people // 10, 1))
    ]  # fmt: skip
    Case.objects.bulk_create(ill, batch_size=5_000)
    told = [
        services.NewExposure(
            reference=f"bench:{n}", case=rng.choice(ill).id, disease="COVID-19", origin="interview", person=person,
            risk=rng.choice(("high", "medium", "medium", "low")),
            last_contact=(NOW - timedelta(days=rng.randrange(0, 13))).date(),
        )
        for n, person in enumerate(ids)
    ]  # fmt: skip
    for start in range(0, people, 20_000):
        services.add_exposures(told[start : start + 20_000], by="bench", at=NOW - timedelta(hours=rng.randrange(1, 40)))
    chosen = list(FollowUp.objects.order_by("id").values_list("id", flat=True))
    rng.shuffle(chosen)
    FollowUp.objects.filter(id__in=chosen[:own]).update(assigned_to=tracer)
    with connection.cursor() as cursor:
        cursor.execute(_GIVE, [[other.pk for other in others], len(others), tracer.pk])
        cursor.execute(_WORK, {"at": NOW})
        cursor.execute("ANALYZE")
    return tracer


_GIVE = "UPDATE followup_followup SET assigned_to_id = (%s::bigint[])[1 + id %% %s] WHERE assigned_to_id IS DISTINCT FROM %s"
# Two in three were reached; of these some were seen today, some yesterday, some not for days; a few were promised a call.
_WORK = """
UPDATE followup_followup SET
    is_told = id %% 3 <> 0, first_reached = CASE WHEN id %% 3 <> 0 THEN known_at END,
    last_seen = CASE WHEN id %% 3 <> 0 THEN (%(at)s::timestamptz - make_interval(days => (id %% 4)::int))::date END,
    due_from = CASE WHEN id %% 3 = 0 THEN known_at
                    ELSE date_trunc('day', %(at)s::timestamptz) - make_interval(days => (id %% 4)::int - 1) END,
    overdue_from = CASE WHEN id %% 3 = 0 THEN known_at + interval '24 hours'
                        ELSE date_trunc('day', %(at)s::timestamptz) - make_interval(days => (id %% 4)::int - 2) END,
    promised_at = CASE WHEN id %% 50 = 0 THEN %(at)s::timestamptz + make_interval(hours => (id %% 9)::int - 4) END,
    promise = CASE WHEN id %% 50 = 0 THEN 'after work' ELSE '' END
WHERE state = 'open'"""


def measure(client: Any, address: str, runs: int) -> list[float]:
    """Milliseconds of each answer; names are read anew each time, as by a tracer who comes back later."""
    from epipolis.act.followup.views import shown

    found = []
    for turn in range(runs + 3):
        shown._read.clear()
        started = time.perf_counter()
        answer = client.get(address)
        body = answer.content
        spent = (time.perf_counter() - started) * 1_000
        if answer.status_code != 200 or b"data-contact " not in body:
            sys.exit(f"{address}: {answer.status_code}")
        if turn >= 3:
            found.append(spent)
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the city")
    parser.add_argument("--runs", type=int, default=40)
    options = parser.parse_args()
    people = CITY // 10 if options.quick else CITY
    with own_platform() as home:
        from django.test import Client

        from epipolis.core import clock

        with clock.fixed(NOW):
            tracer = fill(people, OWN)
            client = Client(headers={"host": "127.0.0.1"})
            client.force_login(tracer)
            session = client.session
            session["second_factor"] = "bench"
            session.save()
            report = Report("work_list")
            for name, query in (("mine", "?who=mine"), ("mine, page 10", "?who=mine&page=10"), ("everybody", "?who=all")):
                times = sorted(measure(client, f"/followup/{query}", options.runs))
                report.row(f"whom to call, {name}, of {people:,} followed, median", times, unit="ms")
                report.row(f"whom to call, {name}, the slowest of {len(times)}", [times[-1]], unit="ms")
            report.save()
        _ = Path(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
