import contextlib
import json
from datetime import date

import pytest

from epipolis.act.transfers import queries, services
from epipolis.core.models import AuditEntry
from epipolis.sense.cases import queries as case_queries
from epipolis.sense.cases import services as cases
from epipolis.sense.cases.models import Case
from epipolis.sense.people.models import Person
from tests.act.followup.factories import exposed
from tests.sense.cases.factories import LATER, somebody

from .test_sending import named_case

pytestmark = pytest.mark.django_db
BOTH = ("registrar", "epidemiologist")


def full_case(number="N1", national="A1234567"):
    made = named_case(number, national, onset=date(2026, 3, 2), symptoms={"cough": "yes", "fever": "no"}, setting="household")
    cases.note_test(made.id, source="lab", source_ref=f"L{number}", kind="pcr", result="positive", by="test", at=LATER)
    return case_queries.case(made.id)


@pytest.mark.parametrize("kind", ["fhir", "hl7", "csv"])
def test_a_case_goes_out_and_comes_back_to_an_empty_city_as_it_was(kind):
    made = full_case()
    before = queries.unread_document_of(made)
    raw = services.write_cases([made], kind, by="test", at=LATER)
    Case.objects.all().delete()
    Person.objects.all().delete()

    lines = services.import_documents(raw, by="test", at=LATER)

    assert [(one.number, one.filed.outcome) for one in lines] == [("N1", "new")]
    assert queries.changes_between(before, queries.unread_document_of(lines[0].filed.case)) == []


@pytest.mark.parametrize("kind", ["fhir", "hl7", "csv"])
def test_the_same_file_twice_changes_nothing(kind):
    found = [full_case(), full_case("N2", "B1234567")]
    raw = services.write_cases(found, kind, by="test", at=LATER)
    revisions = [one.revision for one in found]

    for _ in range(2):
        assert [one.filed.outcome for one in services.import_documents(raw, by="test", at=LATER)] == ["same", "same"]

    assert [case_queries.case(one.id).revision for one in found] == revisions
    assert Person.objects.count() == 2


def test_contacts_go_out_with_the_case_and_come_back_under_follow_up():
    made = full_case()
    met = exposed(somebody(), made, last_contact=date(2026, 3, 1), relation="neighbour", at=LATER)
    people = queries.unread_document_of(made).contacts

    assert [(one.ref, one.relation) for one in people] == [(str(met.person_id), "neighbour")]
    assert "neighbour" in services.write_cases([made], "fhir", by="test", at=LATER).decode()


def test_every_export_is_written_down_for_the_person():
    made = full_case()

    services.write_cases([made], "hl7", by="mia", at=LATER)

    assert AuditEntry.objects.filter(action="people.read", person=made.person_id, detail__why="transfer").count() == 1
    assert AuditEntry.objects.get(action="transfers.export").detail["kind"] == "hl7"


def test_what_a_format_loses_is_told_before_and_nobody_is_said_to_have_looked():
    made = full_case()

    told = dict(queries.losses_by_format([queries.unread_document_of(made)]))

    assert set(told) == {"FHIR", "HL7", "CSV"}
    assert told["CSV"] == []
    assert not AuditEntry.objects.filter(action="people.read").exists()
    exposed(somebody(), made, last_contact=date(2026, 3, 1), at=LATER)
    assert dict(queries.losses_by_format([queries.unread_document_of(made)]))["CSV"] == ["contacts"]


def test_a_spreadsheet_runs_nothing_and_the_text_comes_back():
    made = full_case()
    cases.revise_case(made.id, {"note": "=1+1", "region": "+cmd|' /C calc'!A0"}, by="test", at=LATER)
    raw = services.write_cases([case_queries.case(made.id)], "csv", by="test", at=LATER)

    assert b"'=1+1" in raw
    [document] = services.read_documents(raw, LATER.tzinfo)
    assert (document.note, document.region) == ("=1+1", "+cmd|' /C calc'!A0")


def test_a_file_keeps_what_is_known_here_and_adds_what_is_not():
    made = full_case()
    bundle = json.loads(services.write_cases([made], "fhir", by="test", at=LATER))
    text = json.dumps(bundle).replace("2026-03-02", "2026-02-20")
    cases.revise_case(made.id, {"setting": ""}, by="test", at=LATER)

    [line] = services.import_documents(text.encode(), by="test", at=LATER)

    found = case_queries.case(made.id)
    assert (line.filed.outcome, found.onset, found.setting) == ("existing", date(2026, 3, 2), "household")
    assert [one.field for one in line.filed.losses] == ["onset"]


def test_one_broken_case_of_a_file_does_not_keep_the_others_back():
    found = [full_case(), full_case("N2", "B1234567")]
    raw = services.write_cases(found, "fhir", by="test", at=LATER)
    Case.objects.all().delete()
    first, second = raw.splitlines()

    broken = b"\n".join([first.replace(b"Condition", b"Nothing"), second, b"{", first.replace(b"2026-03-02", b"2031-03-02")])
    lines = services.import_documents(broken, by="test", at=LATER)

    assert [one.problem is None for one in lines] == [False, True, False, False]
    assert "future" in str(lines[3].problem)
    assert Case.objects.count() == 1


def test_the_file_of_a_number_that_is_somebody_elses_is_refused():
    made = full_case()
    raw = services.write_cases([made], "csv", by="test", at=LATER).decode()

    [line] = services.import_documents(
        raw.replace("Mina", "Olga").replace("Weber", "Petrova").replace("1975-05-06", "1931-12-24").encode(), by="t", at=LATER
    )

    assert "somebody else" in line.problem[0]


@pytest.mark.parametrize(
    "raw", [b"", b"\0", b"{", b"MSH|", b"a,b\n1,2", b"\xff\xfe", b'{"resourceType":"Patient"}', b"case_id,disease\n,"]
)
def test_a_file_that_is_none_changes_nothing(raw):
    with contextlib.suppress(services.TransferError):
        lines = services.import_documents(raw, by="test", at=LATER)
        assert all(one.problem for one in lines)

    assert Case.objects.count() == 0
