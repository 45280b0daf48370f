import pytest
from openpyxl import Workbook

from epipolis.core.imports import ImportOptions
from epipolis.core.models import AuditEntry
from epipolis.sense.people import queries, services
from epipolis.sense.people.models import MatchQuestion, Merge, Person
from tests.sense.city import factories as city

from .factories import AT

pytestmark = pytest.mark.django_db
HEADER = "number,given_name,family_name,birth_date,sex,phone,email,national_id\n"


def imported(tmp_path, content, name="people.csv", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return services.import_people(path, ImportOptions(by="registrar", at=AT, **({"source": "office"} | options)))


def counts(report):
    return (report.created, report.changed, report.unchanged, report.rejected)


def found(text):
    [one] = queries.search(text, by="registrar", at=AT)
    return queries.what_is_held(one.id)


def test_rows_become_people_with_all_that_they_say(tmp_path):
    report = imported(tmp_path, HEADER + "7,Ana,Torres,1980-05-17,F,+999 123 456,ana@example.org,A123456789\n")

    held = found("A123456789")
    assert counts(report) == (1, 0, 0, 0)
    assert [held[name] for name in ("given_name", "family_name", "born", "sex", "phones", "emails")] == [
        "Ana",
        "Torres",
        "1980-05-17",
        "F",
        ["+999 123 456"],
        ["ana@example.org"],
    ]


def test_good_rows_are_kept_and_bad_ones_named(tmp_path):
    rows = [
        "1,Ana,,1980,F,,,",
        "2,Bad date,,17.5.1980,,,,",
        "3,Impossible,,1981-02-30,,,,",
        "4,Future,,2031-01-01,,,,",
        "5,Far future,,9999-12-31,,,,",
        "6,Sex,,,perhaps,,,",
        "7,Phone,,,,none,,",
        "8,Mail,,,,,nobody,",
        f"9,{'x' * 151},,,,,,",
        "1,Twice,,,,,,",
        "10,,,,unknown,,,",
        "11,=cmd|' /C calc'!A0,,,m,,,",
        "12,😀,محمد,1980-05,女,,,",
        f"{'1' * 201},Long number,,,,,,",
    ]

    report = imported(tmp_path, HEADER + "\n".join(rows) + "\n")

    assert counts(report) == (4, 0, 0, 10)
    assert [(one.row, one.field) for one in report.problems] == [
        (3, "birth_date"),
        (4, "birth_date"),
        (5, "birth_date"),
        (6, "birth_date"),
        (7, "sex"),
        (8, "phone"),
        (9, "email"),
        (10, "given_name"),
        (11, "office"),
        (13, "given_name"),
        (15, "identifiers"),
    ]


def test_the_problems_of_rows_show_no_value(tmp_path):
    report = imported(tmp_path, HEADER + "2,Ana,Torres,17.5.1980,,,,\n")

    assert [one.value for one in report.problems] == [""]


def test_the_same_file_twice_changes_nothing(tmp_path):
    rows = HEADER + "1,Ana,Torres,1980-05-17,F,+999 1,a@b.c,A1\n2,,,,,,,\n3,Eva,,,,,,\n"
    imported(tmp_path, rows)

    assert counts(imported(tmp_path, rows)) == (0, 0, 3, 0)
    assert Person.objects.count() == 3


def test_rows_without_any_number_are_known_by_what_they_say(tmp_path):
    rows = "given_name,birth_date\nLi,1980\nLi,1980\nEva,\n"

    first, second = imported(tmp_path, rows), imported(tmp_path, rows)

    assert (counts(first), counts(second)) == ((3, 0, 0, 0), (0, 0, 3, 0))
    assert len(queries.search("Li", by="registrar", at=AT)) == 2


def test_the_same_number_of_another_source_is_somebody_else(tmp_path):
    rows = HEADER + "1,Ana,,,,,,\n"

    assert [counts(imported(tmp_path, rows, source=source))[0] for source in ("north office", "south office")] == [1, 1]


def test_a_newer_file_changes_what_it_says_and_empty_cells_change_nothing(tmp_path):
    imported(tmp_path, HEADER + "1,Ana,Torres,1980,F,+999 123,,\n2,Eva,,,,,,\n")

    report = imported(tmp_path, HEADER + "1,Anna,,1980-05-17,,+999 456,,\n2,Eva,,,,,,\n")

    held = found("Anna Torres")
    assert counts(report) == (0, 1, 1, 0)
    assert (held["born"], held["sex"], held["phones"]) == ("1980-05-17", "F", ["+999 123", "+999 456"])


def test_a_dry_run_stores_nothing_and_reports_the_same(tmp_path):
    report = imported(tmp_path, HEADER + "1,Ana,,,,,,\n2,,,x,,,,\n", dry_run=True)

    assert (counts(report), report.dry_run) == ((1, 0, 0, 1), True)
    assert (Person.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_columns_are_guessed_from_many_names(tmp_path):
    report = imported(
        tmp_path, "Patient ID,First name,Surname,Date of birth,Gender,Mobile\n1,Ana,Torres,1980/5/7,Female,+999 1\n"
    )

    assert report.mapping == {
        "Patient ID": "number",
        "First name": "given_name",
        "Surname": "family_name",
        "Date of birth": "birth_date",
        "Gender": "sex",
        "Mobile": "phone",
    } or counts(report) == (0, 0, 0, 1)
    assert report.mapping["Date of birth"] == "birth_date"


def test_columns_may_be_mapped_by_hand(tmp_path):
    report = imported(tmp_path, "Vorname;Nr\nAna;7\n", mapping={"Vorname": "given_name", "Nr": "number"})

    assert (counts(report), found("7")["given_name"]) == ((1, 0, 0, 0), "Ana")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "big5", "utf-16"])
def test_a_table_in_another_encoding_is_read(tmp_path, encoding):
    rows = "".join(f"{n},小明,王,{1930 + n}-{n % 12 + 1:02}-{n % 28 + 1:02},女,09120000{n:02},,\n" for n in range(50))

    report = imported(tmp_path, (HEADER + rows).encode(encoding))

    assert counts(report) == (50, 0, 0, 0)
    assert len(queries.search("王小明", by="registrar", at=AT)) == 50


def test_a_table_in_latin_1_is_read(tmp_path):
    rows = "".join(f"{n},José,Núñez,1980,F,,,\n" for n in range(50))

    report = imported(tmp_path, (HEADER + rows).encode("latin-1"))

    assert counts(report) == (50, 0, 0, 0)
    assert len(queries.search("José Núñez", by="registrar", at=AT)) == 50


def test_a_workbook_is_read_with_its_dates(tmp_path):
    from datetime import date

    book = Workbook()
    book.active.append(["number", "given_name", "birth_date"])
    book.active.append([7, "Ana", date(1980, 5, 17)])
    book.active.append([8, "Eva", 1980])
    book.save(tmp_path / "people.xlsx")

    report = services.import_people(tmp_path / "people.xlsx", ImportOptions(by="registrar", at=AT, source="office"))

    assert counts(report) == (2, 0, 0, 0)
    assert (found("7")["born"], found("8")["born"]) == ("1980-05-17", "1980")


def test_a_home_is_found_by_name_or_by_point_and_a_wrong_point_only_warns(tmp_path):
    city.load(tmp_path / "city")
    header = "number,neighbourhood,district,lon,lat\n"
    rows = ["1,N1,,,", "2,Docks,Hill,,", "3,,,-19.94,30.01", "4,,,999,30.01", "5,,,,", "6,Docks,,,", "7,,,0,0"]

    report = imported(tmp_path, header + "\n".join(rows) + "\n")

    homes = {number: found(number)["neighbourhood"] for number in "123457"}
    assert homes == {"1": "Docks", "2": "Docks", "3": "Market", "4": "", "5": "", "7": ""}
    assert [(one.row, one.field) for one in report.problems] == [(5, "lon"), (7, "neighbourhood")]


@pytest.mark.parametrize("content", [HEADER, HEADER + ",,,,,,,\n\n"])
def test_a_table_without_rows_changes_nothing(tmp_path, content):
    assert counts(imported(tmp_path, content)) == (0, 0, 0, 0)


@pytest.mark.parametrize("content", [b"", b"colour,shape\nred,round\n"])
def test_a_file_that_holds_no_people_is_refused(tmp_path, content):
    with pytest.raises(ValueError, match=r"people\.csv: "):
        imported(tmp_path, content)


def test_a_line_of_ten_million_characters_breaks_nothing(tmp_path):
    content = HEADER + "1,Ana,,,,,,\n2," + "x" * 10_000_000 + ",,,,,,\n3,Eva,,,,,,\n"

    report = imported(tmp_path, content)

    assert (report.created, report.rejected >= 1) == (2, True)
    assert {one.row for one in report.problems}.isdisjoint({2})


def test_a_row_with_too_many_cells_is_refused_and_one_with_too_few_is_taken(tmp_path):
    report = imported(tmp_path, HEADER + "1,Ana\n2,Eva,,,,,,,Street\n")

    assert (counts(report), report.warnings) == ((1, 0, 0, 1), 1)
    assert [(one.row, one.rule) for one in report.problems] == [(2, "fewer cells than columns"), (3, "more cells than columns")]


def test_an_import_is_written_down_once_with_its_counts(tmp_path):
    imported(tmp_path, HEADER + "1,Ana,,,,,,\n2,,,x,,,,\n")

    entry = AuditEntry.objects.get(action="people.import")
    assert (entry.subject, entry.detail) == ("office", {"created": 1, "changed": 0, "rejected": 1})


def test_simulated_people_say_so(tmp_path):
    imported(tmp_path, HEADER + "1,Ana,,,,,,\n", simulated=True)

    assert Person.objects.get().simulated is True


def test_an_import_links_creates_and_asks_without_a_stop_and_says_so(tmp_path):
    imported(tmp_path, HEADER + "1,Ana,Torres,1980-05-17,F,+999 12345,,\n", source="registry")
    rows = HEADER + "7,Anna,Torres,1980-05-17,F,+999 12345,,\n8,Hanna,Tores,1980-05-17,F,,,\n9,Li,Wu,1990-01-02,M,,,\n"

    report = imported(tmp_path, rows, source="lab")

    assert (counts(report), report.linked, report.asked) == ((2, 1, 0, 0), 1, 1)
    assert AuditEntry.objects.filter(action="people.import").latest("id").detail["linked"] == 1
    again = imported(tmp_path, rows, source="lab")
    assert (counts(again), again.linked, again.asked) == ((0, 0, 3, 0), 0, 0)
    assert (MatchQuestion.objects.count(), Merge.objects.count(), Person.objects.count()) == (1, 1, 4)


def test_an_import_by_numbers_alone_links_nobody(tmp_path):
    imported(tmp_path, HEADER + "1,Ana,Torres,1980-05-17,F,+999 12345,,\n", source="registry")

    report = imported(tmp_path, HEADER + "7,Anna,Torres,1980-05-17,F,+999 12345,,\n", source="lab", match=False)

    assert (counts(report), report.linked, report.asked, Merge.objects.count()) == ((1, 0, 0, 0), 0, 0, 0)


def test_a_dry_run_with_matching_says_what_would_be_and_stores_nothing(tmp_path):
    imported(tmp_path, HEADER + "1,Ana,Torres,1980-05-17,F,+999 12345,,\n", source="registry")

    report = imported(tmp_path, HEADER + "7,Anna,Torres,1980-05-17,F,+999 12345,,\n", source="lab", dry_run=True)

    assert (report.linked, Merge.objects.count(), Person.objects.count()) == (1, 0, 1)
