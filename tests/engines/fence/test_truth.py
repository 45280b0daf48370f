"""Played telephones, and the fence held against what was true."""

import csv
import re
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from epipolis.engines.fence import FenceRule, Fences, States, check_positions, counts_in, follow, metres_between
from epipolis.engines.fence.following import TRANSITION
from epipolis.engines.fence.judging import judge, judge_stays
from epipolis.engines.fence.phones import DAY, EXCURSION, Habits, draw_excursions, excursions_of, phone_positions
from epipolis.engines.fence.states import INSIDE, OUTSIDE, SILENT

START = 1_700_006_400


def homes(people, seed=0):
    rng = np.random.default_rng(seed)
    return Fences.of(121.5 + rng.normal(0, 0.05, people), 25.05 + rng.normal(0, 0.05, people))


def lived(seed, people=300, days=3, **habits):
    fences = homes(people, seed)
    truth = draw_excursions(seed, fences, START, days)
    positions = phone_positions(seed, fences, truth, START, days, Habits(**habits))
    return judge(follow(States.new(people), positions, fences), truth, people * days, arrivals=positions)


def told(*rows):
    """Rows of (person, time, before, after, excursion)."""
    columns = dict(zip(("person", "time", "before", "after", "excursion"), zip(*rows, strict=True), strict=True))
    count = len(rows)
    columns |= {
        "reason": [0] * count,
        "lon": [0.0] * count,
        "lat": [0.0] * count,
        "distance": [0.0] * count,
        "accuracy": [0.0] * count,
    }
    return pa.table({name: columns[name] for name in TRANSITION.names}, TRANSITION)


def truth(*rows):
    """Rows of (person, left, crossed, recrossed, returned)."""
    columns = dict(zip(("person", "left", "crossed", "recrossed", "returned"), zip(*rows, strict=True), strict=True))
    columns |= {"lon": [0.0] * len(rows), "lat": [0.0] * len(rows), "forged": [False] * len(rows)}
    return pa.table({name: columns[name] for name in EXCURSION.names}, EXCURSION)


def test_alarms_are_counted_once_for_each_excursion():
    transitions = told(
        *[(0, 1_500, INSIDE, OUTSIDE, 1_300), (0, 1_900, OUTSIDE, SILENT, 1_900), (0, 2_000, SILENT, OUTSIDE, 1_300)],
        *[(0, 2_300, INSIDE, OUTSIDE, 2_200), (0, 9_000, INSIDE, OUTSIDE, 8_800), (1, 1_500, INSIDE, OUTSIDE, 1_400)],
    )
    found = judge(
        transitions, truth((0, 1_000, 1_100, 2_900, 3_000), (0, 5_000, 5_100, 5_200, 5_300), (1, 6_000, 6_100, 9_000, 9_100)), 2
    )

    assert (found.excursions, found.found, found.alarms, found.false_alarms, found.repeats, found.silences) == (
        2,
        1,
        4,
        2,
        1,
        1,
    )
    assert (found.delay, found.door_delay, found.recall, found.false_a_day) == (400, 500, 0.5, 1.0)


def test_without_alarms_nothing_is_found_and_nothing_is_false():
    found = judge(TRANSITION.empty_table(), truth((0, 1_000, 1_100, 2_900, 3_000)), 1)

    assert (found.recall, found.false_alarms) == (0.0, 0)
    assert np.isnan(found.delay)
    with pytest.raises(ValueError, match="person_days"):
        judge(TRANSITION.empty_table(), EXCURSION.empty_table(), 0)


def test_delays_run_to_the_arrival_of_the_fix():
    arrivals = pa.table({"person": pa.array([0, 0], pa.int32()), "time": [1_500, 1_200], "arrived": [2_800, 1_201]})
    found = judge(told((0, 1_500, INSIDE, OUTSIDE, 1_300)), truth((0, 1_000, 1_100, 2_900, 3_000)), 1, arrivals=arrivals)

    assert found.delay == 1_700


def test_the_edge_of_the_fence_is_crossed_after_the_door():
    fences = homes(1)
    home = fences.rows[0]
    one = np.array([0])
    far, near = (
        excursions_of(
            fences, one, np.array([START]), np.array([START + 7200]), np.array([home["lon"]]), np.array([home["lat"] + up])
        )
        for up in (0.005, 0.001)
    )
    row = far.to_pylist()[0]

    assert (row["crossed"] - START, START + 7200 - row["recrossed"]) == (115, 115)
    assert near["crossed"].to_pylist() == near["recrossed"].to_pylist()


def test_telephones_are_the_same_for_the_same_seed_and_arrive_in_order():
    fences = homes(20)
    out = draw_excursions(1, fences, START, 2)
    once, again, other = (phone_positions(seed, fences, out, START, 2) for seed in (1, 1, 2))
    arrived = once["arrived"].to_numpy()

    assert once.equals(again)
    assert not once.equals(other)
    assert (np.diff(arrived) >= 0).all()
    assert 20 * 2 * 288 * 0.9 < once.num_rows < 20 * 2 * 288 * 1.02
    assert check_positions(once, int(arrived[-1]), people=20)[1]


def test_careful_telephones_are_near_home_or_where_their_owners_are():
    fences = homes(30)
    out = draw_excursions(3, fences, START, 2, a_day=1.0, forged=0)
    exact = Habits(
        jitter=0, home_error=(0, 0, 0), street_error=0, cell_error=0, jumps=(0, 0, 0), nowhere=0, stale=0, wrong_clocks=0
    )
    found = phone_positions(3, fences, out, START, 2, exact)
    person, at = found["person"].to_numpy(), found["time"].to_numpy()
    home = fences.rows[person]
    away = metres_between(home["lon"], home["lat"], found["lon"].to_numpy(), found["lat"].to_numpy())
    is_out = np.zeros(at.size, bool)
    for row in out.to_pylist():
        is_out |= (person == row["person"]) & (at >= row["left"]) & (at <= row["returned"])

    assert out.num_rows > 30
    assert away[~is_out].max() < 1
    assert np.median(away[is_out]) > 250


def test_on_exact_telephones_the_fence_is_never_wrong():
    fences = homes(100)
    out = draw_excursions(5, fences, START, 3, forged=0)
    exact = Habits(
        home_error=(5, 5, 5),
        street_error=5,
        cell_error=0,
        jumps=(0, 0, 0),
        nowhere=0,
        stale=0,
        wrong_clocks=0,
        missed=0,
        dry=0,
        outages=0,
    )
    exact_phones = phone_positions(5, fences, out, START, 3, exact)
    found = judge(follow(States.new(100), exact_phones, fences), out, 300)

    assert found.excursions > 50
    assert (found.false_alarms, found.repeats) == (0, 0)
    assert found.recall > 0.99


def test_the_defaults_reach_their_figures_on_seeds_they_were_not_chosen_on():
    found = lived(4_711)

    assert found.excursions > 150
    assert found.recall >= 0.97
    assert found.false_a_day <= 0.02
    assert found.delay <= 600


def test_a_telephone_known_by_cell_alone_raises_few_false_alarms_and_finds_less():
    found = lived(12, by_cell_only=1.0)

    assert found.false_a_day <= 0.02
    assert 0.1 < found.recall < 0.9


def test_a_rule_without_patience_is_told_off_by_the_same_truth():
    fences = homes(200, 6)
    out = draw_excursions(6, fences, START, 2)
    positions = phone_positions(6, fences, out, START, 2)
    hasty = FenceRule(dwell=0, fixes=1, weak_fixes=1, times_accuracy=0.5, buffer=0)
    found = follow(States.new(200), positions, fences, hasty)

    assert judge(found, out, 400).false_a_day > 0.2
    assert counts_in(found)["repeated"] > 100


def test_stays_on_a_track_are_left_and_noticed_or_not():
    times = np.arange(0, 4 * 3600, 60)
    walked = pa.table({"time": START + times, "lon": np.where(times < 7200, 121.5, 121.51), "lat": np.full(times.size, 25.0)})
    stays = pa.table(
        {"arrived": [START, START], "left": [START + 7100, START + 3600], "lon": [121.5, 121.5055], "lat": [25.0, 25.0]}
    )
    found = judge_stays(walked, stays)

    assert (found.stays, found.left, found.found, found.false_alarms) == (2, 2, 1, 1)
    assert found.person_days == pytest.approx((7100 + 3600) / DAY)
    assert judge_stays(walked.slice(0, 124), stays.slice(0, 1)).left == 0


def test_the_stays_of_a_real_track_are_left_and_noticed(shared_data):
    folder = shared_data / "gps_geolife"
    rows = pq.read_table(folder / "geolife_sample_2users.parquet")
    rows = rows.filter(pc.equal(rows["uid"], 1))
    at = pc.strptime(rows["datetime"].cast("string"), "%Y-%m-%d %H:%M:%S", "s").cast("int64")
    walked = pa.table({"time": at, "lon": rows["lng"], "lat": rows["lat"]}).sort_by("time")
    with (folder / "trackintel_geolife_user0_staypoints_expected.csv").open() as file:
        known = [row for row in csv.DictReader(file) if row["user_id"] == "1.0"]
    places = [tuple(map(float, re.findall(r"[\d.]+", row["geom"]))) for row in known]
    seconds = {
        name: [int(datetime.fromisoformat(row[column]).replace(tzinfo=UTC).timestamp()) for row in known]
        for name, column in {"arrived": "started_at", "left": "finished_at"}.items()
    }
    found = judge_stays(walked, pa.table(seconds | {"lon": [lon for lon, _ in places], "lat": [lat for _, lat in places]}))

    assert (found.stays, found.left) == (40, 37)
    assert found.recall >= 0.95
    assert found.false_a_day <= 0.05
