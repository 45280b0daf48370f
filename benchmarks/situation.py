"""The situation page on 100,000 cases and a million visits: server time, cold and warm, beside one plain query a figure."""

import argparse
import csv
import random
import sys
import time
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._platform import own_platform
from benchmarks._report import Report


def main(cases: int, visits: int, runs: int) -> None:
    """Fill an empty platform, then ask for the page again and again."""
    with own_platform() as home:
        _fill(home, cases, visits)
        from django.db import connection
        from django.test import Client
        from django.test.utils import CaptureQueriesContext

        client, kept = Client(headers={"host": "127.0.0.1"}), _picture_module()
        client.force_login(_commander())
        for _ in range(3):
            client.get("/situation/")
        cold, warm, plain = [], [], []
        for _ in range(runs):
            kept._kept.clear()
            cold.append(_timed(lambda: client.get("/situation/")))
            warm.append(_timed(lambda: client.get("/situation/")))
            plain.append(_timed(_one_query_a_figure))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get("/situation/").status_code == 200
        report = Report("situation")
        report.row(f"page, nothing kept in memory, {cases} cases, {visits} visits", cold, unit="ms")
        report.row("page, again", warm, unit="ms")
        report.row("the figures alone", _picture_times(runs), plain, unit="ms", peer_name="one ORM query a figure")
        report.row("queries of the page", [len(queries)], unit="queries")
        report.save()


def _picture_module() -> ModuleType:
    return import_module("epipolis.understand.situation.queries.picture")  # its package names the function of that name


def _timed(what: object) -> float:
    began = time.perf_counter()
    what()
    return 1000 * (time.perf_counter() - began)


def _picture_times(runs: int) -> list[float]:
    from epipolis.core import clock

    kept = _picture_module()
    times = []
    for _ in range(runs):
        kept._kept.clear()
        times.append(_timed(lambda: kept.picture(None, now=clock.now())))
    return times


def _one_query_a_figure() -> None:
    from django.db.models import Count

    from epipolis.core import clock
    from epipolis.sense.cases import queries as cases

    now, today = clock.now(), clock.today()
    facts = cases.facts_as_known(now).order_by().filter(classification="confirmed")
    facts.count()
    for first, last in ((0, 0), (6, 0), (13, 7)):
        facts.filter(reported__gte=today - timedelta(days=first), reported__lte=today - timedelta(days=last)).count()
    facts.filter(outcome="died").count()
    facts.exclude(outcome__in=("died", "recovered")).filter(reported__gt=today - timedelta(days=28)).count()
    for column in ("onset", "sampled", "reported", "district"):
        list(facts.values_list(column).annotate(Count("id")))
    list(facts.values_list("age_from", "sex").annotate(Count("id")))
    list(cases.facts_as_known(now).order_by().values_list("classification").annotate(Count("id")))


def _commander() -> object:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
    from django.contrib.auth.models import Group

    from epipolis.core.models import User

    user = User.objects.create_user("commander", password="correct horse battery")
    user.groups.set(Group.objects.filter(name="commander"))
    TOTP.activate(user, generate_totp_secret())
    return user


def _fill(home: Path, cases: int, visits: int) -> None:
    from epipolis.core import clock
    from epipolis.core.imports import ImportOptions
    from epipolis.sense.city.models import District, PopulationCount
    from epipolis.server.demonstration.history import find_importer

    draw = random.Random(1)
    now = datetime.now(UTC)
    for number in range(12):
        square = [[number, 0], [number + 1, 0], [number + 1, 1], [number, 1], [number, 0]]
        district = District.objects.create(
            code=f"D{number}", name=f"District {number}", border={"type": "Polygon", "coordinates": [square]}, known_at=now
        )
        PopulationCount.objects.create(district=district, sex="", age_from=0, people=200_000)
    path = home / "cases.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(
            ["source_key", "classification", "onset", "sampled", "reported", "confirmed", "age", "sex", "district", "outcome"]
        )
        for number in range(cases):
            onset = clock.today() - timedelta(days=4 + int(draw.betavariate(2, 3) * 300))
            sampled = onset + timedelta(days=draw.randrange(4))
            reported = min(sampled + timedelta(days=draw.randrange(3)), date.today())
            kind = draw.choices(["confirmed", "suspected"], [9, 1])[0]
            end = draw.choices(["recovered", "died", "ill"], [80, 2, 18])[0]
            rows.writerow(
                [
                    number,
                    kind,
                    onset,
                    sampled,
                    reported,
                    reported,
                    draw.randrange(95),
                    draw.choice("FM"),
                    f"D{draw.randrange(12)}",
                    end,
                ]
            )
    report = find_importer("cases").run(path, ImportOptions(by="benchmark", at=now, source="benchmark"))
    assert report.created == cases, report.problems[:3]
    _fill_visits(visits, now)


def _fill_visits(visits: int, now: datetime) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO checkins_visit
                (visitor, arrived, place_id, "left", is_open, exact, companions, source, known_at, simulated)
            SELECT gen_random_uuid(), came, n %% 5000, came + interval '1 hour', false, true, 0, 3, %(now)s, true
            FROM (SELECT n, %(now)s - n * interval '2 seconds' AS came FROM generate_series(1, %(visits)s) AS n) AS stays
            """,
            {"now": now, "visits": visits},
        )
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    part = 10 if parser.parse_args().quick else 1
    main(100_000 // part, 1_000_000 // part, 15)
