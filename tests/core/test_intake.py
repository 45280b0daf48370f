"""The lane: everything that waits becomes one batch, each is answered when its batch has ended."""

import asyncio
import threading

import pytest
from django.db import DataError, OperationalError

from epipolis.core.intake import AWAY, BROKEN, FULL, STORED, Lane, rejected, senders, store_batch

pytestmark = pytest.mark.django_db


class DiskFullError(Exception):
    sqlstate = "53100"


def run(write, work, **limits):
    async def inside():
        lane = Lane(write, asyncio.get_running_loop(), **limits)
        try:
            return await work(lane)
        finally:
            await asyncio.to_thread(lane.stop)

    return asyncio.run(inside())


@pytest.mark.django_db(transaction=True)
def test_what_waits_while_a_batch_is_written_becomes_the_next_batch():
    batches, may_go = [], threading.Event()

    def write(items, *, by, at):
        batches.append(list(items))
        may_go.wait(10)
        return [STORED] * len(items)

    async def work(lane):
        first = lane.put(0, "a")
        while not batches:
            await asyncio.sleep(0.001)
        others = [lane.put(n, "a") for n in range(1, 8)]
        may_go.set()
        return await asyncio.gather(first, *others)

    answers = run(write, work, most=5)

    assert answers == [STORED] * 8
    assert batches == [[0], [1, 2, 3, 4, 5], [6, 7]]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_answered_before_its_batch_has_ended():
    may_go = threading.Event()

    def write(items, *, by, at):
        may_go.wait(10)
        return [STORED] * len(items)

    async def work(lane):
        answer = lane.put(1, "a")
        await asyncio.sleep(0.05)
        early = answer.done()
        may_go.set()
        await answer
        return early

    assert run(write, work) is False


@pytest.mark.django_db(transaction=True)
def test_a_client_that_hangs_up_does_not_stop_the_lane():
    async def work(lane):
        lane.put(1, "a").cancel()
        return await lane.put(2, "a")

    assert run(lambda items, by, at: [STORED] * len(items), work) == STORED


@pytest.mark.django_db(transaction=True)
def test_a_lane_that_stops_stores_what_waits():
    stored = []

    def write(items, *, by, at):
        stored.extend(items)
        return [STORED] * len(items)

    async def work(lane):
        return [lane.put(n, "a") for n in range(50)]

    answers = run(write, work, most=7)

    assert stored == list(range(50))
    assert len(answers) == 50


@pytest.mark.django_db(transaction=True)
def test_a_full_lane_says_so():
    may_go = threading.Event()

    async def work(lane):
        for n in range(4):
            lane.put(n, "a")
        await asyncio.sleep(0.05)
        full = lane.is_full
        may_go.set()
        return full

    assert run(lambda items, by, at: may_go.wait(10) and [STORED] * len(items), work, most=1, longest=3) is True


@pytest.mark.parametrize(("cause", "expected"), [(None, AWAY), (DiskFullError(), FULL)])
def test_a_database_that_is_away_or_full_is_said_to_each(cause, expected):
    def write(items, *, by, at):
        raise OperationalError("gone") from cause

    assert store_batch(write, [1, 2, 3], "a") == [expected] * 3


def test_one_item_that_the_database_refuses_does_not_take_the_others_with_it():
    def write(items, *, by, at):
        if "bad" in items:
            raise DataError("no")
        return [rejected("x", "y") if item == "odd" else STORED for item in items]

    assert store_batch(write, ["a", "bad", "odd", "b"], "a") == [STORED, BROKEN, rejected("x", "y"), STORED]


def test_a_fault_in_the_service_is_answered_and_not_swallowed(caplog):
    def write(items, *, by, at):
        raise RuntimeError("a fault")

    assert store_batch(write, [1, 2], "a") == [BROKEN, BROKEN]
    assert [record.message for record in caplog.records] == ["a batch could not be stored"]


def test_the_trail_names_who_sent_a_batch():
    assert senders(["device:b", "device:a", "device:b"]) == "device:a, device:b"
    assert senders([f"device:{n}" for n in range(6)]) == "device:0, device:1, device:2 and 3 more"
