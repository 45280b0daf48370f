"""A fixed small city, its results written down once: any change of a single row is seen.

`python -m tests.engines.tracing.test_golden` writes the file anew; the difference is then to be read and understood.
"""

import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from epipolis.engines.tracing import accumulate, clip_visits, find_clusters, find_contacts, find_sources

GOLDEN = Path(__file__).parents[2] / "golden" / "tracing.json"
HOUR, DAY = 3600, 86_400
PEOPLE, PLACES, VISITS, CASES = 40, 5, 400, 6


def small_city() -> tuple[pa.Table, pa.Table, pa.Table]:
    """Visits, infectious windows and exposure windows from a plain sequence of numbers, the same everywhere."""
    number = 20_260

    def draw(below: int) -> int:
        nonlocal number
        number = (number * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        return (number >> 33) % below

    rows = []
    for _ in range(VISITS):
        arrived = 1_600_000_000 + draw(14 * DAY)
        stay = 60 + draw([HOUR, 4 * HOUR, 3 * DAY][draw(3)])
        rows.append((draw(PEOPLE), draw(PLACES), arrived, arrived + stay, draw(5) > 0))
    visits = pa.table(dict(zip(("visitor", "place", "arrived", "left", "exact"), zip(*rows, strict=True), strict=True)))
    onset = [1_600_000_000 + (3 + case) * DAY for case in range(CASES)]
    infectious = {"visitor": range(CASES), "from": [t - 2 * DAY for t in onset], "until": [t + 10 * DAY for t in onset]}
    exposed = {"visitor": range(CASES), "from": [t - 10 * DAY for t in onset], "until": [t - DAY for t in onset]}
    return visits, _table(infectious), _table(exposed)


def results() -> dict[str, list[list[int | bool]]]:
    visits, infectious, exposed = small_city()
    contacts = find_contacts(visits, infectious, at_least=timedelta(minutes=15))
    brief = find_contacts(visits, infectious, at_least=timedelta(0))
    tables = {
        "contacts": contacts,
        "accumulated": accumulate(brief, within=timedelta(hours=24), at_least=timedelta(minutes=15)),
        "sources": find_sources(visits, exposed, infectious, at_least=timedelta(minutes=15)),
        "clusters": find_clusters(clip_visits(visits, exposed), at_least_cases=2, gap=timedelta(hours=1)),
    }
    return {name: [list(row.values()) for row in table.to_pylist()] for name, table in tables.items()}


def test_the_small_city_gives_the_rows_written_down():
    expected = json.loads(GOLDEN.read_text())

    assert min(len(rows) for rows in expected.values()) > 1
    assert results() == expected


def _table(columns: dict[str, list[int] | range]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()})


def write() -> None:
    lines = (f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]" for name, rows in results().items())
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    write()
