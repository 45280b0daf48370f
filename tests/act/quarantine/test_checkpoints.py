"""The checkpoint in steps: whoever crashes between them, and whichever process goes on, remembers and tells the same."""

import random
import threading
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from django.db import connection, transaction

from epipolis.act.quarantine import services
from epipolis.act.quarantine.models import Alarm, Entry, Stream, Transition, Watch
from epipolis.act.quarantine.services import checkpoints, streaming
from epipolis.act.quarantine.services.streaming import Follower
from epipolis.core.sealing import unseal

from .factories import NOW, drafted, issued
from .fences import AWAY, HOME, enrolled, fix, walk, watched

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
PEOPLE = 5


@pytest.fixture
def in_steps(monkeypatch):
    """One person in a turn, and in each turn."""
    monkeypatch.setattr(checkpoints, "AT_ONCE", 1)
    monkeypatch.setattr(streaming, "_EVERY", -1.0)
    monkeypatch.setattr(streaming, "_SHARE", 0)


def crowd(people):
    first = watched()
    rows = [first, *(watched(issued(drafted())) for _ in range(people - 1))]
    return [enrolled(row) for row in rows]


def table(memory, told):
    person, minute, place = zip(*told, strict=True)
    count = len(told)
    return pa.table(
        {
            "person": np.array([memory.row_of[one] for one in person], np.int32),
            "time": np.array([int((NOW + one * MINUTE).timestamp()) for one in minute], np.int64),
            "lon": np.array([one[0] for one in place]),
            "lat": np.array([one[1] for one in place]),
            "accuracy": np.full(count, 9.0, np.float32),
            "battery": np.full(count, 0.5, np.float32),
            "charging": pa.array([None] * count, pa.bool_()),
            "source": np.zeros(count, np.uint8),
        }
    )


def steps(people, seed):
    """What happens to some people, with late and repeated fixes, silence, errands, wrong clocks, and phones that change."""
    rng, found, minute = random.Random(seed), [], 0  # noqa: S311 -- it draws what happens
    orders = [row.id for row, _ in people]
    for _ in range(60):
        minute += rng.choice([1, 4, 9, 25])
        kind = rng.choices(["positions", "silence", "errand", "clock", "phone"], [12, 3, 2, 1, 1])[0]
        if kind == "positions":
            told = [
                (rng.choice(orders), minute - rng.choice([0, 0, 1, 7, 40]), rng.choice([HOME, AWAY, AWAY]))
                for _ in range(rng.randint(1, 6))
            ]
            found.append((minute, kind, told))
        elif kind == "silence":
            forget = int((NOW + (minute - 60) * MINUTE).timestamp())
            found.append((minute, kind, {"quiet": False, "forget": forget}))
        elif kind == "errand":
            start = int((NOW + (minute - rng.choice([0, 20])) * MINUTE).timestamp())
            found.append((minute, kind, {"order": rng.choice(orders), "errands": [[start, start + rng.choice([600, 3_000])]]}))
        elif kind == "clock":
            found.append((minute, kind, {"orders": [[rng.choice(orders), rng.choice([0, 7_200])]]}))
        else:
            number = rng.randrange(len(people))
            row, token = people[number]
            secret = services.phones._hash(token)
            found.append((minute, rng.choice(["phone", "unphone"]), {"phone": secret, "order": row.id}))
    return found


def play(happens, choose):
    """Do the steps, each in the process that `choose` gives; what is remembered and told in the end."""
    for minute, kind, facts in happens:
        with choose().turn(NOW + minute * MINUTE) as turn:
            if kind == "positions":
                turn.positions(table(turn.memory, facts))
            else:
                turn.step(kind, facts)
    last = choose()
    with last.turn(NOW + happens[-1][0] * MINUTE):
        memory = last.memory
        kept = {order: memory.packed(row) for order, row in memory.row_of.items()}
    told = set(Transition.objects.values_list("order", "at", "before", "after", "reason", "excursion"))
    return kept, told, set(Alarm.objects.values_list("order", "kind", "excursion", "state"))


def undone(run):
    with transaction.atomic():
        found = run()
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("seed", range(4, 10))
def test_crashes_between_the_steps_and_two_processes_change_nothing(seed, monkeypatch, in_steps):
    people = crowd(PEOPLE)
    streaming.follower._forget()
    happens = steps(people, seed)

    def without_checkpoint():
        alone = Follower()
        alone._saved = float("inf")
        return play(happens, lambda: alone)

    expected = undone(without_checkpoint)
    rng, processes = random.Random(seed + 1), [Follower(), Follower()]  # noqa: S311 -- the same

    def choose():
        one = rng.choice(processes)
        if rng.random() < 0.3:
            one._forget()
        return one

    assert play(happens, choose) == expected
    assert len(expected[1]) > 10


def test_a_turn_writes_no_more_than_its_share_of_people(monkeypatch):
    monkeypatch.setattr(checkpoints, "AT_ONCE", 2)
    monkeypatch.setattr(streaming, "_EVERY", -1.0)
    monkeypatch.setattr(streaming, "_SHARE", 0)
    people = crowd(5)
    streaming.follower.checkpoint(NOW)
    seq = Stream.objects.get().seq

    services.record_positions([fix(phone, 1) for _, phone in people], by="test", at=NOW + 2 * MINUTE)
    assert Watch.objects.filter(seq__gt=seq).count() == 2
    assert Entry.objects.count() == 1
    services.record_positions([fix(people[0][1], 2)], by="test", at=NOW + 3 * MINUTE)
    assert Watch.objects.filter(seq__gt=seq).count() == 4
    assert Entry.objects.count() == 2
    services.record_positions([fix(people[0][1], 3)], by="test", at=NOW + 4 * MINUTE)
    assert Watch.objects.filter(seq__gt=seq).count() == 5
    assert list(Entry.objects.values_list("seq", flat=True)) == [seq + 2, seq + 3]


def test_a_checkpoint_that_another_process_finished_is_not_written_again(in_steps):
    people = crowd(2)
    services.record_positions([fix(phone, 1) for _, phone in people], by="test", at=NOW + 2 * MINUTE)
    other = Follower()
    with other.turn(NOW + 3 * MINUTE):
        pass
    streaming.follower.checkpoint(NOW + 4 * MINUTE)
    held = dict(Watch.objects.values_list("order", "seq"))

    other.checkpoint(NOW + 5 * MINUTE)

    assert dict(Watch.objects.values_list("order", "seq")) == held


def test_when_an_order_ends_its_positions_go_at_once_though_others_wait(monkeypatch):
    monkeypatch.setattr(checkpoints, "AT_ONCE", 1)
    people = crowd(4)
    streaming.follower.checkpoint(NOW)
    streaming.follower._saved = float("inf")
    services.record_positions([one for _, phone in people for one in walk(phone, (1, 6))], by="test", at=NOW + 7 * MINUTE)
    row = people[0][0]

    services.lift_order(row.id, reason="mistake", by="otto", at=NOW + 8 * MINUTE)
    services.sync_watch(row.id, at=NOW + 8 * MINUTE)
    streaming.follower._saved = float("-inf")

    assert not Entry.objects.exists()
    assert bytes(Watch.objects.get(order=row).body) == b""
    assert all(unseal(one.body) for one in Watch.objects.filter(ended=None))


def test_what_cannot_be_stored_is_forgotten_and_read_again():
    row, phone = enrolled()
    services.record_positions(walk(phone, (1, 6)), by="test", at=NOW + 7 * MINUTE)
    with pytest.raises(RuntimeError), streaming.follower.turn(NOW + 8 * MINUTE) as turn:
        turn.step("errand", {"order": row.id, "errands": [[0, 10**10]]})
        raise RuntimeError("the process ends")

    services.record_positions(walk(phone, (11, 16), AWAY), by="test", at=NOW + 17 * MINUTE)

    assert Alarm.objects.filter(kind="left").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_process_that_lags_learns_what_it_missed_while_another_holds_the_stream():
    row, phone = enrolled()
    services.record_positions(walk(phone, (1, 6)), by="test", at=NOW + 7 * MINUTE)
    streaming.follower.checkpoint(NOW + 7 * MINUTE)
    services.record_positions(walk(phone, (11, 16), AWAY), by="test", at=NOW + 17 * MINUTE)
    other, seq = Follower(), Stream.objects.get().seq

    def approach():
        try:
            other._approach()
        finally:
            connection.close()

    with streaming.follower.turn(NOW + 18 * MINUTE) as turn:
        turn.step("silence", {"quiet": True, "forget": 0})
        thread = threading.Thread(target=approach)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
        assert other._seq == seq  # what is not committed is not known

    with other.turn(NOW + 19 * MINUTE):
        assert other._seq == seq + 1
        own, first = other.memory, streaming.follower.memory
        assert own.packed(own.row_of[row.id]) == first.packed(first.row_of[row.id])
