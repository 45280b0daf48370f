"""The pages of tracing: what they show, to whom, at which price."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.sense.cases.models import Case
from epipolis.sense.people import services as people
from epipolis.understand.tracing import services
from epipolis.understand.tracing.models import Contact

from .factories import NOW, case, local, meeting, place, visit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def tracer(client, staff):
    client.force_login(staff("tracer", name="tina"))
    return client


def trace(of):
    return services.trace_case(of.id, by="test", at=NOW)


def named(given="Ana", family="Torres", **fields):
    found, _ = people.find_or_make_person([], by="test", at=NOW, given_name=given, family_name=family, **fields)
    return found


def crowd(count, **facts):
    ill, where = case(**facts), place(kind="food")
    visit(ill.person_id, where, local(10, 12), 60)
    for _ in range(count):
        visit(uuid4(), where, local(10, 12), 60)
    trace(ill)
    return ill


def page(client, url, status=200):
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def test_the_list_of_exposures_says_who_met_whom_and_why(tracer):
    ill, met, _where = meeting(kind="food")
    trace(ill)

    shown = page(tracer, "/tracing/")

    assert "60 minutes with a case at" in shown
    assert "People are close together there (food): one step higher." not in shown  # an hour is a high risk by itself
    assert f"{met.hex[:4].upper()}-{met.hex[4:8].upper()}" in shown
    assert "Warn through the venue" in shown
    assert ill.source_key in shown
    assert "Exposures found" in shown
    assert 'href="/followup/"' in shown  # whom to call is another list


def test_names_are_shown_to_tracers_and_each_read_is_written_down(tracer, client, staff):
    ill, where, friend = case(), place(), named(language="vi")
    visit(ill.person_id, where, local(10, 12), 60)
    visit(friend, where, local(10, 12), 60)
    trace(ill)

    assert "Ana Torres" in page(tracer, "/tracing/")
    page(tracer, "/tracing/")  # the list fetches itself again while it is open: the same read
    reads = AuditEntry.objects.filter(action="people.read", person=friend.id)
    assert list(reads.values_list("actor", "detail__why")) == [("tina", "contacts")]

    client.force_login(staff("epidemiologist"))
    assert "Ana Torres" not in page(client, "/tracing/")
    assert reads.count() == 1


def test_the_work_list_says_who_is_a_case_too_and_who_met_several(tracer):
    where, friend, phone = place(), named(), uuid4()
    for one in (case(friend), case()):
        visit(one.person_id, where, local(10, 12), 60)
    visit(phone, where, local(10, 12), 60)
    for one in Case.objects.all():
        trace(one)

    shown = page(tracer, "/tracing/")

    assert shown.count("is a case too") == 2  # the two cases met each other
    assert shown.count("met 1 other case") == 2  # the phone, in the row of each case


def test_the_case_page_shows_names_only_when_asked(tracer):
    ill, where, friend = case(), place(), named()
    visit(ill.person_id, where, local(10, 12), 60)
    visit(friend, where, local(10, 12), 60)
    trace(ill)
    url = reverse("tracing:case", args=[ill.id])

    assert "Ana Torres" not in page(tracer, url)
    assert "Ana Torres" in page(tracer, f"{url}?names=1")


@pytest.mark.parametrize("url", ["/tracing/", "/tracing/clusters/", "/tracing/network/"])
def test_pages_say_something_useful_when_there_is_nothing(tracer, url):
    assert 'class="empty"' in page(tracer, url)


def test_a_case_that_was_not_traced_yet_can_be_traced_now(tracer):
    ill, _met, _where = meeting()
    url = reverse("tracing:case", args=[ill.id])
    assert "Not traced yet" in page(tracer, url)

    tracer.post(reverse("tracing:trace", args=[ill.id]))

    shown = page(tracer, url)
    assert "Symptoms began on 2021-03-10." in shown
    assert "1 contact is new." in shown


def test_the_page_says_when_tracing_again_changed_nothing(tracer):
    ill, _met, _where = meeting()
    trace(ill)

    answer = tracer.post(reverse("tracing:trace", args=[ill.id]), follow=True)

    assert "Nothing has changed since the last trace." in answer.content.decode()


def test_a_call_is_noted_and_can_be_taken_back(tracer):
    ill, _met, _where = meeting()
    trace(ill)
    contact = Contact.objects.get()

    answer = tracer.post(
        reverse("tracing:work", args=[contact.id]), {"state": "tried", "note": "no answer"}, headers={"HX-Request": "true"}
    )

    shown = answer.content.decode()
    assert (Contact.objects.get().state, "Undo" in shown, "no answer" in shown) == ("tried", True, True)

    answer = tracer.post(
        reverse("tracing:undo", args=[contact.id]),
        {"state": "open", "note": "", "worked_at": ""},
        headers={"HX-Request": "true"},
    )
    assert (Contact.objects.get().state, answer["HX-Trigger"]) == ("open", "live:contacts")


def test_without_a_script_the_answer_goes_back_to_the_page(tracer):
    ill, _met, _where = meeting()
    trace(ill)
    url = reverse("tracing:work", args=[Contact.objects.get().id])

    assert tracer.post(url, {"state": "reached", "back": "/tracing/?risk=high"})["Location"] == "/tracing/?risk=high"
    assert tracer.post(url, {"state": "open", "back": "https://evil.example/"})["Location"] == "/tracing/"


def test_the_contacts_of_one_place_can_be_asked_for(tracer):
    first, second = meeting(), meeting()
    for ill, _met, _where in (first, second):
        trace(ill)

    shown = page(tracer, f"/tracing/?place={first[2].id}")

    assert (first[0].source_key in shown, second[0].source_key in shown) == (True, False)


def test_taking_a_contact_makes_it_mine(tracer):
    ill, _met, _where = meeting()
    trace(ill)
    url = reverse("tracing:assign", args=[Contact.objects.get().id])

    tracer.post(url, {"to": "me"})
    assert Contact.objects.get().assigned_to.username == "tina"
    assert "60 minutes with a case" in page(tracer, "/tracing/?mine=on")
    tracer.post(url, {"to": "nobody"})
    assert "No contact fits this filter" in page(tracer, "/tracing/?mine=on")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("risk=high", 1),
        ("risk=low", 0),
        ("certain=1", 1),
        ("certain=0", 0),
        ("state=reached", 0),
        ("state=all", 1),
        ("older=on", 1),
    ],
)
def test_filters_choose(tracer, query, count):
    ill, _met, _where = meeting()
    trace(ill)

    assert page(tracer, f"/tracing/?{query}").count("data-contact ") == count


@pytest.mark.parametrize(
    "query", ["risk=great", "district=999999999999999999999", "page=0", "page=x", "certain=maybe", "state=%00"]
)
def test_strange_filters_do_no_harm(tracer, query):
    crowd(1)

    assert "data-contacts" in page(tracer, f"/tracing/?{query}")


@pytest.mark.parametrize(
    "body", [{}, {"state": "done"}, {"state": "open", "note": "a\0b"}, {"state": "open", "note": "x" * 2_001}]
)
def test_bad_notes_are_refused(tracer, body):
    crowd(1)
    contact = Contact.objects.get()

    assert tracer.post(reverse("tracing:work", args=[contact.id]), body).status_code == 422
    assert Contact.objects.get().note == ""


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
def test_contacts_that_do_not_exist_are_not_found(tracer, number):
    for name in ("work", "undo", "assign"):
        assert tracer.post(reverse(f"tracing:{name}", args=[number]), {"state": "open"}).status_code == 404
    assert tracer.get(reverse("tracing:onward", args=[number])).status_code == 404
    assert tracer.get(reverse("tracing:cluster", args=[number])).status_code == 404


def test_a_case_that_does_not_exist_is_not_found(tracer):
    assert tracer.get(reverse("tracing:case", args=[uuid4()])).status_code == 404
    assert tracer.post(reverse("tracing:trace", args=[uuid4()])).status_code == 404


def test_notes_are_shown_as_text(tracer):
    crowd(1)
    services.work_contact(Contact.objects.get().id, state="tried", note="<script>alert(1)</script>", by="test", at=NOW)

    assert "<script>alert(1)" not in page(tracer, "/tracing/")


def test_clusters_are_listed_and_on_the_map(tracer):
    where = place("market", lon=121.5, lat=25.0)
    for _ in range(3):
        one = case()
        visit(one.person_id, where, local(12, 9), 90)
        trace(one)

    assert "Market" in page(tracer, "/tracing/clusters/")
    assert page(tracer, f"/tracing/clusters/{where.id}/").count("while infectious") >= 3
    layer = tracer.get("/tracing/clusters/layer.json").json()
    assert [f["properties"] for f in layer["features"]] == [{"code": "market", "name": "Market", "cases": 3}]


def test_contacts_of_a_contact_have_a_page(tracer):
    ill, phone, _where = meeting()
    bar, since = place(), uuid4()
    for visitor in (phone, since):
        visit(visitor, bar, local(12, 20), 60)
    trace(ill)

    shown = page(tracer, reverse("tracing:onward", args=[Contact.objects.get(visitor=phone).id]))

    assert since.hex[:4].upper() in shown
    assert AuditEntry.objects.filter(action="tracing.onward").count() == 1


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_downloads_hold_pseudonyms_and_no_names(tracer, kind):
    ill, where, friend = case(), place(), named()
    visit(ill.person_id, where, local(10, 12), 60)
    visit(friend, where, local(10, 12), 60)
    trace(ill)

    for name in ("case_contacts", "case_sources"):
        answer = tracer.get(reverse(f"tracing:{name}", args=[ill.id, kind]))
        assert answer.status_code == 200
        body = b"".join(answer.streaming_content)
        assert b"Torres" not in body
    assert tracer.get(reverse("tracing:cluster_list", args=[kind])).status_code == 200


def test_an_unknown_format_is_not_found(tracer):
    assert tracer.get(reverse("tracing:case_contacts", args=[case().id, "exe"])).status_code == 404


@pytest.mark.parametrize("role", ["registrar", "operator", "auditor", "kiosk", "partner"])
def test_other_roles_see_none_of_it(client, staff, role):
    ill = crowd(1)
    client.force_login(staff(role))
    names = [("work_list", []), ("case", [ill.id]), ("clusters", []), ("cluster_layer", []), ("network", [])]

    assert {client.get(reverse(f"tracing:{name}", args=args)).status_code for name, args in names} == {403}


def test_an_epidemiologist_may_trace_but_not_note_calls(client, staff):
    ill = crowd(1)
    client.force_login(staff("epidemiologist"))

    assert client.post(reverse("tracing:trace", args=[ill.id])).status_code == 302
    assert client.post(reverse("tracing:work", args=[Contact.objects.get().id]), {"state": "reached"}).status_code == 403


def queries_of(client, url, django_assert_max_num_queries, most):
    with django_assert_max_num_queries(most) as counted:
        page(client, url)
    # How often the clock's setting is read again depends on real time, not on rows.
    return len([query for query in counted if "core_clocksetting" not in query["sql"]])


@pytest.mark.parametrize("name", ["work_list", "case", "clusters", "network"])
def test_pages_need_the_same_queries_for_any_number_of_rows(tracer, django_assert_max_num_queries, name):
    ill = crowd(1)
    url = reverse(f"tracing:{name}", args=[ill.id] if name == "case" else [])
    page(tracer, url)

    few = queries_of(tracer, url, django_assert_max_num_queries, 45)
    for _ in range(18):
        visit(uuid4(), Contact.objects.first().encounters.first().place, local(10, 12), 60)
    services.trace_case(ill.id, by="test", at=NOW)
    many = queries_of(tracer, url, django_assert_max_num_queries, 45)

    assert (few, Contact.objects.count()) == (many, 19)


def test_a_tile_tells_the_delay(tracer):
    crowd(3, revised_at=NOW - timedelta(minutes=30))
    from epipolis.understand.tracing.module import time_to_trace

    assert time_to_trace(NOW + timedelta(minutes=1)) == {"value": 30.0, "unit": "minutes"}
