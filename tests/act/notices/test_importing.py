"""Tables of how people want to be told: nobody made up, nobody overruled, every doubt named with its row."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from epipolis.act.notices import queries, services
from epipolis.act.notices.models import Preference
from epipolis.core import exports, uploads
from epipolis.core.imports import ImportOptions
from epipolis.core.models import AuditEntry
from epipolis.core.modules import modules
from epipolis.sense.people.models import Person
from epipolis.sense.people.services import erase_person, find_or_make_person
from epipolis.sense.people.services.merging import merge_people

from .factories import NOW, person
from .test_pages import as_role  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db
HEAD = "number,channels,language,stopped"


@pytest.fixture
def take(tmp_path):
    def run(*lines, head=HEAD, name="clinic.csv", **options):
        path = tmp_path / name
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return services.import_preferences(path, ImportOptions(by="test", at=NOW + timedelta(hours=1), **options))

    return run


def known(number, kind="clinic"):
    return find_or_make_person([(kind, number)], given_name="Ana", by="test", at=NOW)[0].id


def held(who):
    one = Preference.objects.get(person=who)
    return one.channels, one.language, one.stopped


def problems(report):
    return [(one.row, one.field, one.rule) for one in report.problems]


def test_preferences_are_taken_and_the_same_file_again_changes_nothing(take):
    ana, bo = known("1"), known("2")
    lines = ["1,e-mail > SMS,es,", "2,,zh_TW,sms; whatsapp"]
    first = take(*lines)
    audited = AuditEntry.objects.filter(action="notices.prefer").count()
    again = take(*lines)

    assert (first.accepted, first.created, first.rejected) == (2, 2, 0)
    assert (again.accepted, again.created, again.changed, again.unchanged) == (2, 0, 0, 2)
    assert held(ana) == (["email", "sms"], "es", [])
    assert held(bo) == ([], "zh-hant", ["sms", "whatsapp"])
    assert AuditEntry.objects.filter(action="notices.prefer").count() == audited == 2
    assert Preference.objects.get(person=ana).changed_by == "test"


def test_an_empty_cell_changes_nothing_and_a_dash_takes_it_back(take):
    ana = known("1")
    take("1,sms,es,email")
    take("1,,en,")
    assert held(ana) == (["sms"], "en", ["email"])

    report = take("1,-,-,-")

    assert (report.changed, held(ana)) == (1, ([], "", []))


def test_what_people_said_themselves_stays(take):
    ana = known("1")
    services.prefer(ana, channels=["letter"], stopped=["sms"], by=services.THE_PERSON, at=NOW)

    report, same = take("1,sms,,-"), take("1,letter,,sms")

    assert problems(report) == [(2, "number", "this person has said it themselves, and what they said stays")]
    assert (held(ana), same.unchanged) == ((["letter"], "", ["sms"]), 1)


@pytest.mark.parametrize(
    ("line", "field", "rule"),
    [
        ("9,sms,,", "number", "nobody here has this number"),
        (",sms,,", "number", "nothing says whom this row is about"),
        ("1,,,", "channels", "nothing says how this person wants to be told"),
        ("1,pigeon,,", "channels", "must name channels: sms, email, whatsapp, voice, push, letter, in_app"),
        ("1,,klingon,", "language", "must be a language of this platform"),
        ("1,,,own page", "stopped", "the own page shows every message and cannot be stopped"),
        ("1,sms,,sms", "stopped", "stands among the channels that are wanted as well"),
        ("1,sms,,,more", "", "more cells than columns"),
    ],
)
def test_a_bad_row_is_named_and_the_good_ones_are_kept(take, line, field, rule):
    known("1")
    good = known("2")
    report = take(line, "2,sms,en,")

    assert problems(report) == [(2, field, rule)]
    assert (report.accepted, report.rejected) == (1, 1)
    assert Preference.objects.get().person_id == good
    assert Person.objects.count() == 2


def test_problems_stand_in_the_order_of_the_file(take):
    report = take("9,sms,,", ",sms,,", "8,sms,,", "1,pigeon,,")

    assert [row for row, _, _ in problems(report)] == [2, 3, 4, 5]
    assert report.rejected == 4


def test_somebody_twice_in_a_file_is_taken_once(take):
    ana = known("1")
    report = take("1,sms,,", "1,email,,")

    assert problems(report) == [(3, "number", "this person stands already in row 2")]
    assert held(ana)[0] == ["sms"]


def test_people_are_found_by_their_card_by_another_source_and_by_their_number_here(take):
    card, other, own = known("A123", "national_id"), known("77", "hospital"), person()
    head = "person,national_id,number,source,channels"
    report = take(f"{own},,,,sms", ",a123,,,sms", ",,77,hospital,sms", ",,77,,sms", "x,,,,sms", f"{uuid4()},,,,sms", head=head)

    assert {one.person_id for one in Preference.objects.all()} == {card, other, own}
    assert [(row, field) for row, field, _ in problems(report)] == [(5, "number"), (6, "person"), (7, "person")]


def test_somebody_who_was_erased_is_nobody(take):
    ana = known("1")
    erase_person(ana, by="test", at=NOW, reason="asked for it")

    report = take(f"{ana},sms", head="person,channels")

    assert problems(report) == [(2, "person", "nobody here has this number")]
    assert not Preference.objects.exists()


def test_somebody_who_was_merged_is_one_and_what_they_stopped_stays_stopped(take, staff):
    kept, merged = known("1"), known("2")
    services.prefer(merged, stopped=["sms"], by=services.THE_PERSON, at=NOW)
    merge_people(merged, kept, by=staff("registrar"), at=NOW, reason="the same card")

    assert queries.preference(kept).stopped == ["sms"]
    assert problems(take("1,sms,,")) == [(2, "channels", "this person does not want to be told by this channel")]
    assert problems(take("1,email,,")) == [(2, "number", "this person has said it themselves, and what they said stays")]


def test_a_dry_run_says_what_would_happen_and_stores_nothing(take):
    known("1")
    report = take("1,sms,,", "9,sms,,", dry_run=True)

    assert (report.created, report.rejected) == (1, 1)
    assert not Preference.objects.exists()
    assert not AuditEntry.objects.filter(action__in=("notices.prefer", "notices.import")).exists()


@pytest.mark.parametrize(
    ("head", "rule"),
    [
        ("name,channels", "no column says whom a row is about"),
        ("number,colour", "no column says how people want to be told"),
    ],
)
def test_a_table_of_something_else_is_refused(take, head, rule):
    with pytest.raises(ValueError, match=rule):
        take("1,2", head=head)
    with pytest.raises(ValueError, match="no such field"):
        take("1,2", head=head, mapping={"name": "colour"})


def test_what_is_downloaded_is_taken_again_and_changes_nothing(take, tmp_path):
    services.prefer(person(), channels=["email", "sms"], language="es", by="test", at=NOW)
    services.prefer(person(), stopped=["voice"], by=services.THE_PERSON, at=NOW)
    [exporter] = [one for one in modules()["notices"].exporters if one.name == "preferences"]
    path = tmp_path / "preferences.csv"
    assert exports.write_file(exporter, path, at=NOW) == 2

    report = services.import_preferences(path, ImportOptions(by="test", at=NOW))

    assert (report.accepted, report.unchanged, report.problems) == (2, 2, [])


def test_who_may_not_neither_uploads_nor_downloads(as_role, take):  # noqa: F811 -- the fixture
    ana = known("1")
    assert uploads.importer_named("preferences").needs == "notices.import"
    for role in ("epidemiologist", "commander", "auditor", "operator", "kiosk", "partner"):
        client = as_role(role)
        file = SimpleUploadedFile("clinic.csv", b"number,stopped\n1,sms\n")
        assert client.post("/import/preferences/", {"file": file, "source": "clinic"}).status_code == 403
        assert client.get("/import/preferences/").status_code == 403
        assert client.get("/export/preferences/").status_code == 403
        assert client.get("/export/preferences.csv").status_code == 403
        assert "Import preferences" not in client.get("/notices/").content.decode()
    assert not Preference.objects.filter(person=ana).exists()

    client = as_role("tracer")
    assert client.get("/import/preferences/").status_code == 200
    assert "Import preferences" in client.get("/notices/").content.decode()
