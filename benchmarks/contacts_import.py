"""A table of contacts into a city: rows a second with everybody matched, and again when the same file comes twice.

    .venv/bin/python benchmarks/contacts_import.py [--quick] [--base 100000] [--rows 50000]

Half of the contacts are people of the city, written down in another way than there (without the middle of the name, with
another telephone), half are new; each names one of 1,000 cases. Measured is the whole import: reading, checking, matching,
storing, with the audit trail; the second run of the same file changes nothing.
"""

import argparse
import csv
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from _platform import own_platform
from _report import Report

NOW = datetime(2021, 3, 20, 4, tzinfo=UTC)
FIRST, SECOND = 400, 3_000  # given and family names in use


def fill(people: int) -> list[str]:
    """The city's people and cases; the numbers of the cases."""
    from django.db import connection, transaction

    from epipolis.sense.cases.models import Case
    from epipolis.sense.people.services import PersonRow, match_people

    rows = [
        PersonRow(
            identifiers=[("card", str(n))], given_name=given(n), family_name=family(n), birth=born(n), phones=[phone(n)]
        )
        for n in range(people)
    ]  # fmt: skip
    ids = []
    for start in range(0, people, 5_000):
        with transaction.atomic():
            ids += [one.person for one in match_people(rows[start : start + 5_000], by="bench", at=NOW, match=False)]
    cases = [
        Case(id=uuid4(), person_id=ids[n % len(ids)], disease="COVID-19", source="bench", source_key=f"C{n}",
             classification="suspected", known_at=NOW, revised_at=NOW)
        for n in range(1_000)
    ]  # fmt: skip
    Case.objects.bulk_create(cases)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return [case.source_key for case in cases]


def given(n: int) -> str:
    return f"Gi{chr(97 + n % 26)}ven{chr(97 + n // 26 % 26)}{chr(97 + n % FIRST // 20)}o"


def family(n: int) -> str:
    number = n * 7_919 % SECOND
    return f"Fa{chr(97 + number % 26)}mil{chr(97 + number // 26 % 26)}{chr(97 + number // 676)}y"


def born(n: int) -> tuple[int, int, int]:
    return 1930 + n * 31 % 80, 1 + n * 17 % 12, 1 + n * 13 % 28


def phone(n: int) -> str:
    return f"+999 {n * 7_368_787 % 10**9:09d}"


def write(path: Path, rows: int, people: int, cases: list[str]) -> None:
    """A table of contacts: every second one lives in the city already."""
    rng = random.Random(11)
    with path.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out)
        table.writerow(["contact_id", "given_name", "family_name", "birth_date", "phone", "case", "last_contact", "risk"])
        for number in range(rows):
            known = number % 2 == 0
            n = rng.randrange(people) if known else people + number
            day = (NOW - timedelta(days=rng.randrange(10))).date()
            born_on = "{:04d}-{:02d}-{:02d}".format(*born(n))
            risk = rng.choice(("high", "medium", "low"))
            table.writerow(
                [f"K{number}", given(n), family(n), born_on, phone(n + (0 if known else 1)), rng.choice(cases), day, risk]
            )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of both")
    parser.add_argument("--base", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=50_000)
    options = parser.parse_args()
    people, rows = (options.base // 10, options.rows // 10) if options.quick else (options.base, options.rows)
    with own_platform() as home:
        from epipolis.act.followup.services import import_contacts
        from epipolis.core import clock
        from epipolis.core.imports import ImportOptions

        with clock.fixed(NOW):
            path = home / "contacts.csv"
            write(path, rows, people, fill(people))
            report = Report("contacts_import")
            told = []
            for name, match in (("without matching", False), ("with matching", True), ("the same file again", True)):
                source = "bench" if match else "other"
                started = time.perf_counter()
                found = import_contacts(path, ImportOptions(by="bench", at=NOW, source=source, match=match))
                spent = time.perf_counter() - started
                report.row(f"{rows:,} contacts into a city of {people:,}, {name}", [rows / spent], unit="rows/s")
                told.append((name, found.accepted, found.created, found.unchanged, found.linked, found.asked))
            report.save()
        for line in told:
            print("%s: accepted %d, created %d, unchanged %d, linked %d, asked %d" % line)  # noqa: UP031 -- one tuple a line
    return 0


if __name__ == "__main__":
    sys.exit(main())
