import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection

from epipolis.core.exports import write_file
from epipolis.core.imports import ImportOptions
from epipolis.core.modules import modules
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import Case, CaseRevision
from epipolis.sense.cases.services import believed
from epipolis.sense.people.models import Person
from tests.sense.city.factories import district, neighbourhood

AT = datetime(2026, 3, 10, 8, tzinfo=UTC)
LATER = AT + timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def take(tmp_path):
    """Import a line list that is given as text: `take("id,sex\\n1,F")`."""

    def run(content, name="list.csv", at=AT, **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return services.import_cases(path, ImportOptions(by="importer", at=at, **options))

    return run


def counts(report):
    return (report.created, report.changed, report.unchanged, report.rejected)


def problems(report):
    return [(one.row, one.field, one.rule) for one in report.problems]


def numbered(key, source="list"):
    return queries.case_numbered(source, key)


@pytest.mark.django_db(transaction=True)
def test_a_case_that_is_reported_while_its_batch_is_stored_is_found_and_not_doubled(take, monkeypatch):
    real, looked = queries.facts_by_id, []

    def elsewhere():
        take("id,note\n1,told first\n", name="other.csv", source="list")
        connection.close()

    def look(ids, fields):
        looked.append(len(looked))
        if len(looked) > 1:
            return real(ids, fields)
        other = Thread(target=elsewhere)
        other.start()
        other.join()
        return {}

    monkeypatch.setattr(queries, "facts_by_id", look)

    report = take("id,note\n1,told second\n2,x\n", at=LATER)

    assert (counts(report), Case.objects.count(), Person.objects.count()) == ((1, 1, 0, 0), 2, 2)
    assert numbered("1").note == "told second"


def test_everything_comes_back_from_an_export(take, tmp_path):
    within = neighbourhood("N7", "Docks", within=district("D9", "North Bank"))
    header = "id,sex,age,onset,confirmed date,died,classification,infected_by,setting,symptoms\n"
    one = "1,F,80+,2026-03-01,2026-03-04,2026-03-06,confirmed,2,bus,fever\n"
    take(f"{header}{one}2,M,5-9,,,,probable,77,,none\n")
    area = {
        "district": within.district,
        "neighbourhood": within,
        "exposed_from": date(2026, 2, 1),
        "exposed_until": date(2026, 2, 3),
    }
    days = {
        "hospitalised": date(2026, 3, 5),
        "isolated": date(2026, 3, 5),
        "reported": date(2026, 3, 3),
        "sampled": date(2026, 3, 2),
    }
    services.revise_case(
        numbered("1").id, {**area, **days, "note": '=1+1; it\'s "quoted",\nand long', "region": "'=x"}, by="x", at=AT
    )
    take("id,infected_by\n9,\n", source="other", simulated=True)
    services.revise_case(numbered("9", "other").id, {"infected_by": numbered("1").id}, by="x", at=AT)
    before = {one.id: (believed(one), one.source, one.source_key, one.disease, one.simulated) for one in Case.objects.all()}
    exporter = next(e for e in modules()["cases"].exporters if e.name == "cases")

    for kind in ("csv", "json", "parquet"):
        path = tmp_path / f"out.{kind}"
        assert write_file(exporter, path, at=AT) == 3
        Case.objects.all().delete()
        report = services.import_cases(path, ImportOptions(by="x", at=LATER))

        assert counts(report) == (3, 0, 0, 0), report.problems
        after = {one.id: (believed(one), one.source, one.source_key, one.disease, one.simulated) for one in Case.objects.all()}
        assert after == before


def test_the_korean_patients_are_all_there_and_their_junk_is_listed(shared_data):
    path = shared_data / "korea_ds4c" / "patient_info.csv"
    with path.open() as lines:
        rows = list(csv.DictReader(lines))

    report = services.import_cases(path, ImportOptions(by="x", at=AT))
    again = services.import_cases(path, ImportOptions(by="x", at=LATER))

    assert (counts(report), counts(again)) == ((3360, 0, 0, 0), (0, 0, 3360, 0))
    assert Case.objects.filter(source="korea_ds4c", classification="confirmed").count() == len(rows) == 3360
    known = {row["patient_id"] for row in rows}
    unknown = sum(1 for row in rows if row["infected_by"] and row["infected_by"] not in known)
    listed = Counter(one.field for one in report.problems)
    assert (listed["infected_by"], report.problems) == (unknown, again.problems)
    linked = Case.objects.exclude(infected_by=None)
    assert linked.filter(infected_by__in=Case.objects.values("id")).count() == sum(row["infected_by"] in known for row in rows)
    states = Counter(row["state"] for row in rows)
    assert Case.objects.filter(outcome="died").count() == states["deceased"]
    onsets = {row["patient_id"]: row["symptom_onset_date"].strip() for row in rows}
    stored = dict(Case.objects.values_list("source_key", "onset"))
    assert {key: str(day or "") for key, day in stored.items()} == onsets


def test_the_mers_list_and_its_links_are_all_there(shared_data):
    folder = shared_data / "linelists"
    with (folder / "mers_korea_2015_contacts.csv").open() as lines:
        links = [(row["from"], row["to"]) for row in csv.DictReader(lines)]

    listed = services.import_cases(folder / "mers_korea_2015_linelist.csv", ImportOptions(by="x", at=AT))
    linked = services.import_cases(folder / "mers_korea_2015_contacts.csv", ImportOptions(by="x", at=LATER))
    again = [
        services.import_cases(folder / f"mers_korea_2015_{name}.csv", ImportOptions(by="x", at=LATER))
        for name in ("linelist", "contacts")
    ]

    assert (counts(listed), counts(linked)) == ((162, 0, 0, 0), (0, 98, 0, 0))
    assert [counts(report) for report in again] == [(0, 0, 162, 0), (0, 0, 98, 0)]
    cases = {one.source_key: one for one in Case.objects.filter(source="mers_korea_2015")}
    names = {one.id: key for key, one in cases.items()}
    found = {(names[one.infected_by], key) for key, one in cases.items() if one.infected_by}
    noted = {(start, end) for start, end in links if f"infected by: {start} (" in cases[end].note}
    assert (len(found), found | noted, found & noted) == (95, set(links), set())


def test_a_link_to_an_unknown_case_is_named(take):
    take("id\n1\n", source="mers_korea_2015")

    report = take("from,to,exposure,diff_dt_onset\n1,2,ward,3\n3,1,ward,3\n")

    assert (counts(report), [(row, field) for row, field, _ in problems(report)]) == (
        (0, 1, 0, 1),
        [(2, "source_key"), (3, "infected_by")],
    )


CHILD = """
import django, sys
django.setup()
from datetime import datetime, UTC
from pathlib import Path
from threading import Thread
from epipolis.core.imports import ImportOptions
from epipolis.sense.cases.services import imports
imports.settings = type(imports.settings)(import_rows=500)
imports.import_cases(Path(sys.argv[1]), ImportOptions(by="importer", at=datetime(2026, 3, 10, 8, tzinfo=UTC)))
"""


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_and_run_again_gives_exactly_one_run(take, tmp_path):
    rows = [f"{n},{'FM'[n % 2]},{n % 90},{['suspected', 'confirmed'][n % 2]},{(n * 7) % 9_000}" for n in range(9_000)]
    text = "id,sex,age,classification,infected_by\n" + "\n".join(rows) + "\n"
    path = tmp_path / "list.csv"
    path.write_text(text)
    start_child(path)

    report = take(text)

    stored = report.unchanged
    assert 0 < stored < 9_000
    assert (report.created, report.rejected, stored % 500) == (9_000 - stored, 0, 0)
    assert (Case.objects.count(), CaseRevision.objects.count(), Person.objects.count()) == (9_000, 9_000, 9_000)
    assert counts(take(text)) == (0, 0, 9_000, 0)
    assert Case.objects.filter(classification="confirmed").count() == 4_500


def start_child(path):
    """Import in a process of its own and kill it when part of the rows are there."""
    found = connection.settings_dict
    who = f"{found['USER']}:{found['PASSWORD']}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
        "EPIPOLIS_DATABASE_URL": f"postgresql://{who}@/{found['NAME']}?host={found['HOST']}&port={found['PORT'] or 5432}",
        "PYTHONPATH": str(Path(__file__).parents[3] / "src"),
    }
    child = subprocess.Popen([sys.executable, "-W", "ignore", "-c", CHILD, str(path)], env=environment)
    deadline = time.monotonic() + 120
    try:
        while Case.objects.count() < 1_000:
            assert child.poll() is None, "the import ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
