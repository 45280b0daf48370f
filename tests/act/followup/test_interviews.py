"""The talk with a case: what is known helps to ask, what is told is stored once and can be taken back."""

from datetime import time, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from epipolis.act.followup import queries, services
from epipolis.act.followup.models import Exposure, FollowUp, Interview
from epipolis.act.followup.services import Answer, Been, InterviewError, Named, StaleAnswersError, Told
from epipolis.core import clock
from epipolis.core.models import AuditEntry
from epipolis.sense.cases import services as cases
from epipolis.sense.checkins.models import Source, Visit
from epipolis.sense.people.models import Person

from .factories import NOW, case, exposed, person, place, visit

pytestmark = pytest.mark.django_db
DAY = clock.local_day(NOW)


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


def told(source, **facts):
    source.refresh_from_db()
    return Told(**({"revision": source.revision} | facts))


def named(key="a", **facts):
    values = {"given_name": "Bo", "family_name": "Chen", "phone": "+886 912 000 001", "last_contact": DAY - timedelta(days=2)}
    return Named(key=key, **(values | facts))


def finish(started, **facts):
    return services.finish_interview(started.client_id, told(started.case, **facts), by="test", at=NOW)


@pytest.fixture
def started(tina):
    return services.start_interview(case().id, by=tina, at=NOW)


def test_whom_a_case_names_is_followed_from_then_on(started):
    finish(started, contacts=[named(household=True, risk="high", relation="brother"), named("b", given_name="", phone="")])

    one, other = Exposure.objects.order_by("id")
    assert (one.origin, one.relation, one.case_id, one.follow_up.state) == ("household", "brother", started.case_id, "open")
    assert (other.origin, other.risk) == ("interview", "medium")
    assert queries.interviewed_at([started.case_id]) == {started.case_id: NOW}


def test_the_same_interview_twice_is_one(started):
    first = finish(started, contacts=[named()], route=[Been(DAY, "x", place().id)])
    before = (Person.objects.count(), Exposure.objects.count(), Visit.objects.count(), FollowUp.objects.count())

    again = services.finish_interview(started.client_id, told(started.case, contacts=[named("z")]), by="test", at=NOW)

    assert again.id == first.id
    assert (Person.objects.count(), Exposure.objects.count(), Visit.objects.count(), FollowUp.objects.count()) == before


def test_a_place_without_times_is_possible_and_one_with_times_is_certain(started):
    spot = place()
    route = [
        Been(DAY - timedelta(days=1), "all day", spot.id),
        Been(DAY - timedelta(days=2), "bar", spot.id, time(23), time(1)),
    ]
    finish(started, route=[*route, Been(DAY, "Aunt’s garden")])

    whole, night = Visit.objects.filter(source=Source.INTERVIEW).order_by("exact")
    assert (whole.exact, whole.left - whole.arrived) == (False, timedelta(days=1))
    assert (night.exact, night.left - night.arrived) == (True, timedelta(hours=2))
    row = Interview.objects.get()
    assert (row.answers["stops"], row.answers["unplaced"]) == (2, 1)
    assert queries.words_of(row)["unplaced"] == [f"{DAY} Aunt’s garden"]


def test_names_and_words_are_nowhere_in_clear(started):
    finish(started, contacts=[named()], note="Bo Chen coughs", days={DAY: "lunch with Bo Chen"})

    row = Interview.objects.values().get()
    kept = " ".join(str(bytes(value) if isinstance(value, memoryview) else value) for value in row.values())
    assert "Chen" not in kept
    assert "912" not in kept
    assert queries.words_of(Interview.objects.get())["days"] == {str(DAY): "lunch with Bo Chen"}


def test_answers_that_others_gave_meanwhile_stay_where_the_interviewer_gave_none(started):
    before = told(started.case).revision
    cases.revise_case(started.case_id, {"symptoms": {"cough": "yes"}}, by="lab", at=NOW)

    services.finish_interview(started.client_id, Told(before, symptoms={"fever": "yes"}), by="test", at=NOW)

    started.case.refresh_from_db()
    assert started.case.symptoms == {"cough": "yes", "fever": "yes"}


def test_two_who_answer_one_question_otherwise_are_asked(started):
    before = told(started.case).revision
    cases.revise_case(started.case_id, {"symptoms": {"fever": "no"}}, by="lab", at=NOW)

    with pytest.raises(StaleAnswersError) as found:
        services.finish_interview(
            started.client_id, Told(before, symptoms={"fever": "yes"}, contacts=[named()]), by="test", at=NOW
        )
    assert found.value.theirs == {"symptoms": {"fever": "no"}}
    assert not Exposure.objects.exists()


def test_a_line_that_cannot_be_is_named_and_nothing_is_stored(started):
    with pytest.raises(InterviewError) as found:
        finish(started, symptoms={"fever": "yes"}, contacts=[named(), named("b", phone="1")])

    assert (found.value.part, found.value.number, found.value.field) == ("contacts", 1, "phone")
    started.case.refresh_from_db()
    assert (Exposure.objects.count(), started.case.symptoms) == (0, {})


def test_a_day_of_contact_in_the_future_is_refused(started):
    with pytest.raises(InterviewError, match="last_contact"):
        finish(started, contacts=[named(last_contact=DAY + timedelta(days=1))])


def test_a_contact_can_be_taken_back_and_named_again(started):
    finish(started, contacts=[named()])
    row = FollowUp.objects.get()
    until = row.until

    assert services.set_named(started.client_id, "a", is_contact=False, by="test", at=NOW)
    row.refresh_from_db()
    assert row.state != "open"
    assert not services.set_named(started.client_id, "a", is_contact=False, by="test", at=NOW)
    assert services.set_named(started.client_id, "a", is_contact=True, by="test", at=NOW)
    row.refresh_from_db()
    assert (row.state, row.until) == ("open", until)


def test_the_days_to_remember_show_where_somebody_checked_in(started):
    spot = place()
    visit(started.case.person_id, spot, NOW - timedelta(hours=30))

    days = queries.days_to_remember(started.case, NOW)

    assert days[0].day >= days[-1].day
    assert [one.day for one in days if one.places] == [clock.local_day(Visit.objects.get().arrived)]


def test_the_list_has_the_oldest_first_and_says_who_has_it(tracer, tina, staff):
    old, new = case(known_at=NOW - timedelta(days=3)), case(known_at=NOW - timedelta(hours=1))
    case(known_at=NOW - timedelta(days=40))
    services.start_interview(old.id, by=staff("tracer", name="otto"), at=NOW)
    done = services.start_interview(case().id, by=tina, at=NOW)
    finish(done)

    shown = tracer.get("/followup/interviews/").content.decode()

    assert list(queries.to_interview(NOW)) == [old, new]
    assert shown.index(f"case-{old.id}") < shown.index(f"case-{new.id}")
    assert "otto" in shown


def test_an_interview_can_be_taken_over_and_stays_one(started, staff):
    otto = staff("tracer", name="otto")
    taken = services.start_interview(started.case_id, by=otto, at=NOW)
    assert (taken.id, taken.user) == (started.id, otto)
    assert AuditEntry.objects.filter(action="followup.interview").count() == 2


def fields(source, **more):
    source.refresh_from_db()
    return {
        "revision": source.revision,
        "contacts-TOTAL_FORMS": "1", "contacts-INITIAL_FORMS": "0", "route-TOTAL_FORMS": "1", "route-INITIAL_FORMS": "0",
        "contacts-0-key": "k1", "contacts-0-given_name": "Bo", "contacts-0-family_name": "Chen", "contacts-0-risk": "high",
        "contacts-0-last_contact": str(DAY - timedelta(days=1)), "symptoms-fever": "yes",
    } | more  # fmt: skip


def test_the_guide_greets_in_the_language_of_the_person_and_stores_what_is_told(tracer, started):
    Person.objects.filter(id=started.case.person_id).update(language="es")
    address = reverse("followup:interview", args=[started.client_id])
    shown = tracer.get(address).content.decode()
    assert 'lang="es"' in shown
    assert "<details open" in shown.split("<summary>Español")[0][-60:]

    spot = place()
    answer = tracer.post(
        address,
        fields(
            started.case,
            **{"route-0-place": f"{spot.name} [{spot.code}]", "route-0-day": str(DAY), "needs": "food", "note": "x"},
        ),
    )

    assert answer.status_code == 302
    row = Interview.objects.get()
    assert (row.answers["stops"], row.answers["needs"], row.answers["symptoms"]) == (1, ["food"], {"fever": "yes"})
    page = tracer.get(address).content.decode()
    assert "Chen" in page
    tracer.post(reverse("followup:name_contact", args=[started.client_id, "k1"]))
    assert Exposure.objects.get().gone == NOW


def test_what_is_wrong_in_the_guide_is_shown_at_its_line(tracer, started):
    address = reverse("followup:interview", args=[started.client_id])
    wrong = {"contacts-0-phone": "1", "route-0-place": "x"}

    for more, text in ((wrong, "A place needs its day"), ({"contacts-0-phone": "1"}, "must have 3 to 20 digits")):
        answer = tracer.post(address, fields(started.case, **more))
        assert answer.status_code == 422
        assert text in answer.content.decode()
    assert not Exposure.objects.exists()


def test_the_guide_shows_what_somebody_else_answered_meanwhile(tracer, started):
    sent = fields(started.case)
    cases.revise_case(started.case_id, {"symptoms": {"fever": "no"}}, by="lab", at=NOW)
    address = reverse("followup:interview", args=[started.client_id])

    answer = tracer.post(address, sent)

    assert answer.status_code == 409
    assert "Fever or history of fever: <b>no</b>" in answer.content.decode() or "<b>no</b>" in answer.content.decode()
    assert tracer.post(address, fields(started.case)).status_code == 302


def test_places_are_proposed_as_they_are_written(tracer):
    spot = place()
    found = tracer.get("/followup/interviews/places/", {"q": spot.name[:4]}).json()["places"]
    assert f"{spot.name} [{spot.code}]" in [one["text"] for one in found]
    assert queries.place_told(f"{spot.name} [{spot.code}]") == spot.pk
    assert queries.place_told(spot.name.upper()) == spot.pk
    assert queries.place_told("nowhere [NO]") is None


def check(row, **more):
    return {"day": str(DAY), "part": "0", "symptom_fever": "no", "client_id": str(uuid4()), "revision": row.revision} | more


def test_a_draft_sent_twice_is_stored_once(tracer):
    row = exposed(last_contact=DAY - timedelta(days=2))
    sent = check(row)
    for _ in range(2):
        answer = tracer.post(f"/followup/drafts/check/{row.id}/", sent)
        assert (answer.status_code, answer.json()["state"]) == (200, "stored")
    assert queries.checks_of(row).count() == 1


def test_a_draft_against_a_changed_record_shows_both_sides_and_waits(tracer):
    row = exposed(last_contact=DAY - timedelta(days=2))
    sent = check(row, symptom_fever="yes", answered=(NOW - timedelta(hours=1)).isoformat())
    services.record_check(row.id, Answer("seen_ok", DAY, symptoms={"fever": "no"}), by="otto", at=NOW - timedelta(minutes=9))

    answer = tracer.post(f"/followup/drafts/check/{row.id}/", sent)

    assert (answer.status_code, answer.json()["state"], answer.json()["by"]) == (409, "conflict", "otto")
    sides = {one["what"]: (one["mine"], one["theirs"]) for one in answer.json()["sides"]}
    assert sides == {"Result": ("seen, with symptoms", "seen, well"), "Fever": ("yes", "no")}
    assert queries.checks_of(row).count() == 1
    assert tracer.post(f"/followup/drafts/check/{row.id}/", sent | {"settled": "yes"}).json()["state"] == "stored"
    assert queries.checks_of(row).count() == 2


def test_a_draft_for_a_follow_up_that_ended_meanwhile_is_shown(tracer):
    row = exposed(last_contact=DAY - timedelta(days=2))
    sent = {"outcome": "no_answer", "client_id": str(uuid4()), "revision": row.revision}
    services.end_follow_up(row.id, state="cancelled", reason="moved away", by="otto", at=NOW)

    answer = tracer.post(f"/followup/drafts/attempt/{row.id}/", sent)

    assert (answer.status_code, answer.json()["sides"][-1]["theirs"]) == (409, "cancelled")


def test_a_call_keeps_the_time_at_which_it_was_made(tracer):
    row = exposed(last_contact=DAY - timedelta(days=2), at=NOW - timedelta(hours=9))
    moment = NOW - timedelta(hours=3)
    sent = {"outcome": "no_answer", "client_id": str(uuid4()), "revision": row.revision, "tried_at": moment.isoformat()}

    assert tracer.post(f"/followup/drafts/attempt/{row.id}/", sent).status_code == 200
    assert queries.attempts_of(row).get().at == moment


@pytest.mark.parametrize(
    ("kind", "target", "status"), [("check", "0", 404), ("check", "x", 404), ("interview", "x", 404), ("what", "1", 404)]
)
def test_a_draft_of_nothing_is_refused(tracer, kind, target, status):
    assert tracer.post(f"/followup/drafts/{kind}/{target}/", {}).status_code == status


def test_an_interview_as_a_draft_is_stored_refused_or_shown(tracer, started):
    address = f"/followup/drafts/interview/{started.client_id}/"
    sent = fields(started.case)
    assert tracer.post(address, sent | {"contacts-0-phone": "1"}).json()["state"] == "refused"
    cases.revise_case(started.case_id, {"symptoms": {"fever": "no"}}, by="lab", at=NOW)

    found = tracer.post(address, sent).json()

    assert (found["state"], [(one["mine"], one["theirs"]) for one in found["sides"]]) == ("conflict", [("yes", "no")])
    assert tracer.post(address, sent | {"revision": found["revision"]}).json()["state"] == "stored"
    assert tracer.post(address, sent).json()["state"] == "stored"
    assert Exposure.objects.count() == 1


def test_the_indicators_are_told_to_programs(tracer):
    exposed(person(), at=NOW - timedelta(days=2))
    found = tracer.get("/api/v1/followup/indicators").json()
    assert {one["name"] for one in found["items"]} == set(queries.INDICATORS)
    [reached] = [one for one in found["items"] if one["name"] == "reached"]
    assert (reached["met"], reached["of"], reached["by_day"]) == (0, 1, {str(DAY - timedelta(days=2)): [0, 1]})
    assert tracer.get("/api/v1/followup/indicators?since=2021-03-02&until=2021-03-01").status_code == 422


def test_old_interviews_are_forgotten(started):
    services.forget_follow_ups(NOW + timedelta(days=1), NOW + timedelta(days=1))
    assert not Interview.objects.exists()
