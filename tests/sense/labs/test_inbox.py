"""What cannot be filed waits for a person, with a reason; what people decide can be taken back."""

from datetime import timedelta

import pytest

from epipolis.core import clock
from epipolis.sense.cases.models import Case, CaseTest
from epipolis.sense.labs import queries, services
from epipolis.sense.labs.models import Handling, LabMessage, LabResult
from epipolis.sense.people.models import Person
from epipolis.sense.people.services import find_or_make_person

from .messages import NEGATIVE, NOW, oru

pytestmark = pytest.mark.django_db
State = LabMessage.State


def states():
    return [(row.state, row.problem, row.is_waiting) for row in LabMessage.objects.order_by("id")]


def test_the_same_message_again_changes_nothing(send):
    first = send(oru())

    again = send(oru())

    assert again.id == first.id
    assert (LabMessage.objects.count(), LabResult.objects.count(), CaseTest.objects.count()) == (1, 1, 1)


def test_one_message_a_thousand_times_is_one_message(lab, deliver_events):
    items = [services.Incoming(oru().encode(), "hl7", "mllp")] * 1_000

    outcomes = services.receive_batch(items, by="test", at=NOW)

    assert [outcome.status for outcome in outcomes] == [201] + [200] * 999
    assert deliver_events() >= 1
    assert (LabMessage.objects.count(), LabResult.objects.count()) == (1, 1)


def test_the_same_number_with_other_content_is_unclear_and_both_are_kept(send):
    send(oru("M1"))

    message = send(oru("M1", answer=NEGATIVE))

    assert (message.state, message.problem, message.is_waiting) == (State.UNCLEAR, "twin", True)
    assert LabMessage.objects.count() == 2
    assert LabResult.objects.get().result == "positive"


def test_two_of_one_number_that_arrive_together_give_one_result(lab, deliver_events):
    items = [
        services.Incoming(oru("M1", answer=answer).encode(), "hl7", "mllp") for answer in (NEGATIVE, "260373001^Detected^SCT")
    ]
    services.receive_batch(items, by="test", at=NOW)

    with clock.fixed(NOW):
        for number in LabMessage.objects.order_by("-id").values_list("id", flat=True):  # the later one is heard first
            services.process_message(number, at=NOW)

    assert len({State.UNCLEAR} & {state for state, *_ in states()}) == 1
    assert {State.NEW_CASE, State.PERSON} & {state for state, *_ in states()}
    assert LabResult.objects.count() == 1


def test_an_unknown_laboratory_waits_until_it_is_registered(send, deliver_events):
    message = send(oru(lab="NEWLAB"))
    assert (message.state, message.problem, message.laboratory) == (State.UNCLEAR, "sender", None)

    with clock.fixed(NOW):
        made = services.register_laboratory({"name": "New", "code": "NEWLAB"}, by="test", at=NOW)
        deliver_events()

    message.refresh_from_db()
    assert (message.state, message.laboratory_id, message.is_waiting) == (State.NEW_CASE, made.id, False)


def test_a_laboratory_that_is_not_trusted_yet_waits_for_a_look(send, lab, deliver_events):
    services.change_laboratory(lab.id, {"is_trusted": False}, by="test", at=NOW)
    message = send(oru())
    assert (message.state, message.problem) == (State.UNCLEAR, "untrusted")

    with clock.fixed(NOW):
        services.file_anyway(message.id, by="test", at=NOW)

    message.refresh_from_db()
    assert message.state == State.NEW_CASE


def test_a_message_of_another_laboratory_than_its_certificate_says_waits(lab, send):
    services.change_laboratory(lab.id, {"certificate": "central.lab"}, by="test", at=NOW)
    services.register_laboratory({"name": "Other", "code": "OTHER"}, by="test", at=NOW)

    assert send(oru("M1"), road="mllp").problem == "identity"  # without the certificate
    assert send(oru("M2", lab="OTHER"), road="mllp", certificate="central.lab").problem == "identity"
    assert send(oru("M3"), road="mllp", certificate="central.lab").state == State.NEW_CASE


def test_an_unknown_test_waits_until_somebody_says_what_its_code_means(send, deliver_events):
    message = send(oru(code="X77^Our own test^L", answer="POS^positive^L"))
    assert (message.state, message.problem) == (State.UNCLEAR, "test")
    assert message.reason[0][1] == {"codes": "X77"}

    with clock.fixed(NOW):
        services.explain_code("X77", system="L", disease="COVID-19", kind="antigen", by="test", at=NOW)
        deliver_events()

    message.refresh_from_db()
    assert message.state == State.NEW_CASE
    assert LabResult.objects.get().kind == "antigen"


def test_a_code_that_is_not_for_us_is_left_out(send):
    services.explain_code("X77", system="L", by="test", at=NOW)

    message = send(oru(code="X77^Our own test^L", answer="POS^positive^L"))

    assert (message.state, message.problem, message.is_waiting) == (State.REJECTED, "not_ours", False)
    assert Person.objects.count() == 0


def test_a_laboratorys_own_disease_serves_for_codes_that_nobody_knows(send, lab):
    services.change_laboratory(lab.id, {"disease": "COVID-19"}, by="test", at=NOW)

    assert send(oru(code="X77^Our own test^L", answer="POS^positive^L")).state == State.NEW_CASE


def test_a_message_that_tells_of_nobody_waits_and_makes_nobody(send):
    message = send(oru(patient="", name="", birth="", phone=""))

    assert (message.state, message.problem, Person.objects.count()) == (State.UNCLEAR, "nobody", 0)


def test_numbers_of_two_people_in_one_message_wait_for_a_person(send):
    for number in ("A123456789", "B987654321"):
        find_or_make_person([("national_id" if number[0] == "A" else "passport", number)], by="test", at=NOW)

    message = send(oru(patient="A123456789^^^TW^NI~B987654321^^^TW^PPN"))

    assert (message.state, message.problem, LabResult.objects.count()) == (State.UNCLEAR, "people", 0)


def test_a_number_of_somebody_quite_different_waits_for_a_person(send):
    find_or_make_person(
        [("national_id", "A123456789")], given_name="Wei", family_name="Chen", birth=(1941, 2, 3), sex="M", by="test", at=NOW
    )

    message = send(oru())

    assert (message.state, message.problem, Person.objects.count()) == (State.UNCLEAR, "people", 1)


def test_a_correction_that_names_another_person_waits_for_a_person(send):
    send(oru("M1"))

    message = send(oru("M2", status="C", patient="B987654321^^^TW^NI", name="Chen^Wei", birth="19410203", sex="M", phone=""))

    assert (message.state, message.problem) == (State.UNCLEAR, "other_person")
    assert LabResult.objects.count() == 1


def test_a_correction_filed_under_another_person_leaves_the_first_ones_case(send):
    send(oru("M1"))
    message = send(oru("M2", status="C", patient="B987654321^^^TW^NI", name="Chen^Wei", birth="19410203", sex="M", phone=""))
    other, _ = find_or_make_person([("national_id", "B987654321")], by="test", at=NOW)

    with clock.fixed(NOW):
        services.file_under(message.id, other.id, by="test", at=NOW)

    first, second = Case.objects.order_by("known_at", "person_id"), LabResult.objects.get(is_in_force=True)
    assert second.person_id == other.id
    assert sorted(case.classification == "confirmed" for case in first) == [False, True]
    assert Case.objects.get(id=second.case_id).classification == "confirmed"


def test_a_test_message_is_rejected_and_nobody_needs_to_look(send):
    message = send(oru(processing="T"))

    assert (message.state, message.problem, message.is_waiting) == (State.REJECTED, "rehearsal", False)
    assert Person.objects.count() == 0


def test_a_time_that_is_still_to_come_waits_for_a_person(send):
    message = send(oru(sampled="203001010800+0000", reported="203001020800+0000"))

    assert (message.state, message.problem) == (State.UNCLEAR, "future")


def test_a_case_can_be_made_of_any_result_and_taken_back(send):
    message = send(oru("M1", answer="PENDING^Wibble^L"))
    assert message.problem == "answer"

    person, _ = find_or_make_person([], given_name="Ana", family_name="Torres", by="test", at=NOW)
    with pytest.raises(services.HandlingError, match="neither positive nor negative"):
        services.file_under(message.id, person.id, by="test", at=NOW)
    message.refresh_from_db()
    assert (message.state, Handling.objects.count()) == (State.UNCLEAR, 0)


def test_a_link_to_a_person_can_be_taken_back_and_then_counts_no_more(send):
    message = send(oru(patient="", name="", birth="", phone=""))
    person, _ = find_or_make_person([], given_name="Ana", family_name="Torres", by="test", at=NOW)
    with clock.fixed(NOW):
        step = services.file_under(message.id, person.id, by="test", at=NOW)
    case = Case.objects.get(person=person)
    assert (case.classification, step.before, step.after) == ("confirmed", State.UNCLEAR, State.NEW_CASE)

    with clock.fixed(NOW + timedelta(minutes=1)):
        services.undo_handling(step.id, by="test", at=NOW + timedelta(minutes=1))

    message.refresh_from_db()
    case.refresh_from_db()
    assert (message.state, message.problem, message.is_waiting) == (State.UNCLEAR, "nobody", True)
    assert (case.classification != "confirmed", LabResult.objects.filter(is_in_force=True).count()) == (True, 0)
    assert queries.results().count() == 0


def test_a_message_that_was_taken_back_can_be_filed_under_somebody_else(send):
    message = send(oru(patient="", name="", birth="", phone=""))
    one, other = (find_or_make_person([("national_id", f"{n}")], by="test", at=NOW)[0] for n in (111111, 222222))
    with clock.fixed(NOW):
        step = services.file_under(message.id, one.id, by="test", at=NOW)
        services.undo_handling(step.id, by="test", at=NOW)
        services.file_under(message.id, other.id, by="test", at=NOW)

    [result] = queries.results(in_force=True)
    assert result.person_id == other.id
    assert [case.person_id for case in Case.objects.filter(classification="confirmed")] == [other.id]


def test_rejecting_and_forwarding_need_a_word_and_can_be_taken_back(send):
    message = send(oru(lab="FAR"))
    with pytest.raises(services.HandlingError):
        services.reject_message(message.id, "  ", by="test", at=NOW)

    step = services.forward_message(message.id, "the city of Kaohsiung", by="test", at=NOW)
    message.refresh_from_db()
    assert (message.state, message.is_waiting) == (State.FORWARDED, False)
    services.undo_handling(step.id, by="test", at=NOW)
    message.refresh_from_db()
    assert (message.state, message.problem, message.is_waiting) == (State.UNCLEAR, "sender", True)
    with pytest.raises(services.HandlingError, match="newest"):
        services.undo_handling(step.id, by="test", at=NOW)


def test_a_message_that_is_filed_is_not_handled_twice(send):
    message = send(oru())

    with pytest.raises(services.HandlingError, match="meanwhile"):
        services.reject_message(message.id, "no", by="test", at=NOW)


def test_undoing_the_only_handling_of_a_correction_brings_the_former_version_back(send, lab):
    send(oru("M1"))
    services.change_laboratory(lab.id, {"is_trusted": False}, by="test", at=NOW)
    message = send(oru("M2", status="C", answer=NEGATIVE, reported="202103100800+0000"))
    with clock.fixed(NOW):
        step = services.file_anyway(message.id, by="test", at=NOW)
    assert Case.objects.get().classification != "confirmed"

    with clock.fixed(NOW):
        services.undo_handling(step.id, by="test", at=NOW)

    assert LabResult.objects.get(is_in_force=True).message.message_id == "M1"
    assert Case.objects.get().classification == "confirmed"
