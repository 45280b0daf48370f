"""The same transitions however a stream is cut, sent again or restored; and the same as a slow second reading of the rule."""

import itertools

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from epipolis.engines.fence import FenceRule, States, follow, notice_silence
from tests.engines.fence.oracle import Fence
from tests.engines.fence.tracks import LAT, RULE, START, east, home, random_positions

streams = st.builds(random_positions, st.integers(0, 10**6), st.integers(1, 4), st.integers(0, 200))
rules = st.builds(
    FenceRule,
    fixes=st.integers(1, 3),
    weak_fixes=st.integers(3, 5),
    dwell=st.sampled_from([0.0, 240.0, 900.0]),
    fixes_back=st.integers(1, 3),
    unsure_fixes=st.integers(1, 4),
    spoof_fixes=st.integers(1, 3),
    times_accuracy=st.sampled_from([1.0, 1.5, 2.0]),
)


def people_of(fences_kind):
    moving = {"next_lon": east(3_000), "next_lat": LAT, "move_from": START + 4_000, "move_until": START + 9_000}
    return home(
        4, **({} if fences_kind == 0 else moving if fences_kind == 1 else {"starts": START + 999, "ends": START + 9_999})
    )


@settings(max_examples=150, deadline=None)
@given(streams, rules, st.integers(0, 2))
def test_the_kernel_tells_what_the_slow_reading_tells(stream, rule, kind):
    fences = people_of(kind)
    found = follow(States.new(4), stream, fences, rule)
    names = ("person", "time", "before", "after", "reason", "excursion")

    assert [tuple(row[name] for name in names) for row in found.to_pylist()] == Fence(fences, rule).follow(stream)


@settings(max_examples=80, deadline=None)
@given(streams, st.lists(st.integers(0, 200), max_size=6), st.integers(0, 2))
def test_any_cut_of_a_stream_gives_the_same(stream, cuts, kind):
    fences, whole, states = people_of(kind), States.new(4), States.new(4)
    expected = follow(whole, stream, fences, RULE)
    edges = [0, *sorted(min(cut, stream.num_rows) for cut in cuts), stream.num_rows]
    parts = [follow(states, stream.slice(a, b - a), fences, RULE) for a, b in itertools.pairwise(edges)]

    assert pa.concat_tables([part.replace_schema_metadata() for part in parts]).equals(expected.replace_schema_metadata())
    assert states.rows.tobytes() == whole.rows.tobytes()


@settings(max_examples=80, deadline=None)
@given(streams, st.integers(0, 200), st.integers(0, 200))
def test_a_replay_from_a_checkpoint_gives_the_rest_and_a_second_one_nothing(stream, crash, resent):
    fences = home(4)
    expected = follow(States.new(4), stream, fences, RULE)
    states = States.new(4)
    done = follow(states, stream.slice(0, crash), fences, RULE)
    restored = States.from_table(states.to_table())
    rest = follow(restored, stream.slice(min(resent, crash)), fences, RULE)

    assert restored.rows.tobytes() == follow_all(stream, fences).rows.tobytes()
    both = pa.concat_tables([done.replace_schema_metadata(), rest.replace_schema_metadata()])
    assert both.equals(expected.replace_schema_metadata())
    assert follow(restored, stream, fences, RULE).num_rows == 0


def follow_all(stream, fences):
    states = States.new(len(fences))
    follow(states, stream, fences, RULE)
    return states


@settings(max_examples=40, deadline=None)
@given(streams, st.lists(st.integers(0, 60_000), max_size=5))
def test_silence_is_told_the_same_whenever_one_looks(stream, looks):
    once, often = follow_all(stream, home(4)), follow_all(stream, home(4))
    last = START + 100_000
    expected = notice_silence(once, RULE, last)
    found = [notice_silence(often, RULE, START + look) for look in sorted(looks)] + [notice_silence(often, RULE, last)]
    rows = sorted(tuple(map(str, row.values())) for table in found for row in table.to_pylist())

    assert rows == sorted(tuple(map(str, row.values())) for row in expected.to_pylist())
    assert once.rows.tobytes() == often.rows.tobytes()
