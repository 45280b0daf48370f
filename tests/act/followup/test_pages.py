"""The pages of follow-up: what they show, to whom, at which price."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from epipolis.act.followup import services
from epipolis.act.followup.models import Attempt, Change, DailyCheck, FollowUp, Handover, TeamMember
from epipolis.act.followup.services import Answer
from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.sense.people import services as people

from .factories import NOW, case, exposed, person, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def tina(staff):
    return staff("tracer", name="tina")


@pytest.fixture
def tracer(client, tina):
    client.force_login(tina)
    return client


def named(**fields):
    found, _ = people.find_or_make_person([], by="test", at=NOW, given_name="Ana", family_name="Torres", **fields)
    return found


def page(client, url, status=200):
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def url(name, row):
    return reverse(f"followup:{name}", args=[row.id])


def test_the_list_says_whom_to_call_why_and_what_to_ask(tracer):
    source = case()
    exposed(named(phones=["+999 123 456"], language="es"), source)

    shown = page(tracer, "/followup/")

    for text in ("Ana Torres", "tel:+999 123 456", "New, high risk", source.source_key, "Tell that they met a case", ">es<"):
        assert text in shown
    assert list(AuditEntry.objects.filter(action="people.read").values_list("actor", "detail__why")) == [("tina", "contacts")]


def test_without_the_right_to_names_pseudonyms_are_shown_and_nothing_is_read(client, staff):
    row = exposed(named())
    client.force_login(staff("epidemiologist"))

    assert "Torres" not in page(client, "/followup/")
    assert "Torres" not in page(client, url("contact", row))
    assert AuditEntry.objects.filter(action="people.read").count() == 0


def test_a_promise_is_shown_in_its_own_words(tracer):
    row = exposed(named())
    services.record_attempt(
        row.id, outcome="call_back", note="<b>after work</b>", call_back_at=NOW + timedelta(minutes=5), by="tina", at=NOW
    )

    shown = page(tracer, "/followup/")
    assert "&lt;b&gt;after work&lt;/b&gt;" in shown
    assert "Promised a call now" in shown


@pytest.mark.parametrize(
    "address", ["/followup/", "/followup/?who=nobody", "/followup/unknown/", "/followup/handovers/", "/followup/teams/"]
)
def test_pages_say_something_useful_when_there_is_nothing(tracer, address):
    assert 'class="empty"' in page(tracer, address)


@pytest.mark.parametrize(
    "query", ["lane=x", "who=%00", "district=9999999999999999999", "page=0", "page=-1", "page=²", "risk=1"]
)
def test_strange_filters_do_no_harm(tracer, query):
    exposed()

    assert "work-list" in page(tracer, f"/followup/?{query}")


def test_the_contact_page_explains_the_end_and_shows_every_day(tracer):
    row = exposed(named(), last_contact=date(2021, 3, 15))
    services.record_check(row.id, Answer("seen_ok", date(2021, 3, 20)), by="tina", at=NOW)

    shown = page(tracer, url("contact", row))

    assert "because the last contact was on 2021-03-15" in shown
    assert shown.count('<li class="') >= 14
    assert "seen_ok today" in shown
    assert AuditEntry.objects.filter(action="people.read", detail__why="contact").count() == 1


def test_an_answer_is_noted_from_the_page(tracer):
    row = exposed()
    body = {"day": "2021-03-20", "temperature": "36.6", "symptom_cough": "yes", "symptom_fever": "no"}
    answer = tracer.post(url("check", row), body)

    assert answer.status_code == 302
    assert DailyCheck.objects.values_list("state", "symptoms", "by").get() == (
        "seen_ill",
        {"cough": "yes", "fever": "no"},
        "tina",
    )


def test_a_fever_by_the_thermometer_is_a_symptom(tracer):
    tracer.post(url("check", exposed()), {"day": "2021-03-20", "temperature": "38.4"})

    assert DailyCheck.objects.get().state == "seen_ill"


@pytest.mark.parametrize(
    "body", [{}, {"day": "2021-03-20", "temperature": "99"}, {"day": "2030-01-01"}, {"day": "2021-03-20", "note": "a\0"}]
)
def test_bad_answers_are_refused_and_said_on_the_page(tracer, body):
    assert tracer.post(url("check", exposed()), body).status_code == 422
    assert DailyCheck.objects.count() == 0


def test_a_call_from_the_list_goes_back_to_the_list(tracer):
    row = exposed()
    answer = tracer.post(url("attempt", row), {"outcome": "no_answer", "back": "list"})

    assert (answer["Location"], Attempt.objects.get().by) == ("/followup/", "tina")


def test_a_call_back_by_the_citys_clock(tracer):
    row = exposed()
    tracer.post(url("attempt", row), {"outcome": "call_back", "call_back_at": "2021-03-20T17:30"})

    row.refresh_from_db()
    assert row.promised_at.astimezone(clock.zone()).hour == 17


def test_changing_the_end_asks_about_the_quarantine_and_can_be_undone(tracer):
    row = exposed()
    tracer.post(
        url("quarantine", row),
        {"starts": "2021-03-16", "until": "2021-03-29", "order": "official", "ordered_on": "2021-03-17", "reason": "risk"},
    )
    answer = tracer.post(url("end", row), {"until": "2021-03-25", "reason": "vaccinated"}, follow=True)

    assert "Should it be changed too?" in answer.content.decode()
    line = Change.objects.get(kind="end")
    tracer.post(reverse("followup:undo", args=[row.id, line.id]))
    row.refresh_from_db()
    assert row.until == date(2021, 3, 29)


def test_a_change_of_another_contact_is_not_found(tracer):
    one, other = exposed(), exposed()
    services.set_end(one.id, until=date(2021, 3, 25), reason="x", by="tina", at=NOW)

    assert tracer.post(reverse("followup:undo", args=[other.id, Change.objects.get().id])).status_code == 404


def test_ending_and_opening_again(tracer):
    row = exposed()
    assert tracer.post(url("finish", row), {"state": "cancelled", "reason": ""}).status_code == 422
    tracer.post(url("finish", row), {"state": "cancelled", "reason": "moved away"})
    assert "moved away" in page(tracer, url("contact", row))
    assert tracer.post(url("reopen", row), {}).status_code == 422
    tracer.post(url("reopen", row), {"reason": "came back"})

    row.refresh_from_db()
    assert row.state == "open"


def test_taking_and_giving(tracer, tina, staff):
    row, bao = exposed(), staff("tracer", name="bao")
    tracer.post(url("assign", row), {"to": "me"})
    assert FollowUp.objects.get().assigned_to == tina
    tracer.post(url("assign", row), {"to": bao.pk})
    assert FollowUp.objects.get().assigned_to == bao
    assert tracer.post(url("assign", row), {"to": "999999"}).status_code == 422
    tracer.post(url("assign", row), {"to": ""})
    assert FollowUp.objects.get().assigned_to is None


def test_a_tracer_in_a_team_sees_their_own_list_first(tracer, tina):
    team = services.save_team("North", by="lead", at=NOW)
    services.save_member(tina, team, languages=[], districts=[], most=1, by="lead", at=NOW)
    mine, other = exposed(), exposed()

    shown = page(tracer, "/followup/")
    assert (f"contact-{mine.id}" in shown, f"contact-{other.id}" in shown) == (True, False)
    assert f"contact-{other.id}" in page(tracer, "/followup/?who=all")


def test_teams_are_made_and_what_nobody_has_is_given_out(tracer, tina):
    exposed()
    tracer.post("/followup/teams/save/", {"name": "North"})
    body = {"user": tina.pk, "team": TeamMember._meta.get_field("team").related_model.objects.get().id}
    tracer.post("/followup/teams/members/", body | {"languages": "en, zh-Hant", "most": "20", "is_active": "on"})
    tracer.post("/followup/teams/assign/")

    assert TeamMember.objects.get().languages == ["en", "zh-Hant"]
    assert FollowUp.objects.get().assigned_to == tina
    assert "en, zh-Hant" in page(tracer, "/followup/teams/")


def test_a_hand_over_waits_until_it_is_taken(tracer, tina, staff, client):
    bao = staff("tracer", name="bao")
    services.assign(exposed().id, to=tina, by="lead", at=NOW)
    tracer.post("/followup/handovers/give/", {"taker": bao.pk, "note": "mind the dog"})
    assert FollowUp.objects.get().assigned_to == tina
    client.force_login(bao)
    assert "1 hand-over waits" in page(client, "/followup/?who=all")
    assert "mind the dog" in page(client, "/followup/handovers/")
    client.post(reverse("followup:accept", args=[Handover.objects.get().id]))

    assert FollowUp.objects.get().assigned_to == bao


def test_the_printed_list_holds_names_and_each_is_written_down(tracer):
    exposed(named())

    assert "Ana Torres" in page(tracer, "/followup/print/")
    assert AuditEntry.objects.filter(action="followup.print").count() == 1


def test_a_contact_is_added_by_hand(tracer):
    source = case()
    body = {"case": source.source_key, "given_name": "Bo", "phone": "+999 12345", "risk": "high", "last_contact": "2021-03-14"}
    answer = tracer.post("/followup/add/", body)

    row = FollowUp.objects.get()
    assert (answer["Location"], row.until) == (url("contact", row), date(2021, 3, 28))
    assert tracer.post("/followup/add/", body | {"case": "nothing"}).status_code == 422
    assert tracer.post("/followup/add/", {"case": source.source_key, "risk": "high"}).status_code == 422


def test_visitors_who_cannot_be_called_are_shown_honestly(tracer):
    row = services.add_exposure(told(None), by="test", at=NOW)

    assert "1 visitor met a case and cannot be called" in page(tracer, "/followup/")
    assert url("contact", row) in page(tracer, "/followup/unknown/")
    assert "nobody can be called" in page(tracer, url("contact", row))


def link_of(row):
    return reverse("followup:self_report", args=[services.open_link(row.id, by="tina", at=NOW)])


def test_a_person_reports_by_the_link_without_a_name_on_the_page(client):
    row = exposed(named())
    address = link_of(row)

    shown = page(client, address)
    assert "How are you today?" in shown
    assert "Torres" not in shown
    assert "Thank you" in client.post(address, {"all_well": "yes"}).content.decode()
    assert set(DailyCheck.objects.get().symptoms.values()) == {"no"}
    assert "You have told us today" in page(client, address)


def test_symptoms_by_the_link_promise_a_call(client):
    address = link_of(exposed())
    shown = client.post(address, {"symptom_fever": "yes", "temperature": "38,5"}).content.decode()

    assert "Somebody will call you today" in shown
    assert FollowUp.objects.get().promised_at == NOW


@pytest.mark.parametrize("body", [{}, {"temperature": "hot"}, {"temperature": "99"}, {"symptom_fever": "perhaps"}])
def test_an_empty_or_strange_report_is_asked_again(client, body):
    assert client.post(link_of(exposed()), body).status_code == 422
    assert DailyCheck.objects.count() == 0


def test_a_wrong_link_opens_nothing_and_an_ended_one_says_so(client):
    row = exposed()
    address = link_of(row)
    assert "opens nothing" in page(client, reverse("followup:self_report", args=["x" * 24]), 404)
    services.end_follow_up(row.id, state="cancelled", reason="x", by="tina", at=NOW)

    assert "over" in page(client, address)


def test_the_link_is_shown_once(tracer):
    row = exposed()
    shown = tracer.post(url("link", row)).content.decode()

    assert "/followup/me/" in shown
    assert "/followup/me/" not in page(tracer, url("contact", row))


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
def test_contacts_that_do_not_exist_are_not_found(tracer, number):
    assert tracer.get(reverse("followup:contact", args=[number])).status_code == 404
    for name in ("check", "attempt", "end", "quarantine", "finish", "reopen", "assign", "link", "close_link"):
        assert tracer.post(reverse(f"followup:{name}", args=[number]), {"to": "me"}).status_code == 404


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_downloads_hold_no_names(tracer, kind):
    exposed(named())
    answer = tracer.get(reverse("followup:list", args=[kind]))

    assert answer.status_code == 200
    assert b"Torres" not in b"".join(answer.streaming_content)


@pytest.mark.parametrize("role", ["registrar", "operator", "auditor", "kiosk", "partner"])
def test_other_roles_see_none_of_it(client, staff, role):
    row = exposed()
    client.force_login(staff(role))

    assert {client.get(address).status_code for address in ("/followup/", url("contact", row), "/followup/unknown/")} == {403}


@pytest.mark.parametrize("name", ["work_list", "contact"])
def test_pages_need_the_same_queries_for_any_number_of_rows(tracer, django_assert_max_num_queries, name):
    source, who = case(), person()
    row = exposed(who, source)
    address = reverse("followup:work_list") if name == "work_list" else url("contact", row)
    page(tracer, address)
    with django_assert_max_num_queries(45) as few:
        page(tracer, address)
    for number in range(15):
        exposed(person(), source)
        exposed(who, source, last_contact=date(2021, 3, 1 + number))
        services.record_attempt(row.id, outcome="reached", by="tina", at=NOW)
    with django_assert_max_num_queries(45) as many:
        page(tracer, address)

    assert len(many) <= len(few) + 3  # names that were not read yet: one question, however many


def test_tiles_count_calls(tracer):
    from epipolis.act.followup.module import followed, to_call

    exposed()
    services.add_exposure(told(None), by="test", at=NOW)

    assert to_call(NOW) == {"value": 1, "note": "1 new with high risk"}
    assert followed(NOW) == {"value": 1, "note": "and 1 visitors who cannot be called"}
