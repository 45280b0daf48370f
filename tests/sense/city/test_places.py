from datetime import UTC, datetime

import pytest

from epipolis.core.imports import ImportOptions
from epipolis.core.models import AuditEntry
from epipolis.sense.city import services
from epipolis.sense.city.models import Place

from .factories import AT, SOUTH, WEST, load, place

pytestmark = pytest.mark.django_db
HEADER = "code,name,kind,address,lon,lat,neighbourhood,district\n"


def imported(tmp_path, content, name="places.csv", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else (HEADER + content).encode())
    return services.import_places(path, ImportOptions(by="tester", at=AT, **options))


def test_a_place_is_made_once_and_knows_its_neighbourhood(tmp_path):
    load(tmp_path)

    first, second = place(), place(name="Another name")

    assert (first.id, second.name) == (second.id, "Blue Café")
    assert (first.neighbourhood.code, first.district.code) == ("N1", "D1")
    assert AuditEntry.objects.filter(action="city.add_place").count() == 1


@pytest.mark.parametrize(
    "values",
    [
        {"code": ""},
        {"code": "x" * 61},
        {"name": ""},
        {"name": "x" * 201},
        {"kind": "x" * 41},
        {"name": "a\0b"},
        {"lon": 181.0},
        {"lat": -91.0},
        {"lon": float("nan")},
        {"lat": None},
        {"address": "x" * 10_000_000},
    ],
)
def test_a_place_that_breaks_a_rule_is_refused(values):
    with pytest.raises(ValueError, match="must"):
        place(**values)

    assert Place.objects.count() == 0


def test_good_rows_are_kept_and_bad_ones_named(tmp_path):
    load(tmp_path / "city")
    rows = [
        "P1,Café,café,Quay 1,-19.99,30.01,,",
        ",Nameless code,café,,,,,",
        "P3,,café,,,,,",
        "P4,Far,shop,,-19.99,,,",
        "P5,Moon,shop,,999,30,,",
        "P6,Text,shop,,west,30,,",
        "P7,School,school,,,,Docks,Hill",
        "P8,Nowhere,school,,,,Docks,",
        "P1,Twice,café,,,,,",
        f"P9,{'x' * 201},café,,,,,",
        "P10,=HYPERLINK(1),café,,,,,",
        "P11,😀 مقهى,café,,,,,",
    ]

    report = imported(tmp_path, "\n".join(rows) + "\n")

    assert (report.accepted, report.rejected, report.created) == (4, 8, 4)
    assert [(one.row, one.field) for one in report.problems] == [
        (3, "code"),
        (4, "name"),
        (5, "lat"),
        (6, "lon"),
        (7, "lon"),
        (9, "neighbourhood"),
        (10, "code"),
        (11, "name"),
    ]
    assert Place.objects.get(code="P7").neighbourhood.code == "N3"
    assert Place.objects.get(code="P11").name == "😀 مقهى"


def test_the_same_table_twice_changes_nothing_and_a_new_name_is_a_change(tmp_path):
    rows = "P1,Café,café,,-19.99,30.01,,\nP2,Shop,shop,,,,,\n"
    imported(tmp_path, rows)

    again, changed = imported(tmp_path, rows), imported(tmp_path, rows.replace("Shop", "Kiosk"))

    assert (again.created, again.changed, again.unchanged) == (0, 0, 2)
    assert (changed.created, changed.changed, changed.unchanged) == (0, 1, 1)


def test_a_dry_run_stores_nothing_and_reports_the_same(tmp_path):
    report = imported(tmp_path, "P1,Café,café,,,,,\n,,,,1,,,\n", dry_run=True)

    assert (report.created, report.rejected, report.dry_run) == (1, 1, True)
    assert (Place.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_a_point_outside_the_named_neighbourhood_is_a_warning(tmp_path):
    load(tmp_path / "city")

    report = imported(tmp_path, f"P1,Café,café,,{WEST + 0.01},{SOUTH + 0.01},N2,\n")

    assert (report.created, report.warnings) == (1, 1)
    assert Place.objects.get().neighbourhood.code == "N2"


def test_columns_of_other_names_are_mapped(tmp_path):
    content = b"Nummer,Bezeichnung,Art\n7,Markt,shop\n"

    report = imported(tmp_path, content, mapping={"Nummer": "code", "Bezeichnung": "name", "Art": "kind"})

    assert (report.created, Place.objects.get().name) == (1, "Markt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "big5", "utf-16"])
def test_a_table_in_another_encoding_is_read(tmp_path, encoding):
    rows = "".join(f"P{n},臺北市立圖書館第{n}分館,圖書館,臺北市中山區民權東路三段{n}號,,,,\n" for n in range(1, 200))

    report = imported(tmp_path, (HEADER + rows).encode(encoding))

    assert (report.created, report.rejected) == (199, 0)
    assert Place.objects.get(code="P7").name == "臺北市立圖書館第7分館"


def test_a_table_without_rows_changes_nothing(tmp_path):
    report = imported(tmp_path, "")

    assert (report.accepted, report.rejected) == (0, 0)


def test_an_export_can_be_imported_again_without_a_change(tmp_path):
    from epipolis.core.exports import write_file
    from epipolis.core.modules import modules

    load(tmp_path / "city", places="code,name,kind,lon,lat\nP1,A,shop,-19.99,30.01\nP2,B,shop,,\n")
    exporter = next(one for one in modules()["city"].exporters if one.name == "places")
    rows = write_file(exporter, tmp_path / "out.csv", at=AT)

    report = services.import_places(tmp_path / "out.csv", ImportOptions(by="tester", at=datetime(2026, 4, 1, tzinfo=UTC)))

    assert (rows, report.unchanged, report.rejected) == (2, 2, 0)
