"""The listener for test devices as a process that is killed, and the simulator over both roads."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from epipolis.sense.labs.models import Device, LabMessage, LabResult, Reading, SampleLabel
from epipolis.sense.people.models import Person
from epipolis.server.commands.devices import simulate
from epipolis.server.mqtt import broker_at
from epipolis.server.simulated_devices import FAULTS, Odds, devices_of, draw
from tests.sense.labs import devices as made
from tests.sense.labs.brokers import InTests, listening, talk
from tests.server.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
SLOW_COMMIT = """
CREATE FUNCTION labs_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$;
CREATE CONSTRAINT TRIGGER labs_slow AFTER INSERT ON labs_reading DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION labs_slow()
"""
NOT_SLOW = "DROP TRIGGER labs_slow ON labs_reading; DROP FUNCTION labs_slow()"
COMMITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query ILIKE 'commit%'"


@pytest.fixture
def broker():
    one = InTests()
    one.start()
    yield one
    one.close()


def sql(text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchone() if cursor.description else None


def listener(broker):
    """`epipolis devices listen` as a process of its own over the tests' database."""
    found = connection.settings_dict
    settings = {
        "EPIPOLIS_DATABASE_URL": f"postgresql://{found['USER']}@/{found['NAME']}?host={found['HOST']}",
        "DJANGO_SETTINGS_MODULE": "epipolis.server.settings",
        "EPIPOLIS_BROKER": broker.address,
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "epipolis.server", "devices", "listen"]
    process = subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "listening\n"
    return process


def test_a_listener_killed_between_commit_and_acknowledgement_files_the_reading_once(broker):
    _device, token = made.device()
    made.lot(expires=date(2199, 1, 1))
    made.label()
    now = datetime.now(UTC)
    raw = made.signed(made.reading(measured_at=now.isoformat(), sent_at=now.isoformat()), "EP-1", token)
    process = listener(broker)
    sql(SLOW_COMMIT)
    try:
        asyncio.run(talk(broker.broker, "EP-1", raw, receipts=0))
        wait_until(lambda: sql(COMMITS)[0] == 1, 20)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(Reading.objects.exists, 20)  # the database ends the commit that was asked for
        process.stdout.close()
        process = listener(broker)
        [receipt] = asyncio.run(talk(broker.broker, "EP-1", raw))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        sql(NOT_SLOW)

    assert receipt["status"] == "known"
    assert (LabMessage.objects.count(), Reading.objects.count(), LabResult.objects.count()) == (1, 1, 1)


def test_a_reading_that_came_while_nobody_listened_waits_at_the_broker(broker):
    _device, token = made.device()
    now = datetime.now(UTC).isoformat()
    raw = made.signed(made.reading(measured_at=now, sent_at=now), "EP-1", token)
    with listening(broker.broker):
        pass
    asyncio.run(talk(broker.broker, "EP-1", raw, receipts=0))

    with listening(broker.broker):
        wait_until(Reading.objects.exists, 20)

    assert Reading.objects.get().is_proven


@pytest.mark.parametrize("road", ["http", "mqtt"])
def test_of_simulated_readings_with_every_fault_each_counts_once_and_says_so(road, request):
    odds = Odds(prevalence=0.5, faults=0.8)
    if road == "http":
        told = simulate(3, 40, odds, address=request.getfixturevalue("live_server").url, seed=4)
    else:
        broker = request.getfixturevalue("broker")
        with listening(broker.broker):
            told = simulate(3, 40, odds, broker=broker.broker, seed=4)

    assert told["not_exactly_once"] == []
    assert told["results"] == told["should_be"] < told["readings"] == 40
    assert set(told["faults"]) >= set(FAULTS) - {"wrong_clock"}
    assert told["wrong_clocks"] > 0
    tables = (Device, LabMessage, LabResult, Reading, SampleLabel, Person)
    assert [model.objects.filter(simulated=False).count() for model in tables] == [0] * 6
    assert not LabMessage.objects.filter(problem="clock").exists()


def test_what_is_drawn_is_as_the_stated_sensitivity_and_specificity():
    drawn = draw(10, 20_000, Odds(0.3, 0.85, 0.97, faults=0.1), seed=2, run="a")
    infected = [one for one in drawn if one.is_infected]
    others = [one for one in drawn if not one.is_infected]

    assert abs(len(infected) / len(drawn) - 0.3) < 0.01
    assert abs(sum(one.result == "positive" for one in infected) / len(infected) - 0.85) < 0.02
    assert abs(sum(one.result == "negative" for one in others) / len(others) - 0.97) < 0.01
    assert abs(sum(bool(one.fault) for one in drawn) / len(drawn) - 0.1) < 0.01
    assert drawn == draw(10, 20_000, Odds(0.3, 0.85, 0.97, faults=0.1), seed=2, run="a")
    assert drawn != draw(10, 20_000, Odds(0.3, 0.85, 0.97, faults=0.1), seed=3, run="a")


def test_a_device_with_a_wrong_clock_sends_everything_by_it():
    drawn = draw(4, 400, Odds(faults=0.5), seed=1, run="a")
    at = datetime(2021, 3, 10, tzinfo=UTC)
    found = devices_of(drawn, {f"S{n}": "t" for n in range(4)}, seed=1, at=at)

    assert [one.clock_error != 0 for one in found] == [True, False, True, False]
    assert all(abs(one.clock_error) <= timedelta(days=20).total_seconds() for one in found)
    assert not any(one.fault == "wrong_clock" for device in found[1::2] for one in device.readings)


@pytest.mark.parametrize("address", ["http://x", "mqtt://", "nonsense", "mqtt://broker.city.example"])
def test_an_address_that_is_no_broker_or_an_open_road_is_refused(address):
    with pytest.raises(ValueError, match="mqtt"):
        broker_at(address)


def test_the_password_of_a_broker_is_not_shown():
    broker = broker_at("mqtts://city:s%40cret@broker.example:8884")

    assert (broker.username, broker.password, broker.port, broker.is_encrypted) == ("city", "s@cret", 8884, True)
    assert "s@cret" not in repr(broker)
