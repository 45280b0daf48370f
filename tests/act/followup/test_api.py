"""Follow-up for programs: the same rules, no names."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from epipolis.act.followup import queries, services
from epipolis.act.followup.models import Change, DailyCheck, FollowUp
from epipolis.act.followup.services.results import note_result
from epipolis.core import clock
from epipolis.sense.labs.models import LabMessage, Laboratory, LabResult
from epipolis.sense.people import services as people

from .factories import NOW, case, exposed, person

pytestmark = pytest.mark.django_db
API = "/api/v1/followup"


@pytest.fixture(autouse=True)
def noon():
    with clock.fixed(NOW):
        yield


@pytest.fixture
def api(client, staff):
    client.force_login(staff("tracer", name="tina"))
    session = client.session
    session["second_factor"] = "test"
    session.save()
    return client


def post(client, path, body, **headers):
    return client.post(f"{API}{path}", body, content_type="application/json", headers=headers)


def test_the_list_says_why_and_what_to_ask_and_holds_no_name(api):
    who, _ = people.find_or_make_person([], by="test", at=NOW, given_name="Ana", family_name="Torres")
    row = exposed(who)
    answer = api.get(f"{API}/")

    [item] = answer.json()["items"]
    assert (item["lane"], item["follow_up"]["id"], item["follow_up"]["until"]) == ("new", row.id, "2021-03-29")
    assert "because the last contact was on 2021-03-15" in item["follow_up"]["reasons"][0]
    assert answer.json()["counts"] == {"promised": 0, "new": 1, "overdue": 0, "today": 0}
    assert "Torres" not in answer.content.decode()


def test_an_exposure_is_told_once(api):
    who, source = person(), case()
    body = {"person": str(who.id), "case": str(source.id), "reference": "app-1", "last_contact": "2021-03-18"}
    first, again = post(api, "/exposures", body), post(api, "/exposures", body)

    assert (first.status_code, first.json()["until"]) == (200, "2021-04-01")
    assert first.json() == again.json()
    assert post(api, "/exposures", body | {"reference": "x", "person": str(uuid4())}).status_code == 422


def test_a_draft_from_a_phone_without_network_is_stored_once_and_a_conflict_named(api):
    row = exposed()
    draft = {"state": "seen_ok", "day": "2021-03-20", "client_id": str(uuid4()), "answered": "2021-03-20T03:00:00Z"}
    first, again = post(api, f"/{row.id}/checks", draft), post(api, f"/{row.id}/checks", draft)
    assert (first.json()["is_new"], again.json()["is_new"], DailyCheck.objects.count()) == (True, False, 1)
    other = {"state": "seen_ill", "day": "2021-03-20", "symptoms": {"fever": "yes"}, "client_id": str(uuid4())}
    third = post(api, f"/{row.id}/checks", other).json()

    assert (third["holds"], third["conflict"]["state"]) == (True, "seen_ok")


def test_rules_that_are_broken_are_named_by_field(api):
    row = exposed()
    answer = post(api, f"/{row.id}/checks", {"state": "seen_ok", "day": "2021-03-25"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "day")
    assert post(api, f"/{row.id}/attempts", {"outcome": "call_back"}).json()["errors"][0]["field"] == "call_back_at"
    assert post(api, "/987654321/checks", {"state": "seen_ok", "day": "2021-03-20"}).status_code == 404


def test_an_end_is_set_with_a_reason(api):
    row = exposed()
    answer = post(api, f"/{row.id}/end", {"until": "2021-04-02", "reason": "to be sure"})

    assert (answer.json()["follow_up"]["is_extended"], answer.json()["asks"]) == (True, "")
    assert post(api, f"/{row.id}/end", {"until": "2021-04-02", "reason": ""}).status_code == 422


def test_a_repeated_request_with_its_key_is_done_once(api):
    row = exposed()
    for _ in range(2):
        post(api, f"/{row.id}/attempts", {"outcome": "no_answer"}, **{"Idempotency-Key": "a"})

    assert row.attempts.count() == 1


def test_an_epidemiologist_reads_and_does_not_write(client, staff):
    row = exposed()
    client.force_login(staff("epidemiologist"))
    session = client.session
    session["second_factor"] = "test"
    session.save()

    assert client.get(f"{API}/{row.id}").status_code == 200
    assert post(client, f"/{row.id}/attempts", {"outcome": "reached"}).status_code == 403


def result(who, outcome, **fields):
    laboratory = Laboratory.objects.create(name="Lab", code=str(uuid4()), known_at=NOW)
    message = LabMessage.objects.create(laboratory=laboratory, message_id=str(uuid4()), received=NOW)
    values = {"disease": "covid19", "status": "final", "sampled_at": NOW, "received": NOW, "known_at": NOW, "kind": "pcr"}
    values |= {"message": message, "ref": str(uuid4()), "source": "x", "person": who, "result": outcome}
    return LabResult.objects.create(**(values | fields))


def test_a_positive_result_calls_for_a_call_now():
    who = person()
    row = exposed(who)
    found = result(who, "positive", status="preliminary")
    note_result(found.id, at=NOW)
    note_result(found.id, at=NOW + timedelta(hours=1))

    assert [(one.row.id, one.lane) for one in queries.work_list(NOW).rows] == [(row.id, "promised")]
    assert Change.objects.filter(kind="test").count() == 1


def test_a_negative_result_is_shown_and_shortens_nothing():
    who = person()
    row = exposed(who, last_contact=date(2021, 3, 12))
    note_result(result(who, "negative").id, at=NOW)
    note_result(result(who, "negative", status="preliminary").id, at=NOW)

    assert queries.negative_tests(row) == [date(2021, 3, 20)]
    assert FollowUp.objects.get().until == date(2021, 3, 26)


def test_under_a_rule_with_tests_a_negative_one_allows_an_earlier_end_that_somebody_decides(settings):
    settings.EPIPOLIS_JURISDICTION = "US"
    who = person()
    row = exposed(who, last_contact=date(2021, 3, 14))
    before = [one["tested"] for one in queries.offers(row, NOW) if one["kind"] == "earlier"]
    note_result(result(who, "negative").id, at=NOW)
    after = [(one["until"], one["tested"]) for one in queries.offers(row, NOW) if one["kind"] == "earlier"]

    assert before == [None, None]
    assert after == [(date(2021, 3, 24), None), (date(2021, 3, 21), date(2021, 3, 20))]
    assert services.set_end(row.id, until=date(2021, 3, 21), reason="negative test", by="tina", at=NOW).row.is_reduced
