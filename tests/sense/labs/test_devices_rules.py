"""What a reading is worth: each check by rule, and what a person can do where a rule does not settle it."""

from datetime import date, timedelta

import pytest

from epipolis.core.models import User
from epipolis.sense.cases.models import Case, CaseTest
from epipolis.sense.labs import services
from epipolis.sense.labs.models import Device, LabMessage, LabResult, Reading

from . import devices as made
from .messages import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(client):
    _device, token = made.device()
    made.lot()
    return made.OverHttp(client, token)


@pytest.fixture
def ana():
    who = made.person()
    made.label(who=who)
    return who


def message():
    return LabMessage.objects.get()


def waits_for(problem):
    return message().is_waiting and message().problem == problem and not LabResult.objects.exists()


def test_a_positive_reading_is_a_case_in_one_step(send, ana):
    answer = send(made.reading())

    assert (answer["status"], answer["waits"]) == ("stored", False)
    [result] = LabResult.objects.all()
    assert (result.person_id, result.kind, result.result, result.status, result.lot) == (
        ana,
        "antigen",
        "positive",
        "final",
        made.LOT,
    )
    assert (result.device, result.specimen) == ("EP-1", "")
    case = Case.objects.get()
    assert (case.id, case.person_id, case.disease) == (result.case_id, ana, "COVID-19")
    assert message().state == "new_case"


def test_a_negative_reading_stays_with_the_person(send, ana):
    send(made.reading(result="negative"))

    assert (message().state, Case.objects.count(), LabResult.objects.get().person_id) == ("person", 0, ana)


def test_a_lot_past_its_last_day_confirms_nothing_and_says_so(client, ana):
    _device, token = made.device()
    made.lot(expires=date(2021, 3, 9), kind="pcr")

    made.OverHttp(client, token)(made.reading())

    assert LabResult.objects.get().status == "preliminary"
    assert Case.objects.get().classification != "confirmed"
    assert Reading.objects.get().marks[0] == ["The lot %(lot)s ended on %(day)s.", {"lot": made.LOT, "day": "2021-03-09"}]


def test_a_pcr_reading_of_a_good_lot_confirms(client, ana):
    _device, token = made.device()
    made.lot(kind="pcr")

    made.OverHttp(client, token)(made.reading())

    assert Case.objects.get().classification == "confirmed"


def test_a_missing_control_line_says_nothing_whatever_the_result(send, ana):
    send(made.reading(control_valid=False))

    assert LabResult.objects.get().result == "unsatisfactory"
    assert not Case.objects.exists()


def test_a_reading_outside_the_kits_temperatures_confirms_nothing(send, ana):
    send(made.reading(temperature=38.5))

    assert LabResult.objects.get().status == "preliminary"


def test_a_kits_own_temperatures_go_before_the_rules(client, ana):
    _device, token = made.device()
    made.lot(coldest=2, warmest=40)

    made.OverHttp(client, token)(made.reading(temperature=38.5))

    assert LabResult.objects.get().status == "final"


def test_a_wrong_clock_is_corrected_and_both_times_are_kept(send, ana):
    days = timedelta(days=40)
    send(made.reading(measured_at=(NOW - days).isoformat(), sent_at=(NOW - days + timedelta(hours=1)).isoformat()))

    row = Reading.objects.get()
    assert row.measured_at == NOW - timedelta(hours=1)
    assert row.device_time == NOW - days
    assert LabResult.objects.get().sampled_at == row.measured_at
    assert made.found().clock_offset == (days - timedelta(hours=1)).total_seconds()


def test_a_clock_that_is_little_wrong_is_left_as_it_is(send, ana):
    at = (NOW - timedelta(minutes=5)).isoformat()
    send(made.reading(measured_at=at, sent_at=(NOW - timedelta(seconds=100)).isoformat()))

    assert (Reading.objects.get().measured_at.isoformat(), Reading.objects.get().clock_offset) == (at, 0.0)


@pytest.mark.parametrize("days", [-70, 3])
def test_a_time_that_cannot_be_right_waits_for_a_person(send, ana, days):
    send(made.reading(measured_at=(NOW + timedelta(days=days)).isoformat(), sent_at=None))

    assert waits_for("clock")


def test_an_unknown_barcode_waits_and_is_filed_as_soon_as_the_label_is_given(send, ana, deliver_events):
    assert send(made.reading(sample="tube 0002"))["waits"]
    assert waits_for("sample")

    services.give_label("TUBE0002", ana, by="test", at=NOW)
    deliver_events()

    assert (message().state, LabResult.objects.get().person_id) == ("new_case", ana)


def test_a_printed_label_that_nobody_has_waits(send):
    [printed] = services.make_labels(1, by="test", at=NOW)

    send(made.reading(sample=printed.barcode))

    assert waits_for("sample")


def test_a_label_that_was_taken_back_brings_nothing_to_anybody(send, ana):
    label = made.label("TUBE0009", ana)
    services.take_back_label(label.id, "other person", by="test", at=NOW)

    send(made.reading(sample="TUBE0009"))

    assert waits_for("sample")


def test_an_unknown_operator_waits_until_they_work_with_the_device(send, ana, deliver_events):
    send(made.reading(operator="mallory"))
    assert waits_for("operator")

    mallory = User.objects.create(username="mallory")
    services.change_device(made.found().id, {}, [*made.found().operators.all(), mallory], by="test", at=NOW)
    deliver_events()

    assert LabResult.objects.count() == 1


def test_an_operator_whose_account_is_closed_is_unknown(send, ana):
    User.objects.filter(username="ruth").update(is_active=False)

    send(made.reading())

    assert waits_for("operator")


@pytest.mark.parametrize("state", ["paused", "lost"])
def test_a_device_that_is_not_in_use_is_refused_to_the_inbox(send, ana, state):
    services.set_state(made.found().id, state, "repair", by="test", at=NOW)

    assert send(made.reading())["waits"]

    assert waits_for("device")


def test_an_unknown_lot_waits_until_it_is_registered(send, ana, deliver_events):
    send(made.reading(lot="L9"))
    assert waits_for("lot")

    made.lot("L9")
    deliver_events()

    assert LabResult.objects.get().lot == "L9"


def test_a_lot_that_must_not_be_used_waits(send, ana):
    made.lot(is_allowed=False)

    send(made.reading())

    assert waits_for("lot")


def test_staff_may_file_a_waiting_reading_under_a_person(send, ana):
    send(made.reading(sample="TUBE0002"))

    services.file_under(message().id, ana, by="test", at=NOW)

    assert (message().state, LabResult.objects.get().person_id) == ("new_case", ana)


def test_filing_a_reading_can_be_taken_back(send, ana):
    send(made.reading(sample="TUBE0002"))
    step = services.file_under(message().id, ana, by="test", at=NOW)

    services.undo_handling(step.id, by="test", at=NOW)

    assert message().is_waiting
    assert not LabResult.objects.filter(taken_back=None).exists()
    assert not CaseTest.objects.filter(superseded_by=None).exclude(status="withdrawn").exists()


def test_two_devices_that_agree_about_one_sample_are_both_noted(client, send, ana):
    other = made.OverHttp(client, made.device("EP-2")[1])
    send(made.reading())
    other(made.reading("R7"))

    assert LabResult.objects.count() == 2
    assert Case.objects.count() == 1
    assert Reading.objects.get(device__serial="EP-2").marks[0][0].startswith("The sample had been read before")


def test_two_devices_that_contradict_each_other_about_one_sample_need_a_person(client, send, ana):
    other = made.OverHttp(client, made.device("EP-2")[1])
    send(made.reading(result="negative"))

    assert other(made.reading("R7"))["waits"]

    assert LabResult.objects.get().result == "negative"
    assert LabMessage.objects.get(is_waiting=True).problem == "sample"


def test_a_repeat_with_a_good_lot_decides_over_one_of_an_expired_lot(client, ana):
    _device, token = made.device()
    made.lot("OLD", expires=date(2021, 3, 1))
    made.lot("NEW")
    send = made.OverHttp(client, token)
    send(made.reading(lot="OLD"))

    assert not send(made.reading("R2", lot="NEW", result="negative"))["waits"]


def test_a_label_is_for_one_person(ana):
    other = made.person("Luis", "Vega", "A100000002")

    with pytest.raises(services.LabelError, match="somebody else"):
        services.give_label("TUBE0001", other, by="test", at=NOW)


def test_a_label_given_twice_to_one_person_is_given_once(ana):
    label, is_new = services.give_label("tube 0001", ana, by="test", at=NOW)

    assert (label.person_id, is_new) == (ana, False)


def test_a_label_with_a_result_is_not_taken_back(send, ana):
    send(made.reading())
    label = services.give_label("TUBE0001", ana, by="test", at=NOW)[0]

    with pytest.raises(services.LabelError, match="filed"):
        services.take_back_label(label.id, "mistake", by="test", at=NOW)


def test_one_wrong_letter_of_a_label_of_ours_is_noticed():
    [label] = services.make_labels(1, by="test", at=NOW)
    code = label.barcode
    for place in range(1, len(code) - 1):
        wrong = "A" if code[place] != "A" else "B"
        with pytest.raises(services.LabelError, match="mistyped"):
            services.clean(code[:place] + wrong + code[place + 1 :])
    assert services.clean(f" {code.lower()} ") == code


def test_labels_print_as_a_page(client):
    pages = services.draw_labels(services.make_labels(50, by="test", at=NOW))

    assert pages.startswith(b"%PDF")
    assert pages.count(b"/Type /Page\n") == 2


def test_labels_and_barcodes_are_forgotten_and_those_of_the_erased_at_once(send, ana):
    from epipolis.sense.labs.models import SampleLabel
    from epipolis.sense.people.services import erase_person

    send(made.reading())
    erase_person(ana, by="test", at=NOW, reason="asked")

    services.forget_samples(before=NOW - timedelta(days=1), at=NOW)
    assert not SampleLabel.objects.exists()
    assert Reading.objects.get().barcode == ""
    assert LabResult.objects.count() == 1


def test_a_lost_device_keeps_its_history(send, ana):
    send(made.reading())
    services.set_state(made.found().id, "lost", "stolen", by="test", at=NOW)

    assert Device.objects.get().state == "lost"
    assert LabResult.objects.get().is_in_force
