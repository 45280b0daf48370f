"""The pages: what waits, a message beside what was understood of it, with its names hidden until somebody opens it."""

import re

import pytest

from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.sense.cases.models import Case
from epipolis.sense.labs import services
from epipolis.sense.labs.models import CodeMeaning, LabMessage, Laboratory, LabResult
from epipolis.sense.people.models import Person
from epipolis.sense.people.services import find_or_make_person

from .messages import NOW, oru

pytestmark = pytest.mark.django_db
HOME = "/labs/"


@pytest.fixture
def desk(client, staff):
    client.force_login(staff("registrar"))
    with clock.fixed(NOW):
        yield client


def text_of(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_inbox_says_what_to_do_first(desk):
    assert "No laboratory has sent anything yet" in text_of(desk.get(HOME))


def test_the_inbox_shows_what_waits_and_why(desk, send):
    send(oru("NUMBER-1"))
    assert "Nothing waits" in text_of(desk.get(HOME))
    send(oru("NUMBER-2", lab="NEWLAB"))

    page = text_of(desk.get(HOME))

    assert "NUMBER-2" in page
    assert "NUMBER-1" not in page
    assert "No laboratory is registered as LIS|NEWLAB." in page
    assert "NUMBER-1" in text_of(desk.get(HOME, {"state": "new_case"}))
    assert "No message fits" in text_of(desk.get(HOME, {"state": "waiting", "problem": "twin"}))


def test_names_are_hidden_until_the_message_is_opened_and_that_is_written_down(desk, send):
    message = send(oru(phone="0987654321"))
    address = f"{HOME}messages/{message.id}/"

    page = text_of(desk.get(address))
    hidden = [word for word in ("Torres", "A123456789", "0987654321", "Calle 1") if word in page]
    before = AuditEntry.objects.filter(action="people.read").count()
    opened = text_of(desk.post(f"{address}open/"))

    assert hidden == []
    assert "260373001" in page
    assert "Torres" in opened
    assert AuditEntry.objects.filter(action="labs.open", subject=str(message.id)).count() == 1
    read = AuditEntry.objects.filter(action="people.read").order_by("-id").first()
    assert (read.person, read.detail["why"]) == (Person.objects.get().id, "laboratory")
    assert AuditEntry.objects.filter(action="people.read").count() == before + 1


@pytest.mark.parametrize("raw", [b"nonsense Torres", b"MSH|^~\\&|A|B\rPID|1||Torres\rZZZ|Torres\rTorres\r"])
def test_what_cannot_be_read_shows_no_names_either(desk, lab, raw):
    message = services.receive(raw, "hl7", by="test", at=NOW)

    assert "Torres" not in text_of(desk.get(f"{HOME}messages/{message.id}/"))
    assert "Torres" in text_of(desk.post(f"{HOME}messages/{message.id}/open/"))


def test_a_message_is_filed_under_a_person_who_is_found_and_that_can_be_taken_back(desk, send):
    message = send(oru(patient="", name="", birth="", phone=""))
    find_or_make_person([("national_id", "A111111111")], given_name="Ana", family_name="Chen", by="test", at=NOW)
    address = f"{HOME}messages/{message.id}/"

    found = text_of(desk.get(address, {"q": "A111111111"}))
    assert "Ana Chen" in found
    person = Person.objects.get()
    done = desk.post(f"{address}handle/", {"action": "link", "person": str(person.id), "back": "inbox"}, follow=True)
    assert "Take back" in text_of(done)
    assert Case.objects.get().person_id == person.id
    step = message.handlings.get()
    desk.post(f"{HOME}steps/{step.id}/undo/")

    message.refresh_from_db()
    assert (message.state, LabResult.objects.filter(is_in_force=True).count()) == ("unclear", 0)


def test_a_step_that_cannot_be_taken_says_why(desk, send):
    message = send(oru(patient="", name="", birth="", phone=""))

    page = text_of(desk.post(f"{HOME}messages/{message.id}/handle/", {"action": "anyway"}, follow=True))

    assert "It still cannot be filed" in page
    assert "Say why" in text_of(desk.post(f"{HOME}messages/{message.id}/handle/", {"action": "reject"}, follow=True))


def test_several_messages_are_rejected_with_one_reason(desk, send):
    numbers = [send(oru(f"M{n}", lab="FAR")).id for n in range(3)]

    page = text_of(desk.post(f"{HOME}reject/", {"messages": numbers[:2], "note": "not of this city"}, follow=True))

    assert "2 messages are rejected" in page
    assert sorted(LabMessage.objects.values_list("state", flat=True)) == ["rejected", "rejected", "unclear"]


def test_a_laboratory_is_registered_from_its_waiting_messages(desk, send, deliver_events):
    send(oru(lab="NEWLAB"))
    page = text_of(desk.get(f"{HOME}laboratories/"))
    assert "?code=NEWLAB" in page

    answer = desk.post(f"{HOME}laboratories/register/", {"name": "New", "code": "NEWLAB", "is_trusted": "on"})
    assert answer.status_code == 302, re.findall(r"(?:alert-danger|invalid-feedback)[^>]*>([^<]*)", answer.content.decode())
    deliver_events()

    assert Laboratory.objects.get(code="NEWLAB").name == "New"
    assert LabMessage.objects.get().state == "new_case"
    twice = text_of(desk.post(f"{HOME}laboratories/register/", {"name": "New", "code": "NEWLAB"}))
    assert "already" in twice


def test_a_laboratory_that_should_have_sent_something_is_shown_as_silent(desk, send, lab):
    assert "fallen silent" not in text_of(desk.get(f"{HOME}laboratories/"))

    with clock.fixed(NOW.replace(day=20)):
        assert "1 laboratory has fallen silent" in text_of(desk.get(f"{HOME}laboratories/"))
        services.change_laboratory(lab.id, {"is_closed": True}, by="test", at=NOW)
        assert "fallen silent" not in text_of(desk.get(f"{HOME}laboratories/"))


def test_a_code_is_explained_from_the_message_that_waits_for_it(desk, send, deliver_events):
    message = send(oru(code="X77^Our own test^L", answer="POS^positive^L"))
    page = text_of(desk.get(f"{HOME}messages/{message.id}/"))
    assert "?code=X77&amp;system=L" in page

    desk.post(f"{HOME}codes/", {"code": "X77", "system": "L", "disease": "COVID-19", "kind": "antigen"})
    deliver_events()

    assert LabMessage.objects.get().state == "new_case"
    assert "X77" in text_of(desk.get(f"{HOME}codes/"))
    desk.post(f"{HOME}codes/{CodeMeaning.objects.get().id}/forget/")
    assert "No code is explained yet" in text_of(desk.get(f"{HOME}codes/"))


def test_a_result_shows_every_version_and_who_looked(desk, send):
    send(oru("M1"))
    send(oru("M2", status="C", answer="260415000^Not detected^SCT", reported="202103100800+0000"))
    newest = LabResult.objects.get(is_in_force=True)

    page = text_of(desk.get(f"{HOME}results/{newest.id}/"))

    assert (page.count("reported 2021-03-10"), "in force" in page, "Ana Torres" in page) == (2, True, True)
    assert AuditEntry.objects.filter(action="people.read", detail__why="laboratory").count() == 1


def test_the_text_that_is_gone_is_said_to_be_gone(desk, send):
    message = send(oru())
    services.forget_messages(before=NOW.replace(year=2022), at=NOW.replace(year=2022))

    assert "no longer kept" in text_of(desk.get(f"{HOME}messages/{message.id}/"))


@pytest.mark.parametrize("path", ["messages/99999/", "results/99999/", "laboratories/99999/"])
def test_what_is_not_there_is_not_there(desk, path):
    assert desk.get(HOME + path).status_code == 404


@pytest.mark.parametrize("rows", [1, 4])
def test_the_inbox_needs_the_same_questions_for_any_number_of_messages(desk, send, rows, django_assert_max_num_queries):
    for n in range(rows):
        send(oru(f"M{n}", lab="FAR"))

    with django_assert_max_num_queries(24):
        text_of(desk.get(HOME))
