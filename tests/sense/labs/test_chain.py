"""From a message to a case: each message ends in one state, and the case knows what is in force."""

import pytest

from epipolis.core import clock
from epipolis.sense.cases.models import Case, CaseTest
from epipolis.sense.labs import services
from epipolis.sense.labs.models import Laboratory, LabMessage, LabResult
from epipolis.sense.people.models import Person

from .messages import LAB, NEGATIVE, NOW, oru

pytestmark = pytest.mark.django_db
State = LabMessage.State


@pytest.fixture
def lab():
    return services.register_laboratory({"name": "Central", "code": LAB}, by="test", at=NOW)


@pytest.fixture
def send(lab, deliver_events):
    """Send a message and let everything happen that follows of it."""

    def sent(text, at=NOW, **known):
        with clock.fixed(at):
            message = services.receive(text.encode() if isinstance(text, str) else text, "hl7", by="test", at=at, **known)
            deliver_events()
        message.refresh_from_db()
        return message

    return sent


def test_a_positive_result_of_an_unknown_person_makes_the_person_and_a_confirmed_case(send):
    message = send(oru())

    assert (message.state, message.is_waiting, message.attempts) == (State.NEW_CASE, False, 1)
    [case] = Case.objects.all()
    assert (case.classification, case.disease, str(case.sampled)) == ("confirmed", "COVID-19", "2021-03-09")
    assert Person.objects.count() == 1
    [result] = LabResult.objects.all()
    assert (result.case_id, result.result, result.kind, result.is_in_force) == (case.id, "positive", "pcr", True)


def test_a_negative_result_of_a_person_without_a_case_stays_with_the_person(send):
    message = send(oru(answer=NEGATIVE))

    assert message.state == State.PERSON
    assert (Case.objects.count(), LabResult.objects.get().person_id) == (0, Person.objects.get().id)
