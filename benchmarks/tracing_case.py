"""Trace one case with ten million visits stored, and see whether the visits of other weeks slow it down.

    .venv/bin/python benchmarks/tracing_case.py [--cases 100] [--quick]

A city of 50,000 people and 5,000 places (the density of benchmarks/tracing.py), two weeks of visits, then four, then
eight. The same cases, all ill in the first two weeks, are traced each time by the whole service: read, judge, store
contacts and meetings, audit, tell, check every reference as a commit would; the transaction is then undone. The peer is
one SQL statement on the same tables and indexes: the visits joined with themselves over their timestamps, stored as
contacts and meetings with the same checks of references, but not judged by a rule, explained, compared with the former
trace or audited.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._platform import own_platform
from benchmarks._report import Report

START = datetime(2021, 3, 1, tzinfo=UTC)
PEOPLE, PLACES = 50_000, 5_000
FORTNIGHT = 2_500_000
PEER = """
WITH met AS (
  SELECT o.visitor, v.place_id, greatest(o.arrived, v.arrived, %(since)s) AS starts,
    least(o."left", v."left", %(until)s) AS ends
  FROM checkins_visit v JOIN checkins_visit o
    ON o.place_id = v.place_id AND o.visitor <> v.visitor AND o.arrived < v."left" AND o."left" > v.arrived
  WHERE v.visitor = %(visitor)s AND v.arrived < %(until)s AND v."left" > %(since)s
), long AS (
  SELECT * FROM met WHERE ends - starts >= interval '15 minutes'
), found AS (
  INSERT INTO tracing_contact (case_id, visitor, person_id, risk, rank, certain, minutes, companions, last_met, decision,
    found, state, note, simulated)
  SELECT %(case)s, visitor, visitor, 'medium', 2, true, sum(extract(epoch FROM ends - starts)) / 60, 0, max(ends), '{}',
    %(until)s, 'open', '', true
  FROM long GROUP BY visitor RETURNING id, visitor
), met_at AS (
  INSERT INTO tracing_encounter (contact_id, place_id, starts, ends, certain)
  SELECT found.id, place_id, starts, ends, true FROM long JOIN found USING (visitor)
)
SELECT count(*) FROM found
"""


def main(cases: int, fortnight: int) -> None:
    """Fill, measure, fill more, measure again."""
    with own_platform():
        from django.db import connection

        rng = np.random.default_rng(20_260)
        people = [UUID(bytes=raw) for raw in _uuids(rng, PEOPLE)]
        places = _fill_city(people)
        ill = _fill_cases(people[:cases])
        report, stored, growth = Report("tracing_case"), 0, {}
        for fortnights in (1, 2, 4):
            began = time.perf_counter()
            while stored < fortnights * fortnight:
                _fill_visits(
                    rng, people, places, stored // fortnight, fortnight, last=stored + fortnight == fortnights * fortnight
                )
                stored += fortnight
            print(f"{stored:,} visits stored in {time.perf_counter() - began:.0f} s", flush=True)
            connection.close()
            ours, own, peer, contacts = _measure(ill)
            growth[stored] = ours
            what = f"trace one case, {stored / 1e6:g} million visits ({np.median(contacts):.0f} contacts)"
            report.row(what, ours, peer, unit="ms", peer_name="one SQL statement")
            report.row("of it, processor time of this process", own, unit="ms")
        first, last = min(growth), max(growth)
        report.row(
            f"time at {last / 1e6:g} over {first / 1e6:g} million",
            [float(np.median(growth[last]) / np.median(growth[first]))],
            unit="x",
        )
        report.save()


def _uuids(rng: np.random.Generator, count: int) -> list[bytes]:
    return [bytes(row) for row in rng.integers(0, 256, (count, 16), dtype=np.uint8)]


def _fill_city(people: list[UUID]) -> list[int]:
    from epipolis.sense.city.models import Place
    from epipolis.sense.people.models import Person

    Person.objects.bulk_create((Person(id=key, known_at=START, simulated=True) for key in people), batch_size=5_000)
    Place.objects.bulk_create(
        Place(code=f"p{n}", name=f"Place {n}", kind="food" if n % 5 == 0 else "shop", known_at=START) for n in range(PLACES)
    )
    return list(Place.objects.order_by("id").values_list("id", flat=True))


def _fill_cases(people: list[UUID]) -> list[UUID]:
    from epipolis.sense.cases.models import Case

    facts = {
        "classification": "confirmed",
        "onset": START.date(),
        "has_symptoms": True,
        "disease": "covid19",
        "source": "bench",
    }
    rows = [
        Case(person_id=key, source_key=str(n), known_at=START, revised_at=START, simulated=True, **facts)
        for n, key in enumerate(people)
    ]
    return [row.id for row in Case.objects.bulk_create(rows)]


def _fill_visits(
    rng: np.random.Generator, people: list[UUID], places: list[int], number: int, count: int, *, last: bool
) -> None:
    """One fortnight by COPY; the indexes are dropped before the first row and made again after the last."""
    from django.db import connection

    with connection.cursor() as cursor:
        _drop_indexes(cursor)
        with cursor.copy(
            'COPY checkins_visit (visitor, arrived, place_id, "left", is_open, exact, companions, source, known_at, simulated)'
            " FROM STDIN"
        ) as copy:
            for piece in _rows(rng, people, places, number, count):
                copy.write(piece)
        if last:
            for statement in _INDEXES:
                cursor.execute(statement)
            cursor.execute("ANALYZE checkins_visit")


_INDEXES: list[str] = []


def _drop_indexes(cursor: object) -> None:
    """Remember how the platform makes its indexes, then drop them."""
    cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'checkins_visit'")
    found = cursor.fetchall()
    if not found:
        return
    _INDEXES.clear()
    for name, definition in found:
        if name.endswith("_pkey"):
            columns = definition[definition.index("(") :]
            _INDEXES.append(f"ALTER TABLE checkins_visit ADD CONSTRAINT {name} PRIMARY KEY {columns}")
            cursor.execute(f"ALTER TABLE checkins_visit DROP CONSTRAINT {name}")
        else:
            _INDEXES.append(definition)
            cursor.execute(f"DROP INDEX {name}")


def _rows(rng: np.random.Generator, people: list[UUID], places: list[int], number: int, count: int) -> Iterator[str]:
    popularity = np.cumsum(np.random.default_rng(7).lognormal(0, 1.48, PLACES))
    texts, first = [str(key) for key in people], int((START + timedelta(days=14 * number)).timestamp())
    for begin in range(0, count, 250_000):
        size = min(250_000, count - begin)
        who = rng.integers(0, PEOPLE, size).tolist()
        where = np.searchsorted(popularity, rng.random(size) * popularity[-1]).tolist()
        hour = rng.triangular(6, 13, 23, size)
        arrived = first + rng.integers(0, 14, size) * 86_400 + (hour * 3_600).astype(int) - 8 * 3_600
        left = arrived + np.clip(rng.lognormal(np.log(45 * 60), 0.8, size), 60, 16 * 3_600).astype(int)
        micros = rng.integers(0, 1_000_000, size).tolist()  # two check-ins at one moment would share a key
        yield "".join(
            f"{texts[v]}\t{_text(a)}.{m:06d}+00\t{places[p]}\t{_text(b)}.{m:06d}+00\tf\tt\t0\t1\t2021-03-01 00:00:00+00\tt\n"
            for v, p, a, b, m in zip(who, where, arrived.tolist(), left.tolist(), micros, strict=True)
        )


def _text(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))


def _measure(ill: list[UUID]) -> tuple[list[float], list[float], list[float], list[int]]:
    """Milliseconds of each case: ours, our own processor time, the peer's in turn; and how many contacts each had."""
    from django.db import connection, transaction

    from epipolis.sense.cases import queries as cases
    from epipolis.understand.tracing import services

    at = START + timedelta(days=60)
    since, until = START - timedelta(days=2, hours=8), START + timedelta(days=14) - timedelta(hours=8)
    ours, own, peer, contacts = [], [], [], []

    def trace(case: UUID) -> tuple[float, float, int]:
        began, busy = time.perf_counter(), time.process_time()
        found = services.trace_case(case, by="benchmark", at=at).found
        connection.check_constraints()  # as the commit would
        return 1_000 * (time.perf_counter() - began), 1_000 * (time.process_time() - busy), found

    def join(case: UUID) -> tuple[float, float, int]:
        began = time.perf_counter()
        with connection.cursor() as cursor:
            person = cases.case(case).person_id
            cursor.execute(PEER, {"visitor": person, "case": case, "since": since, "until": until})
            [[found]] = cursor.fetchall()
        connection.check_constraints()
        return 1_000 * (time.perf_counter() - began), 0.0, found

    for number, case in enumerate([*ill[:5], *ill]):  # the first five warm both up
        took = {}
        for run in (trace, join) if number % 2 else (join, trace):  # whoever is second finds the rows in memory
            with transaction.atomic():
                took[run] = run(case)
                transaction.set_rollback(True)
        # The platform rounds stays outwards to whole seconds, so a meeting a moment short of 15 minutes counts.
        found = took[trace][2]
        assert 0 <= found - took[join][2] <= 5 + found // 30, took
        if number >= 5:
            ours.append(took[trace][0])
            own.append(took[trace][1])
            peer.append(took[join][0])
            contacts.append(found)
    return ours, own, peer, contacts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a tenth of the visits")
    given = parser.parse_args()
    main(given.cases, FORTNIGHT // 10 if given.quick else FORTNIGHT)
