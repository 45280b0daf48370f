"""The whole figure of an import with matching: people and their contacts into a city whose people are held.

    .venv/bin/python benchmarks/matched_import.py [--base 300000] [--people 100000] [--contacts 200000] [--seed 20]

Everybody is of the invented city of `_people.py`, 5 in 100 of the people and of the contacts are held already, written
otherwise; half of the contacts name one of 1,000 cases. The base comes by its numbers alone; people and contacts are each
imported with matching by the command as a user runs it. The processor time is that of the command, without the database's.
"""

import argparse
import csv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

from _people import city
from _platform import own_platform
from _report import Report
from people_import import run_import, write_people

from epipolis.engines.linkage import Record

CASES = 1_000
TODAY = datetime.now(UTC).date()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--base", type=int, default=300_000)
    options.add_argument("--people", type=int, default=100_000)
    options.add_argument("--contacts", type=int, default=200_000)
    options.add_argument("--seed", type=int, default=20)
    wanted = options.parse_args()
    report = Report("matched_import")
    with own_platform() as home:
        base, incoming, _ = city(wanted.seed, wanted.base, wanted.people + wanted.contacts)
        write_people(home / "base.csv", base)
        write_people(home / "people.csv", incoming[: wanted.people])
        _write_contacts(home / "contacts.csv", incoming[wanted.people :], wanted.seed)
        base_seconds, *_ = run_import("people", home / "base.csv", "--no-match")
        _make_cases()
        people = run_import("people", home / "people.csv", "--match")
        contacts = run_import("contacts", home / "contacts.csv", "--match")
    report.row(f"{wanted.base:,} people by their numbers alone", [base_seconds])
    for what, count, (seconds, processor, memory, counts) in (
        ("people", wanted.people, people),
        ("contacts", wanted.contacts, contacts),
    ):
        assert counts["accepted"] >= 0.999 * count, counts  # a wrong birth date may lie in the future
        report.row(f"{count:,} {what}, matched", [seconds])
        report.row(f"{count:,} {what}, rows a second", [count / seconds], unit="rows/s")
        report.row(f"{count:,} {what}, processor time", [processor])
        report.row(f"{count:,} {what}, peak memory", [memory], unit="MiB")
        report.row(f"{count:,} {what}, linked", [counts["linked"]], unit="rows")
        report.row(f"{count:,} {what}, asked", [counts["asked"]], unit="rows")
    report.row("people and contacts together", [people[0] + contacts[0]])
    report.save()


def _make_cases() -> None:
    """Cases whom contacts name, of people of the base."""
    from django.db import connection

    from epipolis.core import clock
    from epipolis.sense.cases.models import Case
    from epipolis.sense.people.models import Person

    now = clock.now()
    people = Person.objects.order_by("id").values_list("id", flat=True)[:CASES]
    Case.objects.bulk_create(
        Case(
            id=uuid4(),
            person_id=person,
            disease="COVID-19",
            source="bench",
            source_key=f"C{number}",
            classification="suspected",
            known_at=now,
            revised_at=now,
        )
        for number, person in enumerate(people)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _write_contacts(path: Path, records: Sequence[Record], seed: int) -> None:
    rng = Random(seed)
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["contact_id", "given_name", "family_name", "birth_date", "phone", "email", "case", "last_contact"])
        for number, one in enumerate(records):
            birth = "-".join(f"{part:02}" for part in (one.birth_year, one.birth_month, one.birth_day) if part)
            case = f"C{rng.randrange(CASES)}" if rng.random() < 0.5 else ""
            day = TODAY - timedelta(days=rng.randrange(1, 10))
            points = [*one.phones, ""][0], [*one.emails, ""][0]
            rows.writerow([f"K{number}", one.given, one.family, birth, *points, case, day])


if __name__ == "__main__":
    main()
