from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.sense.cases import queries, services
from epipolis.sense.cases.models import Case
from epipolis.sense.people import services as people
from tests.sense.city.factories import district

from .factories import AT, LATER, case

pytestmark = pytest.mark.django_db
LIST = "/cases/"
JUNK = ["\0", "2147483648", "9223372036854775808", "-1", "9999-12-31", "x" * 5_000, "<script>alert(1)</script>", "' OR 1=1"]


@pytest.fixture(autouse=True)
def at_noon():
    with clock.fixed(LATER):
        yield


@pytest.fixture
def tracer(client, staff):
    client.force_login(staff("tracer"))
    return client


def text(response):
    return response.content.decode()


def facts_of(made, **changes):
    """What the edit form sends for a case."""
    sent = {"classification": made.classification, "revision": made.revision, "note": made.note}
    sent["reported"] = made.reported.isoformat() if made.reported else ""
    return sent | changes


def test_an_empty_line_list_says_what_to_do(tracer, client, staff):
    assert "No cases yet" in text(tracer.get(LIST))
    client.force_login(staff("commander"))
    assert "They appear here by themselves" in text(client.get(LIST))
    client.force_login(staff("registrar"))
    assert reverse("import", kwargs={"name": "cases"}) in text(client.get(LIST))


@pytest.mark.parametrize("page", [LIST, "/cases/report/", "/cases/download.csv"])
def test_pages_are_for_people_with_the_permission(client, staff, page):
    assert client.get(page).status_code == 302
    client.force_login(staff("kiosk"))
    assert client.get(page).status_code == 403


def test_one_case_and_its_changes_are_for_people_with_the_permission(client, staff):
    made = case()
    client.force_login(staff("commander"))

    assert client.get(f"/cases/{made.id}/").status_code == 200
    assert client.get(f"/cases/{made.id}/edit/").status_code == 403
    assert client.post(f"/cases/{made.id}/confirm/").status_code == 403
    assert client.post(f"/cases/{made.id}/undo/").status_code == 403
    assert client.get("/cases/report/").status_code == 403
    assert client.get("/cases/download.csv").status_code == 403


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("", ["A1", "B2", "C3"]),
        ("q=b2", ["B2"]),
        ("q=market", ["C3"]),
        ("classification=confirmed", ["B2"]),
        ("outcome=recovered", ["C3"]),
        ("since=2026-03-05&until=2026-03-09", ["A1", "B2"]),
        ("until=2026-03-04", ["C3"]),
        ("q=nobody", []),
    ],
)
def test_the_list_is_filtered(tracer, question, found):
    case(source_key="A1")
    case(source_key="B2", classification="confirmed")
    case(source_key="C3", reported=date(2026, 3, 4), setting="market", outcome="recovered", ended=date(2026, 3, 6))

    page = text(tracer.get(f"{LIST}?{question}"))

    assert [key for key in ("A1", "B2", "C3") if f">{key}</a>" in page] == found


def test_the_list_is_filtered_by_district(tracer):
    north, south = district("N", "North"), district("S", "South")
    case(source_key="A1", district=north)
    case(source_key="B2", district=south)

    page = text(tracer.get(f"{LIST}?district={south.id}"))

    assert (">A1</a>" in page, ">B2</a>" in page) == (False, True)


def test_the_list_comes_in_pages_of_fifty_in_every_order(tracer):
    for number in range(60):
        case(source_key=f"K{number:03}", at=AT + timedelta(seconds=number), reported=date(2026, 3, 1 + number % 9))
    for order in ("-known_at", "known_at", "-revised_at", "-day", "day", "source_key"):
        first = tracer.get(f"{LIST}?order={order}")
        second = tracer.get(LIST, {"order": order, "cursor": first.context["next"]})
        keys = [row.source_key for page in (first, second) for _, row in page.context["rows"]]

        assert (len(keys), len(set(keys)), second.context["next"]) == (60, 60, None), order
    assert keys == sorted(keys)


def test_the_list_shows_what_was_known_at_a_moment(tracer):
    made = case(source_key="A1")
    with clock.fixed(LATER + timedelta(hours=2)):
        services.confirm_case(made.id, by="x", at=LATER)

        now, then = tracer.get(LIST), tracer.get(f"{LIST}?known=2026-03-10T17:00")
        before = tracer.get(f"{LIST}?known=2026-03-09")

    assert [now.context["rows"][0][1].classification, then.context["rows"][0][1].classification] == ["confirmed", "suspected"]
    assert (before.context["rows"], "No case fits" in text(before)) == ([], True)


@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_filters_is_answered_and_never_breaks(tracer, junk):
    case()
    for name in ("q", "since", "until", "district", "classification", "outcome", "order", "known", "cursor"):
        response = tracer.get(LIST, {name: junk})

        assert response.status_code == 200
        assert "<script>alert(1)</script>" not in text(response)


def queries_of(client, page):
    """How often a page asks the tables of cases, people and areas; the shell's own questions vary with its memory."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(page).status_code == 200
    own = [query["sql"] for query in asked if '"simulated" AS "simulated"' not in query["sql"]]
    return sum(any(f'FROM "{name}_' in sql for name in ("cases", "people", "city")) for sql in own)


def test_the_list_needs_the_same_few_queries_for_any_number_of_rows(tracer):
    case(district=district())
    one = queries_of(tracer, LIST)
    for _ in range(2):
        case(district=district())

    assert (queries_of(tracer, LIST), one) == (4, 4)


def test_a_case_needs_the_same_few_queries_for_any_number_of_revisions(tracer):
    made = case(district=district())
    few = queries_of(tracer, f"/cases/{made.id}/")
    for number in range(3):
        services.revise_case(made.id, {"note": f"call {number}"}, by="x", at=LATER)
        case(infected_by=made.id)

    assert (queries_of(tracer, f"/cases/{made.id}/"), few) == (11, 11)


def test_a_case_shows_the_age_of_each_fact_and_what_was_believed_before(tracer):
    made = case(onset=date(2026, 3, 1), note="walks in")
    services.revise_case(made.id, {"onset": date(2026, 3, 3)}, by="officer", at=LATER)

    page = tracer.get(f"/cases/{made.id}/")

    ages = {fact.name: (fact.value, fact.since, fact.by) for fact in page.context["facts"]}
    assert ages["onset"] == ("2026-03-03", LATER, "officer")
    assert ages["note"] == ("walks in", AT, "test")
    assert page.context["timeline"][0].changes == (("onset of symptoms", "2026-03-01", "2026-03-03"),)


def test_a_name_is_shown_to_tracers_and_the_look_is_written_down(tracer, client, staff):
    person, _ = people.find_or_make_person([("file", "1")], by="x", at=AT, given_name="Ana", family_name="Torres")
    made = services.report_case(person.id, {}, disease="covid", source="clinic", source_key="1", by="x", at=AT)

    assert "Ana Torres" in text(tracer.get(f"/cases/{made.id}/"))
    assert AuditEntry.objects.get(action="people.read", person=person.id).detail == {"why": "case"}
    client.force_login(staff("epidemiologist"))
    assert "Torres" not in text(client.get(f"/cases/{made.id}/"))
    assert "Torres" not in text(client.get(LIST))
    assert AuditEntry.objects.filter(action="people.read").count() == 1


def test_a_script_in_a_note_is_shown_as_text(tracer):
    made = case(note="<script>alert(1)</script>", region="<img src=x onerror=alert(1)>", source_key="<b>1</b>")

    for page in (LIST, f"/cases/{made.id}/", f"/cases/{made.id}/edit/"):
        content = text(tracer.get(page))
        assert "<script>alert(1)" not in content
        assert "<img src=x" not in content
        assert "<b>1</b>" not in content


def test_a_case_is_confirmed_with_one_click(tracer):
    made = case()

    tracer.post(f"/cases/{made.id}/confirm/", {"revision": 1})

    assert (queries.case(made.id).classification, queries.case(made.id).confirmed) == ("confirmed", date(2026, 3, 10))
    assert AuditEntry.objects.get(action="cases.confirm").actor == "tracer"


def test_a_confirmation_of_what_somebody_changed_meanwhile_is_refused(tracer):
    made = case()
    services.revise_case(made.id, {"classification": "not_a_case"}, by="other", at=LATER)

    page = tracer.post(f"/cases/{made.id}/confirm/", {"revision": 1}, follow=True)

    assert "Somebody changed this case" in text(page)
    assert queries.case(made.id).classification == "not_a_case"


def test_the_last_change_is_undone_with_one_click(tracer):
    made = case(note="right")
    services.revise_case(made.id, {"note": "wrong"}, by="other", at=LATER)

    tracer.post(f"/cases/{made.id}/undo/", {"revision": 2})

    assert (queries.case(made.id).note, queries.case(made.id).revision) == ("right", 3)


def test_a_change_on_the_form_is_stored_once(tracer):
    made = case()

    tracer.post(f"/cases/{made.id}/edit/", facts_of(made, onset="2026-03-08", outcome="ill"))

    found = queries.case(made.id)
    assert (found.onset, found.outcome, found.reported, found.revision) == (date(2026, 3, 8), "ill", made.reported, 2)


def test_the_form_shows_what_it_will_send(tracer):
    made = case(onset=date(2026, 3, 5), has_symptoms=True, age_from=30, age_to=39, sex="F", district=district())

    form = tracer.get(f"/cases/{made.id}/edit/").context["form"]
    sent = {field.html_name: field.value() for field in form}
    tracer.post(f"/cases/{made.id}/edit/", {name: "" if value is None else value for name, value in sent.items()})

    assert queries.case(made.id).revision == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"onset": "2026-03-12"}, "lies in the future"),
        ({"onset": "2026-03-08", "outcome": "died", "ended": "2026-03-07"}, "the onset lies after the death"),
        ({"onset": "soon"}, "Enter a valid date"),
        ({"age_from": "121"}, "less than or equal to 120"),
        ({"note": "x" * 4_001}, "at most 4000"),
        ({"note": "a\0b"}, "Null characters"),
    ],
)
def test_a_change_that_cannot_be_true_is_explained_and_not_stored(tracer, changes, message):
    made = case()

    page = tracer.post(f"/cases/{made.id}/edit/", facts_of(made, **changes))

    assert message in text(page)
    assert queries.case(made.id).revision == 1


def test_of_two_editors_the_second_sees_both_versions_and_keeps_the_others_changes(tracer):
    made = case(note="old", region="North")
    services.revise_case(made.id, {"note": "theirs", "region": "South"}, by="other", at=LATER)

    page = tracer.post(f"/cases/{made.id}/edit/", facts_of(made, note="mine", region="North", setting="school"))

    assert queries.case(made.id).revision == 2
    shown = {
        str(row["field"]): (row["before"], row["theirs"], row["mine"], row["is_both"]) for row in page.context["conflicts"]
    }
    assert shown == {"note": ("old", "theirs", "mine", True), "region as reported": ("North", "South", "North", False)}
    form = page.context["form"]
    assert [form[name].value() for name in ("revision", "note", "region", "setting")] == [2, "mine", "South", "school"]


def test_a_case_is_reported_from_a_phone(tracer):
    sent = {"family_name": "Torres", "given_name": "Ana", "age": "34", "sex": "F", "disease": "covid"}
    sent |= {"classification": "suspected", "onset": "2026-03-08", "reported": "2026-03-10", "setting": "household"}

    response = tracer.post("/cases/report/", sent)

    made = Case.objects.get()
    assert response.url == f"/cases/{made.id}/"
    assert (made.age_from, made.age_to, made.sex, made.setting, made.source) == (34, 34, "F", "household", "desk")
    assert made.onset == date(2026, 3, 8)
    assert "Ana Torres" in text(tracer.get(response.url))


def test_a_number_of_a_person_finds_the_person(tracer):
    sent = {"national_id": "A123", "disease": "covid", "classification": "suspected"}
    tracer.post("/cases/report/", sent)
    tracer.post("/cases/report/", sent)

    assert len(set(Case.objects.values_list("person", flat=True))) == 1
    assert Case.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"onset": "2026-03-12"}, "lies in the future"),
        ({"phone": "1"}, "must have 3 to 20 digits"),
        ({"source_key": "7"}, "in the line list already"),
        ({"classification": "perhaps"}, "Select a valid choice"),
        ({"disease": ""}, "This field is required"),
    ],
)
def test_a_report_that_cannot_be_taken_is_explained_and_nothing_is_stored(tracer, changes, message):
    case(source="desk", source_key="7")

    page = tracer.post("/cases/report/", {"disease": "covid", "classification": "suspected"} | changes)

    assert message in text(page)
    assert Case.objects.count() == 1


def test_the_download_holds_the_filtered_rows_and_is_written_down(client, staff):
    client.force_login(staff("epidemiologist"))
    case(source_key="A1", note="=1+1")
    case(source_key="B2", classification="confirmed")

    response = client.get("/cases/download.csv?classification=suspected")
    lines = b"".join(response.streaming_content).decode().splitlines()

    assert [line.split(",")[2] for line in lines[1:]] == ["A1"]
    assert lines[1].endswith(",'=1+1")
    assert AuditEntry.objects.get(action="export").subject == "cases"


def test_unknown_cases_and_formats_are_not_found(tracer, client, staff):
    nobody = "/cases/00000000-0000-0000-0000-000000000000/"
    assert [tracer.get(nobody).status_code, tracer.post(f"{nobody}confirm/").status_code] == [404, 404]
    client.force_login(staff("epidemiologist"))
    assert client.get("/cases/download.exe").status_code == 404
