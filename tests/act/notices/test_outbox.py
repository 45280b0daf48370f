"""The outbox's worker: each message once, another way when one fails, and never more than the rule allows."""

from datetime import timedelta

import pytest
from django.db import connection

from epipolis.act.notices import queries, services
from epipolis.act.notices.events import NoticeDelivered, NoticeFailed
from epipolis.act.notices.models import DeliveryEvent, Inbound, Notice, SimulatedMessage, StoppedAddress
from epipolis.core import events
from epipolis.core.sealing import unseal

from .factories import NIGHT, NOW, notice, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(deliver_events):
    """What modules that listen hear."""
    found = []
    events.subscribe(NoticeDelivered, found.append)
    events.subscribe(NoticeFailed, found.append)
    yield lambda: [] if deliver_events() is None else found
    for kind in (NoticeDelivered, NoticeFailed):
        events._listeners[kind].remove(found.append)


def play(row: Notice, *, rounds: int = 6, at=NOW) -> Notice:
    """Let the worker and the simulated provider work for a while."""
    for turn in range(rounds):
        services.send_waiting(at + timedelta(seconds=10 * turn))
        services.play_provider(at + timedelta(seconds=10 * turn + 5))
    row.refresh_from_db()
    return row


def phone(ending: str) -> str:
    return f"0912 5{ending}"


def test_a_message_leaves_and_its_delivery_is_told_once(heard):
    row = play(notice(person(phones=["0912 555 100"])))

    assert (row.state, row.provider, row.claim, row.parts) == ("delivered", "simulated", None, 1)
    assert row.cost > 0
    assert [one.state for one in row.events.order_by("id")] == ["accepted", "sent", "delivered"]
    assert [(type(one), one.notice) for one in heard()] == [(NoticeDelivered, row.id)]


def test_what_the_provider_refuses_goes_by_the_next_way_in_its_own_words(heard):
    row = play(notice(person(phones=[phone("00001")], emails=["ana@example.org"])))

    assert (row.channel, row.state, row.step) == ("email", "delivered", 1)
    assert row.events.filter(state="failed").get().text == "no such number"
    assert not [one for one in heard() if isinstance(one, NoticeFailed)]


def test_a_provider_that_accepts_and_then_fails_is_not_believed():
    row = play(notice(person(phones=[phone("00002")], emails=["ana@example.org"])))

    assert (row.channel, row.state) == ("email", "delivered")
    assert [one.state for one in row.events.order_by("id")] == [
        "accepted", "sent", "failed", "next way", "accepted", "sent", "delivered",
    ]  # fmt: skip


def test_when_every_way_has_failed_whoever_asked_hears_of_it(heard):
    row = play(notice(person(phones=[phone("00001")]), channels=("sms",)))

    assert (row.state, row.reason) == ("failed", "no such number")
    assert [(type(one), one.about_kind) for one in heard()] == [(NoticeFailed, "test")]


def test_a_line_cut_after_the_message_was_taken_makes_no_second_message():
    row = notice(person(phones=[phone("00003")]))
    services.send_waiting(NOW)
    services.send_waiting(NOW + timedelta(seconds=30))
    play(row)

    assert (row.state, row.tries) == ("delivered", 2)
    assert SimulatedMessage.objects.filter(key__startswith=str(row.id)).count() == 1


def test_reports_that_come_twice_and_in_the_wrong_order_change_nothing(heard):
    doubled = play(notice(person(phones=[phone("00005")])))
    disordered = play(notice(person(phones=[phone("00006")])))

    assert (doubled.state, disordered.state) == ("delivered", "delivered")
    assert doubled.events.exclude(event_id="").count() == 2
    assert len(heard()) == 2


def test_a_worker_that_dies_leaves_its_messages_to_the_next():
    row = notice()
    Notice.objects.filter(id=row.id).update(state="sending", claim=4711)

    services.send_waiting(NOW)

    row.refresh_from_db()
    assert (row.state, row.claim) == ("sent", None)


def test_what_a_living_worker_holds_is_left_to_it():
    row = notice()
    Notice.objects.filter(id=row.id).update(state="sending", claim=4712)
    with connection.copy().cursor() as other:
        other.execute("SELECT pg_advisory_lock(4712)")

        assert services.take_over(at=NOW) == 0

        other.connection.close()
    row.refresh_from_db()
    assert row.claim == 4712


def test_mail_that_may_have_left_waits_for_its_report_before_it_is_sent_again():
    row = notice(person(simulated=False, emails=["ana@example.org"]))
    Notice.objects.filter(id=row.id).update(state="sending", claim=4713, channel="email")

    services.take_over(at=NOW)

    row.refresh_from_db()
    assert (row.state, row.unsure_since, row.not_before) == ("waiting", NOW, NOW + timedelta(minutes=5))


def test_a_message_of_which_the_time_is_over_is_not_sent(heard):
    row = notice(expires=NOW + timedelta(hours=1))

    play(row, at=NOW + timedelta(hours=2))

    assert row.state == "expired"
    assert not SimulatedMessage.objects.exists()
    assert [type(one) for one in heard()] == [NoticeFailed]


def test_what_waited_too_long_is_held_when_the_night_has_come():
    row = notice()

    play(row, at=NIGHT)

    assert (row.state, row.not_before) == ("held", queries.leaves_at("sms", urgent=False, at=NIGHT))


def test_a_number_gets_no_more_than_the_rule_allows_and_nothing_is_lost():
    ana = person(phones=["0912 555 200"])
    rows = [notice(ana) for _ in range(6)]

    services.send_waiting(NOW)

    assert sorted(Notice.objects.values_list("state", flat=True)) == ["held"] * 2 + ["sent"] * 4
    for hours in (1, 2):
        services.send_waiting(NOW + timedelta(hours=hours, minutes=1))
    assert Notice.objects.filter(id__in=[row.id for row in rows], state="sent").count() == 6


def test_stop_is_heard_between_asking_and_sending():
    row = notice(person(phones=["0912 555 300"], emails=["ana@example.org"]))
    StoppedAddress.objects.create(channel="sms", address_hash=row.to_hash, at=NOW, by="x")

    play(row)

    assert (row.channel, row.state) == ("email", "delivered")


def test_an_answer_with_a_stop_word_stops_and_another_starts_again():
    row = play(notice(person(phones=["0912 555 400"])))

    assert services.answer_from_phone(row.to_hash, "sms", "退訂", at=NOW) == 1
    assert StoppedAddress.objects.filter(channel="sms", address_hash=row.to_hash).exists()
    assert services.answer_from_phone(row.to_hash, "sms", "start", at=NOW + timedelta(minutes=1)) == 1

    assert not StoppedAddress.objects.exists()
    assert [one.meaning for one in Inbound.objects.order_by("id")] == ["stop", "start"]
    assert unseal(Inbound.objects.order_by("id")[0].text) == "退訂"
    assert Inbound.objects.order_by("id")[0].person_id == row.person_id


def test_whatsapp_is_free_for_a_day_after_the_persons_own_message():
    row = play(notice(person(phones=["0912 555 500"]), channels=("whatsapp",)))
    services.answer_from_phone(row.to_hash, "whatsapp", "thank you", at=NOW)
    pack = queries.times(NOW)

    assert queries.open_windows({row.to_hash}, at=NOW + timedelta(hours=23), pack=pack) == {row.to_hash}
    assert queries.open_windows({row.to_hash}, at=NOW + timedelta(hours=25), pack=pack) == set()


def test_urgent_messages_leave_first():
    notice()
    urgent = notice(urgent=True)

    with connection.cursor() as cursor:
        from epipolis.act.notices.services.outbox import _CLAIM

        cursor.execute(_CLAIM, [1, NOW, 1])

    assert list(Notice.objects.filter(claim=1)) == [urgent]


def test_every_event_of_a_message_says_when():
    play(notice(person(phones=[phone("00002")])))

    assert not DeliveryEvent.objects.filter(at=None).exists()
