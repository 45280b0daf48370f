"""The last fixes of each person: the newest, once each, in whatever order they came; and a person packed and restored."""

import numpy as np
import pyarrow as pa
import pytest

from epipolis.act.quarantine.services.memory import FIX, KEPT, Memory, shown_fence, shown_fixes

FACTS = {"lon": 121.5, "lat": 25.0, "radius": 100.0, "starts": 0, "ends": 10**9}


def remembered(people):
    memory = Memory()
    for order in range(1, people + 1):
        memory.fence({"order": order, **FACTS})
    return memory


def table(person, time):
    count = len(person)
    values = {"person": np.array(person, np.int32), "time": np.array(time, np.int64), "lon": np.full(count, 121.5)}
    values |= {"lat": np.full(count, 25.0), "accuracy": np.full(count, 9.0, np.float32), "source": np.zeros(count, np.uint8)}
    return pa.table(values)


@pytest.mark.parametrize("seed", range(5))
def test_the_newest_fixes_stay_however_they_are_cut(seed):
    rng = np.random.default_rng(seed)
    person, time = rng.integers(0, 7, 300), rng.permutation(300) + 1
    memory, one_by_one = remembered(7), remembered(7)
    for start in range(0, 300, 60):
        memory.note_fixes(table(person[start : start + 60], time[start : start + 60]))
    for row in np.argsort(time):
        one_by_one.note_fixes(table(person[[row]], time[[row]]))

    for who in range(7):
        newest = sorted(time[person == who], reverse=True)[:KEPT]
        assert memory.fixes["time"][who][: len(newest)].tolist() == newest
        assert one_by_one.fixes["time"][who][: len(newest)].tolist() == newest


def test_what_is_sent_again_takes_no_place_and_is_not_counted_twice():
    memory = remembered(2)
    times = [30, 10, 20, 20, 30]
    for _ in range(3):
        memory.note_fixes(table([0] * 5, times))
        memory.note_fixes(table([0, 1], [20, 7]))

    assert memory.fixes["time"][0].tolist() == [30, 20, 10] + [0] * (KEPT - 3)
    assert (memory.release(1), memory.release(2)) == (3, 1)


def test_a_person_is_packed_and_restored_exactly():
    memory, other = remembered(3), Memory()
    memory.note_fixes(table([1, 1, 2], [100, 200, 300]))
    memory.states.rows["state"][1] = 3
    text = memory.packed(1)

    assert other.unpack(42, text)
    row = other.row_of[42]
    assert other.packed(row) == text
    assert [one["time"] for one in shown_fixes(text)] == [200, 100]
    assert shown_fence(text)["lat"] == 25.0
    assert not other.unpack(43, "of another version")


def test_a_row_that_is_given_back_belongs_to_nobody():
    memory = remembered(2)
    memory.meet_phone(b"secret", 1, 5)
    memory.note_fixes(table([0], [100]))
    before = len(memory.orders)

    assert memory.release(1) == 1
    assert memory.release(1) == 0
    assert memory.phones == {}
    assert memory.row(9) == 0
    assert memory.fixes[0].tolist() == np.zeros(KEPT, FIX).tolist()
    assert len(memory.orders) == before


def test_many_people_make_the_arrays_grow_and_keep_what_they_held():
    memory = remembered(500)

    assert sorted(memory.row_of) == list(range(1, 501))
    assert (memory.fences["lat"][list(memory.row_of.values())] == 25.0).all()
