"""Alarms as tasks: message, calls, a visit; every step visible to the person; no consequence without people."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from epipolis.act.notices.models import Notice
from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Alarm, ShiftNote
from epipolis.act.quarantine.services import OrderError
from epipolis.core import clock
from epipolis.core.models import AuditEntry

from .factories import NOW, local
from .fences import AWAY, enrolled, walk

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def left():
    """Somebody who seems to have left eleven minutes after noon."""
    row, phone = enrolled()
    stream = [*walk(phone, (1, 6)), *walk(phone, (11, 16, 21), AWAY)]
    services.record_positions(stream, by="test", at=NOW + 25 * MINUTE)
    return row, Alarm.objects.get()


def silent(*, at=NOW):
    row, phone = enrolled()
    services.record_positions(walk(phone, (0,)), by="test", at=NOW)
    services.look_for_silence(at + 35 * MINUTE)
    return row, Alarm.objects.get()


def again(one):
    return queries.alarm(one.id)


def test_care_comes_first_by_itself_then_a_call_every_quarter_and_a_visit_after_an_hour(deliver_events):
    _, one = silent()
    start = one.known_at

    services.climb_ladders(start)
    services.climb_ladders(start)
    assert Notice.objects.get(dedupe_key=f"alarm:{one.id}:care").template == "fence_silent"
    assert (again(one).next_step, again(one).due) == ("call", start + 15 * MINUTE)

    services.note_call(one.id, result="no_answer", by="tina", at=start + 15 * MINUTE)
    assert (again(one).state, again(one).due) == ("taken", start + 30 * MINUTE)
    services.note_call(one.id, result="no_answer", by="tina", at=start + 30 * MINUTE)
    services.climb_ladders(start + 46 * MINUTE)
    assert again(one).next_step == "call"
    services.climb_ladders(start + 61 * MINUTE)
    assert again(one).next_step == "visit"

    services.note_visit(one.id, result="found", by="tina", at=start + 90 * MINUTE)
    services.close_alarm(one.id, outcome="phone", by="tina", at=start + 95 * MINUTE)
    assert [step.kind for step in queries.steps_of([one])[one.id]] == [
        "raised", "message", "call", "call", "visit_due", "visit", "closed",
    ]  # fmt: skip
    assert AuditEntry.objects.filter(action="quarantine.alarm_closed", person=again(one).order.person_id).exists()


def test_who_was_at_the_place_before_they_left_is_not_back():
    """A phone without a network sends both together, hours later."""
    _, one = left()

    assert (one.returned, [step.kind for step in queries.steps_of([one])[one.id]]) == (None, ["raised"])
    assert queries.count_due(NOW + 30 * MINUTE) == {"open": 1, "late": 0}  # the message goes by itself


def test_nobody_is_called_at_night_about_silence_but_about_who_seems_away():
    pack = queries.fence_rules(NOW.date())
    night = local(20, 23)

    assert queries.first_due("silent", night, pack) == local(21, 7)
    assert queries.first_due("left", night, pack) == night


def test_the_quiet_hours_of_the_night_on_which_the_clock_changes(settings):
    settings.EPIPOLIS_ZONE = "Europe/Prague"
    pack = queries.fence_rules(NOW.date())
    evening = clock.start_of(date(2021, 3, 28)) - timedelta(hours=1)

    assert queries.quiet_until(evening, pack) - evening == timedelta(hours=7)


def test_two_officers_do_not_look_after_one_alarm():
    _, one = left()
    services.take_alarm(one.id, by="tina", at=NOW)

    with pytest.raises(OrderError, match="somebody else"):
        services.take_alarm(one.id, by="omar", at=NOW)
    services.hand_over("all quiet", by="tina", at=NOW)
    assert services.take_alarm(one.id, by="omar", at=NOW).taken_by == "omar"
    assert ShiftNote.objects.get().open_alarms == {"left": 1}


def test_nobody_is_said_to_have_left_before_anybody_asked():
    _, one = left()

    with pytest.raises(OrderError, match="comes first"):
        services.close_alarm(one.id, outcome="left", by="tina", at=NOW)
    with pytest.raises(OrderError, match="what it was"):
        services.close_alarm(one.id, outcome="heard", by="tina", at=NOW)


def test_a_consequence_needs_two_signals_and_somebody_who_did_not_handle_it():
    _, one = left()
    services.note_call(one.id, result="well", by="tina", at=NOW)
    services.close_alarm(one.id, outcome="left", by="tina", at=NOW)
    with pytest.raises(OrderError, match="two signals"):
        services.refer_alarm(one.id, reason="again", by="mira", at=NOW)

    Alarm.objects.filter(id=one.id).update(state="taken", outcome="")
    services.note_visit(one.id, result="nobody", by="tina", at=NOW)
    services.close_alarm(one.id, outcome="left", by="tina", at=NOW)
    for name, rule in (("tina", "handled"), ("otto", "handled")):
        with pytest.raises(OrderError, match=rule):
            services.refer_alarm(one.id, reason="again", by=name, at=NOW)
    services.refer_alarm(one.id, reason="third time", by="mira", at=NOW)
    assert Notice.objects.filter(dedupe_key=f"alarm:{one.id}:referred").exists()
    with pytest.raises(OrderError, match="once"):
        services.refer_alarm(one.id, reason="third time", by="mira", at=NOW)


def test_silence_is_no_sign_of_having_left():
    _, one = silent()
    services.note_call(one.id, result="says_away", by="tina", at=NOW + 40 * MINUTE)

    assert services.signals_of(one) == {"word"}


def test_false_alarms_are_counted_for_each_person_day():
    _, one = left()
    services.close_alarm(one.id, outcome="false_alarm", by="tina", at=NOW)
    at = NOW + timedelta(days=2)
    since, until = queries.last_days(at, 28)

    counts = {item.title: item for item in queries.alarm_counts(since, until, at)}

    assert queries.person_days(since, until, at) == pytest.approx(2)
    assert (counts["all"].false, counts["all"].a_day) == (1, pytest.approx(0.5))
    assert sum(day["false"] for day in queries.alarms_by_day(since, until)) == 1
    assert dict(queries.outcomes(since, until))["false alarm: was at the place"] == 1


def test_an_officer_sees_takes_calls_and_closes_and_the_person_reads_it(client, staff):
    row, one = left()
    client.force_login(staff("tracer"))

    page = client.get(reverse("quarantine:desk"))
    assert page.status_code == 200
    assert f"contact-{one.id}" in page.content.decode()
    assert client.post(reverse("quarantine:take", args=[one.id]), {"back": "desk"}).status_code == 302
    client.post(reverse("quarantine:note_call", args=[one.id]), {"result": "says_away", "text": "at the pharmacy"})
    client.post(reverse("quarantine:close", args=[one.id]), {"outcome": "allowed"})
    assert (again(one).state, again(one).outcome) == ("closed", "allowed")
    seen = client.get(reverse("quarantine:fence", args=[row.id])).content.decode()
    assert "at the pharmacy" in seen
    assert "Last fixes" in seen
    for name in ("place", "errors", "fixes"):
        shapes = client.get(reverse("quarantine:fence_shapes", args=[row.id, name])).json()
        assert shapes["features"]
    assert len(client.get(reverse("quarantine:away_points")).json()["features"]) == 1
    assert client.get(reverse("quarantine:false_alarms")).status_code == 200
    assert client.post(reverse("quarantine:shift"), {"text": "all quiet"}).status_code == 302

    own = client.get(reverse("quarantine:mine", args=[services.token_of(queries.link_of(row))]))
    assert "at the pharmacy" in own.content.decode()


def test_other_roles_see_neither_desk_nor_fixes(client, staff):
    row, one = left()
    client.force_login(staff("epidemiologist"))

    addresses = [reverse("quarantine:desk"), reverse("quarantine:fence", args=[row.id]), reverse("quarantine:away_points")]
    assert {client.get(address).status_code for address in addresses} == {403}
    assert client.post(reverse("quarantine:take", args=[one.id])).status_code == 403
    assert client.get("/api/v1/quarantine/watches").status_code == 403


def test_a_telephone_page_opens_by_its_secret_alone_and_sends_for_itself(client):
    _, phone = enrolled()
    fix = {"phone": phone, "time": int(NOW.timestamp()), "lon": AWAY[0], "lat": AWAY[1]}
    url = "/api/v1/quarantine/phones/positions"

    assert client.get(reverse("quarantine:phone", args=[phone])).status_code == 200
    assert client.get(reverse("quarantine:phone", args=["epf_not_this_one"])).status_code == 404
    assert client.post(url, [fix], content_type="application/json").json()["accepted"] == 1
    forged = fix | {"phone": "epf_not_this_one"}
    assert client.post(url, [forged], content_type="application/json").status_code == 403


def test_an_appeal_keeps_what_its_alarms_stand_on_until_it_is_answered():
    row, one = left()
    services.file_appeal(row.id, "I was at home", by="the person", at=NOW)
    services.lift_order(row.id, reason="mistake", by="otto", at=NOW + 60 * MINUTE)
    services.sync_watch(row.id, at=NOW + 60 * MINUTE)

    appeal = queries.appeals_of(row).get()
    assert [(item["kind"], item["fixes"]) for item in appeal.evidence["alarms"]] == [("left", 5)]
    late = NOW + timedelta(days=30)
    services.forget_evidence(late, late)
    assert queries.evidence_of(again(one))
    services.answer_appeal(appeal.id, answer="upheld", text="the fixes show it", by="mira", at=late)
    services.forget_evidence(late, late)
    assert not queries.evidence_of(again(one))
