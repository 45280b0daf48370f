import csv
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from epipolis.core.imports import ImportOptions
from epipolis.sense.checkins import services
from epipolis.sense.checkins.models import Source, Venue, Visit

from .factories import NOW, hours, place, stays, venue

pytestmark = pytest.mark.django_db
OPTIONS = ImportOptions(by="test", at=NOW)


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def counts(report):
    return report.accepted, report.rejected, report.created, report.unchanged


def test_a_file_of_visits_is_taken_once_and_bad_rows_are_listed(tmp_path):
    cafe = venue()
    who, start = uuid4(), int((NOW - hours(5)).timestamp())
    path = write(
        tmp_path / "visits.csv",
        "visitor,place,arrived,left\n"
        f"{who},cafe,{start},{start + 600}\n"
        f"{uuid4().hex},cafe,2026-05-04T09:00:00+02:00,2026-05-04T10:00:00+02:00\n"
        f"{uuid4()},cafe,2026-05-04T09:00:00Z,\n"
        f"not-a-uuid,cafe,{start},{start + 600}\n"
        f"{uuid4()},nowhere,{start},{start + 600}\n"
        "\n"
        f"{uuid4()},cafe,2026-05-04T09:00:00,{start + 600}\n"
        f"{uuid4()},cafe,2026-02-30T09:00:00Z,{start + 600}\n"
        f"{uuid4()},cafe,{start},{start - 600}\n"
        f"{uuid4()},cafe,{start},{start + 99_999}\n"
        f"{uuid4()},=1+1,{start},{start + 60},extra\n"
        f"{uuid4()},cafe,{2**63},{start + 60}\n"
        f"{uuid4()},cafe,99999999999,{start + 60}\n"
        f"{uuid4()},cafe,{start - 40 * 86_400},\n",
    )

    first = services.import_visits(path, OPTIONS)
    again = services.import_visits(path, OPTIONS)

    assert counts(first) == (3, 10, 3, 0)
    assert counts(again) == (3, 10, 0, 3)
    assert sorted((p.row, p.field) for p in first.problems) == [
        (5, "visitor"),
        (6, "place"),
        (8, "arrived"),
        (9, "arrived"),
        (10, "left"),
        (11, "left"),
        (12, ""),
        (13, "arrived"),
        (14, "arrived"),
        (15, "arrived"),
    ]
    began = datetime.fromtimestamp(start, UTC)
    assert stays(who) == [(cafe.place_id, began, began + timedelta(minutes=10), False)]
    assert set(Visit.objects.values_list("source", flat=True)) == {Source.FILE}


def test_a_trial_run_reports_the_same_and_stores_nothing(tmp_path):
    venue()
    path = write(tmp_path / "v.csv", f"visitor,place,arrived\n{uuid4()},cafe,2026-05-04T09:00:00Z\n")

    report = services.import_visits(path, ImportOptions(by="test", at=NOW, dry_run=True))

    assert (counts(report), Visit.objects.count()) == ((1, 0, 1, 0), 0)


def test_parquet_brings_the_same_rows(tmp_path):
    venue()
    moments = pa.array([NOW - hours(3), NOW - hours(2)], pa.timestamp("us", "UTC"))
    people = pa.array([uuid4().bytes, uuid4().bytes], pa.binary(16))
    table = pa.table({"visitor": people, "place": ["cafe", "cafe"], "arrived": moments, "stay_minutes": [30, 45]})
    pq.write_table(table, tmp_path / "v.parquet")

    assert counts(services.import_visits(tmp_path / "v.parquet", OPTIONS)) == (2, 0, 2, 0)
    assert sorted(Visit.objects.values_list("left", flat=True)) == [NOW - hours(2.5), NOW - hours(1.25)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "big5"])
def test_other_encodings_and_separators_are_read(tmp_path, encoding):
    where = place("咖啡")
    services.register_venue(where, "food", by="test", at=NOW)
    text = f"visitor;place;arrived;備註說明\n{uuid4()};咖啡;2026-05-04T09:00:00Z;臺北市的咖啡店\n"

    assert services.import_visits(write(tmp_path / "v.csv", text, encoding), OPTIONS).created == 1


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\n\n"])
def test_a_file_without_visits_is_refused_with_a_reason(tmp_path, text):
    with pytest.raises(ValueError, match=r"empty|columns|names"):
        services.import_visits(write(tmp_path / "v.csv", text), OPTIONS)


def test_a_header_alone_is_no_error(tmp_path):
    report = services.import_visits(write(tmp_path / "v.csv", "visitor,place,arrived\n"), OPTIONS)

    assert counts(report) == (0, 0, 0, 0)


def test_every_route_of_the_korean_file_is_taken_as_possible_days(shared_data):
    path = shared_data / "korea_ds4c" / "patient_route.csv"
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    different = {(r["patient_id"], r["date"], r["type"], r["latitude"], r["longitude"]) for r in rows}

    first = services.import_visits(path, OPTIONS)
    again = services.import_visits(path, OPTIONS)

    assert counts(first) == (len(rows), 0, len(different), len(rows) - len(different))
    assert counts(again) == (len(rows), 0, 0, len(rows))
    assert Visit.objects.count() == len(different)
    assert not Visit.objects.filter(exact=True).exists()
    assert Visit.objects.values("visitor").distinct().count() == len({r["patient_id"] for r in rows})


def test_rows_of_a_told_file_that_break_a_rule_are_listed(tmp_path):
    path = write(
        tmp_path / "r.csv",
        "person,day,kind,lat,lon\nA1,2026-05-01,shop,25.03,121.5\nA1,2026-13-01,shop,25,121\nA2,2026-05-01,shop,91,121\n"
        "A3,2026-05-01,shop,,\nA4,9999-12-31,shop,25,121\nA5,2026-06-01,shop,25,121\n",
    )

    report = services.import_visits(path, ImportOptions(by="test", at=NOW, source="office"))

    assert counts(report) == (1, 5, 1, 0)
    assert [(p.row, p.field) for p in sorted(report.problems, key=lambda p: p.row)] == [
        (3, "day"),
        (4, "lat"),
        (5, "lat"),
        (6, "day"),
        (7, "arrived"),
    ]


def test_people_by_number_need_a_source(tmp_path):
    path = write(tmp_path / "r.csv", "person,day,kind,lat,lon\nA1,2026-05-01,shop,25.03,121.5\n")

    assert services.import_visits(path, OPTIONS).problems[0].field == "person"


def test_a_column_says_whose_number_a_person_has(tmp_path):
    """Equal numbers of two sources are two people, and the column counts more than the source of the whole file."""
    path = write(
        tmp_path / "r.csv",
        "person,source,day,kind,lat,lon\n7,north,2026-05-01,shop,25.03,121.5\n7,south,2026-05-01,shop,25.03,121.5\n"
        "7,,2026-05-01,shop,25.03,121.5\n7,north,2026-05-02,shop,25.03,121.5\n",
    )

    report = services.import_visits(path, ImportOptions(by="test", at=NOW, source="office"))

    assert counts(report) == (4, 0, 4, 0)
    assert Visit.objects.values("visitor").distinct().count() == 3


def test_venues_come_from_a_file_with_new_places(tmp_path):
    place()
    path = write(
        tmp_path / "venues.csv",
        "place,kind,default_stay,opens,closes,name,lon,lat\n"
        "cafe,food,,,,,,\nhall,cultural,,2026-06-01T18:00:00Z,2026-06-01T22:00:00Z,City hall,121.5,25.04\n"
        "nowhere,food,,,,,,\ncafe,spaceship,,,,,,\nhall,cultural,,,,,,\ncafe,food,2000,,,,,\n",
    )

    first, again = services.import_venues(path, OPTIONS), services.import_venues(path, OPTIONS)

    assert counts(first) == (2, 4, 2, 0)
    assert counts(again) == (2, 4, 0, 2)
    assert Venue.objects.get(place__code="hall").closes == datetime(2026, 6, 1, 22, tzinfo=UTC)
