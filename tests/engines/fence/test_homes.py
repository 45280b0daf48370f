"""Stays and homes, in made tracks and in real ones."""

import csv
import re
from datetime import UTC, datetime

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from epipolis.engines.fence import metres_between
from epipolis.engines.fence.homes import find_home, night_seconds, stay_points
from tests.engines.fence.tracks import LAT, east

MIDNIGHT = 1_699_977_600  # 2023-11-14 16:00 UTC, midnight in Taipei
HOUR = 3600


def track(*parts):
    """(from hour, to hour, metres east) → a fix a minute."""
    at = [MIDNIGHT + np.arange(a * HOUR, b * HOUR, 60) for a, b, _ in parts]
    lon = [np.full(len(times), east(metres)) for times, (_, _, metres) in zip(at, parts, strict=True)]
    return np.concatenate(at), np.concatenate(lon), np.full(sum(map(len, at)), LAT)


def test_stays_are_where_somebody_stays():
    rng = np.random.default_rng(1)
    at, lon, lat = track((0, 8, 0), (9, 17, 5_000), (18, 24, 0))
    noise = rng.normal(0, 0.0001, (2, at.size))
    stays = stay_points(at, lon + noise[0], lat + noise[1])

    assert [(row["arrived"] - MIDNIGHT, row["left"] - MIDNIGHT) for row in stays.to_pylist()] == [
        (0, 8 * HOUR - 60),
        (9 * HOUR, 17 * HOUR - 60),
        (18 * HOUR, 24 * HOUR - 60),
    ]
    assert metres_between(stays["lon"][1].as_py(), stays["lat"][1].as_py(), east(5_000), LAT) < 5


def test_a_pause_at_the_same_place_is_a_stay_and_too_long_a_one_is_not():
    at, lon, lat = np.array([0, 8 * HOUR]) + MIDNIGHT, np.full(2, east(0)), np.full(2, LAT)

    assert stay_points(at, lon, lat).num_rows == 1
    assert stay_points(at, lon, lat, gap=HOUR).num_rows == 0


def test_the_order_of_the_track_and_bad_fixes_do_not_matter():
    at, lon, lat = track((0, 3, 0), (5, 6, 900))
    shuffled = np.random.default_rng(1).permutation(at.size)
    bad = np.append(at, MIDNIGHT + 30), np.append(lon, 0.0), np.append(lat, 0.0)

    assert stay_points(at[shuffled], lon[shuffled], lat[shuffled]).equals(stay_points(at, lon, lat))
    assert stay_points(*bad).equals(stay_points(at, lon, lat))
    with pytest.raises(ValueError, match="one length"):
        stay_points(at, lon, lat[:3])


def test_home_is_where_the_nights_are():
    at, lon, lat = track((0, 5, 0), (7, 22, 5_000), (23, 24, 0))
    home = find_home(stay_points(at, lon, lat), utc_offset=8 * HOUR)

    assert metres_between(home.lon, home.lat, east(0), LAT) < 1
    assert home.night_seconds == home.seconds == 6 * HOUR - 120
    assert home.share == pytest.approx(1)
    assert home.days == 1


def test_without_nights_home_is_where_most_time_is():
    home = find_home(stay_points(*track((8, 10, 0), (11, 15, 5_000))))

    assert metres_between(home.lon, home.lat, east(5_000), LAT) < 1
    assert (home.night_seconds, home.share) == (0, pytest.approx(4 / 6, abs=0.01))
    assert find_home(stay_points([], [], [])) is None


@pytest.mark.parametrize(
    ("a", "b", "hours"), [(0, 24, 8), (5, 7, 1), (21, 23, 1), (22, 30, 8), (7, 20, 0), (0, 48, 16), (23, 23, 0)]
)
def test_hours_of_the_night(a, b, hours):
    assert night_seconds([a * HOUR], [b * HOUR])[0] == hours * HOUR


def test_the_stays_that_another_library_found_are_found(shared_data):
    folder = shared_data / "gps_geolife"
    rows = pq.read_table(folder / "geolife_sample_2users.parquet")
    rows = rows.filter(pc.equal(rows["uid"], 1))
    at = pc.strptime(rows["datetime"].cast("string"), "%Y-%m-%d %H:%M:%S", "s").cast("int64").to_numpy()
    stays = stay_points(at, rows["lng"].to_numpy(), rows["lat"].to_numpy(), roam=60, least=300)
    with (folder / "trackintel_geolife_user0_staypoints_expected.csv").open() as file:
        expected = [row for row in csv.DictReader(file) if row["user_id"] == "1.0" and row["is_activity"] == "True"]
    arrived, left = stays["arrived"].to_numpy(), stays["left"].to_numpy()
    found = 0
    for row in expected:
        first, last = (
            int(datetime.fromisoformat(row[name]).replace(tzinfo=UTC).timestamp()) for name in ("started_at", "finished_at")
        )
        lon, lat = map(float, re.findall(r"[\d.]+", row["geom"]))
        shared = np.minimum(left, last) - np.maximum(arrived, first)
        near = metres_between(lon, lat, stays["lon"].to_numpy(), stays["lat"].to_numpy()) < 100
        found += bool((near & (shared > 0.5 * (last - first))).any())

    assert len(expected) == 14
    assert found == 14
