"""What the fence decides, position by position."""

import numpy as np
import pyarrow as pa
import pytest

from epipolis.engines.fence import FenceRule, Fences, States, counts_in, excuse, follow, is_open, never_heard, notice_silence
from tests.engines.fence.tracks import LAT, LON, RULE, START, east, home, table, walk, words


def test_who_leaves_and_returns_is_outside_once():
    track = [(0, 5), (300, 10), (600, 900), (900, 950), (1200, 900), (1500, 8), (1800, 5)]

    assert walk(track) == [
        (0, "unknown", "inside"),
        (600, "inside", "uncertain"),
        (900, "uncertain", "outside"),
        (1800, "outside", "inside"),
    ]


def test_a_single_jump_is_no_excursion():
    assert walk([(0, 5), (300, 900), (600, 5)]) == [
        (0, "unknown", "inside"),
        (300, "inside", "uncertain"),
        (600, "uncertain", "inside"),
    ]


def test_a_fix_is_outside_only_beyond_its_error():
    assert walk([(0, 5), (300, 300, 140), (600, 300, 140)]) == [(0, "unknown", "inside")]
    assert walk([(0, 5), (300, 300, 20), (600, 300, 20)])[-1] == (600, "uncertain", "outside")


def test_somebody_never_seen_inside_is_told_too():
    assert walk([(0, 900), (300, 900)]) == [(0, "unknown", "uncertain"), (300, "uncertain", "outside")]


def test_many_fixes_in_a_minute_wait_for_the_dwell():
    assert walk([(0, 5), *((60 + i, 900) for i in range(60))]) == [(0, "unknown", "inside"), (60, "inside", "uncertain")]


def test_unsure_fixes_prove_less():
    track = [(0, 5), *((300 * i, 900) for i in range(1, 6))]

    assert walk(track, source=[1] * 6) == [
        (0, "unknown", "inside"),
        (300, "inside", "uncertain"),
        (1500, "uncertain", "outside"),
    ]
    assert walk(track[:4], source=[1, 1, 0, 1])[-1] == (600, "uncertain", "outside")
    assert walk([(0, 5), (300, 900, 60), (600, 900, 60)])[-1] == (300, "inside", "uncertain")


def test_positions_by_cell_have_a_wider_fence():
    near = [(0, 5), *((300 * i, 780, 300) for i in range(1, 9))]
    far = [(0, 5), *((300 * i, 820, 300) for i in range(1, 9))]

    assert walk(near, source=[0] + [2] * 8) == [(0, "unknown", "inside"), (900, "inside", "uncertain")]
    assert walk(far, source=[0] + [2] * 8)[-1] == (1500, "uncertain", "outside")


def test_an_error_wider_than_the_fence_cannot_say_that_somebody_is_inside():
    assert walk([(0, 5, 600)]) == [(0, "unknown", "uncertain")]


def test_an_accuracy_that_says_nothing_only_tells_that_the_telephone_lives():
    states = States.new(1)
    found = follow(states, table([(0, 5), (300, 9_000, 5_000), (600, 9_000, 5_000)]), home(), RULE)

    assert words(found) == [(0, "unknown", "inside")]
    assert counts_in(found)["says_nothing"] == 2
    assert states.rows["time"][0] == START + 600


def test_an_impossible_speed_is_one_doubtful_fix():
    found = follow(States.new(1), table([(0, 5), (300, 90_000), (600, 6)]), home(), RULE)

    assert words(found) == [(0, "unknown", "inside")]
    assert counts_in(found)["doubtful"] == 1


def test_a_second_fix_that_bears_out_a_doubtful_one_is_believed():
    assert walk([(0, 5), (300, 90_000), (600, 90_000), (900, 90_000)])[-1] == (900, "uncertain", "outside")


def test_positions_that_jump_again_and_again_are_told_as_perhaps_forged():
    track = [(300 * i, 0 if i % 2 == 0 else 90_000 * i) for i in range(9)]

    assert walk(track) == [(0, "unknown", "inside"), (1500, "inside", "inside", "spoofed")]


def test_older_repeated_and_unknown_rows_change_nothing():
    states = States.new(1)
    first = follow(states, table([(0, 5), (600, 5)]), home(), RULE)
    kept = states.copy()
    second = follow(states, table([(0, 900), (300, 900), (600, 900)]), home(), RULE)
    third = follow(states, table([(900, 900)], person=7), home(), RULE)

    assert first.num_rows == 1
    assert second.num_rows == third.num_rows == 0
    assert {name: count for name, count in counts_in(second).items() if count} == {"repeated": 1, "older": 2}
    assert counts_in(third)["nobody"] == 1
    assert states.rows.tobytes() == kept.rows.tobytes()


def test_fixes_from_the_future_are_not_taken():
    states = States.new(1)
    found = follow(states, table([(0, 5), (100, 5), (86_400, 900)]), home(), RULE, now=START)

    assert counts_in(found)["future"] == 1
    assert states.rows["time"][0] == START + 100


def test_a_replay_goes_by_the_clock_of_who_received():
    rows = table([(0, 5), (86_400, 5), (300, 5)]).append_column("arrived", pa.array([START + 1, START + 299, START + 301]))
    states = States.new(1)

    assert counts_in(follow(states, rows, home(), RULE))["future"] == 1
    assert states.rows["time"][0] == START + 300


def test_fixes_outside_long_ago_do_not_count():
    track = [(0, 5), (300, 900), (600, 170), (900, 170), (1200, 170), (1500, 900), (1800, 170)]

    assert walk(track)[-1] == (300, "inside", "uncertain")
    assert walk([*track, (2100, 900)])[-1] == (2100, "uncertain", "outside")


@pytest.mark.parametrize(("lon", "lat"), [(0.0, 0.0), (np.inf, 25.0), (500.0, 25.0), (121.5, np.nan), (121.5, -91.0)])
def test_no_place_on_the_globe_is_a_word_without_a_place(lon, lat):
    states = States.new(1)
    follow(states, table([(0, 5)]), home(), RULE)
    bad = table([(300, 0)]).set_column(2, "lon", pa.array([lon])).set_column(3, "lat", pa.array([lat]))
    found = follow(states, bad, home(), RULE)

    assert found.num_rows == 0
    assert counts_in(found)["impossible"] == 1
    assert (states.rows["lon"][0], states.rows["time"][0]) == (east(5), START + 300)


def test_an_accuracy_that_is_not_said_is_taken_to_be_fifty_metres():
    unsaid = RULE.radius + RULE.buffer + RULE.unsaid_accuracy * RULE.times_accuracy

    assert walk([(0, 5), (300, unsaid - 5, np.nan), (600, unsaid - 5, 0)]) == [(0, "unknown", "inside")]
    assert walk([(0, 5), (300, unsaid + 5, np.nan)])[-1] == (300, "inside", "uncertain")


def test_an_order_counts_from_its_first_second_to_before_its_last():
    fences = home(starts=START + 300, ends=START + 1200)
    found = follow(States.new(1), table([(0, 900), (300, 900), (600, 900), (1200, 900)]), fences, RULE)

    assert words(found) == [(300, "unknown", "uncertain"), (600, "uncertain", "outside")]
    assert counts_in(found)["not_ordered"] == 2


def test_who_moves_to_a_facility_may_be_at_either_and_on_the_way():
    fences = home(next_lon=east(20_000), next_lat=LAT, move_from=START + 600, move_until=START + 3600)
    way = [(0, 5), (600, 5), (900, 4_000), (1200, 9_000), (1500, 14_000), (2400, 20_000), (3600, 20_000), (7200, 20_000)]

    assert walk(way, fences) == [(0, "unknown", "inside"), (1500, "inside", "uncertain"), (2400, "uncertain", "inside")]
    assert walk([*way[:6], (3600, 0), (3900, 0), (4200, 0)], fences)[-1] == (3900, "uncertain", "outside")


def test_the_date_line_is_no_distance():
    fences = Fences.of([179.9999], [-17.0])
    near = table([(0, 0)]).set_column(2, "lon", pa.array([-179.9999])).set_column(3, "lat", pa.array([-17.0]))

    assert words(follow(States.new(1), near, fences, RULE)) == [(0, "unknown", "inside")]


def test_silence_is_told_once_from_when_it_became_too_long():
    states = States.new(1)
    follow(states, table([(0, 5)]), home(), RULE)

    assert notice_silence(states, RULE, START + 1800).num_rows == 0
    found = notice_silence(states, RULE, START + 9_999)
    assert words(found) == [(1800, "inside", "silent", "silence")]
    assert found["excursion"].to_pylist() == [START]
    assert notice_silence(states, RULE, START + 99_999).num_rows == 0


def test_a_battery_that_was_nearly_empty_and_not_charging_means_off():
    for battery, charging, told in ((0.03, False, "off"), (0.03, None, "off"), (0.03, True, "silent"), (0.5, False, "silent")):
        states = States.new(1)
        follow(states, table([(0, 5)], battery=[battery], charging=[charging]), home(), RULE)
        assert words(notice_silence(states, RULE, START + 9_999)) == [(1800, "inside", told, "silence")]


def test_quiet_people_are_not_told_as_silent():
    states = States.new(2)
    follow(states, pa.concat_tables([table([(0, 5)]), table([(0, 5)], person=1)]), home(2), RULE)

    assert notice_silence(states, RULE, START + 9_999, quiet=True).num_rows == 0
    assert notice_silence(states, RULE, START + 9_999, np.array([True, False]))["person"].to_pylist() == [1]


def test_a_telephone_never_heard_is_silent_from_the_start_of_the_order_on():
    fences = home(3, starts=[START, START, START], ends=[START + 10**6, START + 500, START + 10**6])
    states = States.new(3)
    follow(states, table([(1500, 5)], person=2), fences, RULE)
    found = notice_silence(states, RULE, START + 3_000, fences=fences)

    assert words(found) == [(1800, "unknown", "silent", "silence")]
    assert found["person"].to_pylist() == [0]
    assert never_heard(States.new(2)).tolist() == [True, True]


def test_one_excursion_stays_one_through_silence():
    states = States.new(1)
    first = follow(states, table([(0, 5), (300, 900), (600, 900)]), home(), RULE)
    silent = notice_silence(states, RULE, START + 9_000)
    assert is_open(states).tolist() == [True]
    again = follow(states, table([(9_000, 900), (9_300, 5), (9_600, 5)]), home(), RULE)

    assert words(silent) == [(2_400, "outside", "silent", "silence")]
    assert words(again) == [(9_000, "silent", "outside"), (9_600, "outside", "inside")]
    assert {first["excursion"][-1].as_py(), *again["excursion"].to_pylist()} == {START + 300}
    assert is_open(states).tolist() == [False]


def test_a_silent_telephone_that_is_heard_again_without_a_place_is_uncertain():
    states = States.new(1)
    follow(states, table([(0, 5)]), home(), RULE)
    notice_silence(states, RULE, START + 9_000)
    word = (
        table([(9_000, 0)])
        .set_column(2, "lon", pa.array([None], pa.float64()))
        .set_column(3, "lat", pa.array([None], pa.float64()))
    )

    assert words(follow(states, word, home(), RULE)) == [(9_000, "silent", "uncertain")]


def test_a_column_that_is_missing_is_named():
    with pytest.raises(ValueError, match=r"positions\.lat: the column is missing"):
        follow(States.new(1), table([(0, 5)]).drop_columns(["lat"]), home(), RULE)
    with pytest.raises(ValueError, match="2 states, but 1 fences"):
        follow(States.new(2), table([(0, 5)]), home(), RULE)


def test_rules_out_of_range_are_named():
    for field, value in {
        "fixes": 0,
        "radius": 0,
        "dwell": -1,
        "off_battery": 2,
        "weak_fixes": 1,
        "most_speed": float("nan"),
    }.items():
        with pytest.raises(ValueError, match=field):
            FenceRule(**{field: value})


def test_home_in_two_threads_is_home_in_one():
    rng = np.random.default_rng(3)
    rows, people = 60_000, 500
    many = pa.table(
        {
            "person": pa.array(rng.integers(0, people, rows).astype(np.int32)),
            "time": pa.array(START + np.arange(rows) * 3),
            "lon": pa.array(LON + rng.normal(0, 0.003, rows)),
            "lat": pa.array(LAT + rng.normal(0, 0.001, rows)),
            "accuracy": pa.array(rng.uniform(5, 80, rows).astype(np.float32)),
        }
    )
    tables, saved = [], []
    for threads in (1, 2, 3):
        states = States.new(people)
        tables.append(follow(states, many, home(people), RULE, threads=threads))
        saved.append(states.rows.tobytes())

    assert tables[0].num_rows > 5_000
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert len(set(saved)) == 1


def test_who_is_elsewhere_as_was_agreed_is_on_no_excursion_until_the_time_is_over():
    track = [(0, 5), *((300 * i, 900) for i in range(1, 8))]

    assert walk(track, excused=[False, *[True] * 5, False, False]) == [
        (0, "unknown", "inside"),
        (900, "inside", "uncertain"),
        (2100, "uncertain", "outside"),
    ]
    assert walk(track, excused=[True] * 8)[-1] == (900, "inside", "uncertain")


def test_who_left_before_the_time_that_was_agreed_is_on_an_excursion():
    track = [(0, 5), (300, 900), (600, 900), (900, 900), (1200, 5), (1500, 5), (1800, 900), (2100, 900)]

    assert walk(track, excused=[False, False, *[True] * 6]) == [
        (0, "unknown", "inside"),
        (300, "inside", "uncertain"),
        (600, "uncertain", "outside"),
        (1500, "outside", "inside"),
    ]


def test_what_was_agreed_after_somebody_left_ends_their_excursion_once():
    states = States.new(1)
    follow(states, table([(0, 5), (300, 900), (600, 900)]), home(), RULE)
    left = START + 300

    assert excuse(states, 0, left + 1, left + 3_600, left + 400).num_rows == 0  # it began before
    assert excuse(states, 0, left, left + 3_600, left + 3_600).num_rows == 0  # it is over already
    found = excuse(states, 0, left, left + 3_600, left + 400)
    assert words(found) == [(700, "outside", "uncertain", "agreed")]
    assert found["excursion"].to_pylist() == [left]
    assert excuse(states, 0, left, left + 3_600, left + 400).num_rows == 0
    after = follow(states, table([(900, 900), (4_000, 900), (4_300, 900)], excused=[True, False, False]), home(), RULE)
    assert words(after) == [(4_300, "uncertain", "outside")]


def test_fixes_outside_that_prove_nothing_yet_are_forgotten_when_it_is_agreed():
    states = States.new(1)
    follow(states, table([(0, 5), (300, 900)]), home(), RULE)

    assert excuse(states, 0, START + 200, START + 900, START + 400).num_rows == 0
    assert states.rows["outside"][0] == 0
