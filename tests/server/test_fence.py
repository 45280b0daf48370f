"""`epipolis fence replay`: recorded tracks, homes found, and one sentence for what is wrong."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from epipolis.server.commands import fence_truth
from epipolis.server.commands.fence import fence
from tests.server.commands import runner

START = datetime(2026, 1, 5, 16, tzinfo=UTC)


@pytest.fixture
def run():
    return runner(fence)


@pytest.fixture
def track(tmp_path):
    """A night at home, a walk of an hour and a half, home again; a fix in two minutes."""
    lines = ["uid,datetime,lat,lng"]
    for step in range(12 * 30):
        at = START + timedelta(minutes=2 * step)
        lon = 121.51 if 250 <= step < 295 else 121.5
        lines.append(f"amy,{at:%Y-%m-%d %H:%M:%S},25.0,{lon}")
    path = tmp_path / "tracks.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_track_is_replayed_around_the_home_it_shows(run, track):
    told = json.loads(run("replay", track, "--json").stdout)
    left = [row for row in told["transitions"] if row["after"] == "outside"]

    assert told["people"][0] | {"counts": None} == {
        **{"person": "amy", "fixes": 360, "not_usable": 0, "days": 0.5, "home_lon": 121.5, "home_lat": 25.0, "nights": 1.0},
        **{"days_home": 1, "left": 1, "inside": 0.875, "counts": None},
    }
    assert [(row["time"], row["excursion"]) for row in left] == [("2026-01-06T00:24:00+00:00", "2026-01-06T00:20:00+00:00")]


def test_the_tables_are_readable(run, track):
    shown = run("replay", track).stdout

    assert "homes found and fenced" in shown
    assert "2026-01-06 00:24:00" in shown


def test_known_stays_are_fenced_and_judged(run, track, tmp_path):
    stays = tmp_path / "stays.csv"
    stays.write_text("user_id,started_at,finished_at,geom\namy,2026-01-05 16:00:00,2026-01-06 00:18:00,POINT (121.5 25.0)\n")
    told = json.loads(run("replay", track, "--stays", stays, "--json").stdout)["stays"]

    assert [(row["stays"], row["left"], row["found"], row["false_alarms"]) for row in told] == [(1, 1, 1, 0)]
    assert "false_a_day" in run("replay", track, "--stays", stays).stdout


def test_every_transition_can_be_written(run, track, tmp_path):
    out = tmp_path / "out.parquet"
    run("replay", track, "--out", out)

    assert pq.read_table(out)["after"].to_pylist() == ["inside", "uncertain", "outside", "inside"]


def test_a_sparing_telephone_tells_later(run, track):
    told = json.loads(run("replay", track, "--every", 600, "--json").stdout)

    assert told["people"][0]["fixes"] == 72
    assert [row["time"] for row in told["transitions"] if row["after"] == "outside"] == ["2026-01-06T00:30:00+00:00"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("uid,lat,lng\na,25,121", "no column for the time was found"),
        ("uid,datetime,lat,lng\na,soon,25,121", "datetime: is not a time"),
        ("uid,datetime,lat,lng,source\na,2026-01-05 16:00:00,25,121,pigeon", "row 1, source: 'pigeon' is not one of"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(run, tmp_path, text, words):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    result = run("replay", path)

    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_a_track_without_a_stay_has_no_home(run, tmp_path):
    path = tmp_path / "walk.csv"
    path.write_text("uid,datetime,lat,lng\na,2026-01-05T16:00:00Z,25,121\na,2026-01-05T16:10:00Z,25.1,121\n")
    told = json.loads(run("replay", path, "--json").stdout)

    assert told["people"][0]["home_lon"] is None
    assert told["transitions"] == []


def test_the_truth_test_is_a_table_of_the_guide(run):
    told = json.loads(run("truth", "--people", 20, "--days", 1, "--json").stdout)
    shown = fence_truth.as_markdown(
        [row | {"found": row["found"] or 0.0, "delay_minutes": 1.0, "nine_in_ten_minutes": 2.0} for row in told]
    )

    assert [row["telephones"] for row in told] == list(fence_truth.KINDS)
    assert told[0]["excursions"] > 0
    assert told[-1]["found"] == 0
    assert shown.splitlines()[-1].endswith("| 1.0 min | 2.0 min |")


def test_replaying_nothing_is_one_sentence(run):
    result = run("replay")

    assert (result.exit_code, "name a file" in result.stderr) == (2, True)


def test_real_tracks_are_replayed(run, shared_data):
    folder = shared_data / "gps_geolife"
    stays = folder / "trackintel_geolife_user0_staypoints_expected.csv"
    told = json.loads(run("replay", folder / "geolife_sample_2users.parquet", "--stays", stays, "--json").stdout)

    assert [row["person"] for row in told["people"]] == ["1", "5"]
    assert min(row["days_home"] for row in told["people"]) > 25
    assert [(row["stays"], row["recall"], row["false_a_day"]) for row in told["stays"]] == [(40, 1.0, 0.0)]
