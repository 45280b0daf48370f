"""The pages of orders: what they show, to whom, and what they refuse."""

import re
import zlib
from base64 import a85decode
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from epipolis.act.quarantine import services
from epipolis.act.quarantine.models import Appeal, Need, Order, OrderLink, SelfReport
from epipolis.act.quarantine.services import NeedAsked
from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.sense.people import queries as people_queries
from epipolis.sense.people import services as people

from .factories import NOW, again, case, drafted, exposed, ill, issued, person
from .test_orders import grounds

pytestmark = pytest.mark.django_db
ISSUE = {
    "how": "written",
    "told_at": "2021-03-20T12:00",
    "starts": "2021-03-20",
    "until": "2021-03-29",
    "place": "home",
    "address": "1 Heping East Road",
    "legal_basis": "the law",
    "purpose": "to protect others",
}


@pytest.fixture
def officer(client, staff):
    client.force_login(staff("tracer", name="tina"))
    return client


@pytest.fixture
def commander(client, staff):
    client.force_login(staff("commander", name="cora"))
    return client


def named(**fields):
    found, _ = people.find_or_make_person([], by="test", at=NOW, given_name="Ana", family_name="Torres", **fields)
    return found


def page(client, url, status=200):
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def printed(pdf):
    """The texts of a PDF that are drawn in letters of Latin script."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    drawn = b" ".join(zlib.decompress(a85decode(one.strip().removesuffix(b"~>"))) for one in streams)
    return " ".join(one.decode("cp1252") for one in re.findall(rb"\((.*?)\) Tj", drawn))


def url(name, row, *more):
    return reverse(f"quarantine:{name}", args=[row.id, *more])


def link(row):
    return reverse("quarantine:mine", args=[services.token_of(OrderLink.objects.get(order=row, revoked=None))])


def test_the_list_shows_what_waits_for_a_decision_and_each_name_is_noted_as_read(officer):
    row = drafted(who=named(phones=["+999 123 456"]))
    shown = page(officer, "/quarantine/")

    for text in ("Ana Torres", row.number, "day 5 of 14", "Look and issue", "tel:+999 123 456"):
        assert text in shown
    assert list(AuditEntry.objects.filter(action="people.read").values_list("actor", "detail__why")) == [("tina", "order")]
    looked = people_queries.looks_at(row.person_id)[0]
    assert looked.why == "opened your order of isolation or quarantine, or saw your name in a list of orders"


def test_without_the_right_to_names_pseudonyms_are_shown_and_no_address(client, staff):
    row = issued(drafted(who=named()))
    client.force_login(staff("epidemiologist"))
    shown = page(client, "/quarantine/?view=in_force") + page(client, url("order", row))

    assert ("Torres" in shown, "Heping" in shown, "Issue this order" in shown, "Lift" in shown) == (False,) * 4
    assert AuditEntry.objects.filter(action="people.read", detail__why="order").count() == 0
    assert client.get(url("paper", row, "order")).status_code == 404


@pytest.mark.parametrize("view", ["decide", "in_force", "over", "watched", "all"])
def test_lists_say_something_useful_when_there_is_nothing(officer, view):
    assert 'class="empty"' in page(officer, f"/quarantine/?view={view}")
    assert 'class="empty"' in page(officer, "/quarantine/statistics/")


STRANGE = (
    "view=x",
    "number=%00",
    "number=O-2021-000999",
    "district=9999999999999999999",
    "page=x",
    "ends_by=2021-99-99",
    "kind=1",
)


@pytest.mark.parametrize("query", STRANGE)
def test_strange_filters_do_no_harm(officer, query):
    drafted()

    assert "order-list" in page(officer, f"/quarantine/?{query}")


def test_orders_are_found_by_number_kind_and_day(officer):
    first, second = issued(), issued(ill())
    shown = lambda query: page(officer, f"/quarantine/?view=all&{query}")  # noqa: E731 -- short

    assert (first.number in shown(f"number={first.number}"), second.number in shown(f"number={first.number}")) == (True, False)
    assert (first.number in shown("kind=isolation"), second.number in shown("kind=isolation")) == (False, True)
    assert first.number not in shown("ends_by=2021-03-25")


def test_a_draft_is_issued_from_its_page_and_the_page_explains_it(officer):
    row = drafted(who=named())
    shown = page(officer, url("order", row))
    assert "because the last contact was on 2021-03-15" in shown
    assert "If you meet an infectious person again" in shown
    answer = officer.post(url("issue", row), ISSUE)

    assert (answer.status_code, again(row).state, row.issued_by) == (302, "issued", "tina")
    assert "The order, in two languages" in page(officer, url("order", row))


@pytest.mark.parametrize(
    "wrong", [{"until": "2021-04-09"}, {"until": "x"}, {"address": ""}, {"told_at": ""}, {"lat": "95"}, {"reason": "a\0"}]
)
def test_a_draft_with_wrong_terms_is_not_issued_and_what_was_typed_stays(officer, wrong):
    row = drafted()
    answer = officer.post(url("issue", row), ISSUE | {"facility": "My own words"} | wrong)

    assert (answer.status_code, again(row).state) == (422, "draft")
    assert b"My own words" in answer.content


def test_a_household_is_issued_from_one_page(officer):
    source = case()
    first, second = (drafted(source=source, origin="household") for _ in range(2))
    assert "Issue the drafts of this household too" in page(officer, url("order", first))
    officer.post(url("issue", first), ISSUE | {"household": "on"})

    assert {again(first).state, again(second).state} == {"issued"}


def test_each_action_works_from_the_page(officer):
    row = issued(how="verbal")
    told = {"reason": "because"}
    officer.post(url("days", row), told | {"until": "2021-04-02"})
    officer.post(url("told", row), {"how": "written", "told_at": "2021-03-20T12:00"})
    officer.post(url("move", row), told | {"place": "facility", "facility": "Hotel One", "address": "2 Shore Road"})
    officer.post(url("undo", row, row.changes.get(kind="moved").id))
    officer.post(url("tell_needs", row), {"kinds": ["food", "pets"], "text": "rice", "urgent": "on", "client_id": str(uuid4())})
    officer.post(url("meet_need", row, Need.objects.get(kind="food").id))
    officer.post(url("lift", row), told)

    kinds = list(row.changes.order_by("id").values_list("kind", flat=True))
    assert kinds == ["drafted", "issued", "extended", "written", "moved", "needs", "lifted"]
    shown = page(officer, url("order", row))
    for text in ("taken back", "given in writing", "rice", "because"):
        assert text in shown


@pytest.mark.parametrize("name", ["days", "lift", "move", "told", "well", "accept", "decline", "undo", "withdraw"])
def test_actions_without_what_they_need_are_refused(officer, name):
    row = issued()
    more = [row.changes.first().id] if name == "undo" else []

    assert officer.post(url(name, row, *more), {}).status_code == 422
    assert again(row).changes.count() == 2


def test_what_is_asked_stands_on_the_page_and_is_decided_there(officer, deliver_events):
    who = person()
    row = issued(drafted(who=who))
    exposed(who, last_contact=date(2021, 3, 19))
    deliver_events()
    assert "The rule says another last day now" in page(officer, url("order", row))
    officer.post(url("accept", row), {})

    assert again(row).until == date(2021, 4, 2)


def test_the_way_things_of_other_orders_are_not_reached_through_this_one(officer, commander):
    one, other = issued(), issued()
    services.tell_needs(other.id, [NeedAsked("food")], by="tina", at=NOW)
    appeal = services.file_appeal(other.id, "x", by="the person", at=NOW)

    for name, number in (("meet_need", Need.objects.get().id), ("undo", other.changes.first().id), ("answer", appeal.id)):
        assert commander.post(url(name, one, number), {"answer": "upheld", "text": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("role", "name", "data"),
    [
        ("epidemiologist", "issue", ISSUE),
        ("registrar", "issue", ISSUE),
        ("epidemiologist", "lift", {"reason": "x"}),
        ("epidemiologist", "days", {"until": "2021-04-02", "reason": "x"}),
        ("tracer", "watch", {"basis": "law", "reason": "x"}),
        ("tracer", "unwatch", {"reason": "x"}),
        ("epidemiologist", "tell_needs", {"kinds": ["food"]}),
        ("operator", "link", {}),
    ],
)
def test_whoever_may_not_is_refused_and_nothing_happens(client, staff, role, name, data):
    grounds()
    draft, row = drafted(), issued()
    client.force_login(staff(role))
    wanted = draft if name == "issue" else row
    before = again(wanted).revision

    assert client.post(url(name, wanted), data).status_code == 403
    assert again(wanted).revision == before


@pytest.mark.parametrize("role", ["operator", "registrar", "auditor", "kiosk", "partner"])
def test_who_has_no_business_with_orders_sees_none(client, staff, role):
    row = issued()
    client.force_login(staff(role))

    for address in ("/quarantine/", url("order", row), "/quarantine/statistics/", url("paper", row, "order")):
        assert client.get(address).status_code == 403


def test_only_somebody_with_that_right_answers_appeals_and_never_for_their_own_order(client, staff):
    cora = staff("commander", name="cora")
    mine, theirs = issued(by=cora), issued(by="otto")
    appeals = [services.file_appeal(row.id, "I met nobody.", by="the person", at=NOW) for row in (mine, theirs)]
    client.force_login(staff("tracer", name="tina"))
    answer = {"answer": "lifted", "text": "You are right."}
    assert client.post(url("answer", theirs, appeals[1].id), answer).status_code == 403
    client.force_login(cora)
    assert "somebody else answers" in page(client, url("order", mine))
    assert client.post(url("answer", mine, appeals[0].id), answer).status_code == 422
    assert client.post(url("answer", theirs, appeals[1].id), answer).status_code == 302

    assert (again(mine).state, again(theirs).state) == ("issued", "lifted")


def test_watching_can_only_be_switched_on_once_the_city_gave_it_grounds(commander):
    row = issued()
    assert "has set no legal basis and purpose" in page(commander, url("order", row))
    assert commander.post(url("watch", row), {"basis": "law", "reason": "x"}).status_code == 422
    grounds()
    assert commander.post(url("watch", row), {"basis": "law", "reason": "x"}).status_code == 302
    assert again(row).watched


def test_papers_are_pdf_name_their_reader_and_the_proofs_say_nothing_of_illness(officer):
    row = issued(ill(case(named(language="es"))))
    for kind, has_illness in (("order", True), ("sick_leave", False), ("compensation", False)):
        answer = officer.get(url("paper", row, kind))
        assert (answer["Content-Type"], answer.content[:4]) == ("application/pdf", b"%PDF")
        text = printed(answer.content)
        assert "Ana Torres" in text
        assert ("symptoms" in text or "isolation" in text.lower()) == has_illness
    assert AuditEntry.objects.filter(action="quarantine.paper").count() == 3
    assert officer.get(url("paper", row, "x")).status_code == 404
    assert officer.get(url("paper", drafted(), "order")).status_code == 404


def test_the_persons_page_says_why_until_when_what_changes_it_and_who_looked(client, officer):
    row = issued(drafted(who=named()))
    page(officer, url("order", row))
    client.logout()
    shown = page(client, link(row))

    for text in (
        "Please stay at home", "until the end of", "because the last contact was on 2021-03-15", "What would change it?",
        "a contact tracer", "opened your order", "Your phone is not watched.", "Ask to have the order looked at again",
    ):  # fmt: skip
        assert text in shown
    assert "Torres" not in shown
    assert "<script" not in shown
    assert len(shown.encode()) < 40_000


@pytest.mark.parametrize(("language", "text"), [("en", "Please stay at home"), ("es", ""), ("zh-hant", "")])
def test_the_persons_page_speaks_three_languages(client, language, text):
    answer = client.get(f"{link(issued())}?language={language}")

    assert (answer.status_code, answer["Content-Language"]) == (200, language)
    assert text in answer.content.decode()


def test_the_person_reports_asks_for_help_and_appeals_by_the_link_and_twice_is_once(client):
    row = issued()
    address, number = link(row), str(uuid4())
    for _ in range(2):
        client.post(address, {"what": "report", "all_well": "yes", "client_id": number})
        client.post(address, {"what": "needs", "kinds": ["food", "pets"], "text": "rice", "client_id": number})
        client.post(address, {"what": "appeal", "text": "I met nobody.", "client_id": number})

    assert (SelfReport.objects.get().is_ill, SelfReport.objects.get().by) == (False, "the person")
    assert (Appeal.objects.count(), Need.objects.count(), again(row).needs_asked) == (1, 2, NOW)
    assert "Thank you, it has arrived." in page(client, f"{address}?done=needs")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"what": "x"},
        {"what": "report"},
        {"what": "report", "temperature": "99"},
        {"what": "report", "symptom_cough": "perhaps"},
        {"what": "needs", "kinds": ["gold"]},
        {"what": "needs", "kinds": ["other"]},
        {"what": "needs", "kinds": ["food"], "text": "a\0"},
        {"what": "appeal", "text": " "},
        {"what": "appeal", "text": "x" * 4_001},
        {"what": "unwatch"},
    ],
)
def test_what_cannot_be_read_is_said_on_the_persons_page_and_stored_nowhere(client, data):
    row = issued()

    assert client.post(link(row), data).status_code == 422
    assert (SelfReport.objects.count(), Need.objects.count(), Appeal.objects.count()) == (0, 0, 0)


def test_who_agreed_to_be_watched_takes_it_back_by_the_link_and_who_did_not_is_told_to_appeal(client):
    grounds()
    free, ordered = issued(), issued()
    services.watch_order(free.id, basis="consent", reason="x", by="cora", at=NOW)
    services.watch_order(ordered.id, basis="law", reason="x", by="cora", at=NOW)
    assert (client.post(link(free), {"what": "unwatch"}).status_code, again(free).watched) == (302, False)
    assert (client.post(link(ordered), {"what": "unwatch"}).status_code, again(ordered).watched) == (422, True)


def test_after_the_end_the_person_reads_that_it_is_over_and_can_still_appeal(client):
    row = issued()
    address = link(row)
    services.lift_order(row.id, reason="negative test", by="otto", at=NOW)
    shown = page(client, address)

    assert ("You may go out again." in shown, "How are you today?" in shown) == (True, False)
    assert client.post(address, {"what": "appeal", "text": "It was wrong."}).status_code == 302
    assert client.post(address, {"what": "report", "all_well": "yes"}).status_code == 422


def test_a_wrong_or_old_link_opens_nothing(client):
    row = issued()
    address = link(row)
    assert client.get(reverse("quarantine:mine", args=["x" * 20])).status_code == 404
    services.renew_link(row.id, by="otto", at=NOW)
    assert client.get(address).status_code == 404


def test_an_order_by_hand_is_drafted_for_somebody_who_is_known(officer):
    who = person()
    address = reverse("quarantine:draft", args=[who.id])
    assert page(officer, address)
    told = {"kind": "quarantine", "disease": "covid19", "starts": "2021-03-20", "until": "2021-04-02", "reason": "traveller"}
    assert officer.post(address, told | {"until": "2021-03-01"}).status_code == 422
    assert officer.post(address, told).status_code == 302
    assert (Order.objects.get().until, officer.get(reverse("quarantine:draft", args=[uuid4()])).status_code) == (
        date(2021, 4, 2), 404,
    )  # fmt: skip


def test_the_list_costs_the_same_for_one_row_and_for_twenty(officer, django_assert_max_num_queries):
    for _ in range(3):
        drafted()
    page(officer, "/quarantine/")
    for _ in range(15):
        drafted()
    with clock.fixed(NOW + timedelta(minutes=1)), django_assert_max_num_queries(30):
        page(officer, "/quarantine/")
