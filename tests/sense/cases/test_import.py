import csv
from datetime import UTC, date, datetime, timedelta

import pytest

from epipolis.core import events
from epipolis.core.exports import write_file
from epipolis.core.imports import ImportOptions
from epipolis.core.models import AuditEntry
from epipolis.core.modules import modules
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.events import CaseConfirmed, CaseRevised
from epipolis.sense.cases.models import Case, CaseRevision
from epipolis.sense.cases.services import imports
from epipolis.sense.people.models import Identifier, Person
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


@pytest.fixture
def heard():
    """Every event of cases, as one listener hears it, for one test only."""
    found = []
    before = {kind: list(those) for kind, those in events._listeners.items()}
    events._listeners.clear()

    def hear(event):
        found.append(event)

    events.subscribe(CaseConfirmed, hear)
    events.subscribe(CaseRevised, hear)
    yield found
    events._listeners.clear()
    events._listeners.update(before)


def counts(report):
    return (report.created, report.changed, report.unchanged, report.rejected)


def problems(report):
    return [(one.row, one.field, one.rule) for one in report.problems]


def numbered(key, source="list"):
    return queries.case_numbered(source, key)


def test_a_line_list_becomes_cases_with_people_and_first_revisions(take):
    report = take(
        "case id,sex,age,onset,confirmed date,outcome\nA1,female,50s,2026-03-01,2026-03-04,recuperado\nB2,M,3 months,,,\n"
    )

    one, two = numbered("A1"), numbered("B2")
    assert (counts(report), report.accepted, report.warnings) == ((2, 0, 0, 0), 2, 0)
    assert (one.classification, one.sex, one.age_from, one.age_to, one.onset) == ("confirmed", "F", 50, 59, date(2026, 3, 1))
    assert (two.classification, two.age_from, two.age_to, two.outcome, one.outcome) == ("suspected", 0, 0, "", "recovered")
    assert set(Identifier.objects.values_list("kind", flat=True)) == {"list"}
    first = CaseRevision.objects.get(case=one)
    assert (first.revision, first.known_at, first.by, first.origin, first.age_from) == (1, AT, "importer", "list", 50)
    assert first.changed == sorted(["age_from", "age_to", "classification", "confirmed", "onset", "outcome", "sex"])


def test_the_same_file_twice_changes_nothing(take, heard, deliver_events):
    text = "id,sex,classification,district,note\n1,F,confirmed,Nowhere,x\n2,M,suspected,,\n"
    take(text)
    deliver_events()
    before = (list(CaseRevision.objects.values()), Person.objects.count(), AuditEntry.objects.count())

    report = take(text, at=LATER)

    assert (counts(report), deliver_events(), len(heard)) == ((0, 0, 2, 0), 0, 1)
    assert (list(CaseRevision.objects.values()), Person.objects.count(), AuditEntry.objects.count()) == before


def test_a_changed_cell_changes_exactly_that_case(take, heard, deliver_events):
    take("id,classification,note\n1,suspected,a\n2,suspected,b\n3,suspected,c\n")

    report = take("id,classification,note\n1,suspected,a\n2,confirmed,b\n3,suspected,c\n", at=LATER)
    deliver_events()

    two = numbered("2")
    assert (counts(report), [numbered(key).revision for key in "123"]) == ((0, 1, 2, 0), [1, 2, 1])
    assert heard == [CaseRevised(two.id, two.person_id, ("classification",)), CaseConfirmed(two.id, two.person_id)]
    old, new = CaseRevision.objects.filter(case=two).order_by("revision")
    assert (old.superseded_at, new.known_at, new.changed, new.origin) == (LATER, LATER, ["classification"], "list")


def test_an_emptied_cell_takes_the_fact_back_and_a_missing_column_leaves_it(take):
    take("id,onset,note\n1,2026-03-01,a\n2,2026-03-02,b\n")

    take("id,onset\n1,\n2,2026-03-02\n", at=LATER)

    assert [(numbered(key).onset, numbered(key).note) for key in "12"] == [(None, "a"), (date(2026, 3, 2), "b")]


def test_what_was_changed_by_hand_survives_the_same_file_and_wins_over_news_with_a_warning(take):
    text = "id,classification,onset,note\n1,suspected,2026-03-01,a\n"
    take(text)
    services.revise_case(numbered("1").id, {"classification": "not_a_case"}, by="officer", at=LATER)

    same = take(text, at=LATER)
    news = take("id,classification,onset,note\n1,confirmed,2026-03-02,a\n", at=LATER)

    assert (counts(same), problems(same)) == ((0, 0, 1, 0), [])
    assert counts(news) == (0, 1, 0, 0)
    assert [(row, field) for row, field, _ in problems(news)] == [(2, "classification")]
    assert (numbered("1").classification, numbered("1").onset) == ("not_a_case", date(2026, 3, 2))


def test_a_dry_run_tells_the_same_and_stores_nothing(take, heard, deliver_events):
    take("id,note\n1,a\n2,b\n")
    before = list(CaseRevision.objects.values())
    text = "id,note,classification,onset\n1,a2,,\n2,b,,2027-01-01\n3,c,confirmed,\n3,d,confirmed,\n"

    tried = take(text, at=LATER, dry_run=True)
    assert (list(CaseRevision.objects.values()), deliver_events(), heard) == (before, 0, [])
    done = take(text, at=LATER)

    assert counts(tried) == counts(done) == (1, 1, 0, 2)
    assert (problems(tried), tried.dry_run, done.dry_run) == (problems(done), True, False)


@pytest.mark.parametrize(
    ("cells", "field", "rule"),
    [
        (",2026-03-01,,,", "source_key", "the case has no number"),
        (f"{'x' * 101},2026-03-01,,,", "source_key", "is too long for a number"),
        ("1,2026-03-12,,,", "onset", "lies in the future"),
        ("1,9999-12-31,,,", "onset", "lies outside 1850 to 2200"),
        ("1,2026-03-05,2026-03-04,died,", "onset", "the onset lies after the death"),
        ("1,2026-02-30,,,", "onset", "is no day that exists"),
        ("1,2026-03-05,2026-03-04,recovered,", "onset", "the onset lies after the recovery"),
        ("1,2026-03-05,,,2026-02-01", "reported", "reported long before the onset"),
        ("1,,,gone,", "outcome", "is no word that is known for this field"),
        ("1,,,,31/12/25", "reported", "the year needs four digits"),
    ],
)
def test_each_bad_cell_is_named_with_its_row_field_and_rule(take, cells, field, rule):
    report = take(f"id,onset,ended,outcome,reported\n0,2026-03-01,,,\n{cells}\n")

    assert problems(report) == [(3, field, rule)]
    impossible = rule in (
        "the case has no number",
        "is too long for a number",
        "lies in the future",
        "the onset lies after the death",
    )
    assert counts(report) == ((1, 0, 0, 1) if impossible else (2, 0, 0, 0))


def test_a_number_that_stands_twice_is_taken_once_also_far_apart(take, monkeypatch):
    monkeypatch.setattr(imports, "settings", type(imports.settings)(import_rows=2))
    text = "id,note\n1,first\n1,near\n2,x\n3,x\n1,far\n"

    report = take(text)
    again = take(text)

    rule = "this number stands in an earlier row"
    assert problems(report) == problems(again) == [(3, "source_key", rule), (6, "source_key", rule)]
    assert (counts(report), counts(again), numbered("1").note) == ((3, 0, 0, 2), (0, 0, 3, 2), "first")


def test_an_unknown_district_is_kept_as_the_region_and_a_known_one_is_found_by_name_or_code(take):
    north = district("D9", "North Bank")
    docks = neighbourhood("N7", "Docks", within=north)

    report = take("id,district,neighbourhood,region\n1,north bank,Docks,\n2,D9,,\n3,Atlantis,,Far\n4,,Docks,\n")

    assert [numbered(key).district_id for key in "1234"] == [north.id, north.id, None, north.id]
    assert [numbered(key).neighbourhood_id for key in "1234"] == [docks.id, None, None, docks.id]
    assert sorted(numbered("3").region.split(", ")) == ["Atlantis", "Far"]
    assert problems(report) == [(4, "district", "is no district of this city; kept as the region")]


def test_days_that_read_two_ways_are_reported_once_for_their_column(take):
    report = take("id,onset\n1,01/02/2026\n2,02/03/2026\n")

    assert [numbered(key).onset for key in "12"] == [date(2026, 2, 1), date(2026, 3, 2)]
    assert problems(report) == [(1, "onset", "day and month cannot be told apart in this column; the day is read first")]


def test_the_order_of_days_is_found_in_the_column_or_declared(take):
    assert take("id,onset\n1,01/31/2026\n2,02/03/2026\n").warnings == 0
    assert numbered("2").onset == date(2026, 2, 3)
    mapping = {"columns": {"id": "source_key", "onset": "onset"}, "days": "month_first"}
    assert take("id,onset\n3,02/03/2026\n", mapping=mapping).warnings == 0
    assert numbered("3").onset == date(2026, 2, 3)


def test_who_infected_whom_is_found_in_any_order_and_in_later_files(take):
    report = take("id,infected_by\n1,3\n2,99\n3,\n4,4\n5,1 and 2\n6,1;2\n")

    assert (numbered("1").infected_by, numbered("3").infected_by) == (numbered("3").id, None)
    assert [(row, value) for row, _, value in [(p.row, p.field, p.value) for p in report.problems]] == [
        (3, "99"),
        (5, "4"),
        (6, "1, and, 2"),
        (7, "1, 2"),
    ]
    assert numbered("6").note == "infected by: 1, 2"
    late = take("id\n99\n")
    assert (late.warnings, numbered("2").infected_by) == (0, numbered("99").id)
    assert take("id,infected_by\n1,3\n2,99\n3,\n").warnings == 0


def test_an_unknown_infector_is_told_in_a_dry_run_too_and_not_for_rows_of_the_file(take):
    report = take("id,infected_by\n1,3\n2,99\n3,\n", dry_run=True)

    assert [(p.row, p.value) for p in report.problems] == [(3, "99")]


def test_formulas_are_kept_as_text_and_made_safe_on_the_way_out(take, tmp_path):
    take('id,note,region\n1,"=HYPERLINK(""http://x"")",@SUM(A1)\n')
    assert (numbered("1").note, numbered("1").region) == ('=HYPERLINK("http://x")', "@SUM(A1)")
    exporter = next(e for e in modules()["cases"].exporters if e.name == "cases")

    write_file(exporter, tmp_path / "out.csv", at=AT)

    with (tmp_path / "out.csv").open(newline="") as lines:
        row = next(csv.DictReader(lines))
    assert (row["note"], row["region"]) == ('\'=HYPERLINK("http://x")', "'@SUM(A1)")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "big5", "gb18030"])
def test_words_are_understood_in_any_encoding(take, encoding):
    take("編號,性別,年齡,發病日,個案分類,狀態,備註\n甲一,女,３４,115/03/01,確診,康復,獨居老人\n".encode(encoding))

    one = numbered("甲一")
    assert (one.sex, one.age_from, one.onset, one.classification) == ("F", 34, date(2026, 3, 1), "confirmed")
    assert (one.outcome, one.note) == ("recovered", "獨居老人")


def test_korean_and_latin_files_are_read(take):
    take("id,region\n1,서울특별시 강서구\n2,부산광역시\n".encode("euc_kr"), source="k")
    take("id,region\n1,Córdoba\n2,Ávila\n".encode("latin-1"), source="s")

    assert [numbered("1", "k").region, numbered("2", "s").region] == ["서울특별시 강서구", "Ávila"]


@pytest.mark.parametrize("text", ["id,sex\n", "id,sex\r\n\r\n\r\n"])
def test_a_file_without_rows_is_no_error(take, text):
    report = take(text)

    assert (counts(report), report.mapping) == ((0, 0, 0, 0), {"id": "source_key", "sex": "sex"})


@pytest.mark.parametrize("text", ["", "\n", "colour,size\nred,big\nred,big\n"])
def test_a_file_that_is_no_line_list_says_why(take, text):
    with pytest.raises(ValueError, match=r"list\.csv|number of the case"):
        take(text)


def test_ragged_rows_nul_and_unreadable_characters_are_named(take):
    report = take(b"id,sex,note\n1,F\n2,F,a,b,c\n3,F,n\0ul\n" + b"4,F,\xff\xfe\n" + "5,F,é\n".encode())

    assert (counts(report), numbered("3").note) == ((5, 0, 0, 0), "nul")
    assert [(row, rule) for row, _, rule in problems(report)][:2] == [
        (2, "fewer cells than columns"),
        (3, "more cells than columns"),
    ]


def test_a_person_with_a_national_number_is_one_person_and_names_go_to_people_only(take):
    take("id,dni,nombre,apellido,telefono\n1,X1,Ana,Torres,+34 600 000 000\n2,X1,Ana,Torres,\n3,,,,12\n")

    assert numbered("1").person_id == numbered("2").person_id != numbered("3").person_id
    assert Person.objects.count() == 2
    assert "Torres" not in str(list(Case.objects.values())) + str(list(CaseRevision.objects.values()))


def test_a_detail_of_a_person_that_cannot_be_true_costs_the_detail_only(take):
    report = take("id,phone,birth_year\n1,12,1980\n2,555 1234,1700\n")

    assert counts(report) == (2, 0, 0, 0)
    assert [(row, field) for row, field, _ in problems(report)] == [(2, "phone"), (3, "birth_year")]


def test_an_age_follows_from_the_birth_where_none_is_given(take):
    take("id,birth date,onset\n1,1980-03-05,2026-03-04\n2,1980-03-05,2026-03-06\n")
    take("id,birth year,onset\n3,1980,2026-03-04\n")

    assert [(numbered(key).age_from, numbered(key).age_to) for key in "123"] == [(45, 45), (46, 46), (45, 46)]


def test_equal_numbers_of_two_sources_are_two_cases(take):
    take("id\n1\n", source="north")
    take("id\n1\n", source="south")

    assert numbered("1", "north").id != numbered("1", "south").id
