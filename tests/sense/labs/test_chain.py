"""From a message to a case: each message ends in one state, and the case knows what is in force."""

from datetime import timedelta

import pytest

from epipolis.sense.cases.models import Case, CaseTest
from epipolis.sense.labs.models import LabMessage, LabResult
from epipolis.sense.people.models import Person
from epipolis.understand.tracing.models import Trace

from .messages import INCONCLUSIVE, NEGATIVE, NOW, oru

pytestmark = pytest.mark.django_db
State = LabMessage.State


def in_force():
    return [(row.result, row.status) for row in CaseTest.objects.filter(superseded_by=None)]


def test_a_positive_result_of_an_unknown_person_makes_the_person_and_a_confirmed_case(send):
    message = send(oru())

    assert (message.state, message.is_waiting, message.attempts) == (State.NEW_CASE, False, 1)
    [case] = Case.objects.all()
    assert (case.classification, case.disease, str(case.sampled)) == ("confirmed", "COVID-19", "2021-03-09")
    assert Person.objects.count() == 1
    [result] = LabResult.objects.all()
    assert (result.case_id, result.result, result.kind, result.is_in_force) == (case.id, "positive", "pcr", True)


def test_a_confirmed_case_is_traced_without_anybody_doing_anything(send):
    send(oru())

    assert Trace.objects.get().case_id == Case.objects.get().id


def test_a_negative_result_of_a_person_without_a_case_stays_with_the_person(send):
    message = send(oru(answer=NEGATIVE))

    assert message.state == State.PERSON
    assert (Case.objects.count(), LabResult.objects.get().person_id) == (0, Person.objects.get().id)


def test_a_second_result_joins_the_open_case(send):
    send(oru("M1", order="F1"))

    message = send(oru("M2", order="F2", answer=NEGATIVE))

    assert message.state == State.EXISTING_CASE
    assert Case.objects.get().classification == "confirmed"
    assert CaseTest.objects.count() == 2


def test_a_preliminary_positive_is_a_case_that_is_not_confirmed_until_the_final_result(send):
    send(oru("M1", status="P"))
    assert Case.objects.get().classification != "confirmed"

    message = send(oru("M2", status="F"))

    assert (message.state, Case.objects.get().classification) == (State.EXISTING_CASE, "confirmed")
    assert in_force() == [("positive", "final")]


def test_a_correction_takes_the_place_of_what_it_corrects(send):
    send(oru("M1"))

    message = send(oru("M2", status="C", answer=NEGATIVE, reported="202103101200+0000"), NOW + timedelta(hours=4))

    assert message.state == State.EXISTING_CASE
    assert in_force() == [("negative", "corrected")]
    assert [(row.result, row.is_in_force) for row in LabResult.objects.order_by("id")] == [
        ("positive", False),
        ("negative", True),
    ]
    assert Case.objects.get().classification != "confirmed"


@pytest.mark.parametrize("reported", ["202103100700+0000", "202103101200+0000"])
def test_a_correction_that_comes_before_its_original_stays_in_force(send, reported):
    later = NOW + timedelta(hours=4)
    send(oru("M2", status="C", answer=NEGATIVE, reported=reported), later)

    message = send(oru("M1"), later + timedelta(hours=1))

    assert message.state == State.PERSON
    assert message.reason[0][0] == "It came after its correction, which stays in force."
    assert LabResult.objects.get(is_in_force=True).result == "negative"
    assert not Case.objects.filter(classification="confirmed").exists()


def test_a_correction_to_positive_before_its_negative_original_confirms_and_stays(send):
    send(oru("M2", status="C"))

    message = send(oru("M1", answer=NEGATIVE))

    assert (message.state, Case.objects.get().classification) == (State.EXISTING_CASE, "confirmed")
    assert in_force() == [("positive", "corrected")]


def test_a_withdrawn_result_no_longer_confirms(send):
    send(oru("M1"))

    send(oru("M2", status="D"))

    assert Case.objects.get().classification != "confirmed"
    assert in_force() == [("positive", "withdrawn")]


def test_of_three_versions_in_any_order_the_newest_correction_counts(send):
    versions = {
        "M1": oru("M1", answer=INCONCLUSIVE, status="P", reported="202103100600+0000"),
        "M2": oru("M2", answer=NEGATIVE, status="C", reported="202103100700+0000"),
        "M3": oru("M3", status="C", reported="202103100800+0000"),
    }
    for number in ("M3", "M1", "M2"):
        send(versions[number])

    assert LabResult.objects.get(is_in_force=True).message.message_id == "M3"
    assert in_force() == [("positive", "corrected")]


def test_an_inconclusive_answer_is_noted_and_makes_no_case(send):
    assert send(oru(answer=INCONCLUSIVE)).state == State.PERSON
    assert (Case.objects.count(), LabResult.objects.get().result) == (0, "inconclusive")


def test_the_onset_is_told_only_where_the_laboratory_tells_it(send):
    send(oru())

    assert Case.objects.get().onset is None


def test_a_reinfection_is_a_new_case_and_a_later_test_of_the_same_illness_is_not(send):
    send(oru("M1", order="F1"))
    later = NOW + timedelta(days=200)
    day = (later - timedelta(days=1)).strftime("%Y%m%d")

    message = send(oru("M2", order="F2", sampled=f"{day}0800+0000", reported=f"{day}1800+0000"), later)

    assert (message.state, Case.objects.count()) == (State.NEW_CASE, 2)
