"""A line list of 100,000 rows, imported with every check, beside a plain Django loop over the same rows.

The loop does what a first version would: for each row read the cells, `full_clean`, `get_or_create` the person's number
and the case, and keep the first revision. It is run on a sample and its rate is given, for the whole list takes minutes.
"""

import csv
import random
import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import uuid4

from _platform import own_platform
from _report import Report

RUNS, ROWS, SAMPLE = 3, 100_000, 2_000
COLUMNS = (
    "case_id",
    "sex",
    "age",
    "region",
    "onset",
    "sample_date",
    "report_date",
    "confirmed_date",
    "classification",
    "outcome",
    "setting",
    "infected_by",
    "note",
)


def main() -> None:
    report = Report("cases_import")
    with own_platform() as home:
        path, changed = home / "list.csv", home / "changed.csv"
        _write(path, note="")
        _write(changed, note="called back")
        new, same, some, peer = [], [], [], []
        for _ in range(RUNS):
            _empty()
            new.append(_import(path, created=ROWS))
            same.append(_import(path, unchanged=ROWS))
            some.append(_import(changed, changed=ROWS // 100))
            _empty()
            peer.append(_loop(path))
    name = f"get_or_create and full_clean, {SAMPLE:,} rows"
    report.row(f"new cases, {ROWS:,} rows", new, peer, unit="rows/s", peer_name=name)
    report.row(f"validated and matched, nothing new, {ROWS:,} rows", same, peer, unit="rows/s", peer_name=name)
    report.row(f"validated and matched, 1 in 100 revised, {ROWS:,} rows", some, unit="rows/s")
    report.save()


def _write(path: Path, *, note: str) -> None:
    """A line list; `note` stands in every hundredth row."""
    draw, first = random.Random(1), date(2021, 1, 1)
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(COLUMNS)
        for number in range(ROWS):
            days = [first + timedelta(days=draw.randrange(300) + later) for later in (0, 2, 3, 4)]
            kind = draw.choice(["confirmed", "confirmed", "suspected", "probable"])
            infector = f"C{draw.randrange(ROWS):07}" if draw.random() < 0.3 else ""
            words = [kind, draw.choice(["recovered", "ill", ""]), draw.choice(["household", "school", "work", ""])]
            rest = [infector, note if number % 100 == 0 else ""]
            rows.writerow([f"C{number:07}", draw.choice("FM"), draw.randrange(95), "North", *days, *words, *rest])


def _import(path: Path, **expected: int) -> float:
    from epipolis.core.imports import ImportOptions
    from epipolis.sense.cases import services

    options = ImportOptions(by="benchmark", at=datetime.now(UTC), source="benchmark", simulated=True)
    start = time.perf_counter()
    report = services.import_cases(path, options)
    seconds = time.perf_counter() - start
    assert (report.accepted, {name: getattr(report, name) for name in expected}) == (ROWS, expected), report
    return ROWS / seconds


def _loop(path: Path) -> float:
    from django.db import transaction

    from epipolis.sense.cases.models import Case, CaseRevision
    from epipolis.sense.people.models import Identifier, Person

    at, start = datetime.now(UTC), time.perf_counter()
    with path.open(newline="") as lines:
        for row in islice(csv.DictReader(lines), SAMPLE):
            with transaction.atomic():
                number = Identifier.objects.filter(kind="benchmark", value_hash=row["case_id"]).first()
                person = number.person if number else Person.objects.create(id=uuid4(), known_at=at)
                values = {"kind": "benchmark", "value_hash": row["case_id"]}
                Identifier.objects.get_or_create(**values, defaults={"person": person, "value": row["case_id"].encode()})
                age = int(row["age"])
                facts = {
                    "classification": row["classification"],
                    "outcome": row["outcome"],
                    "onset": date.fromisoformat(row["onset"]),
                    "sampled": date.fromisoformat(row["sample_date"]),
                    "reported": date.fromisoformat(row["report_date"]),
                    "confirmed": date.fromisoformat(row["confirmed_date"]),
                    "age_from": age,
                    "age_to": age,
                    "sex": row["sex"],
                    "region": row["region"],
                    "setting": row["setting"],
                    "note": row["note"],
                }
                names = {"person": person, "disease": "covid", "known_at": at, "revised_at": at}
                key = {"source": "benchmark", "source_key": row["case_id"]}
                empty = [field.name for field in Case._meta.fields if field.null]
                Case(**key, **names, **facts).full_clean(exclude=empty, validate_unique=False)
                case, created = Case.objects.get_or_create(**key, defaults=names | facts)
                if created:
                    CaseRevision.objects.create(case=case, revision=1, known_at=at, by="benchmark", **facts)
    return SAMPLE / (time.perf_counter() - start)


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE cases_caserevision, cases_case, people_identifier, people_person, procrastinate_jobs CASCADE")
        cursor.execute("CHECKPOINT")


if __name__ == "__main__":
    main()
