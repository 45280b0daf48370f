"""Text messages: three languages in, one short answer out, the same twice is one, STOP erases."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epipolis.sense.declarations import services
from epipolis.sense.declarations.models import Consent, Declaration, Household
from epipolis.sense.people.models import ContactPoint

pytestmark = pytest.mark.django_db
AT = datetime(2021, 3, 20, 4, 0, tzinfo=UTC)
PHONE = "+886 912 345 678"


def send(text, phone=PHONE, **more):
    return services.take_text(phone, text, by="gateway", at=AT, **more)


@pytest.mark.parametrize(
    ("text", "advice", "symptoms"),
    [
        ("Fever, cough!", "test", {"fever", "cough"}),
        ("tengo fiebre y tos", "test", {"fever", "cough"}),
        ("發燒咳嗽", "test", {"fever", "cough"}),
        ("ＦＥＶＥＲ", "stay", {"fever"}),
        ("I am WELL", "well", set()),
        ("bien", "well", set()),
        ("健康", "well", set()),
        ("fever and I cannot get breath", "emergency", {"fever", "dyspnoea"}),
    ],
)
def test_symptoms_are_understood_in_three_languages(text, advice, symptoms):
    reply = send(text)
    assert reply.advice == advice
    assert len(reply.text) <= 300
    made = Declaration.objects.get()
    assert {name for name, state in made.symptoms.items() if state == "yes"} == symptoms
    assert made.channel == "sms"


@pytest.mark.parametrize("text", ["", "hello", "???", "\N{FACE WITH TEARS OF JOY}"])
def test_what_is_not_understood_is_answered_with_help_and_stores_nothing(text):
    assert send(text).advice == ""
    assert not Household.objects.exists()


def test_the_number_is_kept_as_a_keyed_hash_only_until_somebody_asks_for_a_call():
    send("fever")
    household = Household.objects.get()
    assert "912345678" not in household.sender_hash
    assert not ContactPoint.objects.exists()
    assert "call" in send("CALL").text
    assert Consent.objects.get().purpose == "care"
    assert ContactPoint.objects.count() == 1
    assert Household.objects.count() == 1


def test_the_same_message_twice_is_one_declaration_and_numbers_are_told_apart():
    send("fever", message_id="m1")
    send("fever", message_id="m1")
    assert Declaration.objects.count() == 1
    send("fever", phone="+886 900 000 000", message_id="m1")
    assert Household.objects.count() == 2


def test_stop_erases_everything_and_may_come_from_anybody():
    send("fever")
    send("STOP")
    assert not Household.objects.exists()
    assert "erased" in send("stop", phone="123456").text


@given(st.text(max_size=200))
def test_no_text_breaks_the_service(text):
    assert services.texts._words(text) is not None
    services.texts._symptoms(services.texts._words(text))
