"""The pages of messages: who may see what, what is written down, and what a citizen sees."""

import re
from datetime import timedelta

import pytest

from epipolis.act.notices import services
from epipolis.act.notices.models import Notice, Preference, StoppedAddress, Template
from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.core.sealing import unseal
from epipolis.sense.people.services import issue_return_code

from .factories import NOW, notice, person
from .test_outbox import play

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def as_role(client, staff):
    def sign_in(*roles, name=""):
        client.force_login(staff(*roles, name=name or f"{'-'.join(roles)}-{len(roles)}"))
        session = client.session
        session["second_factor"] = "test"
        session.save()
        return client

    return sign_in


def text(answer):
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_empty_pages_say_what_will_stand_there(as_role):
    client = as_role("tracer")
    assert "Nothing was written yet" in text(client.get("/notices/"))
    assert "No call waits" in text(client.get("/notices/desk/"))
    assert "Nobody has answered yet" in text(client.get("/notices/answers/"))
    assert "No warning was drafted yet" in text(client.get("/notices/warnings/"))
    assert "No message has left" in text(client.get("/notices/costs/"))
    assert "No simulated phone" in text(client.get("/notices/phone/"))
    assert "There is no warning" in text(client.get("/notices/alerts/"))


def test_the_outbox_shows_no_name_number_or_text_and_filters(as_role):
    client = as_role("commander")
    row = play(notice(person(phones=["0912 555 321"]), values={"text": "a secret of Ana"}))
    notice(template="call_back", values={"time": "tomorrow"}, urgent=True)
    page = text(client.get("/notices/"))

    assert not [word for word in ("0912", "secret", "Torres") if word in page]
    assert page.count("/notices/" + str(row.id)) == 1
    assert "delivered" in page
    assert str(row.id) not in text(client.get("/notices/?state=open"))
    assert "No message fits" in text(client.get("/notices/?channel=letter"))
    assert text(client.get("/notices/?cursor=forged&day=nonsense"))


def test_who_may_takes_the_list_along_without_names(as_role):
    play(notice(values={"text": "a secret"}))
    client = as_role("epidemiologist")

    assert "/export/notices.csv" in text(client.get("/notices/"))
    told = b"".join(client.get("/export/notices.csv").streaming_content).decode()

    assert "delivered" in told
    assert not [word for word in ("secret", "0912", "Torres") if word in told]
    assert client.get("/export/notices.csv").status_code == 200
    assert as_role("tracer").get("/export/notices.csv").status_code == 403


def test_the_outbox_asks_the_same_number_of_questions_however_long_it_is(as_role, django_assert_max_num_queries):
    client = as_role("commander")
    notice()
    client.get("/notices/")
    with django_assert_max_num_queries(20) as asked:
        client.get("/notices/")
    one = len(asked)
    notice()
    notice()
    with django_assert_max_num_queries(one):
        client.get("/notices/")


def test_opening_a_message_is_written_down_for_the_person(as_role):
    row = play(notice(person(phones=["0912 555 321"]), values={"text": "come by"}))
    client = as_role("tracer")
    closed = text(client.get(f"/notices/{row.id}/"))
    before = AuditEntry.objects.filter(action="people.read", person=row.person_id).count()
    opened = text(client.post(f"/notices/{row.id}/open/"))

    assert "come by" not in closed
    assert "The provider took it." in closed
    assert "come by" in opened
    assert "0912 555 321" in opened
    assert AuditEntry.objects.filter(action="people.read", person=row.person_id).count() == before + 1


def test_a_message_that_waits_is_taken_back_or_tried(as_role):
    client, row = as_role("tracer"), notice(not_before=NOW + timedelta(hours=3))
    client.post(f"/notices/{row.id}/now/")
    row.refresh_from_db()
    assert row.not_before == NOW

    client.post(f"/notices/{row.id}/cancel/")
    client.post(f"/notices/{row.id}/cancel/")
    row.refresh_from_db()
    assert row.state == "stopped"


def test_who_may_only_see_may_not_open_write_or_carry(as_role):
    row = notice()
    client = as_role("commander")
    for address in (f"{row.id}/open/", f"{row.id}/cancel/", f"people/{row.person_id}/write/", f"desk/{row.id}/call/"):
        assert client.post(f"/notices/{address}").status_code == 403
    assert client.get("/notices/answers/").status_code == 403
    row.refresh_from_db()
    assert row.state == "waiting"


def test_a_second_click_writes_no_second_message(as_role):
    client, ana = as_role("tracer"), person()
    page = text(client.get(f"/notices/people/{ana}/"))
    key = re.search(r'name="key" value="(\d+)"', page)[1]
    for _ in range(2):
        client.post(f"/notices/people/{ana}/write/", {"text": "Please call us.", "key": key})

    assert Notice.objects.count() == 1
    assert unseal(Notice.objects.get().body) == "Demo City health office: Please call us."
    assert client.post(f"/notices/people/{ana}/write/", {"text": "", "key": "2"}).status_code == 422


def test_how_somebody_wants_to_be_told_is_noted(as_role):
    client, ana = as_role("tracer"), person()
    told = {"first": "email", "second": "sms", "stopped": ["voice", "sms"], "language": "es"}
    client.post(f"/notices/people/{ana}/prefer/", told)

    found = Preference.objects.get()
    assert (found.channels, found.stopped, found.language) == (["email"], ["sms", "voice"], "es")
    assert 'value="email" selected' in text(client.get(f"/notices/people/{ana}/"))


def test_a_call_is_noted_and_one_in_vain_goes_the_next_way(as_role):
    client = as_role("registrar")
    ana = person(phones=["0912 555 601"], address="1 Main Street\nDemo City")
    row = notice(ana, channels=("voice", "letter"))
    services.send_waiting(NOW)
    page = text(client.get("/notices/desk/"))
    assert "Ana Torres" in page
    assert "0912 555 601" in page

    client.post(f"/notices/desk/{row.id}/call/", {"reached": "no", "note": "rang long"})
    services.send_waiting(NOW)
    row.refresh_from_db()
    assert (row.channel, row.state) == ("letter", "sent")

    pdf = client.post("/notices/desk/letters.pdf", {"notice": [str(row.id)]})
    assert pdf.content.startswith(b"%PDF-")
    client.post("/notices/desk/posted/", {"notice": [str(row.id), "nonsense"]})
    row.refresh_from_db()
    assert row.state == "delivered"
    assert [one.state for one in row.events.order_by("id")] == [
        "accepted", "not reached", "failed", "next way", "accepted", "printed", "posted",
    ]  # fmt: skip


def test_a_letter_of_every_language_is_a_page(as_role):
    client = as_role("registrar")
    home = {"phones": [], "address": "臺北市大安區\n10617", "family_name": "王", "given_name": "小明"}
    rows = [notice(person(**home, language=one), channels=("letter",)) for one in ("en", "zh-hant", "es")]
    services.send_waiting(NOW)
    answer = client.post("/notices/desk/letters.pdf", {"notice": [str(row.id) for row in rows]})

    assert answer.content.count(b"/Type /Page\n") == 3
    assert AuditEntry.objects.filter(action="notices.print").get().detail == {"letters": 3}


def test_a_text_is_written_by_one_and_approved_by_another(as_role):
    client = as_role("epidemiologist", name="eva")
    told = {"language": "en", "channel": "", "subject": "Hello", "body": "{city}: {text} Thank you.", "provider_name": ""}
    assert "Demo City: This is what we have to say. Thank you." in text(
        client.post("/notices/texts/message/write/", told | {"preview": "yes"})
    )
    assert not Template.objects.exists()
    assert client.post("/notices/texts/message/write/", told | {"body": "{nothing}"}).status_code == 422
    client.post("/notices/texts/message/write/", told)
    draft = Template.objects.get()
    client.post(f"/notices/texts/versions/{draft.id}/approve/")
    draft.refresh_from_db()
    assert draft.state == "draft"
    assert unseal(notice().body) == "Demo City health office: Hello."

    as_role("commander", name="carl").post(f"/notices/texts/versions/{draft.id}/approve/")

    draft.refresh_from_db()
    assert (draft.state, draft.approved_by.username) == ("approved", "carl")
    assert unseal(notice().body) == "Demo City: Hello. Thank you."
    page = text(as_role("commander", name="cora").get("/notices/texts/message/"))
    assert "approved by carl" in page

    client.post(f"/notices/texts/versions/{draft.id}/retire/")
    assert unseal(notice().body) == "Demo City health office: Hello."


def test_a_text_may_not_leave_out_its_link(as_role):
    client = as_role("epidemiologist")
    told = {"language": "en", "body": "Please tell us until {until}.", "subject": ""}
    answer = client.post("/notices/texts/self_report_link/write/", told)

    assert answer.status_code == 422
    assert "leaves out: {link}" in answer.content.decode()
    assert client.post("/notices/texts/nothing/write/", told).status_code == 404


def test_every_shipped_text_can_be_seen_in_three_languages(as_role):
    client = as_role("operator")
    page = text(client.get("/notices/texts/"))
    names = re.findall(r"/notices/texts/(\w+)/", page)

    assert len(names) >= 10
    for name in names:
        shown = text(client.get(f"/notices/texts/{name}/"))
        assert "{" not in re.sub(r"<code>.*?</code>", "", re.search(r'<div class="row row-cards mb-3">.*?</p>', shown, re.S)[0])


def test_a_person_reads_everything_with_their_code_and_says_how_they_want_to_be_told(client):
    ana = person(phones=["0912 555 700"])
    row = play(notice(ana, values={"text": "see https://city.example/q"}))
    code = issue_return_code(ana, by="test", at=NOW)
    assert client.post("/notices/mine/", {"code": "0000-0000-0000-0000"}).status_code == 403

    page = text(client.post("/notices/mine/", {"code": code}))

    assert 'href="https://city.example/q"' in page
    row.refresh_from_db()
    assert row.state == "read"
    saved = text(client.post("/notices/mine/", {"code": code, "prefer": "yes", "first": "email", "stopped": ["sms"]}))
    assert "Noted" in saved
    assert Preference.objects.get().stopped == ["sms"]
    assert code not in str(client.get("/notices/mine/").content)


def test_a_browser_is_added_only_with_the_code_and_a_known_service(client):
    ana = person()
    code = issue_return_code(ana, by="test", at=NOW)
    keys = {"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"}
    keys |= {"auth": "BTBZMqHH6r4Tts7J_aSIgg"}

    def add(code, endpoint="https://fcm.googleapis.com/fcm/send/1", more=None):
        body = {"code": code, "subscription": {"endpoint": endpoint, "keys": more or keys}}
        return client.post("/notices/mine/browser/", body, content_type="application/json").status_code

    assert add("0000-0000-0000-0000") == 422
    assert add(code, "https://10.0.0.1/x") == 422
    assert add(code, more={"p256dh": "x", "auth": "y"}) == 422
    assert add(code) == 200
    assert add(code) == 200
    assert client.post("/notices/mine/browser/", "[]", content_type="application/json").status_code == 422
    assert notice(ana).channel == "push"


def test_the_simulated_phone_says_that_it_is_and_answers(as_role):
    client = as_role("tracer")
    row = play(notice(person(phones=["0912 555 800"])))
    assert "0912 555 800" in text(client.get("/notices/phone/"))
    page = text(client.get(f"/notices/phone/{row.to_hash}/"))
    assert "Simulated: nobody real gets this" in page
    assert "Hello." in page

    client.post(f"/notices/phone/{row.to_hash}/answer/", {"text": "STOP", "channel": "sms"})

    assert StoppedAddress.objects.get().address_hash == row.to_hash
    assert "STOP" in text(client.get(f"/notices/phone/{row.to_hash}/"))
    assert "Ana Torres" in text(client.get("/notices/answers/"))


def test_costs_are_counted_by_channel_and_day(as_role):
    client = as_role("commander")
    play(notice(values={"text": "長" * 100}))
    page = text(client.get("/notices/costs/?days=7"))

    assert "0.06" in page
    assert "USD" in page
    assert text(client.get("/notices/costs/?days=nonsense"))


@pytest.mark.parametrize("told", [{"first": "pigeon"}, {"language": "xx"}, {"stopped": ["in_app"]}])
def test_a_wish_that_cannot_be_is_told_and_nothing_is_noted(as_role, client, told):
    ana = person()
    answer = as_role("tracer").post(f"/notices/people/{ana}/prefer/", told)
    own = client.post("/notices/mine/", {"code": issue_return_code(ana, by="test", at=NOW), "prefer": "yes"} | told)

    assert (answer.status_code, own.status_code) == (422, 422)
    assert "is not one of the available choices" in answer.content.decode()
    assert "is not one of the available choices" in own.content.decode()
    assert not Preference.objects.exists()


def test_a_call_without_a_word_on_how_it_went_changes_nothing(as_role):
    client = as_role("tracer")
    row = play(notice(channels=("voice", "sms")))
    page = client.post(f"/notices/desk/{row.id}/call/", {"note": "x"}, follow=True)

    row.refresh_from_db()
    assert "Say whether somebody was reached" in text(page)
    assert (row.channel, row.state, row.step) == ("voice", "sent", 0)
    assert "No letter is chosen" in text(client.post("/notices/desk/posted/", {}, follow=True))


def test_what_was_opened_asks_for_no_page_that_there_is_not(as_role):
    client = as_role("tracer")
    row = notice()
    page = text(client.post(f"/notices/{row.id}/open/"))

    assert "Hello." in page
    assert f'hx-get="/notices/{row.id}/"' in page
    assert "live:notices" not in page.split('id="notice"')[0]


def test_a_filter_that_is_none_and_an_answer_that_is_too_long_are_told(as_role):
    client = as_role("tracer")
    row = play(notice(person(phones=["0912 555 801"])))
    assert "is not one of the available choices" in text(client.get("/notices/?state=lost"))

    page = client.post(f"/notices/phone/{row.to_hash}/answer/", {"text": "x" * 501, "channel": "sms"}, follow=True)

    assert "An answer has 1 to 500 letters" in text(page)


def test_ways_beyond_the_three_that_the_form_shows_stay(as_role):
    ana, client = person(), as_role("tracer")
    services.prefer(ana, channels=["email", "sms", "voice", "letter"], by="test", at=NOW)
    told = {"first": "email", "second": "sms", "third": "voice"}

    client.post(f"/notices/people/{ana}/prefer/", told | {"language": "es"})
    assert Preference.objects.get().channels == ["email", "sms", "voice", "letter"]
    client.post(f"/notices/people/{ana}/prefer/", told | {"third": ""})
    assert Preference.objects.get().channels == ["email", "sms"]
