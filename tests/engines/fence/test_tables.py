"""Tables in and out: checked positions, fences and checkpoints, each mistake by its row, field and rule."""

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.fence import FenceRule, Fences, States, check_positions, counts_in, follow, notice_silence
from epipolis.engines.fence.fences import metres_between
from tests.engines.fence.tracks import RULE, START, home, random_positions, table


def changed(name, value, kind=None):
    rows = table([(0, 5), (60, 5)], battery=[0.5, 0.5], source=[0, 0])
    number = rows.column_names.index(name)
    return rows.set_column(number, name, pa.array([rows[name][0].as_py(), value], kind or rows.schema.field(name).type))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("person", -1, "person under order"),
        ("person", 2, "person under order"),
        ("person", None, "person under order"),
        ("time", START + 10**6, "from the future"),
        ("time", 17, "between 2000 and 2200"),
        ("time", None, "between 2000 and 2200"),
        ("lon", 181.0, "longitude"),
        ("lat", -90.5, "latitude"),
        ("lat", None, "latitude"),
        ("lat", float("inf"), "latitude"),
        ("accuracy", -3.0, "negative"),
        ("accuracy", float("inf"), "negative or infinite"),
        ("battery", 57.0, "share"),
        ("source", 9, "0 to 3"),
    ],
)
def test_a_bad_row_is_told_and_the_others_are_kept(field, value, words):
    good, problems = check_positions(changed(field, value), START + 600, RULE, people=2)

    assert good["time"].to_pylist() == [START]
    assert [(problem.row, problem.field) for problem in problems] == [(1, field)]
    assert words in problems[0].rule


def test_null_island_is_told():
    rows = changed("lon", 0.0).set_column(3, "lat", pa.array([25.0, 0.0]))

    assert [(problem.row, problem.rule[:4]) for problem in check_positions(rows, START + 600)[1]] == [(1, "0, 0")]


def test_a_word_without_a_place_and_without_accuracy_is_good():
    rows = table([(0, 5)]).set_column(2, "lon", pa.array([None], pa.float64())).set_column(3, "lat", pa.array([np.nan]))
    rows = rows.set_column(4, "accuracy", pa.array([None], pa.float32()))

    assert check_positions(rows, START)[1] == []


def test_timestamps_with_a_zone_are_seconds():
    stamped = table([(0, 5)]).set_column(1, "time", pa.array([START * 1000 + 999], pa.timestamp("ms", "Asia/Taipei")))

    assert check_positions(stamped, START)[0]["time"].to_pylist() == [START]
    with pytest.raises(ValueError, match="time zone"):
        check_positions(stamped.set_column(1, "time", pa.array([0], pa.timestamp("s"))), START)


def test_columns_of_another_type_are_named():
    with pytest.raises(ValueError, match=r"positions\.lon: must be double, not string"):
        check_positions(table([(0, 5)]).set_column(2, "lon", pa.array(["far"])), START)


def test_a_checkpoint_is_restored_exactly():
    states = States.new(4)
    follow(states, random_positions(5, 4, 150), home(4), RULE)
    saved = states.to_table()

    assert States.from_table(saved).rows.tobytes() == states.rows.tobytes()
    assert sum(states.counts().values()) == 4


def test_a_checkpoint_of_another_kind_is_refused():
    saved = States.new(2).to_table()
    with pytest.raises(ValueError, match="another version"):
        States.from_table(saved.replace_schema_metadata({b"fence states": b"0"}))
    with pytest.raises(ValueError, match=r"states\.battery: the column is missing"):
        States.from_table(saved.drop_columns(["battery"]))
    state = saved.column_names.index("state")
    with pytest.raises(ValueError, match="row 1, state: there is no state 9"):
        States.from_table(saved.set_column(state, "state", pa.array([0, 9], pa.uint8())))


def test_new_people_come_behind_and_one_can_be_forgotten():
    states = States.new(1)
    follow(states, table([(0, 5)]), home(), RULE)
    more = states.grown(3)

    assert more.counts() == {"unknown": 2, "inside": 1, "uncertain": 0, "outside": 0, "silent": 0, "off": 0}
    more.reset(0)
    assert more.rows.tobytes() == States.new(3).rows.tobytes()
    with pytest.raises(ValueError, match="cannot shrink"):
        more.grown(2)


def test_fences_are_read_back_as_they_were():
    fences = home(
        2,
        starts=[1, 2],
        ends=[5, 6],
        next_lon=[121.6, np.nan],
        next_lat=[25.1, np.nan],
        move_from=[2, 2**62],
        move_until=[3, 2**62],
    )

    assert Fences.from_table(fences.to_table()).rows.tobytes() == fences.rows.tobytes()
    assert fences.rows["next_radius"][0] == fences.rows["radius"][0]


@pytest.mark.parametrize(
    ("field", "columns"),
    [
        ("row 1, lon", {"lon": [121.0, np.nan]}),
        ("row 0, lat", {"lat": [91.0, 25.0]}),
        ("row 1, lon: 0, 0", {"lon": [121.0, 0.0], "lat": [25.0, 0.0]}),
        ("row 1, radius", {"radius": [100.0, 0.0]}),
        ("row 0, ends", {"starts": 10, "ends": 10}),
        ("row 0, next_lon", {"move_from": 5, "move_until": 9}),
        ("row 0, move_until", {"move_from": 5, "next_lon": 121.0, "next_lat": 25.0}),
        ("fences.radius", {"radius": [1.0, 2.0, 3.0]}),
    ],
)
def test_a_fence_that_cannot_be_is_named(field, columns):
    with pytest.raises(ValueError, match=field):
        Fences.of(**({"lon": [121.0, 121.0], "lat": [25.0, 25.0]} | columns))


def test_a_fence_without_a_radius_is_refused():
    with pytest.raises(ValueError, match=r"fences\.radius: the column is missing"):
        Fences.from_table(pa.table({"lon": [121.0], "lat": [25.0]}))


def test_a_degree_of_the_meridian_is_111_kilometres():
    assert metres_between(121, 25, 121, 26) == pytest.approx(111_195.08, abs=0.1)
    assert metres_between(179.5, 0, -179.5, 0) == pytest.approx(111_195.08, abs=0.1)
    assert FenceRule().radius == 100


def test_nobody_and_nothing_are_no_mistake():
    nobody = Fences.of([], [])

    assert follow(States.new(0), table([]), nobody).num_rows == 0
    assert counts_in(follow(States.new(0), table([(0, 5)]), nobody))["nobody"] == 1
    assert notice_silence(States.new(0), RULE, START, fences=nobody).num_rows == 0
    assert check_positions(table([]), START) == (table([]), [])


def test_a_row_begins_with_a_line_of_the_cache():
    for rows, hot in ((States.new(3).grown(5).rows, "charging"), (home(3).rows, "move_until")):
        kind, offset = rows.dtype.fields[hot][:2]
        assert (rows.ctypes.data % 64, rows.dtype.itemsize, offset + kind.itemsize) == (0, 128, 64)
