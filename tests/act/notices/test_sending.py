"""What is written into the outbox: by which way, in which language, when it may leave, and each only once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from epipolis.act.notices import queries, services
from epipolis.act.notices.models import Notice, Preference, StoppedAddress
from epipolis.act.notices.services.sending import rest_of
from epipolis.core.models import AuditEntry
from epipolis.core.sealing import unseal
from epipolis.sense.people.services import erase_person

from .factories import NIGHT, NOW, notice, person

pytestmark = pytest.mark.django_db


def test_a_message_goes_by_sms_first_in_the_persons_language():
    row = notice(person(language="es", emails=["ana@example.org"]))

    assert (row.channel, row.language, row.state, row.not_before) == ("sms", "es", "waiting", NOW)
    assert unseal(row.body) == "Oficina de salud de Demo City: Hello."
    assert [way.channel for way in rest_of(row)] == ["email", "voice"]


def test_the_same_key_is_the_same_message():
    ana = person()
    first = notice(ana, dedupe_key="order 1 issued")
    again = notice(ana, dedupe_key="order 1 issued", values={"text": "Something else."})

    assert again.id == first.id
    assert Notice.objects.count() == 1
    assert AuditEntry.objects.filter(action="notices.send").count() == 1


def test_a_message_exists_exactly_when_its_reason_does():
    ana = person()

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        notice(ana, dedupe_key="undone")
        1 / 0  # noqa: B018 -- something fails after the message was asked for

    assert not Notice.objects.filter(dedupe_key="undone").exists()


def test_nobody_is_written_to_who_was_erased():
    ana = person()
    erase_person(ana, by="test", at=NOW, reason="asked for it")

    assert services.send(ana, "message", {"text": "x"}, dedupe_key="k", about=("test", "1"), by="test", at=NOW) is None


def test_the_person_sees_that_they_were_written_to():
    ana = person()
    notice(ana)

    assert [one.detail["why"] for one in AuditEntry.objects.filter(action="people.read", person=ana)] == ["notice"]


def test_neither_number_nor_text_stands_in_the_table_in_clear():
    row = notice(person(phones=["0912 555 999"]), values={"text": "about Ana"})

    stored = Notice.objects.filter(id=row.id).values_list("to", "body", "values", "subject", "rest", "reason").get()
    assert not any(word in bytes(str(stored), "utf-8") for word in (b"0912", b"about Ana"))


def test_what_can_wait_does_not_leave_in_the_night_and_what_is_urgent_does():
    row, urgent = notice(at=NIGHT), notice(at=NIGHT, urgent=True)

    assert (row.state, row.not_before) == ("held", datetime(2026, 3, 11, 0, 0, tzinfo=UTC))
    assert (urgent.state, urgent.not_before) == ("waiting", NIGHT)


def test_on_the_night_of_the_clock_change_the_morning_is_the_morning_of_that_day(settings):
    settings.EPIPOLIS_ZONE = "Europe/Madrid"
    night = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)  # 23:30; at 2:00 the clock goes to 3:00

    assert queries.leaves_at("sms", urgent=False, at=night) == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)
    assert queries.leaves_at("email", urgent=False, at=night) == night


def test_a_preference_says_by_which_way_and_in_which_language():
    ana = person(emails=["ana@example.org"])
    Preference.objects.create(person_id=ana, channels=["email"], language="zh-hant", changed=NOW, changed_by="x")

    row = notice(ana)

    assert (row.channel, row.language) == ("email", "zh-hant")
    assert rest_of(row) == []


def test_a_number_that_said_stop_gets_no_sms_however_it_is_written():
    ana = person(phones=["+886 912 555 777"], emails=["ana@example.org"])
    StoppedAddress.objects.create(channel="sms", address_hash=queries.address_hash("sms", "00886912555777"), at=NOW, by="x")

    assert notice(ana).channel == "email"


def test_for_somebody_real_only_what_the_city_has_set_up_is_a_way():
    row = notice(person(simulated=False, emails=["ana@example.org"]))

    assert row.channel == "voice"
    assert not row.simulated


def test_a_missing_value_is_named():
    with pytest.raises(services.NoticeError, match="call_back lacks: time"):
        notice(template="call_back", values={})
    with pytest.raises(services.NoticeError, match="no message nothing"):
        notice(template="nothing")


def test_what_has_not_left_is_taken_back():
    row, other = notice(about=("order", "7")), notice(about=("order", "8"))

    assert services.cancel(("order", "7"), by="test", at=NOW) == 1
    assert services.cancel(("order", "7"), by="test", at=NOW) == 0

    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, other.state) == ("stopped", "waiting")


def test_many_are_written_with_as_many_questions_as_one(django_assert_max_num_queries):
    people = [person() for _ in range(20)]
    asked = [services.Asked(one, "message", {"text": "x"}, f"many {one}", ("test", "1")) for one in people]

    with django_assert_max_num_queries(22):
        made = services.send_each(asked, by="test", at=NOW)

    assert len({one.id for one in made if one}) == 20


def test_a_message_to_a_number_that_is_nobodys():
    asked = {"dedupe_key": "duty", "about": ("test", "1"), "by": "test", "at": NOW}
    row = services.send_to("+34 600 000 000", "sms", "message", {"text": "x"}, language="es", **asked)

    assert (row.person_id, row.channel, row.language) == (None, "sms", "es")
    assert services.send_to("+34 600 000 000", "sms", "message", {"text": "x"}, **asked).id == row.id
    with pytest.raises(services.NoticeError):
        services.send_to("x", "pigeon", "message", {"text": "x"}, **(asked | {"dedupe_key": "other"}))


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a" * 160, 1), ("a" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("字" * 70, 1), ("字" * 71, 2), ("a" * 307, 3)],
)
def test_an_sms_is_cut_as_the_networks_cut_it(text, parts):
    assert queries.sms_parts(text) == parts


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("STOP", "stop"), (" stop. ", "stop"), ("Alto!", "stop"), ("退訂", "stop"), ("Start", "start"), ("don't stop", "")],
)
def test_stop_is_understood_in_three_languages(text, meaning):
    assert queries.meaning_of(text, NOW) == meaning


def test_a_message_is_too_late_after_its_time():
    row = notice(expires=NOW + timedelta(hours=2))

    assert row.expires == NOW + timedelta(hours=2)
    assert notice(urgent=True).expires == NOW + timedelta(hours=12)
