"""A device whose clock is wrong: it is said in words, on the answer, on the phone's page and on the desk, and ends with it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import translation

from epipolis.act.quarantine import queries, services
from epipolis.act.quarantine.models import Entry, Watch
from epipolis.act.quarantine.services import streaming

from .factories import NOW, drafted, issued
from .fences import HOME, enrolled, fix, watched

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
AHEAD = "the clock of the device is 2 hours 5 minutes ahead"


def send(items, minutes=0):
    return services.record_positions(items, by="test", at=NOW + minutes * MINUTE)


def ahead():
    return Watch.objects.get().clock_ahead


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (7_500, "the clock of the device is 2 hours 5 minutes ahead"),
        (-7_500, "the clock of the device is 2 hours 5 minutes behind"),
        (61, "the clock of the device is 1 minute ahead"),
        (3_600, "the clock of the device is 1 hour ahead"),
        (86_400 + 3_600, "the clock of the device is 1 day 1 hour ahead"),
        (86_400 * 365, "the clock of the device is 365 days ahead"),
        (3_599, "the clock of the device is 1 hour ahead"),
        (0, ""),
    ],
)
def test_how_wrong_a_clock_is_is_said_as_people_say_it(seconds, text):
    assert queries.clock_text(seconds) == text


def test_a_fix_from_the_future_is_refused_with_how_wrong_the_clock_is():
    enrolled_row, phone = enrolled()

    answer = send([fix(phone, 125)])[0]

    assert (answer.status, answer.field) == (422, "time")
    assert answer.rule == f"is from the future: {AHEAD}"
    assert ahead() == 7_500
    assert queries.watch_of(enrolled_row).heard is None


def test_a_clock_that_is_set_right_by_what_it_says_is_told_too_and_then_no_more():
    _, phone = enrolled()

    assert send([fix(phone, 125, sent=NOW + 125 * MINUTE)])[0].status == 201
    assert ahead() == 7_500
    assert send([fix(phone, -121, sent=NOW - 120 * MINUTE)], 5)[0].status == 201
    assert ahead() == -7_500
    assert send([fix(phone, 9, sent=NOW + 10 * MINUTE)], 10)[0].status == 201
    assert ahead() is None


def test_a_clock_that_stays_wrong_is_written_once_and_a_restart_remembers_it():
    _, phone = enrolled()
    for minute in range(5):
        send([fix(phone, 125 + minute)], minute)
    assert Entry.objects.filter(kind="clock").count() <= 1
    services.look_for_silence(NOW + 6 * MINUTE)
    streaming.follower._forget()
    send([fix(phone, 132)], 7)
    assert not Entry.objects.filter(kind="clock").exists()

    send([fix(phone, 8)], 8)
    assert ahead() is None


def test_one_wrong_clock_says_nothing_of_others_and_a_phone_that_nobody_knows_nothing():
    row, phone = enrolled()
    other, second = enrolled(watched(issued(drafted())))

    answers = send([fix(phone, 125), fix(second, 0), fix("epf_somebody_elses_guess", 125)])

    assert [(one.status, one.field) for one in answers] == [(422, "time"), (201, ""), (422, "phone")]
    assert dict(Watch.objects.values_list("order", "clock_ahead")) == {row.id: 7_500, other.id: None}


def test_the_desk_and_the_page_of_the_person_say_it(client, staff):
    row, phone = enrolled()
    send([fix(phone, 125)])
    client.force_login(staff("tracer"))

    for address in (reverse("quarantine:desk"), reverse("quarantine:fence", args=[row.id])):
        assert AHEAD in client.get(address).content.decode()


def test_the_phone_reads_it_on_its_page_and_in_its_answer(client):
    _, phone = enrolled()
    body = [{"phone": phone, "time": int(NOW.timestamp()) + 7_500, "lon": HOME[0], "lat": HOME[1]}]

    refused = client.post("/api/v1/quarantine/phones/positions", body, content_type="application/json")
    assert refused.status_code == 422
    assert AHEAD in refused.json()["detail"]
    assert AHEAD in refused.json()["errors"][0]["rule"]
    assert AHEAD in client.get(reverse("quarantine:phone", args=[phone])).content.decode()

    body[0] |= {"sent": (NOW + 125 * MINUTE).isoformat()}
    taken = client.post("/api/v1/quarantine/phones/positions", body, content_type="application/json")
    assert (taken.status_code, taken.json()["accepted"]) == (200, 1)
    assert AHEAD in taken.json()["clock"]


@pytest.mark.parametrize("language", ["en", "es", "zh-hant"])
def test_the_words_are_marked_for_translation(language):
    with translation.override(language):
        assert "%" not in queries.clock_text(7_500)


def test_each_post_has_its_own_answer_in_the_language_of_its_person():
    _, phone = enrolled()
    row, second = enrolled(watched(issued(drafted(), language="es")))
    late, early = fix(phone, 125), fix(second, 1)

    first, other, wrong = services.post_positions(
        [[late], [early, early, fix(second, 0)], [fix("epf_nobody_at_all", 1)]], at=NOW
    )

    assert (first.rejected_rows, first.accepted, bool(first.clock)) == (1, 0, True)
    assert (other.accepted, other.repeated, other.older, other.transitions, other.clock) == (1, 1, 1, 1, "")
    assert [one["field"] for one in wrong.rejected] == ["phone"]
    assert [services.answer_of(one).status for one in (first, other, wrong)] == [422, 200, 403]
    assert row.language == "es"
