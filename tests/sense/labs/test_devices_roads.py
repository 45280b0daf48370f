"""One contract for both roads by which readings come, HTTP and MQTT: the same readings end the same, whatever happens."""

import asyncio
import json
from datetime import timedelta

import pytest

from epipolis.core import clock
from epipolis.core.models import DeviceToken
from epipolis.sense.cases.models import Case
from epipolis.sense.labs import services
from epipolis.sense.labs.models import Device, LabMessage, LabResult, Reading

from . import devices as made
from .brokers import InTests, OverMqtt, listening, talk
from .messages import NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def broker():
    one = InTests()
    one.start()
    yield one
    one.close()


@pytest.fixture
def at_noon():
    with clock.fixed(NOW):
        yield


@pytest.fixture(params=["http", "mqtt"])
def send(request, client, at_noon):
    """A registered device that sends over this road, with a lot and a labelled sample."""
    device, token = made.device()
    made.lot()
    made.label()
    if request.param == "http":
        yield made.OverHttp(client, token)
        return
    broker = request.getfixturevalue("broker")
    with listening(broker.broker):
        yield OverMqtt(broker.broker, device.serial, token)


def test_a_reading_is_a_result_with_its_case_when_the_receipt_comes(send):
    receipt = send(made.reading())

    assert (receipt["status"], receipt["reading"], receipt["waits"]) == ("stored", "R1", False)
    assert (LabResult.objects.get().case_id, LabMessage.objects.get().state) == (Case.objects.get().id, "new_case")


def test_a_receipt_tells_nothing_about_the_person(send):
    told = json.dumps(send(made.reading()))

    assert not any(word in told for word in (str(LabResult.objects.get().person_id), "Torres", "Ana", "positive"))


def test_a_reading_sent_again_is_known_and_stored_once(send):
    receipts = [send(made.reading(sent_at=(NOW + timedelta(seconds=n)).isoformat())) for n in range(4)]

    assert [one["status"] for one in receipts] == ["stored", "known", "known", "known"]
    assert (LabMessage.objects.count(), Reading.objects.count(), LabResult.objects.count()) == (1, 1, 1)


def test_a_number_used_again_for_other_content_waits_and_changes_nothing(send):
    send(made.reading())
    receipt = send(made.reading(result="negative"))

    assert (receipt["status"], receipt["waits"]) == ("stored", True)
    assert LabResult.objects.get().result == "positive"
    assert LabMessage.objects.get(is_waiting=True).problem == "twin"


def test_readings_in_any_order_end_the_same(send):
    for number, minutes in (("R3", 5), ("R1", 300), ("R2", 60)):
        at = (NOW - timedelta(minutes=minutes)).isoformat()
        assert send(made.reading(number, measured_at=at, result="negative"))["status"] == "stored"

    assert LabResult.objects.filter(is_in_force=True).count() == 3


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00 nonsense",
        b"[]",
        b"{}",
        b'{"reading": "R1"}',
        b"[" * 9_000,
        b"x" * 20_000,
        json.dumps(made.reading(result="maybe")).encode(),
        json.dumps(made.reading(measured_at="2021-03-10T09:00:00")).encode(),
        json.dumps(made.reading(measured_at="9999-12-31T23:59:59-11:00")).encode(),
        json.dumps(made.reading(sample="\0")).encode(),
        json.dumps(made.reading(temperature=1e300)).encode(),
        json.dumps(made.reading(battery=101)).encode(),
    ],
)
def test_what_cannot_be_read_is_stored_rejected_and_waits(send, raw):
    assert send(raw)["status"] == "rejected"
    assert send(raw)["status"] == "rejected"

    message = LabMessage.objects.get()
    assert (message.state, message.problem, message.is_waiting) == ("rejected", "unreadable", True)
    assert not LabResult.objects.exists()


def test_a_reading_that_says_it_is_of_another_device_waits(send):
    receipt = send(made.reading(device="EP-9"))

    assert receipt["waits"]
    assert LabMessage.objects.get().problem == "identity"


def test_simulated_devices_mark_all_that_comes_of_their_readings(send):
    Device.objects.update(simulated=True)

    send(made.reading())

    rows = (LabMessage.objects.get(), Reading.objects.get(), LabResult.objects.get(), Case.objects.get())
    assert [row.simulated for row in rows] == [True] * 4


def test_a_mistake_of_ours_keeps_the_reading_and_it_is_filed_later(send, deliver_events, monkeypatch):
    from epipolis.sense.labs.services import measuring

    def fails(*_args, **_kwargs):
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patch:
        patch.setattr(measuring, "understand", fails)
        assert send(made.reading())["status"] == "stored"
    assert (LabMessage.objects.get().state, LabResult.objects.count()) == ("received", 0)

    deliver_events()

    assert LabMessage.objects.get().state == "new_case"


def test_an_unsigned_reading_over_a_broker_proves_nothing(broker, at_noon):
    made.device()
    made.lot()
    made.label()

    with listening(broker.broker):
        [receipt] = asyncio.run(talk(broker.broker, "EP-1", json.dumps(made.reading()).encode()))

    assert receipt["waits"]
    assert (LabMessage.objects.get().problem, Device.objects.get().heard) == ("identity", None)


@pytest.mark.parametrize("how", ["other token", "other device", "changed", "revoked", "stored hash"])
def test_a_signature_of_somebody_else_proves_nothing(broker, at_noon, how):
    device, token = made.device()
    _other, other_token = made.device("EP-2")
    made.lot()
    made.label()
    raw = made.signed(
        made.reading(), "EP-2" if how == "other device" else "EP-1", other_token if how == "other token" else token
    )
    if how == "stored hash":  # what a copy of the database tells about the token
        text = json.dumps(made.reading())
        raw = json.dumps({"signed": text, "mac": services.sign(text.encode(), "EP-1", device.account.token_hash)}).encode()
    if how == "changed":
        raw = raw.replace(b"positive", b"negative")
    if how == "revoked":
        DeviceToken.objects.filter(id=device.account_id).update(revoked=NOW - timedelta(hours=1))

    with listening(broker.broker):
        asyncio.run(talk(broker.broker, "EP-1", raw))

    assert LabMessage.objects.get().problem == "identity"
    assert not LabResult.objects.exists()


def test_the_true_reading_counts_though_a_false_one_with_its_number_came_first(broker, at_noon):
    _device, token = made.device()
    made.lot()
    made.label()
    false = json.dumps(made.reading(result="negative")).encode()
    same = json.dumps(made.reading()).encode()

    with listening(broker.broker):
        asyncio.run(talk(broker.broker, "EP-1", false, same, made.signed(made.reading(), "EP-1", token)))

    assert LabResult.objects.get().result == "positive"
    assert LabMessage.objects.get(is_waiting=True).problem == "identity"


def test_a_device_that_nobody_registered_is_listed_and_its_readings_wait(broker, at_noon):
    hello = json.dumps({"model": "Rapid 600", "firmware": "2.1", "sent_at": NOW.isoformat()}).encode()

    with listening(broker.broker):
        asyncio.run(talk(broker.broker, "NEW-7", hello, kind="about"))
        [receipt] = asyncio.run(talk(broker.broker, "NEW-7", json.dumps(made.reading()).encode()))

    assert receipt["waits"]
    device = Device.objects.get()
    assert (device.state, device.model, device.about["firmware"]) == ("announced", "Rapid 600", "2.1")
    assert LabMessage.objects.get().problem == "device"


def test_a_device_describes_itself_and_a_retained_word_says_nothing_about_now(broker, at_noon):
    _device, token = made.device("EP-R")
    raw = made.signed({"model": "Rapid 600", "firmware": "3", "sent_at": NOW.isoformat()}, "EP-R", token)

    asyncio.run(talk(broker.broker, "EP-R", raw, kind="about", retain=True, receipts=0))
    with listening(broker.broker):
        [receipt] = asyncio.run(talk(broker.broker, "EP-R", made.signed(made.reading(lot="none"), "EP-R", token)))
        assert receipt["status"] == "stored", receipt
        heard = made.found("EP-R").heard
        # Taken back while somebody listens: else the broker keeps this word too, and the next test's listener lists EP-R anew.
        [taken_back] = asyncio.run(talk(broker.broker, "EP-R", b"", kind="about", retain=True))

    assert taken_back["status"] == "rejected"
    assert made.found("EP-R").about == {"model": "Rapid 600", "firmware": "3"}
    assert heard == NOW
    assert made.found("EP-R").clock_measured is None


def test_a_status_measures_the_clock_and_a_late_reading_is_not_taken_for_a_wrong_clock(broker, at_noon):
    _device, token = made.device()
    made.lot()
    made.label()
    hours = timedelta(hours=5)
    status = made.signed({"sent_at": (NOW - timedelta(hours=1)).isoformat()}, "EP-1", token)
    measured = NOW - timedelta(hours=1) - hours  # by a clock one hour behind
    late = made.reading(measured_at=measured.isoformat(), sent_at=(measured + timedelta(minutes=1)).isoformat())

    with listening(broker.broker):
        asyncio.run(talk(broker.broker, "EP-1", status, kind="status", qos=0))
        asyncio.run(talk(broker.broker, "EP-1", made.signed(late, "EP-1", token)))

    assert Reading.objects.get().measured_at == NOW - hours
    assert made.found().clock_offset == 3600


def test_topics_that_name_no_device_are_refused_and_stored_nowhere(broker, at_noon):
    before = set(Device.objects.values_list("serial", flat=True)), LabMessage.objects.count()

    with listening(broker.broker):
        [receipt] = asyncio.run(talk(broker.broker, "a b", b"x"))

    assert receipt["status"] == "rejected"
    assert (set(Device.objects.values_list("serial", flat=True)), LabMessage.objects.count()) == before


def test_a_broker_that_starts_again_costs_no_reading(at_noon):
    _device, token = made.device()
    made.lot()
    made.label()
    one = InTests()
    one.start()
    try:
        with listening(one.broker) as ready:
            send = OverMqtt(one.broker, "EP-1", token)
            send(made.reading())
            one.stop()
            ready.clear()
            one.start()
            assert ready.wait(20)
            receipts = [send(made.reading()), send(made.reading("R2"))]
    finally:
        one.close()

    assert [row["status"] for row in receipts] == ["known", "stored"]
    assert LabResult.objects.count() == 2


def test_the_platform_listens_to_a_limited_number_of_unknown_devices(at_noon, monkeypatch):
    from epipolis.sense.labs.services import measuring

    monkeypatch.setattr(measuring, "MOST_ANNOUNCED", 2)
    taken = [services.take_over_mqtt(b"{}", f"X{n}", at=NOW).where for n in range(4)]

    assert taken == ["$", "$", "topic", "topic"]
    assert Device.objects.count() == 2
